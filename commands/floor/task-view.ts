/** A task as the person's device shows it: what to take from where, in walking order, or what to pack. */
import type { Tx } from '../../db/client';
import { readCartons } from '../../db/parcel.repo';
import { readTaskHead, type TaskHead } from '../../db/task-head.repo';
import { readTaskLines, type TaskLine } from '../../db/task-line.repo';
import { cartonize, type Packing } from '../../domain/packing/cartonize';
import { pickPath } from '../../domain/packing/pick-path';
import { openUnits } from './match-scan';

export interface TaskView extends TaskHead {
  readonly lines: readonly TaskLine[];
  /** Pack tasks: what to put the open lines into; null when nothing is open. */
  readonly carton: Packing | null;
}

/** Null when the transaction sees no such task. */
export async function viewTask(tx: Tx, taskId: string): Promise<TaskView | null> {
  const head = await readTaskHead(tx, taskId);
  if (head === null) return null;
  const lines = await readTaskLines(tx, head.merchantId, head.taskId);
  if (head.kind === 'pick') return { ...head, lines: inWalkingOrder(lines), carton: null };
  return { ...head, lines, carton: head.kind === 'pack' ? await suggest(tx, head, lines) : null };
}

function inWalkingOrder(lines: readonly TaskLine[]): TaskLine[] {
  return pickPath(lines.map((line) => ({ ...line, line, code: line.locationCode ?? '' }))).map(
    (stop) => stop.line,
  );
}

async function suggest(tx: Tx, head: TaskHead, lines: readonly TaskLine[]): Promise<Packing | null> {
  const open = lines.filter((line) => openUnits(line) > 0);
  if (open.length === 0) return null;
  const cartons = await readCartons(tx, head.merchantId);
  return cartonize(
    open.map((line) => ({ ...line, quantity: openUnits(line) })),
    cartons,
  );
}
