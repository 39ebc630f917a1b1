/** `quayside stock velocity|slow-movers|valuation|carrying-cost`: how goods sell, what they are worth, what they cost. */
import type { Command } from 'commander';
import type { z } from 'zod';
import type {
  carryingCostSchema,
  slowMoversSchema,
  valuationSchema,
  velocitySchema,
} from '../../contracts/stock-watch';
import { formatMinor } from '../../domain/money';
import { VALUATION_METHODS } from '../../domain/stock/valuation';
import { type ApiClient, openApi } from '../api-client';
import { CommandError } from '../command-error';
import { table } from '../screen';

interface Flags {
  readonly merchant?: string;
  readonly json?: boolean;
  readonly dataDir?: string;
}

interface PaceFlags extends Flags {
  readonly days?: string;
  readonly coverDays?: string;
  readonly warehouse?: string;
}

interface ValueFlags extends Flags {
  readonly at?: string;
  readonly from?: string;
  readonly to?: string;
  readonly method: string;
}

type Velocity = z.output<typeof velocitySchema>;
type Window = Velocity['window'];

export function registerStockValue(stock: Command): void {
  const withFlags = (command: Command) =>
    command
      .option('--merchant <merchant>', 'slug or id, where the key serves several')
      .option('--json', 'one object as the API gives it')
      .option('--data-dir <dir>', 'which engine (default: .quayside in the clone)');
  withFlags(stock.command('velocity <skus...>'))
    .summary('how fast SKUs sell, how long they last, and which days were left out')
    .option('--days <days>', 'length of the window, in whole days')
    .option('--warehouse <id>', 'in this warehouse alone')
    .action((skus: string[], flags: PaceFlags) => velocity(skus, flags));
  withFlags(stock.command('slow-movers'))
    .summary('goods that last longer than they should, the most value first')
    .option('--days <days>', 'length of the window, in whole days')
    .option('--cover-days <days>', 'how long goods should last at most')
    .option('--warehouse <id>', 'in this warehouse alone')
    .action((flags: PaceFlags) => slowMovers(flags));
  withFlags(stock.command('valuation [skus...]'))
    .summary('what stock was worth at a moment, from the ledger')
    .option('--at <time>', 'RFC 3339 with its offset (default: now)')
    .option('--method <method>', VALUATION_METHODS.join(' or '), 'fifo')
    .action((skus: string[], flags: ValueFlags) => valuation(skus, flags));
  withFlags(stock.command('carrying-cost [skus...]'))
    .summary('what it cost to have stock: storage, insurance, capital, obsolescence')
    .option('--from <day>', 'first day (default: 30 days)')
    .option('--to <day>', 'last day (default: yesterday)')
    .option('--method <method>', VALUATION_METHODS.join(' or '), 'fifo')
    .action((skus: string[], flags: ValueFlags) => carryingCost(skus, flags));
}

const print = (text: string) => void process.stdout.write(`${text}\n`);
const printJson = (answer: unknown) => print(JSON.stringify(answer));
const windowText = ({ from, to, timeZone }: Window) => `${from} to ${to}, days of ${timeZone}`;

async function velocity(skus: readonly string[], flags: PaceFlags): Promise<void> {
  const query = { sku: skus, days: flags.days, warehouseId: flags.warehouse };
  const answer = await open(flags).get<Velocity>(`/v1/stock/velocity?${queryOf(query)}`);
  if (flags.json) return printJson(answer);
  const leftOut = (item: Velocity['items'][number], why: string) =>
    String(item.leftOut.filter((day) => day.why === why).length);
  const rows = answer.items.map((item) => [
    item.sku,
    ...[item.shipped, item.countedDays, item.unitsPerDay ?? '-', item.available, item.daysOfCover ?? '-'].map(
      String,
    ),
    leftOut(item, 'promotion'),
    leftOut(item, 'out_of_stock'),
  ]);
  const header = 'SKU SHIPPED DAYS A-DAY AVAILABLE COVER-DAYS LEFT-OUT-PROMOTION LEFT-OUT-NO-STOCK';
  print(table(rows, header.split(' ')));
  print(windowText(answer.window));
  if (answer.unknown.length > 0) throw new CommandError(`no such SKU: ${answer.unknown.join(', ')}`);
}

async function slowMovers(flags: PaceFlags): Promise<void> {
  const query = { days: flags.days, coverDays: flags.coverDays, warehouseId: flags.warehouse };
  const answer = await open(flags).get<z.output<typeof slowMoversSchema>>(
    `/v1/stock/slow-movers?${queryOf(query)}`,
  );
  if (flags.json) return printJson(answer);
  const rows = answer.items.map((item) => [
    item.sku,
    ...[item.available, item.shipped, item.countedDays, item.daysOfCover ?? 'for ever'].map(String),
    item.valueMinor,
    item.lastShippedAt ?? 'not in these days',
  ]);
  print(table(rows, 'SKU AVAILABLE SHIPPED DAYS COVER-DAYS VALUE-MINOR LAST-SHIPPED'.split(' ')));
  print(windowText(answer.window));
}

async function valuation(skus: readonly string[], flags: ValueFlags): Promise<void> {
  const query = { sku: skus, at: flags.at, method: flags.method };
  const answer = await allPages<z.output<typeof valuationSchema>>(flags, '/v1/stock/valuation', query);
  if (flags.json) return printJson(answer);
  const money = (minor: string) => formatMinor(BigInt(minor), answer.currency);
  const row = (
    name: string,
    value: NonNullable<typeof answer.total> | (typeof answer.items)[number],
  ): string[] => [
    name,
    String(value.units),
    ...[value.valueMinor, value.receivedMinor, value.leftMinor].map(money),
    ...[value.unitsOwed, value.unitsWithoutCost].map(String),
  ];
  const rows = answer.items.map((item) => row(item.sku, item));
  if (answer.total !== null) rows.push(row('all', answer.total));
  print(table(rows, 'SKU UNITS VALUE CAME-FOR LEFT-FOR OWED WITHOUT-COST'.split(' ')));
  print(`${answer.method}, ${answer.currency}, at ${answer.at}`);
}

async function carryingCost(skus: readonly string[], flags: ValueFlags): Promise<void> {
  const query = { sku: skus, from: flags.from, to: flags.to, method: flags.method };
  const answer = await allPages<z.output<typeof carryingCostSchema>>(flags, '/v1/stock/carrying-cost', query);
  if (flags.json) return printJson(answer);
  const row = (
    name: string,
    cost: NonNullable<typeof answer.total> | (typeof answer.items)[number],
  ): string[] => [
    name,
    ...[
      cost.storageMinor,
      cost.insuranceMinor,
      cost.capitalMinor,
      cost.obsolescenceMinor,
      cost.totalMinor,
    ].map((minor) => formatMinor(BigInt(minor), answer.currency)),
  ];
  const rows = answer.items.map((item) => row(item.sku, item));
  if (answer.total !== null) rows.push(row('all', answer.total));
  print(table(rows, 'SKU STORAGE INSURANCE CAPITAL OBSOLESCENCE TOTAL'.split(' ')));
  print(`${answer.currency}, ${windowText(answer)}`);
}

const open = (flags: Flags): ApiClient => openApi(flags.dataDir, flags.merchant);

type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

function queryOf(query: Query): string {
  const pairs = Object.entries(query).flatMap(([name, given]) =>
    given === undefined ? [] : [given].flat().map((each): [string, string] => [name, each]),
  );
  return new URLSearchParams(pairs).toString();
}

/** The first page with the items of the others. */
async function allPages<T extends { items: readonly unknown[]; nextCursor: string | null }>(
  flags: Flags,
  path: string,
  query: Query,
): Promise<T> {
  const api = open(flags);
  const get = (cursor?: string) => api.get<T>(`${path}?${queryOf({ ...query, limit: '200', cursor })}`);
  const first = await get();
  const items = [...first.items];
  for (let cursor = first.nextCursor; cursor !== null; ) {
    const next = await get(cursor);
    items.push(...next.items);
    cursor = next.nextCursor;
  }
  return { ...first, items, nextCursor: null };
}
