/**
 * Closes the carton that is being filled: the parcel has its contents, weight and size, and asks for its
 * label. The request is an outbox row of this transaction; whoever closed the carton waits for the label
 * and so sends the same update, under the same id, at once by himself. When everything is in cartons the
 * task ends and the fulfilment order is packed.
 */
import type { Database, Tx } from '../../db/client';
import { advancePart, touchOrderOnFloor } from '../../db/floor-stage.repo';
import { enqueue } from '../../db/outbox.repo';
import {
  type CartonRow,
  type FilledParcel,
  type ParcelMeasures,
  packParcel,
  readCartons,
  readFilledParcel,
} from '../../db/parcel.repo';
import { type LockedTask, setTaskState } from '../../db/task.repo';
import { readTaskLines } from '../../db/task-line.repo';
import { Failure } from '../../domain/failure-types';
import { misfit, openUnits } from './match-scan';
import { actOnTask, type FloorCaller, type TaskAct } from './scan-event';

export interface CloseCarton extends TaskAct {
  /** One of the merchant's cartons; left out when the goods ship in their own packaging. */
  readonly cartonCode?: string;
  /** Gross, from the scale; needed when a product's weight is not known. */
  readonly weightGrams?: number;
  /** Outside, millimetres; needed without a carton. */
  readonly dimensions?: { readonly lengthMm: number; readonly widthMm: number; readonly heightMm: number };
}

export interface ClosedCarton {
  readonly merchantId: string;
  readonly taskId: string;
  readonly taskState: 'claimed' | 'done';
  readonly fulfilmentOrderId: string;
  readonly parcelId: string;
  readonly parcelNumber: number;
  readonly weightGrams: number;
  /** Where the label is asked for: the same update id as the outbox row's. */
  readonly workflowId: string;
  readonly updateId: string;
}

/** The sender who closed the carton calls at once; the dispatcher only delivers what he could not. */
const SENDER_GRACE_MS = 5_000;

/**
 * @throws Failure InvalidInput with `expected` when nothing is in the carton, the carton is unknown or too
 *   weak, or weight or size must be measured.
 */
export function closeCarton(
  database: Database,
  caller: FloorCaller,
  close: CloseCarton,
): Promise<ClosedCarton> {
  return actOnTask(database, caller, close, { scan: 'close_carton', task: ['pack'] }, async (tx, task) => {
    const lines = await readTaskLines(tx, task.merchantId, task.taskId);
    const parcel = await readFilledParcel(tx, task.merchantId, task.fulfilmentOrderId);
    if (parcel === null) throw misfit('nothing is in the carton: scan what you put in', lines);
    const measures = measure(close, parcel, await readCartons(tx, task.merchantId));
    await packParcel(tx, task.merchantId, parcel.parcelId, measures, task.businessNow);
    const complete = lines.every((line) => openUnits(line) === 0);
    if (complete) {
      await setTaskState(tx, task, 'done', caller.personId);
      await advancePart(tx, task, ['picked', 'packing'], 'packed');
    }
    await touchOrderOnFloor(tx, task);
    const updateId = `${task.taskId}:${parcel.parcelId}`;
    await askForLabel(tx, task, parcel.parcelId, updateId);
    return {
      answer: {
        merchantId: task.merchantId,
        taskId: task.taskId,
        taskState: complete ? 'done' : 'claimed',
        fulfilmentOrderId: task.fulfilmentOrderId,
        parcelId: parcel.parcelId,
        parcelNumber: parcel.number,
        weightGrams: measures.weightGrams,
        workflowId: task.workflowId,
        updateId,
      },
      quantity: parcel.lines.reduce((sum, line) => sum + line.quantity, 0),
      ...(close.cartonCode === undefined ? {} : { code: close.cartonCode }),
    };
  });
}

function measure(close: CloseCarton, parcel: FilledParcel, cartons: readonly CartonRow[]): ParcelMeasures {
  const carton = cartons.find((each) => each.code === close.cartonCode) ?? null;
  const codes = cartons.map((each) => each.code);
  if (close.cartonCode !== undefined && carton === null)
    throw new Failure('InvalidInput', 'there is no such carton', { expected: { cartonCode: codes } });
  const size = close.dimensions ?? carton;
  if (size === null)
    throw new Failure('InvalidInput', 'without a carton the parcel must be measured', {
      expected: { cartonCode: codes, dimensions: 'length, width and height in millimetres' },
    });
  const unweighed = parcel.lines.find((line) => line.weightGrams === null);
  if (close.weightGrams === undefined && unweighed)
    throw new Failure('InvalidInput', `the weight of ${unweighed.sku} is not known: weigh the parcel`, {
      expected: { weightGrams: 'gross, from the scale' },
    });
  const net = parcel.lines.reduce((sum, line) => sum + line.quantity * (line.weightGrams ?? 0), 0);
  const weightGrams = close.weightGrams ?? net + (carton?.tareGrams ?? 0);
  if (carton !== null && weightGrams > carton.maxGrams)
    throw new Failure(
      'InvalidInput',
      `${carton.code} carries ${carton.maxGrams} g, this is ${weightGrams} g`,
      {
        expected: { maxGrams: carton.maxGrams },
      },
    );
  const { lengthMm, widthMm, heightMm } = size;
  return { cartonId: carton?.cartonId ?? null, weightGrams, lengthMm, widthMm, heightMm };
}

async function askForLabel(tx: Tx, task: LockedTask, parcelId: string, updateId: string): Promise<void> {
  await enqueue(tx, [
    {
      merchantId: task.merchantId,
      kind: 'workflow.update',
      key: `packed:${parcelId}`,
      orderId: task.orderId,
      payload: {
        workflowId: task.workflowId,
        update: 'packed',
        updateId,
        args: [{ fulfilmentOrderId: task.fulfilmentOrderId, parcelId }],
      },
      delayMs: SENDER_GRACE_MS,
    },
  ]);
}
