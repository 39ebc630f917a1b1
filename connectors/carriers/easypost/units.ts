/**
 * EasyPost weighs in ounces and measures in inches, as decimals; we keep whole grams and millimetres.
 * Both ways are rounded up to a tenth: a parcel declared lighter or smaller than it is gets corrected
 * by the carrier after the fact, with a surcharge. Integer arithmetic, for 453.592… has no exact double.
 */
import { Failure } from '../../../domain/failure-types';

/** One avoirdupois pound is exactly 453.59237 g (International Yard and Pound Agreement, 1959) = 16 oz. */
const NANOGRAMS_PER_OUNCE = 28_349_523_125n;
const NANOGRAMS_PER_GRAM = 1_000_000_000n;
/** One inch is exactly 25.4 mm (same agreement). */
const TENTHS_OF_MM_PER_INCH = 254n;

/** Ounces, rounded up to 0.1. @throws Failure InvalidInput unless it is a whole number of grams above 0. */
export function ouncesFromGrams(weightGrams: number): number {
  const grams = positiveWhole(weightGrams, 'weightGrams');
  return Number(ceilDiv(grams * NANOGRAMS_PER_GRAM * 10n, NANOGRAMS_PER_OUNCE)) / 10;
}

/** Inches, rounded up to 0.1. @throws Failure InvalidInput unless it is a whole number of mm above 0. */
export function inchesFromMm(lengthMm: number): number {
  const millimetres = positiveWhole(lengthMm, 'lengthMm');
  return Number(ceilDiv(millimetres * 10n * 10n, TENTHS_OF_MM_PER_INCH)) / 10;
}

function positiveWhole(value: number, name: string): bigint {
  if (!Number.isSafeInteger(value) || value <= 0) {
    throw new Failure('InvalidInput', `${name} has to be a whole number above 0`, { [name]: value });
  }
  return BigInt(value);
}

function ceilDiv(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}
