import { differenceOf } from '../../../../bench/routing';
import { routingCase } from '../../../../bench/routing-cases';
import {
  type Choice,
  type Chosen,
  chooseSites,
  MOST_STEPS,
  type Problem,
} from '../../../../domain/routing/choose-sites';
import { planFulfilment } from '../../../../domain/routing/plan-fulfilment';
import { seededRandom } from '../../../../simulators/fault-knobs';

test('a plan is as good as the best of all plans, with rules, rates, limits, capacity and ties', () => {
  const random = seededRandom(20_261);
  for (let n = 0; n < 400; n += 1) expect(differenceOf(routingCase(random, 6, 6))).toBeNull();
});

test('with ten warehouses the search never gives up before it has proven its answer', () => {
  const random = seededRandom(7);
  for (let n = 0; n < 400; n += 1) {
    const { order, snapshot } = routingCase(random, 10, 10);
    expect(planFulfilment(order, snapshot).trace.proof).toBe('exact');
  }
  const sites = Array.from({ length: 10 }, (_, at) => ({
    fixed: 1,
    load: 0,
    units: Array.from({ length: 10 }, (_, need) => (need === at ? 1 : 0)),
    perUnit: Array.from({ length: 10 }, () => 0),
  }));
  const needs = sites.map(() => ({ quantity: 1, spread: false }));
  expect(chooseSites({ sites, needs }, 10)).toMatchObject({ proof: 'exact', atLeast: 10 });
  expect(chooseSites({ sites, needs }, 5)).toMatchObject({
    proof: 'exact',
    choices: [{ units: 5 }, {}, {}, {}],
  });
});

const harmonic = (d: number): number => (d < 1 ? 0 : 1 / d + harmonic(d - 1));

/** Scarce stock over more warehouses than are searched for certain. */
function wideProblem(random: () => number): Problem {
  const below = (n: number) => Math.floor(random() * n);
  const needs = Array.from({ length: 3 + below(6) }, () => ({
    quantity: 1 + below(6),
    spread: random() < 0.3,
  }));
  const sites = Array.from({ length: 11 + below(2) }, () => ({
    fixed: below(1000),
    load: below(3),
    units: needs.map(({ quantity, spread }) =>
      random() < 0.6 ? 0 : spread ? below(quantity) : random() < 0.6 ? quantity : below(quantity),
    ),
    perUnit: needs.map(() => 0),
  }));
  return { needs, sites };
}

const best = (chosen: Chosen | null) => chosen?.choices[0] as Choice;

/** What a site adds to the count that the greedy choice goes by. */
function mostCounted({ needs, sites }: Problem): number {
  const counted = ({ units }: Problem['sites'][number]) =>
    needs.reduce((sum, { quantity, spread }, need) => {
      const has = Math.min(quantity, units[need] as number);
      return sum + (spread ? has : Number(has === quantity));
    }, 0);
  return Math.max(...sites.map(counted));
}

test('beyond that, shipments stay within H(d) times the fewest, and the fewest is at least what is said', () => {
  const random = seededRandom(99);
  let bounded = 0;
  for (let n = 0; n < 150; n += 1) {
    const problem = wideProblem(random);
    const exact = chooseSites(problem, problem.sites.length, 10_000_000);
    if (exact === null || exact.proof !== 'exact') continue;
    const units = problem.needs.reduce((sum, { quantity }) => sum + quantity, 0);
    for (const steps of [1, 4, 16, 64]) {
      const quick = chooseSites(problem, problem.sites.length, steps);
      if (best(exact).units < units) continue;
      expect(best(quick).units).toBe(units);
      const fewest = best(exact).sites.length;
      expect(best(quick).sites.length).toBeLessThanOrEqual(fewest * harmonic(mostCounted(problem)) + 1e-9);
      expect(quick?.atLeast).toBeLessThanOrEqual(fewest);
      if (quick?.proof !== 'bounded') expect(best(quick).sites.length).toBe(fewest);
      if (quick?.proof === 'bounded') bounded += 1;
    }
  }
  expect(bounded).toBeGreaterThan(50);
});

test('under a limit of shipments at least 1 − 1/e of the most units are served', () => {
  const random = seededRandom(5);
  for (let n = 0; n < 60; n += 1) {
    const problem = wideProblem(random);
    for (const most of [1, 2, 3]) {
      const exact = chooseSites(problem, most, MOST_STEPS * 100);
      const quick = chooseSites(problem, most, 1);
      expect(best(quick)?.units ?? 0).toBeGreaterThanOrEqual(
        (1 - 1 / Math.E) * (best(exact)?.units ?? 0) - 1e-9,
      );
      expect(best(quick)?.sites.length ?? 0).toBeLessThanOrEqual(most);
    }
  }
});

test('two hundred warehouses are planned within the steps that a plan may take', () => {
  const random = seededRandom(3);
  const needs = Array.from({ length: 10 }, () => ({ quantity: 2, spread: false }));
  const sites = Array.from({ length: 200 }, () => ({
    fixed: Math.floor(random() * 4_000_000),
    load: 0,
    units: needs.map(() => (random() < 0.3 ? 2 : 0)),
    perUnit: needs.map(() => 0),
  }));
  const chosen = chooseSites({ needs, sites }, 200);
  expect(best(chosen).units).toBe(20);
  expect(chosen?.atLeast).toBeGreaterThanOrEqual(2);
});
