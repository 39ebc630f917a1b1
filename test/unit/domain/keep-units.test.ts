import { type KeptRow, keepUnits } from '../../../domain/stock/keep-units';

const row = (reservationId: string, quantity: number, hour: number, ofCheckout = false): KeptRow => ({
  reservationId,
  warehouseId: 'W',
  productId: 'P',
  quantity,
  expiresAt: new Date(Date.UTC(2026, 2, 2, hour)),
  ofCheckout,
});
const usable = (quantity: number, warehouseId = 'W') => [{ warehouseId, productId: 'P', quantity }];
const made = (quantity: number, expiresAt: Date | null, warehouseId = 'W') => ({
  warehouseId,
  productId: 'P',
  quantity,
  expiresAt,
});

test('what goes on being kept keeps its time, what is found besides begins its own', () => {
  expect(keepUnits([row('a', 2, 10)], usable(2))).toEqual({ ended: [], made: [] });
  expect(keepUnits([row('a', 2, 10)], usable(5))).toEqual({ ended: [], made: [made(3, null)] });
});

test('of what can be used in part the rest is given up, and the part keeps the time of the whole', () => {
  const kept = row('a', 5, 10);
  expect(keepUnits([kept], usable(2))).toEqual({ ended: ['a'], made: [made(2, kept.expiresAt)] });
  expect(keepUnits([kept], [])).toEqual({ ended: ['a'], made: [] });
  expect(keepUnits([kept], usable(1, 'other'))).toEqual({ ended: ['a'], made: [made(1, null, 'other')] });
});

test('those that last longest are kept first', () => {
  const [soon, late] = [row('soon', 3, 9), row('late', 3, 12)];
  expect(keepUnits([soon, late], usable(4))).toEqual({ ended: ['soon'], made: [made(1, soon.expiresAt)] });
});

test('what a checkout held begins the time of an order that waits', () => {
  expect(keepUnits([row('cart', 2, 10, true)], usable(2))).toEqual({
    ended: ['cart'],
    made: [made(2, null)],
  });
});
