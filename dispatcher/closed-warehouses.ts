/**
 * Takes out of closed warehouses what nobody has begun there: what the request that closed one did not
 * get to before a crash, plans that were made on facts from before the closing, and tasks that a person
 * gave back. Each order is settled under its own locks, so several may sweep at once.
 */
import { rerouteAllClosed } from '../commands/routing/reroute-closed';
import type { Database } from '../db/client';
import type { Logger } from '../telemetry';
import { rounds } from './dispatch-metrics';
import { type Loop, startLoop } from './loop';

/** A picker may reach the goods first, and then they ship from there after all. Finding none costs 1 ms. */
const SWEEP_MS = 5_000;

export function startClosedWarehouseSweeper(options: {
  readonly database: Database;
  readonly log: Logger;
  readonly intervalMs?: number;
}): Loop {
  return startLoop({
    name: 'closed-warehouses',
    intervalMs: options.intervalMs ?? SWEEP_MS,
    log: options.log,
    round: async () => {
      const taken = await rerouteAllClosed(options.database);
      if (taken > 0) rounds.inc({ loop: 'closed-warehouses', finding: 'rerouted' }, taken);
      return false;
    },
  });
}
