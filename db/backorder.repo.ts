/** The queue of orders that wait for stock, and what each of them keeps of it meanwhile. */
import type { Tx } from './client';

export interface QueuedRow {
  readonly orderId: string;
  readonly productId: string;
  readonly needed: number;
  /** Units by warehouse. */
  readonly kept: Readonly<Record<string, number>>;
  readonly oneWarehouse: boolean;
  readonly workflowId: string;
  /** It was offered units of this and could not use them. */
  readonly refused: boolean;
}

const KEPT = `
  select coalesce(json_object_agg(warehouse_id, units), '{}') as kept, coalesce(sum(units), 0) as units from (
    select r.warehouse_id, sum(r.quantity) as units from reservation r
    where r.merchant_id = b.merchant_id and r.order_id = b.order_id and r.product_id = b.product_id
      and r.hold_id is not null and r.state = 'held' group by r.warehouse_id) r`;

/**
 * Orders that lack units of these products, in the order in which they are served (domain/stock/hand-out
 * says why so), each with everything that it waits for. Read under the `stock_balance` locks of what has
 * come free: whoever decided before that he has to wait is in it, and whoever decides after it finds the
 * units taken. Orders that are held for another reason let others pass.
 * @param by `refused` false: units came free by themselves, and who refused some before is asked again.
 */
export function readQueue(
  tx: Tx,
  merchantId: string,
  by: { readonly productIds: readonly string[]; readonly refused: boolean; readonly limit: number },
): Promise<QueuedRow[]> {
  return tx.rows<QueuedRow>({
    name: 'backorder-queue',
    text: `
with asked_again as (
  update backorder set refused = false
  where merchant_id = $1 and product_id = any($2::uuid[]) and refused and not $4::boolean
), queued as (
  select distinct q.merchant_id, q.order_id, q.priority, q.ship_by, q.placed_at, q.workflow_id
  from unnest($2::uuid[]) as p(product_id)
  cross join lateral (
    select b.*, 'order:' || o.merchant_id || ':' || o.connection_id || ':' || o.external_id as workflow_id
    from backorder b
    join sales_order o on o.merchant_id = b.merchant_id and o.id = b.order_id and o.blocked_reason = 'out_of_stock' and not o.held
    cross join lateral (${KEPT}) k
    where b.merchant_id = $1 and b.product_id = p.product_id and k.units < b.quantity
      and not ($4 and b.refused)
    order by b.priority desc, b.ship_by, b.placed_at, b.order_id limit $3
  ) q
)
select q.order_id as "orderId", b.product_id as "productId", b.quantity as needed, k.kept,
  m.split_policy = 'never' as "oneWarehouse", q.workflow_id as "workflowId", $4 and b.refused as refused
from queued q join merchant m on m.id = q.merchant_id
join backorder b on b.merchant_id = q.merchant_id and b.order_id = q.order_id
cross join lateral (${KEPT}) k
order by q.priority desc, q.ship_by, q.placed_at, q.order_id, b.product_id`,
    values: [merchantId, [...new Set(by.productIds)], by.limit, by.refused],
  });
}

export interface FreeRow {
  readonly warehouseId: string;
  readonly productId: string;
  readonly free: number;
}

/**
 * What is free where this transaction has changed the balances of these products, and where the merchant's
 * orders may be served from. Only there: what else is free has been offered before.
 * @param opened a warehouse from which they may be served as of now, with all that it has.
 */
export function lockFreed(
  tx: Tx,
  merchantId: string,
  productIds: readonly string[],
  opened: string | null,
): Promise<FreeRow[]> {
  return tx.rows<FreeRow>({
    name: 'backorder-free',
    text: `
select b.warehouse_id as "warehouseId", b.product_id as "productId", b.on_hand - b.held - b.reserved as free
from stock_balance b join merchant_warehouse mw on mw.merchant_id = b.merchant_id and mw.warehouse_id = b.warehouse_id
join warehouse w on w.id = b.warehouse_id and w.closed_at is null
-- What this very transaction has written it also holds the lock of.
where b.merchant_id = $1 and b.product_id = any($2::uuid[]) and b.on_hand - b.held > b.reserved
  and (b.xmin = pg_current_xact_id()::xid or b.warehouse_id = $3)
order by b.warehouse_id, b.product_id for no key update of b`,
    values: [merchantId, productIds, opened],
  });
}

/**
 * Orders that kept these units until now wait for them again. One that has been waiting for more of the
 * product than it kept is in the queue with all of that already.
 */
export async function queueAgain(
  tx: Tx,
  lost: readonly {
    readonly merchantId: string;
    readonly orderId: string;
    readonly productId: string;
    readonly quantity: number;
  }[],
): Promise<void> {
  if (lost.length === 0) return;
  await tx.run({
    name: 'backorder-again',
    text: `
insert into backorder (merchant_id, order_id, product_id, quantity, priority, ship_by, placed_at)
select o.merchant_id, o.id, b.product_id, b.quantity + (select coalesce(sum(r.quantity), 0) from reservation r
    where r.merchant_id = o.merchant_id and r.order_id = o.id and r.product_id = b.product_id and r.hold_id is not null
      and r.state = 'held'), o.priority, o.channel_ship_by, o.placed_at
from (select merchant_id, order_id, product_id, sum(quantity) as quantity
  from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::integer[]) as l(merchant_id, order_id, product_id, quantity)
  group by 1, 2, 3) b
join sales_order o on o.merchant_id = b.merchant_id and o.id = b.order_id and o.blocked_reason = 'out_of_stock'
on conflict (merchant_id, order_id, product_id) do nothing`,
    values: [
      lost.map((each) => each.merchantId),
      lost.map((each) => each.orderId),
      lost.map((each) => each.productId),
      lost.map((each) => each.quantity),
    ],
  });
}
