/**
 * "There is no more here." What was found of the line is scanned first; the rest of it is short. When
 * it was the task's last open line, picking ends with it (finish-pick).
 */
import type { Database } from '../../db/client';
import { readTaskLines, setLineProgress } from '../../db/task-line.repo';
import { Failure } from '../../domain/failure-types';
import { finishPick } from './finish-pick';
import { misfit, openUnits, toProgress } from './match-scan';
import { actOnTask, type FloorCaller, type TaskAct } from './scan-event';
import type { PickAnswer } from './scan-pick';

export interface ShortPick extends TaskAct {
  readonly taskLineId: string;
  /** Units of the line that were there in all; they must have been scanned. */
  readonly found: number;
}

/** @throws Failure InvalidInput when fewer were scanned than found or nothing of the line is open; NotFound. */
export function shortPick(database: Database, caller: FloorCaller, short: ShortPick): Promise<PickAnswer> {
  return actOnTask(database, caller, short, { scan: 'short', task: ['pick'] }, async (tx, task) => {
    const lines = await readTaskLines(tx, task.merchantId, task.taskId);
    const line = lines.find((each) => each.taskLineId === short.taskLineId);
    if (line === undefined) throw new Failure('NotFound', 'there is no such line');
    if (openUnits(line) === 0) throw misfit('this line is complete', lines);
    if (short.found !== line.done)
      throw misfit(`${line.done} units of this line were scanned: scan what you found`, [line]);
    const shorted = { ...line, short: line.quantity - line.done };
    await setLineProgress(tx, task.merchantId, [shorted]);
    const now = lines.map((each) => (each.taskLineId === line.taskLineId ? shorted : each));
    const finished = now.every((each) => openUnits(each) === 0)
      ? await finishPick(tx, task, caller.personId, now)
      : ({ taskState: 'claimed', packTaskId: null } as const);
    return {
      answer: { taskId: task.taskId, ...finished, lines: [toProgress(shorted)] },
      taskLineId: line.taskLineId,
      quantity: shorted.short,
    };
  });
}
