/** The queue of orders that wait for stock, and what each of them keeps of it meanwhile. */
import type { Tx } from './client';

export interface QueuedRow {
  readonly orderId: string;
  readonly productId: string;
  readonly needed: number;
  readonly kept: Readonly<Record<string, number>>;
  readonly oneWarehouse: boolean;
  readonly workflowId: string;
}

/**
 * Who lacks units of these products, in the order in which they are served (domain/stock/hand-out says
 * why so). Read under the `stock_balance` locks of what has come free: whoever decided before that he has
 * to wait is in it, and whoever decides after it finds the units taken. Orders that are held for another
 * reason let others pass.
 */
export function readQueue(
  tx: Tx,
  merchantId: string,
  productIds: readonly string[],
  limit: number,
): Promise<QueuedRow[]> {
  return tx.rows<QueuedRow>({
    name: 'backorder-queue',
    text: `
select q.order_id as "orderId", q.product_id as "productId", q.quantity as needed, q.kept,
  m.split_policy = 'never' as "oneWarehouse",
  'order:' || q.merchant_id || ':' || q.connection_id || ':' || q.external_id as "workflowId"
from unnest($2::uuid[]) as p(product_id)
cross join lateral (
  select b.*, o.connection_id, o.external_id, k.kept
  from backorder b
  join sales_order o on o.merchant_id = b.merchant_id and o.id = b.order_id and o.blocked_reason = 'out_of_stock' and not o.held
  cross join lateral (
    select coalesce(json_object_agg(warehouse_id, units), '{}') as kept, coalesce(sum(units), 0) as units from (
      select r.warehouse_id, sum(r.quantity) as units from reservation r
      where r.merchant_id = b.merchant_id and r.order_id = b.order_id and r.product_id = b.product_id
        and r.hold_id is not null and r.state = 'held' group by r.warehouse_id) r) k
  where b.merchant_id = $1 and b.product_id = p.product_id and k.units < b.quantity
  order by b.priority desc, b.ship_by, b.placed_at, b.order_id limit $3
) q join merchant m on m.id = q.merchant_id
order by q.priority desc, q.ship_by, q.placed_at, q.order_id, q.product_id`,
    values: [merchantId, [...new Set(productIds)], limit],
  });
}

export interface FreeRow {
  readonly warehouseId: string;
  readonly productId: string;
  readonly free: number;
}

/**
 * Locks what is free of these products where the merchant's orders may be served from. A balance that
 * somebody else is changing is left out instead of waited for, which could be for each other: he offers
 * what he frees to the same queue.
 */
export function lockFree(tx: Tx, merchantId: string, productIds: readonly string[]): Promise<FreeRow[]> {
  return tx.rows<FreeRow>({
    name: 'backorder-free',
    text: `
select b.warehouse_id as "warehouseId", b.product_id as "productId", b.on_hand - b.held - b.reserved as free
from stock_balance b join merchant_warehouse mw on mw.merchant_id = b.merchant_id and mw.warehouse_id = b.warehouse_id
join warehouse w on w.id = b.warehouse_id and w.closed_at is null
where b.merchant_id = $1 and b.product_id = any($2::uuid[]) and b.on_hand - b.held > b.reserved
order by b.merchant_id, b.warehouse_id, b.product_id for no key update of b skip locked`,
    values: [merchantId, productIds],
  });
}
