/** Channel stock routes of the sweep, and a connected shop with listings for them. */
import { putListings } from '../../commands/channels/change-listings';
import { listingsSchema } from '../../contracts/channel-stock';
import type { Database } from '../../db/client';
import { rowsOf } from '../support/floor-steps';
import type { SeededMerchant } from '../support/merchant';

export const CHANNEL_THINGS = ['shopConnectionId', 'listingId', 'listingToDelete'] as const;
export type ChannelWorld = Readonly<Record<(typeof CHANNEL_THINGS)[number] | 'sku', string>>;

export const CHANNEL_ROUTES: Readonly<
  Record<string, (w: ChannelWorld) => { readonly path: string; readonly body?: unknown }>
> = {
  streamStock: (w) => ({ path: `/v1/stock/stream?sku=${w.sku}&seconds=0` }),
  listChannelListings: (w) => ({ path: `/v1/channel-listings?sku=${w.sku}&parked=false` }),
  saveChannelListings: (w) => ({
    path: '/v1/channel-listings',
    body: { connectionId: w.shopConnectionId, listings: [{ externalItemId: 'item-new', sku: w.sku }] },
  }),
  updateChannelListing: (w) => ({ path: `/v1/channel-listings/${w.listingId}`, body: { paused: true } }),
  deleteChannelListing: (w) => ({ path: `/v1/channel-listings/${w.listingToDelete}` }),
  listChannelStock: () => ({ path: '/v1/channel-stock' }),
  updateChannelStock: (w) => ({ path: `/v1/channel-stock/${w.shopConnectionId}`, body: { buffer: 1 } }),
  reconcileChannelStock: (w) => ({ path: `/v1/channel-stock/${w.shopConnectionId}/reconcile` }),
  listChannelDrift: (w) => ({ path: `/v1/channel-drift?connectionId=${w.shopConnectionId}` }),
};

/** A connection to a shop that nobody pushes to, with two listings of the SKU. */
export async function makeChannelWorld(database: Database, merchant: SeededMerchant, sku: string) {
  const [connection] = await rowsOf<{ id: string }>(
    database,
    merchant,
    `insert into channel_connection (id, merchant_id, channel, name, base_url)
     values (gen_random_uuid(), $1, 'generic', 'Demo shop', 'http://127.0.0.1:1/events') returning id`,
    [merchant.merchantId],
  );
  const shopConnectionId = connection?.id as string;
  const listings = listingsSchema.parse({
    connectionId: shopConnectionId,
    listings: ['item-1', 'item-2'].map((externalItemId) => ({ externalItemId, sku })),
  });
  const saved = await database.withMerchants([merchant.merchantId], (tx) =>
    putListings(tx, merchant.merchantId, listings, { actor: 'test', requestId: 'test' }),
  );
  const idOf = (item: string) => saved.find((one) => one.externalItemId === item)?.id as string;
  return { shopConnectionId, listingId: idOf('item-1'), listingToDelete: idOf('item-2') };
}
