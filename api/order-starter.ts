/**
 * Starts workflows of orders that this process has just accepted, so that they don't wait for the
 * dispatcher. Nothing depends on it: the outbox row that was committed with the order starts it when
 * this process dies or Temporal is away. After a failure it keeps quiet for a while, for an outage is no
 * time to pile up calls. Rows whose workflow was started are marked delivered in batches: one statement
 * for many orders costs the dispatcher and Postgres less than one each.
 */
import type { Client } from '@temporalio/client';
import type { Database } from '../db/client';
import { markDelivered } from '../db/outbox-claim.repo';
import { type Logger, orderFields } from '../telemetry';
import { startOrderWorkflow } from '../temporal/start-order';
import type { StartedOrder } from './deps';

/** Well within the 3 s after which the dispatcher takes a row that is not marked. */
const MARK_EVERY_MS = 100;
/** As long as one start may take; meanwhile the dispatcher finds out whether Temporal is back. */
const QUIET_AFTER_FAILURE_MS = 5_000;
/** More starts under way than this mean that Temporal is slower than orders come: the outbox is the queue. */
const MAX_UNDER_WAY = 200;

export interface OrderStarter {
  start(order: StartedOrder): void;
  /** Waits for what is under way and marks it. */
  close(): Promise<void>;
}

export function createOrderStarter(client: Client, database: Database, log: Logger): OrderStarter {
  const underWay = new Set<Promise<void>>();
  let started: { merchantId: string; key: string }[] = [];
  let quietUntil = 0;
  const mark = async (): Promise<void> => {
    if (started.length === 0) return;
    const batch = started;
    started = [];
    // Unmarked they are started once more, which Temporal answers with the one that runs.
    await database.withSystem((tx) => markDelivered(tx, batch)).catch(() => undefined);
  };
  const timer = setInterval(() => void mark(), MARK_EVERY_MS);
  timer.unref();

  const startOne = async (order: StartedOrder): Promise<void> => {
    const { merchantId, orderId, workflowId, startKey, channel, number, test } = order;
    try {
      await startOrderWorkflow(client, { workflowId, input: { merchantId, orderId }, channel, number, test });
      started.push({ merchantId, key: startKey });
    } catch (error) {
      quietUntil = Date.now() + QUIET_AFTER_FAILURE_MS;
      log.warn({ ...orderFields(orderId), workflowId, err: error }, 'a start is left to the dispatcher');
    }
  };
  return {
    start: (order) => {
      const { orderId, workflowId, requestId } = order;
      log.info({ ...orderFields(orderId), workflowId, requestId }, 'order accepted');
      if (underWay.size >= MAX_UNDER_WAY || Date.now() < quietUntil) return;
      const running = startOne(order).finally(() => underWay.delete(running));
      underWay.add(running);
    },
    close: async () => {
      clearInterval(timer);
      await Promise.all(underWay);
      await mark();
    },
  };
}
