/**
 * `quayside import orders --format shopify FILE…`: orders of a shop's export become orders of a connection.
 * What can't be read is parked with a named reason, never dropped; what is there already changes nothing.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { receiveChannelFact } from '../commands/receive-channel-fact';
import { loadConfig, required } from '../config';
import { NOTHING_LEFT } from '../connectors/channels/port';
import { shopifyOrderFromRest, shopifyOrdersOf } from '../connectors/channels/shopify';
import { parseExactJson } from '../contracts/exact-json';
import { Database } from '../db/client';
import { DEMO_IDS } from '../simulators/demo-ids';
import { requireRunning } from './api-client';
import { CommandError } from './command-error';

interface Flags {
  readonly format: string;
  readonly merchant: string;
  readonly connection: string;
  readonly json?: boolean;
  readonly dataDir?: string;
}

interface Imported {
  readonly file: string;
  readonly externalId: string;
  readonly outcome: string;
  readonly reason: string | null;
  readonly orderId: string | null;
}

export function register(program: Command): void {
  program
    .command('import')
    .summary("put a shop's exported orders into the engine")
    .description("Puts a shop's exported orders into the running engine.")
    .command('orders <file...>')
    .description(
      'Reads orders as a shop exports them. Each becomes an order, or is parked with a named reason; importing\n' +
        'it again changes nothing.',
    )
    .requiredOption('--format <format>', 'shopify: JSON of the REST Admin API, one order or several a file')
    .option('--merchant <id>', "whose orders (default: the demo's merchant)", DEMO_IDS.merchantId)
    .option('--connection <id>', "of which shop (default: the demo's)", DEMO_IDS.shopifyConnectionId)
    .option('--json', 'one array instead of lines')
    .option('--data-dir <dir>', 'which engine (default: .quayside in the clone)')
    .action((files: string[], flags: Flags) => importOrders(files, flags));
}

async function importOrders(files: readonly string[], flags: Flags): Promise<void> {
  if (flags.format !== 'shopify')
    throw new CommandError(`there is no format "${flags.format}"`, 2, 'shopify is one');
  const config = loadConfig(requireRunning(flags.dataDir).environment);
  const database = new Database({
    appUrl: required(config, 'DATABASE_APP_URL'),
    systemUrl: required(config, 'DATABASE_SYSTEM_URL'),
    poolSize: 2,
  });
  try {
    const imported: Imported[] = [];
    for (const file of files) imported.push(...(await importFile(database, file, flags)));
    say(imported, flags.json === true);
  } finally {
    await database.close();
  }
}

async function importFile(database: Database, path: string, flags: Flags): Promise<Imported[]> {
  const file = basename(path);
  const documents = shopifyOrdersOf(readDocument(path));
  const imported: Imported[] = [];
  for (const payload of documents) {
    const { order, externalId, reason } = shopifyOrderFromRest(payload);
    const raw = JSON.stringify(payload);
    const unread = reason?.startsWith(NOTHING_LEFT) ? ('ignored' as const) : ('unreadable' as const);
    const received = await receiveChannelFact(database, {
      merchantId: flags.merchant,
      connectionId: flags.connection,
      channel: 'shopify',
      fact: {
        // The same content is the same event, whatever the file is called.
        eventId: `import:${createHash('sha256').update(raw).digest('hex')}`,
        topic: 'import',
        kind: order === null ? unread : 'order',
        order,
        externalOrderId: externalId,
        ...(reason === undefined ? {} : { reason }),
      },
      raw,
    });
    const { outcome, orderId } = received;
    imported.push({ file, externalId, outcome, reason: reason ?? null, orderId });
  }
  return imported;
}

/** @throws CommandError when the file can't be read or is no JSON. */
function readDocument(path: string): unknown {
  try {
    return parseExactJson(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new CommandError(`${path}: ${error instanceof Error ? error.message : 'unreadable'}`, 1);
  }
}

function say(imported: readonly Imported[], json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(imported)}\n`);
    return;
  }
  for (const { file, externalId, outcome, reason } of imported) {
    process.stdout.write(`${file}  ${externalId}  ${outcome}${reason === null ? '' : `: ${reason}`}\n`);
  }
  process.stdout.write(`${imported.length} orders read\n`);
}
