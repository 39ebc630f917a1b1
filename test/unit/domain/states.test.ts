import fc from 'fast-check';
import { Failure } from '../../../domain/failure-types';
import {
  assertMove,
  BLOCKED_REASONS,
  canMove,
  EXCEPTION_ACTIONS,
  EXCEPTION_REASONS,
  type FulfilmentOrderState,
  foldOrderState,
  isBlockedReason,
  isState,
  isTerminal,
  LIVE_LABEL_STATES,
  laterState,
  type MachineName,
  OPEN_RESERVATION_STATES,
  RESUME_EVENTS,
  rankOf,
  STATE_MACHINES,
  statesOf,
} from '../../../domain/order/states';

const machines = Object.keys(STATE_MACHINES) as MachineName[];
/** Widened view of a table, so that one test can walk them all. */
const tableOf = (machine: MachineName) =>
  STATE_MACHINES[machine] as {
    initial: string;
    states: Record<string, { rank: number; next: readonly string[] }>;
  };

describe('state machines', () => {
  test('the tables hold exactly the states of the model', () => {
    expect(Object.fromEntries(machines.map((machine) => [machine, statesOf(machine)]))).toEqual({
      order:
        'received accepted planned in_fulfilment partly_shipped shipped delivered closed cancelled'.split(
          ' ',
        ),
      fulfilmentOrder:
        'planned reserved released accepted picking picked packing packed shipped delivered rejected cancelled'.split(
          ' ',
        ),
      task: 'open claimed done shorted cancelled'.split(' '),
      parcel:
        'open packed labelled shipped in_transit out_for_delivery delivery_failed lost damaged delivered returned_to_sender cancelled'.split(
          ' ',
        ),
      label: 'claimed unknown purchased shipped failed void_requested void_rejected voided'.split(' '),
      reservation: 'held allocated consumed released expired taken_back'.split(' '),
      exception: 'open snoozed resolved'.split(' '),
      outbox: 'pending leased done dead'.split(' '),
    });
  });

  test.each(machines)(
    '%s: every move leads to a state of the table and every state can be reached',
    (machine) => {
      const table = tableOf(machine);
      const reached = new Set([table.initial]);
      for (const state of reached) {
        for (const next of table.states[state]?.next ?? []) {
          expect(Object.keys(table.states)).toContain(next);
          reached.add(next);
        }
      }
      expect([...reached].sort()).toEqual(Object.keys(table.states).sort());
    },
  );

  test('a move to an earlier place is legal only where work is deliberately begun anew', () => {
    const backward = machines.flatMap((machine) =>
      Object.entries(tableOf(machine).states).flatMap(([from, row]) =>
        row.next
          .filter((to) => (tableOf(machine).states[to]?.rank ?? 0) < row.rank)
          .map((to) => `${machine}: ${from} → ${to}`),
      ),
    );
    expect(backward.sort()).toEqual([
      'fulfilmentOrder: rejected → planned',
      'fulfilmentOrder: reserved → planned',
      'label: void_rejected → void_requested',
      'outbox: dead → pending',
      'outbox: leased → pending',
      'task: claimed → open',
    ]);
  });

  test('an illegal move is refused with both states and the moves that were possible', () => {
    expect(canMove('order', 'delivered', 'shipped')).toBe(false);
    expect(() => assertMove('order', 'received', 'accepted')).not.toThrow();
    try {
      assertMove('fulfilmentOrder', 'shipped', 'cancelled');
      throw new Error('the move was allowed');
    } catch (error) {
      expect(error).toBeInstanceOf(Failure);
      expect(error).toMatchObject({
        type: 'IllegalTransition',
        message: "fulfilmentOrder can't go from shipped to cancelled",
        details: { from: 'shipped', to: 'cancelled', allowed: ['delivered'] },
      });
    }
  });

  test('names inherited from objects are no states', () => {
    expect(canMove('order', 'toString' as never, 'closed')).toBe(false);
    expect(() => rankOf('order', 'constructor' as never)).toThrow(RangeError);
  });

  test('a text is a state only when the table has it', () => {
    expect([isState('task', 'open'), isState('task', 'shipped'), isState('task', '__proto__')]).toEqual([
      true,
      false,
      false,
    ]);
    expect([
      isBlockedReason('short_pick'),
      isBlockedReason('parcel_lost'),
      isBlockedReason('toString'),
    ]).toEqual([true, false, false]);
  });

  test('a reservation keeps stock from others until it ends', () => {
    expect(statesOf('reservation').filter((state) => !isTerminal('reservation', state))).toEqual([
      ...OPEN_RESERVATION_STATES,
    ]);
  });

  test('a label that failed or was given up makes room for another one, all others do not', () => {
    const givenUp = ['failed', 'void_requested', 'void_rejected', 'voided'];
    expect(
      statesOf('label')
        .filter((state) => !givenUp.includes(state))
        .sort(),
    ).toEqual([...LIVE_LABEL_STATES].sort());
  });

  test('a shipped or cancelled fulfilment order excludes the other', () => {
    for (const state of statesOf('fulfilmentOrder')) {
      if (['shipped', 'delivered', 'cancelled'].includes(state)) {
        expect(canMove('fulfilmentOrder', state, 'cancelled')).toBe(false);
        expect(canMove('fulfilmentOrder', state, 'shipped')).toBe(false);
      } else {
        expect(canMove('fulfilmentOrder', state, 'cancelled')).toBe(true);
      }
    }
    expect(isTerminal('fulfilmentOrder', 'cancelled')).toBe(true);
  });
});

describe('the order as the fold of its parts', () => {
  const part = fc.constantFrom(...statesOf('fulfilmentOrder'));

  test.each<[string, FulfilmentOrderState[], string]>([
    ['no part yet', [], 'accepted'],
    ['parts that the warehouse has not accepted', ['planned', 'reserved', 'released', 'rejected'], 'planned'],
    ['one part accepted', ['reserved', 'accepted'], 'in_fulfilment'],
    ['one of two shipped', ['packed', 'shipped'], 'partly_shipped'],
    ['one delivered, the other planned', ['planned', 'delivered'], 'partly_shipped'],
    ['one delivered, one on its way', ['delivered', 'shipped'], 'shipped'],
    ['one shipped, the other cancelled', ['cancelled', 'shipped'], 'shipped'],
    ['one delivered, the other cancelled', ['delivered', 'cancelled'], 'delivered'],
    ['all cancelled', ['cancelled', 'cancelled'], 'cancelled'],
  ])('%s', (_name, parts, expected) => {
    expect(foldOrderState(parts, true)).toBe(expected);
  });

  test('an order of services alone is delivered without the floor', () => {
    expect(foldOrderState([], false)).toBe('delivered');
  });

  test('units that still wait for stock keep the order from shipped, delivered and cancelled', () => {
    expect(foldOrderState(['delivered'], true, true)).toBe('partly_shipped');
    expect(foldOrderState(['cancelled'], true, true)).toBe('accepted');
  });

  test('the order of the parts changes nothing, and a part that moves on never takes the order back', () => {
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 5 }),
        fc.nat(),
        fc.nat(),
        (parts, which, step) => {
          const before = foldOrderState(parts, true);
          expect(foldOrderState([...parts].reverse(), true)).toBe(before);
          const index = which % parts.length;
          const from = parts[index] as FulfilmentOrderState;
          const moves = tableOf('fulfilmentOrder').states[from]?.next ?? [];
          if (moves.length === 0) return;
          const after = parts.with(index, moves[step % moves.length] as FulfilmentOrderState);
          const shown = laterState('order', before, foldOrderState(after, true));
          expect(rankOf('order', shown)).toBeGreaterThanOrEqual(rankOf('order', before));
        },
      ),
    );
  });

  test('whatever the parts do, the order moves only as its own table allows', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 40 }),
        (count, steps) => {
          const parts: FulfilmentOrderState[] = new Array(count).fill('planned');
          let shown = foldOrderState(parts, true);
          for (const [which, move] of steps) {
            const from = parts[which % count] as FulfilmentOrderState;
            const moves = tableOf('fulfilmentOrder').states[from]?.next ?? [];
            if (moves.length === 0) continue;
            parts[which % count] = moves[move % moves.length] as FulfilmentOrderState;
            const next = laterState('order', shown, foldOrderState(parts, true));
            if (next !== shown)
              expect([shown, next, canMove('order', shown, next)]).toEqual([shown, next, true]);
            shown = next;
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('reasons for which an order waits', () => {
  test('every reason has an owner, a deadline ahead, a sentence and something a person may do', () => {
    for (const [reason, row] of Object.entries(EXCEPTION_REASONS)) {
      expect([reason, row.deadlineMinutes > 0, /^[A-Z].*\.$/.test(row.sentence)]).toEqual([
        reason,
        true,
        true,
      ]);
      expect(row.actions.length).toBeGreaterThan(0);
      for (const action of row.actions) expect(EXCEPTION_ACTIONS).toContain(action);
    }
  });

  test('every blocked reason is resumed by a fact, and every fact resumes some reason', () => {
    const used = new Set<string>();
    for (const row of Object.values(BLOCKED_REASONS)) {
      expect(row.resumesOn.length).toBeGreaterThan(0);
      for (const event of row.resumesOn) used.add(event);
    }
    expect([...used].sort()).toEqual([...RESUME_EVENTS].sort());
  });
});
