/**
 * Watches stock for low-stock alerts. Each merchant that has rules is watched by one process at a time,
 * under a lease. Products whose stock changed are looked at at once, by the log of changes; everything on a
 * schedule, because the pace changes with the days, and when a lease is taken, for whoever had it may have
 * died over a change. Two that look at the same stock all the same find the same (evaluate-alerts).
 */
import { randomUUID } from 'node:crypto';
import { evaluateAlerts } from '../commands/watch/evaluate-alerts';
import type { Database } from '../db/client';
import { endWatchTurns, setWatchDue, takeWatchTurns } from '../db/stock-alert.repo';
import { changedProducts, presentCursor } from '../db/stock-change.repo';
import { groupBy } from '../domain/group-by';
import type { Logger } from '../telemetry';
import { rounds } from './dispatch-metrics';
import { startLoop } from './loop';

/** People read the message minutes later; a round without changes is two statements of a millisecond. */
const ROUND_MS = 1_000;
/** Many rounds long, so that a slow evaluation loses no lease; a dead process is followed within it. */
const LEASE_MS = 30_000;
/** All-clears wait for a look when nothing changes, and the day's end moves the window; a look costs seconds. */
const EVERYTHING_MS = 5 * 60_000;
/** Merchants of one process; the rest go to the next one. */
const MOST_MERCHANTS = 2_000;

export interface StockWatchOptions {
  readonly database: Database;
  readonly log: Logger;
  readonly intervalMs?: number;
  readonly leaseMs?: number;
}

export function startStockWatch(options: StockWatchOptions): { close(): Promise<void> } {
  const { database, log } = options;
  const owner = randomUUID();
  let cursor: string | null = null;
  const loop = startLoop({
    name: 'stock-watch',
    intervalMs: options.intervalMs ?? ROUND_MS,
    log,
    round: async () => {
      // What changes from here on is seen by a later round, so the first look at everything misses nothing.
      const since: string = cursor ?? (await database.withSystem((tx) => presentCursor(tx)));
      const { changes, turns } = await database.withSystem(async (tx) => ({
        changes: await changedProducts(tx, since),
        turns: await takeWatchTurns(tx, owner, options.leaseMs ?? LEASE_MS, MOST_MERCHANTS),
      }));
      const byMerchant = groupBy(changes.products, (product) => product.merchantId);
      for (const { merchantId, due } of turns) {
        const changed = byMerchant.get(merchantId)?.map(({ productId }) => productId) ?? [];
        if (due || changed.length > 0) await look(options, owner, merchantId, due ? null : changed);
      }
      cursor = changes.cursor;
      return false;
    },
  });
  return {
    async close() {
      await loop.close();
      await database.withSystem((tx) => endWatchTurns(tx, owner)).catch(() => undefined);
    },
  };
}

/** A merchant whose stock can't be looked at is looked at again in the next round, and keeps no other waiting. */
async function look(
  { database, log }: StockWatchOptions,
  owner: string,
  merchantId: string,
  changed: readonly string[] | null,
): Promise<void> {
  let again = 0;
  try {
    const { opened, cleared } = await evaluateAlerts(database, merchantId, changed);
    if (opened > 0) rounds.inc({ loop: 'stock-watch', finding: 'opened' }, opened);
    if (cleared > 0) rounds.inc({ loop: 'stock-watch', finding: 'cleared' }, cleared);
    if (changed === null) again = EVERYTHING_MS;
    else return;
  } catch (error) {
    log.warn({ err: error, merchantId }, 'the stock of a merchant could not be looked at; it comes again');
  }
  await database.withSystem((tx) => setWatchDue(tx, merchantId, owner, again));
}
