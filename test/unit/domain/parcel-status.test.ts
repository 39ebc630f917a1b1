import fc from 'fast-check';
import { EXCEPTION_REASONS } from '../../../domain/order/exception-reasons';
import {
  allDelivered,
  foldParcelState,
  nextParcelState,
  parcelException,
  type TrackingMeaning,
} from '../../../domain/order/parcel-status';
import { canMove, rankOf, statesOf } from '../../../domain/order/states';

const meanings: TrackingMeaning[] = [
  'pre_transit',
  'in_transit',
  'out_for_delivery',
  'delivered',
  'delivery_failed',
  'returned_to_sender',
  'lost',
  'damaged',
  'unknown',
];
const facts = fc.array(fc.constantFrom(...meanings), { maxLength: 10 });

describe('a parcel, by what its carrier says', () => {
  test.each<[string, TrackingMeaning[], string]>([
    ['a usual journey', ['pre_transit', 'in_transit', 'out_for_delivery', 'delivered'], 'delivered'],
    ['a late scan does not undo a delivery', ['delivered', 'in_transit'], 'delivered'],
    ['found after it was lost', ['lost', 'in_transit', 'delivered'], 'delivered'],
    ['a scan alone does not find it', ['lost', 'in_transit'], 'lost'],
    ['delivered at the second attempt', ['delivery_failed', 'out_for_delivery', 'delivered'], 'delivered'],
    [
      'brought back: its delivery is that to the sender',
      ['returned_to_sender', 'delivered'],
      'returned_to_sender',
    ],
    ['words that we do not know', ['unknown', 'pre_transit'], 'shipped'],
  ])('%s', (_name, heard, state) => {
    expect(foldParcelState('shipped', heard)).toBe(state);
  });

  test('before our own ship scan a carrier changes nothing; the scan then folds in what it said', () => {
    for (const state of ['open', 'packed', 'labelled', 'cancelled'] as const) {
      for (const heard of meanings) expect(nextParcelState(state, heard)).toBe(state);
    }
    expect(foldParcelState('shipped', ['in_transit'])).toBe('in_transit');
  });

  test('every order and every repetition of the same facts ends in the same state', () => {
    fc.assert(
      fc.property(facts, fc.func(fc.integer()), facts, (heard, turn, again) => {
        const end = foldParcelState('shipped', heard);
        const keyed = heard.map((fact, index) => [turn(index), fact] as const);
        expect(
          foldParcelState(
            'shipped',
            keyed.sort(([a], [b]) => a - b).map(([, fact]) => fact),
          ),
        ).toBe(end);
        const repeated = [...heard, ...again.filter((fact) => heard.includes(fact))];
        expect(foldParcelState('shipped', repeated)).toBe(end);
        expect(foldParcelState(end, heard)).toBe(end);
      }),
      { numRuns: 1000 },
    );
  });

  test('a state never goes backwards and every change is a legal move', () => {
    for (const state of statesOf('parcel')) {
      for (const heard of meanings) {
        const next = nextParcelState(state, heard);
        expect(rankOf('parcel', next)).toBeGreaterThanOrEqual(rankOf('parcel', state));
        if (next !== state)
          expect([state, next, canMove('parcel', state, next)]).toEqual([state, next, true]);
      }
    }
  });

  test('lost, damaged, returned and undeliverable parcels each open an exception that exists', () => {
    const opened = statesOf('parcel').map((state) => [state, parcelException(state)] as const);
    expect(opened.filter(([, reason]) => reason !== null)).toEqual([
      ['delivery_failed', 'delivery_failed'],
      ['lost', 'parcel_lost'],
      ['damaged', 'parcel_damaged'],
      ['returned_to_sender', 'returned_to_sender'],
    ]);
    for (const [, reason] of opened) if (reason) expect(EXCEPTION_REASONS).toHaveProperty(reason);
  });

  test('a fulfilment order is delivered when every parcel that left is', () => {
    expect(allDelivered(['delivered', 'cancelled', 'delivered'])).toBe(true);
    expect(allDelivered(['delivered', 'returned_to_sender'])).toBe(false);
    expect(allDelivered(['cancelled'])).toBe(false);
    expect(allDelivered([])).toBe(false);
  });
});
