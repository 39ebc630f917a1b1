import { classifyByValue } from '../../../domain/stock/abc-class';
import { accuracyOf, isWithinTolerance, settleReading, stands } from '../../../domain/stock/judge-count';

const NONE = { units: null, percent: null, minor: null };
const reading = (recorded: number, counted: number, unitCostMinor: bigint | null = 100n) => ({
  recorded,
  counted,
  unitCostMinor,
});

describe('ABC classes', () => {
  it('give A to what makes the first 80% of the shipped value, B up to 95%, C to the rest', () => {
    const values = { p1: 700n, p2: 150n, p3: 90n, p4: 60n, p5: 0n };
    const products = Object.entries(values).map(([productId, shippedMinor]) => ({ productId, shippedMinor }));
    expect(Object.fromEntries(classifyByValue(products))).toEqual({
      p1: 'A',
      p2: 'A',
      p3: 'B',
      p4: 'B',
      p5: 'C',
    });
  });

  it('make a single product A, and C where nothing shipped', () => {
    expect(classifyByValue([{ productId: 'p', shippedMinor: 5n }]).get('p')).toBe('A');
    expect(classifyByValue([{ productId: 'p', shippedMinor: 0n }]).get('p')).toBe('C');
    expect(classifyByValue([]).size).toBe(0);
  });

  it('are the same whatever order the products come in', () => {
    const products = ['a', 'b', 'c', 'd'].map((productId) => ({ productId, shippedMinor: 10n }));
    const classes = (of: typeof products) => [...classifyByValue(of)].sort();
    expect(classes([...products].reverse())).toEqual(classes(products));
  });
});

describe('a reading', () => {
  it.each([
    ['no difference', NONE, reading(10, 10), true],
    ['any difference without a tolerance', NONE, reading(10, 9), false],
    ['as many units as allowed', { ...NONE, units: 2 }, reading(10, 8), true],
    ['a unit more', { ...NONE, units: 2 }, reading(10, 7), false],
    ['within the units, beyond the percent', { ...NONE, units: 2, percent: 10 }, reading(10, 12), false],
    ['exactly the percent', { ...NONE, percent: 10 }, reading(10, 9), true],
    ['any percent of nothing', { ...NONE, percent: 100 }, reading(0, 1), false],
    ['exactly the value', { ...NONE, minor: 200n }, reading(10, 12), true],
    ['beyond the value', { ...NONE, minor: 199n }, reading(10, 12), false],
    ['a value that nobody knows', { ...NONE, minor: 200n }, reading(10, 9, null), false],
  ])('%s', (_name, tolerance, given, within) => {
    expect(isWithinTolerance(tolerance, given)).toBe(within);
  });

  it('beyond the tolerance stands when an earlier one found the same difference, or in the third round', () => {
    expect(stands(NONE, reading(10, 7), 1, [])).toBe(false);
    expect(stands(NONE, reading(8, 5), 2, [-3])).toBe(true);
    expect(stands(NONE, reading(8, 6), 2, [-3])).toBe(false);
    expect(stands(NONE, reading(8, 6), 3, [-3, -1])).toBe(true);
  });

  it.each([
    [
      { recorded: 18, doubtful: 3, counted: 15 },
      { found: 0, atBin: 0, inQuarantine: -3 },
    ],
    [
      { recorded: 18, doubtful: 3, counted: 17 },
      { found: 2, atBin: 0, inQuarantine: -1 },
    ],
    [
      { recorded: 18, doubtful: 3, counted: 20 },
      { found: 3, atBin: 2, inQuarantine: 0 },
    ],
    [
      { recorded: 18, doubtful: 3, counted: 13 },
      { found: 0, atBin: -2, inQuarantine: -3 },
    ],
    [
      { recorded: 10, doubtful: 0, counted: 10 },
      { found: 0, atBin: 0, inQuarantine: 0 },
    ],
  ])('%j settles to %j: what moves and what is corrected is the difference', (given, settled) => {
    const { found, atBin, inQuarantine } = settleReading(given);
    expect({ found, atBin, inQuarantine }).toEqual(settled);
    expect(atBin + inQuarantine).toBe(given.counted - given.recorded);
  });

  it('makes an accuracy between 0 and 1, and none of nothing', () => {
    expect(accuracyOf(200n, 1n)).toBe(0.995);
    expect(accuracyOf(2n, 5n)).toBe(0);
    expect(accuracyOf(0n, 5n)).toBeNull();
  });
});
