/**
 * Gives back what an order's live reservations keep: allocations go, reservations end as `released`,
 * balances fall, and whoever waits for these products is woken. The order is locked by the caller.
 */
import { addAllocated, lockBins } from '../db/bin.repo';
import type { Tx } from '../db/client';
import { endReservations } from '../db/reservation-end.repo';
import { addReserved, lockStockBalances } from '../db/stock.repo';
import { wakeBackorders } from './wake-orders';

export async function releaseStock(tx: Tx, merchantId: string, orderId: string): Promise<void> {
  const { reservations, allocations } = await endReservations(tx, merchantId, { orderId }, 'released');
  if (reservations.length === 0) return;
  await lockStockBalances(tx, reservations);
  if (allocations.length > 0) await lockBins(tx, allocations);
  await addReserved(
    tx,
    reservations.map((row) => ({ ...row, delta: -row.quantity })),
  );
  await addAllocated(
    tx,
    allocations.map((row) => ({ ...row, delta: -row.quantity })),
  );
  await wakeBackorders(tx, merchantId, [...new Set(reservations.map((row) => row.productId))]);
}
