/**
 * Picking: every unit is scanned at its bin. The scan that completes the task posts the goods to the
 * packing place and opens the pack task in its own transaction (finish-pick).
 */
import { DateTime } from 'luxon';
import type { Database, Tx } from '../../db/client';
import { findPlaces } from '../../db/place.repo';
import { insertPickedSerial, type SerialUnit } from '../../db/serial.repo';
import type { LockedTask } from '../../db/task.repo';
import { readTaskLines, setLineProgress, type TaskLine } from '../../db/task-line.repo';
import { finishPick } from './finish-pick';
import { type LineProgress, matchGoods, misfit, openUnits, takeFromLines, toProgress } from './match-scan';
import { type Acted, actOnTask, type FloorCaller, type TaskAct } from './scan-event';

export interface PickScan extends TaskAct {
  /** GTIN, SKU, alias or the unit's own serial number; or, alone, the code of the bin the person stands at. */
  readonly code: string;
  /** The bin it was taken from; needed with goods. */
  readonly locationCode?: string;
  readonly lotCode?: string;
  /** Times the code was scanned: a case code counts its units each time. Default 1. */
  readonly quantity?: number;
}

export interface PickAnswer {
  readonly taskId: string;
  readonly taskState: 'claimed' | 'done' | 'shorted';
  /** What the scan changed; none for the scan of a bin. */
  readonly lines: readonly LineProgress[];
  /** The pack task that follows, once picking is complete. */
  readonly packTaskId: string | null;
}

/**
 * @throws Failure InvalidInput with `expected` for the wrong item, bin or lot, an expired lot, or more
 *   than is wanted; NotFound and IllegalTransition as every act on a task.
 */
export function scanPick(database: Database, caller: FloorCaller, scan: PickScan): Promise<PickAnswer> {
  return actOnTask(database, caller, scan, { scan: 'pick', task: ['pick'] }, (tx, task) =>
    pick(tx, task, caller, scan),
  );
}

async function pick(
  tx: Tx,
  task: LockedTask,
  caller: FloorCaller,
  scan: PickScan,
): Promise<Acted<PickAnswer>> {
  const lines = await readTaskLines(tx, task.merchantId, task.taskId);
  if (scan.locationCode === undefined) return confirmBin(tx, task, scan, lines);
  const { productId, multiplier, unit } = await matchGoods(tx, task.merchantId, scan.code, lines);
  const quantity = (scan.quantity ?? 1) * multiplier;
  const ofProduct = lines.filter((line) => line.productId === productId);
  const atBin = ofProduct.filter((line) => line.locationCode === scan.locationCode);
  if (atBin.length === 0) throw misfit('this is not the bin to take it from', openFirst(ofProduct, lines));
  const ofLot = atBin.filter((line) => line.lotCode === (scan.lotCode ?? unit?.lotCode ?? ''));
  if (ofLot.length === 0) throw misfit('this is not the lot to take', openFirst(atBin, lines));
  const today = DateTime.fromJSDate(task.businessNow, { zone: task.timeZone }).toISODate() ?? '';
  const expired = ofLot.find((line) => line.expiresOn !== null && line.expiresOn < today);
  if (expired) throw misfit(`lot ${expired.lotCode} expired on ${expired.expiresOn}: leave it`, lines);
  const taken = takeFromLines(lines, ofLot, quantity);
  await pickUnits(tx, task, taken, unit, lines);
  const progress = taken.map(({ line, units }) => ({ ...line, done: line.done + units }));
  await setLineProgress(tx, task.merchantId, progress);
  const now = lines.map((line) => progress.find((each) => each.taskLineId === line.taskLineId) ?? line);
  const finished = now.every((line) => openUnits(line) === 0)
    ? await finishPick(tx, task, caller.personId, now)
    : ({ taskState: 'claimed', packTaskId: null } as const);
  return {
    answer: { taskId: task.taskId, ...finished, lines: progress.map(toProgress) },
    ...(taken[0] === undefined ? {} : { taskLineId: taken[0].taskLineId }),
    quantity,
    code: scan.code,
  };
}

/**
 * A unit with a number is picked by it: which one goes to whom is known from here on.
 * @throws Failure InvalidInput for a unit that lies elsewhere or was scanned before, or goods with numbers
 *   that were scanned without.
 */
async function pickUnits(
  tx: Tx,
  task: LockedTask,
  taken: readonly { readonly line: TaskLine }[],
  unit: SerialUnit | undefined,
  lines: readonly TaskLine[],
): Promise<void> {
  const [first] = taken;
  if (first === undefined) return;
  if (unit === undefined) {
    if (first.line.serialTracked) throw misfit('scan the serial number of the unit', lines);
    return;
  }
  if (unit.locationId !== first.line.locationId)
    throw misfit(`${unit.serial} should be at ${unit.locationCode}`, lines);
  if (!(await insertPickedSerial(tx, first.line.taskLineId, { ...unit, merchantId: task.merchantId })))
    throw misfit(`${unit.serial} was scanned before`, lines);
}

/** The person scans the bin alone, to be sure he stands at the right one; nothing changes. */
async function confirmBin(
  tx: Tx,
  task: LockedTask,
  scan: PickScan,
  lines: readonly TaskLine[],
): Promise<Acted<PickAnswer>> {
  const [place] = await findPlaces(tx, task.warehouseId, { ids: [], codes: [scan.code] });
  if (place === undefined) throw misfit('scan the bin with the item', lines);
  if (!lines.some((line) => line.locationCode === place.code && openUnits(line) > 0))
    throw misfit('nothing is to be taken from this bin', lines);
  const answer = { taskId: task.taskId, taskState: 'claimed', lines: [], packTaskId: null } as const;
  return { answer, code: scan.code };
}

/** What the refusal should name: the open lines of what was scanned before the rest of the task. */
const openFirst = (meant: readonly TaskLine[], lines: readonly TaskLine[]) =>
  meant.some((line) => openUnits(line) > 0) ? meant : lines;
