/**
 * Why stock is corrected. A code says which way it may go, so that a loss isn't booked as a find, and
 * reports can tell shrinkage from paperwork.
 */

type Direction = 'gain' | 'loss' | 'both';

export const ADJUSTMENT_REASONS = {
  opening: 'gain',
  counted: 'both',
  data_correction: 'both',
  found: 'gain',
  returned_unannounced: 'gain',
  lost: 'loss',
  stolen: 'loss',
  damaged: 'loss',
  expired: 'loss',
  sample: 'loss',
  disposed: 'loss',
  other: 'both',
} as const satisfies Readonly<Record<string, Direction>>;

export type AdjustmentReason = keyof typeof ADJUSTMENT_REASONS;
export const ADJUSTMENT_REASON_CODES = Object.keys(ADJUSTMENT_REASONS) as [
  AdjustmentReason,
  ...AdjustmentReason[],
];

/** Whether units may change by `delta` for this reason. */
export function reasonAllows(reason: AdjustmentReason, delta: number): boolean {
  const direction = ADJUSTMENT_REASONS[reason];
  return direction === 'both' || (direction === 'gain') === delta > 0;
}

export interface AdjustmentLimit {
  /** null: any number of units. */
  readonly units: bigint | null;
  /** Worth at cost in minor units; null: any. */
  readonly minor: bigint | null;
}

/**
 * Whether a correction needs a second person.
 * @param valueMinor null when a product has no cost: then nobody can say that it is below the limit.
 */
export function needsApproval(limit: AdjustmentLimit, units: bigint, valueMinor: bigint | null): boolean {
  if (limit.units !== null && units > limit.units) return true;
  return limit.minor !== null && (valueMinor === null || valueMinor > limit.minor);
}
