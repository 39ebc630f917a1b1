/**
 * Packing: every unit is scanned into the carton that is open, so a parcel's contents are what was
 * scanned. Closing the carton (close-carton) ends the parcel; the next scan begins another one.
 */
import type { Database } from '../../db/client';
import { advancePart } from '../../db/floor-stage.repo';
import { addToParcel, openParcel } from '../../db/parcel.repo';
import { readTaskLines, setLineProgress } from '../../db/task-line.repo';
import { type LineProgress, matchGoods, openUnits, takeFromLines, toProgress } from './match-scan';
import { actOnTask, type FloorCaller, type TaskAct } from './scan-event';

export interface PackScan extends TaskAct {
  /** GTIN, SKU or alias. */
  readonly code: string;
  /** Times the code was scanned. Default 1. */
  readonly quantity?: number;
}

export interface PackAnswer {
  readonly taskId: string;
  readonly parcelId: string;
  readonly lines: readonly LineProgress[];
  /** Everything is in a carton: close it. */
  readonly complete: boolean;
}

/** @throws Failure InvalidInput with `expected` for an item that isn't wanted or no longer is. */
export function scanPack(database: Database, caller: FloorCaller, scan: PackScan): Promise<PackAnswer> {
  return actOnTask(database, caller, scan, { scan: 'pack', task: ['pack'] }, async (tx, task) => {
    const { merchantId } = task;
    const lines = await readTaskLines(tx, merchantId, task.taskId);
    const { productId, multiplier } = await matchGoods(tx, merchantId, scan.code, lines);
    const quantity = (scan.quantity ?? 1) * multiplier;
    const ofProduct = lines.filter((line) => line.productId === productId);
    const taken = takeFromLines(lines, ofProduct, quantity);
    const progress = taken.map(({ line, units }) => ({ ...line, done: line.done + units }));
    await setLineProgress(tx, merchantId, progress);
    await advancePart(tx, task, ['picked'], 'packing');
    const parcelId = await openParcel(tx, task, task.businessNow);
    await addToParcel(
      tx,
      merchantId,
      parcelId,
      taken.map(({ line, units }) => ({
        fulfilmentOrderLineId: line.fulfilmentOrderLineId ?? '',
        productId,
        quantity: units,
      })),
    );
    const now = lines.map((line) => progress.find((each) => each.taskLineId === line.taskLineId) ?? line);
    return {
      answer: {
        taskId: task.taskId,
        parcelId,
        lines: progress.map(toProgress),
        complete: now.every((line) => openUnits(line) === 0),
      },
      ...(taken[0] === undefined ? {} : { taskLineId: taken[0].taskLineId }),
      quantity,
      code: scan.code,
    };
  });
}
