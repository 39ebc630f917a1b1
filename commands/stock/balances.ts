/**
 * What a plan needs of stock: lock balances, then bins, then add to what is reserved and allocated. All
 * set-based, in the order of keys (db/stock.repo says why). The caller writes the reservations and
 * allocations themselves in the same transaction.
 */

import type { BinKey } from '../../db/bin.repo';
import { type Bin, lockBins as lockAllBins } from '../../db/bin.repo';
import type { Tx } from '../../db/client';
import type { StockKey } from '../../db/stock.repo';

export { addAllocated } from '../../db/bin.repo';
export {
  addReserved,
  lockStockBalances,
  type StockBalance,
  type StockKey,
  stockKey as stockKeyText,
} from '../../db/stock.repo';

export type BinRow = Bin;
export type ReservedDelta = StockKey & { readonly delta: number };
export type AllocationDelta = BinKey & { readonly warehouseId: string; readonly delta: number };

/** Locks and returns the bins whose goods can be promised: pick bins, lots that are not held. */
export async function lockBins(tx: Tx, keys: readonly StockKey[]): Promise<Bin[]> {
  const bins = await lockAllBins(tx, keys);
  return bins.filter((bin) => bin.locationKind === 'bin' && !bin.lotHeld);
}
