/**
 * One role alone, configured by its environment (config.ts, for the simulators simulators/main.ts): what
 * containers run, and what `quayside up` starts as child processes. Runs until SIGTERM or SIGINT, then
 * lets what is under way end. Started by `up` it says over Node's channel when it is ready, and stops when
 * that channel breaks, for then its parent is gone.
 */
import type { Command } from 'commander';
import { loadConfig } from '../config';
import type { RoleReady } from './engine/role-process';

interface Closable {
  close(): Promise<void>;
  /** Settles when the role stopped by itself. */
  readonly stopped?: Promise<void>;
}

/* eslint-disable @typescript-eslint/no-require-imports -- one role must not load the others: a worker's native core costs half a second and 100 MB */
const ROLES: readonly {
  readonly name: string;
  readonly summary: string;
  readonly run: () => Promise<Closable>;
}[] = [
  {
    name: 'api',
    summary: 'run the HTTP API',
    run: () => (require('../api/main') as typeof import('../api/main')).runApi(loadConfig()),
  },
  {
    name: 'worker',
    summary: 'run a Temporal worker: orders and carrier calls',
    run: () => (require('../workers/main') as typeof import('../workers/main')).runWorker(loadConfig()),
  },
  {
    name: 'dispatcher',
    summary: 'run the outbox sender, pollers and sweepers',
    run: () =>
      (require('../dispatcher/main') as typeof import('../dispatcher/main')).runDispatcher(loadConfig()),
  },
  {
    name: 'simulators',
    summary: 'run the simulated partners and floor staff of the demo',
    run: () => {
      const role = require('../simulators/main') as typeof import('../simulators/main');
      return role.runSimulators(role.simulatorsConfig());
    },
  },
];
/* eslint-enable @typescript-eslint/no-require-imports */

export function register(program: Command): void {
  for (const { name, summary, run } of ROLES) {
    program
      .command(name)
      .summary(summary)
      .description(
        `${summary[0]?.toUpperCase()}${summary.slice(1)}. Configured by the environment; see .env.example.`,
      )
      .action(() => runUntilStopped(run));
  }
}

async function runUntilStopped(run: () => Promise<Closable>): Promise<void> {
  const asked = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve());
    process.on('disconnect', () => resolve());
  });
  const role = await run();
  const message: RoleReady = { ready: {} };
  process.send?.(message);
  const bySelf = role.stopped?.then(() => 'by itself' as const) ?? new Promise<never>(() => undefined);
  const how = await Promise.race([asked, bySelf]);
  if (how === 'by itself') throw new Error('the role stopped by itself');
  await role.close();
  if (process.connected) process.disconnect();
}
