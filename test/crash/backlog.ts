/** What the engine still has to do, read from the rows; patient while Postgres itself is away. */
import { setTimeout as pause } from 'node:timers/promises';
import { advanceBusinessClock, readReplayBacklog } from '../../db/replay.repo';
import type { CrashEngine } from './crash-engine';
import { isAway } from './doors';

/** Longer than the longest lease (90 s) and the pauses of a part that was killed often (15 s). */
const STANDSTILL_MS = 180_000;
/** What was blocked for a moment has the time to go on by itself. */
const CALM_MS = 5_000;
const LOOK_MS = 250;
const SAY_EVERY_MS = 10_000;

export interface InFlight {
  readonly orders: number;
  /** `3 received, 8 in_fulfilment`. */
  readonly states: string;
}

/** Orders that have neither ended nor wait for somebody. */
const IN_FLIGHT = `select state, count(*)::integer as n from sales_order
  where deadline_at is not null and blocked_reason is null and not held group by state order by 1`;
const UNSENT = `select count(*)::integer as n from outbox where state in ('pending', 'leased')`;
/** Changes whenever an order, a scan or a message moves. */
const MARK = `select concat_ws('/', (select sum(version) from sales_order), (select count(*) from scan),
  (select sum(attempts) from outbox), (select count(*) from outbox where state = 'done')) as mark`;

export class Backlog {
  constructor(
    private readonly engine: CrashEngine,
    private readonly say: (line: string) => void,
  ) {}

  async inFlight(): Promise<InFlight> {
    const rows = await this.rows<{ state: string; n: number }>(IN_FLIGHT);
    return {
      orders: rows.reduce((sum, { n }) => sum + n, 0),
      states: rows.map(({ state, n }) => `${n} ${state}`).join(', '),
    };
  }

  /** Moves the merchant's clock on, once no order in work would be late by it. */
  async letClockReach(merchantId: string, time: string): Promise<void> {
    const at = Date.parse(time);
    await this.until('the clock', async () => {
      const { firstDeadline } = await this.patiently(() =>
        this.engine.database.withMerchants([merchantId], (tx) => readReplayBacklog(tx, merchantId)),
      );
      return firstDeadline === null || firstDeadline.getTime() > at;
    });
    await this.patiently(() =>
      this.engine.database.withMerchants([merchantId], (tx) => advanceBusinessClock(tx, merchantId, time)),
    );
  }

  /** Waits until nothing is in flight and nothing unsent, or nothing moves any more. */
  async drain(): Promise<void> {
    let calmSince: number | null = null;
    await this.until('the backlog', async () => {
      const { orders } = await this.inFlight();
      const [unsent] = await this.rows<{ n: number }>(UNSENT);
      if (orders > 0 || (unsent?.n ?? 0) > 0) calmSince = null;
      else calmSince ??= Date.now();
      return calmSince !== null && Date.now() - calmSince >= CALM_MS;
    });
  }

  /** @throws when an act fails for another reason than an outage. */
  async until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    let mark = '';
    let movedAt = Date.now();
    let saidAt = Date.now();
    while (!(await isSo())) {
      const now = Date.now();
      const [row] = await this.rows<{ mark: string }>(MARK);
      if (row?.mark !== mark) movedAt = now;
      mark = row?.mark ?? '';
      if (now - movedAt > STANDSTILL_MS) {
        this.say(`  ${what}: nothing moves any more`);
        return;
      }
      if (now - saidAt > SAY_EVERY_MS) {
        saidAt = now;
        const { orders, states } = await this.inFlight();
        const [unsent] = await this.rows<{ n: number }>(UNSENT);
        this.say(
          `  waiting for ${what}: ${orders} orders in flight (${states}), ${unsent?.n ?? 0} messages unsent`,
        );
      }
      await pause(LOOK_MS);
    }
  }

  rows<Row extends object>(
    text: string,
    values: readonly unknown[] = [],
  ): Promise<(Row & Record<string, unknown>)[]> {
    return this.patiently(() =>
      this.engine.reader.withSystem((tx) => tx.rows<Row & Record<string, unknown>>({ text, values })),
    );
  }

  private async patiently<T>(act: () => Promise<T>): Promise<T> {
    const deadline = Date.now() + STANDSTILL_MS;
    for (;;) {
      try {
        return await act();
      } catch (error) {
        if (!isAway(error) || Date.now() > deadline) throw error;
        await pause(LOOK_MS);
      }
    }
  }
}
