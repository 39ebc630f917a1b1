/** `quayside counts`: what is being counted, planning a count, and how right the books were. */
import type { Command } from 'commander';
import type { z } from 'zod';
import type { accuracySchema, countDetailSchema, countSchema } from '../contracts/counts';
import type { warehouseSchema } from '../contracts/organisation';
import { type ApiClient, openApi } from './api-client';
import { CommandError } from './command-error';
import { table } from './screen';

interface Flags {
  readonly merchant?: string;
  readonly json?: boolean;
  readonly dataDir?: string;
}

interface PlanFlags extends Flags {
  readonly warehouse: string;
  readonly class?: string;
  readonly sku: readonly string[];
  readonly bin: readonly string[];
  readonly most: string;
  readonly reason: string;
}

type Count = z.output<typeof countSchema>;
type Detail = z.output<typeof countDetailSchema>;

const DATA_DIR = ['--data-dir <dir>', 'which engine (default: .quayside in the clone)'] as const;
const MERCHANT = ['--merchant <merchant>', 'slug or id, where the key serves several'] as const;
const each = (value: string, before: readonly string[]) => [...before, value];

export function register(program: Command): void {
  const counts = program
    .command('counts')
    .summary('list counts, plan one, and how right the books were')
    .option('--json', 'one array instead of a table')
    .option(...MERCHANT)
    .option(...DATA_DIR)
    .action((flags: Flags) => list(flags));
  counts
    .command('plan')
    .summary('plan a count of a class, of SKUs, of bins, or of every bin in use')
    .requiredOption('--warehouse <code>', 'where')
    .option('--class <class>', 'A, B or C: bins whose turn it is')
    .option('--sku <sku>', 'may come several times', each, [])
    .option('--bin <code>', 'may come several times', each, [])
    .option('--most <n>', 'places at most', '100')
    .option('--reason <text>', 'for the audit log', 'cycle count')
    .action((_flags: unknown, command: Command) => plan(command.optsWithGlobals<PlanFlags>()));
  counts
    .command('show <id>')
    .summary('one count with what was read')
    .action((id: string, _flags: unknown, command: Command) => show(id, command.optsWithGlobals<Flags>()));
  counts
    .command('cancel <id>')
    .summary('give up what is not counted of it')
    .requiredOption('--reason <text>', 'why, for the audit log')
    .action((id: string, _flags: unknown, command: Command) =>
      cancel(id, command.optsWithGlobals<Flags & { readonly reason: string }>()),
    );
  counts
    .command('accuracy')
    .summary('how right the books were, by bin, unit and value')
    .option('--from <time>', 'RFC 3339 with its offset (default: 30 days before)')
    .option('--until <time>', 'RFC 3339 with its offset (default: now)')
    .action((_flags: unknown, command: Command) =>
      accuracy(command.optsWithGlobals<Flags & { readonly from?: string; readonly until?: string }>()),
    );
}

async function list({ dataDir, merchant, json }: Flags): Promise<void> {
  const found = await openApi(dataDir, merchant).list<Count>('/v1/counts', {}, 100);
  if (json) return void process.stdout.write(`${JSON.stringify(found)}\n`);
  const rows = found.map((count) => [
    count.id,
    count.state,
    count.class === null ? count.origin : `class ${count.class}`,
    count.warehouseCode,
    `${count.sheetsCounted} of ${count.sheets}`,
    count.requestedAt.slice(0, 16).replace('T', ' '),
    count.reason,
  ]);
  const titles = ['COUNT', 'STATE', 'OF', 'WAREHOUSE', 'COUNTED', 'ASKED (UTC)', 'REASON'];
  process.stdout.write(rows.length === 0 ? 'no counts\n' : `${table(rows, titles)}\n`);
}

async function plan(flags: PlanFlags): Promise<void> {
  const mostPlaces = Number(flags.most);
  if (!Number.isInteger(mostPlaces)) throw new CommandError('--most takes a number', 2);
  const api = openApi(flags.dataDir, flags.merchant);
  const count = await api.send<Detail>('POST', '/v1/counts', {
    warehouseId: await warehouseId(api, flags.warehouse),
    reason: flags.reason,
    class: flags.class ?? null,
    skus: flags.sku,
    locationCodes: flags.bin,
    mostPlaces,
  });
  if (flags.json) return void process.stdout.write(`${JSON.stringify(count)}\n`);
  process.stdout.write(`count ${count.id}: ${count.sheets} places to count\n`);
}

async function show(id: string, { dataDir, merchant, json }: Flags): Promise<void> {
  const count = await openApi(dataDir, merchant).get<Detail>(`/v1/counts/${id}`);
  if (json) return void process.stdout.write(`${JSON.stringify(count)}\n`);
  const rows = count.looks.flatMap((look) => {
    const where = [look.locationCode, String(look.round), look.state];
    if (look.lines.length === 0) return [[...where, '', '', '', '', '']];
    return look.lines.map((line) => [
      ...where,
      line.sku,
      line.lotCode,
      String(line.recorded),
      String(line.counted),
      line.final === true ? 'stands' : 'counted again',
    ]);
  });
  const titles = ['PLACE', 'LOOK', 'STATE', 'SKU', 'LOT', 'BOOKS', 'COUNTED', 'READING'];
  process.stdout.write(`${count.state}: ${count.reason}\n${table(rows, titles)}\n`);
}

async function cancel(id: string, flags: Flags & { readonly reason: string }): Promise<void> {
  const api = openApi(flags.dataDir, flags.merchant);
  const count = await api.send<Detail>('POST', `/v1/counts/${id}/cancel`, { reason: flags.reason });
  if (flags.json) return void process.stdout.write(`${JSON.stringify(count)}\n`);
  process.stdout.write(`${count.state}; ${count.sheetsCounted} of ${count.sheets} places were counted\n`);
}

async function accuracy(flags: Flags & { readonly from?: string; readonly until?: string }): Promise<void> {
  const found = await openApi(flags.dataDir, flags.merchant).get<z.output<typeof accuracySchema>>(
    '/v1/stock/accuracy',
    { from: flags.from, until: flags.until },
  );
  if (flags.json) return void process.stdout.write(`${JSON.stringify(found)}\n`);
  const percent = (ratio: number | null) => (ratio === null ? '-' : `${(ratio * 100).toFixed(2)}%`);
  const rows = [
    ['bins', String(found.bins), String(found.bins - found.binsRight), percent(found.byBin)],
    ['units', String(found.units), String(found.unitsOff), percent(found.byUnit)],
    ['value (minor units)', found.valueMinor, found.valueOffMinor, percent(found.byValue)],
  ];
  process.stdout.write(`${table(rows, ['', 'COUNTED', 'OFF', 'ACCURACY'])}\n`);
}

async function warehouseId(api: ApiClient, code: string): Promise<string> {
  const found = await api.list<z.output<typeof warehouseSchema>>('/v1/warehouses', {}, 1_000);
  const match = found.find((warehouse) => [warehouse.code, warehouse.id].includes(code));
  if (match === undefined)
    throw new CommandError(
      `no warehouse is called "${code}"`,
      1,
      `there are ${found.map((warehouse) => warehouse.code).join(', ')}`,
    );
  return match.id;
}
