/**
 * The best plan by trying everything, for comparison: it shares nothing with domain/routing but the shapes
 * of what goes in and out. Each way to serve a product is listed unit by unit; a table over the warehouses
 * that are used so far then combines them, so no set and no share is left out. Prices, zones and rules are
 * worked out here again, the slow and plain way.
 */
import type { FulfilmentPlan, PlanOrder, RoutingSnapshot } from '../domain/routing/snapshot';

export interface OraclePlan {
  readonly kind: FulfilmentPlan['kind'];
  readonly units: number;
  /** Sorted. */
  readonly warehouseIds: readonly string[];
  /** In thousandths of a metre or of a minor unit; those that nobody knows are counted beside it. */
  readonly cost: number;
  readonly unknown: number;
  readonly load: number;
}

interface World {
  readonly products: readonly string[];
  readonly wanted: readonly number[];
  /** By warehouse and product: what it may ship. */
  readonly stock: readonly (readonly number[])[];
  readonly mayShip: readonly (readonly boolean[])[];
  readonly shared: readonly boolean[];
  readonly reach: readonly number[];
  readonly most: number;
  readonly waits: boolean;
  readonly preferred: readonly (readonly string[])[];
}

/** Prices a shipment; grams null prices an empty one. */
export function priceOf(
  order: PlanOrder,
  snapshot: RoutingSnapshot,
  warehouseId: string,
  grams: number,
): { readonly known: number; readonly unknown: number } {
  const site = snapshot.warehouses.find((each) => each.warehouseId === warehouseId);
  if (snapshot.rates.length === 0) {
    const km = site?.distanceKm ?? null;
    return km === null ? { known: 0, unknown: 1 } : { known: Math.round(km * 1000), unknown: 0 };
  }
  const table = new Map(
    snapshot.rates.filter((rate) => rate.warehouseId === warehouseId).map((rate) => [rate.zone, rate]),
  );
  for (const { name } of snapshot.zones) {
    const rate = table.get(name);
    if (rate && liesIn(order, snapshot, name))
      return { known: 1000 * rate.baseMinor + grams * rate.perKgMinor, unknown: 0 };
  }
  const rest = table.get(null);
  return rest
    ? { known: 1000 * rest.baseMinor + grams * rest.perKgMinor, unknown: 0 }
    : { known: 0, unknown: 1 };
}

function liesIn({ facts }: PlanOrder, { zones }: RoutingSnapshot, name: string): boolean {
  for (const place of zones.find((zone) => zone.name === name)?.places ?? []) {
    if (place.country !== facts.country) continue;
    const region = facts.region?.toUpperCase();
    if (place.regions && !place.regions.some((each) => each.toUpperCase() === region)) continue;
    if (place.postalPrefixes && !place.postalPrefixes.some((each) => facts.postalCode?.startsWith(each)))
      continue;
    return true;
  }
  return false;
}

function worldOf(order: PlanOrder, snapshot: RoutingSnapshot): World {
  const products = [...new Set(order.lines.map((line) => line.productId))];
  const wanted = products.map((id) =>
    order.lines.filter((line) => line.productId === id).reduce((sum, line) => sum + line.quantity, 0),
  );
  const ids = snapshot.warehouses.map((site) => site.warehouseId);
  const mayShip = ids.map(() => products.map(() => true));
  const preferred: (readonly string[])[] = [];
  let most: number | undefined;
  let waits: boolean | undefined;
  let splits: boolean | undefined;
  const needs = (id: string) => snapshot.products.get(id)?.handling ?? [];
  for (const { conditions: when, effects } of snapshot.rules) {
    const { facts } = order;
    const matches =
      (!when.countries || (facts.country !== null && when.countries.includes(facts.country))) &&
      (!when.zones || when.zones.some((zone) => liesIn(order, snapshot, zone))) &&
      (!when.postalPrefixes || when.postalPrefixes.some((prefix) => facts.postalCode?.startsWith(prefix))) &&
      (!when.channels || when.channels.includes(facts.channel)) &&
      (!when.tags || when.tags.some((tag) => facts.tags.includes(tag))) &&
      (!when.handling || products.some((id) => needs(id).some((need) => when.handling?.includes(need))));
    if (!matches) continue;
    for (const effect of effects) {
      if (effect.kind === 'prefer') preferred.push(effect.warehouseIds);
      if (effect.kind === 'only' || effect.kind === 'exclude') {
        for (const [w, id] of ids.entries()) {
          if (effect.warehouseIds.includes(id) === (effect.kind === 'only')) continue;
          for (const [p, product] of products.entries()) {
            const meant = !when.handling || needs(product).some((need) => when.handling?.includes(need));
            if (meant) (mayShip[w] as boolean[])[p] = false;
          }
        }
      }
      if (effect.kind === 'never_split' || effect.kind === 'wait_for_backorder') most ??= 1;
      if (effect.kind === 'split_at_most') most ??= effect.shipments;
      if (effect.kind === 'ship_complete' || effect.kind === 'wait_for_backorder') waits ??= true;
      if (effect.kind === 'ship_available') waits ??= false;
      if (effect.kind === 'allow_line_split') splits ??= true;
      if (effect.kind === 'never_split_lines') splits ??= false;
    }
  }
  splits ??= snapshot.lineSplitPolicy === 'allowed';
  const stock = snapshot.warehouses.map((site, w) =>
    products.map((id, p) => (mayShip[w]?.[p] ? Math.max(0, site.available.get(id) ?? 0) : 0)),
  );
  const column = (p: number) => stock.map((row) => row[p] as number);
  const shared = wanted.map((units, p) => splits === true && !column(p).some((has) => has >= units));
  const reach = wanted.map((units, p) =>
    Math.min(units, shared[p] ? column(p).reduce((a, b) => a + b, 0) : Math.max(0, ...column(p))),
  );
  most ??= snapshot.splitPolicy === 'never' ? 1 : ids.length;
  waits ??= snapshot.partialPolicy === 'wait';
  return { products, wanted, stock, mayShip, shared, reach, most, waits, preferred };
}

interface Way {
  readonly mask: number;
  readonly units: number;
  readonly known: number;
}

/** Every way to take some of a product from these warehouses; of those with equal warehouses the best. */
function waysOf(world: World, p: number, sites: readonly number[], perUnit: readonly number[]): Way[] {
  const best = new Map<number, Way>();
  const add = (way: Way) => {
    const known = best.get(way.mask);
    if (!known || way.units > known.units || (way.units === known.units && way.known < known.known))
      best.set(way.mask, way);
  };
  add({ mask: 0, units: 0, known: 0 });
  const reach = world.reach[p] as number;
  const has = (w: number) => Math.min(reach, (world.stock[w] as readonly number[])[p] as number);
  if (!world.shared[p]) {
    for (const w of sites)
      if (has(w) > 0) add({ mask: 1 << w, units: has(w), known: has(w) * (perUnit[w] as number) });
    return [...best.values()];
  }
  const walk = (at: number, way: Way) => {
    const w = sites[at];
    if (w === undefined) return add(way);
    for (let units = 0; units <= Math.min(has(w), reach - way.units); units += 1)
      walk(at + 1, {
        mask: units === 0 ? way.mask : way.mask | (1 << w),
        units: way.units + units,
        known: way.known + units * (perUnit[w] as number),
      });
  };
  walk(0, { mask: 0, units: 0, known: 0 });
  return [...best.values()];
}

function best(
  order: PlanOrder,
  snapshot: RoutingSnapshot,
  world: World,
  sites: readonly number[],
): OraclePlan {
  const ids = snapshot.warehouses.map((site) => site.warehouseId);
  const empty = ids.map((id) => priceOf(order, snapshot, id, 0));
  let table = new Map<number, Way>([[0, { mask: 0, units: 0, known: 0 }]]);
  for (const [p, id] of world.products.entries()) {
    const grams = snapshot.products.get(id)?.gramsEach ?? 0;
    const perUnit = ids.map(
      (each, w) => priceOf(order, snapshot, each, grams).known - (empty[w]?.known ?? 0),
    );
    const ways = waysOf(world, p, sites, perUnit);
    const next = new Map<number, Way>();
    for (const so of table.values())
      for (const way of ways) {
        const sum = { mask: so.mask | way.mask, units: so.units + way.units, known: so.known + way.known };
        const known = next.get(sum.mask);
        if (!known || sum.units > known.units || (sum.units === known.units && sum.known < known.known))
          next.set(sum.mask, sum);
      }
    table = next;
  }
  let winner: OraclePlan | null = null;
  for (const { mask, units, known } of table.values()) {
    const used = ids.map((_, w) => w).filter((w) => mask & (1 << w));
    if (used.length > world.most) continue;
    const plan: OraclePlan = {
      kind: 'plan',
      units,
      warehouseIds: used.map((w) => ids[w] as string).sort(),
      cost: known + used.reduce((sum, w) => sum + (empty[w]?.known ?? 0), 0),
      unknown: used.reduce((sum, w) => sum + (empty[w]?.unknown ?? 0), 0),
      load: used.reduce((sum, w) => sum + (snapshot.warehouses[w]?.load ?? 0), 0),
    };
    if (winner === null || isBetter(plan, winner)) winner = plan;
  }
  return winner as OraclePlan;
}

function isBetter(a: OraclePlan, b: OraclePlan): boolean {
  if (a.units !== b.units) return a.units > b.units;
  if (a.warehouseIds.length !== b.warehouseIds.length) return a.warehouseIds.length < b.warehouseIds.length;
  if (a.unknown !== b.unknown) return a.unknown < b.unknown;
  if (a.cost !== b.cost) return a.cost < b.cost;
  if (a.load !== b.load) return a.load < b.load;
  return a.warehouseIds.join() < b.warehouseIds.join();
}

const NONE = { units: 0, warehouseIds: [], cost: 0, unknown: 0, load: 0 } as const;

/** What routing must answer. */
export function oraclePlan(order: PlanOrder, snapshot: RoutingSnapshot): OraclePlan {
  const world = worldOf(order, snapshot);
  const { wanted, stock, mayShip, waits, preferred } = world;
  const banned = world.products.filter((_, p) => mayShip.every((row) => !row[p]));
  if (banned.length === world.products.length || (waits && banned.length > 0))
    return { kind: 'no_warehouse', ...NONE };
  const all = snapshot.warehouses.map((_, w) => w);
  let sites = all;
  let plan = best(order, snapshot, world, sites);
  const roomy = (w: number) => {
    const { orders, units } = snapshot.warehouses[w]?.room ?? { orders: null, units: null };
    const could = wanted.reduce((sum, quantity, p) => sum + Math.min(quantity, stock[w]?.[p] ?? 0), 0);
    return orders !== 0 && (units === null || units >= could);
  };
  const tests = [
    roomy,
    (w: number) => snapshot.warehouses[w]?.late === false,
    ...preferred.map((ids) => (w: number) => ids.includes(snapshot.warehouses[w]?.warehouseId ?? '')),
  ];
  for (const test of tests) {
    const fewer = sites.filter(test);
    const other = best(order, snapshot, world, fewer);
    if (other.units === plan.units) {
      sites = fewer;
      plan = other;
    }
  }
  const total = wanted.reduce((sum, units) => sum + units, 0);
  if (plan.units === 0 || (waits && plan.units < total)) return { kind: 'short', ...NONE };
  return plan;
}
