/**
 * The end of a pick task, in the transaction of its last scan: what was picked moves to the packing
 * place with its allocations, what was missing is set apart for a count, and the pack task opens. A
 * fulfilment order has one pick task at a time, so its end is the end of picking.
 */
import type { Tx } from '../../db/client';
import { readPartLines, touchOrderOnFloor } from '../../db/floor-stage.repo';
import { readPickedSerials, serialsLeftAt } from '../../db/serial.repo';
import { type LockedTask, setTaskState } from '../../db/task.repo';
import type { TaskLine } from '../../db/task-line.repo';
import { Failure } from '../../domain/failure-types';
import { groupBy } from '../../domain/group-by';
import { stepKey } from '../../domain/step-key';
import { openCount } from '../count/open-count';
import { byUnit, type Movement, type MovementLine } from '../stock/movement';
import { postMovements } from '../stock/post-movements';
import { type LostUnits, shrinkReservations } from '../stock/shrink-reservations';
import { settleShorts } from './settle-short-pick';
import { placeFor, startPacking } from './start-packing';

export interface FinishedPick {
  readonly taskState: 'done' | 'shorted';
  readonly packTaskId: string | null;
}

/** @throws Failure InvariantBroken when the warehouse has no packing or quarantine place. */
export async function finishPick(
  tx: Tx,
  task: LockedTask,
  personId: string,
  lines: readonly TaskLine[],
): Promise<FinishedPick> {
  const parts = await readPartLines(tx, task.merchantId, task.fulfilmentOrderId);
  const reservations = new Map(parts.map((part) => [part.fulfilmentOrderLineId, part.reservationId]));
  const reservationOf = (line: TaskLine): string => {
    const reservationId = reservations.get(line.fulfilmentOrderLineId ?? '');
    if (!reservationId) throw new Failure('InvariantBroken', 'a picked line has no reservation', { ...line });
    return reservationId;
  };
  const missing = lines.filter((line) => line.short > 0);
  const lost = missing.map((line): LostUnits => {
    const { merchantId, warehouseId } = task;
    const { productId, lotCode, short: quantity } = line;
    const reservationId = reservationOf(line);
    return { merchantId, warehouseId, reservationId, productId, lotCode, quantity, locationId: binOf(line) };
  });
  await shrinkReservations(tx, lost, task.businessNow);
  const packing = await placeFor(tx, task, 'packing');
  const scanned = await readPickedSerials(tx, task.merchantId, task.taskId);
  const picked = lines
    .filter((line) => line.done > 0)
    .flatMap((line) => byUnit(move(line, line.done, packing, reservationOf(line)), serialsOf(line, scanned)));
  const movements = [movement(task, personId, 'pick', picked)];
  if (missing.length > 0) {
    const quarantine = await placeFor(tx, task, 'quarantine');
    const doubtful: MovementLine[] = [];
    for (const line of missing)
      doubtful.push(...byUnit(move(line, line.short, quarantine), await serialsNotFound(tx, task, line)));
    movements.push(movement(task, personId, 'short', doubtful));
    await askForCount(tx, task, missing, quarantine, personId);
  }
  await postMovements(
    tx,
    movements.filter((each) => each.lines.length > 0),
  );
  const taskState = missing.length > 0 ? 'shorted' : 'done';
  await setTaskState(tx, task, taskState, personId);
  const packTaskId =
    missing.length > 0 ? await settleShorts(tx, task, lost, missing) : await startPacking(tx, task);
  await touchOrderOnFloor(tx, task);
  return { taskState, packTaskId };
}

/**
 * Units that the system has in a bin and a person did not find are neither sold again nor written off:
 * they lie in quarantine, on hand and held, until somebody has counted.
 */
async function askForCount(
  tx: Tx,
  task: LockedTask,
  missing: readonly TaskLine[],
  quarantine: string,
  personId: string,
): Promise<void> {
  await openCount(tx, {
    merchantId: task.merchantId,
    warehouseId: task.warehouseId,
    origin: 'short_pick',
    class: null,
    reason: 'a picker found too little',
    requestedBy: `person:${personId}`,
    priority: task.priority,
    places: [...groupBy(missing, binOf)].map(([locationId, lines]) => ({
      locationId,
      productIds: [...new Set(lines.map((line) => line.productId))],
    })),
    doubts: missing.map((line) => ({
      locationId: binOf(line),
      productId: line.productId,
      lotCode: line.lotCode,
      quantity: line.short,
      heldAt: quarantine,
    })),
  });
}

function movement(
  task: LockedTask,
  personId: string,
  step: 'pick' | 'short',
  lines: readonly MovementLine[],
): Movement {
  return {
    merchantId: task.merchantId,
    causeId: stepKey(task.taskId, step),
    kind: step === 'pick' ? 'pick' : 'move',
    orderId: task.orderId,
    ...(step === 'short' ? { reason: 'short pick: to be counted' } : {}),
    actor: `person:${personId}`,
    occurredAt: task.businessNow,
    lines,
  };
}

const serialsOf = (
  line: TaskLine,
  scanned: readonly { readonly taskLineId: string; readonly serial: string }[],
) => scanned.filter((each) => each.taskLineId === line.taskLineId).map((each) => each.serial);

/** Which units are missing nobody can say: those that the books have there and nobody has picked. */
function serialsNotFound(tx: Tx, task: LockedTask, line: TaskLine): Promise<string[]> {
  const { productId, lotCode } = line;
  if (!line.serialTracked) return Promise.resolve([]);
  const place = { merchantId: task.merchantId, locationId: binOf(line), productId, lotCode };
  return serialsLeftAt(tx, place, line.short);
}

function move(line: TaskLine, quantity: number, toLocationId: string, reservationId?: string): MovementLine {
  const { productId, lotCode } = line;
  const moved = { productId, lotCode, quantity, fromLocationId: binOf(line), toLocationId };
  return reservationId === undefined ? moved : { ...moved, reservationId };
}

function binOf(line: TaskLine): string {
  if (line.locationId === null) throw new Failure('InvariantBroken', 'a pick line names no bin', { ...line });
  return line.locationId;
}
