/**
 * Whether those who wait for stock were served in their turn, told from what happened. An order may be
 * served while another one ahead of it still waits only if that one could not have been: some of its goods
 * were not there. Written to judge the queue from outside, so it shares nothing with what serves it.
 */

export interface QueuedOrder {
  readonly orderId: string;
  /** Higher first. */
  readonly priority: number;
  /** Milliseconds; the earlier one is ahead. */
  readonly placedAt: number;
  /** Units by product of the whole order: it is served as a whole. */
  readonly demand: ReadonlyMap<string, number>;
}

/** What happened at one instant: the clock of the database, in milliseconds. */
export type StockEvent = { readonly at: number } & (
  | { readonly kind: 'waits'; readonly orderId: string }
  /** Units that anybody may have: more when they came, fewer when they were lost. */
  | { readonly kind: 'came'; readonly productId: string; readonly units: number }
  /** Negative when units that the order held are anybody's again. */
  | { readonly kind: 'taken'; readonly productId: string; readonly units: number; readonly orderId: string }
);

export interface OutOfTurn {
  readonly served: string;
  readonly passedOver: string;
  readonly at: number;
}

/** Within one instant: who comes to wait and what comes to the shelf is there before anybody takes. */
const RANK = { waits: 0, came: 1, taken: 2 } as const;

/** @param orders every order that an event names. */
export function servedOutOfTurn(
  orders: readonly QueuedOrder[],
  events: readonly StockEvent[],
): readonly OutOfTurn[] {
  const known = new Map([...orders].sort(byTurn).map((order, turn) => [order.orderId, { ...order, turn }]));
  const turnOf = (orderId: string) => known.get(orderId)?.turn ?? Number.MAX_SAFE_INTEGER;
  const sorted = [...events].sort((a, b) => {
    if (a.at !== b.at) return a.at - b.at;
    if (a.kind === 'taken' && b.kind === 'taken') return turnOf(a.orderId) - turnOf(b.orderId);
    return RANK[a.kind] - RANK[b.kind];
  });
  const free = new Map<string, number>();
  const held = new Map<string, Map<string, number>>();
  const waiting = new Set<string>();
  const found: OutOfTurn[] = [];
  let index = 0;
  while (index < sorted.length) {
    const event = sorted[index] as StockEvent;
    if (event.kind === 'waits') {
      waiting.add(event.orderId);
      index += 1;
      continue;
    }
    if (event.kind === 'came') {
      free.set(event.productId, (free.get(event.productId) ?? 0) + event.units);
      index += 1;
      continue;
    }
    // All that an order takes at an instant is one serving.
    const taken: { productId: string; units: number }[] = [];
    for (; index < sorted.length; index += 1) {
      const next = sorted[index] as StockEvent;
      if (next.kind !== 'taken' || next.at !== event.at || next.orderId !== event.orderId) break;
      taken.push(next);
    }
    waiting.delete(event.orderId);
    const goods = new Set(taken.filter(({ units }) => units > 0).map(({ productId }) => productId));
    for (const orderId of waiting) {
      const other = known.get(orderId);
      if (other === undefined || other.turn > turnOf(event.orderId)) continue;
      const rivals = [...goods].some((productId) => other.demand.has(productId));
      if (rivals && couldBeServed(other, free, held.get(orderId)))
        found.push({ served: event.orderId, passedOver: orderId, at: event.at });
    }
    for (const { productId, units } of taken) {
      free.set(productId, (free.get(productId) ?? 0) - units);
      const own = held.get(event.orderId) ?? new Map<string, number>();
      own.set(productId, (own.get(productId) ?? 0) + units);
      held.set(event.orderId, own);
    }
  }
  return found;
}

function byTurn(a: QueuedOrder, b: QueuedOrder): number {
  return b.priority - a.priority || a.placedAt - b.placedAt || (a.orderId < b.orderId ? -1 : 1);
}

function couldBeServed(
  { demand }: QueuedOrder,
  free: ReadonlyMap<string, number>,
  held: ReadonlyMap<string, number> | undefined,
): boolean {
  return [...demand].every(
    ([productId, units]) => (free.get(productId) ?? 0) + (held?.get(productId) ?? 0) >= units,
  );
}
