/** `quayside channels`: what channels are told of stock, how far they are, and where they differ. */
import type { Command } from 'commander';
import type { z } from 'zod';
import type { channelStockSchema, driftSchema, listingSchema } from '../contracts/channel-stock';
import { type ApiClient, openApi } from './api-client';
import { CommandError } from './command-error';
import { table } from './screen';

interface Flags {
  readonly merchant?: string;
  readonly json?: boolean;
  readonly dataDir?: string;
  readonly limit?: string;
}
interface ListingFlags extends Flags {
  readonly connection?: string;
  readonly sku?: string;
  readonly parked?: boolean;
}

interface RuleFlags extends Flags {
  readonly buffer?: string;
  readonly share?: string;
  readonly cap?: string;
  readonly minDisplay?: string;
  readonly backorders?: string;
  readonly calls?: string;
  readonly enabled?: string;
}

type Sync = z.output<typeof channelStockSchema>;
type Listing = z.output<typeof listingSchema>;
type Drift = z.output<typeof driftSchema>;

/** More than a screen shows; `--limit` gives more. */
const SHOWN = 100;
const MOST_CONNECTIONS = 1_000;

export function register(program: Command): void {
  const channels = program.command('channels').summary('what channels are told of stock');
  const add = (name: string, summary: string) =>
    channels
      .command(name)
      .summary(summary)
      .option('--merchant <merchant>', 'slug or id, where the key serves several')
      .option('--data-dir <dir>', 'which engine (default: .quayside in the clone)');
  add('status', 'each connection: what waits, since when, the last error')
    .option('--json', 'one array')
    .action((flags: Flags) => status(flags));
  add('listings', 'listings with what they should show, what the channel has, the last push')
    .option('--connection <id>', 'of this connection only')
    .option('--sku <sku>', 'of this product only')
    .option('--parked', 'only those that the channel no longer takes')
    .option('--limit <n>', 'how many', String(SHOWN))
    .option('--json', 'one array')
    .action((flags: ListingFlags) => listings(flags));
  add('drift', 'where a read-back found something else, the newest first')
    .option('--connection <id>', 'of this connection only')
    .option('--limit <n>', 'how many', String(SHOWN))
    .option('--json', 'one array')
    .action((flags: ListingFlags) => drift(flags));
  add('reconcile <connection>', 'read back soon what a channel has, and mend what differs').action(
    async (connection: string, flags: Flags) => {
      await openApi(flags.dataDir, flags.merchant).send('POST', `/v1/channel-stock/${connection}/reconcile`);
      process.stdout.write('it is read back within a few seconds; see "quayside channels drift"\n');
    },
  );
  add('pause <listing>', 'show none of a listing, whatever there is').action((id: string, flags: Flags) =>
    patch(id, flags, { paused: true }, 'the channel is told 0'),
  );
  add('resume <listing>', 'show a paused listing again').action((id: string, flags: Flags) =>
    patch(id, flags, { paused: false }, 'the channel is told what there is'),
  );
  rules(add('set <connection>', "change a connection's rules and limits"))
    .option('--calls <n>', 'calls a second at most; "none": as the channel allows')
    .option('--enabled <yes|no>', 'whether it is told stock at all')
    .action((id: string, flags: RuleFlags) =>
      change(`/v1/channel-stock/${id}`, flags, { ...settingsOf(flags), ...rulesOf(flags) }, 'changed'),
    );
  rules(add('rule <listing>', 'change a listing\'s own rules; "none": as its connection\'s')).action(
    (id: string, flags: RuleFlags) => patch(id, flags, rulesOf(flags), 'changed'),
  );
  add('release <listing>', 'push a parked listing again, once the channel has it').action(
    (id: string, flags: Flags) => patch(id, flags, { parked: false }, 'it is pushed again'),
  );
}

const rules = (command: Command): Command =>
  command
    .option('--buffer <n>', 'units kept back')
    .option('--share <percent>', 'of what is left after the buffer')
    .option('--cap <n>', 'the most that is shown; "none": no limit')
    .option('--min-display <n>', 'fewer than this are shown as none')
    .option('--backorders <n>', 'units that may be sold beyond the stock');

/** @throws CommandError for what is no number. */
function rulesOf({ buffer, share: sharePercent, cap, minDisplay, backorders }: RuleFlags) {
  return numbersOf({ buffer, sharePercent, cap, minDisplay, backorderAllowance: backorders });
}

/** @throws CommandError for what is neither a number nor yes or no. */
function settingsOf({ calls, enabled }: RuleFlags) {
  if (enabled !== undefined && enabled !== 'yes' && enabled !== 'no')
    throw new CommandError(`--enabled takes yes or no, not "${enabled}"`, 2);
  return {
    ...numbersOf({ callsPerSecond: calls }),
    ...(enabled === undefined ? {} : { enabled: enabled === 'yes' }),
  };
}

function numbersOf(given: Readonly<Record<string, string | undefined>>): Record<string, number | null> {
  const said = Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(
    said.map(([name, text]) => {
      if (text !== 'none' && !/^\d+(\.\d+)?$/.test(text))
        throw new CommandError(`${name} takes a number or "none", not "${text}"`, 2);
      return [name, text === 'none' ? null : Number(text)];
    }),
  );
}

async function status(flags: Flags): Promise<void> {
  const all = await openApi(flags.dataDir, flags.merchant).list<Sync>(
    '/v1/channel-stock',
    {},
    MOST_CONNECTIONS,
  );
  const rows = all.map((one) => [
    one.connectionId,
    one.name,
    one.enabled ? (one.failingSince === null ? 'ok' : `failing since ${one.failingSince}`) : 'off',
    String(one.waiting),
    one.waitingSince ?? '',
    one.acknowledgedAt ?? 'never',
    one.reconciled === null ? 'never' : `${one.reconciled.at}, ${one.reconciled.drift} differed`,
    one.lastError ?? '',
  ]);
  const header = [
    'CONNECTION',
    'NAME',
    'STATE',
    'WAITING',
    'SINCE',
    'ACKNOWLEDGED',
    'READ BACK',
    'LAST ERROR',
  ];
  print(flags, all, rows, header, 'no connection is told stock');
}

async function listings(flags: ListingFlags): Promise<void> {
  const limit = limitOf(flags);
  const { connection: connectionId, sku, parked } = flags;
  const query = { connectionId, sku, parked: parked === undefined ? undefined : 'true' };
  const all = await api(flags).list<Listing>('/v1/channel-listings', query, limit);
  const rows = all.map((one) => [
    one.id,
    one.sku,
    one.externalItemId,
    one.wantedQuantity === null ? '' : String(one.wantedQuantity),
    one.channelQuantity === null ? 'not known' : String(one.channelQuantity),
    one.lastPush === null ? 'never' : `${one.lastPush.quantity} at ${one.lastPush.at}`,
    one.parked === null ? (one.paused ? 'paused' : '') : `parked: ${one.parked.reason}`,
  ]);
  print(
    flags,
    all,
    rows,
    ['LISTING', 'SKU', 'ITEM', 'SHOULD', 'HAS', 'LAST PUSH', 'NOTE'],
    'no such listing',
  );
}

async function drift(flags: ListingFlags): Promise<void> {
  const limit = limitOf(flags);
  const query = { connectionId: flags.connection };
  const all = await api(flags).list<Drift>('/v1/channel-drift', query, limit);
  const rows = all.map((one) => [
    one.foundAt,
    one.sku,
    one.listingId,
    one.believed === null ? 'nothing' : String(one.believed),
    one.found === null ? 'gone' : String(one.found),
    String(one.wanted),
  ]);
  print(
    flags,
    all,
    rows,
    ['FOUND AT', 'SKU', 'LISTING', 'ACKNOWLEDGED', 'FOUND', 'SHOULD'],
    'nothing differed',
  );
}

async function patch(id: string, flags: Flags, body: object, done: string): Promise<void> {
  await change(`/v1/channel-listings/${id}`, flags, body, done);
}

/** @throws CommandError when nothing is to be changed. */
async function change(path: string, flags: Flags, body: object, done: string): Promise<void> {
  if (Object.keys(body).length === 0)
    throw new CommandError('say what to change', 2, 'see --help for the rules');
  await api(flags).send('PATCH', path, body);
  process.stdout.write(`${done}\n`);
}

const api = (flags: Flags): ApiClient => openApi(flags.dataDir, flags.merchant);

/** @throws CommandError for what is no count. */
function limitOf({ limit = String(SHOWN) }: Flags): number {
  if (!/^[1-9]\d{0,5}$/.test(limit)) throw new CommandError(`--limit takes a number, not "${limit}"`, 2);
  return Number(limit);
}

function print(
  flags: Flags,
  items: readonly unknown[],
  rows: readonly (readonly string[])[],
  header: readonly string[],
  none: string,
): void {
  if (flags.json) process.stdout.write(`${JSON.stringify(items)}\n`);
  else process.stdout.write(rows.length === 0 ? `${none}\n` : `${table(rows, header)}\n`);
}
