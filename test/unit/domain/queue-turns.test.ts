import { type QueuedOrder, type StockEvent, servedOutOfTurn } from '../../../domain/stock/queue-turns';

const order = (
  orderId: string,
  placedAt: number,
  demand: Record<string, number>,
  priority = 0,
): QueuedOrder => ({
  orderId,
  priority,
  placedAt,
  demand: new Map(Object.entries(demand)),
});
const came = (at: number, productId: string, units: number): StockEvent => ({
  at,
  kind: 'came',
  productId,
  units,
});
const waits = (at: number, orderId: string): StockEvent => ({ at, kind: 'waits', orderId });
const taken = (at: number, orderId: string, productId: string, units: number): StockEvent => ({
  at,
  kind: 'taken',
  orderId,
  productId,
  units,
});

const FIRST = order('first', 1, { A: 2 });
const SECOND = order('second', 2, { A: 1 });
const queue = [waits(1, 'first'), waits(2, 'second')];

describe('whether those who wait are served in their turn', () => {
  test('a later order that is served while the one ahead could have been is found', () => {
    const events = [...queue, came(3, 'A', 2), taken(4, 'second', 'A', 1), taken(5, 'first', 'A', 2)];
    expect(servedOutOfTurn([FIRST, SECOND], events)).toEqual([
      { served: 'second', passedOver: 'first', at: 4 },
    ]);
  });

  test('in turn, at one instant or one after the other, nothing is found, however the rows come', () => {
    const events = [...queue, came(3, 'A', 3), taken(4, 'first', 'A', 2), taken(4, 'second', 'A', 1)];
    expect(servedOutOfTurn([FIRST, SECOND], events)).toEqual([]);
    expect(servedOutOfTurn([SECOND, FIRST], [...events].reverse())).toEqual([]);
  });

  test('an order that could not be served is passed over, for want of these goods or of others', () => {
    const short = [...queue, came(3, 'A', 1), taken(4, 'second', 'A', 1)];
    expect(servedOutOfTurn([FIRST, SECOND], short)).toEqual([]);
    const both = order('first', 1, { A: 1, B: 1 });
    const want = [...queue, came(3, 'A', 2), taken(4, 'second', 'A', 1)];
    expect(servedOutOfTurn([both, SECOND], want)).toEqual([]);
    expect(servedOutOfTurn([both, SECOND], [...want, came(3, 'B', 1)])).toHaveLength(1);
  });

  test('what was lost, or is held by another order, could not have served it; what came back could', () => {
    const lost = [...queue, came(3, 'A', 2), came(4, 'A', -1), taken(5, 'second', 'A', 1)];
    expect(servedOutOfTurn([FIRST, SECOND], lost)).toEqual([]);
    const third = order('third', 0, { A: 2 });
    const held = [came(0, 'A', 3), taken(0, 'third', 'A', 2), ...queue, taken(5, 'second', 'A', 1)];
    expect(servedOutOfTurn([FIRST, SECOND, third], held)).toEqual([]);
    const back = [...held, taken(4, 'third', 'A', -2)];
    expect(servedOutOfTurn([FIRST, SECOND, third], back)).toHaveLength(1);
  });

  test('a higher priority is ahead of an earlier time, and goods that nobody shares concern nobody', () => {
    const events = [...queue, came(3, 'A', 2), taken(4, 'second', 'A', 1)];
    expect(servedOutOfTurn([FIRST, { ...SECOND, priority: 1 }], events)).toEqual([]);
    const other = order('second', 2, { B: 1 });
    const apart = [...queue, came(3, 'A', 2), came(3, 'B', 1), taken(4, 'second', 'B', 1)];
    expect(servedOutOfTurn([FIRST, other], apart)).toEqual([]);
  });
});
