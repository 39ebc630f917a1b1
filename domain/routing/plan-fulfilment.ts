/**
 * Decides which warehouses ship an order, from a snapshot and nothing else. In this order: fewest
 * shipments, then the least distance summed over the shipments, then the smaller warehouse ids, so
 * that the same snapshot always gives the same plan. The plan reserves nothing; when its commit finds
 * less stock than the snapshot said, the order alone is planned again on a new one.
 *
 * Demand of one product in several lines is summed before it is compared with stock: two lines of six
 * against ten units are short, not two fits. A product's quantity is spread over warehouses only when
 * no single warehouse of the snapshot has enough of it. With that rule products don't compete for
 * anything, so a set of warehouses serves the order exactly when it serves each product, and trying
 * the sets by size, smallest first, is exact.
 */

export interface PlanLine {
  readonly orderLineId: string;
  /** A product that is stocked; bundles are exploded before. */
  readonly productId: string;
  /** Whole base units, at least 1. */
  readonly quantity: number;
}

export interface PlanOrder {
  readonly lines: readonly PlanLine[];
}

export type SplitPolicy = 'never' | 'allowed';
export type PartialPolicy = 'wait' | 'ship_available';

export interface WarehouseSnapshot {
  readonly warehouseId: string;
  /** What people call it, for the explanation; the id when absent. */
  readonly code?: string;
  /** Kilometres to the ship-to, null when unknown: then it counts as farther than any known one. */
  readonly distanceKm: number | null;
  /** Sellable units not reserved, by product id. Absent or negative counts as none. */
  readonly available: ReadonlyMap<string, number>;
}

export interface RoutingSnapshot {
  readonly warehouses: readonly WarehouseSnapshot[];
  readonly splitPolicy: SplitPolicy;
  readonly partialPolicy: PartialPolicy;
}

export interface PlannedShipment {
  readonly warehouseId: string;
  readonly lines: readonly PlanLine[];
}

export interface MissingProduct {
  readonly productId: string;
  readonly needed: number;
  /** What the merchant's policies let one order use: one warehouse's stock when it never splits. */
  readonly available: number;
}

export type FulfilmentPlan =
  | {
      readonly kind: 'plan';
      readonly shipments: readonly PlannedShipment[];
      /** What waits for stock; empty unless the merchant ships what is available. */
      readonly backorder: readonly PlanLine[];
      readonly explanation: readonly string[];
    }
  | {
      readonly kind: 'short';
      readonly missing: readonly MissingProduct[];
      readonly explanation: readonly string[];
    };

interface Demand {
  readonly productId: string;
  readonly quantity: number;
}

/** Half the equator: nothing on earth is farther, so a warehouse without a distance comes last. */
const UNKNOWN_DISTANCE_KM = 20_038;

/** At worst 12 warehouses and 10 products take 2.3 ms (8 and 10: 0.2 ms); each warehouse more doubles that. */
const EXACT_WAREHOUSES = 12;

const distanceOf = (site: WarehouseSnapshot) => site.distanceKm ?? UNKNOWN_DISTANCE_KM;
const availableOf = (site: WarehouseSnapshot, productId: string) =>
  Math.max(0, site.available.get(productId) ?? 0);
const nameOf = (site: WarehouseSnapshot) => site.code ?? site.warehouseId;
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

/** Nearest first, then by id: the one order in which sites are tried, filled and named. */
function bySite(a: WarehouseSnapshot, b: WarehouseSnapshot): number {
  const difference = distanceOf(a) - distanceOf(b);
  if (difference !== 0) return difference;
  return a.warehouseId < b.warehouseId ? -1 : a.warehouseId > b.warehouseId ? 1 : 0;
}

function demandOf(lines: readonly PlanLine[]): Demand[] {
  const byProduct = new Map<string, number>();
  for (const line of lines) {
    if (!Number.isSafeInteger(line.quantity) || line.quantity < 1) {
      throw new RangeError(`not a quantity: ${line.quantity}`);
    }
    byProduct.set(line.productId, (byProduct.get(line.productId) ?? 0) + line.quantity);
  }
  return [...byProduct].map(([productId, quantity]) => ({ productId, quantity }));
}

/** Whether these sites serve the whole demand; `spread` are the products no single site can serve. */
function serves(sites: readonly WarehouseSnapshot[], demand: readonly Demand[], spread: ReadonlySet<string>) {
  return demand.every(({ productId, quantity }) => {
    const stock = sites.map((site) => availableOf(site, productId));
    return spread.has(productId) ? sum(stock) >= quantity : stock.some((units) => units >= quantity);
  });
}

/** Every set of `size` sites, in the sites' order. */
function* setsOf(
  sites: readonly WarehouseSnapshot[],
  size: number,
  from = 0,
): Generator<WarehouseSnapshot[]> {
  if (size === 0) {
    yield [];
    return;
  }
  for (let index = from; index <= sites.length - size; index++) {
    const site = sites[index] as WarehouseSnapshot;
    for (const rest of setsOf(sites, size - 1, index + 1)) yield [site, ...rest];
  }
}

function isBefore(a: readonly WarehouseSnapshot[], b: readonly WarehouseSnapshot[]): boolean {
  const difference = sum(a.map(distanceOf)) - sum(b.map(distanceOf));
  if (difference !== 0) return difference < 0;
  const ids = (sites: readonly WarehouseSnapshot[]) => sites.map((site) => site.warehouseId).sort();
  const other = ids(b);
  for (const [index, id] of ids(a).entries()) {
    const against = other[index] as string;
    if (id !== against) return id < against;
  }
  return false;
}

/**
 * When there are more sites than can be tried exhaustively: a set that serves the demand, made by
 * always adding the site that covers most of what is still open, filled up with the nearest ones.
 */
function shortlist(
  sites: readonly WarehouseSnapshot[],
  demand: readonly Demand[],
  spread: ReadonlySet<string>,
): WarehouseSnapshot[] {
  const open = new Map(demand.map(({ productId, quantity }) => [productId, quantity]));
  const covers = (site: WarehouseSnapshot, productId: string, quantity: number) => {
    const units = availableOf(site, productId);
    if (spread.has(productId)) return Math.min(units, quantity);
    return units >= quantity ? quantity : 0;
  };
  const chosen: WarehouseSnapshot[] = [];
  while (open.size > 0) {
    let best: WarehouseSnapshot | null = null;
    let bestCover = 0;
    for (const site of sites) {
      if (chosen.includes(site)) continue;
      const cover = sum([...open].map(([productId, quantity]) => covers(site, productId, quantity)));
      if (cover > bestCover) [best, bestCover] = [site, cover];
    }
    if (!best) throw new RangeError('the sites do not serve the demand');
    chosen.push(best);
    for (const [productId, quantity] of [...open]) {
      const left = quantity - covers(best, productId, quantity);
      if (left === 0) open.delete(productId);
      else open.set(productId, left);
    }
  }
  const nearest = sites.filter((site) => !chosen.includes(site));
  return [...chosen, ...nearest.slice(0, Math.max(0, EXACT_WAREHOUSES - chosen.length))].sort(bySite);
}

function bestSites(
  candidates: readonly WarehouseSnapshot[],
  demand: readonly Demand[],
  spread: ReadonlySet<string>,
): WarehouseSnapshot[] {
  const sites = candidates.length > EXACT_WAREHOUSES ? shortlist(candidates, demand, spread) : candidates;
  if (sites.length > EXACT_WAREHOUSES) return [...sites];
  for (let size = 1; size <= sites.length; size++) {
    let best: WarehouseSnapshot[] | null = null;
    for (const set of setsOf(sites, size)) {
      if ((best === null || isBefore(set, best)) && serves(set, demand, spread)) best = set;
    }
    if (best) return best;
  }
  throw new RangeError('the sites do not serve the demand');
}

/** How much of each product each chosen site ships; a spread product comes from the fullest sites first. */
function fill(
  sites: readonly WarehouseSnapshot[],
  demand: readonly Demand[],
): Map<WarehouseSnapshot, Map<string, number>> {
  const taken = new Map(sites.map((site) => [site, new Map<string, number>()]));
  for (const { productId, quantity } of demand) {
    let open = quantity;
    const whole = sites.find((site) => availableOf(site, productId) >= quantity);
    const order = whole
      ? [whole]
      : [...sites].sort((a, b) => availableOf(b, productId) - availableOf(a, productId) || bySite(a, b));
    for (const site of order) {
      const units = Math.min(open, availableOf(site, productId));
      if (units > 0) taken.get(site)?.set(productId, units);
      open -= units;
    }
  }
  return taken;
}

/** Takes units of a product from the lines in their order; what is asked for twice is one entry. */
class LineQueue {
  private readonly open: { readonly line: PlanLine; left: number }[];
  constructor(lines: readonly PlanLine[]) {
    this.open = lines.map((line) => ({ line, left: line.quantity }));
  }
  take(productId: string, quantity: number): PlanLine[] {
    const byLine = new Map<string, PlanLine>();
    let wanted = quantity;
    for (const entry of this.open) {
      if (wanted === 0) break;
      if (entry.line.productId !== productId || entry.left === 0) continue;
      const units = Math.min(entry.left, wanted);
      entry.left -= units;
      wanted -= units;
      const { orderLineId } = entry.line;
      const before = byLine.get(orderLineId)?.quantity ?? 0;
      byLine.set(orderLineId, { orderLineId, productId, quantity: before + units });
    }
    return [...byLine.values()];
  }
}

function asPlan(
  order: PlanOrder,
  sites: readonly WarehouseSnapshot[],
  demand: readonly Demand[],
  explanation: readonly string[],
): FulfilmentPlan {
  const queue = new LineQueue(order.lines);
  const shipments: PlannedShipment[] = [];
  for (const [site, units] of fill(sites, demand)) {
    const lines = [...units].flatMap(([productId, quantity]) => queue.take(productId, quantity));
    if (lines.length > 0) shipments.push({ warehouseId: site.warehouseId, lines });
  }
  const backorder = demandOf(order.lines).flatMap(({ productId, quantity }) =>
    queue.take(productId, quantity),
  );
  const waiting = sum(backorder.map((line) => line.quantity));
  return {
    kind: 'plan',
    shipments,
    backorder,
    explanation: waiting === 0 ? explanation : [...explanation, `${waiting} units wait for stock.`],
  };
}

const kilometres = (site: WarehouseSnapshot) =>
  site.distanceKm === null ? 'distance unknown' : `${Math.round(site.distanceKm)} km`;

/** One warehouse or none: the one that serves most units, nearest first among equals. */
function planUnsplit(order: PlanOrder, snapshot: RoutingSnapshot, demand: readonly Demand[]): FulfilmentPlan {
  const sites = [...snapshot.warehouses].sort(bySite);
  const served = (site: WarehouseSnapshot) =>
    sum(demand.map(({ productId, quantity }) => Math.min(quantity, availableOf(site, productId))));
  let best: WarehouseSnapshot | null = null;
  let bestUnits = 0;
  for (const site of sites) {
    const units = served(site);
    if (best === null || units > bestUnits) [best, bestUnits] = [site, units];
  }
  const all = sum(demand.map(({ quantity }) => quantity));
  if (best && bestUnits === all) {
    return asPlan(order, [best], demand, [
      `${nameOf(best)} (${kilometres(best)}) is the nearest that has it all.`,
    ]);
  }
  const why = 'This merchant never splits an order, and no single warehouse has all of it.';
  if (best && bestUnits > 0 && snapshot.partialPolicy === 'ship_available') {
    const site = best;
    const part = demand
      .map(({ productId, quantity }) => ({
        productId,
        quantity: Math.min(quantity, availableOf(site, productId)),
      }))
      .filter(({ quantity }) => quantity > 0);
    return asPlan(order, [site], part, [why, `${nameOf(site)} (${kilometres(site)}) has most of it.`]);
  }
  const missing = demand
    .map(({ productId, quantity }) => ({
      productId,
      needed: quantity,
      available: best ? availableOf(best, productId) : 0,
    }))
    .filter(({ needed, available }) => available < needed);
  return { kind: 'short', missing, explanation: [why] };
}

/**
 * Plans an order's shipments, exactly for up to 12 warehouses that have something of it; beyond that
 * the 12 most useful ones are tried exactly and the explanation says so.
 * @returns `short` when something is missing and the merchant waits, or when there is nothing at all.
 * @throws RangeError when a quantity is not a positive whole number: callers validate first.
 */
export function planFulfilment(order: PlanOrder, snapshot: RoutingSnapshot): FulfilmentPlan {
  const wanted = demandOf(order.lines);
  if (wanted.length === 0) {
    return { kind: 'plan', shipments: [], backorder: [], explanation: ['Nothing of this order ships.'] };
  }
  if (snapshot.splitPolicy === 'never') return planUnsplit(order, snapshot, wanted);

  const totals = wanted.map(({ productId, quantity }) => ({
    productId,
    needed: quantity,
    available: sum(snapshot.warehouses.map((site) => availableOf(site, productId))),
  }));
  const missing = totals.filter(({ needed, available }) => available < needed);
  const demand = totals
    .map(({ productId, needed, available }) => ({ productId, quantity: Math.min(needed, available) }))
    .filter(({ quantity }) => quantity > 0);
  if (demand.length === 0 || (missing.length > 0 && snapshot.partialPolicy === 'wait')) {
    return {
      kind: 'short',
      missing,
      explanation: [`${missing.length} of ${wanted.length} products are short in all warehouses together.`],
    };
  }

  const candidates = snapshot.warehouses
    .filter((site) => demand.some(({ productId }) => availableOf(site, productId) > 0))
    .sort(bySite);
  const spread = new Set(
    demand
      .filter(
        ({ productId, quantity }) => !candidates.some((site) => availableOf(site, productId) >= quantity),
      )
      .map(({ productId }) => productId),
  );
  const sites = bestSites(candidates, demand, spread).sort(bySite);
  return asPlan(order, sites, demand, explain(sites, candidates, spread));
}

function explain(
  sites: readonly WarehouseSnapshot[],
  candidates: readonly WarehouseSnapshot[],
  spread: ReadonlySet<string>,
): string[] {
  const named = sites.map((site) => `${nameOf(site)} (${kilometres(site)})`).join(', ');
  const lines =
    sites.length === 1
      ? [`${named} is the nearest that has it all.`]
      : [
          `No ${sites.length === 2 ? 'single warehouse has' : `${sites.length - 1} warehouses have`} it all: ${named}.`,
        ];
  if (spread.size > 0) lines.push(`${spread.size} products are spread, as no single warehouse has enough.`);
  if (candidates.length > EXACT_WAREHOUSES) {
    lines.push(`Chosen among the ${EXACT_WAREHOUSES} most useful of ${candidates.length} warehouses.`);
  }
  return lines;
}
