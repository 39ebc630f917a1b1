/**
 * Makes the balances again from what they summarise: on hand and held from the ledger, reserved from the
 * live reservations, allocated from the allocations; and with them which lots are held and what transfers
 * have on the road. For the day on which `check` says that they differ:
 * it says what it changed, merchant by merchant, each in one transaction under the locks that every
 * posting takes, so it may run beside an engine at work. Where more is promised than is there, no balance
 * can be right: that row is left and named, for a person has to take reservations back. A balance without
 * any movement becomes zero; no row is removed.
 */
import { Database, type Tx } from '../db/client';
import { type Difference, rebuildProjections } from './rebuild-projections';
import { ALLOCATED, LEDGER_BY_BIN, LEDGER_BY_WAREHOUSE, RESERVED } from './stock-invariants';

export interface RebuildReport {
  readonly merchants: number;
  readonly differences: readonly Difference[];
}

interface StockRow {
  readonly warehouse_id: string;
  readonly product_id: string;
  readonly was: string;
  readonly on_hand: bigint;
  readonly held: bigint;
  readonly reserved: bigint;
}

interface BinRow {
  readonly location_id: string;
  readonly product_id: string;
  readonly lot_code: string;
  readonly warehouse_id: string;
  readonly was: string;
  readonly on_hand: bigint;
  readonly allocated: bigint;
}

const STOCK_DIFFERENCES = `
select warehouse_id, product_id, format('%s on hand, %s held, %s reserved', coalesce(b.on_hand, 0), coalesce(b.held, 0),
    coalesce(b.reserved, 0)) as was,
  coalesce(l.on_hand, 0)::bigint as on_hand, coalesce(l.held, 0)::bigint as held, coalesce(r.reserved, 0)::bigint as reserved
from stock_balance b full join (${LEDGER_BY_WAREHOUSE}) l using (merchant_id, warehouse_id, product_id)
full join (${RESERVED}) r using (merchant_id, warehouse_id, product_id)
where (coalesce(b.on_hand, 0), coalesce(b.held, 0), coalesce(b.reserved, 0))
  <> (coalesce(l.on_hand, 0), coalesce(l.held, 0), coalesce(r.reserved, 0))
order by 1, 2`;

const BIN_DIFFERENCES = `
select location_id, product_id, lot_code, w.warehouse_id, format('%s on hand, %s allocated', coalesce(b.on_hand, 0),
    coalesce(b.allocated, 0)) as was,
  coalesce(l.on_hand, 0)::bigint as on_hand, coalesce(a.allocated, 0)::bigint as allocated
from (select merchant_id, location_id, product_id, lot_code, on_hand, allocated, warehouse_id as kept_in from bin_balance) b
full join (select merchant_id, location_id, product_id, lot_code, on_hand from (${LEDGER_BY_BIN}) bins) l
  using (merchant_id, location_id, product_id, lot_code)
full join (${ALLOCATED}) a using (merchant_id, location_id, product_id, lot_code)
join location w on w.id = location_id
where (coalesce(b.on_hand, 0), coalesce(b.allocated, 0)) <> (coalesce(l.on_hand, 0), coalesce(a.allocated, 0))
  or b.kept_in is distinct from w.warehouse_id and b.kept_in is not null
order by 1, 2, 3`;

/**
 * @param urls the database as the application and as the system role.
 * @param options `dryRun` says what differs and changes nothing.
 */
export async function rebuild(
  urls: { readonly appUrl: string; readonly systemUrl: string },
  { dryRun = false }: { readonly dryRun?: boolean } = {},
): Promise<RebuildReport> {
  const database = new Database({ ...urls, poolSize: 2 });
  try {
    const merchants = await database.withSystem((tx) =>
      tx.rows<{ id: string }>({ text: 'select id from merchant order by id' }),
    );
    const differences: Difference[] = [];
    for (const { id } of merchants)
      differences.push(...(await database.withMerchants([id], (tx) => rebuildMerchant(tx, id, dryRun))));
    return { merchants: merchants.length, differences };
  } finally {
    await database.close();
  }
}

async function rebuildMerchant(tx: Tx, merchantId: string, dryRun: boolean): Promise<Difference[]> {
  // A transfer's posting holds its row before any balance.
  await tx.rows({
    text: 'select from stock_transfer where merchant_id = $1 order by id for update',
    values: [merchantId],
  });
  // So does a work order's.
  await tx.rows({
    text: 'select from work_order where merchant_id = $1 order by id for update',
    values: [merchantId],
  });
  // The order of every posting: balances by key, then bins by key. What is read after it stays true.
  await tx.rows({
    text: 'select from stock_balance where merchant_id = $1 order by merchant_id, warehouse_id, product_id for update',
    values: [merchantId],
  });
  await tx.rows({
    text: 'select from bin_balance where merchant_id = $1 order by merchant_id, location_id, product_id, lot_code for update',
    values: [merchantId],
  });
  // What a lot's units count as comes first: balances follow from it.
  const projections = await rebuildProjections(tx, merchantId, dryRun);
  const stock = await tx.rows<StockRow>({ text: STOCK_DIFFERENCES });
  const bins = await tx.rows<BinRow>({ text: BIN_DIFFERENCES });
  if (!dryRun) {
    await writeStock(tx, merchantId, stock.filter(stockFits));
    await writeBins(tx, merchantId, bins.filter(binFits));
  }
  return [
    ...projections,
    ...stock.map((row) => stockDifference(merchantId, row)),
    ...bins.map((row) => binDifference(merchantId, row)),
  ];
}

const stockFits = (row: StockRow) =>
  row.on_hand >= 0n && row.held >= 0n && row.reserved <= row.on_hand - row.held;
const binFits = (row: BinRow) => row.on_hand >= 0n && row.allocated <= row.on_hand;

function stockDifference(merchantId: string, row: StockRow): Difference {
  return {
    merchantId,
    table: 'stock_balance',
    key: `warehouse ${row.warehouse_id}, product ${row.product_id}`,
    was: row.was,
    is: `${row.on_hand} on hand, ${row.held} held, ${row.reserved} reserved`,
    fixed: stockFits(row),
  };
}

function binDifference(merchantId: string, row: BinRow): Difference {
  return {
    merchantId,
    table: 'bin_balance',
    key: `place ${row.location_id}, product ${row.product_id}, lot "${row.lot_code}"`,
    was: row.was,
    is: `${row.on_hand} on hand, ${row.allocated} allocated`,
    fixed: binFits(row),
  };
}

const asJson = (rows: readonly object[]) =>
  JSON.stringify(rows, (_name, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));

async function writeStock(tx: Tx, merchantId: string, rows: readonly StockRow[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.run({
    text: `
insert into stock_balance (merchant_id, warehouse_id, product_id, on_hand, held, reserved)
select $1, warehouse_id, product_id, on_hand, held, reserved
from json_to_recordset($2) as r(warehouse_id uuid, product_id uuid, on_hand integer, held integer, reserved integer)
on conflict (merchant_id, warehouse_id, product_id) do update
  set on_hand = excluded.on_hand, held = excluded.held, reserved = excluded.reserved`,
    values: [merchantId, asJson(rows)],
  });
}

async function writeBins(tx: Tx, merchantId: string, rows: readonly BinRow[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.run({
    text: `
insert into bin_balance (merchant_id, location_id, product_id, lot_code, warehouse_id, on_hand, allocated)
select $1, location_id, product_id, lot_code, warehouse_id, on_hand, allocated
from json_to_recordset($2) as r(location_id uuid, product_id uuid, lot_code text, warehouse_id uuid, on_hand integer,
  allocated integer)
on conflict (merchant_id, location_id, product_id, lot_code) do update
  set on_hand = excluded.on_hand, allocated = excluded.allocated, warehouse_id = excluded.warehouse_id`,
    values: [merchantId, asJson(rows)],
  });
}
