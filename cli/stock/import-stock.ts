/**
 * `quayside stock import`: a file of opening stock or corrections, posted as one: all rows or none, unless
 * a part is asked for. The file's digest is the cause, so importing it again changes nothing.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { requestAdjustment } from '../../commands/stock/request-adjustment';
import { type RowFault, readStockFile, type StockRow } from '../../commands/stock/stock-file';
import { loadConfig, required } from '../../config';
import { findProducts } from '../../db/adjustment.repo';
import { Database, type Tx } from '../../db/client';
import { findPlaces } from '../../db/place.repo';
import { isFailure } from '../../domain/failure-types';
import {
  ADJUSTMENT_REASONS,
  type AdjustmentReason,
  reasonAllows,
} from '../../domain/stock/adjustment-reasons';
import { CommandError } from '../command-error';
import { findRunning, locateDataDir } from '../data-dir';
import { Screen, table } from '../screen';

export interface ImportFlags {
  readonly merchant: string;
  readonly warehouse: string;
  readonly kind: string;
  readonly reasonCode?: string;
  readonly reason?: string;
  readonly partial?: boolean;
  readonly json?: boolean;
  readonly dataDir?: string;
}

const KINDS = { opening: 'opening', adjustment: 'counted', write_off: 'lost' } as const satisfies Readonly<
  Record<string, AdjustmentReason>
>;

export async function importStock(path: string, flags: ImportFlags): Promise<void> {
  if (!Object.hasOwn(KINDS, flags.kind))
    throw new CommandError(
      `there is no kind "${flags.kind}"`,
      2,
      `kinds are ${Object.keys(KINDS).join(', ')}`,
    );
  const kind = flags.kind as keyof typeof KINDS;
  const reasonCode = reasonOf(flags.reasonCode ?? KINDS[kind]);
  const [bytes, file] = [bytesOf(path), basename(path)];
  const { rows, faults } = sayingWhy(() => readStockFile(bytes, file));
  const config = loadConfig({ ...findRunning(locateDataDir(flags.dataDir))?.environment, ...process.env });
  const database = new Database({
    appUrl: required(config, 'DATABASE_APP_URL'),
    systemUrl: required(config, 'DATABASE_SYSTEM_URL'),
    poolSize: 2,
  });
  try {
    const merchantId = await merchantOf(database, flags.merchant);
    const found = await database.withMerchants([merchantId], (tx) =>
      lookUp(tx, merchantId, flags.warehouse, rows),
    );
    const wrong = [
      ...faults,
      ...found.faults,
      ...rows
        .filter((row) => !reasonAllows(reasonCode, row.quantity))
        .map(({ row }) => ({
          row,
          column: 'quantity',
          message: `the reason ${reasonCode} does not go that way`,
        })),
    ].sort((a, b) => a.row - b.row);
    const bad = new Set(wrong.map(({ row }) => row));
    const good = rows.filter(({ row }) => !bad.has(row));
    if (wrong.length > 0 && (flags.partial !== true || good.length === 0)) throw refusal(file, wrong);
    if (good.length === 0) throw new CommandError(`${file} holds no rows`);
    const digest = createHash('sha256').update(bytes).digest('hex');
    const posted = await new Screen().step(`posting ${good.length} rows`, () =>
      post(database, {
        merchantId,
        // What is posted of a file differs by these.
        causeId: `csv:${kind}:${flags.warehouse}:${good.length}:${digest}`,
        kind,
        reasonCode,
        warehouseId: found.warehouseId,
        reason: flags.reason ?? `imported from ${file}`,
        rows: good,
      }),
    );
    if (flags.json) process.stdout.write(`${JSON.stringify({ ...posted, refused: wrong })}\n`);
    else describe(posted, wrong);
    if (wrong.length > 0) process.exitCode = 1;
  } finally {
    await database.close();
  }
}

function reasonOf(text: string): AdjustmentReason {
  if (Object.hasOwn(ADJUSTMENT_REASONS, text)) return text as AdjustmentReason;
  throw new CommandError(
    `there is no reason "${text}"`,
    2,
    `reasons are ${Object.keys(ADJUSTMENT_REASONS).join(', ')}`,
  );
}

function bytesOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new CommandError(
      `${path} can't be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** A refusal as the command says it: one sentence. */
function sayingWhy<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (isFailure(error)) throw new CommandError(error.message);
    throw error;
  }
}

async function merchantOf(database: Database, slug: string): Promise<string> {
  const rows = await database.withSystem((tx) =>
    tx.rows<{ id: string }>({ text: 'select id from merchant where slug = $1', values: [slug] }),
  );
  const [merchant, another] = rows;
  if (merchant === undefined) throw new CommandError(`there is no merchant "${slug}"`);
  if (another !== undefined) throw new CommandError(`several organisations have a merchant "${slug}"`);
  return merchant.id;
}

/** Finds what the rows name; each that is not there is a fault of its row. */
async function lookUp(tx: Tx, merchantId: string, warehouseCode: string, rows: readonly StockRow[]) {
  const [warehouse] = await tx.rows<{ id: string }>({
    text: `select w.id from merchant_warehouse m join warehouse w on w.id = m.warehouse_id
      where m.merchant_id = $1 and w.code = $2`,
    values: [merchantId, warehouseCode],
  });
  if (warehouse === undefined) throw new CommandError(`no warehouse "${warehouseCode}" serves this merchant`);
  const products = await findProducts(tx, merchantId, {
    ids: [],
    skus: [...new Set(rows.map(({ sku }) => sku))],
  });
  const places = await findPlaces(tx, warehouse.id, {
    ids: [],
    codes: [...new Set(rows.flatMap(({ location }) => location ?? []))],
  });
  const productOf = new Map(products.map((product) => [product.sku, product]));
  const kindOf = new Map(places.map((place) => [place.code, place.kind]));
  const faults = rows.flatMap(({ row, sku, location, lot, quantity, unitCostMinor }): RowFault[] => {
    const product = productOf.get(sku);
    return [
      ...(product === undefined ? [{ row, column: 'sku', message: `there is no product ${sku}` }] : []),
      ...(location !== null && !kindOf.has(location)
        ? [{ row, column: 'location', message: `there is no place ${location} in ${warehouseCode}` }]
        : []),
      ...(location === null && quantity > 0
        ? [{ row, column: 'location', message: 'is missing: say where the goods are' }]
        : []),
      ...(quantity < 0 && unitCostMinor !== null
        ? [{ row, column: 'unit_cost_minor', message: 'a loss has no cost of its own' }]
        : []),
      ...(product?.lotTracked === true && lot === null && quantity > 0
        ? [{ row, column: 'lot', message: `${sku} is tracked by lot` }]
        : []),
    ];
  });
  return { warehouseId: warehouse.id, faults };
}

interface Posting {
  readonly merchantId: string;
  readonly causeId: string;
  readonly kind: keyof typeof KINDS;
  readonly reasonCode: AdjustmentReason;
  readonly warehouseId: string;
  readonly reason: string;
  readonly rows: readonly StockRow[];
}

async function post(database: Database, { rows, ...posting }: Posting) {
  try {
    const { adjustmentId, state, lines } = await requestAdjustment(database, {
      ...posting,
      actor: 'cli',
      lines: rows.map(({ sku, quantity: delta, location, lot, expiresOn, unitCostMinor }) => ({
        sku,
        delta,
        ...(location === null ? {} : { locationCode: location }),
        ...(lot === null ? {} : { lotCode: lot }),
        ...(expiresOn === null ? {} : { expiresOn }),
        ...(unitCostMinor === null ? {} : { unitCostMinor }),
      })),
    });
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
    return {
      adjustmentId,
      state,
      rows: lines.length,
      units: sum(lines.map((line) => line.requested)),
      postedUnits: state === 'posted' ? sum(lines.map((line) => line.posted ?? 0)) : null,
    };
  } catch (error) {
    if (isFailure(error)) throw new CommandError(error.message);
    throw error;
  }
}

/** More would scroll away what is to be read first. */
const SHOWN = 50;

const tableOf = (faults: readonly RowFault[]) =>
  table(
    faults.slice(0, SHOWN).map(({ row, column, message }) => [String(row), column, message]),
    ['ROW', 'COLUMN', 'FAULT'],
  );

function refusal(file: string, faults: readonly RowFault[]): CommandError {
  return new CommandError(
    `${file}: ${faults.length} faults, nothing was posted\n${tableOf(faults)}`,
    1,
    'mend the file, or post what is right in it with --partial',
  );
}

function describe(posted: Awaited<ReturnType<typeof post>>, faults: readonly RowFault[]): void {
  const { adjustmentId, state, rows, units, postedUnits } = posted;
  const how =
    state === 'posted'
      ? `posted, ${postedUnits} of ${units} units`
      : `${units} units wait for approval by somebody else (limit of the merchant)`;
  process.stdout.write(`${rows} rows ${how}; correction ${adjustmentId}\n`);
  if (faults.length > 0) process.stdout.write(`${faults.length} faults were left out:\n${tableOf(faults)}\n`);
}
