/**
 * Customers of the demo shop: they order at a steady rate, and one order in ten has something wrong with
 * it, each kind of wrong in turn, so that somebody can watch how the engine deals with it. The number of
 * orders placed is kept in the shop's memory: after a restart the story goes on where it stopped.
 */
import type { PartnerMemory } from './partner-memory';
import { DEMO_FLAWS, type DemoFlaw, generateDemoOrder } from './shopify/demo-orders';
import type { Shop } from './shopify/shop';

const FLAWED_ONE_IN = 10;
/** Which of each ten is flawed: the third, so that the first stuck order is there within the first minute. */
const FLAWED_AT = 2;
const MINUTE_MS = 60_000;

export interface OrderGenerator {
  /** Orders a minute; 0 pauses. */
  setRate(ordersAMinute: number): void;
  rate(): number;
  close(): void;
}

/** The flaw of the order with this number (from 0), undefined for the nine of ten that have none. */
export function flawOf(number: number): DemoFlaw | undefined {
  if (number % FLAWED_ONE_IN !== FLAWED_AT) return undefined;
  return DEMO_FLAWS[Math.floor(number / FLAWED_ONE_IN) % DEMO_FLAWS.length];
}

export function startOrderGenerator(
  shop: Shop,
  memory: PartnerMemory,
  ordersAMinute: number,
): OrderGenerator {
  let rate = 0;
  let timer: NodeJS.Timeout | undefined;
  const place = (): void => {
    const number = memory.next('demo_order') - 1;
    shop.place(generateDemoOrder(number, shop.products(), { flaw: flawOf(number) }));
  };
  const setRate = (wanted: number): void => {
    rate = wanted;
    clearInterval(timer);
    timer = rate > 0 ? setInterval(place, MINUTE_MS / rate) : undefined;
  };
  setRate(ordersAMinute);
  return { setRate, rate: () => rate, close: () => clearInterval(timer) };
}
