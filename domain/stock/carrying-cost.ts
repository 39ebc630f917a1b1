/**
 * What it costs to have stock, by its parts: room, insurance, the money tied up in it, and what becomes
 * unsaleable. Room is paid by volume where the product's size is known, else by the unit; the other three
 * are shares of the value a year. Each day counts with what was there at its end. A part is rounded once a
 * product, a half up, so that the parts of a report add up to its total.
 */
import { divideHalfUp } from '../finance/rounding';
import { type CostMovement, StockValuer, type ValuationMethod } from './valuation';

export interface CarryingRates {
  /** Minor units a month. */
  readonly storagePerCubicMetreMinor: bigint;
  /** The same a unit, where nobody has measured it. */
  readonly storagePerUnitMinor: bigint;
  /** Hundredths of a percent of the value a year. */
  readonly insuranceBasisPoints: number;
  readonly capitalBasisPoints: number;
  readonly obsolescenceBasisPoints: number;
}

/** Sums over days. */
export interface StockDays {
  readonly unitDays: bigint;
  readonly valueDaysMinor: bigint;
}

export interface CarryingCost {
  readonly storageMinor: bigint;
  readonly insuranceMinor: bigint;
  readonly capitalMinor: bigint;
  readonly obsolescenceMinor: bigint;
  readonly totalMinor: bigint;
}

export interface TimedMovement extends CostMovement {
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/**
 * Units and value at the end of each day, added up.
 * @param movements in their order, all that ever were until the last day.
 * @param dayEnds milliseconds since the epoch, rising; what happens at such a moment is of the next day.
 */
export function stockDays(
  method: ValuationMethod,
  movements: readonly TimedMovement[],
  dayEnds: readonly number[],
): StockDays {
  const valuer = new StockValuer(method);
  let [next, unitDays, valueDaysMinor] = [0, 0n, 0n];
  for (const end of dayEnds) {
    for (let each = movements[next]; each !== undefined && each.at < end; each = movements[next]) {
      valuer.apply(each);
      next += 1;
    }
    const { units, valueMinor } = valuer.value();
    unitDays += BigInt(units);
    valueDaysMinor += valueMinor;
  }
  return { unitDays, valueDaysMinor };
}

const DAYS_A_YEAR = 365n;
const MONTHS_A_YEAR = 12n;
const MM3_A_CUBIC_METRE = 10n ** 9n;
const BASIS = 10_000n;

/** @param volumeMm3 of a unit; null when its size is not known. */
export function carryingCost(
  rates: CarryingRates,
  { unitDays, valueDaysMinor }: StockDays,
  volumeMm3: bigint | null,
): CarryingCost {
  const storageMinor =
    volumeMm3 === null
      ? divideHalfUp(unitDays * rates.storagePerUnitMinor * MONTHS_A_YEAR, DAYS_A_YEAR)
      : divideHalfUp(
          unitDays * volumeMm3 * rates.storagePerCubicMetreMinor * MONTHS_A_YEAR,
          DAYS_A_YEAR * MM3_A_CUBIC_METRE,
        );
  const share = (basisPoints: number) =>
    divideHalfUp(valueDaysMinor * BigInt(basisPoints), BASIS * DAYS_A_YEAR);
  const insuranceMinor = share(rates.insuranceBasisPoints);
  const capitalMinor = share(rates.capitalBasisPoints);
  const obsolescenceMinor = share(rates.obsolescenceBasisPoints);
  const totalMinor = storageMinor + insuranceMinor + capitalMinor + obsolescenceMinor;
  return { storageMinor, insuranceMinor, capitalMinor, obsolescenceMinor, totalMinor };
}

export const NO_COST: CarryingCost = {
  storageMinor: 0n,
  insuranceMinor: 0n,
  capitalMinor: 0n,
  obsolescenceMinor: 0n,
  totalMinor: 0n,
};

export function addCosts(a: CarryingCost, b: CarryingCost): CarryingCost {
  return {
    storageMinor: a.storageMinor + b.storageMinor,
    insuranceMinor: a.insuranceMinor + b.insuranceMinor,
    capitalMinor: a.capitalMinor + b.capitalMinor,
    obsolescenceMinor: a.obsolescenceMinor + b.obsolescenceMinor,
    totalMinor: a.totalMinor + b.totalMinor,
  };
}
