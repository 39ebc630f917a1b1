/**
 * The order in which a picker visits bins: aisle after aisle, up the first that is visited and down the
 * next, so that no aisle is walked twice. It is the S-shape of one block, not the shortest way of all.
 */

export interface PickStop {
  /** Walked in the order of their names. */
  readonly zone: string | null;
  /** null where the bin has no such number: before all others. */
  readonly aisle: number | null;
  readonly bay: number | null;
  readonly level: number | null;
  /** Decides where the rest is equal. */
  readonly code: string;
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
const NOWHERE = -1;

/** The stops in walking order; the same stops always give the same order, however they were listed. */
export function pickPath<S extends PickStop>(stops: readonly S[]): S[] {
  const aisles = new Map<string, { readonly zone: string; readonly aisle: number; readonly stops: S[] }>();
  for (const stop of stops) {
    const zone = stop.zone ?? '';
    const aisle = stop.aisle ?? NOWHERE;
    const key = JSON.stringify([zone, aisle]);
    const known = aisles.get(key);
    if (known) known.stops.push(stop);
    else aisles.set(key, { zone, aisle, stops: [stop] });
  }
  return [...aisles.values()]
    .sort((a, b) => compare(a.zone, b.zone) || a.aisle - b.aisle)
    .flatMap((visited, index) => {
      const direction = index % 2 === 0 ? 1 : -1;
      return visited.stops.sort(
        (a, b) =>
          direction * ((a.bay ?? NOWHERE) - (b.bay ?? NOWHERE)) ||
          (a.level ?? NOWHERE) - (b.level ?? NOWHERE) ||
          compare(a.code, b.code),
      );
    });
}
