/**
 * When a message is tried again, by kind, as data. A message that used up its schedule is dead and
 * becomes an exception. Starts and signals never die: Temporal comes back, and an order must not be
 * lost to an outage of ours, however long.
 */
import type { OutboxKind } from '../db/outbox.repo';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Milliseconds after each failed attempt. */
export type RetryDelays = readonly number[];

export interface RetrySchedule {
  readonly delays: RetryDelays;
  /** Repeats its last delay for ever. */
  readonly endless: boolean;
}

/** Short, for Temporal is ours: its outage ends when somebody restarts it, and orders wait meanwhile. */
const OWN_SERVER: RetrySchedule = {
  delays: [1 * SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND],
  endless: true,
};

export const RETRY_SCHEDULES: Readonly<Record<OutboxKind, RetrySchedule>> = {
  'workflow.start': OWN_SERVER,
  'workflow.signal': OWN_SERVER,
  'workflow.update': OWN_SERVER,
  // Some two hours: shops recover within minutes, and past it the customer asks where the parcel is, so
  // that somebody has to look.
  'channel.tracking': {
    delays: [5 * SECOND, 15 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR],
    endless: false,
  },
  // RFC 5321 (4.5.4.1) asks to keep trying for days; after one day news of an order is stale.
  mail: {
    delays: [10 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR],
    endless: false,
  },
  // The schedule that the Standard Webhooks specification gives as its example, about three days.
  webhook: {
    delays: [
      5 * SECOND,
      5 * MINUTE,
      30 * MINUTE,
      2 * HOUR,
      5 * HOUR,
      10 * HOUR,
      14 * HOUR,
      20 * HOUR,
      24 * HOUR,
    ],
    endless: false,
  },
};

/** Milliseconds until the next attempt, null when there is none. @param attempt the one that failed, from 1. */
export function nextDelayMs(schedule: RetrySchedule, attempt: number, random = Math.random): number | null {
  const { delays, endless } = schedule;
  const delay = delays[attempt - 1] ?? (endless ? delays.at(-1) : undefined);
  // A tenth either way keeps those that failed together from coming back together.
  return delay === undefined ? null : delay * (0.9 + 0.2 * random());
}
