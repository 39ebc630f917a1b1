/**
 * What taking back reservations reads and writes. A fulfilment order loses its stock as a whole: one
 * that nobody has picked from is cancelled with its open tasks, and its order is planned again.
 */
import type { Tx } from './client';
import type { StockKey } from './stock.repo';

export interface LosableReservation extends StockKey {
  readonly reservationId: string;
  readonly orderId: string;
  readonly fulfilmentOrderId: string;
  readonly quantity: number;
  readonly promisedAt: Date | null;
  readonly reservedAt: Date;
  /** Goods of its fulfilment order are in somebody's hands, or gone. */
  readonly picked: boolean;
}

const SELECT = `
select r.merchant_id as "merchantId", r.warehouse_id as "warehouseId", r.product_id as "productId", r.id as "reservationId",
  r.order_id as "orderId", f.id as "fulfilmentOrderId", r.quantity, o.ship_by as "promisedAt", r.created_at as "reservedAt",
  f.state not in ('planned', 'reserved', 'released', 'accepted', 'picking')
    or exists (select from task t join task_line tl on tl.merchant_id = t.merchant_id and tl.task_id = t.id
      where t.merchant_id = f.merchant_id and t.fulfilment_order_id = f.id and tl.done_quantity > 0) as picked
from reservation r
join fulfilment_order_line fl on fl.merchant_id = r.merchant_id and fl.id = r.fulfilment_order_line_id
join fulfilment_order f on f.merchant_id = fl.merchant_id and f.id = fl.fulfilment_order_id
join sales_order o on o.merchant_id = r.merchant_id and o.id = r.order_id`;

/** Live reservations of these products in one warehouse. Read under their `stock_balance` locks. */
export function readLosable(
  tx: Tx,
  merchantId: string,
  warehouseId: string,
  productIds: readonly string[],
): Promise<LosableReservation[]> {
  return tx.rows<LosableReservation>({
    text: `${SELECT} where r.merchant_id = $1 and r.warehouse_id = $2 and r.product_id = any($3::uuid[])
      and r.state in ('held', 'allocated')`,
    values: [merchantId, warehouseId, productIds],
  });
}

/** Every live reservation of these fulfilment orders' orders. */
export function readLosableOfOrders(
  tx: Tx,
  merchantId: string,
  orderIds: readonly string[],
): Promise<LosableReservation[]> {
  return tx.rows<LosableReservation>({
    text: `${SELECT} where r.merchant_id = $1 and r.order_id = any($2::uuid[]) and r.state in ('held', 'allocated')`,
    values: [merchantId, orderIds],
  });
}

/** Locks orders, then their fulfilment orders, then their tasks, each in the order of ids. */
export async function lockOrderTrees(tx: Tx, merchantId: string, orderIds: readonly string[]): Promise<void> {
  const values = [merchantId, orderIds];
  await tx.rows({
    text: 'select from sales_order where merchant_id = $1 and id = any($2::uuid[]) order by id for no key update',
    values,
  });
  await tx.rows({
    text: 'select from fulfilment_order where merchant_id = $1 and order_id = any($2::uuid[]) order by id for no key update',
    values,
  });
  await tx.rows({
    text: 'select from task where merchant_id = $1 and order_id = any($2::uuid[]) order by id for no key update',
    values,
  });
}

/** Cancels fulfilment orders that nobody has picked from, with their tasks. Locked before. */
export async function cancelFulfilmentOrders(
  tx: Tx,
  merchantId: string,
  fulfilmentOrderIds: readonly string[],
): Promise<void> {
  const values = [merchantId, fulfilmentOrderIds];
  await tx.run({
    text: `update fulfilment_order set state = 'cancelled', state_since = business_now($1)
      where merchant_id = $1 and id = any($2::uuid[]) and state in ('planned', 'reserved', 'released', 'accepted', 'picking')`,
    values,
  });
  await tx.run({
    text: `update task set state = 'cancelled', finished_at = now()
      where merchant_id = $1 and fulfilment_order_id = any($2::uuid[]) and state in ('open', 'claimed')`,
    values,
  });
}
