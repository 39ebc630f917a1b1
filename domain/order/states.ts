/**
 * Every state of every thing that moves, as data: one table a thing, from which the guards here, the
 * database checks, the documentation and the tests are made. `next` lists the legal moves; a warehouse
 * or a carrier that reports only some stages may skip forward, so skips are listed too. `rank` orders
 * the states of a thing so that a projection which hears old news late never goes backwards: a move to
 * a lower rank is legal only where a table lists it (a refused release is planned anew, a lease that
 * ran out is pending again). Terminal states are those without a next one.
 */
import { Failure } from '../failure-types';

export * from './exception-reasons';

interface StateRow {
  readonly rank: number;
  readonly next: readonly string[];
}

interface StateTable {
  readonly initial: string;
  readonly states: Readonly<Record<string, StateRow>>;
}

export const STATE_MACHINES = {
  /** After `planned` it is the fold of its fulfilment orders; blocked and held are flags beside it. */
  order: {
    initial: 'received',
    states: {
      received: { rank: 0, next: ['accepted', 'planned', 'cancelled'] },
      // An order of services alone is delivered without a plan.
      accepted: { rank: 1, next: ['planned', 'in_fulfilment', 'delivered', 'closed', 'cancelled'] },
      planned: {
        rank: 2,
        next: ['in_fulfilment', 'partly_shipped', 'shipped', 'delivered', 'cancelled'],
      },
      in_fulfilment: { rank: 3, next: ['partly_shipped', 'shipped', 'delivered', 'cancelled'] },
      partly_shipped: { rank: 4, next: ['shipped', 'delivered'] },
      shipped: { rank: 5, next: ['delivered', 'closed'] },
      delivered: { rank: 6, next: ['closed'] },
      closed: { rank: 7, next: [] },
      cancelled: { rank: 8, next: [] },
    },
  },
  /** A change or cancel request settles against this row; the ship scan and a cancel exclude each other. */
  fulfilmentOrder: {
    initial: 'planned',
    states: {
      planned: { rank: 0, next: ['reserved', 'cancelled'] },
      // Back to planned when a count or a loss took its reservation.
      reserved: { rank: 1, next: ['released', 'planned', 'cancelled'] },
      released: {
        rank: 2,
        next: ['accepted', 'rejected', 'picking', 'picked', 'packing', 'packed', 'shipped', 'cancelled'],
      },
      accepted: { rank: 3, next: ['picking', 'picked', 'packing', 'packed', 'shipped', 'cancelled'] },
      picking: { rank: 4, next: ['picked', 'packing', 'packed', 'shipped', 'cancelled'] },
      picked: { rank: 5, next: ['packing', 'packed', 'shipped', 'cancelled'] },
      packing: { rank: 6, next: ['packed', 'shipped', 'cancelled'] },
      packed: { rank: 7, next: ['shipped', 'cancelled'] },
      shipped: { rank: 8, next: ['delivered'] },
      delivered: { rank: 9, next: [] },
      rejected: { rank: 3, next: ['planned', 'cancelled'] },
      cancelled: { rank: 10, next: [] },
    },
  },
  /** Pick, pack, ship, put-back, receive, putaway, count, move, replenish, inspect. */
  task: {
    initial: 'open',
    states: {
      open: { rank: 0, next: ['claimed', 'cancelled'] },
      // Back to open when the person gives it back or goes home with it unfinished.
      claimed: { rank: 1, next: ['done', 'shorted', 'open', 'cancelled'] },
      done: { rank: 2, next: [] },
      shorted: { rank: 2, next: [] },
      cancelled: { rank: 2, next: [] },
    },
  },
  /**
   * From `shipped` on the rank is what a carrier's facts are folded by (`parcel-status`): the highest
   * one heard wins, in whatever order they come. `delivered` beats lost and damaged (it was found),
   * `returned_to_sender` beats `delivered` (that was its delivery back to the sender, or refused at
   * the counter after it).
   */
  parcel: {
    initial: 'open',
    states: {
      open: { rank: 0, next: ['packed', 'cancelled'] },
      packed: { rank: 1, next: ['labelled', 'cancelled'] },
      labelled: { rank: 2, next: ['shipped', 'cancelled'] },
      shipped: {
        rank: 3,
        next: [
          'in_transit',
          'out_for_delivery',
          'delivery_failed',
          'lost',
          'damaged',
          'delivered',
          'returned_to_sender',
        ],
      },
      in_transit: {
        rank: 4,
        next: ['out_for_delivery', 'delivery_failed', 'lost', 'damaged', 'delivered', 'returned_to_sender'],
      },
      out_for_delivery: {
        rank: 5,
        next: ['delivery_failed', 'lost', 'damaged', 'delivered', 'returned_to_sender'],
      },
      delivery_failed: { rank: 6, next: ['lost', 'damaged', 'delivered', 'returned_to_sender'] },
      lost: { rank: 7, next: ['damaged', 'delivered', 'returned_to_sender'] },
      damaged: { rank: 8, next: ['delivered', 'returned_to_sender'] },
      delivered: { rank: 9, next: ['returned_to_sender'] },
      returned_to_sender: { rank: 10, next: [] },
      // Unpacked with its fulfilment order, before it left.
      cancelled: { rank: 11, next: [] },
    },
  },
  label: {
    initial: 'claimed',
    states: {
      claimed: { rank: 0, next: ['purchased', 'unknown', 'failed'] },
      unknown: { rank: 1, next: ['purchased', 'failed'] },
      purchased: { rank: 2, next: ['shipped', 'void_requested'] },
      shipped: { rank: 5, next: [] },
      failed: { rank: 5, next: [] },
      void_requested: { rank: 3, next: ['voided', 'void_rejected'] },
      // A refused void is asked for again, for every label bought ends shipped or voided.
      void_rejected: { rank: 4, next: ['void_requested'] },
      voided: { rank: 5, next: [] },
    },
  },
  reservation: {
    initial: 'held',
    states: {
      // Consumed straight from held by a warehouse whose bins are not ours to bind.
      held: { rank: 0, next: ['allocated', 'consumed', 'released', 'expired', 'taken_back'] },
      allocated: { rank: 1, next: ['consumed', 'released', 'taken_back'] },
      consumed: { rank: 2, next: [] },
      released: { rank: 2, next: [] },
      expired: { rank: 2, next: [] },
      taken_back: { rank: 2, next: [] },
    },
  },
  exception: {
    initial: 'open',
    states: {
      open: { rank: 0, next: ['snoozed', 'resolved'] },
      snoozed: { rank: 0, next: ['open', 'resolved'] },
      resolved: { rank: 1, next: [] },
    },
  },
  /** Outbox messages and webhook deliveries. */
  outbox: {
    initial: 'pending',
    states: {
      pending: { rank: 0, next: ['leased'] },
      leased: { rank: 1, next: ['done', 'pending', 'dead'] },
      done: { rank: 2, next: [] },
      // A person who is asked may send it again, or decide that it need not be sent.
      dead: { rank: 2, next: ['pending', 'done'] },
    },
  },
} as const satisfies Readonly<Record<string, StateTable>>;

export type MachineName = keyof typeof STATE_MACHINES;
export type StateOf<M extends MachineName> = Extract<keyof (typeof STATE_MACHINES)[M]['states'], string>;

export type OrderState = StateOf<'order'>;
export type FulfilmentOrderState = StateOf<'fulfilmentOrder'>;
export type TaskState = StateOf<'task'>;
export type ParcelState = StateOf<'parcel'>;
export type LabelState = StateOf<'label'>;
export type ReservationState = StateOf<'reservation'>;
export type ExceptionState = StateOf<'exception'>;
export type OutboxState = StateOf<'outbox'>;

/**
 * Labels that count against "at most one live label a parcel". A label whose void was asked for is
 * given up: its refund may take weeks, and the parcel must be able to get another one meanwhile.
 */
export const LIVE_LABEL_STATES = [
  'claimed',
  'unknown',
  'purchased',
  'shipped',
] as const satisfies LabelState[];

/** Reservations that still keep stock from others. */
export const OPEN_RESERVATION_STATES = ['held', 'allocated'] as const satisfies ReservationState[];

function row(machine: MachineName, state: string): StateRow | undefined {
  const table: StateTable = STATE_MACHINES[machine];
  return Object.hasOwn(table.states, state) ? table.states[state] : undefined;
}

/** The states of a thing, in the order of its table. */
export function statesOf<M extends MachineName>(machine: M): readonly StateOf<M>[] {
  return Object.keys(STATE_MACHINES[machine].states) as StateOf<M>[];
}

/** Whether `text`, say from a row or a request, is a state of this thing. */
export function isState<M extends MachineName>(machine: M, text: string): text is StateOf<M> {
  return row(machine, text) !== undefined;
}

/** Whether the table lists the move. Staying where one is, is no move. */
export function canMove<M extends MachineName>(machine: M, from: StateOf<M>, to: StateOf<M>): boolean {
  return row(machine, from)?.next.includes(to) ?? false;
}

/** @throws Failure IllegalTransition that names the thing, both states and the moves it would allow. */
export function assertMove<M extends MachineName>(machine: M, from: StateOf<M>, to: StateOf<M>): void {
  if (canMove(machine, from, to)) return;
  const allowed = row(machine, from)?.next ?? [];
  throw new Failure('IllegalTransition', `${machine} can't go from ${from} to ${to}`, {
    machine,
    from,
    to,
    allowed,
  });
}

/** Place in the order "never goes backwards"; states that exclude each other may share one. */
export function rankOf<M extends MachineName>(machine: M, state: StateOf<M>): number {
  const found = row(machine, state);
  if (!found) throw new RangeError(`${machine} has no state ${state}`);
  return found.rank;
}

export function isTerminal<M extends MachineName>(machine: M, state: StateOf<M>): boolean {
  return row(machine, state)?.next.length === 0;
}

/** What a projection that shows `current` shows after it hears `heard`: the later one, or what it shows. */
export function laterState<M extends MachineName>(
  machine: M,
  current: StateOf<M>,
  heard: StateOf<M>,
): StateOf<M> {
  return rankOf(machine, heard) > rankOf(machine, current) ? heard : current;
}

const ACCEPTED_RANK = STATE_MACHINES.fulfilmentOrder.states.accepted.rank;

/**
 * The order as the fold of its parts, in any order of them. Cancelled parts don't count unless all are;
 * a part that the warehouse hasn't accepted yet is still planned, for it may be refused.
 * @param hasParts false when nothing of the order ships: it is delivered without the floor.
 * @param openDemand true while units wait for stock without a fulfilment order; such an order is never
 *   more than partly shipped.
 * @returns never `closed`: closing is a step of its own, after the channel was told. A caller who keeps
 *   the result applies `laterState`, so that a part planned anew doesn't take the order back.
 */
export function foldOrderState(
  parts: readonly FulfilmentOrderState[],
  hasParts: boolean,
  openDemand = false,
): OrderState {
  if (!hasParts) return 'delivered';
  const live = parts.filter((part) => part !== 'cancelled');
  if (live.length === 0) return parts.length > 0 && !openDemand ? 'cancelled' : 'accepted';
  const gone = live.filter((part) => part === 'shipped' || part === 'delivered');
  if (gone.length === live.length && !openDemand) {
    return gone.every((part) => part === 'delivered') ? 'delivered' : 'shipped';
  }
  if (gone.length > 0) return 'partly_shipped';
  return live.some((part) => part !== 'rejected' && rankOf('fulfilmentOrder', part) >= ACCEPTED_RANK)
    ? 'in_fulfilment'
    : 'planned';
}
