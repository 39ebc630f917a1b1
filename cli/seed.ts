/** `quayside seed`: the demo merchant, made or brought up to date; `up` does it by itself. */
import type { Command } from 'commander';
import { loadConfig, required } from '../config';
import { Database } from '../db/client';
import { demoCredentials } from '../simulators/demo-credentials';
import { CommandError } from './command-error';
import { findRunning, loadSecrets, locateDataDir } from './data-dir';
import { Screen } from './screen';
import { seedDemo } from './seed/seed-demo';

interface Flags {
  readonly shopUrl?: string;
  readonly webhookShopUrl?: string;
  readonly carrierUrl?: string;
  readonly dataDir?: string;
}

export function register(program: Command): void {
  program
    .command('seed')
    .summary('make the demo merchant, or bring it up to date')
    .description(
      'Writes the demo merchant "Demo Goods": warehouses, catalogue, stock, shops, carrier account, floor staff and keys. A second run adds nothing. Works on the running engine of the data directory, or on the database of the environment (DATABASE_APP_URL, DATABASE_SYSTEM_URL, QUAYSIDE_ENCRYPTION_KEYS, QUAYSIDE_DEMO_SECRET).',
    )
    .option('--shop-url <url>', 'where the simulated Shopify shop answers')
    .option('--webhook-shop-url <url>', 'where the simulated webhook shop answers')
    .option('--carrier-url <url>', 'where the simulated EasyPost answers')
    .option('--data-dir <dir>', 'which engine (default: .quayside in the clone)')
    .action((flags: Flags) => seed(flags));
}

async function seed(flags: Flags): Promise<void> {
  const screen = new Screen();
  const dataDir = locateDataDir(flags.dataDir);
  const running = findRunning(dataDir);
  const config = loadConfig({ ...running?.environment, ...process.env });
  const secret =
    process.env.QUAYSIDE_DEMO_SECRET || (running === null ? '' : loadSecrets(dataDir).demoSecret);
  if (secret === '')
    throw new CommandError(
      'no engine runs here and QUAYSIDE_DEMO_SECRET is not set',
      2,
      'start one with "npm start", or set the environment as "quayside help seed" says',
    );
  const partner = (given: string | undefined, name: string, port: number): string =>
    given ?? running?.simulators[name] ?? `http://127.0.0.1:${port}`;
  const database = new Database({
    appUrl: required(config, 'DATABASE_APP_URL'),
    systemUrl: required(config, 'DATABASE_SYSTEM_URL'),
    poolSize: 2,
  });
  const credentials = demoCredentials(secret);
  try {
    const { created } = await screen.step('demo merchant', (progress) =>
      seedDemo({
        database,
        keys: required(config, 'QUAYSIDE_ENCRYPTION_KEYS'),
        credentials,
        partners: {
          shopifyUrl: partner(flags.shopUrl, 'shop', 9101),
          genericUrl: partner(flags.webhookShopUrl, 'webhook-shop', 9102),
          easypostUrl: partner(flags.carrierUrl, 'carrier', 9103),
        },
        onProgress: (done, total) => progress.at(done, total),
      }),
    );
    screen.say(
      created ? 'the demo merchant is made' : 'the demo merchant was there; its partners are up to date',
    );
    process.stdout.write(`${credentials.adminKey}\n`);
  } finally {
    await database.close();
  }
}
