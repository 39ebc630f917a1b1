/**
 * Stock that changes at a given rate: units are reserved of products drawn by Zipf's law, many in one
 * transaction as the engine's own coalescer does it, with the locks and statements that it uses. A
 * product only ever gets less, so the quantity that a shop was told names the change that it tells.
 */
import type { Database } from '../../db/client';
import { addReserved, lockStockBalances } from '../../db/stock.repo';
import { pause } from '../engine';

/** One transaction each; at 2,000 changes a second it holds about 20. */
const BATCH_EVERY_MS = 10;

export interface StockChange {
  /** Index of the product. */
  readonly product: number;
  /** What can be promised after it. */
  readonly left: number;
  /** When its commit was known, milliseconds since the epoch. */
  readonly at: number;
}

export interface Shelf {
  readonly database: Database;
  readonly merchantId: string;
  readonly warehouseId: string;
  readonly productIds: readonly string[];
  /** Units left of each; changed here. */
  readonly left: number[];
}

/** Draws indexes below `count`: index k with a weight of 1 ÷ (k + 1)^exponent. */
export function zipf(count: number, exponent: number, random: () => number): () => number {
  const sums: number[] = [];
  let sum = 0;
  for (let k = 1; k <= count; k += 1) sums.push((sum += k ** -exponent));
  return () => {
    const drawn = random() * sum;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] as number) < drawn) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** Changes stock for so many seconds; behind its time it puts more into a transaction. */
export async function sell(
  shelf: Shelf,
  draw: () => number,
  perSecond: number,
  seconds: number,
): Promise<StockChange[]> {
  const changes: StockChange[] = [];
  const began = performance.now();
  for (let tick = 1; ; tick += 1) {
    const now = performance.now() - began;
    const due = Math.floor((Math.min(now, seconds * 1000) / 1000) * perSecond) - changes.length;
    if (due > 0) await sellBatch(shelf, Array.from({ length: due }, draw), changes);
    if (now >= seconds * 1000) return changes;
    await pause(Math.max(0, tick * BATCH_EVERY_MS - (performance.now() - began)));
  }
}

async function sellBatch(shelf: Shelf, products: readonly number[], changes: StockChange[]): Promise<void> {
  const { database, merchantId, warehouseId, productIds, left } = shelf;
  const keys = products.map((product) => ({
    merchantId,
    warehouseId,
    productId: productIds[product] as string,
  }));
  await database.withMerchants([merchantId], async (tx) => {
    await lockStockBalances(tx, keys);
    await addReserved(
      tx,
      keys.map((key) => ({ ...key, delta: 1 })),
    );
  });
  const at = Date.now();
  for (const product of products) {
    left[product] = (left[product] as number) - 1;
    changes.push({ product, left: left[product] as number, at });
  }
}
