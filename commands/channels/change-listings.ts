/**
 * Which items of a channel show which products, and by what rule. Whatever changes what is shown notes
 * the product in the log of stock changes, in the same transaction, so that the pusher looks at it as it
 * does after a sale. Audited.
 */
import { uuidv7 } from 'uuidv7';
import type { ChannelStockPatch, ListingPatch, NewListings } from '../../contracts/channel-stock';
import { audit } from '../../db/audit-log.repo';
import { touchProducts } from '../../db/channel-listing.repo';
import {
  deleteListing,
  type ListingRow,
  lockListing,
  patchListing,
  productsForListings,
  productsOfConnection,
  saveListings,
  servingWarehouses,
} from '../../db/channel-listing-write.repo';
import { askReconcile, saveSync, syncVersion } from '../../db/channel-sync.repo';
import type { Tx } from '../../db/client';
import { findChannelKind } from '../../db/connection.repo';
import { resolveExceptions } from '../../db/exception.repo';
import { Failure } from '../../domain/failure-types';
import type { Editor } from '../catalogue/change-product';

/** Channels that a connector of ours tells quantities. */
const STOCK_CHANNELS: ReadonlySet<string> = new Set(['shopify', 'generic']);

/** @throws Failure NotFound for a connection that the merchant does not have, or that takes no quantities. */
export async function changeChannelStock(
  tx: Tx,
  merchantId: string,
  connectionId: string,
  patch: ChannelStockPatch,
  ifMatch: bigint | null,
  editor: Editor,
): Promise<'changed' | 'stale'> {
  if (!(await takesStock(tx, merchantId, connectionId)))
    throw new Failure('NotFound', 'there is no such connection that takes quantities');
  const version = await syncVersion(tx, merchantId, connectionId);
  if (ifMatch !== null && version !== ifMatch) return 'stale';
  await saveSync(tx, merchantId, connectionId, patch);
  await touchProducts(tx, merchantId, await productsOfConnection(tx, merchantId, connectionId));
  await audit(tx, {
    ...editor,
    merchantId,
    action: 'channel_stock.update',
    thingKind: 'channel_connection',
    thingId: connectionId,
    after: patch,
  });
  return 'changed';
}

/** Has everything read back soon. @throws Failure NotFound. */
export async function reconcileSoon(
  tx: Tx,
  merchantIds: readonly string[],
  connectionId: string,
  editor: Editor,
): Promise<void> {
  const merchantId = await askReconcile(tx, merchantIds, connectionId);
  if (merchantId === null) throw new Failure('NotFound', 'this connection is told no stock');
  await audit(tx, {
    ...editor,
    merchantId,
    action: 'channel_stock.reconcile',
    thingKind: 'channel_connection',
    thingId: connectionId,
  });
}

/**
 * Makes listings, or changes those of the same item and location to what is given.
 * @throws Failure InvalidInput with pointers to what does not exist.
 */
export async function putListings(
  tx: Tx,
  merchantId: string,
  { connectionId, listings }: NewListings,
  editor: Editor,
): Promise<readonly { readonly id: string; readonly externalItemId: string; readonly created: boolean }[]> {
  if (!(await takesStock(tx, merchantId, connectionId)))
    throw notThere([{ pointer: '/connectionId', message: 'no such connection that takes quantities' }]);
  await saveSync(tx, merchantId, connectionId, {});
  const products = await productsForListings(tx, merchantId, listings);
  const warehouses = await servingWarehouses(tx, merchantId);
  const errors = listings.flatMap(({ productId, sku, warehouseId }, at) => {
    const wrong = (field: string, message: string) => [{ pointer: `/listings/${at}/${field}`, message }];
    if (!products.has(productId ?? `sku:${sku ?? ''}`))
      return wrong(productId === undefined ? 'sku' : 'productId', 'there is no such product');
    const serves = warehouseId === null || warehouses.has(warehouseId);
    return serves ? [] : wrong('warehouseId', 'no such warehouse serves the merchant');
  });
  if (errors.length > 0) throw notThere(errors);
  const rows = listings.map((listing) => ({
    ...listing,
    id: uuidv7(),
    productId: products.get(listing.productId ?? `sku:${listing.sku ?? ''}`) as string,
  }));
  const saved = await saveListings(tx, merchantId, connectionId, rows);
  await touchProducts(
    tx,
    merchantId,
    rows.map((row) => row.productId),
  );
  await audit(
    tx,
    saved.map(({ id, externalItemId, created }) => ({
      ...editor,
      merchantId,
      action: created ? 'channel_listing.create' : 'channel_listing.update',
      thingKind: 'channel_listing',
      thingId: id,
      after: { connectionId, externalItemId },
    })),
  );
  return saved;
}

/** @throws Failure NotFound. */
export async function changeListing(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
  patch: ListingPatch,
  ifMatch: bigint | null,
  editor: Editor,
): Promise<ListingRow | 'stale'> {
  const before = await lockListing(tx, merchantIds, id);
  if (before === null) throw new Failure('NotFound', 'there is no such listing');
  if (ifMatch !== null && before.version !== ifMatch) return 'stale';
  const after = await patchListing(tx, before.merchant_id, id, patch);
  await touchProducts(tx, after.merchant_id, [after.product_id]);
  if (before.parked_at !== null && after.parked_at === null)
    await endParked(tx, after.merchant_id, id, editor.actor, 'the listing was released');
  await audit(tx, {
    ...editor,
    merchantId: after.merchant_id,
    action: 'channel_listing.update',
    thingKind: 'channel_listing',
    thingId: id,
    after: patch,
  });
  return after;
}

/** The channel keeps what it was last told. @throws Failure NotFound. */
export async function removeListing(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
  editor: Editor,
): Promise<void> {
  const row = await deleteListing(tx, merchantIds, id);
  if (row === null) throw new Failure('NotFound', 'there is no such listing');
  await endParked(tx, row.merchant_id, id, editor.actor, 'the listing was removed');
  await audit(tx, {
    ...editor,
    merchantId: row.merchant_id,
    action: 'channel_listing.delete',
    thingKind: 'channel_listing',
    thingId: id,
    before: { connectionId: row.connection_id, externalItemId: row.external_item_id },
  });
}

async function endParked(tx: Tx, merchantId: string, id: string, by: string, how: string): Promise<void> {
  await resolveExceptions(tx, [merchantId], [`listing_parked:${id}`], by, how);
}

async function takesStock(tx: Tx, merchantId: string, connectionId: string): Promise<boolean> {
  const kind = await findChannelKind(tx, merchantId, connectionId);
  return kind !== null && STOCK_CHANNELS.has(kind);
}

function notThere(errors: readonly { readonly pointer: string; readonly message: string }[]): Failure {
  return new Failure('InvalidInput', 'it names something that does not exist', { errors });
}
