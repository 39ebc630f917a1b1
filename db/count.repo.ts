/** Counts and their sheets: making, claiming, moving on. What lies at a place is read in count-place.repo. */
import type { Tx } from './client';

export interface NewCount {
  readonly id: string;
  readonly merchantId: string;
  readonly warehouseId: string;
  readonly origin: 'abc' | 'request' | 'short_pick';
  readonly class: 'A' | 'B' | 'C' | null;
  readonly reason: string;
  readonly requestedBy: string;
  readonly requestedAt: Date;
}

export async function insertCount(tx: Tx, count: NewCount): Promise<void> {
  await tx.run({
    text: `insert into stock_count (id, merchant_id, warehouse_id, origin, class, reason, requested_by, requested_at)
      values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    values: [
      count.id,
      count.merchantId,
      count.warehouseId,
      count.origin,
      count.class,
      count.reason,
      count.requestedBy,
      count.requestedAt,
    ],
  });
}

export interface NewSheet {
  readonly id: string;
  readonly locationId: string;
  readonly round: number;
  /** null: whatever lies there. */
  readonly productIds: readonly string[] | null;
}

/** Sheets with their tasks, in one statement. */
export async function insertSheets(
  tx: Tx,
  count: { readonly merchantId: string; readonly countId: string; readonly warehouseId: string },
  sheets: readonly NewSheet[],
  priority: number,
): Promise<void> {
  if (sheets.length === 0) return;
  await tx.run({
    text: `
with s as (
  select * from json_to_recordset($4) as s(id uuid, location_id uuid, round integer, product_ids uuid[])
), t as (
  insert into task (id, merchant_id, warehouse_id, kind, priority) select id, $1, $3, 'count', $5 from s
)
insert into count_sheet (id, merchant_id, count_id, location_id, round, product_ids)
select id, $1, $2, location_id, round, product_ids from s`,
    values: [
      count.merchantId,
      count.countId,
      count.warehouseId,
      JSON.stringify(
        sheets.map((sheet) => ({
          id: sheet.id,
          location_id: sheet.locationId,
          round: sheet.round,
          product_ids: sheet.productIds,
        })),
      ),
      priority,
    ],
  });
}

export interface Doubt {
  readonly locationId: string;
  readonly productId: string;
  readonly lotCode: string;
  readonly quantity: number;
  /** Where the units are on the books. */
  readonly heldAt: string;
}

export async function insertDoubts(
  tx: Tx,
  merchantId: string,
  countId: string,
  doubts: readonly Doubt[],
): Promise<void> {
  await tx.run({
    text: `insert into count_doubt (merchant_id, count_id, location_id, product_id, lot_code, quantity, held_at)
      select $1, $2, location_id, product_id, lot_code, sum(quantity)::integer, held_at from json_to_recordset($3) as d(location_id uuid,
        product_id uuid, lot_code text, quantity integer, held_at uuid) group by 3, 4, 5, 7`,
    values: [
      merchantId,
      countId,
      JSON.stringify(
        doubts.map((doubt) => ({
          location_id: doubt.locationId,
          product_id: doubt.productId,
          lot_code: doubt.lotCode,
          quantity: doubt.quantity,
          held_at: doubt.heldAt,
        })),
      ),
    ],
  });
}

/** Of one place; those that no reading has settled, as far as they still lie there. */
export function readDoubts(
  tx: Tx,
  merchantId: string,
  countId: string,
  locationId: string,
): Promise<Doubt[]> {
  return tx.rows<Doubt>({
    text: `select d.location_id as "locationId", d.product_id as "productId", d.lot_code as "lotCode",
        least(d.quantity, coalesce(b.on_hand, 0)) as quantity, d.held_at as "heldAt"
      from count_doubt d left join bin_balance b on b.merchant_id = d.merchant_id and b.location_id = d.held_at
        and b.product_id = d.product_id and b.lot_code = d.lot_code
      where d.merchant_id = $1 and d.count_id = $2 and d.location_id = $3 and not d.settled`,
    values: [merchantId, countId, locationId],
  });
}

export async function settleDoubts(
  tx: Tx,
  merchantId: string,
  countId: string,
  doubts: readonly Doubt[],
): Promise<void> {
  for (const { locationId, productId, lotCode } of doubts)
    await tx.run({
      text: `update count_doubt set settled = true where merchant_id = $1 and count_id = $2 and location_id = $3
        and product_id = $4 and lot_code = $5`,
      values: [merchantId, countId, locationId, productId, lotCode],
    });
}

export interface LockedSheet {
  readonly merchantId: string;
  readonly sheetId: string;
  readonly countId: string;
  readonly warehouseId: string;
  readonly locationId: string;
  readonly locationCode: string;
  readonly round: number;
  readonly state: 'open' | 'started' | 'counted' | 'cancelled';
  readonly productIds: readonly string[] | null;
  readonly seen: Readonly<Record<string, string>> | null;
  readonly taskState: string;
  readonly claimedBy: string | null;
  readonly priority: number;
}

const SHEET = `s.merchant_id as "merchantId", s.id as "sheetId", s.count_id as "countId", t.warehouse_id as "warehouseId",
  s.location_id as "locationId", l.code as "locationCode", s.round, s.state, s.product_ids as "productIds", s.seen,
  t.state as "taskState", t.claimed_by as "claimedBy", t.priority
from task t join count_sheet s on s.merchant_id = t.merchant_id and s.id = t.id join location l on l.id = s.location_id`;

/** Locks the task, then its sheet; null when one may see none. */
export async function lockSheet(tx: Tx, sheetId: string): Promise<LockedSheet | null> {
  const [row] = await tx.rows<LockedSheet>({
    text: `select ${SHEET} where t.id = $1 and t.kind = 'count' for no key update of t, s`,
    values: [sheetId],
  });
  return row ?? null;
}

/** The sheet that the person has claimed and not finished; null when there is none. */
export async function lockClaimedSheet(
  tx: Tx,
  personId: string,
  warehouseId: string,
): Promise<LockedSheet | null> {
  const [row] = await tx.rows<LockedSheet>({
    text: `select ${SHEET} where t.claimed_by = $1 and t.state = 'claimed' and t.kind = 'count' and t.warehouse_id = $2
      order by t.claimed_at, t.id limit 1 for no key update of t, s`,
    values: [personId, warehouseId],
  });
  return row ?? null;
}

/**
 * Locks the first open sheet for this person. Left out: places that are being counted or whose correction
 * waits for a decision, and places that he has counted in this count while somebody else could.
 */
export async function lockNextSheet(
  tx: Tx,
  personId: string,
  warehouseId: string,
): Promise<LockedSheet | null> {
  const [row] = await tx.rows<LockedSheet>({
    text: `select ${SHEET} where t.warehouse_id = $2 and t.kind = 'count' and t.state = 'open' and s.state = 'open'
      and not exists (select from count_sheet o where o.merchant_id = s.merchant_id and o.location_id = s.location_id
        and o.state = 'started')
      and not exists (${WAITING_AT})
      and (not exists (${COUNTED_BY('$1')}) or not exists (
        select from person q join person me on me.id = $1 and me.organisation_id = q.organisation_id
        where q.id <> $1 and q.erased_at is null and q.role in ('floor', 'operator') and not exists (${COUNTED_BY('q.id')})))
      order by t.priority desc, t.due_at, t.id limit 1 for no key update of t, s skip locked`,
    values: [personId, warehouseId],
  });
  return row ?? null;
}

const COUNTED_BY = (person: string) => `select from count_sheet e where e.merchant_id = s.merchant_id
  and e.count_id = s.count_id and e.location_id = s.location_id and e.round < s.round and e.person_id = ${person}`;

const WAITING_AT = `select from stock_adjustment_line al join stock_adjustment a on a.merchant_id = al.merchant_id
  and a.id = al.adjustment_id and a.state = 'pending'
  where al.merchant_id = s.merchant_id and al.location_id = s.location_id and al.posted is null`;

/** Whether a correction of the place waits for a decision, or another sheet of it is being counted. */
export async function isPlaceTaken(tx: Tx, sheet: LockedSheet): Promise<boolean> {
  const rows = await tx.rows({
    text: `select from count_sheet s where s.merchant_id = $1 and s.id = $2 and (exists (${WAITING_AT})
      or exists (select from count_sheet o where o.merchant_id = s.merchant_id and o.location_id = s.location_id
        and o.state = 'started' and o.id <> s.id))`,
    values: [sheet.merchantId, sheet.sheetId],
  });
  return rows.length > 0;
}

/** The counter begins to look, or looks again at some products. */
export async function startSheet(
  tx: Tx,
  sheet: LockedSheet,
  how: {
    readonly personId: string;
    readonly seen: Readonly<Record<string, string>>;
    readonly productIds: readonly string[] | null;
  },
): Promise<void> {
  await tx.run({
    text: `update count_sheet set state = 'started', person_id = $3, seen = $4, product_ids = $5 where merchant_id = $1 and id = $2`,
    values: [sheet.merchantId, sheet.sheetId, how.personId, JSON.stringify(how.seen), how.productIds],
  });
}

/** Gives the sheet back; what was read of it stays. */
export async function reopenSheet(tx: Tx, sheet: LockedSheet): Promise<void> {
  await tx.run({
    text: `update count_sheet set state = 'open', seen = null where merchant_id = $1 and id = $2 and state = 'started'`,
    values: [sheet.merchantId, sheet.sheetId],
  });
}

export async function finishSheet(
  tx: Tx,
  sheet: LockedSheet,
  adjustmentId: string | null,
  at: Date,
): Promise<void> {
  await tx.run({
    text: `update count_sheet set state = 'counted', adjustment_id = $3, counted_at = $4 where merchant_id = $1 and id = $2`,
    values: [sheet.merchantId, sheet.sheetId, adjustmentId, at],
  });
}

/** Ends the count when none of its sheets is left to do. */
export async function endCountIfDone(tx: Tx, merchantId: string, countId: string, at: Date): Promise<void> {
  await tx.run({
    text: `update stock_count c set state = 'done', ended_at = $3 where c.merchant_id = $1 and c.id = $2 and c.state = 'open'
      and not exists (select from count_sheet s where s.merchant_id = c.merchant_id and s.count_id = c.id
        and s.state in ('open', 'started'))`,
    values: [merchantId, countId, at],
  });
}

/** Locks the count's tasks and sheets, which come before the count itself. */
export async function lockSheetsOfCount(
  tx: Tx,
  merchantIds: readonly string[],
  countId: string,
): Promise<void> {
  await tx.rows({
    text: `select from task t join count_sheet s on s.merchant_id = t.merchant_id and s.id = t.id
      where s.merchant_id = any($1::uuid[]) and s.count_id = $2 order by t.id for no key update of t, s`,
    values: [merchantIds, countId],
  });
}

/** Cancels what is not counted of a locked count. Returns how many sheets. */
export async function cancelSheets(tx: Tx, merchantId: string, countId: string, at: Date): Promise<number> {
  const values = [merchantId, countId];
  const cancelled = await tx.run({
    text: `
with s as (
  update count_sheet set state = 'cancelled', seen = null
  where merchant_id = $1 and count_id = $2 and state in ('open', 'started') returning id
)
update task t set state = 'cancelled', finished_at = now() from s where t.merchant_id = $1 and t.id = s.id`,
    values,
  });
  await tx.run({
    text: `update stock_count set state = 'cancelled', ended_at = $3 where merchant_id = $1 and id = $2 and state = 'open'`,
    values: [...values, at],
  });
  return cancelled;
}

/** Locks the count; null when one may see none. */
export async function lockCount(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
): Promise<{ readonly merchantId: string; readonly state: string } | null> {
  const [row] = await tx.rows<{ merchantId: string; state: string }>({
    text: `select merchant_id as "merchantId", state from stock_count where merchant_id = any($1::uuid[]) and id = $2
      for no key update`,
    values: [merchantIds, id],
  });
  return row ?? null;
}
