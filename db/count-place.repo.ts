/**
 * What lies at a place for a count: the books there, what a picker has taken and not brought to the bench,
 * and what of it has moved. A picker's units leave the books when his task ends, and the shelf when he
 * scans them; both show in `mark`.
 */
import type { Tx } from './client';

export interface PlaceContent {
  readonly productId: string;
  readonly lotCode: string;
  /** By the books. */
  readonly onHand: number;
  /** Of these, in the hands of pickers. */
  readonly inHands: number;
  /** Differs from an earlier one when goods were taken or put there in between. */
  readonly mark: string;
}

/** Mark of a product and lot that never was at the place. */
export const NEVER_THERE = '0|';

/** Everything that is or was there, by product and lot. True as long as its balances are locked. */
export function readPlaceContent(tx: Tx, merchantId: string, locationId: string): Promise<PlaceContent[]> {
  return tx.rows<PlaceContent>({
    text: `
select b.product_id as "productId", b.lot_code as "lotCode", b.on_hand as "onHand", coalesce(h.units, 0)::integer as "inHands",
  b.moved || '|' || coalesce(h.mark, '') as mark
from bin_balance b left join (
  select tl.product_id, tl.lot_code, sum(tl.done_quantity) as units,
    string_agg(tl.id || ':' || tl.done_quantity, ',' order by tl.id) as mark
  from task t join task_line tl on tl.merchant_id = t.merchant_id and tl.task_id = t.id
  where t.merchant_id = $1 and t.kind = 'pick' and t.state = 'claimed' and tl.location_id = $2 and tl.done_quantity > 0
  group by 1, 2
) h using (product_id, lot_code)
where b.merchant_id = $1 and b.location_id = $2`,
    values: [merchantId, locationId],
  });
}

/** Lets no picker scan at the place until the transaction ends. Tasks are locked before balances. */
export async function stopPicksAt(tx: Tx, merchantId: string, locationId: string): Promise<void> {
  await tx.rows({
    text: `select from task t where t.merchant_id = $1 and t.kind = 'pick' and t.state = 'claimed'
      and exists (select from task_line tl where tl.merchant_id = t.merchant_id and tl.task_id = t.id and tl.location_id = $2)
      order by t.id for share`,
    values: [merchantId, locationId],
  });
}

/** A picker puts back what he had taken: nothing on the books changes, and the shelf does. */
export async function markMoved(
  tx: Tx,
  merchantId: string,
  places: readonly {
    readonly locationId: string | null;
    readonly productId: string;
    readonly lotCode: string;
  }[],
): Promise<void> {
  if (places.length === 0) return;
  await tx.run({
    text: `
with p as (
  select b.ctid as at from json_to_recordset($2) as k(location_id uuid, product_id uuid, lot_code text)
  join bin_balance b on b.merchant_id = $1 and b.location_id = k.location_id and b.product_id = k.product_id
    and b.lot_code = k.lot_code
  order by b.location_id, b.product_id, b.lot_code for no key update of b
)
update bin_balance b set moved = b.moved + 1 from p where b.ctid = p.at`,
    values: [
      merchantId,
      JSON.stringify(
        places.map((place) => ({
          location_id: place.locationId,
          product_id: place.productId,
          lot_code: place.lotCode,
        })),
      ),
    ],
  });
}

export interface CountedProduct {
  readonly id: string;
  readonly sku: string;
  readonly gtin: string | null;
  readonly lotTracked: boolean;
  readonly serialTracked: boolean;
  readonly unitCostMinor: bigint | null;
}

/** Products by id, or by what is printed on them. */
export function findCountedProducts(
  tx: Tx,
  merchantId: string,
  by: { readonly ids: readonly string[]; readonly codes: readonly string[] },
): Promise<CountedProduct[]> {
  return tx.rows<CountedProduct>({
    text: `select id, sku, gtin, lot_tracked as "lotTracked", serial_tracked as "serialTracked", unit_cost_minor as "unitCostMinor"
      from product where merchant_id = $1 and (id = any($2::uuid[]) or sku = any($3::text[]) or gtin = any($3::text[]))
      order by id`,
    values: [merchantId, by.ids, by.codes],
  });
}

export interface CountLine {
  readonly productId: string;
  readonly lotCode: string;
  readonly recorded: number;
  /** Of these, in quarantine because a picker did not find them. */
  readonly doubtful: number;
  readonly counted: number;
  readonly unitCostMinor: bigint | null;
}

/** Adds what was read; products that are read again replace what they were. */
export async function writeCountLines(
  tx: Tx,
  merchantId: string,
  sheetId: string,
  lines: readonly CountLine[],
): Promise<void> {
  if (lines.length === 0) return;
  await tx.run({
    text: `
insert into count_line (merchant_id, sheet_id, product_id, lot_code, recorded, doubtful, counted, unit_cost_minor)
select $1, $2, product_id, lot_code, recorded, doubtful, counted, unit_cost_minor from json_to_recordset($3) as l(product_id uuid,
  lot_code text, recorded integer, doubtful integer, counted integer, unit_cost_minor bigint)
on conflict (merchant_id, sheet_id, product_id, lot_code) do update set recorded = excluded.recorded,
  doubtful = excluded.doubtful, counted = excluded.counted, unit_cost_minor = excluded.unit_cost_minor`,
    values: [
      merchantId,
      sheetId,
      JSON.stringify(
        lines.map((line) => ({
          product_id: line.productId,
          lot_code: line.lotCode,
          recorded: line.recorded,
          doubtful: line.doubtful,
          counted: line.counted,
          unit_cost_minor: line.unitCostMinor === null ? null : String(line.unitCostMinor),
        })),
      ),
    ],
  });
}

export function readCountLines(tx: Tx, merchantId: string, sheetId: string): Promise<CountLine[]> {
  return tx.rows<CountLine>({
    text: `select product_id as "productId", lot_code as "lotCode", recorded, doubtful, counted, unit_cost_minor as "unitCostMinor"
      from count_line where merchant_id = $1 and sheet_id = $2 order by product_id, lot_code`,
    values: [merchantId, sheetId],
  });
}

/** Says of each product's readings whether they stand. */
export async function markFinal(
  tx: Tx,
  merchantId: string,
  sheetId: string,
  again: readonly string[],
): Promise<void> {
  await tx.run({
    text: `update count_line set final = not (product_id = any($3::uuid[])) where merchant_id = $1 and sheet_id = $2`,
    values: [merchantId, sheetId, again],
  });
}

/** Differences that earlier rounds of the count found at the place. */
export function readEarlierDifferences(
  tx: Tx,
  merchantId: string,
  sheet: { readonly countId: string; readonly locationId: string; readonly round: number },
): Promise<{ readonly productId: string; readonly lotCode: string; readonly difference: number }[]> {
  return tx.rows({
    text: `select l.product_id as "productId", l.lot_code as "lotCode", l.counted - l.recorded as difference
      from count_sheet s join count_line l on l.merchant_id = s.merchant_id and l.sheet_id = s.id
      where s.merchant_id = $1 and s.count_id = $2 and s.location_id = $3 and s.round < $4 and s.state = 'counted'`,
    values: [merchantId, sheet.countId, sheet.locationId, sheet.round],
  });
}

export async function readTolerance(
  tx: Tx,
  merchantId: string,
): Promise<{
  readonly units: number | null;
  readonly percent: number | null;
  readonly minor: bigint | null;
}> {
  const [row] = await tx.rows<{ units: number | null; percent: number | null; minor: bigint | null }>({
    text: `select count_tolerance_units as units, count_tolerance_percent as percent, count_tolerance_minor as minor
      from merchant where id = $1`,
    values: [merchantId],
  });
  return row ?? { units: null, percent: null, minor: null };
}
