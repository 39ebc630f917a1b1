/**
 * A channel tells what it has of its items. What it has because we wrote it is an echo and changes
 * nothing, or every push would answer itself for ever. Anything else is believed: the next push names
 * it as the quantity it replaces, and the channel refuses the push when it was not so. Fewer than we left
 * there look like a sale whose order is still on the way, so the listing isn't raised until that order
 * has had its time to come; then the pusher looks at it again.
 */
import { type FoundQuantity, findListings, recordFound, touchProducts } from '../../db/channel-listing.repo';
import type { Tx } from '../../db/client';
import { isEcho, looksSold, ORDER_ARRIVES_MS } from '../../domain/stock/channel-quantity';

/** The same shape as the connectors' port has. */
export interface ToldQuantity {
  readonly externalInventoryItemId: string;
  readonly externalLocationId: string;
  readonly quantity: number;
}

/** @returns for how many listings it was news. */
export async function noteToldQuantities(
  tx: Tx,
  merchantId: string,
  connectionId: string,
  told: readonly ToldQuantity[],
): Promise<number> {
  const listings = await findListings(
    tx,
    merchantId,
    connectionId,
    told.map((one) => ({
      externalItemId: one.externalInventoryItemId,
      externalLocationId: one.externalLocationId,
    })),
  );
  const found: FoundQuantity[] = [];
  const products: string[] = [];
  for (const listing of listings) {
    const one = told.findLast(
      (item) =>
        item.externalInventoryItemId === listing.externalItemId &&
        item.externalLocationId === listing.externalLocationId,
    );
    if (one === undefined) continue;
    const { believed, recentPushes, pushedMsAgo } = listing;
    if (isEcho(one.quantity, believed, recentPushes, pushedMsAgo)) continue;
    const settleMs = looksSold(one.quantity, believed) ? ORDER_ARRIVES_MS : null;
    found.push({ id: listing.id, quantity: one.quantity, settleMs });
    products.push(listing.productId);
  }
  await recordFound(tx, merchantId, found);
  await touchProducts(tx, merchantId, products);
  return found.length;
}
