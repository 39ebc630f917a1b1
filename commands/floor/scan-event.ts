/**
 * One act of a person on a task. The order, its fulfilment order and the task are locked first, so acts
 * on one task come one after the other and a cancel is before or after, never between. The act's event
 * id makes it happen once: the same one again gets the same answer and changes nothing. A scan that
 * doesn't fit is refused with what was expected; it leaves no trace, so it can be made right.
 */
import type { Database, Tx } from '../../db/client';
import { findScan, insertScan, type ScanKind } from '../../db/scan.repo';
import { type LockedTask, lockTask } from '../../db/task.repo';
import { Failure } from '../../domain/failure-types';

/** Who acts, and for which merchants his key may. */
export interface FloorCaller {
  readonly merchantIds: readonly string[];
  readonly personId: string;
}

export interface TaskAct {
  readonly taskId: string;
  /** Once a merchant, e.g. the Idempotency-Key of the request. */
  readonly eventId: string;
}

export interface Acted<Answer> {
  readonly answer: Answer;
  readonly taskLineId?: string;
  readonly quantity?: number;
  readonly code?: string;
}

/**
 * Runs `work` once for this event on a task that the person has claimed.
 * @throws Failure NotFound without such a task; IllegalTransition with the state when the task has ended,
 *   is somebody else's or its order was cancelled; InvalidInput when the event id was used for another act.
 */
export function actOnTask<Answer>(
  database: Database,
  caller: FloorCaller,
  act: TaskAct,
  kinds: { readonly scan: ScanKind; readonly task: readonly string[] },
  work: (tx: Tx, task: LockedTask) => Promise<Acted<Answer>>,
): Promise<Answer> {
  return database.withMerchants(caller.merchantIds, async (tx) => {
    const task = await lockTask(tx, act.taskId);
    if (task === null) throw new Failure('NotFound', 'there is no such task');
    const before = await findScan(tx, [task.merchantId], act.eventId);
    if (before !== null) return recordedAnswer<Answer>(before, kinds.scan, task.taskId);
    assertWorkable(task, caller.personId, kinds.task);
    const { answer, ...what } = await work(tx, task);
    const isNew = await insertScan(tx, {
      merchantId: task.merchantId,
      eventId: act.eventId,
      taskId: task.taskId,
      kind: kinds.scan,
      personId: caller.personId,
      outcome: answer,
      ...what,
    });
    if (!isNew) throw eventIdUsed();
    return answer;
  });
}

/** The answer of an act that was recorded. @throws Failure InvalidInput when it was another act. */
export function recordedAnswer<Answer>(
  scan: { readonly kind: string; readonly taskId: string; readonly outcome: unknown },
  kind: ScanKind,
  taskId: string | null,
): Answer {
  if (scan.kind !== kind || (taskId !== null && scan.taskId !== taskId)) throw eventIdUsed();
  // Written by the same act, so it has its answer's shape.
  return scan.outcome as Answer;
}

export function eventIdUsed(): Failure {
  return new Failure('InvalidInput', 'this event id was used for another scan', {
    expected: { eventId: 'a new one' },
  });
}

function assertWorkable(task: LockedTask, personId: string, kinds: readonly string[]): void {
  if (!kinds.includes(task.kind))
    throw new Failure('InvalidInput', `this is a ${task.kind} task`, { expected: { taskKind: kinds[0] } });
  if (task.state !== 'claimed')
    throw new Failure('IllegalTransition', `the task is ${task.state}`, { state: task.state });
  if (task.claimedBy !== personId)
    throw new Failure('IllegalTransition', 'somebody else has claimed this task', { state: task.state });
  if (task.orderState === 'cancelled' || task.fulfilmentOrderState === 'cancelled')
    throw new Failure('IllegalTransition', 'the order was cancelled', { state: 'cancelled' });
}
