import fc from 'fast-check';
import { allocateBins, type BinStock } from '../../../domain/stock/allocate-bins';
import { type LiveReservation, takeBack } from '../../../domain/stock/take-back';

const bin = (locationId: string, available: number, change: Partial<BinStock> = {}): BinStock => ({
  locationId,
  productId: 'P',
  lotCode: '',
  expiresOn: null,
  pickSequence: 0,
  available,
  ...change,
});
const need = (lineId: string, quantity: number, productId = 'P') => ({ lineId, productId, quantity });

describe('allocateBins', () => {
  test('the lot that expires first goes first, before nearer and fuller bins', () => {
    const plan = allocateBins(
      [need('l1', 5)],
      [
        bin('never', 99),
        bin('late', 50, { expiresOn: '2027-01-01', pickSequence: 1, lotCode: 'B' }),
        bin('soon', 3, { expiresOn: '2026-12-31', pickSequence: 9, lotCode: 'A' }),
      ],
    );
    expect(plan.allocations).toEqual([
      { lineId: 'l1', productId: 'P', locationId: 'soon', lotCode: 'A', quantity: 3 },
      { lineId: 'l1', productId: 'P', locationId: 'late', lotCode: 'B', quantity: 2 },
    ]);
  });

  test('of equal expiry the bin that is reached first, and among equally near ones the fullest', () => {
    const from = (...bins: BinStock[]) =>
      allocateBins([need('l1', 2)], bins).allocations.map(({ locationId }) => locationId);
    expect(from(bin('far', 9, { pickSequence: 7 }), bin('near', 1, { pickSequence: 2 }))).toEqual([
      'near',
      'far',
    ]);
    expect(from(bin('small', 1), bin('full', 9))).toEqual(['full']);
  });

  test('two lines of one product share its bins, and what is missing is told by line', () => {
    const plan = allocateBins([need('l1', 4), need('l2', 4), need('l3', 1, 'Q')], [bin('a', 6)]);
    expect(plan.allocations.map(({ lineId, quantity }) => [lineId, quantity])).toEqual([
      ['l1', 4],
      ['l2', 2],
    ]);
    expect(plan.short).toEqual([need('l2', 2), need('l3', 1, 'Q')]);
  });

  test('a lot that expires before the wanted day is left alone, one that expires on it is taken', () => {
    const bins = [
      bin('a', 1, { expiresOn: '2026-05-01' }),
      bin('b', 1, { expiresOn: '2026-05-02' }),
      bin('c', 1),
    ];
    const plan = allocateBins([need('l1', 3)], bins, '2026-05-02');
    expect(plan.allocations.map(({ locationId }) => locationId)).toEqual(['b', 'c']);
    expect(plan.short).toEqual([need('l1', 1)]);
  });

  test('a quantity that is no positive whole number is a bug of the caller', () => {
    for (const quantity of [0, -1, 0.5])
      expect(() => allocateBins([need('l', quantity)], [])).toThrow(RangeError);
  });

  test('on any shelves: never above what a bin has, all that can be served is, and listing order is nothing', () => {
    const bins = fc
      .array(
        fc.record({
          productId: fc.constantFrom('P', 'Q'),
          expiresOn: fc.option(fc.constantFrom('2026-01-01', '2026-02-01')),
          pickSequence: fc.nat(3),
          available: fc.integer({ min: -2, max: 5 }),
        }),
        { maxLength: 8 },
      )
      .map((rows) => rows.map((row, index) => ({ ...row, locationId: `b${index}`, lotCode: '' })));
    const demand = fc
      .array(fc.tuple(fc.constantFrom('P', 'Q'), fc.integer({ min: 1, max: 6 })), { maxLength: 5 })
      .map((rows) => rows.map(([productId, quantity], index) => need(`l${index}`, quantity, productId)));
    fc.assert(
      fc.property(demand, bins, (lines, shelves) => {
        const plan = allocateBins(lines, shelves);
        const sum = (rows: readonly { readonly quantity: number }[]) =>
          rows.reduce((total, { quantity }) => total + quantity, 0);
        for (const shelf of shelves) {
          const taken = sum(plan.allocations.filter(({ locationId }) => locationId === shelf.locationId));
          expect(taken).toBeLessThanOrEqual(Math.max(0, shelf.available));
        }
        for (const productId of ['P', 'Q']) {
          const of = <R extends { readonly productId: string }>(rows: readonly R[]) =>
            rows.filter((row) => row.productId === productId);
          const stock = of(shelves).reduce((total, { available }) => total + Math.max(0, available), 0);
          expect(sum(of(plan.allocations))).toBe(Math.min(stock, sum(of(lines))));
          expect(sum(of(plan.allocations)) + sum(of(plan.short))).toBe(sum(of(lines)));
        }
        expect(allocateBins(lines, [...shelves].reverse())).toEqual(plan);
      }),
    );
  });
});

describe('takeBack', () => {
  const held = (
    reservationId: string,
    quantity: number,
    promised: string | null,
    picked = false,
  ): LiveReservation => ({
    reservationId,
    quantity,
    promisedAt: promised === null ? null : new Date(promised),
    reservedAt: new Date('2026-01-01T00:00:00Z'),
    picked,
  });

  test('nothing is taken while everything still fits', () => {
    expect(takeBack(5, [held('a', 5, '2026-02-01')])).toEqual({ reservationIds: [], uncovered: 0 });
  });

  test('the latest promise loses first, one without a promise before all', () => {
    const all = [held('soon', 2, '2026-02-01'), held('late', 2, '2026-03-01'), held('none', 2, null)];
    expect(takeBack(5, all).reservationIds).toEqual(['none']);
    expect(takeBack(3, all).reservationIds).toEqual(['none', 'late']);
    expect(takeBack(0, all).reservationIds).toEqual(['none', 'late', 'soon']);
  });

  test('of equal promises the one reserved last loses first', () => {
    const early = held('early', 1, '2026-02-01');
    const late = { ...held('a-late', 1, '2026-02-01'), reservedAt: new Date('2026-01-02T00:00:00Z') };
    expect(takeBack(1, [early, late]).reservationIds).toEqual(['a-late']);
  });

  test('what a picker holds is never taken, and is reported when it exceeds the count', () => {
    expect(takeBack(1, [held('tote', 3, null, true), held('soft', 1, '2026-02-01')])).toEqual({
      reservationIds: ['soft'],
      uncovered: 2,
    });
  });

  test('on any shelf: the rest fits, no reservation is taken in vain, and listing order is nothing', () => {
    const reservations = fc
      .array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.option(fc.nat(3))), { maxLength: 8 })
      .map((rows) =>
        rows.map(([quantity, day], index) =>
          held(`r${index}`, quantity, day === null ? null : `2026-01-0${day + 1}`),
        ),
      );
    fc.assert(
      fc.property(fc.integer({ min: -3, max: 20 }), reservations, (sellable, all) => {
        const { reservationIds, uncovered } = takeBack(sellable, all);
        const units = (ids: readonly string[]) =>
          all
            .filter((row) => !ids.includes(row.reservationId))
            .reduce((sum, { quantity }) => sum + quantity, 0);
        const room = Math.max(0, sellable);
        expect(units(reservationIds)).toBeLessThanOrEqual(room);
        if (reservationIds.length > 0) expect(units(reservationIds.slice(0, -1))).toBeGreaterThan(room);
        expect(uncovered).toBe(0);
        expect(takeBack(sellable, [...all].reverse()).reservationIds).toEqual(reservationIds);
      }),
    );
  });
});
