/**
 * Decides which warehouses ship an order, from a snapshot and nothing else, in this order: the merchant's
 * rules, then fewest shipments, then least cost, then the least load, then the smaller warehouse ids, so
 * that the same snapshot always gives the same plan. The plan reserves nothing; its caller holds the
 * stock that the snapshot tells of.
 *
 * Demand of one product in several lines is summed before it is compared with stock: two lines of six
 * against ten units are short, not two fits. A product's quantity is spread over warehouses only when no
 * single one that may ship it has enough, and the merchant allows that. What is preferred (a day that is
 * not full, a promise that is kept, then the warehouses that rules prefer) narrows the choice only while
 * as much of the order is served: a preference never leaves a customer with less.
 */
import { type Choice, type Chosen, chooseSites, type Problem, take } from './choose-sites';
import { type SiteCost, siteCosts, UNKNOWN_COST } from './cost';
import { type Evaluation, evaluateRules } from './evaluate-rules';
import { type Demand, demandOf, shipmentsOf } from './fill-shipments';
import type { FulfilmentPlan, PlanOrder, RoutingSnapshot, WarehouseSnapshot } from './snapshot';
import type { DecidedBy, NarrowTrace, RoutingTrace, WarehouseTrace } from './trace';

interface Candidate {
  readonly snapshot: WarehouseSnapshot;
  readonly fixed: number;
  /** By need, as are all the arrays below. */
  readonly perUnit: readonly number[];
  /** Units that it has and may ship. */
  readonly units: readonly number[];
}

interface Choosing {
  readonly demand: readonly Demand[];
  readonly rules: Evaluation;
  readonly candidates: readonly Candidate[];
  /** No single candidate has enough, and it may be split. */
  readonly spread: readonly boolean[];
  /** What the candidates can ship of it, whatever the limit of shipments. */
  readonly reachable: readonly number[];
}

interface Found {
  readonly chosen: Chosen;
  readonly problem: Problem;
  /** Which of the order's needs each need of the problem is. */
  readonly needs: readonly number[];
  readonly sites: readonly Candidate[];
  readonly narrowed: readonly NarrowTrace[];
}

/**
 * Plans an order's shipments; what is known of their number and cost beyond ten warehouses is said in
 * choose-sites and in the trace.
 * @param steps how long to search, for tests.
 * @returns `short` when something is missing and the order waits, or when there is nothing at all.
 * @throws RangeError when a quantity is not a positive whole number: callers validate first.
 */
export function planFulfilment(order: PlanOrder, snapshot: RoutingSnapshot, steps?: number): FulfilmentPlan {
  const choosing = prepare(order, snapshot);
  const { demand, rules, reachable } = choosing;
  const before = traceOfCandidates(snapshot, choosing);
  if (demand.length === 0) return { kind: 'plan', shipments: [], backorder: [], trace: before };
  const waits = rules.limits.partial === 'wait';
  const nowhere = demand.filter(({ productId }) => rules.allowed.get(productId)?.size === 0);
  if (nowhere.length === demand.length || (waits && nowhere.length > 0)) {
    return { kind: 'no_warehouse', productIds: nowhere.map(({ productId }) => productId), trace: before };
  }
  if (isShort(choosing, reachable)) return short(demand, reachable, before);
  const found = choose(choosing, steps);
  if (found === null)
    return short(
      demand,
      demand.map(() => 0),
      before,
    );
  const trace = { ...before, ...traceOfChoice(found) };
  const taken = take(found.problem, bestOf(found).sites).map(({ need, site, units }) => ({
    need: found.needs[need] as number,
    warehouseId: (found.sites[site] as Candidate).snapshot.warehouseId,
    units,
  }));
  const served = demand.map((_, at) =>
    taken.reduce((sum, { need, units }) => sum + (need === at ? units : 0), 0),
  );
  if (isShort(choosing, served)) return short(demand, served, trace);
  const byProduct = taken.map((part) => ({ ...part, productId: (demand[part.need] as Demand).productId }));
  return { kind: 'plan', ...shipmentsOf(order.lines, byProduct), trace };
}

function prepare(order: PlanOrder, snapshot: RoutingSnapshot): Choosing {
  const demand = demandOf(order.lines);
  const productIds = demand.map(({ productId }) => productId);
  const rules = evaluateRules(order.facts, productIds, snapshot);
  const sorted = [...snapshot.warehouses].sort((a, b) => (a.warehouseId < b.warehouseId ? -1 : 1));
  const costs = siteCosts(sorted, order.facts, snapshot.rates, snapshot.zones);
  const grams = productIds.map((productId) => snapshot.products.get(productId)?.gramsEach ?? 0);
  const candidates = sorted.map((warehouse, at): Candidate => {
    const { fixed, perGram } = costs[at] as SiteCost;
    const units = productIds.map((productId) =>
      rules.allowed.get(productId)?.has(warehouse.warehouseId)
        ? Math.max(0, warehouse.available.get(productId) ?? 0)
        : 0,
    );
    return { snapshot: warehouse, fixed, perUnit: grams.map((each) => perGram * each), units };
  });
  const has = (need: number) => candidates.map(({ units }) => units[need] as number);
  const spread = demand.map(
    ({ quantity }, need) => rules.limits.splitLines && has(need).every((units) => units < quantity),
  );
  const reachable = reachOf(demand, spread, candidates);
  return { demand, rules, candidates, spread, reachable };
}

/** What these sites can ship of each need: together where it may be split, else the fullest one. */
function reachOf(
  demand: readonly Demand[],
  spread: readonly boolean[],
  sites: readonly Candidate[],
): number[] {
  return demand.map(({ quantity }, need) => {
    const has = sites.map(({ units }) => units[need] as number);
    return Math.min(quantity, spread[need] ? sum(has) : Math.max(0, ...has));
  });
}

/** Whether the order waits when this much of each need can be shipped. */
function isShort({ demand, rules }: Choosing, units: readonly number[]): boolean {
  if (units.every((each) => each === 0)) return true;
  const complete = demand.every(({ quantity }, need) => units[need] === quantity);
  return !complete && rules.limits.partial === 'wait';
}

function short(
  demand: readonly Demand[],
  available: readonly number[],
  trace: RoutingTrace,
): Extract<FulfilmentPlan, { kind: 'short' }> {
  const missing = demand
    .map(({ productId, quantity }, need) => ({
      productId,
      needed: quantity,
      available: available[need] as number,
    }))
    .filter((each) => each.available < each.needed);
  return { kind: 'short', missing, trace };
}

const bestOf = ({ chosen }: Found) => chosen.choices[0] as Choice;

function attempt(choosing: Choosing, sites: readonly Candidate[], steps?: number): Found | null {
  const { demand, rules, spread, reachable } = choosing;
  const needs = [...demand.keys()].filter((need) => (reachable[need] as number) > 0);
  const problem: Problem = {
    needs: needs.map((need) => ({
      quantity: reachable[need] as number,
      spread: spread[need] as boolean,
    })),
    sites: sites.map(({ fixed, snapshot, units, perUnit }) => ({
      fixed,
      load: snapshot.load,
      units: needs.map((need) => units[need] as number),
      perUnit: needs.map((need) => perUnit[need] as number),
    })),
  };
  const most = rules.limits.shipments ?? sites.length;
  const chosen = chooseSites(problem, most, steps);
  return chosen === null ? null : { chosen, problem, needs, sites, narrowed: [] };
}

/** Chooses among all candidates, and then among fewer while those serve as much. */
function choose(choosing: Choosing, steps?: number): Found | null {
  const useful = choosing.candidates.filter(({ units }) => units.some((each) => each > 0));
  const widest = attempt(choosing, useful, steps);
  if (widest === null) return null;
  let found: Found = widest;
  const narrowed: NarrowTrace[] = [];
  for (const { by, prefers } of preferencesOf(choosing)) {
    const sites = found.sites.filter(prefers);
    if (sites.length === found.sites.length) continue;
    const { units } = bestOf(found);
    const enough = sum(reachOf(choosing.demand, choosing.spread, sites)) >= units;
    const fewer = enough ? attempt(choosing, sites, steps) : null;
    const kept = fewer !== null && bestOf(fewer).units === units;
    narrowed.push({ by, to: sites.map(({ snapshot }) => snapshot.warehouseId), kept });
    if (kept) found = fewer;
  }
  return { ...found, narrowed };
}

/** It has room for everything of the order that it could ship: so a day never ends above its limit. */
function hasRoom({ snapshot: { room }, units }: Candidate, demand: readonly Demand[]): boolean {
  if (room.orders !== null && room.orders < 1) return false;
  if (room.units === null) return true;
  return room.units >= sum(demand.map(({ quantity }, need) => Math.min(quantity, units[need] as number)));
}

function preferencesOf({ demand, rules }: Choosing) {
  return [
    { by: 'capacity', prefers: (site: Candidate) => hasRoom(site, demand) },
    { by: 'promise', prefers: (site: Candidate) => !site.snapshot.late },
    ...rules.preferences.map(({ ruleId, warehouseIds }) => ({
      by: ruleId,
      prefers: ({ snapshot }: Candidate) => warehouseIds.includes(snapshot.warehouseId),
    })),
  ];
}

const knownCost = (cost: number) => (cost >= UNKNOWN_COST ? null : cost);

function traceOfCandidates({ rates }: RoutingSnapshot, choosing: Choosing): RoutingTrace {
  const { demand, rules, candidates, spread } = choosing;
  const warehouses = candidates.map((candidate): WarehouseTrace => {
    const { snapshot, fixed, units } = candidate;
    const mayShip = demand.some(({ productId }) => rules.allowed.get(productId)?.has(snapshot.warehouseId));
    const out = !mayShip ? 'rules' : units.every((each) => each === 0) ? 'nothing' : null;
    const avoid = !hasRoom(candidate, demand) ? 'full' : snapshot.late ? 'late' : null;
    return {
      warehouse: snapshot.warehouseId,
      whole: demand.filter(({ quantity }, need) => (units[need] as number) >= quantity).length,
      cost: knownCost(fixed),
      load: snapshot.load,
      ...(out === null ? {} : { out }),
      ...(avoid === null ? {} : { avoid }),
    };
  });
  return {
    rules: rules.trace,
    limits: rules.limits,
    costBy: rates.length === 0 ? 'distance' : 'rates',
    warehouses,
    narrowed: [],
    options: [],
    decidedBy: null,
    spread: demand.filter((_, need) => spread[need]).map(({ productId }) => productId),
    proof: 'exact',
    atLeast: 0,
  };
}

function traceOfChoice({ chosen, sites, narrowed }: Found): Partial<RoutingTrace> {
  const options = chosen.choices.map(({ sites: set, units, cost, load }) => ({
    warehouses: set.map((at) => (sites[at] as Candidate).snapshot.warehouseId),
    units,
    cost: knownCost(cost),
    load,
  }));
  const { proof, atLeast } = chosen;
  return { narrowed, options, decidedBy: decidedBy(chosen.choices), proof, atLeast };
}

function decidedBy([best, next]: readonly Choice[]): DecidedBy | null {
  if (best === undefined) return null;
  if (next === undefined) return 'shipments';
  if (best.units !== next.units) return 'units';
  if (best.sites.length !== next.sites.length) return 'shipments';
  if (best.cost !== next.cost) return 'cost';
  return best.load === next.load ? 'id' : 'load';
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
