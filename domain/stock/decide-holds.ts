/**
 * Decides a batch of requests for holds on locked balances: which units each one gets, and which rows
 * that makes and ends. A hold is all or nothing where its caller asks for that; else each line stands for
 * itself. All requests for new holds are decided before any hold of the batch is ended: what is given up
 * belongs to the orders that wait for it first (hand-out), and only then to whoever comes.
 */
import { groupBy } from '../group-by';
import type { RunningStock } from './running-stock';

export interface HoldLine {
  readonly productId: string;
  /** Whole base units, at least 1. */
  readonly quantity: number;
  /** Where the units may come from, the preferred one first: from one if one has them all. */
  readonly warehouseIds: readonly string[];
}

export type HoldRequest =
  | {
      readonly kind: 'reserve';
      readonly merchantId: string;
      readonly holdId: string;
      readonly lines: readonly HoldLine[];
      readonly allOrNothing: boolean;
      readonly expiresAt: Date;
    }
  | {
      readonly kind: 'release' | 'consume' | 'expire';
      readonly merchantId: string;
      readonly holdId: string;
      readonly now: Date;
    };

/** Units kept in one warehouse, a reservation's row. */
export interface HeldUnits {
  readonly warehouseId: string;
  readonly productId: string;
  readonly quantity: number;
}

export interface HoldRow extends HeldUnits {
  readonly reservationId: string;
  readonly merchantId: string;
  readonly holdId: string;
  readonly state: string;
  readonly expiresAt: Date;
  /** Whose it is when an order keeps it or took it over. */
  readonly orderId: string | null;
}

export type HoldEnd = 'released' | 'consumed' | 'expired';

export type HoldOutcome =
  | {
      readonly kind: 'reserved';
      readonly holdId: string;
      readonly expiresAt: string;
      readonly units: readonly HeldUnits[];
      /** Lines that got nothing; empty where all or nothing was asked. */
      readonly short: readonly ShortLine[];
    }
  | { readonly kind: 'short'; readonly short: readonly ShortLine[] }
  | { readonly kind: 'ended'; readonly state: HoldEnd; readonly units: readonly HeldUnits[] }
  /** It had ended before; `state` says how. */
  | { readonly kind: 'unchanged'; readonly state: string }
  | { readonly kind: 'not_due' }
  | { readonly kind: 'unknown' };

export interface ShortLine {
  readonly productId: string;
  readonly quantity: number;
  /** What was free for it. */
  readonly free: number;
}

export interface HoldDecisions {
  /** In the order of the requests. */
  readonly outcomes: readonly HoldOutcome[];
  /** By index of the request. */
  readonly made: ReadonlyMap<number, readonly HeldUnits[]>;
  readonly ended: ReadonlyMap<number, { readonly state: HoldEnd; readonly rows: readonly HoldRow[] }>;
}

/**
 * @param holds every row of the holds that are to end.
 * @param keyOf names a balance of `stock`.
 */
export function decideHolds(
  requests: readonly HoldRequest[],
  stock: RunningStock,
  holds: readonly HoldRow[],
  keyOf: (merchantId: string, units: Pick<HeldUnits, 'warehouseId' | 'productId'>) => string,
): HoldDecisions {
  const outcomes: HoldOutcome[] = requests.map(() => ({ kind: 'unknown' }));
  const made = new Map<number, readonly HeldUnits[]>();
  const ended = new Map<number, { state: HoldEnd; rows: readonly HoldRow[] }>();
  requests.forEach((request, index) => {
    if (request.kind !== 'reserve') return;
    const { units, short } = takeLines(request, stock, (each) => keyOf(request.merchantId, each));
    if (units.length > 0) made.set(index, units);
    outcomes[index] =
      units.length === 0
        ? { kind: 'short', short }
        : {
            kind: 'reserved',
            holdId: request.holdId,
            expiresAt: request.expiresAt.toISOString(),
            units,
            short,
          };
  });
  const rowsOf = groupBy(holds, (row) => `${row.merchantId}/${row.holdId}`);
  const gone = new Map<string, string>();
  requests.forEach((request, index) => {
    if (request.kind === 'reserve') return;
    const hold = `${request.merchantId}/${request.holdId}`;
    const rows = rowsOf.get(hold) ?? [];
    const live = gone.has(hold) ? [] : rows.filter((row) => row.state === 'held');
    if (rows.length === 0) return;
    if (live.length === 0) {
      outcomes[index] = { kind: 'unchanged', state: gone.get(hold) ?? stateOfHold(rows) };
      return;
    }
    if (request.kind === 'expire' && live.some((row) => row.expiresAt > request.now)) {
      outcomes[index] = { kind: 'not_due' };
      return;
    }
    const state: HoldEnd = { release: 'released', consume: 'consumed', expire: 'expired' }[
      request.kind
    ] as HoldEnd;
    gone.set(hold, state);
    ended.set(index, { state, rows: live });
    outcomes[index] = { kind: 'ended', state, units: live.map(unitsOf) };
  });
  return { outcomes, made, ended };
}

export const unitsOf = ({ warehouseId, productId, quantity }: HeldUnits): HeldUnits => ({
  warehouseId,
  productId,
  quantity,
});

/**
 * What a hold is called: held while any unit is, `ordered` when an order took it over, else how it ended,
 * `taken_back` only when all of it was.
 */
export function stateOfHold(rows: readonly Pick<HoldRow, 'state' | 'orderId'>[]): string {
  if (rows.some((row) => row.state === 'held')) return 'held';
  if (rows.some((row) => row.orderId !== null)) return 'ordered';
  const [first] = rows;
  return (rows.find((row) => row.state !== 'taken_back') ?? first)?.state ?? 'unknown';
}

function takeLines(
  request: Extract<HoldRequest, { kind: 'reserve' }>,
  stock: RunningStock,
  keyOf: (each: Pick<HeldUnits, 'warehouseId' | 'productId'>) => string,
): { readonly units: HeldUnits[]; readonly short: ShortLine[] } {
  const units: HeldUnits[] = [];
  const short: ShortLine[] = [];
  for (const { productId, quantity, warehouseIds } of request.lines) {
    const places = warehouseIds.map((warehouseId) => {
      const key = keyOf({ warehouseId, productId });
      return { warehouseId, key, free: stock.free(key) };
    });
    const free = places.reduce((sum, place) => sum + place.free, 0);
    if (free < quantity) {
      short.push({ productId, quantity, free });
      continue;
    }
    const whole = places.find((place) => place.free >= quantity);
    let open = quantity;
    for (const place of whole ? [whole] : places) {
      const taken = Math.min(open, place.free);
      if (taken === 0 || !stock.take(place.key, taken)) continue;
      open -= taken;
      units.push({ warehouseId: place.warehouseId, productId, quantity: taken });
    }
  }
  if (short.length === 0 || !request.allOrNothing) return { units, short };
  for (const each of units) stock.giveBack(keyOf(each), each.quantity);
  return { units: [], short };
}
