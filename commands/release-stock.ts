/**
 * Gives back what an order keeps: its live reservations with their allocations, what its checkout held for
 * it, and its place in the queue. Whoever waits for these products gets them. The order is locked by the
 * caller. The balances are locked before anything is read, those of the products that it waits for too:
 * who frees units of these at the same time either sees that it has left the queue, or has given it units
 * that are found here.
 */
import { addAllocated, lockBins } from '../db/bin.repo';
import type { Tx } from '../db/client';
import { endReservations, leaveQueue, stockKeysOfOrder } from '../db/reservation-end.repo';
import { addReserved, lockStockBalances } from '../db/stock.repo';
import { wakeBackorders } from './wake-orders';

export async function releaseStock(tx: Tx, merchantId: string, orderId: string): Promise<void> {
  await lockStockBalances(tx, await stockKeysOfOrder(tx, merchantId, orderId));
  await leaveQueue(tx, merchantId, orderId);
  const { reservations, allocations } = await endReservations(tx, merchantId, orderId);
  if (reservations.length === 0) return;
  if (allocations.length > 0) await lockBins(tx, allocations);
  await addReserved(
    tx,
    reservations.map((row) => ({ ...row, delta: -row.quantity })),
  );
  await addAllocated(
    tx,
    allocations.map((row) => ({ ...row, delta: -row.quantity })),
  );
  await wakeBackorders(
    tx,
    merchantId,
    reservations.map((row) => row.productId),
  );
}
