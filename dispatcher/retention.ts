/**
 * Removes technical rows after the time for which they are kept (db/retention.repo says which rows and
 * what is never removed). Each kind goes in batches of its own transaction, so that no lock is held for
 * long; several may run, for a row goes once. Nothing waits for it: a round that fails comes again.
 */
import type { Database } from '../db/client';
import { removeOld, TECHNICAL_ROWS, type TechnicalRows } from '../db/retention.repo';
import type { Logger } from '../telemetry';
import { rounds } from './dispatch-metrics';
import { type Loop, startLoop } from './loop';

const DAY = 24;

/** How long rows are kept, in hours. docs/operations.md lists the same. */
export const KEPT_HOURS: Readonly<Record<TechnicalRows, number>> = {
  // The API promises a day; nobody repeats a request after two.
  idempotency_key: 2 * DAY,
  // A cancellation overtakes its order by seconds, in an outage by days; shops let a month old order be.
  order_tombstone: 30 * DAY,
  // Raw bodies hold names and addresses: they serve reading a message again, which nobody does after a month.
  inbox_body: 30 * DAY,
  carrier_inbox_body: 30 * DAY,
  // The longest that a partner repeats a webhook is 4 days; what it says later meets the rows of the order.
  inbox: 90 * DAY,
  carrier_inbox: 90 * DAY,
  // Keys of messages stop a fact from being told twice; the order's own rows do so after its end.
  outbox: 30 * DAY,
  // Only an activity that still runs asks for its outcome, and none outlives its order.
  step: 90 * DAY,
  // A carrier's word on an address; streets change, and asking again costs one call.
  address_check: 365 * DAY,
};

/** None of this is urgent; hourly, a busy day's rows go in small portions. */
const SWEEP_MS = 3_600_000;
/** Some 50 ms of deleting: a batch stays out of the way of the orders. */
const BATCH = 2_000;

export function startRetention(options: {
  readonly database: Database;
  readonly log: Logger;
  readonly intervalMs?: number;
}): Loop {
  return startLoop({
    name: 'retention',
    intervalMs: options.intervalMs ?? SWEEP_MS,
    log: options.log,
    round: async () => (await sweepOld(options.database)) === 'more',
  });
}

/** One batch of each kind. */
export async function sweepOld(database: Database, batch = BATCH): Promise<'more' | 'done'> {
  let more = false;
  for (const what of TECHNICAL_ROWS) {
    const removed = await database.withSystem((tx) => removeOld(tx, what, KEPT_HOURS[what], batch));
    if (removed > 0) rounds.inc({ loop: 'retention', finding: what }, removed);
    more ||= removed === batch;
  }
  return more ? 'more' : 'done';
}
