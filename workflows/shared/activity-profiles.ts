/**
 * How steps are called. Database steps are local activities: two events less each, and their time-outs
 * are short because nothing outside is called. They hold a workflow-task slot while they run, so their
 * attempts are capped; `persist` and `attempt` say what follows. Outside calls are regular activities on
 * the partner's own queue.
 */
import {
  ActivityFailure,
  ApplicationFailure,
  condition,
  isCancellation,
  type LocalActivityOptions,
  proxyActivities,
  proxyLocalActivities,
} from '@temporalio/workflow';
import type { CarrierActivities, OrderActivities, WorkOrderActivities } from '../../activities';
import { CARRIER_QUEUE } from './task-queues';

const databaseSteps: LocalActivityOptions = {
  // A batch of 256 orders takes some 100 ms; the database's own lock time-out is 5 s.
  startToCloseTimeout: '10 seconds',
  // Eight attempts last about ten seconds: longer than Postgres takes to restart (0.2 s to refuse, then up).
  retry: { initialInterval: '100 milliseconds', maximumInterval: '2 seconds', maximumAttempts: 8 },
};

export const orderSteps = proxyLocalActivities<OrderActivities>(databaseSteps);
export const workOrderSteps = proxyLocalActivities<WorkOrderActivities>(databaseSteps);

export const carrierCalls = proxyActivities<CarrierActivities>({
  taskQueue: CARRIER_QUEUE,
  // Two exchanges of 10 s at most, a look-up and the records around them.
  startToCloseTimeout: '45 seconds',
  // A worker that dies is noticed by its heartbeat; the label's steps beat before each call.
  heartbeatTimeout: '15 seconds',
  // A packer waits: four attempts in about ten seconds, then the order says what it waits for.
  retry: {
    initialInterval: '500 milliseconds',
    backoffCoefficient: 3,
    maximumInterval: '8 seconds',
    maximumAttempts: 4,
  },
});

/** How long to leave Postgres alone after the capped attempts of a step. */
const DATABASE_PAUSE = '15 seconds';

/**
 * Runs a database step until it is done: a step that failed all its attempts changed nothing, and an
 * order cannot be parked in a database that is away. The watchdog sees such an order from Postgres.
 */
export async function persist<T>(step: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt(step);
    } catch (error) {
      if (isCancellation(error)) throw error;
      await condition(() => false, DATABASE_PAUSE);
    }
  }
}

/**
 * The same, but only while the database is away. What a step refuses, and an error that all its attempts
 * met, is the caller's: trying for ever would fill the history and tell nobody.
 */
export async function attempt<T>(step: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await step();
    } catch (error) {
      if (stepFailure(error) !== null || isCancellation(error)) throw error;
      await condition(() => false, DATABASE_PAUSE);
    }
  }
}

/** Why a step failed, when its failure is of its own making; null for a database that is away and for time-outs. */
export function stepFailure(error: unknown): ApplicationFailure | null {
  // A local activity's failure comes as it is, a regular one's in the failure of its activity.
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure && cause.type !== 'DatabaseUnavailable' ? cause : null;
}
