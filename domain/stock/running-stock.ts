/**
 * The one rule by which stock is promised: units on hand that are not held back, less what is reserved,
 * and nothing beyond. It is kept as a running sum over a batch whose balances are locked: what one caller
 * takes is gone for the next, what is given back is there again. Intake, checkout holds and the backorder
 * queue all take from it, so that nobody promises by a rule of his own.
 */

export interface Balance {
  readonly onHand: number;
  /** On hand and not to be sold. */
  readonly held: number;
  readonly reserved: number;
}

export interface Wanted {
  /** Of a merchant's product in one warehouse. */
  readonly key: string;
  /** Whole base units, at least 1. */
  readonly quantity: number;
}

export class RunningStock {
  private readonly units = new Map<string, number>();

  constructor(balances: Iterable<readonly [string, Balance]> = []) {
    this.use(balances);
  }

  /** Locked balances; a key that is not among them has nothing. */
  use(balances: Iterable<readonly [string, Balance]>): void {
    for (const [key, { onHand, held, reserved }] of balances) this.units.set(key, onHand - held - reserved);
  }

  free(key: string): number {
    return Math.max(0, this.units.get(key) ?? 0);
  }

  /** Takes the units, or none of them. */
  take(key: string, quantity: number): boolean {
    if (!Number.isSafeInteger(quantity) || quantity < 1) throw new RangeError(`not a quantity: ${quantity}`);
    if (this.free(key) < quantity) return false;
    this.units.set(key, this.free(key) - quantity);
    return true;
  }

  giveBack(key: string, quantity: number): void {
    this.units.set(key, (this.units.get(key) ?? 0) + quantity);
  }
}
