/**
 * `quayside replay online-retail FILE`: real orders of a real retailer go through the engine, each a
 * workflow of its own, as a merchant who lives in the time of the data. Everything is keyed by the
 * invoices, so a second replay adds nothing and one that was interrupted goes on. What it came to is
 * counted from the database; with `--verify` its stock is counted a second way.
 */
import type { Command } from 'commander';
import { createOrderStarter, type OrderStarter } from '../api/order-starter';
import { type ProvenBooks, proveReplayBooks, type ReplayedMerchant } from '../checks/replay-books';
import {
  openReplayMerchant,
  REPLAY_SOURCE,
  type ReplayMerchant,
} from '../commands/replay/open-replay-merchant';
import { AMPLE_UNITS, replayGoods, stockReplayGoods } from '../commands/replay/stock-replay-goods';
import { loadConfig, required } from '../config';
import { Database } from '../db/client';
import { readReplayedInvoices } from '../db/replay.repo';
import { DEMO_IDS } from '../simulators/demo-ids';
import { createLogger } from '../telemetry';
import { connectTemporal } from '../temporal/client';
import { createPayloadCodec } from '../temporal/payload-codec';
import { CommandError } from './command-error';
import { feedInvoices } from './replay/feed';
import { withHands } from './replay/hands';
import { openReplayEngine, type ReplayEngine } from './replay/replay-engine';
import { describeReport, readReplayReport } from './replay/report';
import { type RetailSlice, readRetailFile } from './replay/retail-file';
import { Screen } from './screen';

interface Flags {
  readonly from?: string;
  readonly days?: string;
  readonly openingStock: string;
  readonly verify?: boolean;
  readonly json?: boolean;
  readonly dataDir?: string;
}

export function register(program: Command): void {
  const replay = program
    .command('replay')
    .summary('put recorded orders through the engine')
    .description('Puts recorded orders through the engine, at their own time.');
  replay
    .command('online-retail <file>')
    .summary('the UCI "Online Retail" file, CSV or CSV.gz')
    .description(
      'Replays the UCI "Online Retail" file as a merchant of its own, whose clock follows the data: orders are\n' +
        'taken in, picked, packed, shipped and delivered; C invoices are credits, matched to earlier purchases;\n' +
        'negative lines are written off; codes that are no goods never touch stock. People, addresses and sizes,\n' +
        'which the file lacks, are made up and look it. Uses the running engine of the data directory, or starts\n' +
        'one for itself and stops it afterwards. A second run changes nothing.',
    )
    .option('--from <date>', 'first day, YYYY-MM-DD (default: the first of the file)')
    .option('--days <n>', 'how many days (default: to the end of the file)')
    .option('--opening-stock <n|ample>', 'units of each product at the start', 'ample')
    .option('--verify', 'count the stock a second way and add it to the report; exit code 1 when it differs')
    .option('--json', 'one object instead of a table')
    .option('--data-dir <dir>', 'which engine (default: .quayside in the clone)')
    .action((file: string, flags: Flags) => replayOnlineRetail(file, flags));
}

async function replayOnlineRetail(file: string, flags: Flags): Promise<void> {
  const wanted = wantedDays(flags);
  const openingUnits = openingUnitsOf(flags.openingStock);
  const screen = new Screen();
  const slice = await screen.step('reading the file', (progress) =>
    readRetailFile({ path: file, ...wanted, onProgress: (done, total) => progress.at(done, total) }),
  );
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal);
  const engine = await openReplayEngine(flags.dataDir, screen);
  try {
    await replay(engine, slice, openingUnits, stop.signal, flags, screen);
  } finally {
    await engine.stop();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal);
  }
}

function wantedDays({ from, days }: Flags): { readonly from: string | null; readonly days: number | null } {
  if (from !== undefined && (!/^\d{4}-\d{2}-\d{2}$/.test(from) || Number.isNaN(Date.parse(from))))
    throw new CommandError(`--from takes a day like 2010-12-01, not "${from}"`, 2);
  const count = days === undefined ? null : Number(days);
  if (count !== null && (!Number.isSafeInteger(count) || count < 1 || count > 10_000))
    throw new CommandError(`--days takes a whole number from 1, not "${days}"`, 2);
  return { from: from ?? null, days: count };
}

function openingUnitsOf(text: string): number {
  if (text === 'ample') return AMPLE_UNITS;
  const units = Number(text);
  if (!/^\d+$/.test(text) || units > AMPLE_UNITS)
    throw new CommandError(`--opening-stock takes "ample" or a number from 0 to ${AMPLE_UNITS}`, 2);
  return units;
}

/** What a replay works with, and what is closed after it. */
interface Tools {
  readonly database: Database;
  readonly starter: OrderStarter;
  close(): Promise<void>;
}

function openTools({ running }: ReplayEngine): Tools {
  const config = loadConfig(running.environment);
  const database = new Database({
    appUrl: required(config, 'DATABASE_APP_URL'),
    systemUrl: required(config, 'DATABASE_SYSTEM_URL'),
    poolSize: 4,
  });
  const client = connectTemporal({
    address: config.TEMPORAL_ADDRESS,
    namespace: config.TEMPORAL_NAMESPACE,
    codec: createPayloadCodec(required(config, 'QUAYSIDE_ENCRYPTION_KEYS')),
    tls: config.TEMPORAL_TLS,
    ...(config.TEMPORAL_API_KEY === undefined ? {} : { apiKey: config.TEMPORAL_API_KEY }),
  });
  const starter = createOrderStarter(client, database, createLogger({ role: 'replay', level: 'silent' }));
  return {
    database,
    starter,
    async close() {
      await starter.close();
      await client.connection.close();
      await database.close();
    },
  };
}

async function replay(
  engine: ReplayEngine,
  slice: RetailSlice,
  openingUnits: number,
  signal: AbortSignal,
  { json, verify }: Flags,
  screen: Screen,
): Promise<void> {
  const tools = openTools(engine);
  try {
    const merchant = await prepare(tools, engine, slice, openingUnits, screen);
    const stuck = await feed(tools, engine, merchant, slice, signal, screen);
    const { merchantId, connectionId } = merchant;
    const { from, to } = slice;
    const counted = { merchantId, connectionId, source: REPLAY_SOURCE, from, to };
    const proven = verify === true ? await proveBooks(tools.database, counted, screen) : null;
    const report = { ...(await readReplayReport(tools.database, counted)), ...proven?.books };
    process.stdout.write(json === true ? `${JSON.stringify(report)}\n` : `${describeReport(report)}\n`);
    if (signal.aborted) throw new CommandError('interrupted; the same command goes on where it stopped', 130);
    if (stuck > 0)
      throw new CommandError(
        `${stuck} orders neither ended nor wait for somebody, and nothing moves any more`,
        1,
        'is the worker running? quayside orders lists them',
      );
    if (proven !== null && proven.faults.length > 0)
      throw new CommandError(`the stock is not what it should be:\n${proven.faults.join('\n')}`, 1);
  } finally {
    await tools.close();
  }
}

function proveBooks(database: Database, merchant: ReplayedMerchant, screen: Screen): Promise<ProvenBooks> {
  return screen.step('counting the stock a second way', () =>
    database.withMerchants([merchant.merchantId], (tx) => proveReplayBooks(tx, merchant)),
  );
}

async function prepare(
  { database }: Tools,
  { floorKey }: ReplayEngine,
  slice: RetailSlice,
  openingUnits: number,
  screen: Screen,
): Promise<ReplayMerchant> {
  const { organisationId } = DEMO_IDS;
  const merchant = await openReplayMerchant(database, { organisationId, startsAt: slice.from, floorKey });
  const goods = replayGoods(slice.invoices);
  await screen.step(`catalogue of ${goods.length} products and their stock`, (progress) =>
    stockReplayGoods(database, merchant, {
      goods,
      openingUnits,
      at: slice.from,
      onProgress: (done, total) => progress.at(done, total),
    }),
  );
  return merchant;
}

/** @returns how many orders stand still without waiting for anybody. */
async function feed(
  { database, starter }: Tools,
  { running, floorKey }: ReplayEngine,
  merchant: ReplayMerchant,
  slice: RetailSlice,
  signal: AbortSignal,
  screen: Screen,
): Promise<number> {
  const { merchantId } = merchant;
  const known = await database.withMerchants([merchantId], (tx) =>
    readReplayedInvoices(tx, merchantId, slice.from, slice.to),
  );
  const invoices = slice.invoices.filter(({ invoiceNo }) => !known.has(invoiceNo));
  const hands = {
    database,
    merchant,
    apiUrl: running.apiUrl,
    floorKey,
    carrierUrl: running.simulators.carrier ?? '',
    log: (line: string) => screen.detail(line),
  };
  return screen.step(`replaying ${slice.invoices.length} invoices`, async (progress) => {
    const total = slice.invoices.length;
    const onProgress = (fed: number, atWork: number) =>
      progress.at(Math.max(0, known.size + fed - atWork), total);
    const { stuck } = await withHands(hands, () =>
      feedInvoices({ database, merchant, invoices, starter, signal, onProgress }),
    );
    return stuck;
  });
}
