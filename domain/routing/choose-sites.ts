/**
 * Which set of sites ships an order: the one that serves most units within the limit of shipments, of
 * those the smallest, then the cheapest, then the least loaded, then by id.
 *
 * Two searches. `serveAll` asks for sets of one size after the other, smallest first: it takes the open
 * product that fewest sites can serve and tries each of those sites. Every set that serves the order holds
 * one of them, so no smallest set is missed, and a site that was tried is left out afterwards, so none is
 * met twice. `serveMost` is for orders that can't be served whole within the limit, and tries every set up
 * to it. Neither visits a set of sites twice, so up to ten sites (at most 2^10 sets of each of ten sizes)
 * the steps never run out and the answer is exact.
 *
 * Beyond that the steps may run out. If they do among sets of a size of which some were found, that size is
 * the smallest (`fewest`) and only their cost is unproven. If none was found, a greedy set stands in
 * (`bounded`): always the site that adds most to what is served, counting a whole product as one and a
 * spread one by its units. That count is an integer, monotone and submodular function of the set, so the
 * greedy set has at most H(d) = 1 + 1/2 + … + 1/d times the fewest shipments, d being the most that one
 * site adds (Wolsey, "An analysis of the greedy algorithm for the submodular set covering problem",
 * Combinatorica 2, 1982); and the sizes refuted before give `atLeast`. Under a limit of shipments the
 * greedy set of `serveMost` serves at least 1 − 1/e of the most units (Nemhauser, Wolsey and Fisher, 1978).
 */

export interface Need {
  /** At least 1. */
  readonly quantity: number;
  /** May come from several sites; else it comes from one, whole. */
  readonly spread: boolean;
}

/** In the order of ids. */
export interface Site {
  readonly fixed: number;
  readonly load: number;
  /** What it may ship of each need. */
  readonly units: readonly number[];
  /** What a unit of each need costs from here, beside the fixed cost. */
  readonly perUnit: readonly number[];
}

export interface Problem {
  readonly needs: readonly Need[];
  readonly sites: readonly Site[];
}

export interface Choice {
  /** Indexes of sites, ascending. */
  readonly sites: readonly number[];
  readonly units: number;
  readonly cost: number;
  readonly load: number;
}

export interface Chosen {
  /** The best first, then at most three that it was compared with. */
  readonly choices: readonly Choice[];
  readonly proof: 'exact' | 'fewest' | 'bounded';
  /** No set of fewer sites serves as much. */
  readonly atLeast: number;
}

export interface Taken {
  readonly need: number;
  readonly site: number;
  readonly units: number;
}

/** A step takes about a microsecond for ten products: never more than some 20 ms, whatever is asked. */
export const MOST_STEPS = 20_000;
/** The winner and three others tell a person enough. */
const KEPT = 4;

/** Negative when `a` is better. */
function compare(a: Choice, b: Choice): number {
  return (
    b.units - a.units ||
    a.sites.length - b.sites.length ||
    a.cost - b.cost ||
    a.load - b.load ||
    firstDifference(a.sites, b.sites)
  );
}

function firstDifference(a: readonly number[], b: readonly number[]): number {
  for (const [at, site] of a.entries()) if (site !== b[at]) return site - (b[at] ?? 0);
  return 0;
}

/**
 * What these sites ship: of each need all that they can, from where it costs least. Where that is equal, a
 * whole product comes from the site with the cheapest parcel and a spread one from the fullest site, so
 * that it is in few pieces.
 */
export function take({ needs, sites }: Problem, set: readonly number[]): Taken[] {
  const taken: Taken[] = [];
  for (const [need, { quantity, spread }] of needs.entries()) {
    const site = (at: number) => sites[at] as Site;
    const units = (at: number) => Math.min(site(at).units[need] as number, quantity);
    const perUnit = (at: number) => site(at).perUnit[need] as number;
    const byParcel = (a: number, b: number) => site(a).fixed - site(b).fixed || a - b;
    if (!spread) {
      let best = -1;
      for (const at of set) {
        const better =
          best === -1 || (units(best) - units(at) || perUnit(at) - perUnit(best) || byParcel(at, best)) < 0;
        if (better) best = at;
      }
      if (best !== -1 && units(best) > 0) taken.push({ need, site: best, units: units(best) });
      continue;
    }
    let open = quantity;
    for (const at of [...set].sort(
      (a, b) => perUnit(a) - perUnit(b) || units(b) - units(a) || byParcel(a, b),
    )) {
      const part = Math.min(open, units(at));
      if (part > 0) taken.push({ need, site: at, units: part });
      open -= part;
    }
  }
  return taken;
}

function choiceOf(problem: Problem, set: readonly number[]): Choice {
  let units = 0;
  let cost = 0;
  let load = 0;
  for (const part of take(problem, set)) {
    units += part.units;
    cost += part.units * ((problem.sites[part.site] as Site).perUnit[part.need] as number);
  }
  for (const at of set) {
    cost += (problem.sites[at] as Site).fixed;
    load += (problem.sites[at] as Site).load;
  }
  return { sites: [...set].sort((a, b) => a - b), units, cost, load };
}

/** The best few choices, the best first. */
class Kept {
  readonly choices: Choice[] = [];
  add(choice: Choice): void {
    let at = this.choices.length;
    while (at > 0 && compare(choice, this.choices[at - 1] as Choice) < 0) at -= 1;
    if (at < KEPT) this.choices.splice(at, 0, choice);
    if (this.choices.length > KEPT) this.choices.pop();
  }
  /** What a set of the same units and size must cost at most to be kept. */
  get dearest(): number {
    return this.choices.length < KEPT ? Number.POSITIVE_INFINITY : (this.choices.at(-1) as Choice).cost;
  }
}

/** Sites by the cost of a parcel: whoever is tried first makes the later ones easy to leave out. */
function cheapestFirst({ sites }: Problem): number[] {
  return sites
    .map((_, at) => at)
    .sort((a, b) => (sites[a] as Site).fixed - (sites[b] as Site).fixed || a - b);
}

class ServeAll {
  private readonly helpers: readonly (readonly number[])[];
  /** Needs, those first that fewest sites help. */
  private readonly order: readonly number[];
  private readonly cheapest: number;
  private readonly floor: number;
  private readonly left: boolean[];
  private kept = new Kept();
  private size = 0;

  constructor(
    private readonly problem: Problem,
    private steps: number,
  ) {
    const { needs, sites } = problem;
    const byCost = cheapestFirst(problem);
    this.helpers = needs.map(({ quantity, spread }, need) =>
      byCost.filter((at) => ((sites[at] as Site).units[need] as number) >= (spread ? 1 : quantity)),
    );
    this.order = needs
      .map((_, need) => need)
      .sort((a, b) => (this.helpers[a]?.length ?? 0) - (this.helpers[b]?.length ?? 0) || a - b);
    this.cheapest = Math.min(...sites.map(({ fixed }) => fixed));
    this.floor = needs.reduce(
      (sum, { quantity }, need) =>
        sum + quantity * Math.min(...sites.map((site) => site.perUnit[need] as number)),
      0,
    );
    this.left = sites.map(() => false);
  }

  /** null when no set within the limit serves everything. */
  run(most: number): Chosen | null {
    const { needs, sites } = this.problem;
    const all = sites.map((_, at) => at);
    if (needs.some((_, need) => this.open(need, all))) return null;
    const least = Math.max(1, ...needs.map((_, need) => this.fewest(need)));
    for (this.size = least; this.size <= Math.min(most, sites.length); this.size += 1) {
      this.kept = new Kept();
      this.visit([], 0);
      const ended = this.steps > 0;
      const { choices } = this.kept;
      if (choices.length > 0) return { choices, proof: ended ? 'exact' : 'fewest', atLeast: this.size };
      if (!ended) return this.greedy(most);
    }
    return null;
  }

  /** Whether the set leaves something open of this need. */
  private open(need: number, set: readonly number[]): boolean {
    const { quantity, spread } = this.problem.needs[need] as Need;
    let sum = 0;
    for (const at of set) {
      const units = (this.problem.sites[at] as Site).units[need] as number;
      if (units >= quantity) return false;
      sum += units;
    }
    return !spread || sum < quantity;
  }

  /** How many sites one need takes by itself. */
  private fewest(need: number): number {
    const { quantity, spread } = this.problem.needs[need] as Need;
    if (!spread) return 1;
    const fullest = this.problem.sites.map(({ units }) => units[need] as number).sort((a, b) => b - a);
    let sum = 0;
    return fullest.findIndex((units) => (sum += units) >= quantity) + 1;
  }

  private visit(chosen: readonly number[], cost: number): void {
    if (this.steps <= 0) return;
    this.steps -= 1;
    const need = this.order.find((each) => this.open(each, chosen));
    if (need === undefined) {
      this.kept.add(choiceOf(this.problem, chosen));
      return;
    }
    const more = this.size - chosen.length;
    if (more === 0) return;
    const tried: number[] = [];
    for (const at of this.helpers[need] as readonly number[]) {
      if (this.left[at] || chosen.includes(at)) continue;
      const fixed = cost + (this.problem.sites[at] as Site).fixed;
      if (fixed + (more - 1) * this.cheapest + this.floor > this.kept.dearest) break;
      this.visit([...chosen, at], fixed);
      this.left[at] = true;
      tried.push(at);
    }
    for (const at of tried) this.left[at] = false;
  }

  private greedy(most: number): Chosen | null {
    const { needs, sites } = this.problem;
    const counts = (units: number, need: number) => {
      const { quantity, spread } = needs[need] as Need;
      return spread ? units : Number(units === quantity);
    };
    let needed = greedySet(this.problem, sites.length, counts);
    for (const at of [...needed]) {
      const without = needed.filter((other) => other !== at);
      if (needs.every((_, need) => !this.open(need, without))) needed = without;
    }
    if (needed.length > most) return null;
    return { choices: [choiceOf(this.problem, needed)], proof: 'bounded', atLeast: this.size };
  }
}

/**
 * Adds the site that counts most, the cheapest among equals, until none counts.
 * @param worth what the units taken of a need count for.
 */
function greedySet(problem: Problem, most: number, worth: (units: number, need: number) => number): number[] {
  const { needs, sites } = problem;
  const byCost = cheapestFirst(problem);
  const have = needs.map(() => 0);
  const after = (need: number, at: number) => {
    const { quantity, spread } = needs[need] as Need;
    const units = (sites[at] as Site).units[need] as number;
    const before = have[need] as number;
    return Math.min(quantity, spread ? before + units : Math.max(before, units));
  };
  const set: number[] = [];
  while (set.length < most) {
    let best = -1;
    let bestGain = 0;
    for (const at of byCost) {
      if (set.includes(at)) continue;
      let gain = 0;
      for (const [need, before] of have.entries()) gain += worth(after(need, at), need) - worth(before, need);
      if (gain > bestGain) [best, bestGain] = [at, gain];
    }
    if (best === -1) break;
    for (const need of needs.keys()) have[need] = after(need, best);
    set.push(best);
  }
  return set;
}

function serveMost(problem: Problem, most: number, steps: number): Chosen {
  const kept = new Kept();
  const byCost = cheapestFirst(problem);
  let left = steps;
  const visit = (from: number, chosen: readonly number[]) => {
    for (let at = from; at < byCost.length && left > 0; at += 1) {
      left -= 1;
      const set = [...chosen, byCost[at] as number];
      kept.add(choiceOf(problem, set));
      if (set.length < most) visit(at + 1, set);
    }
  };
  visit(0, []);
  if (left === 0)
    kept.add(
      choiceOf(
        problem,
        greedySet(problem, most, (units) => units),
      ),
    );
  const [best] = kept.choices;
  const useful = best === undefined || best.units === 0 ? [] : kept.choices;
  return {
    choices: useful,
    proof: left === 0 ? 'bounded' : 'exact',
    atLeast: left === 0 ? 1 : (best?.sites.length ?? 0),
  };
}

/**
 * The best sets of sites, which serve as much as they can within the limit.
 * @param most shipments at most.
 * @returns null when no site has anything.
 */
export function chooseSites(problem: Problem, most: number, steps = MOST_STEPS): Chosen | null {
  if (problem.sites.length === 0) return null;
  const whole = new ServeAll(problem, steps).run(most);
  if (whole !== null) return whole;
  const part = serveMost(problem, most, steps);
  return part.choices.length === 0 ? null : part;
}
