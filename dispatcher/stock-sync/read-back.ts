/**
 * Asks a channel what it has of every listing and compares it with what we believe: what differs is
 * recorded as drift, believed from now on, and mended by the next push. It runs in the pusher's own turns,
 * page by page, so no push of ours is under way while a page is read; listings that wait for a push are
 * left to it.
 */
import { uuidv7 } from 'uuidv7';
import {
  insertDrift,
  type ListingToPush,
  listingIdsAfter,
  readListings,
  recordFound,
} from '../../db/channel-listing.repo';
import { recordReconcile } from '../../db/channel-sync.repo';
import { Failure } from '../../domain/failure-types';
import { channelQuantity, looksSold, ORDER_ARRIVES_MS } from '../../domain/stock/channel-quantity';
import { stockDrift } from '../dispatch-metrics';
import type { PushTarget } from './push-quantities';
import { parkWithException } from './sync-exceptions';

/** What one look at a channel has come to so far. */
export interface ReadBack {
  readonly after: string | null;
  readonly listings: number;
  readonly drift: number;
}

export interface ReadBackPage {
  readonly called: boolean;
  readonly failure: Failure | null;
  /** Listings that the channel has otherwise than we believed. */
  readonly differing: readonly string[];
  /** null when it is complete. */
  readonly next: ReadBack | null;
}

export const startReadBack = (): ReadBack => ({ after: null, listings: 0, drift: 0 });

/** @param busy listings whose quantity is about to change. */
export async function readBackPage(
  target: PushTarget & { readonly quantitiesPerCall: number },
  readBack: ReadBack,
  busy: ReadonlySet<string>,
): Promise<ReadBackPage> {
  const { database, merchantId, connectionId, connector, account, quantitiesPerCall } = target;
  const { ids, listings } = await database.withMerchants([merchantId], async (tx) => {
    const page = await listingIdsAfter(tx, merchantId, connectionId, readBack.after, quantitiesPerCall);
    return {
      ids: page,
      listings: await readListings(
        tx,
        merchantId,
        page.filter((id) => !busy.has(id)),
      ),
    };
  });
  const last = ids.length < quantitiesPerCall;
  // One that was never told of anything has nothing to drift from.
  const told = listings.filter(({ believed }) => believed !== null);
  let answers: Awaited<ReturnType<typeof connector.readQuantities>> = [];
  if (told.length > 0) {
    try {
      const items = told.map(({ externalItemId, externalLocationId }) => ({
        externalInventoryItemId: externalItemId,
        externalLocationId,
      }));
      answers = await connector.readQuantities(account, items);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return { called: true, failure: error, differing: [], next: readBack };
    }
  }
  const differing = await settle(target, told, answers);
  const sum = {
    after: ids.at(-1) ?? readBack.after,
    listings: readBack.listings + told.length,
    drift: readBack.drift + differing.length,
  };
  if (last)
    await database.withMerchants([merchantId], (tx) => recordReconcile(tx, merchantId, connectionId, sum));
  return { called: told.length > 0, failure: null, differing, next: last ? null : sum };
}

async function settle(
  target: PushTarget,
  listings: readonly ListingToPush[],
  answers: Awaited<ReturnType<PushTarget['connector']['readQuantities']>>,
): Promise<string[]> {
  const { database, merchantId } = target;
  const quantities = new Map(
    answers.map((one) => [`${one.externalInventoryItemId}\n${one.externalLocationId}`, one.quantity]),
  );
  const differing = listings.flatMap((listing) => {
    const found = quantities.get(`${listing.externalItemId}\n${listing.externalLocationId}`) ?? null;
    return found === listing.believed ? [] : [{ listing, found }];
  });
  if (differing.length === 0) return [];
  stockDrift.inc(differing.length);
  await database.withMerchants([merchantId], async (tx) => {
    await insertDrift(
      tx,
      merchantId,
      differing.map(({ listing, found }) => ({
        id: uuidv7(),
        listingId: listing.id,
        believed: listing.believed,
        found,
        wanted: channelQuantity(listing.components, listing.rule),
      })),
    );
    await recordFound(
      tx,
      merchantId,
      differing.flatMap(({ listing, found }) => {
        if (found === null) return [];
        const settleMs = looksSold(found, listing.believed) ? ORDER_ARRIVES_MS : null;
        return [{ id: listing.id, quantity: found, settleMs }];
      }),
    );
  });
  await parkWithException(
    target,
    differing
      .filter(({ found }) => found === null)
      .map(({ listing }) => ({ id: listing.id, reason: 'gone: the channel knows no quantity of it' })),
  );
  return differing.map(({ listing }) => listing.id);
}
