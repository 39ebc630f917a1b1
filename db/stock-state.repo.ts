/**
 * Stock by its states, for a set of SKUs in one statement. It reads balances, never the ledger, so its
 * cost grows with the places that hold something, not with what ever happened. The past is read from the
 * ledger alone.
 */
import type { Tx } from './client';

export interface StockStateRow {
  readonly merchantId: string;
  readonly productId: string;
  readonly sku: string;
  readonly warehouseId: string;
  readonly warehouseCode: string;
  readonly onHand: number;
  readonly held: number;
  readonly reserved: number;
  readonly available: number;
  readonly quarantined: number;
  readonly damaged: number;
  readonly atDock: number;
  readonly recalled: number;
  readonly expired: number;
  readonly inTransit: number;
  readonly incoming: number;
}

/**
 * A unit is held for one reason, the first of: its place, a recall of its lot, its lot's date. `l` is the
 * place, `recalled` whether a recall holds the lot.
 */
const HELD_COLUMNS = (units: string, lotHeld: string, recalled: string) => `
  coalesce(sum(${units}) filter (where l.kind = 'quarantine'), 0)::int as quarantined,
  coalesce(sum(${units}) filter (where l.kind = 'damaged'), 0)::int as damaged,
  coalesce(sum(${units}) filter (where l.kind = 'dock'), 0)::int as "atDock",
  coalesce(sum(${units}) filter (where l.kind not in ('quarantine', 'damaged', 'dock') and ${lotHeld} and ${recalled}), 0)::int as recalled,
  coalesce(sum(${units}) filter (where l.kind not in ('quarantine', 'damaged', 'dock') and ${lotHeld} and not ${recalled}), 0)::int as expired`;

const STATES = `
with p as (
  select merchant_id, id, sku from product where merchant_id = any($1::uuid[]) and sku = any($2::text[])
), bins as (
  select b.merchant_id, b.warehouse_id, b.product_id,${HELD_COLUMNS(
    'b.on_hand',
    't.held',
    `exists (select from lot_hold h where h.merchant_id = b.merchant_id and h.product_id = b.product_id and h.lot_code = b.lot_code
      and h.kind = 'recall' and h.lifted_at is null)`,
  )}
  from p join bin_balance b on b.merchant_id = p.merchant_id and b.product_id = p.id and b.on_hand > 0
  join location l on l.id = b.location_id
  left join lot t on t.merchant_id = b.merchant_id and t.product_id = b.product_id and t.code = b.lot_code
  where l.kind in ('quarantine', 'damaged', 'dock') or t.held
  group by 1, 2, 3
), road as (
  select c.merchant_id, t.to_warehouse_id as warehouse_id, c.product_id, sum(c.outstanding)::int as units
  from p join stock_transfer_content c on c.merchant_id = p.merchant_id and c.product_id = p.id and c.outstanding > 0
  join stock_transfer t on t.merchant_id = c.merchant_id and t.id = c.transfer_id group by 1, 2, 3
), announced as (
  select c.merchant_id, t.to_warehouse_id as warehouse_id, c.product_id, sum(c.awaited)::int as units
  from p join stock_transfer_line c on c.merchant_id = p.merchant_id and c.product_id = p.id and c.awaited > 0
  join stock_transfer t on t.merchant_id = c.merchant_id and t.id = c.transfer_id group by 1, 2, 3
), balance as (
  select b.* from p join stock_balance b on b.merchant_id = p.merchant_id and b.product_id = p.id
)
select p.merchant_id as "merchantId", p.id as "productId", p.sku, w.id as "warehouseId", w.code as "warehouseCode", s."onHand",
  s.held, s.reserved, s."onHand" - s.held - s.reserved as available, s.quarantined, s.damaged, s."atDock", s.recalled, s.expired, s."inTransit", s.incoming
from (
  select merchant_id, warehouse_id, product_id, coalesce(b.on_hand, 0) as "onHand", coalesce(b.held, 0) as held,
    coalesce(b.reserved, 0) as reserved, coalesce(i.quarantined, 0) as quarantined, coalesce(i.damaged, 0) as damaged,
    coalesce(i."atDock", 0) as "atDock", coalesce(i.recalled, 0) as recalled, coalesce(i.expired, 0) as expired,
    coalesce(r.units, 0) as "inTransit", coalesce(a.units, 0) as incoming
  from balance b
  full join road r using (merchant_id, warehouse_id, product_id)
  full join announced a using (merchant_id, warehouse_id, product_id)
  left join bins i using (merchant_id, warehouse_id, product_id)
) s
join p on p.merchant_id = s.merchant_id and p.id = s.product_id
join warehouse w on w.id = s.warehouse_id
where ($3::uuid is null or s.warehouse_id = $3)
order by p.merchant_id, p.sku, w.code`;

/** States by SKU and warehouse, of one instant. SKUs that are not there are absent. */
export function readStockStates(
  tx: Tx,
  merchantIds: readonly string[],
  skus: readonly string[],
  warehouseId: string | null,
): Promise<StockStateRow[]> {
  return tx.rows<StockStateRow>({
    name: 'stock-states',
    text: STATES,
    values: [merchantIds, skus, warehouseId],
  });
}

export interface PastStockRow {
  readonly productId: string;
  readonly sku: string;
  /** null: on the road between warehouses. */
  readonly warehouseId: string | null;
  readonly warehouseCode: string | null;
  readonly onHand: number;
  readonly quarantined: number;
  readonly damaged: number;
  readonly atDock: number;
  readonly recalled: number;
  readonly expired: number;
}

const PAST = `
with p as (
  select merchant_id, id, sku from product where merchant_id = $1 and sku = any($2::text[])
), moved as (
  select e.merchant_id, e.product_id, e.lot_code, x.location_id, sum(x.units)::int as units
  from p
  join stock_ledger e on e.merchant_id = p.merchant_id and e.product_id = p.id
    and e.month <= date_trunc('month', $3::timestamptz at time zone 'UTC')::date
  join stock_cause c on c.merchant_id = e.merchant_id and c.id = e.cause_id and c.month = e.month and c.occurred_at <= $3
  cross join lateral (values (e.to_location_id, e.quantity), (e.from_location_id, -e.quantity)) x(location_id, units)
  group by 1, 2, 3, 4 having sum(x.units) <> 0
), held as (
  select h.product_id, h.lot_code, bool_or(h.kind = 'recall') as by_recall from lot_hold h join p on p.id = h.product_id
  where h.merchant_id = $1 and h.placed_at <= $3 and (h.lifted_at is null or h.lifted_at > $3) group by 1, 2
)
select p.id as "productId", p.sku, w.id as "warehouseId", w.code as "warehouseCode", sum(m.units)::int as "onHand",${HELD_COLUMNS(
  'm.units',
  'h.lot_code is not null',
  'coalesce(h.by_recall, false)',
)}
from moved m
join p on p.id = m.product_id
join location l on l.id = m.location_id and (l.warehouse_id is not null or l.kind = 'transit')
left join warehouse w on w.id = l.warehouse_id
left join held h on h.product_id = m.product_id and h.lot_code = m.lot_code
where ($4::uuid is null or l.warehouse_id = $4)
group by 1, 2, 3, 4 order by p.sku, w.code`;

/** What there was at a moment of business time, by the ledger. What was nowhere is absent. */
export function readPastStock(
  tx: Tx,
  merchantId: string,
  skus: readonly string[],
  at: Date,
  warehouseId: string | null,
): Promise<PastStockRow[]> {
  return tx.rows<PastStockRow>({ text: PAST, values: [merchantId, skus, at, warehouseId] });
}

/** Which of these SKUs some merchant has. */
export async function knownSkus(
  tx: Tx,
  merchantIds: readonly string[],
  skus: readonly string[],
): Promise<string[]> {
  const rows = await tx.rows<{ sku: string }>({
    text: 'select distinct sku from product where merchant_id = any($1::uuid[]) and sku = any($2::text[])',
    values: [merchantIds, skus],
  });
  return rows.map(({ sku }) => sku);
}
