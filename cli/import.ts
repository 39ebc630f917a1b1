/**
 * `quayside import orders`: files of orders, read into the engine's database. Each order in them becomes
 * an order or a parked message with a named reason; none is dropped, and importing again changes nothing.
 * The dispatcher starts their workflows.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { type ImportedOrder, importOrder, openImportConnection } from '../commands/import-order';
import { loadConfig, required } from '../config';
import { shopifyOrderFromRest, shopifyOrdersOf } from '../connectors/channels/shopify';
import { parseExactJson } from '../contracts/exact-json';
import { Database } from '../db/client';
import { DEMO_MERCHANT_SLUG } from '../simulators/demo-ids';
import { CommandError } from './command-error';
import { findRunning, locateDataDir } from './data-dir';
import { OPTIONAL_COLUMNS, REQUIRED_COLUMNS, type ReadOrder, readCsvOrders } from './import/csv-orders';
import { Screen, table } from './screen';

const FORMATS = { shopify: readShopifyOrders, csv: readCsvOrders } as const;

interface Flags {
  readonly format: string;
  readonly merchant: string;
  readonly json?: boolean;
  readonly dataDir?: string;
}

interface Outcome extends ImportedOrder {
  readonly file: string;
  readonly externalId: string;
}

export function register(program: Command): void {
  const command = program.command('import').summary('read files into the engine');
  command
    .command('orders <files...>')
    .summary('orders from files')
    .description(
      'Reads orders from files. Each becomes an order, or is parked with a reason and listed as an exception;\n' +
        'importing the same again changes nothing. Formats: shopify, JSON as the REST Admin API and its webhooks\n' +
        `write orders; csv, one row a line of an order, with the columns ${REQUIRED_COLUMNS.join(', ')}\n` +
        `and, where wanted, ${OPTIONAL_COLUMNS.join(', ')}.`,
    )
    .requiredOption('--format <format>', Object.keys(FORMATS).join(' or '))
    .option('--merchant <slug>', 'whose orders they are', DEMO_MERCHANT_SLUG)
    .option('--json', 'one array instead of a table')
    .option('--data-dir <dir>', 'which engine (default: .quayside in the clone)')
    .action((files: string[], flags: Flags) => importOrders(files, flags));
}

async function importOrders(files: readonly string[], flags: Flags): Promise<void> {
  const read = formatOf(flags.format);
  // All are read before the first is written: a file that is none of the format stops everything.
  const found = files.map((file) => ({ file: basename(file), orders: read(textOf(file), file) }));
  const total = found.reduce((sum, { orders }) => sum + orders.length, 0);
  const running = findRunning(locateDataDir(flags.dataDir));
  const config = loadConfig({ ...running?.environment, ...process.env });
  const database = new Database({
    appUrl: required(config, 'DATABASE_APP_URL'),
    systemUrl: required(config, 'DATABASE_SYSTEM_URL'),
    poolSize: 2,
  });
  try {
    const merchantId = await merchantOf(database, flags.merchant);
    const connectionId = await openImportConnection(database, merchantId);
    const outcomes: Outcome[] = [];
    await new Screen().step(`importing ${total} orders`, async (progress) => {
      for (const { file, orders } of found) {
        for (const { externalId, ...order } of orders) {
          const imported = await importOrder(database, { merchantId, connectionId, ...order });
          outcomes.push({ file, externalId, ...imported });
          progress.at(outcomes.length, total);
        }
      }
    });
    if (flags.json) process.stdout.write(`${JSON.stringify(outcomes)}\n`);
    else describe(found, outcomes);
  } finally {
    await database.close();
  }
}

function formatOf(format: string): (text: string, file: string) => ReadOrder[] {
  if (Object.hasOwn(FORMATS, format)) return FORMATS[format as keyof typeof FORMATS];
  throw new CommandError(
    `there is no format "${format}"`,
    2,
    `formats are ${Object.keys(FORMATS).join(', ')}`,
  );
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CommandError(
      `${file} can't be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function readShopifyOrders(text: string, file: string): ReadOrder[] {
  let document: unknown;
  try {
    document = parseExactJson(text);
  } catch (error) {
    throw new CommandError(`${file} is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  return shopifyOrdersOf(document).map((payload) => ({
    ...shopifyOrderFromRest(payload),
    raw: JSON.stringify(payload),
  }));
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

function describe(found: readonly { readonly file: string }[], outcomes: readonly Outcome[]): void {
  const rows = found.flatMap(({ file }) => {
    const ofFile = outcomes.filter((outcome) => outcome.file === file);
    if (ofFile.length === 0) return [[file, '', 'holds no orders', '']];
    return ofFile.map((one) => [file, one.externalId, one.outcome, one.reason ?? one.orderId ?? '']);
  });
  process.stdout.write(`${table(rows, ['FILE', 'ORDER', 'OUTCOME', 'REASON OR ID'])}\n`);
  const count = (outcome: ImportedOrder['outcome']) =>
    outcomes.filter((one) => one.outcome === outcome).length;
  process.stdout.write(
    `${outcomes.length} orders in ${found.length} files: ${count('accepted')} accepted, ` +
      `${count('updated')} updated, ${count('parked')} parked, ${count('known')} known before\n`,
  );
}
