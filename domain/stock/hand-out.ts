/**
 * Who gets the units that have come free: the orders that wait for them, in the order of the queue, each
 * as many as it still lacks. The queue is one order over all products: what a merchant marked as urgent
 * (VIPs, expedited), then the earlier ship-by that its channel promised, then age. What an order gets it
 * keeps for a limited time while it lacks the rest. When that is over it lets the others pass, unless it
 * could now be served as a whole. So of two orders that lack the same two products, and of which each
 * keeps one, the one whose time ends first gives the other what it lacks, and when both end at the same
 * instant the one ahead gets both: neither keeps the other waiting for ever.
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
  readonly productId: string;
  /** Units that the order needs as a whole. */
  readonly needed: number;
  /** What it keeps of them already, by warehouse. */
  readonly kept: ReadonlyMap<string, number>;
  /** It has just kept units of this for its time without getting the rest. */
  readonly letsPass: boolean;
  /** It looked at what there is and can't use it. */
  readonly refused: boolean;
}

export interface WaitingOrder {
  readonly orderId: string;
  /** Everything that it waits for; of a product that is not offered nothing is free. */
  readonly lines: readonly WaitingLine[];
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

type Shelf = { readonly productId: string; readonly warehouseId: string; free: number };

/** @param queue in the order of serving; nobody is passed over for one behind him. */
export function handOut(queue: readonly WaitingOrder[], free: readonly FreeUnits[]): Grant[] {
  const shelves = free.map((each) => ({ ...each }));
  return queue.flatMap((order) => {
    const grants =
      serveWhole(order, shelves) ??
      order.lines
        .filter((line) => !line.letsPass && !line.refused)
        .flatMap((line) => serveLine(order, line, shelves));
    for (const grant of grants) {
      const shelf = shelves.find(
        (each) => each.productId === grant.productId && each.warehouseId === grant.warehouseId,
      );
      if (shelf) shelf.free -= grant.quantity;
    }
    return grants;
  });
}

/** All that the order lacks, or null when that is not there. */
function serveWhole(order: WaitingOrder, shelves: readonly Shelf[]): Grant[] | null {
  if (order.lines.some(({ refused }) => refused)) return null;
  const places = order.oneWarehouse ? [...new Set(shelves.map(({ warehouseId }) => warehouseId))] : [null];
  for (const place of places) {
    const here = place === null ? shelves : shelves.filter(({ warehouseId }) => warehouseId === place);
    const grants = order.lines.map((line) => ({
      lacking: line.needed - keptOf(line, place),
      grants: takeFrom(order.orderId, line, line.needed - keptOf(line, place), here),
    }));
    if (grants.every((each) => sum(each.grants) >= each.lacking))
      return grants.flatMap((each) => each.grants);
  }
  return null;
}

function serveLine(order: WaitingOrder, line: WaitingLine, shelves: readonly Shelf[]): Grant[] {
  if (!order.oneWarehouse) return takeFrom(order.orderId, line, line.needed - keptOf(line, null), shelves);
  const [best] = shelves
    .filter(({ productId }) => productId === line.productId)
    .sort((a, b) => keptOf(line, b.warehouseId) + b.free - (keptOf(line, a.warehouseId) + a.free));
  return best ? takeFrom(order.orderId, line, line.needed - keptOf(line, best.warehouseId), [best]) : [];
}

const sum = (grants: readonly Grant[]) => grants.reduce((units, { quantity }) => units + quantity, 0);

/** @param place null: anywhere. */
const keptOf = (line: WaitingLine, place: string | null) =>
  place === null
    ? [...line.kept.values()].reduce((units, each) => units + each, 0)
    : (line.kept.get(place) ?? 0);

/** From one shelf if one has enough, else from the fullest ones. */
function takeFrom(
  orderId: string,
  { productId }: WaitingLine,
  lacking: number,
  shelves: readonly Shelf[],
): Grant[] {
  const here = shelves.filter((shelf) => shelf.productId === productId && shelf.free > 0);
  const whole = here.find((shelf) => shelf.free >= lacking);
  let open = lacking;
  return (whole ? [whole] : [...here].sort((a, b) => b.free - a.free)).flatMap(({ warehouseId, free }) => {
    const quantity = Math.min(open, free);
    open -= Math.max(0, quantity);
    return quantity > 0 ? [{ orderId, productId, warehouseId, quantity }] : [];
  });
}
