/**
 * A person gives a task back. Of a pick, what he holds goes back to its bins: nothing was posted yet, so
 * the lines are open again and the answer lists what to put where. A carton that is being filled stays.
 */
import type { Database } from '../../db/client';
import { markMoved } from '../../db/count-place.repo';
import { reopenTask } from '../../db/task.repo';
import { readTaskLines, setLineProgress } from '../../db/task-line.repo';
import { FLOOR_KINDS } from './claim-next-task';
import { actOnTask, type FloorCaller, type TaskAct } from './scan-event';

export interface ReleasedTask {
  readonly taskId: string;
  readonly taskState: 'open';
  readonly putBack: readonly {
    readonly sku: string;
    readonly locationCode: string | null;
    readonly lotCode: string;
    readonly quantity: number;
  }[];
}

export function releaseTask(database: Database, caller: FloorCaller, act: TaskAct): Promise<ReleasedTask> {
  return actOnTask(database, caller, act, { scan: 'release', task: FLOOR_KINDS }, async (tx, task) => {
    const lines = task.kind === 'pick' ? await readTaskLines(tx, task.merchantId, task.taskId) : [];
    const held = lines.filter((line) => line.done > 0);
    // A bin that was found short stays so for whoever comes next.
    await setLineProgress(
      tx,
      task.merchantId,
      held.map((line) => ({ ...line, done: 0 })),
    );
    await reopenTask(tx, task);
    await markMoved(tx, task.merchantId, held);
    return {
      answer: {
        taskId: task.taskId,
        taskState: 'open',
        putBack: held.map(({ sku, locationCode, lotCode, done }) => ({
          sku,
          locationCode,
          lotCode,
          quantity: done,
        })),
      },
    };
  });
}
