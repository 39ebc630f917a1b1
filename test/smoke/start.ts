/**
 * The smoke of `npm start`, as a person would do it: start on an empty data directory, wait until ten
 * orders are delivered, ask `quayside check`, press Ctrl-C, and look for processes left behind. It
 * needs nothing but the clone; the first start on a machine also provisions the Temporal server.
 * Prints one line a step and closes with `smoke: N passed, N failed`; on failure it shows the end of
 * what the engine printed. Whatever happens, no process of that start is left when it ends.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  assertNothingLeft,
  type Engine,
  killLeftovers,
  quayside,
  startByNpm,
  stopByInterrupt,
} from './engine';
import { tell } from './tell';

const wantedOrders = 10;
const ordersAMinute = 120;
// Building the Temporal server takes 2 min 45 s on two cores, the ten orders about one more.
const deliveredWithinMs = 8 * 60_000;
const pollEveryMs = 2_000;

/** Orders that were delivered, closed since or not; 0 while the engine is still coming up and the command finds nobody. */
async function countDelivered(engine: Engine): Promise<number> {
  try {
    const orders: unknown = JSON.parse(
      await quayside(engine, 'orders', '--state', 'delivered,closed', '--json'),
    );
    return Array.isArray(orders) ? orders.length : 0;
  } catch {
    return 0;
  }
}

async function waitForDeliveries(engine: Engine): Promise<void> {
  const deadline = Date.now() + deliveredWithinMs;
  let seen = 0;
  while (Date.now() < deadline) {
    if (engine.child.exitCode !== null) throw new Error(`npm start ended with ${engine.child.exitCode}`);
    seen = await countDelivered(engine);
    if (seen >= wantedOrders) return;
    await pause(pollEveryMs);
  }
  throw new Error(`${seen} of ${wantedOrders} orders were delivered in ${deliveredWithinMs / 1000} s`);
}

async function main(): Promise<number> {
  const dataDir = mkdtempSync(join(tmpdir(), 'quayside-smoke-'));
  const clone = join(__dirname, '..', '..');
  const engine = startByNpm(clone, dataDir, ['--fresh', '--rate', String(ordersAMinute)]);
  try {
    return await tell(
      'smoke',
      [
        [`${wantedOrders} orders delivered`, () => waitForDeliveries(engine)],
        ['quayside check is clean', () => quayside(engine, 'check')],
        ['stops on Ctrl-C', () => stopByInterrupt(engine)],
        ['no process left behind', () => assertNothingLeft(engine)],
      ],
      () => engine.output.join(''),
    );
  } finally {
    await killLeftovers(engine);
    rmSync(dataDir, { recursive: true, force: true });
  }
}

main().then(
  (failed) => {
    process.exitCode = failed === 0 ? 0 : 1;
  },
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
