/**
 * Whether a scan fits the work. A code is matched against the task's own lines first (SKU, then GTIN in
 * any of its lengths), then against the merchant's aliases, whose case codes multiply, then against the
 * numbers of single units. What doesn't fit
 * is refused with what was expected, in words for the person and as data for his device.
 */
import type { Tx } from '../../db/client';
import { findSerial, type SerialUnit } from '../../db/serial.repo';
import { findAlias, type TaskLine } from '../../db/task-line.repo';
import { Failure } from '../../domain/failure-types';
import { gtin14, isGtin } from '../../domain/ids';

export interface ScannedGoods {
  readonly productId: string;
  /** Units in one of what was scanned. */
  readonly multiplier: number;
  /** The very unit, when its number was scanned. */
  readonly unit?: SerialUnit;
}

/** What the person should scan next; sent with every refusal. */
export interface Expected {
  readonly sku: string;
  readonly locationCode: string | null;
  readonly lotCode: string | null;
  readonly quantity: number;
}

export interface LineProgress {
  readonly taskLineId: string;
  readonly quantity: number;
  readonly done: number;
  readonly short: number;
}

export const openUnits = (line: TaskLine) => line.quantity - line.done - line.short;

export function expectedNext(lines: readonly TaskLine[]): Expected | null {
  const next = lines.find((line) => openUnits(line) > 0);
  if (next === undefined) return null;
  return {
    sku: next.sku,
    locationCode: next.locationCode,
    lotCode: next.lotCode === '' ? null : next.lotCode,
    quantity: openUnits(next),
  };
}

export function misfit(message: string, lines: readonly TaskLine[]): Failure {
  return new Failure('InvalidInput', message, { expected: expectedNext(lines) ?? { nothing: true } });
}

/** @throws Failure InvalidInput for a code that is nothing of this task. */
export async function matchGoods(
  tx: Tx,
  merchantId: string,
  code: string,
  lines: readonly TaskLine[],
): Promise<ScannedGoods> {
  const bySku = lines.find((line) => line.sku === code);
  if (bySku) return { productId: bySku.productId, multiplier: 1 };
  const gtin = gtin14(code);
  const byGtin = lines.find((line) => gtin !== null && line.gtin !== null && gtin14(line.gtin) === gtin);
  if (byGtin) return { productId: byGtin.productId, multiplier: 1 };
  const alias = await findAlias(tx, merchantId, code);
  if (alias !== null && lines.some((line) => line.productId === alias.productId)) return alias;
  const unit = await findSerial(tx, merchantId, code);
  if (unit !== null && lines.some((line) => line.productId === unit.productId))
    return { productId: unit.productId, multiplier: 1, unit };
  if (/^(\d{8}|\d{12,14})$/.test(code) && !isGtin(code))
    throw misfit('the check digit of this GTIN is wrong: scan it again', lines);
  throw misfit('this is not an item of this task', lines);
}

/** Which of the lines are meant, in their order; enough of them for the quantity. */
export function takeFromLines(
  lines: readonly TaskLine[],
  candidates: readonly TaskLine[],
  quantity: number,
): { readonly taskLineId: string; readonly units: number; readonly line: TaskLine }[] {
  const open = candidates.reduce((sum, line) => sum + openUnits(line), 0);
  if (quantity > open)
    throw misfit(open === 0 ? 'this item is complete' : `only ${open} of this item are wanted`, lines);
  let rest = quantity;
  return candidates.flatMap((line) => {
    const units = Math.min(rest, openUnits(line));
    rest -= units;
    return units > 0 ? [{ taskLineId: line.taskLineId, units, line }] : [];
  });
}

export const toProgress = ({ taskLineId, quantity, done, short }: TaskLine): LineProgress => ({
  taskLineId,
  quantity,
  done,
  short,
});
