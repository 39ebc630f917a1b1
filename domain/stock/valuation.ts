/**
 * What stock is worth, from the ledger's movements into and out of a merchant's possession; moves between
 * his own places, also the road between his warehouses, change nothing. First in, first out takes each unit's own cost. The weighted average gives what
 * leaves its part of the value, rounded to the nearest minor unit, a half up, and the last unit all that
 * is left, so that in both methods, at every moment and to the minor unit:
 *
 *   cost of what left + value of what is there = cost of what came.
 *
 * Units that left before the books show them coming (a correction that was dated back) are owed: what
 * comes next pays them first, at its own cost.
 */
import { averageCostOut } from '../finance/order-facts';

export const VALUATION_METHODS = ['fifo', 'average'] as const;
export type ValuationMethod = (typeof VALUATION_METHODS)[number];

export interface CostMovement {
  /** Units that came, more than none; below 0: that left. */
  readonly units: number;
  /** Of one of the units that came; null when nobody said: it counts as 0 and is reported. */
  readonly unitCostMinor: bigint | null;
}

export interface StockValue {
  readonly units: number;
  readonly valueMinor: bigint;
  /** Cost of everything that ever came. */
  readonly receivedMinor: bigint;
  /** Cost of everything that left. */
  readonly leftMinor: bigint;
  /** Units that left before they came. */
  readonly unitsOwed: number;
  /** Units that came without a cost. */
  readonly unitsWithoutCost: number;
}

interface Layer {
  units: number;
  readonly unitCostMinor: bigint;
}

/** Keeps what a product's stock is worth while its movements are told in their order. */
export class StockValuer {
  private readonly layers: Layer[] = [];
  private units = 0;
  private valueMinor = 0n;
  private receivedMinor = 0n;
  private leftMinor = 0n;
  private unitsOwed = 0;
  private unitsWithoutCost = 0;

  constructor(private readonly method: ValuationMethod) {}

  apply({ units, unitCostMinor }: CostMovement): void {
    if (units >= 0) this.receive(units, unitCostMinor);
    else this.issue(-units);
  }

  value(): StockValue {
    const { units, valueMinor, receivedMinor, leftMinor, unitsOwed, unitsWithoutCost } = this;
    return { units, valueMinor, receivedMinor, leftMinor, unitsOwed, unitsWithoutCost };
  }

  private receive(units: number, unitCostMinor: bigint | null): void {
    if (unitCostMinor === null) this.unitsWithoutCost += units;
    const cost = unitCostMinor ?? 0n;
    this.receivedMinor += BigInt(units) * cost;
    const paid = Math.min(units, this.unitsOwed);
    this.unitsOwed -= paid;
    this.leftMinor += BigInt(paid) * cost;
    const kept = units - paid;
    if (kept === 0) return;
    this.units += kept;
    this.valueMinor += BigInt(kept) * cost;
    if (this.method === 'fifo') this.layers.push({ units: kept, unitCostMinor: cost });
  }

  private issue(asked: number): void {
    const units = Math.min(asked, this.units);
    this.unitsOwed += asked - units;
    if (units === 0) return;
    const cost =
      this.method === 'fifo' ? this.oldest(units) : averageCostOut(this.valueMinor, this.units, units);
    this.units -= units;
    this.valueMinor -= cost;
    this.leftMinor += cost;
  }

  private oldest(units: number): bigint {
    let [open, cost] = [units, 0n];
    while (open > 0) {
      const layer = this.layers[0] as Layer;
      const taken = Math.min(open, layer.units);
      cost += BigInt(taken) * layer.unitCostMinor;
      layer.units -= taken;
      open -= taken;
      if (layer.units === 0) this.layers.shift();
    }
    return cost;
  }
}

/** What is there after these movements. */
export function valueStock(method: ValuationMethod, movements: readonly CostMovement[]): StockValue {
  const valuer = new StockValuer(method);
  for (const movement of movements) valuer.apply(movement);
  return valuer.value();
}

export const NO_STOCK: StockValue = {
  units: 0,
  valueMinor: 0n,
  receivedMinor: 0n,
  leftMinor: 0n,
  unitsOwed: 0,
  unitsWithoutCost: 0,
};

export function addValues(a: StockValue, b: StockValue): StockValue {
  return {
    units: a.units + b.units,
    valueMinor: a.valueMinor + b.valueMinor,
    receivedMinor: a.receivedMinor + b.receivedMinor,
    leftMinor: a.leftMinor + b.leftMinor,
    unitsOwed: a.unitsOwed + b.unitsOwed,
    unitsWithoutCost: a.unitsWithoutCost + b.unitsWithoutCost,
  };
}
