/**
 * ABC analysis: few products make most of the value that ships, and those are counted most often. A is
 * what makes the first 80% of the value, B the next 15%, C the rest and whatever shipped nothing. The
 * product that crosses a bound still belongs to the better class, so that one product alone is A.
 */

export const COUNT_CLASSES = ['A', 'B', 'C'] as const;
export type CountClass = (typeof COUNT_CLASSES)[number];

export interface ShippedValue {
  readonly productId: string;
  /** Units shipped times their cost, in minor units. */
  readonly shippedMinor: bigint;
}

/** Shares of the value, in percent, up to which a product is A, and up to which B. */
const A_PERCENT = 80n;
const B_PERCENT = 95n;

/** Days after which a place with a product of the class is due for another count: about 12, 4 and 2 a year. */
export const COUNT_EVERY_DAYS: Readonly<Record<CountClass, number>> = { A: 30, B: 90, C: 180 };

export function classifyByValue(products: readonly ShippedValue[]): Map<string, CountClass> {
  const total = products.reduce((sum, { shippedMinor }) => sum + shippedMinor, 0n);
  const classes = new Map<string, CountClass>();
  let before = 0n;
  for (const { productId, shippedMinor } of [...products].sort(byValue)) {
    const share = before * 100n;
    if (shippedMinor <= 0n || share >= total * B_PERCENT) classes.set(productId, 'C');
    else classes.set(productId, share < total * A_PERCENT ? 'A' : 'B');
    before += shippedMinor;
  }
  return classes;
}

function byValue(a: ShippedValue, b: ShippedValue): number {
  if (a.shippedMinor !== b.shippedMinor) return a.shippedMinor > b.shippedMinor ? -1 : 1;
  return a.productId < b.productId ? -1 : 1;
}
