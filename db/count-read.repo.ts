/** Counts for the office: lists, one with what was read, and how right the books were over a time. */
import type { Tx } from './client';

export interface CountRow {
  readonly id: string;
  readonly merchantId: string;
  readonly warehouseId: string;
  readonly warehouseCode: string;
  readonly origin: string;
  readonly class: string | null;
  readonly reason: string;
  readonly state: string;
  readonly requestedBy: string;
  readonly requestedAt: Date;
  readonly endedAt: Date | null;
  readonly sheets: number;
  readonly sheetsCounted: number;
  readonly keyAt: string;
}

export function listCounts(
  tx: Tx,
  merchantIds: readonly string[],
  filter: {
    readonly id?: string | undefined;
    readonly state?: string | undefined;
    readonly warehouseId?: string | undefined;
  },
  after: readonly [string, string] | null,
  limit: number,
): Promise<CountRow[]> {
  return tx.rows<CountRow>({
    text: `
select c.id, c.merchant_id as "merchantId", c.warehouse_id as "warehouseId", w.code as "warehouseCode", c.origin, c.class, c.reason,
  c.state, c.requested_by as "requestedBy", c.requested_at as "requestedAt", c.ended_at as "endedAt", s.sheets,
  s.counted as "sheetsCounted", c.requested_at::text as "keyAt"
from stock_count c join warehouse w on w.id = c.warehouse_id
cross join lateral (select count(*)::integer as sheets, (count(*) filter (where state = 'counted'))::integer as counted
  from count_sheet s where s.merchant_id = c.merchant_id and s.count_id = c.id) s
where c.merchant_id = any($1::uuid[]) and ($2::uuid is null or c.id = $2) and ($3::text is null or c.state = $3)
  and ($4::uuid is null or c.warehouse_id = $4) and ($5::timestamptz is null or (c.requested_at, c.id) < ($5, $6::uuid))
order by c.requested_at desc, c.id desc limit $7`,
    values: [
      merchantIds,
      filter.id ?? null,
      filter.state ?? null,
      filter.warehouseId ?? null,
      after?.[0] ?? null,
      after?.[1] ?? null,
      limit,
    ],
  });
}

export interface SheetRow {
  readonly id: string;
  readonly locationCode: string;
  readonly round: number;
  readonly state: string;
  readonly personId: string | null;
  readonly adjustmentId: string | null;
  readonly countedAt: Date | null;
  readonly lines: readonly {
    readonly sku: string;
    readonly lotCode: string;
    readonly recorded: number;
    readonly counted: number;
    /** null until the sheet is judged. */
    readonly final: boolean | null;
  }[];
}

/** Sheets with what was read; those that were begun and not ended show none of it: counting stays blind. */
export function listSheets(tx: Tx, merchantId: string, countId: string): Promise<SheetRow[]> {
  return tx.rows<SheetRow>({
    text: `
select s.id, l.code as "locationCode", s.round, s.state, s.person_id as "personId", s.adjustment_id as "adjustmentId",
  s.counted_at as "countedAt", coalesce((select json_agg(json_build_object('sku', p.sku, 'lotCode', c.lot_code,
    'recorded', c.recorded, 'counted', c.counted, 'final', c.final) order by p.sku, c.lot_code)
    from count_line c join product p on p.merchant_id = c.merchant_id and p.id = c.product_id
    where c.merchant_id = s.merchant_id and c.sheet_id = s.id and s.state = 'counted'), '[]') as lines
from count_sheet s join location l on l.id = s.location_id
where s.merchant_id = $1 and s.count_id = $2 order by l.code, s.round`,
    values: [merchantId, countId],
  });
}

export interface AccuracySums {
  readonly bins: bigint;
  readonly binsRight: bigint;
  readonly units: bigint;
  readonly unitsOff: bigint;
  /** Of products that have a cost. */
  readonly valueMinor: bigint;
  readonly valueOffMinor: bigint;
  readonly unitsWithoutCost: bigint;
}

/**
 * Readings that stood, counted from `from` until before `until`. A place counts once a count: by all that
 * was read there, whichever round's reading stood.
 */
export async function sumAccuracy(
  tx: Tx,
  merchantIds: readonly string[],
  warehouseId: string | null,
  from: Date,
  until: Date,
): Promise<AccuracySums> {
  const [row] = await tx.rows<AccuracySums>({
    text: `
with line as (
  select s.merchant_id, s.count_id, s.location_id, c.recorded::bigint, abs(c.counted - c.recorded)::bigint as off, c.unit_cost_minor
  from count_sheet s
  join stock_count k on k.merchant_id = s.merchant_id and k.id = s.count_id
  join count_line c on c.merchant_id = s.merchant_id and c.sheet_id = s.id and c.final
  where s.merchant_id = any($1::uuid[]) and ($2::uuid is null or k.warehouse_id = $2)
    and s.state = 'counted' and s.counted_at >= $3 and s.counted_at < $4
), bin as (select bool_and(off = 0) as right from line group by merchant_id, count_id, location_id)
select (select count(*) from bin) as bins, (select count(*) filter (where "right") from bin) as "binsRight",
  coalesce(sum(recorded), 0)::bigint as units, coalesce(sum(off), 0)::bigint as "unitsOff",
  coalesce(sum(recorded * unit_cost_minor), 0)::bigint as "valueMinor",
  coalesce(sum(off * unit_cost_minor), 0)::bigint as "valueOffMinor",
  coalesce(sum(recorded) filter (where unit_cost_minor is null), 0)::bigint as "unitsWithoutCost"
from line`,
    values: [merchantIds, warehouseId, from, until],
  });
  return row as AccuracySums;
}

/** Whose sheet this is, among the merchants that the transaction sees; null when it sees none. */
export async function findSheetMerchant(
  tx: Tx,
  merchantIds: readonly string[],
  sheetId: string,
): Promise<string | null> {
  const [row] = await tx.rows<{ merchantId: string }>({
    text: 'select merchant_id as "merchantId" from count_sheet where merchant_id = any($1::uuid[]) and id = $2',
    values: [merchantIds, sheetId],
  });
  return row?.merchantId ?? null;
}
