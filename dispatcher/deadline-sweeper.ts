/**
 * What only time brings about: orders past their deadline become exceptions, once a deadline; orders
 * blocked by something technical are woken again and again, ever more rarely. Every finding
 * is a conditional write, so two dispatchers that sweep at once do no more than one.
 */

import type { Database } from '../db/client';
import {
  blockedBy,
  type OverdueOrder,
  overdueOrders,
  resolveMovedOn,
  type TechnicallyBlocked,
} from '../db/deadline.repo';
import { openExceptions } from '../db/exception.repo';
import { enqueue } from '../db/outbox.repo';
import { EXCEPTION_REASONS } from '../domain/order/exception-reasons';
import { type Logger } from '../telemetry';
import { rounds } from './dispatch-metrics';
import { type Loop, startLoop } from './loop';

/** An order past its deadline is to be listed within 60 s: this leaves room for five slow rounds. */
const SWEEP_MS = 10_000;
/** So many in one transaction; a round goes on at once when there are more. */
const BATCH = 500;

/** Whose cause may have passed without anybody telling us. */
const TECHNICAL_REASONS = ['carrier_unavailable', 'label_outcome_unknown', 'step_failed'] as const;
/** What only a person can mend is not tried for ever: each attempt fills the order's history. */
const MOST_WAKINGS: Readonly<Record<string, number>> = { step_failed: 5 };
const WAKE_PREFIX = 'resume:again:';
/** Most outages of a carrier end within minutes; then an attempt every quarter of an hour is enough. */
const WAKE_AFTER_MINUTES = [1, 2, 4, 8, 15];
/** More would be an outage that a few attempts show as well as all. */
const WAKE_BATCH = 1_000;

export interface SweeperOptions {
  readonly database: Database;
  readonly log: Logger;
  readonly intervalMs?: number;
}

export function startDeadlineSweeper({ database, log, intervalMs }: SweeperOptions): Loop {
  return startLoop({
    name: 'deadlines',
    intervalMs: intervalMs ?? SWEEP_MS,
    log,
    round: async () => {
      const listed = await listOverdue(database);
      await wakeTechnicallyBlocked(database, new Date());
      await database.withSystem(resolveMovedOn);
      return listed === BATCH;
    },
  });
}

/** Opens an exception for every overdue order that is on nobody's list; returns how many. */
export async function listOverdue(database: Database): Promise<number> {
  const listed = await database.withSystem(async (tx) => {
    const overdue = await overdueOrders(tx, BATCH);
    await openExceptions(tx, overdue.map(pastDeadline));
    return overdue.length;
  });
  if (listed > 0) rounds.inc({ loop: 'deadlines', finding: 'past_deadline' }, listed);
  return listed;
}

function pastDeadline(order: OverdueOrder) {
  const row = EXCEPTION_REASONS.past_deadline;
  return {
    merchantId: order.merchantId,
    reason: 'past_deadline',
    key: `past_deadline:${order.orderId}`,
    cause: `past_deadline:${order.state}`,
    orderId: order.orderId,
    thingKind: 'order',
    thingId: order.orderId,
    owner: row.owner,
    message: `The order has been ${order.state} since ${order.stateSince.toISOString()} and was to move on by ${order.deadlineAt.toISOString()}.`,
    deadlineMinutes: row.deadlineMinutes,
    openedAt: order.businessNow,
  };
}

/** Tells the workflows whose turn it is to try again; returns how many. */
export async function wakeTechnicallyBlocked(database: Database, now: Date): Promise<number> {
  return database.withSystem(async (tx) => {
    const blocked = await blockedBy(tx, TECHNICAL_REASONS, WAKE_PREFIX, WAKE_BATCH);
    const due = blocked.filter((order) => isWakeDue(order, now));
    await enqueue(
      tx,
      due.map((order) => ({
        merchantId: order.merchantId,
        kind: 'workflow.signal' as const,
        // Numbered, so that two sweepers at once wake it once.
        key: `${WAKE_PREFIX}${order.exceptionId}:${order.woken + 1}`,
        orderId: order.orderId,
        payload: {
          workflowId: order.workflowId,
          signal: 'resume',
          args: [{ cause: `${order.reason}_again` }],
        },
      })),
    );
    if (due.length > 0) rounds.inc({ loop: 'deadlines', finding: 'woken' }, due.length);
    return due.length;
  });
}

/** @param now the real time; business clocks don't run while a carrier is down. */
export function isWakeDue(
  order: Pick<TechnicallyBlocked, 'exceptionId' | 'reason' | 'woken' | 'lastWokenSeconds'>,
  now: Date,
): boolean {
  if (order.woken >= (MOST_WAKINGS[order.reason] ?? Number.POSITIVE_INFINITY)) return false;
  const waitMinutes = WAKE_AFTER_MINUTES[order.woken] ?? (WAKE_AFTER_MINUTES.at(-1) as number);
  const waitedSeconds = order.lastWokenSeconds ?? (now.getTime() - openedAtMs(order.exceptionId)) / 1000;
  return waitedSeconds >= waitMinutes * 60;
}

/** The real time in an id of version 7 (RFC 9562, 5.7): its first 48 bits, in milliseconds. */
function openedAtMs(uuid: string): number {
  return Number.parseInt(uuid.replaceAll('-', '').slice(0, 12), 16);
}
