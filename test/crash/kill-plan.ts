/**
 * Which part is killed when: so many rounds, each of every part once in a drawn order, each kill a drawn
 * moment after new orders came in. The same seed gives the same plan; what the engine is doing at that
 * moment is up to the machine, which is the point of killing it often.
 */
import { seededRandom } from '../../simulators/fault-knobs';

/** What `quayside up` calls its parts when it says that they are back. */
export const PARTS = {
  worker: 'worker',
  api: 'api',
  temporal: 'the Temporal server',
  postgres: 'Postgres',
  dispatcher: 'dispatcher',
} as const;
export type Part = keyof typeof PARTS;

export interface Kill {
  readonly part: Part;
  /** Milliseconds after the orders of its wave began to come in. */
  readonly afterMs: number;
}

/** From orders that are just being accepted to orders whose parcels are at the door. */
const EARLIEST_MS = 50;
const LATEST_MS = 2_500;

export function planKills(seed: number, rounds: number): Kill[] {
  const random = seededRandom(seed);
  const kills: Kill[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const part of shuffled(Object.keys(PARTS) as Part[], random)) {
      kills.push({ part, afterMs: Math.round(EARLIEST_MS + random() * (LATEST_MS - EARLIEST_MS)) });
    }
  }
  return kills;
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const order = items.map((item) => ({ item, place: random() }));
  return order.sort((a, b) => a.place - b.place).map(({ item }) => item);
}
