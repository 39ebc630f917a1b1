/**
 * Ends holds whose time is over, by their merchants' clocks: what a checkout kept and no order took, and
 * what a waiting order kept without getting the rest. The units go to who waits for them. Several sweepers
 * may run: a hold ends once, decided under the lock of its balances.
 */
import { Holds } from '../commands/stock/holds';
import type { Database } from '../db/client';
import { dueHolds } from '../db/hold.repo';
import { stepKey } from '../domain/step-key';
import type { Logger } from '../telemetry';
import { rounds } from './dispatch-metrics';
import { type Loop, startLoop } from './loop';

/** Longer than its time nobody should be kept from a last unit; a round that finds none costs 1 ms. */
const SWEEP_MS = 2_000;
/** So many at once, which is what one batch takes; a round goes on at once when there are more. */
const BATCH = 256;

export function startHoldSweeper(options: {
  readonly database: Database;
  readonly log: Logger;
  readonly intervalMs?: number;
}): Loop {
  const holds = new Holds(options.database);
  return startLoop({
    name: 'holds',
    intervalMs: options.intervalMs ?? SWEEP_MS,
    log: options.log,
    round: async () => (await expireHolds(options.database, holds)) >= BATCH,
  });
}

/** One round; returns how many holds were found due. */
export async function expireHolds(database: Database, holds = new Holds(database)): Promise<number> {
  const due = await database.withSystem((tx) => dueHolds(tx, BATCH));
  const outcomes = await Promise.all(
    due.map((hold) => holds.expire({ ...hold, stepKey: stepKey(hold.holdId, 'expire') })),
  );
  const expired = outcomes.filter(({ kind }) => kind === 'ended').length;
  if (expired > 0) rounds.inc({ loop: 'holds', finding: 'expired' }, expired);
  return due.length;
}
