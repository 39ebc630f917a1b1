/**
 * What an order cost, as facts, from what was done: goods from the ledger, the label that was bought,
 * the minutes that scans show, the materials used. Amounts are minor units of one currency; every
 * function rounds once, at its end, half away from zero.
 */
import type { Money } from '../money';
import { divideHalfUp } from './rounding';

export interface GoodsShipped {
  readonly quantity: number;
  /** Cost of one base unit, null when the merchant has given none: it counts as 0 and is reported. */
  readonly unitCostMinor: bigint | null;
}

export interface Cogs {
  readonly amountMinor: bigint;
  /** Units whose cost nobody has given; a margin over them is too good. */
  readonly unitsWithoutCost: number;
}

/** Cost of the goods that left. */
export function costOfGoods(goods: readonly GoodsShipped[]): Cogs {
  let amountMinor = 0n;
  let unitsWithoutCost = 0;
  for (const { quantity, unitCostMinor } of goods) {
    if (unitCostMinor === null) unitsWithoutCost += quantity;
    else amountMinor += BigInt(quantity) * unitCostMinor;
  }
  return { amountMinor, unitsWithoutCost };
}

/**
 * The part of a stock's value that leaves with some of its units (weighted average). When the last unit
 * leaves, all of the value does, so nothing is left over by rounding.
 * @throws RangeError when more leaves than there is.
 */
export function averageCostOut(valueMinor: bigint, unitsOnHand: number, unitsOut: number): bigint {
  if (unitsOut < 0 || unitsOut > unitsOnHand) throw new RangeError(`${unitsOut} of ${unitsOnHand} units`);
  if (unitsOut === 0) return 0n;
  return divideHalfUp(valueMinor * BigInt(unitsOut), BigInt(unitsOnHand));
}

/** What labels cost, by currency; a voided label costs nothing and isn't passed. */
export function shippingCost(labels: readonly Money[]): ReadonlyMap<string, bigint> {
  const totals = new Map<string, bigint>();
  for (const { amountMinor, currency } of labels) {
    totals.set(currency, (totals.get(currency) ?? 0n) + amountMinor);
  }
  return totals;
}

export interface WorkSpan {
  readonly claimedAt: Date;
  readonly finishedAt: Date;
}

/**
 * A task left open over a break would count as work for hours; the longest honest pick or pack of one
 * order is well under half an hour.
 */
const LONGEST_SPAN_MS = 30 * 60_000;

/** Minutes of work between claim and last scan, summed over tasks, to a thousandth; at most 30 a task. */
export function labourMinutes(spans: readonly WorkSpan[]): number {
  const totalMs = spans.reduce((sum, { claimedAt, finishedAt }) => {
    const ms = finishedAt.getTime() - claimedAt.getTime();
    return sum + Math.min(LONGEST_SPAN_MS, Math.max(0, ms));
  }, 0);
  return Math.round(totalMs / 60) / 1000;
}

/** What that work costs at a rate an hour. @param minutes as `labourMinutes` gives them. */
export function labourCost(minutes: number, ratePerHourMinor: bigint): bigint {
  return divideHalfUp(BigInt(Math.round(minutes * 1000)) * ratePerHourMinor, 60_000n);
}

export interface MaterialUsed {
  readonly quantity: number;
  readonly unitCostMinor: bigint;
}

/** Cartons, padding, tape. */
export function materialCost(materials: readonly MaterialUsed[]): bigint {
  return materials.reduce((sum, { quantity, unitCostMinor }) => sum + BigInt(quantity) * unitCostMinor, 0n);
}

export interface MarginInput {
  readonly revenueMinor: bigint;
  readonly cogsMinor: bigint;
  readonly shippingMinor: bigint;
  readonly labourMinor: bigint;
  readonly materialMinor: bigint;
}

/** Revenue less every cost of the order. */
export function margin(input: MarginInput): bigint {
  return input.revenueMinor - input.cogsMinor - input.shippingMinor - input.labourMinor - input.materialMinor;
}
