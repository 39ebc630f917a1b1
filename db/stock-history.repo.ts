/**
 * What the ledger tells of the past of some products: what shipped and what lay on the shelves day by day,
 * and what came and left with its cost. Sales look at the window's months alone, and count back from what
 * lies there now, so their cost does not grow with the ledger; a valuation reads all there ever was.
 */
import type { DayFacts } from '../domain/stock/velocity';
import type { Tx } from './client';

/** Whose sales are looked at; null: of all. */
export interface SalesScope {
  readonly warehouseId: string | null;
  readonly connectionId: string | null;
}

export interface SalesRow {
  readonly productId: string;
  readonly sku: string;
  readonly shelfAtStart: number;
  readonly days: readonly DayFacts[];
  /** On hand − held − reserved, now. */
  readonly available: number;
  readonly onHand: number;
  /** Of the window. */
  readonly lastShippedAt: Date | null;
}

const SALES = `
with asked as (
  select p.id as product_id, p.sku from product p where p.merchant_id = $1 and p.id = any($2::uuid[])
), line as (
  select l.product_id, l.quantity, c.occurred_at, (c.occurred_at at time zone $5)::date as day,
    (coalesce(t.kind = 'bin' and ($3::uuid is null or t.warehouse_id = $3), false)::int
      - coalesce(f.kind = 'bin' and ($3::uuid is null or f.warehouse_id = $3), false)::int) * l.quantity as change,
    c.kind = 'ship' and ($3::uuid is null or f.warehouse_id = $3) and ($4::uuid is null or o.connection_id = $4) as sold
  from asked
  join stock_ledger l on l.merchant_id = $1 and l.product_id = asked.product_id
    and l.month >= date_trunc('month', ($6::date::timestamp at time zone $5) at time zone 'UTC')::date
  join stock_cause c on c.merchant_id = l.merchant_id and c.id = l.cause_id and c.month = l.month
    and c.occurred_at >= $6::date::timestamp at time zone $5
  join location f on f.id = l.from_location_id
  join location t on t.id = l.to_location_id
  left join sales_order o on o.merchant_id = c.merchant_id and o.id = c.order_id and $4::uuid is not null
), per_day as (
  select product_id, day, sum(change)::int as change, coalesce(sum(quantity) filter (where sold), 0)::int as shipped,
    max(occurred_at) filter (where sold) as last_shipped
  from line group by 1, 2
), moved as (
  select product_id, sum(change)::int as change, max(last_shipped) as last_shipped,
    json_agg(json_build_object('day', day, 'shipped', shipped, 'shelfChange', change)) filter (where day <= $7::date) as days
  from per_day group by 1
), shelf as (
  select b.product_id, sum(b.on_hand)::int as units from asked
  join bin_balance b on b.merchant_id = $1 and b.product_id = asked.product_id
  join location l on l.id = b.location_id and l.kind = 'bin'
  where $3::uuid is null or b.warehouse_id = $3 group by 1
), balance as (
  select b.product_id, sum(b.on_hand)::int as on_hand, sum(b.on_hand - b.held - b.reserved)::int as available from asked
  join stock_balance b on b.merchant_id = $1 and b.product_id = asked.product_id
  where $3::uuid is null or b.warehouse_id = $3 group by 1
)
select a.product_id as "productId", a.sku, coalesce(s.units, 0) - coalesce(m.change, 0) as "shelfAtStart",
  coalesce(m.days, '[]') as days, coalesce(b.available, 0) as available, coalesce(b.on_hand, 0) as "onHand",
  m.last_shipped as "lastShippedAt"
from asked a
left join moved m using (product_id) left join shelf s using (product_id) left join balance b using (product_id)
order by a.sku`;

/** @param zone IANA, in which days are cut. @param from, to first and last day, 'YYYY-MM-DD'. */
export function readSales(
  tx: Tx,
  merchantId: string,
  productIds: readonly string[],
  scope: SalesScope,
  window: { readonly zone: string; readonly from: string; readonly to: string },
): Promise<SalesRow[]> {
  return tx.rows<SalesRow>({
    text: SALES,
    values: [
      merchantId,
      productIds,
      scope.warehouseId,
      scope.connectionId,
      window.zone,
      window.from,
      window.to,
    ],
  });
}

/**
 * The merchant's business day in the warehouse's zone; over all warehouses, in that of the first by code.
 * @returns null when no such warehouse serves the merchant.
 */
export async function readToday(
  tx: Tx,
  merchantId: string,
  warehouseId: string | null,
): Promise<{ readonly zone: string; readonly today: string } | null> {
  const [row] = await tx.rows<{ zone: string; today: string }>({
    text: `select w.time_zone as zone, (business_now($1) at time zone w.time_zone)::date::text as today
      from merchant_warehouse m join warehouse w on w.id = m.warehouse_id
      where m.merchant_id = $1 and ($2::uuid is null or w.id = $2) order by w.code limit 1`,
    values: [merchantId, warehouseId],
  });
  return row ?? null;
}

/** ISO 4217, in which the merchant counts. */
export async function readCurrency(tx: Tx, merchantId: string): Promise<string> {
  const [row] = await tx.rows<{ currency: string }>({
    text: 'select currency from merchant where id = $1',
    values: [merchantId],
  });
  return (row as { currency: string }).currency;
}

/** Products that some stock was ever booked for, by SKU, from one on. */
export function listStockedProducts(
  tx: Tx,
  merchantId: string,
  filter: { readonly warehouseId?: string | null; readonly skus?: readonly string[] | null },
  afterSku: string | null,
  limit: number,
): Promise<
  {
    readonly id: string;
    readonly sku: string;
    /** Of one unit; null when its size is not known. */
    readonly volumeMm3: bigint | null;
  }[]
> {
  return tx.rows({
    text: `select p.id, p.sku, p.length_mm::bigint * p.width_mm * p.height_mm as "volumeMm3" from product p
      where p.merchant_id = $1 and ($2::text[] is null or p.sku = any($2)) and ($3::text is null or p.sku > $3)
        and exists (select from stock_balance b where b.merchant_id = p.merchant_id and b.product_id = p.id
          and ($4::uuid is null or b.warehouse_id = $4))
      order by p.sku limit $5`,
    values: [merchantId, filter.skus ?? null, afterSku, filter.warehouseId ?? null, limit],
  });
}

export interface CostMovementRow {
  readonly productId: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Below 0: that left. */
  readonly units: number;
  readonly unitCostMinor: bigint | null;
}

/** Goods in a warehouse or on the road between two are the merchant's; everywhere else they are not, or not any more. */
const OUTSIDE = (place: string) => `(${place}.warehouse_id is null and ${place}.kind <> 'transit')`;

/** What came into the merchant's possession and left it until a moment (included), in its order. */
export function readCostMovements(
  tx: Tx,
  merchantId: string,
  productIds: readonly string[],
  until: Date,
): Promise<CostMovementRow[]> {
  return tx.rows<CostMovementRow>({
    text: `
select l.product_id as "productId", (extract(epoch from c.occurred_at) * 1000)::double precision as at,
  case when ${OUTSIDE('t')} then -l.quantity else l.quantity end as units,
  coalesce(l.unit_cost_minor, p.unit_cost_minor) as "unitCostMinor"
from stock_ledger l
join stock_cause c on c.merchant_id = l.merchant_id and c.id = l.cause_id and c.month = l.month
join product p on p.merchant_id = l.merchant_id and p.id = l.product_id
join location f on f.id = l.from_location_id
join location t on t.id = l.to_location_id
where l.merchant_id = $1 and l.product_id = any($2::uuid[]) and c.occurred_at <= $3
  and l.month <= date_trunc('month', $3::timestamptz at time zone 'UTC')::date
  and ${OUTSIDE('f')} <> ${OUTSIDE('t')}
order by l.product_id, c.occurred_at, c.recorded_at, l.cause_id, l.line`,
    values: [merchantId, productIds, until],
  });
}

/** When each of these days ends in the zone, in milliseconds since the epoch. */
export async function readDayEnds(tx: Tx, zone: string, from: string, to: string): Promise<number[]> {
  const rows = await tx.rows<{ at: number }>({
    text: `select (extract(epoch from (d + interval '1 day') at time zone $1) * 1000)::double precision as at
      from generate_series($2::timestamp, $3::timestamp, interval '1 day') as d order by d`,
    values: [zone, from, to],
  });
  return rows.map(({ at }) => at);
}
