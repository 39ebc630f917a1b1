/**
 * What taking back reservations reads and writes. A fulfilment order loses its stock as a whole: it is
 * cancelled with its open tasks and parcels, and its order is planned again.
 */
import type { Tx } from './client';
import type { StockKey } from './stock.repo';
import { giveBackDays } from './warehouse-day.repo';

export interface LosableReservation extends StockKey {
  readonly reservationId: string;
  /** null: a hold that no order has yet. */
  readonly orderId: string | null;
  /** null: a hold, which binds no bin and no work, or a work order's. */
  readonly fulfilmentOrderId: string | null;
  /** Kits are made of it. */
  readonly workOrderId: string | null;
  readonly quantity: number;
  readonly promisedAt: Date | null;
  readonly reservedAt: Date;
  /** Goods of its fulfilment order are in somebody's hands, or gone. */
  readonly picked: boolean;
  /** Its goods went through the door; the books follow. */
  readonly left: boolean;
}

const SELECT = `
select r.merchant_id as "merchantId", r.warehouse_id as "warehouseId", r.product_id as "productId", r.id as "reservationId",
  r.order_id as "orderId", f.id as "fulfilmentOrderId", r.work_order_id as "workOrderId", r.quantity, o.ship_by as "promisedAt", r.created_at as "reservedAt",
  coalesce(f.state not in ('planned', 'reserved', 'released', 'accepted', 'picking'), false)
    or exists (select from task t join task_line tl on tl.merchant_id = t.merchant_id and tl.task_id = t.id
      where t.merchant_id = f.merchant_id and t.fulfilment_order_id = f.id and tl.done_quantity > 0) as picked,
  coalesce(f.state in ('shipped', 'delivered'), false) as "left"
from reservation r
left join fulfilment_order_line fl on fl.merchant_id = r.merchant_id and fl.id = r.fulfilment_order_line_id
left join fulfilment_order f on f.merchant_id = fl.merchant_id and f.id = fl.fulfilment_order_id
left join sales_order o on o.merchant_id = r.merchant_id and o.id = r.order_id`;

/** Live reservations of these products in these warehouses. Read under their `stock_balance` locks. */
export function readLosable(
  tx: Tx,
  merchantId: string,
  warehouseIds: readonly string[],
  productIds: readonly string[],
): Promise<LosableReservation[]> {
  return tx.rows<LosableReservation>({
    text: `${SELECT} where r.merchant_id = $1 and r.warehouse_id = any($2::uuid[]) and r.product_id = any($3::uuid[])
      and r.state in ('held', 'allocated')`,
    values: [merchantId, warehouseIds, productIds],
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

/**
 * Cancels fulfilment orders that have not left, with their tasks and parcels; a label that was bought for
 * one is given back. Locked before.
 */
export async function cancelFulfilmentOrders(
  tx: Tx,
  merchantId: string,
  fulfilmentOrderIds: readonly string[],
): Promise<void> {
  const values = [merchantId, fulfilmentOrderIds];
  const ended = await tx.rows<{ id: string }>({
    text: `update fulfilment_order set state = 'cancelled', state_since = business_now($1)
      where merchant_id = $1 and id = any($2::uuid[]) and state not in ('shipped', 'delivered', 'rejected', 'cancelled')
      returning id`,
    values,
  });
  await giveBackDays(
    tx,
    merchantId,
    ended.map(({ id }) => id),
  );
  await tx.run({
    text: `update task set state = 'cancelled', finished_at = now()
      where merchant_id = $1 and fulfilment_order_id = any($2::uuid[]) and state in ('open', 'claimed')`,
    values,
  });
  await tx.run({
    text: `
with p as (
  update parcel set state = 'cancelled', state_since = business_now($1)
  where merchant_id = $1 and fulfilment_order_id = any($2::uuid[]) and state in ('open', 'packed', 'labelled')
  returning id
)
update label l set state = 'void_requested', state_since = now(), void_due_at = now()
from p where l.merchant_id = $1 and l.parcel_id = p.id and l.state = 'purchased'`,
    values,
  });
}

export interface InHands extends StockKey {
  readonly orderId: string;
  readonly fulfilmentOrderId: string;
  readonly priority: number;
  readonly locationId: string;
  readonly lotCode: string;
  readonly quantity: number;
}

/**
 * What people have taken for these fulfilment orders and not shipped: picked and posted at the packing
 * place, or scanned into a tote by a task that is not finished. Read before they are cancelled.
 */
export function readInHands(
  tx: Tx,
  merchantId: string,
  fulfilmentOrderIds: readonly string[],
): Promise<InHands[]> {
  return tx.rows<InHands>({
    text: `
select f.merchant_id as "merchantId", f.warehouse_id as "warehouseId", f.order_id as "orderId", f.id as "fulfilmentOrderId",
  o.priority, a.product_id as "productId", a.location_id as "locationId", a.lot_code as "lotCode", sum(a.quantity)::int as quantity
from fulfilment_order f
join sales_order o on o.merchant_id = f.merchant_id and o.id = f.order_id
join fulfilment_order_line fl on fl.merchant_id = f.merchant_id and fl.fulfilment_order_id = f.id
join reservation r on r.merchant_id = f.merchant_id and r.fulfilment_order_line_id = fl.id and r.state = 'allocated'
join allocation a on a.merchant_id = r.merchant_id and a.reservation_id = r.id
where f.merchant_id = $1 and f.id = any($2::uuid[]) and f.state in ('picked', 'packing', 'packed')
group by 1, 2, 3, 4, 5, 6, 7, 8
union all
select f.merchant_id, f.warehouse_id, f.order_id, f.id, o.priority, tl.product_id, tl.location_id, tl.lot_code,
  sum(tl.done_quantity)::int
from fulfilment_order f
join sales_order o on o.merchant_id = f.merchant_id and o.id = f.order_id
join task t on t.merchant_id = f.merchant_id and t.fulfilment_order_id = f.id and t.kind = 'pick' and t.state in ('open', 'claimed')
join task_line tl on tl.merchant_id = t.merchant_id and tl.task_id = t.id and tl.done_quantity > 0
where f.merchant_id = $1 and f.id = any($2::uuid[])
group by 1, 2, 3, 4, 5, 6, 7, 8`,
    values: [merchantId, fulfilmentOrderIds],
  });
}
