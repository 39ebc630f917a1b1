/** Value, pace and carrying cost against slow, obvious oracles that share no code with them. */
import fc from 'fast-check';
import { type CarryingRates, carryingCost, stockDays } from '../../../domain/stock/carrying-cost';
import { isLow, stepAlert } from '../../../domain/stock/low-stock';
import { type CostMovement, valueStock } from '../../../domain/stock/valuation';
import {
  coversAtMost,
  daysOfCover,
  isSlow,
  measureVelocity,
  unitsPerDay,
} from '../../../domain/stock/velocity';
import { averageOracle, fifoOracle, nearest, velocityOracle } from '../../support/stock-oracles';

const movement = fc.oneof(
  fc.record({
    units: fc.integer({ min: 1, max: 30 }),
    unitCostMinor: fc.option(fc.bigInt({ min: 0n, max: 999n }), { freq: 8 }),
  }),
  fc.record({ units: fc.integer({ min: -30, max: -1 }), unitCostMinor: fc.constant(null) }),
);
const history = fc.array(movement, { maxLength: 40 });

describe('valuation', () => {
  test.each([
    ['fifo', fifoOracle],
    ['average', averageOracle],
  ] as const)('%s is what unit by unit comes to, at every moment of any history', (method, oracle) => {
    fc.assert(
      fc.property(history, (movements) => {
        for (let end = 0; end <= movements.length; end += 1) {
          const past = movements.slice(0, end);
          const { units, valueMinor, leftMinor, unitsOwed } = valueStock(method, past);
          expect({ units, valueMinor, leftMinor, unitsOwed }).toEqual(oracle(past));
        }
      }),
      { numRuns: 500 },
    );
  });

  test.each(['fifo', 'average'] as const)(
    'with %s, what left and what is there cost exactly what came, and an empty shelf is worth nothing',
    (method) => {
      fc.assert(
        fc.property(history, (movements) => {
          const value = valueStock(method, movements);
          const came = movements.reduce(
            (sum, { units, unitCostMinor }) => sum + (units > 0 ? BigInt(units) * (unitCostMinor ?? 0n) : 0n),
            0n,
          );
          expect(value.receivedMinor).toBe(came);
          expect(value.leftMinor + value.valueMinor).toBe(came);
          expect(value.valueMinor >= 0n).toBe(true);
          if (value.units === 0) expect(value.valueMinor).toBe(0n);
          const net = movements.reduce((sum, { units }) => sum + units, 0);
          expect(value.units - value.unitsOwed).toBe(net);
        }),
        { numRuns: 1000 },
      );
    },
  );

  test('first in first out gives the oldest cost first; the average spreads it, a half rounded up', () => {
    const movements: CostMovement[] = [
      { units: 2, unitCostMinor: 100n },
      { units: 1, unitCostMinor: 305n },
      { units: -1, unitCostMinor: null },
    ];
    expect(valueStock('fifo', movements)).toMatchObject({ units: 2, valueMinor: 405n, leftMinor: 100n });
    // 505 ÷ 3 = 168.33
    expect(valueStock('average', movements)).toMatchObject({ units: 2, valueMinor: 337n, leftMinor: 168n });
    const half: CostMovement[] = [
      { units: 1, unitCostMinor: 1n },
      { units: 1, unitCostMinor: 0n },
      { units: -1, unitCostMinor: null },
    ];
    expect(valueStock('average', half)).toMatchObject({ valueMinor: 0n, leftMinor: 1n });
  });

  test('goods that left before they came are paid by what comes next; unknown costs are counted', () => {
    const movements: CostMovement[] = [
      { units: -3, unitCostMinor: null },
      { units: 5, unitCostMinor: 10n },
      { units: 4, unitCostMinor: null },
    ];
    expect(valueStock('fifo', movements)).toEqual({
      units: 6,
      valueMinor: 20n,
      receivedMinor: 50n,
      leftMinor: 30n,
      unitsOwed: 0,
      unitsWithoutCost: 4,
    });
  });
});

const DAYS = Array.from({ length: 20 }, (_, index) => `2026-03-${String(index + 1).padStart(2, '0')}`);

describe('velocity', () => {
  const event = fc.record({
    day: fc.constantFrom(...DAYS),
    shipped: fc.nat(5),
    came: fc.nat(8),
  });
  const world = fc.record({
    shelf: fc.nat(20),
    events: fc.array(event, { maxLength: 30 }),
    promotions: fc.uniqueArray(fc.constantFrom(...DAYS), { maxLength: 5 }),
    bounds: fc.tuple(fc.nat(19), fc.nat(19)),
  });

  test('is what counting day by day from scratch comes to', () => {
    fc.assert(
      fc.property(world, ({ shelf, events, promotions, bounds }) => {
        const [from, to] = [Math.min(...bounds), Math.max(...bounds)].map((at) => DAYS[at] as string) as [
          string,
          string,
        ];
        const inside = events.filter(({ day }) => day >= from && day <= to);
        const days = [...new Set(inside.map(({ day }) => day))].map((day) => {
          const of = inside.filter((each) => each.day === day);
          const shipped = of.reduce((sum, each) => sum + each.shipped, 0);
          return { day, shipped, shelfChange: of.reduce((sum, each) => sum + each.came, 0) - shipped };
        });
        const measured = measureVelocity({
          from,
          to,
          shelfAtStart: shelf,
          days,
          promotions: new Set(promotions),
        });
        const moves = inside.flatMap(({ day, shipped, came }) => [
          { day, units: came, sold: false },
          { day, units: -shipped, sold: true },
        ]);
        const window = DAYS.filter((day) => day >= from && day <= to);
        expect(measured).toEqual({ from, to, ...velocityOracle(window, shelf, moves, promotions) });
      }),
      { numRuns: 1000 },
    );
  });

  test('leaves out a promotion and the days without goods, and says so', () => {
    const days = [
      { day: '2026-03-02', shipped: 50, shelfChange: -50 },
      { day: '2026-03-03', shipped: 2, shelfChange: -2 },
      { day: '2026-03-04', shipped: 8, shelfChange: -8 },
      { day: '2026-03-06', shipped: 0, shelfChange: 40 },
      { day: '2026-03-07', shipped: 4, shelfChange: -4 },
    ];
    const velocity = measureVelocity({
      from: '2026-03-01',
      to: '2026-03-07',
      shelfAtStart: 60,
      days,
      promotions: new Set(['2026-03-02']),
    });
    expect(velocity).toMatchObject({ shipped: 6, countedDays: 3 });
    expect(velocity.leftOut).toEqual([
      { day: '2026-03-02', why: 'promotion' },
      { day: '2026-03-04', why: 'out_of_stock' },
      { day: '2026-03-05', why: 'out_of_stock' },
      { day: '2026-03-06', why: 'out_of_stock' },
    ]);
    expect(unitsPerDay(velocity)).toBe(2);
    expect(daysOfCover(36, velocity)).toBe(18);
  });

  test('cover is compared without rounding, nothing lasts no day, and what does not sell lasts for ever', () => {
    fc.assert(
      fc.property(
        fc.nat(1000),
        fc.nat(1000),
        fc.nat(400),
        fc.nat(400),
        (units, shipped, countedDays, days) => {
          const lasts =
            units === 0 ? 0 : shipped === 0 ? Number.POSITIVE_INFINITY : (units * countedDays) / shipped;
          expect(coversAtMost(units, { shipped, countedDays }, days)).toBe(lasts <= days);
        },
      ),
    );
    expect(daysOfCover(5, { shipped: 0, countedDays: 10 })).toBeNull();
    expect(unitsPerDay({ shipped: 0, countedDays: 0 })).toBeNull();
  });

  test('a product that is too new is not slow, nor is one that is gone', () => {
    expect(isSlow(10, { shipped: 0, countedDays: 13 }, 180)).toBe(false);
    expect(isSlow(10, { shipped: 0, countedDays: 14 }, 180)).toBe(true);
    expect(isSlow(0, { shipped: 0, countedDays: 90 }, 180)).toBe(false);
    expect(isSlow(100, { shipped: 90, countedDays: 90 }, 100)).toBe(false);
    expect(isSlow(101, { shipped: 90, countedDays: 90 }, 100)).toBe(true);
  });
});

describe('carrying cost', () => {
  const DAY_MS = 86_400_000;
  const timed = fc.array(fc.tuple(movement, fc.integer({ min: 0, max: 12 * DAY_MS })), { maxLength: 25 });
  const rates = fc.record<CarryingRates>({
    storagePerCubicMetreMinor: fc.bigInt({ min: 0n, max: 10_000n }),
    storagePerUnitMinor: fc.bigInt({ min: 0n, max: 500n }),
    insuranceBasisPoints: fc.nat(300),
    capitalBasisPoints: fc.nat(2000),
    obsolescenceBasisPoints: fc.nat(2000),
  });

  test.each(['fifo', 'average'] as const)(
    'with %s, is each day its part of what lay there at its end, rounded once',
    (method) => {
      const oracle = method === 'fifo' ? fifoOracle : averageOracle;
      fc.assert(
        fc.property(
          timed,
          rates,
          fc.option(fc.bigInt({ min: 1n, max: 10n ** 9n })),
          (given, at, volumeMm3) => {
            const movements = given
              .map(([each, time]) => ({ ...each, at: time }))
              .sort((a, b) => a.at - b.at);
            const ends = Array.from({ length: 10 }, (_, day) => (day + 1) * DAY_MS);
            const there = ends.map((end) => oracle(movements.filter((each) => each.at < end)));
            const unitDays = there.reduce((sum, { units }) => sum + BigInt(units), 0n);
            const valueDays = there.reduce((sum, { valueMinor }) => sum + valueMinor, 0n);
            const share = (points: number) => nearest(valueDays * BigInt(points), 3_650_000n);
            const expected = {
              storageMinor:
                volumeMm3 === null
                  ? nearest(unitDays * at.storagePerUnitMinor * 12n, 365n)
                  : nearest(unitDays * volumeMm3 * at.storagePerCubicMetreMinor * 12n, 365_000_000_000n),
              insuranceMinor: share(at.insuranceBasisPoints),
              capitalMinor: share(at.capitalBasisPoints),
              obsolescenceMinor: share(at.obsolescenceBasisPoints),
            };
            const cost = carryingCost(at, stockDays(method, movements, ends), volumeMm3);
            expect(cost).toMatchObject(expected);
            expect(cost.totalMinor).toBe(Object.values(expected).reduce((sum, part) => sum + part, 0n));
          },
        ),
      );
    },
  );

  test('a cubic metre for a year is twelve months of rent, and a share is of the value a year', () => {
    const at = {
      storagePerCubicMetreMinor: 1000n,
      storagePerUnitMinor: 7n,
      insuranceBasisPoints: 100,
      capitalBasisPoints: 1000,
      obsolescenceBasisPoints: 0,
    };
    const year = { unitDays: 365n, valueDaysMinor: 365n * 50_000n };
    expect(carryingCost(at, year, 10n ** 9n)).toEqual({
      storageMinor: 12_000n,
      insuranceMinor: 500n,
      capitalMinor: 5_000n,
      obsolescenceMinor: 0n,
      totalMinor: 17_500n,
    });
    expect(carryingCost(at, year, null).storageMinor).toBe(84n);
  });
});

describe('a low-stock alert', () => {
  test('is low at its limit, by units or by days', () => {
    const rate = { shipped: 10, countedDays: 10 };
    expect([4, 5, 6].map((units) => isLow({ kind: 'units', atMost: 5 }, units, rate))).toEqual([
      true,
      true,
      false,
    ]);
    expect([4, 5, 6].map((units) => isLow({ kind: 'days_of_cover', atMost: 5 }, units, rate))).toEqual([
      true,
      true,
      false,
    ]);
    expect(isLow({ kind: 'days_of_cover', atMost: 5 }, 0, { shipped: 0, countedDays: 0 })).toBe(true);
    expect(isLow({ kind: 'days_of_cover', atMost: 5 }, 1, { shipped: 0, countedDays: 0 })).toBe(false);
  });

  test('is told once and cleared once, however the level goes up and down meanwhile', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), fc.nat(20)), { maxLength: 60 }),
        fc.nat(30),
        (looks, clearAfter) => {
          let alert: { wellSince: number | null } | null = null;
          let now = 0;
          const said: { step: 'open' | 'clear'; at: number }[] = [];
          let wellFrom: number | null = null;
          for (const [low, minutes] of looks) {
            now += minutes * 60_000;
            wellFrom = low ? null : (wellFrom ?? now);
            const step = stepAlert(alert, low, now, clearAfter);
            if (step === 'open') alert = { wellSince: null };
            if (step === 'low_again') alert = { wellSince: null };
            if (step === 'recovering') alert = { wellSince: now };
            if (step === 'clear') {
              expect(now - (wellFrom ?? now)).toBeGreaterThanOrEqual(clearAfter * 60_000);
              alert = null;
            }
            if (step === 'open' || step === 'clear') said.push({ step, at: now });
            // Low is never without an alert, and what has been well for long enough never with one.
            if (low) expect(alert).not.toBeNull();
            if (wellFrom !== null && now - wellFrom >= clearAfter * 60_000) expect(alert).toBeNull();
          }
          for (const [index, { step }] of said.entries())
            expect(step).toBe(index % 2 === 0 ? 'open' : 'clear');
        },
      ),
    );
  });
});
