/**
 * Gives a person the next task: by kind in the order in which he wants them, then priority, due, age.
 * A claim locks the task with its order and skips what others hold, so no two people get one task and
 * nobody waits. Who has a task already gets that one again, so a lost answer costs nothing. Claiming a
 * pick is the moment from which the order counts as released: a cancel before wins, after is too late.
 */
import type { Database, Tx } from '../../db/client';
import { advancePart, touchOrderOnFloor } from '../../db/floor-stage.repo';
import { findScan, insertScan } from '../../db/scan.repo';
import { type LockedTask, lockNextTask, lockPerson, readClaimed, setTaskState } from '../../db/task.repo';
import { Failure } from '../../domain/failure-types';
import { eventIdUsed, type FloorCaller, recordedAnswer } from './scan-event';
import { type TaskView, viewTask } from './task-view';

export const FLOOR_KINDS = ['pick', 'pack', 'ship'] as const;
export type FloorKind = (typeof FLOOR_KINDS)[number];

export interface ClaimNextTask {
  readonly warehouseId: string;
  /** In the order in which they are wanted: finishing first is ship, pack, pick. */
  readonly kinds: readonly FloorKind[];
  readonly eventId: string;
  /** True: a further task although one is claimed (a cart with several orders). */
  readonly several?: boolean;
}

/**
 * @returns null when there is nothing to do.
 * @throws Failure NotFound when the person is none of the floor; InvalidInput when the event id was used.
 */
export function claimNextTask(
  database: Database,
  caller: FloorCaller,
  claim: ClaimNextTask,
): Promise<TaskView | null> {
  return database.withMerchants(caller.merchantIds, async (tx) => {
    if (!(await lockPerson(tx, caller.personId))) throw new Failure('NotFound', 'there is no such person');
    const before = await findScan(tx, caller.merchantIds, claim.eventId);
    if (before !== null) {
      const { taskId } = recordedAnswer<{ taskId: string }>(before, 'claim', null);
      return viewTask(tx, taskId);
    }
    if (claim.several !== true) {
      const [claimed] = await readClaimed(tx, caller.personId, claim.warehouseId, claim.kinds);
      if (claimed) return viewTask(tx, claimed.taskId);
    }
    const task = await lockFirst(tx, claim);
    if (task === null) return null;
    await setTaskState(tx, task, 'claimed', caller.personId);
    await startWork(tx, task);
    const isNew = await insertScan(tx, {
      merchantId: task.merchantId,
      eventId: claim.eventId,
      taskId: task.taskId,
      kind: 'claim',
      personId: caller.personId,
      outcome: { taskId: task.taskId },
    });
    if (!isNew) throw eventIdUsed();
    return viewTask(tx, task.taskId);
  });
}

async function lockFirst(tx: Tx, claim: ClaimNextTask): Promise<LockedTask | null> {
  for (const kind of claim.kinds) {
    const task = await lockNextTask(tx, claim.warehouseId, kind);
    if (task !== null) return task;
  }
  return null;
}

async function startWork(tx: Tx, task: LockedTask): Promise<void> {
  if (task.kind === 'ship') return;
  if (task.kind === 'pick') await advancePart(tx, task, ['released', 'accepted'], 'picking');
  else await advancePart(tx, task, ['picked'], 'packing');
  await touchOrderOnFloor(tx, task);
}
