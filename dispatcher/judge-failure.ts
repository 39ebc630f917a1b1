/**
 * What a failed delivery means for its message and for its lane, as a pure decision. A receiver that is
 * away, asks for less, or leaves us in doubt makes its lane unwell and the message comes again under the
 * same id; one that answered "no" is well, and its message is dead, because asking again changes nothing.
 */
import { type ClaimedMessage } from '../db/outbox-claim.repo';
import { Failure } from '../domain/failure-types';
import { nextDelayMs, type RetrySchedule } from './retry-schedule';

export interface Verdict {
  readonly state: 'pending' | 'dead';
  readonly delayMs: number;
  readonly receiver: 'well' | 'unwell';
  /** How long the receiver asked to be left alone. */
  readonly pauseMs: number;
  readonly note: string;
  readonly uncounted: boolean;
}

/** Attempts of an endless kind that ended in an error of ours: no outage, and it would go on for ever. */
const BUG_ATTEMPTS = 20;

/** When our own database is away; it is back within seconds or nothing works at all. */
const DATABASE_DELAY_MS = 2_000;

export function judgeFailure(
  error: unknown,
  message: Pick<ClaimedMessage, 'attempt'>,
  schedule: RetrySchedule,
  random: () => number = Math.random,
): Verdict {
  if (error instanceof Failure && error.type === 'DatabaseUnavailable') {
    const note = 'our database was away';
    return {
      state: 'pending',
      delayMs: DATABASE_DELAY_MS,
      receiver: 'well',
      pauseMs: 0,
      note,
      uncounted: true,
    };
  }
  const note = noteOf(error);
  const ended = { receiver: 'well', pauseMs: 0, note, uncounted: false } as const;
  const delayMs = nextDelayMs(schedule, message.attempt, random);
  if (!(error instanceof Failure)) {
    const again = delayMs !== null && !(schedule.endless && message.attempt >= BUG_ATTEMPTS);
    return again ? { ...ended, state: 'pending', delayMs } : { ...ended, state: 'dead', delayMs: 0 };
  }
  if (!error.retryable) return { ...ended, state: 'dead', delayMs: 0 };
  const pauseMs = error.retryAfterMs ?? 0;
  if (delayMs === null) return { ...ended, state: 'dead', delayMs: 0, receiver: 'unwell', pauseMs };
  return { ...ended, state: 'pending', delayMs: Math.max(delayMs, pauseMs), receiver: 'unwell', pauseMs };
}

/** The failure's type and sentence; partners' bodies stay out, for they may repeat an address. */
function noteOf(error: unknown): string {
  if (error instanceof Failure) return `${error.type}: ${error.message}`;
  return error instanceof Error ? `${error.name}: ${error.message}` : 'an unknown error';
}
