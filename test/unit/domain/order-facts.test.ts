import fc from 'fast-check';
import {
  averageCostOut,
  costOfGoods,
  labourCost,
  labourMinutes,
  margin,
  materialCost,
  shippingCost,
} from '../../../domain/finance/order-facts';
import { divideHalfUp } from '../../../domain/finance/rounding';

describe('divideHalfUp', () => {
  test('a half is rounded away from zero, so a credit is the opposite of its charge', () => {
    expect([1n, 2n, 3n, 5n, -1n, -3n, 0n].map((amount) => divideHalfUp(amount, 2n))).toEqual([
      1n,
      1n,
      2n,
      3n,
      -1n,
      -2n,
      0n,
    ]);
    expect(divideHalfUp(14n, 10n)).toBe(1n);
    expect(() => divideHalfUp(1n, 0n)).toThrow(RangeError);
  });

  test('it is never off by more than half', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }),
        fc.bigInt({ min: 1n, max: 10n ** 9n }),
        (a, b) => {
          const error = divideHalfUp(a, b) * b - a;
          expect((error < 0n ? -error : error) * 2n <= b).toBe(true);
          expect(divideHalfUp(-a, b)).toBe(-divideHalfUp(a, b));
        },
      ),
    );
  });
});

describe('the facts of an order', () => {
  test('goods cost what they cost, and units without a cost are counted, not guessed', () => {
    expect(
      costOfGoods([
        { quantity: 3, unitCostMinor: 250n },
        { quantity: 2, unitCostMinor: null },
        { quantity: 1, unitCostMinor: 0n },
      ]),
    ).toEqual({ amountMinor: 750n, unitsWithoutCost: 2 });
  });

  test('weighted average leaves no value behind when the last unit goes, however it was taken', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 10n ** 12n }),
        fc.integer({ min: 1, max: 50 }),
        fc.infiniteStream(fc.nat(7)),
        (value, units, sizes) => {
          let left = value;
          let onHand = units;
          for (const size of sizes) {
            const out = Math.min(onHand, size + 1);
            const cost = averageCostOut(left, onHand, out);
            expect(cost >= 0n && cost <= left).toBe(true);
            left -= cost;
            onHand -= out;
            if (onHand === 0) break;
          }
          expect(left).toBe(0n);
        },
      ),
    );
    expect(() => averageCostOut(10n, 1, 2)).toThrow(RangeError);
  });

  test('labels in two currencies are never added up', () => {
    expect([
      ...shippingCost([
        { amountMinor: 500n, currency: 'USD' },
        { amountMinor: 700n, currency: 'EUR' },
        { amountMinor: 25n, currency: 'USD' },
      ]),
    ]).toEqual([
      ['USD', 525n],
      ['EUR', 700n],
    ]);
  });

  test('a task left open over a break counts thirty minutes, one whose clock went back none', () => {
    const at = (minutes: number, seconds = 0) => new Date(Date.UTC(2026, 0, 1, 8, minutes, seconds));
    expect(labourMinutes([{ claimedAt: at(0), finishedAt: at(1, 30) }])).toBe(1.5);
    expect(labourMinutes([{ claimedAt: at(0), finishedAt: at(300) }])).toBe(30);
    expect(labourMinutes([{ claimedAt: at(5), finishedAt: at(0) }])).toBe(0);
    expect(labourCost(1.5, 2_000n)).toBe(50n);
    expect(labourCost(0.001, 30_000n)).toBe(1n);
  });

  test('the margin is what remains of the revenue', () => {
    const materialMinor = materialCost([{ quantity: 2, unitCostMinor: 35n }]);
    expect(
      margin({ revenueMinor: 1000n, cogsMinor: 400n, shippingMinor: 300n, labourMinor: 50n, materialMinor }),
    ).toBe(180n);
  });
});
