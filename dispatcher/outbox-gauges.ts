/** Keeps the gauges of the outbox: what waits, and for how long the oldest has been due. */
import type { Database } from '../db/client';
import { outboxBacklog } from '../db/outbox-claim.repo';
import { type Logger, metrics } from '../telemetry';
import { type Loop, startLoop } from './loop';

/** As often as a collector asks; the count walks only what is not delivered yet. */
const GAUGE_MS = 15_000;

export function startOutboxGauges({
  database,
  log,
}: {
  readonly database: Database;
  readonly log: Logger;
}): Loop {
  return startLoop({
    name: 'outbox-gauges',
    intervalMs: GAUGE_MS,
    log,
    round: async () => {
      const backlog = await database.withSystem(outboxBacklog);
      metrics.outboxWaiting.reset();
      for (const { kind, state, count } of backlog) metrics.outboxWaiting.set({ kind, state }, count);
      metrics.outboxLagSeconds.set(Math.max(0, ...backlog.map(({ lagSeconds }) => lagSeconds)));
      return false;
    },
  });
}
