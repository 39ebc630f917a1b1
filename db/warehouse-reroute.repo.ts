/**
 * What is planned for a warehouse that is closed and that nobody has begun: no task of it was claimed or
 * done, and an outside system has not got it. What somebody has begun is finished there.
 */
import type { Tx } from './client';

/** Fulfilment orders `f` in warehouse `w` that are not begun. */
const NOT_BEGUN = `(f.state in ('planned', 'reserved') or w.wms_kind = 'built_in' and f.state in ('released', 'accepted', 'picking'))
  and not exists (select from task t where t.merchant_id = f.merchant_id and t.fulfilment_order_id = f.id
    and t.state in ('claimed', 'done', 'shorted'))`;

/** As the system role: merchants that have something not begun in a closed warehouse. */
export function closedWarehousesWithWork(
  tx: Tx,
): Promise<{ readonly merchantId: string; readonly warehouseId: string }[]> {
  return tx.rows({
    text: `
select m.id as "merchantId", w.id as "warehouseId" from warehouse w join merchant m on m.organisation_id = w.organisation_id
where w.closed_at is not null and exists (select from fulfilment_order f
  where f.merchant_id = m.id and f.warehouse_id = w.id and ${NOT_BEGUN})`,
  });
}

/** Orders that keep units in a closed warehouse for which nobody has begun anything. */
export async function ordersNotBegun(
  tx: Tx,
  merchantId: string,
  warehouseId: string,
  limit: number,
): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>({
    text: `
select distinct r.order_id as id from reservation r join warehouse w on w.id = r.warehouse_id and w.closed_at is not null
left join fulfilment_order_line l on l.merchant_id = r.merchant_id and l.id = r.fulfilment_order_line_id
left join fulfilment_order f on f.merchant_id = l.merchant_id and f.id = l.fulfilment_order_id
where r.merchant_id = $1 and r.warehouse_id = $2 and r.state in ('held', 'allocated') and r.order_id is not null
  and (f.id is null or ${NOT_BEGUN})
order by 1 limit $3`,
    values: [merchantId, warehouseId, limit],
  });
  return rows.map(({ id }) => id);
}

/** Of these orders, locked before, the fulfilment orders there that are not begun. */
export async function partsNotBegun(
  tx: Tx,
  merchantId: string,
  warehouseId: string,
  orderIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await tx.rows<{ id: string }>({
    text: `select f.id from fulfilment_order f join warehouse w on w.id = f.warehouse_id and w.closed_at is not null
      where f.merchant_id = $1 and f.warehouse_id = $2 and f.order_id = any($3::uuid[]) and ${NOT_BEGUN}`,
    values: [merchantId, warehouseId, orderIds],
  });
  return new Set(rows.map(({ id }) => id));
}

/** How many fulfilment orders of the merchants are not begun there, and how many are begun and not gone. */
export async function countWork(
  tx: Tx,
  merchantIds: readonly string[],
  warehouseId: string,
): Promise<{ readonly notBegun: number; readonly begun: number }> {
  const [row] = await tx.rows<{ notBegun: number; begun: number }>({
    text: `select count(*) filter (where ${NOT_BEGUN})::int as "notBegun", count(*) filter (where not (${NOT_BEGUN}))::int as begun
      from fulfilment_order f join warehouse w on w.id = f.warehouse_id
      where f.merchant_id = any($1::uuid[]) and f.warehouse_id = $2 and f.state not in ('shipped', 'delivered', 'rejected', 'cancelled')`,
    values: [merchantIds, warehouseId],
  });
  return row ?? { notBegun: 0, begun: 0 };
}

/** Products that orders of the merchant wait for and of which there are units in this warehouse. */
export async function waitedForIn(tx: Tx, merchantId: string, warehouseId: string): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>({
    text: `select distinct b.product_id as id from backorder b
      join stock_balance s on s.merchant_id = b.merchant_id and s.warehouse_id = $2 and s.product_id = b.product_id
        and s.on_hand - s.held > s.reserved
      where b.merchant_id = $1`,
    values: [merchantId, warehouseId],
  });
  return rows.map(({ id }) => id);
}
