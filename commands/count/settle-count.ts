/**
 * The end of a sheet, in the transaction of its last reading: what stands is posted once as a correction
 * (above the merchant's limit it waits for a second person), what does not is counted again on a sheet of
 * the next round. Units that a picker had not found go back to their bin or are written off with it.
 */
import { uuidv7 } from 'uuidv7';
import { businessNow } from '../../db/adjustment.repo';
import { audit } from '../../db/audit-log.repo';
import type { Tx } from '../../db/client';
import {
  type Doubt,
  endCountIfDone,
  finishSheet,
  insertSheets,
  type LockedSheet,
  settleDoubts,
} from '../../db/count.repo';
import {
  type CountedProduct,
  type CountLine,
  markFinal,
  readCountLines,
  readEarlierDifferences,
  readTolerance,
} from '../../db/count-place.repo';
import { openExceptions } from '../../db/exception.repo';
import { setTaskState } from '../../db/task.repo';
import { EXCEPTION_REASONS } from '../../domain/order/exception-reasons';
import { differenceOf, settleReading, stands } from '../../domain/stock/judge-count';
import type { AdjustmentLine } from '../stock/adjust-stock';
import { postMovements } from '../stock/post-movements';
import { requestAdjustmentIn } from '../stock/request-adjustment';
import { wakeBackorders } from '../wake-orders';
import { goodsKey } from './work-sheet';

export interface Settlement {
  readonly personId: string;
  readonly requestId?: string;
  readonly products: readonly CountedProduct[];
  /** Of the place, not settled before. */
  readonly doubts: readonly Doubt[];
}

/** A recount is done while the first counter may still be near. */
const RECOUNT_PRIORITY = 1;

export async function settleSheet(
  tx: Tx,
  sheet: LockedSheet,
  settlement: Settlement,
  orderIds: readonly string[],
): Promise<void> {
  const { merchantId, sheetId, countId } = sheet;
  const at = await businessNow(tx, merchantId);
  const lines = await readCountLines(tx, merchantId, sheetId);
  const again = await productsToRecount(tx, sheet, lines);
  const final = lines.filter((line) => !again.includes(line.productId));
  await markFinal(tx, merchantId, sheetId, again);
  const adjustmentId = await post(tx, sheet, final, settlement, orderIds, at);
  await finishSheet(tx, sheet, adjustmentId, at);
  await setTaskState(tx, { merchantId, taskId: sheetId }, 'done', settlement.personId);
  if (again.length > 0)
    await insertSheets(
      tx,
      sheet,
      [{ id: uuidv7(), locationId: sheet.locationId, round: sheet.round + 1, productIds: again }],
      sheet.priority + RECOUNT_PRIORITY,
    );
  await endCountIfDone(tx, merchantId, countId, at);
  await audit(tx, {
    merchantId,
    actor: `person:${settlement.personId}`,
    requestId: settlement.requestId ?? null,
    action: 'count.submit',
    thingKind: 'count_sheet',
    thingId: sheetId,
    after: { countId, round: sheet.round, differences: final.filter(differs).length, again, adjustmentId },
  });
}

const differs = (line: CountLine) => differenceOf(line) !== 0;

async function productsToRecount(tx: Tx, sheet: LockedSheet, lines: readonly CountLine[]): Promise<string[]> {
  if (!lines.some(differs)) return [];
  const tolerance = await readTolerance(tx, sheet.merchantId);
  const earlier = await readEarlierDifferences(tx, sheet.merchantId, sheet);
  const unsettled = lines.filter((line) => {
    const before = earlier.filter((each) => goodsKey(each) === goodsKey(line));
    return !stands(
      tolerance,
      line,
      sheet.round,
      before.map((each) => each.difference),
    );
  });
  return [...new Set(unsettled.map((line) => line.productId))];
}

/** @returns the correction's id; null when the books were right. */
async function post(
  tx: Tx,
  sheet: LockedSheet,
  final: readonly CountLine[],
  { personId, requestId, products, doubts }: Settlement,
  orderIds: readonly string[],
  at: Date,
): Promise<string | null> {
  const { merchantId, sheetId, warehouseId, countId, locationId } = sheet;
  const numbered = new Set(products.filter((product) => product.serialTracked).map((product) => product.id));
  await askByHand(
    tx,
    sheet,
    final.filter((line) => differs(line) && numbered.has(line.productId)),
    products,
    at,
  );
  const settled = final.filter((line) => !numbered.has(line.productId));
  const corrections: AdjustmentLine[] = [];
  const back: FoundUnits[] = [];
  for (const line of settled) {
    const { productId, lotCode } = line;
    const doubt = doubts.find((each) => goodsKey(each) === goodsKey(line));
    const { found, atBin, inQuarantine } = settleReading(line);
    if (doubt !== undefined && found > 0) back.push({ line, quantity: found, doubt });
    corrections.push({ productId, locationId, lotCode, delta: atBin });
    if (doubt !== undefined)
      corrections.push({ productId, locationId: doubt.heldAt, lotCode, delta: inQuarantine });
  }
  const lines = corrections.filter((line) => line.delta !== 0);
  const actor = `person:${personId}`;
  // The correction first: it may start again with orders locked, which come before balances.
  const asked =
    lines.length === 0
      ? null
      : await requestAdjustmentIn(
          tx,
          {
            merchantId,
            causeId: `count:${sheetId}`,
            kind: 'count',
            warehouseId,
            reason: `count of ${sheet.locationCode}`,
            reasonCode: 'counted',
            actor,
            ...(requestId === undefined ? {} : { requestId }),
            occurredAt: at,
            lines,
          },
          orderIds,
        );
  await putBack(tx, sheet, back, actor, at);
  const keys = new Set(settled.map(goodsKey));
  await settleDoubts(
    tx,
    merchantId,
    countId,
    doubts.filter((doubt) => keys.has(goodsKey(doubt))),
  );
  return asked?.adjustmentId ?? null;
}

interface FoundUnits {
  readonly line: CountLine;
  readonly quantity: number;
  readonly doubt: Doubt;
}

/** What a picker had not found and the counter did is in its bin, and for sale again. */
async function putBack(
  tx: Tx,
  { merchantId, sheetId, locationId }: LockedSheet,
  found: readonly FoundUnits[],
  actor: string,
  occurredAt: Date,
): Promise<void> {
  if (found.length === 0) return;
  const lines = found.map(({ line: { productId, lotCode }, quantity, doubt }) => ({
    productId,
    lotCode,
    quantity,
    fromLocationId: doubt.heldAt,
    toLocationId: locationId,
  }));
  const causeId = `count:${sheetId}:found`;
  const reason = 'found by a count';
  await postMovements(tx, [{ merchantId, causeId, kind: 'move', reason, actor, occurredAt, lines }]);
  await wakeBackorders(
    tx,
    merchantId,
    found.map(({ line }) => line.productId),
  );
}

/** Which of them are missing nobody has said: a correction that names them follows. */
async function askByHand(
  tx: Tx,
  sheet: LockedSheet,
  lines: readonly CountLine[],
  products: readonly CountedProduct[],
  openedAt: Date,
): Promise<void> {
  const row = EXCEPTION_REASONS.count_by_hand;
  await openExceptions(
    tx,
    lines.map((line) => {
      const sku = products.find((product) => product.id === line.productId)?.sku ?? line.productId;
      return {
        merchantId: sheet.merchantId,
        reason: 'count_by_hand',
        key: `count_by_hand:${sheet.sheetId}:${goodsKey(line)}`,
        cause: `count_by_hand:${sku}`,
        orderId: null,
        thingKind: 'count_sheet',
        thingId: sheet.sheetId,
        owner: row.owner,
        message: `${sku} in ${sheet.locationCode}: ${line.counted} counted, ${line.recorded} on the books.`,
        deadlineMinutes: row.deadlineMinutes,
        openedAt,
      };
    }),
  );
}
