/**
 * Finds orders that nothing moves although their own workflow should. The candidates come from Postgres
 * (an order that waits at a point where its workflow has work to do); one that has not changed for 30 s
 * is looked up in Temporal, where a failing workflow shows as running for ever and only the attempt of
 * its pending task gives it away. Missing: its start is written again and somebody is told. Failing, or
 * ended too early: somebody is told. Running well: it waits its turn in a backlog. What was told is
 * resolved when the order moves on. Watched times are kept in memory: a restart only watches anew.
 */
import type { Client } from '@temporalio/client';
import { restartWorkflow } from '../commands/restart-workflow';
import type { Database, Tx } from '../db/client';
import { resolveUnwatched, type StalledOrder, stalledOrders } from '../db/deadline.repo';
import { openExceptions, resolveExceptions } from '../db/exception.repo';
import { EXCEPTION_REASONS } from '../domain/order/exception-reasons';
import { type Logger, orderFields } from '../telemetry';
import { inspectWorkflow, type WorkflowHealth } from '../temporal/inspect';
import { rounds } from './dispatch-metrics';
import { type Loop, startLoop } from './loop';

const HOUR_MS = 3_600_000;
/** A third of the time after which an order counts as still, so that none is noticed late. */
const ROUND_MS = 10_000;
/** The slowest step that goes on by itself, buying a label, takes less with all its quick retries. */
const STILL_MS = 30_000;
/** The third failed attempt of a workflow task comes after about 15 s; a deployment fails one or two. */
const FAILING_ATTEMPT = 3;
/** In a backlog of thousands everybody is still; a sample of the oldest says what there is to say. */
const LOOK_UPS = 20;
const CANDIDATES = 500;

export interface WatchdogOptions {
  readonly database: Database;
  readonly client: Client;
  readonly log: Logger;
  readonly intervalMs?: number;
  readonly stillMs?: number;
}

type Trouble = 'workflow_missing' | 'workflow_failing';

interface Watched {
  readonly mark: string;
  readonly since: number;
  readonly lookedAt: number;
  readonly trouble: Trouble | null;
}

export function startWatchdog(options: WatchdogOptions): Loop {
  const watchdog = new Watchdog(options);
  return startLoop({
    name: 'watchdog',
    intervalMs: options.intervalMs ?? ROUND_MS,
    log: options.log,
    round: async () => {
      await watchdog.round();
      return false;
    },
  });
}

class Watchdog {
  private watched = new Map<string, Watched>();

  constructor(private readonly options: WatchdogOptions) {}

  async round(): Promise<void> {
    const { database, stillMs = STILL_MS } = this.options;
    const now = Date.now();
    const orders = await database.withSystem((tx) => stalledOrders(tx, new Date(now - stillMs), CANDIDATES));
    await this.forget(orders, now);
    const still = orders
      .map((order) => ({ order, watched: this.watched.get(order.orderId) as Watched }))
      .filter(({ watched, order }) => now - watched.since >= stillMs && !order.startPending)
      // Whoever was looked at longest ago, so that a large backlog is walked in turn.
      .sort((a, b) => a.watched.lookedAt - b.watched.lookedAt);
    for (const { order, watched } of still.slice(0, LOOK_UPS)) {
      const health = await inspectWorkflow(this.options.client, order.workflowId);
      const trouble = await this.act(order, health, watched.trouble);
      this.watched.set(order.orderId, { ...watched, lookedAt: now, trouble });
    }
  }

  /** Takes up new candidates and those that changed; resolves what was told of those that are none any more. */
  private async forget(orders: readonly StalledOrder[], now: number): Promise<void> {
    const next = new Map<string, Watched>();
    for (const order of orders) {
      const known = this.watched.get(order.orderId);
      const mark = `${order.waitsIn}:${order.mark}`;
      next.set(
        order.orderId,
        known?.mark === mark ? known : { mark, since: now, lookedAt: 0, trouble: known?.trouble ?? null },
      );
    }
    this.watched = next;
    // With more candidates than we see, none is known to be gone.
    if (orders.length === CANDIDATES) return;
    const ids = orders.map((order) => order.orderId);
    await this.options.database.withSystem((tx) => resolveUnwatched(tx, ids));
  }

  private async act(
    order: StalledOrder,
    health: WorkflowHealth,
    known: Trouble | null,
  ): Promise<Trouble | null> {
    const { database, log } = this.options;
    const found = diagnose(health);
    if (found === null) {
      if (known !== null)
        await database.withSystem((tx) => resolve(tx, order, known, 'The workflow runs well.'));
      return null;
    }
    const { trouble, message, restart } = found;
    log.warn(
      { ...orderFields(order.orderId), workflowId: order.workflowId, waitsIn: order.waitsIn, trouble },
      message,
    );
    rounds.inc({ loop: 'watchdog', finding: trouble });
    await database.withSystem(async (tx) => {
      // Once an hour for one order at most: a start that keeps vanishing is for a person to look at. While it
      // waits in the outbox the order is none of the still ones.
      if (restart) await restartWorkflow(tx, order, `hour-${Math.floor(Date.now() / HOUR_MS)}`);
      if (known !== trouble) await tell(tx, order, trouble, message);
    });
    return trouble;
  }
}

function diagnose(
  health: WorkflowHealth,
): { readonly trouble: Trouble; readonly message: string; readonly restart: boolean } | null {
  switch (health.status) {
    case 'missing':
      return {
        trouble: 'workflow_missing',
        message: 'Temporal knows no workflow of this order; it is being started again.',
        restart: true,
      };
    case 'ended':
      return {
        trouble: 'workflow_missing',
        message: `The workflow of this order has ended (${health.how}) before the order did.`,
        restart: false,
      };
    case 'running':
      return health.taskAttempt < FAILING_ATTEMPT
        ? null
        : {
            trouble: 'workflow_failing',
            message: 'The workflow task keeps failing; the Temporal UI shows why.',
            restart: false,
          };
  }
}

async function tell(tx: Tx, order: StalledOrder, trouble: Trouble, message: string): Promise<void> {
  const row = EXCEPTION_REASONS[trouble];
  await openExceptions(tx, [
    {
      merchantId: order.merchantId,
      reason: trouble,
      key: `${trouble}:${order.orderId}`,
      // One bad build or one lost server is one cause, however many orders it stops.
      cause: trouble,
      orderId: order.orderId,
      thingKind: 'order',
      thingId: order.orderId,
      owner: row.owner,
      message,
      deadlineMinutes: row.deadlineMinutes,
      openedAt: order.businessNow,
    },
  ]);
}

async function resolve(tx: Tx, order: StalledOrder, trouble: Trouble, why: string): Promise<void> {
  await resolveExceptions(tx, [order.merchantId], [`${trouble}:${order.orderId}`], 'dispatcher', why);
}
