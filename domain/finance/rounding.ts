/** Division of integer money, so that no amount ever passes a float. */

/**
 * The quotient rounded to the nearest whole, a half away from zero (so that a credit is the exact
 * opposite of its charge).
 * @throws RangeError when the divisor is not positive.
 */
export function divideHalfUp(dividend: bigint, divisor: bigint): bigint {
  if (divisor <= 0n) throw new RangeError('the divisor must be positive');
  const negative = dividend < 0n;
  const magnitude = negative ? -dividend : dividend;
  const rounded = (magnitude * 2n + divisor) / (divisor * 2n);
  return negative ? -rounded : rounded;
}
