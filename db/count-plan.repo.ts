/** Which places a count looks at: by bin, by product, or by how long nobody has counted there. */
import type { Tx } from './client';

export interface PlaceToCount {
  readonly locationId: string;
  /** null: whatever lies there. */
  readonly productIds: readonly string[] | null;
}

/** Sheets that are open at a place cover it; a further one would find nothing new. */
const NOT_OPEN = `not exists (select from count_sheet s where s.merchant_id = $1 and s.location_id = l.id
  and s.state in ('open', 'started') and (s.product_ids is null or s.product_ids && $3::uuid[]))`;

/** Bins that hold some of these products, those first that were not counted for longest. */
export function placesOfProducts(
  tx: Tx,
  merchantId: string,
  by: {
    readonly warehouseId: string;
    readonly productIds: readonly string[];
    /** Counted since: left out; null: none is. */
    readonly notSince: Date | null;
    readonly limit: number;
  },
): Promise<PlaceToCount[]> {
  return tx.rows<PlaceToCount>({
    text: `
with held as (
  select b.location_id, b.product_id, (select max(s.counted_at) from count_sheet s join count_line c
      on c.merchant_id = s.merchant_id and c.sheet_id = s.id and c.product_id = b.product_id and c.final
    where s.merchant_id = b.merchant_id and s.location_id = b.location_id and s.state = 'counted') as counted_at
  from bin_balance b where b.merchant_id = $1 and b.warehouse_id = $2 and b.product_id = any($3::uuid[]) and b.on_hand > 0
)
select l.id as "locationId", array_agg(distinct h.product_id) as "productIds"
from held h join location l on l.id = h.location_id and l.kind = 'bin'
where ($4::timestamptz is null or h.counted_at is null or h.counted_at < $4) and ${NOT_OPEN}
group by l.id, l.code order by min(h.counted_at) nulls first, l.code limit $5`,
    values: [merchantId, by.warehouseId, by.productIds, by.notSince, by.limit],
  });
}

/** Bins that hold anything of the merchant's, whole. */
export function placesInUse(
  tx: Tx,
  merchantId: string,
  warehouseId: string,
  limit: number,
): Promise<PlaceToCount[]> {
  return tx.rows<PlaceToCount>({
    text: `select l.id as "locationId", null as "productIds" from location l
      where l.warehouse_id = $2 and l.kind = 'bin' and exists (select from bin_balance b where b.merchant_id = $1
        and b.location_id = l.id and b.on_hand > 0)
      and not exists (select from count_sheet s where s.merchant_id = $1 and s.location_id = l.id
        and s.state in ('open', 'started') and s.product_ids is null)
      order by l.code limit $3`,
    values: [merchantId, warehouseId, limit],
  });
}

/**
 * What shipped from the warehouse since then, at cost by product, of all products that lie or lay there.
 * Source of the ABC classes.
 */
export function shippedValues(
  tx: Tx,
  merchantId: string,
  warehouseId: string,
  since: Date,
): Promise<{ readonly productId: string; readonly shippedMinor: bigint }[]> {
  return tx.rows({
    text: `
select p.id as "productId", coalesce(sum(s.quantity * coalesce(p.unit_cost_minor, 0)), 0)::bigint as "shippedMinor"
from product p
join stock_balance b on b.merchant_id = p.merchant_id and b.product_id = p.id and b.warehouse_id = $2
left join (
  select l.product_id, l.quantity::bigint from stock_cause c
  join stock_ledger l on l.merchant_id = c.merchant_id and l.cause_id = c.id and l.month = c.month
  join location f on f.id = l.from_location_id and f.warehouse_id = $2
  where c.merchant_id = $1 and c.kind = 'ship' and c.occurred_at >= $3
    and c.month >= date_trunc('month', $3::timestamptz at time zone 'UTC')::date
) s on s.product_id = p.id
where p.merchant_id = $1 group by p.id`,
    values: [merchantId, warehouseId, since],
  });
}
