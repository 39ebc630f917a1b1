import fc from 'fast-check';
import type { ShippedPieces } from '../../db/parcel-notice.repo';
import { unitsCompletedBy } from '../../dispatcher/channel-units';

const pieces = (
  parcelId: string,
  productId: string,
  count: number,
  linePieces: number,
  lineUnits: number,
): ShippedPieces => ({
  parcelId,
  externalLineId: 'L1',
  productId,
  pieces: count,
  linePieces,
  lineUnits,
});

test('a line that is its own product is told piece by piece', () => {
  const shipped = [pieces('p1', 'a', 2, 5, 5), pieces('p2', 'a', 3, 5, 5)];
  expect(unitsCompletedBy('p1', shipped)).toEqual([{ externalLineId: 'L1', quantity: 2 }]);
  expect(unitsCompletedBy('p2', shipped)).toEqual([{ externalLineId: 'L1', quantity: 3 }]);
});

test('a bundle is told with the parcel that completes it', () => {
  const shipped = [pieces('p1', 'a', 4, 4, 2), pieces('p1', 'b', 1, 2, 2), pieces('p2', 'b', 1, 2, 2)];
  expect(unitsCompletedBy('p1', shipped)).toEqual([{ externalLineId: 'L1', quantity: 1 }]);
  expect(unitsCompletedBy('p2', shipped)).toEqual([{ externalLineId: 'L1', quantity: 1 }]);
});

test('a case of twelve is told once all twelve have left', () => {
  const shipped = [pieces('p1', 'a', 11, 12, 1), pieces('p2', 'a', 1, 12, 1)];
  expect(unitsCompletedBy('p1', shipped)).toEqual([]);
  expect(unitsCompletedBy('p2', shipped)).toEqual([{ externalLineId: 'L1', quantity: 1 }]);
});

test('over all parcels every unit is told exactly once, however the pieces are packed', () => {
  const packing = fc.record({
    units: fc.integer({ min: 1, max: 6 }),
    factors: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }),
    boxes: fc.array(fc.nat(4), { minLength: 72, maxLength: 72 }),
  });
  fc.assert(
    fc.property(packing, ({ units, factors, boxes }) => {
      let piece = 0;
      const shipped: ShippedPieces[] = [];
      for (const [product, factor] of factors.entries()) {
        for (let n = 0; n < units * factor; n += 1) {
          shipped.push(pieces(`p${boxes[piece] ?? 0}`, `${product}`, 1, units * factor, units));
          piece += 1;
        }
      }
      const parcels = [...new Set(shipped.map(({ parcelId }) => parcelId))];
      const told = parcels.flatMap((parcel) => unitsCompletedBy(parcel, shipped));
      expect(told.reduce((sum, { quantity }) => sum + quantity, 0)).toBe(units);
    }),
  );
});
