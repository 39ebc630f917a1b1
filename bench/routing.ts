/**
 * Whether orders of up to ten lines over up to eight warehouses go the best way, and how long the decision
 * takes: ten thousand random cases, each against a brute force that shares no cost code with it (see
 * routing-oracle). A case that differs is printed and fails the run. The time is that of the decision
 * alone, rules and reasons included, on cases of full size.
 */
import { planFulfilment } from '../domain/routing/plan-fulfilment';
import type { FulfilmentPlan } from '../domain/routing/snapshot';
import { seededRandom } from '../simulators/fault-knobs';
import { type Figure, figure } from './figure';
import { type RoutingCase, routingCase } from './routing-cases';
import { oraclePlan, priceOf } from './routing-oracle';

const CASES = 10_000;
const LINES = 10;
const WAREHOUSES = 8;

export function routing({ seed }: { readonly seed: number }): Promise<Figure[]> {
  const random = seededRandom(seed);
  let equal = 0;
  for (let n = 0; n < CASES; n += 1) {
    const made = routingCase(random, LINES, WAREHOUSES);
    const difference = differenceOf(made);
    if (difference === null) equal += 1;
    else process.stderr.write(`case ${n} of seed ${seed}: ${difference}\n`);
  }
  const times = timesOf(seededRandom(seed + 1));
  const at = (share: number) => times[Math.floor(times.length * share)] ?? 0;
  const name = 'routing';
  return Promise.resolve([
    figure(
      { name: `${name}.equal-to-brute-force`, value: equal, unit: 'cases', goal: { atLeast: CASES } },
      seed,
    ),
    figure({ name: `${name}.p50`, value: at(0.5), unit: 'ms', goal: { atMost: 1 } }, seed),
    figure({ name: `${name}.p99`, value: at(0.99), unit: 'ms' }, seed),
  ]);
}

/** Milliseconds of each decision on ten lines and eight warehouses, ascending. */
function timesOf(random: () => number): number[] {
  const times: number[] = [];
  while (times.length < CASES) {
    const { order, snapshot } = routingCase(random, LINES, WAREHOUSES);
    if (order.lines.length < LINES || snapshot.warehouses.length < WAREHOUSES) continue;
    const began = performance.now();
    planFulfilment(order, snapshot);
    times.push(performance.now() - began);
  }
  return times.sort((a, b) => a - b);
}

/** What is wrong with the plan of a case, null when it is as good as the best. */
export function differenceOf({ order, snapshot }: RoutingCase): string | null {
  const plan = planFulfilment(order, snapshot);
  const best = oraclePlan(order, snapshot);
  const got = plan.kind === 'plan' ? measured(plan, { order, snapshot }) : { ...best, kind: plan.kind };
  if (typeof got === 'string') return got;
  const [a, b] = [JSON.stringify(got), JSON.stringify(best)];
  return a === b ? null : `planned ${a}, best is ${b}: ${JSON.stringify(order)} ${printable(snapshot)}`;
}

function measured(plan: Extract<FulfilmentPlan, { kind: 'plan' }>, { order, snapshot }: RoutingCase) {
  let units = 0;
  let cost = 0;
  let unknown = 0;
  let load = 0;
  for (const { warehouseId, lines } of plan.shipments) {
    const site = snapshot.warehouses.find((each) => each.warehouseId === warehouseId);
    const grams = lines.reduce(
      (sum, line) => sum + line.quantity * (snapshot.products.get(line.productId)?.gramsEach ?? 0),
      0,
    );
    const price = priceOf(order, snapshot, warehouseId, grams);
    cost += price.known;
    unknown += price.unknown;
    load += site?.load ?? 0;
    const shipped = new Map<string, number>();
    for (const line of lines) {
      units += line.quantity;
      shipped.set(line.productId, (shipped.get(line.productId) ?? 0) + line.quantity);
    }
    for (const [id, count] of shipped)
      if (count > (site?.available.get(id) ?? 0)) return `${warehouseId} has no ${count} of ${id}`;
  }
  const waiting = plan.backorder.reduce((sum, line) => sum + line.quantity, 0);
  const asked = order.lines.reduce((sum, line) => sum + line.quantity, 0);
  if (units + waiting !== asked) return `${units} ship and ${waiting} wait of ${asked}`;
  const warehouseIds = plan.shipments.map(({ warehouseId }) => warehouseId).sort();
  return { kind: plan.kind, units, warehouseIds, cost, unknown, load };
}

function printable(snapshot: RoutingCase['snapshot']): string {
  return JSON.stringify(snapshot, (_, value: unknown) => (value instanceof Map ? [...value] : value));
}
