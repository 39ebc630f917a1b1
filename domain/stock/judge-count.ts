/**
 * What becomes of a reading. Within the tolerance it stands. Beyond it the place is looked at again, and a
 * difference that two looks find stands, for a miscount is seldom made twice; the third look stands
 * whatever it finds, because a fourth would not be truer. Differences are compared, not counts: goods may
 * have moved between the looks, and the books moved with them.
 */

export interface CountTolerance {
  /** null: not asked about. With none of them set, no difference is tolerated. */
  readonly units: number | null;
  /** Of what the books say. */
  readonly percent: number | null;
  /** At cost, in minor units. */
  readonly minor: bigint | null;
}

export interface Reading {
  readonly recorded: number;
  readonly counted: number;
  /** Minor units; null when nobody said. */
  readonly unitCostMinor: bigint | null;
}

/** Looks at one place in one count. */
export const MOST_ROUNDS = 3;

export const differenceOf = (reading: Pick<Reading, 'recorded' | 'counted'>) =>
  reading.counted - reading.recorded;

/** Where a product has no cost, a tolerance by value can't be met. */
export function isWithinTolerance(tolerance: CountTolerance, reading: Reading): boolean {
  const off = Math.abs(differenceOf(reading));
  if (off === 0) return true;
  const { units, percent, minor } = tolerance;
  if (units === null && percent === null && minor === null) return false;
  if (units !== null && off > units) return false;
  if (percent !== null && off * 100 > percent * reading.recorded) return false;
  if (minor === null) return true;
  return reading.unitCostMinor !== null && BigInt(off) * reading.unitCostMinor <= minor;
}

/**
 * Whether the reading stands; else the place is counted again.
 * @param earlier differences that earlier rounds of the same count found there.
 */
export function stands(
  tolerance: CountTolerance,
  reading: Reading,
  round: number,
  earlier: readonly number[],
): boolean {
  return (
    round >= MOST_ROUNDS || isWithinTolerance(tolerance, reading) || earlier.includes(differenceOf(reading))
  );
}

/** Where the units of a bin's reading go, when some of its units were in doubt and lie in quarantine. */
export interface SettledReading {
  /** From quarantine back to the bin. */
  readonly found: number;
  /** Correction at the bin. */
  readonly atBin: number;
  /** Correction in quarantine, never a gain. */
  readonly inQuarantine: number;
}

export function settleReading(reading: {
  readonly recorded: number;
  /** Of `recorded`, what lies in quarantine because a picker did not find it. */
  readonly doubtful: number;
  readonly counted: number;
}): SettledReading {
  const { doubtful } = reading;
  const surplus = reading.counted - (reading.recorded - doubtful);
  const found = Math.min(Math.max(surplus, 0), doubtful);
  return { found, atBin: surplus - found, inQuarantine: found - doubtful || 0 };
}

/** 1 − off ÷ recorded, never below 0; null when the books said that there is nothing. */
export function accuracyOf(recorded: bigint, off: bigint): number | null {
  if (recorded <= 0n) return null;
  return Math.max(0, Number(recorded - off) / Number(recorded));
}
