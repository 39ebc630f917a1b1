/**
 * Holds lots whose date has passed (commands/stock/hold-lot). Planning looks at dates itself; this takes
 * back what was promised before midnight and tells channels the truth. Several may run: a lot is held once.
 */
import { expireLots } from '../commands/stock/hold-lot';
import type { Database } from '../db/client';
import type { Logger } from '../telemetry';
import { rounds } from './dispatch-metrics';
import { type Loop, startLoop } from './loop';

/** How long after midnight a channel may still offer yesterday's goods. A round without any costs 1 ms. */
const SWEEP_MS = 10_000;

export function startLotExpiry(options: {
  readonly database: Database;
  readonly log: Logger;
  readonly intervalMs?: number;
}): Loop {
  return startLoop({
    name: 'lot-expiry',
    intervalMs: options.intervalMs ?? SWEEP_MS,
    log: options.log,
    round: async () => {
      const held = await expireLots(options.database);
      if (held > 0) rounds.inc({ loop: 'lot-expiry', finding: 'expired' }, held);
      return false;
    },
  });
}
