/**
 * When somebody is told that stock runs low, and when that it no longer does. One alert a fact: while it
 * is open nothing more is said, however often the stock changes. The all-clear waits until the level has
 * stayed well for a while, so that stock which goes up and down around the limit is one alert, not twenty.
 */
import { coversAtMost, type Velocity } from './velocity';

/** Low when the units are at most so many, or last at most so many days. */
export type LowStockLimit =
  | { readonly kind: 'units'; readonly atMost: number }
  | { readonly kind: 'days_of_cover'; readonly atMost: number };

export function isLow(
  limit: LowStockLimit,
  units: number,
  rate: Pick<Velocity, 'shipped' | 'countedDays'>,
): boolean {
  return limit.kind === 'units' ? units <= limit.atMost : coversAtMost(units, rate, limit.atMost);
}

export interface OpenAlert {
  /** Milliseconds since the epoch; null while the level is low. */
  readonly wellSince: number | null;
}

export type AlertStep = 'none' | 'open' | 'low_again' | 'recovering' | 'clear';

/**
 * What becomes of a fact's alert.
 * @param alert null when none is open.
 * @param nowMs business time, as `wellSince` is.
 */
export function stepAlert(
  alert: OpenAlert | null,
  low: boolean,
  nowMs: number,
  clearAfterMinutes: number,
): AlertStep {
  if (alert === null) return low ? 'open' : 'none';
  if (low) return alert.wellSince === null ? 'none' : 'low_again';
  const wellMs = nowMs - (alert.wellSince ?? nowMs);
  if (wellMs >= clearAfterMinutes * 60_000) return 'clear';
  return alert.wellSince === null ? 'recovering' : 'none';
}
