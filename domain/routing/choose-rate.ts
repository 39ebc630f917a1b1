/**
 * Which offered rate is bought: of the services that the shipping method allows, in the merchant's order
 * of preference, and that keep the promise; without a preference the cheapest, then the fastest, then by
 * name, so that the same offers always give the same choice.
 */
export interface OfferedRate {
  readonly externalRateId: string;
  readonly service: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  /** Days in transit that the carrier names; null when it names none. */
  readonly deliveryDays: number | null;
}

export interface RateWish {
  /** Canonical services, best first; empty allows any. */
  readonly services: readonly string[];
  /** Days in transit that the promise allows; null allows any. A rate that names no days can't keep one. */
  readonly maxDays: number | null;
}

/** null when no offer serves. */
export function chooseRate<Rate extends OfferedRate>(rates: readonly Rate[], wish: RateWish): Rate | null {
  const serving = rates.filter(
    (rate) =>
      (wish.services.length === 0 || wish.services.includes(rate.service)) &&
      (wish.maxDays === null || (rate.deliveryDays !== null && rate.deliveryDays <= wish.maxDays)),
  );
  const preference = (rate: Rate) => (wish.services.length === 0 ? 0 : wish.services.indexOf(rate.service));
  const days = (rate: Rate) => rate.deliveryDays ?? Number.MAX_SAFE_INTEGER;
  const [best] = serving.sort(
    (a, b) =>
      preference(a) - preference(b) ||
      (a.amountMinor < b.amountMinor ? -1 : a.amountMinor > b.amountMinor ? 1 : 0) ||
      days(a) - days(b) ||
      (a.service < b.service ? -1 : a.service > b.service ? 1 : 0),
  );
  return best ?? null;
}
