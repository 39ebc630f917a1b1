/** What channels are to show, against counts made one unit at a time, and who is told first. */
import {
  type ComponentStock,
  channelQuantity,
  decidePush,
  type ListingRule,
  promisable,
} from '../../../domain/stock/channel-quantity';
import { mostUrgent } from '../../../domain/stock/push-order';
import { seededRandom } from '../../../simulators/fault-knobs';

const CASES = 5_000;
const random = seededRandom(7);
const upTo = (most: number) => Math.floor(random() * (most + 1));

const OPEN: ListingRule = {
  paused: false,
  buffer: 0,
  sharePercent: 100,
  cap: null,
  minDisplay: 0,
  backorderAllowance: 0,
};

const drawComponents = (): ComponentStock[] =>
  Array.from({ length: 1 + upTo(4) }, () => ({
    available: upTo(60),
    waiting: upTo(20),
    units: 1 + upTo(5),
  }));

/** Puts sets together, one at a time, until a part is missing. */
function setsByHand(components: readonly ComponentStock[]): number {
  const parts = components.map(({ available, waiting }) => available - waiting);
  let sets = 0;
  while (components.every(({ units }, at) => (parts[at] as number) >= units)) {
    components.forEach(({ units }, at) => {
      parts[at] = (parts[at] as number) - units;
    });
    sets += 1;
  }
  return sets;
}

/** What is shown of so many: those kept back first, then the channel's part of the others, unit by unit. */
function shownByHand(sets: number, rule: ListingRule): number {
  if (rule.paused) return 0;
  let shown = 0;
  for (let unit = rule.buffer + 1; unit <= sets; unit += 1)
    while ((shown + 1) * 100 <= (unit - rule.buffer) * rule.sharePercent) shown += 1;
  shown += rule.backorderAllowance;
  while (rule.cap !== null && shown > rule.cap) shown -= 1;
  return shown < rule.minDisplay ? 0 : shown;
}

test('a bundle shows as many as can be put together by hand, by every rule', () => {
  for (let n = 0; n < CASES; n += 1) {
    const components = drawComponents();
    const rule: ListingRule = {
      paused: random() < 0.05,
      buffer: upTo(8),
      sharePercent: upTo(100),
      cap: random() < 0.5 ? null : upTo(12),
      minDisplay: upTo(4),
      backorderAllowance: 0,
    };
    const sets = setsByHand(components);
    expect({ components, rule, shown: channelQuantity(components, rule) }).toEqual({
      components,
      rule,
      shown: shownByHand(sets, rule),
    });
    expect(Math.max(0, promisable(components))).toBe(sets);
  }
});

test('orders that wait use up what may be sold beyond the stock', () => {
  const rule = { ...OPEN, backorderAllowance: 5 };
  const shown = (available: number, waiting: number) =>
    channelQuantity([{ available, waiting, units: 1 }], rule);
  expect([shown(3, 0), shown(0, 0), shown(0, 2), shown(0, 9)]).toEqual([8, 5, 3, 0]);
});

test('a channel that sold is told less at once, and more only when the order has come', () => {
  expect(decidePush({ believed: 7, wanted: 8, settling: true })).toEqual({ kind: 'later' });
  expect(decidePush({ believed: 7, wanted: 6, settling: true })).toMatchObject({ kind: 'push', quantity: 6 });
  expect(decidePush({ believed: 7, wanted: 8, settling: false })).toMatchObject({ changeFrom: 7 });
});

test('the hottest are told first, and who changed once is told in the end', () => {
  const now = 1_000_000;
  const hot = { listingId: 'hot', changes: 50, since: now };
  const cold = (since: number) => ({ listingId: 'cold', changes: 1, since });
  expect(mostUrgent([cold(now), hot], 1, now)).toEqual([hot]);
  expect(mostUrgent([cold(now - 60_000), hot], 1, now)).toEqual([cold(now - 60_000)]);
});
