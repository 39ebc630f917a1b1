/**
 * What is kept beside the ledger for quick answers, made again: whether a lot is held (from its holds),
 * what a transfer sent, received and lost, and where each unit with a number is (from their movements). Under the caller's locks.
 */
import type { Tx } from '../db/client';
import { LEDGER_BY_SERIAL, LEDGER_BY_TRANSFER } from './stock-invariants';
import { BUILT_BY_STEPS } from './work-order-invariants';

export interface Difference {
  readonly merchantId: string;
  readonly table:
    | 'stock_balance'
    | 'bin_balance'
    | 'lot'
    | 'stock_transfer_content'
    | 'serial_unit'
    | 'work_order';
  /** Warehouse and product, or place, product and lot, or transfer, product and lot. */
  readonly key: string;
  /** Column values before, and what they should be. */
  readonly was: string;
  readonly is: string;
  /** False when it could not be written: more is promised than is there. */
  readonly fixed: boolean;
}

/** Says what differs, and makes it right unless `dryRun`. */
export async function rebuildProjections(tx: Tx, merchantId: string, dryRun: boolean): Promise<Difference[]> {
  return [
    ...(await rebuildLots(tx, merchantId, dryRun)),
    ...(await rebuildTransfers(tx, merchantId, dryRun)),
    ...(await rebuildSerials(tx, merchantId, dryRun)),
    ...(await rebuildWorkOrders(tx, merchantId, dryRun)),
  ];
}

const LOTS = `
select product_id, code, held from lot l where merchant_id = $1 and held <> exists (select from lot_hold h
  where h.merchant_id = l.merchant_id and h.product_id = l.product_id and h.lot_code = l.code and h.lifted_at is null)
order by 1, 2`;

async function rebuildLots(tx: Tx, merchantId: string, dryRun: boolean): Promise<Difference[]> {
  const rows = await tx.rows<{ product_id: string; code: string; held: boolean }>({
    text: LOTS,
    values: [merchantId],
  });
  if (!dryRun && rows.length > 0)
    await tx.run({
      text: `update lot l set held = not l.held from (${LOTS}) d
        where l.merchant_id = $1 and l.product_id = d.product_id and l.code = d.code`,
      values: [merchantId],
    });
  const text = (held: boolean) => (held ? 'held' : 'not held');
  return rows.map((row) => ({
    merchantId,
    table: 'lot',
    key: `product ${row.product_id}, lot "${row.code}"`,
    was: text(row.held),
    is: text(!row.held),
    fixed: true,
  }));
}

const WORK_ORDERS = `
select w.id, w.built as was, coalesce(s.built, 0)::integer as built from work_order w
left join (${BUILT_BY_STEPS}) s on s.merchant_id = w.merchant_id and s.work_order_id = w.id
where w.merchant_id = $1 and w.built <> coalesce(s.built, 0) order by 1`;

async function rebuildWorkOrders(tx: Tx, merchantId: string, dryRun: boolean): Promise<Difference[]> {
  const rows = await tx.rows<{ id: string; was: number; built: number }>({
    text: WORK_ORDERS,
    values: [merchantId],
  });
  if (!dryRun && rows.length > 0)
    await tx.run({
      text: `update work_order w set built = d.built from (${WORK_ORDERS}) d where w.merchant_id = $1 and w.id = d.id`,
      values: [merchantId],
    });
  return rows.map((row) => ({
    merchantId,
    table: 'work_order',
    key: `work order ${row.id}`,
    was: `${row.was} made`,
    is: `${row.built} made`,
    fixed: true,
  }));
}

interface TransferRow {
  readonly transfer_id: string;
  readonly product_id: string;
  readonly lot_code: string;
  readonly was: string;
  readonly dispatched: bigint;
  readonly received: bigint;
  readonly lost: bigint;
}

const TRANSFERS = `
select transfer_id, product_id, lot_code, format('%s out, %s in, %s lost', coalesce(c.dispatched, 0), coalesce(c.received, 0),
    coalesce(c.lost, 0)) as was,
  coalesce(l.dispatched, 0)::bigint as dispatched, coalesce(l.received, 0)::bigint as received, coalesce(l.lost, 0)::bigint as lost
from stock_transfer_content c full join (${LEDGER_BY_TRANSFER}) l using (merchant_id, transfer_id, product_id, lot_code)
where merchant_id = $1 and (coalesce(c.dispatched, 0), coalesce(c.received, 0), coalesce(c.lost, 0))
  <> (coalesce(l.dispatched, 0), coalesce(l.received, 0), coalesce(l.lost, 0))
order by 1, 2, 3`;

async function rebuildTransfers(tx: Tx, merchantId: string, dryRun: boolean): Promise<Difference[]> {
  const rows = await tx.rows<TransferRow>({ text: TRANSFERS, values: [merchantId] });
  // More came than went: no figures of a transfer can say that, a person has to look at the movements.
  const fits = (row: TransferRow) => row.received + row.lost <= row.dispatched;
  if (!dryRun && rows.some(fits)) {
    await tx.run({
      text: `
insert into stock_transfer_content (merchant_id, transfer_id, product_id, lot_code, dispatched, received, lost)
select $1, transfer_id, product_id, lot_code, dispatched, received, lost from (${TRANSFERS}) d
where received + lost <= dispatched
on conflict (merchant_id, transfer_id, product_id, lot_code) do update
  set dispatched = excluded.dispatched, received = excluded.received, lost = excluded.lost`,
      values: [merchantId],
    });
    await tx.run({
      text: `
update stock_transfer_line l set awaited = case when t.ended_at is null then greatest(0, l.requested - coalesce((
    select sum(c.dispatched) from stock_transfer_content c
    where c.merchant_id = l.merchant_id and c.transfer_id = l.transfer_id and c.product_id = l.product_id), 0)) else 0 end
from stock_transfer t where t.merchant_id = l.merchant_id and t.id = l.transfer_id and l.merchant_id = $1`,
      values: [merchantId],
    });
  }
  return rows.map((row) => ({
    merchantId,
    table: 'stock_transfer_content',
    key: `transfer ${row.transfer_id}, product ${row.product_id}, lot "${row.lot_code}"`,
    was: row.was,
    is: `${row.dispatched} out, ${row.received} in, ${row.lost} lost`,
    fixed: fits(row),
  }));
}

const SERIALS = `
select l.product_id, l.serial, l.lot_code, l.location_id, s.location_id as was_at, s.lot_code as was_lot
from (${LEDGER_BY_SERIAL}) l left join serial_unit s using (merchant_id, product_id, serial)
where l.merchant_id = $1 and (s.location_id, s.lot_code) is distinct from (l.location_id, l.lot_code) order by 1, 2`;

async function rebuildSerials(tx: Tx, merchantId: string, dryRun: boolean): Promise<Difference[]> {
  const rows = await tx.rows<
    Record<'product_id' | 'serial' | 'lot_code' | 'location_id', string> &
      Record<'was_at' | 'was_lot', string | null>
  >({
    text: SERIALS,
    values: [merchantId],
  });
  if (!dryRun && rows.length > 0)
    await tx.run({
      text: `insert into serial_unit (merchant_id, product_id, serial, lot_code, location_id)
        select $1, product_id, serial, lot_code, location_id from (${SERIALS}) d
        on conflict (merchant_id, product_id, serial) do update set lot_code = excluded.lot_code, location_id = excluded.location_id`,
      values: [merchantId],
    });
  return rows.map((row) => ({
    merchantId,
    table: 'serial_unit',
    key: `product ${row.product_id}, unit ${row.serial}`,
    was: row.was_at === null ? 'unknown' : `place ${row.was_at}, lot "${row.was_lot}"`,
    is: `place ${row.location_id}, lot "${row.lot_code}"`,
    fixed: true,
  }));
}
