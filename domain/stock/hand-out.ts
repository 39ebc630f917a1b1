/**
 * Who gets the units that have come free: the orders that wait for them, in the order of the queue, each
 * as many as it still lacks. The queue is one order over all products: what a merchant marked as urgent
 * (VIPs, expedited), then the earlier ship-by that its channel promised, then age. So of two orders that
 * lack the same two products the one ahead gets both, and neither keeps from the other for ever what it
 * can't use: what an order keeps while it lacks the rest is kept for a limited time, and when that is
 * over all others are offered it before it.
 */

export interface QueuePlace {
  readonly orderId: string;
  readonly priority: number;
  /** What the channel promised; null: nothing, which comes after any date. */
  readonly shipBy: Date | null;
  readonly placedAt: Date;
}

/** The order in which orders get what is scarce; `db/backorder.repo.ts` says the same in SQL. */
export function byQueue(a: QueuePlace, b: QueuePlace): number {
  const shipBy = (place: QueuePlace) => place.shipBy?.getTime() ?? Number.POSITIVE_INFINITY;
  if (a.priority !== b.priority) return b.priority - a.priority;
  if (shipBy(a) !== shipBy(b)) return shipBy(a) < shipBy(b) ? -1 : 1;
  return a.placedAt.getTime() - b.placedAt.getTime() || (a.orderId < b.orderId ? -1 : 1);
}

export interface WaitingLine {
  readonly orderId: string;
  readonly productId: string;
  /** Units that the order lacks as a whole. */
  readonly needed: number;
  /** What it keeps of them already, by warehouse. */
  readonly kept: ReadonlyMap<string, number>;
  /** Whether one warehouse has to have it all. */
  readonly oneWarehouse: boolean;
}

export interface Grant {
  readonly orderId: string;
  readonly productId: string;
  readonly warehouseId: string;
  readonly quantity: number;
}

export interface FreeUnits {
  readonly productId: string;
  readonly warehouseId: string;
  readonly free: number;
}

/** @param queue in the order of serving; nobody is passed over for one behind him. */
export function handOut(queue: readonly WaitingLine[], free: readonly FreeUnits[]): Grant[] {
  const shelves = free.map((each) => ({ ...each }));
  return queue.flatMap((line) => {
    const here = shelves.filter(({ productId, free: units }) => productId === line.productId && units > 0);
    const total = [...line.kept.values()].reduce((sum, units) => sum + units, 0);
    if (!line.oneWarehouse) return takeFrom(here, line, line.needed - total);
    const kept = (shelf: FreeUnits) => line.kept.get(shelf.warehouseId) ?? 0;
    const [best] = [...here].sort((a, b) => kept(b) + b.free - (kept(a) + a.free));
    return best ? takeFrom([best], line, line.needed - kept(best)) : [];
  });
}

function takeFrom(
  shelves: readonly { readonly productId: string; readonly warehouseId: string; free: number }[],
  line: WaitingLine,
  lacking: number,
): Grant[] {
  const { orderId, productId } = line;
  const whole = shelves.find((shelf) => shelf.free >= lacking);
  const order = whole ? [whole] : [...shelves].sort((a, b) => b.free - a.free);
  let open = lacking;
  return order.flatMap((shelf) => {
    const quantity = Math.min(open, shelf.free);
    if (quantity <= 0) return [];
    shelf.free -= quantity;
    open -= quantity;
    return [{ orderId, productId, warehouseId: shelf.warehouseId, quantity }];
  });
}
