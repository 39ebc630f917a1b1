/**
 * Takes what nobody has begun out of a closed warehouse: its reservations are released, its tasks and
 * fulfilment orders cancelled, and its orders woken, which plan again what is no longer covered. A few
 * orders a transaction, each settled against its own locked rows, so it can stop anywhere and be called
 * again. The API calls it when it has closed a warehouse; the dispatcher calls it for what a crash left,
 * and for plans that were made on facts from before the closing.
 */
import { businessNow } from '../../db/adjustment.repo';
import { lockBins } from '../../db/bin.repo';
import type { Database, Tx } from '../../db/client';
import { lockStockBalances } from '../../db/stock.repo';
import { lockOrderTrees, readLosableOfOrders } from '../../db/take-back.repo';
import { closedWarehousesWithWork, ordersNotBegun, partsNotBegun } from '../../db/warehouse-reroute.repo';
import { takeBackFrom } from '../stock/take-back';

/** Their locks are held together; twenty orders take some 50 ms. */
const ORDERS_AT_ONCE = 20;

/** @returns how many orders were taken out. A warehouse that is open keeps all. */
export async function rerouteClosed(
  database: Database,
  merchantId: string,
  warehouseId: string,
): Promise<number> {
  let taken = 0;
  for (;;) {
    const orders = await database.withMerchants([merchantId], (tx) => takeOut(tx, merchantId, warehouseId));
    taken += orders.taken;
    if (orders.seen < ORDERS_AT_ONCE || orders.taken === 0) return taken;
  }
}

async function takeOut(tx: Tx, merchantId: string, warehouseId: string) {
  const orderIds = await ordersNotBegun(tx, merchantId, warehouseId, ORDERS_AT_ONCE);
  if (orderIds.length === 0) return { seen: 0, taken: 0 };
  await lockOrderTrees(tx, merchantId, orderIds);
  const ofOrders = await readLosableOfOrders(tx, merchantId, orderIds);
  await lockStockBalances(tx, ofOrders);
  await lockBins(tx, ofOrders);
  // Somebody may have begun or cancelled meanwhile: what is true under the locks counts.
  const parts = await partsNotBegun(tx, merchantId, warehouseId, orderIds);
  const leaving = (await readLosableOfOrders(tx, merchantId, orderIds)).filter(
    (each) =>
      each.warehouseId === warehouseId &&
      (each.fulfilmentOrderId === null || parts.has(each.fulfilmentOrderId)),
  );
  if (leaving.length === 0) return { seen: orderIds.length, taken: 0 };
  const at = await businessNow(tx, merchantId);
  await takeBackFrom(tx, merchantId, leaving, leaving, at, {
    end: 'released',
    cause: 'warehouse_closed',
  });
  return { seen: orderIds.length, taken: new Set(leaving.map(({ orderId }) => orderId)).size };
}

/** Everything that is left in closed warehouses. @returns how many orders were taken out. */
export async function rerouteAllClosed(database: Database): Promise<number> {
  let taken = 0;
  for (const { merchantId, warehouseId } of await database.withSystem(closedWarehousesWithWork))
    taken += await rerouteClosed(database, merchantId, warehouseId);
  return taken;
}
