/**
 * How fast channels know: 2,000 stock changes a second over 10,000 SKUs (Zipf 1.1), each listed in five
 * simulated Shopify shops that answer in 20 ms. Lag is measured from outside: from the moment at which
 * the seller knows of its commit to the moment at which the last shop has a quantity that tells it, by
 * the shops' own journals. At the end every shop must show what can be promised of every product. Then
 * the same load against shops with the limits of real plans: what can't all be told at once is told
 * hottest first, and each connection's lag is shown.
 */
import { seededRandom } from '../simulators/fault-knobs';
import { type StockChange, sell, zipf } from './channel-sync/sellers';
import type { Heard } from './channel-sync/shops-process';
import { type Plan, productOf, startWorld, type World } from './channel-sync/world';
import { cpuBetween } from './cpu-time';
import { pause } from './engine';
import { type Figure, figure } from './figure';

const PRODUCTS = 10_000;
const EXPONENT = 1.1;
const CHANGES_A_SECOND = 2_000;
const WARM_UP_SECONDS = 3;
const GOAL_P99_MS = 250;
const GOAL_CALLS_A_CHANGE = 0.1;
/** What is told this long after the last change still counts. */
const LAST_WORDS_MS = 1_000;
/** The products that sell most. */
const HOT = 100;

/** Shopify Plus: its limit is not what is measured here. */
const AMPLE: readonly Plan[] = [1, 2, 3, 4, 5].map((n) => ({
  name: `shop ${n}`,
  pointsPerSecond: 1_000,
  callsPerSecond: 50,
  quantitiesPerCall: null,
}));
/** Shopify's plans as published in points a second, and one that leaves little to stock. */
const LIMITED: readonly Plan[] = [
  { name: 'plus', pointsPerSecond: 1_000, callsPerSecond: 50, quantitiesPerCall: null },
  { name: 'advanced', pointsPerSecond: 200, callsPerSecond: 10, quantitiesPerCall: null },
  { name: 'standard', pointsPerSecond: 100, callsPerSecond: 5, quantitiesPerCall: null },
  { name: 'standard-shared', pointsPerSecond: 100, callsPerSecond: 2, quantitiesPerCall: null },
];

export interface ChannelSyncOptions {
  readonly seed: number;
  readonly seconds: number;
}

export async function channelSync({ seed, seconds }: ChannelSyncOptions): Promise<Figure[]> {
  return [...(await ample(seed, seconds)), ...(await limited(seed, seconds))];
}

interface Run {
  readonly changes: readonly StockChange[];
  readonly heard: readonly Heard[];
  readonly cpu: ReadonlyMap<string, number>;
  readonly endedAt: number;
}

async function run(world: World, seed: number, seconds: number, drain: boolean): Promise<Run> {
  await world.settle();
  const draw = zipf(PRODUCTS, EXPONENT, seededRandom(seed));
  await sell(world.shelf, draw, CHANGES_A_SECOND, WARM_UP_SECONDS);
  if (drain) await world.settle();
  await world.heard();
  const before = world.cpu();
  const changes = await sell(world.shelf, draw, CHANGES_A_SECOND, seconds);
  const endedAt = Date.now();
  const cpu = cpuBetween(before, world.cpu());
  if (drain) await world.settle();
  else await pause(LAST_WORDS_MS);
  return { changes, heard: await world.heard(), cpu, endedAt };
}

async function ample(seed: number, seconds: number): Promise<Figure[]> {
  const world = await startWorld(PRODUCTS, AMPLE);
  try {
    const measured = await run(world, seed, seconds, true);
    const { changes, heard, cpu } = measured;
    const lags = lagsOf(changes, heard, AMPLE.length);
    const last = lags.map((each) => Math.max(...each)).sort((a, b) => a - b);
    const calls = new Set(heard.map(([shop, , , , call]) => `${shop} ${call}`)).size;
    const of = (name: string, value: number, unit: string, goal?: { readonly atMost: number }) =>
      figure({ name: `channel-sync.${name}`, value, unit, ...(goal === undefined ? {} : { goal }) }, seed);
    return [
      of('p99', quantile(last, 0.99), 'ms', { atMost: GOAL_P99_MS }),
      of('p50', quantile(last, 0.5), 'ms'),
      of('most', quantile(last, 1), 'ms'),
      of('calls-a-change', calls / changes.length, 'calls', { atMost: GOAL_CALLS_A_CHANGE }),
      of('differing', await world.differing(), 'listings', { atMost: 0 }),
      of('changes', changes.length / seconds, 'changes/s'),
      of('quantities-a-call', heard.length / calls, 'quantities'),
      ...[...cpu].map(([label, used]) => of(`cpu.${label}`, used / seconds, 'cores')),
    ];
  } finally {
    await world.stop();
  }
}

async function limited(seed: number, seconds: number): Promise<Figure[]> {
  const world = await startWorld(PRODUCTS, LIMITED);
  try {
    const { changes, heard, endedAt } = await run(world, seed, seconds, false);
    const figures = LIMITED.flatMap(({ name }, shop) => {
      const lags = lagsOf(
        changes,
        heard.filter(([of]) => of === shop),
        shop + 1,
        // What was not told by the end has waited at least so long.
      ).map((each, at) =>
        Math.min(each[shop] as number, endedAt - (changes[at] as StockChange).at + LAST_WORDS_MS),
      );
      const isHot = changes.map(({ product }) => product < HOT);
      const hot = lags.filter((_, at) => isHot[at]).sort((a, b) => a - b);
      const others = lags.filter((_, at) => !isHot[at]).sort((a, b) => a - b);
      const all = [...lags].sort((a, b) => a - b);
      const of = (what: string, value: number) =>
        figure({ name: `channel-sync.limited.${name}.${what}`, value, unit: 'ms' }, seed);
      return [
        of('p50', quantile(all, 0.5)),
        of('p99', quantile(all, 0.99)),
        of(`hottest-${HOT}-p50`, quantile(hot, 0.5)),
        of('others-p50', quantile(others, 0.5)),
      ];
    });
    return figures;
  } finally {
    await world.stop();
  }
}

/**
 * Milliseconds from each change to the first quantity of each shop that tells it: the product gets only
 * less, so that is the first one as low. Infinite where the shop never heard of it.
 */
function lagsOf(changes: readonly StockChange[], heard: readonly Heard[], shops: number): number[][] {
  const told = new Map<string, Heard[]>();
  for (const one of heard) {
    const key = `${one[0]} ${productOf(one[1])}`;
    const list = told.get(key);
    if (list === undefined) told.set(key, [one]);
    else list.push(one);
  }
  const seen = new Map<string, number>();
  return changes.map(({ product, left, at }) =>
    Array.from({ length: shops }, (_, shop) => {
      const key = `${shop} ${product}`;
      const list = told.get(key) ?? [];
      let next = seen.get(key) ?? 0;
      while (next < list.length && (list[next] as Heard)[2] > left) next += 1;
      seen.set(key, next);
      const first = list[next];
      return first === undefined ? Number.POSITIVE_INFINITY : Math.max(0, first[3] - at);
    }),
  );
}

function quantile(sorted: readonly number[], of: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * of))] ?? 0;
}
