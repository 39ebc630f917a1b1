/**
 * Which bins an adjustment changes, decided on locked bins. What is lost comes from the units that
 * nobody was promised first, then from promised ones (their reservations are taken back), never from
 * units that are in somebody's hands: those were seen there after the loss, or will be found short.
 */
import type { Bin } from '../../db/bin.repo';
import { Failure } from '../../domain/failure-types';

export interface AdjustmentToPlan {
  readonly productId: string;
  /** Whole base units, not 0. */
  readonly delta: number;
  /** null: wherever in the warehouse; only for losses. */
  readonly locationId: string | null;
  /** null: any lot of a loss; the empty lot of a gain. */
  readonly lotCode: string | null;
  /** Numbers of the units, when they are named: their place is too, and they are of one lot. */
  readonly serials?: readonly string[] | null;
  /** Minor units a unit, of a gain. */
  readonly unitCostMinor?: bigint | null;
}

export interface PlannedAdjustment {
  readonly productId: string;
  readonly requested: number;
  readonly posted: number;
  readonly moves: readonly BinMove[];
}

export interface BinMove {
  readonly productId: string;
  readonly locationId: string;
  readonly lotCode: string;
  readonly delta: number;
  readonly serials?: readonly string[];
  readonly unitCostMinor?: bigint | undefined;
}

interface Shelf {
  readonly bin: Bin;
  free: number;
  promised: number;
}

/** @param inHands units of each bin that are picked, by `locationId/productId/lotCode`. */
export function planAdjustment(
  lines: readonly AdjustmentToPlan[],
  bins: readonly Bin[],
  inHands: ReadonlyMap<string, number>,
): PlannedAdjustment[] {
  const shelves = [...bins].sort(bySurplus).map((bin): Shelf => {
    const picked = inHands.get(shelfKey(bin)) ?? 0;
    return { bin, free: bin.onHand - bin.allocated, promised: bin.allocated - picked };
  });
  return lines.map((line) => {
    const moves = named(line, line.delta > 0 ? gain(line) : lose(line, shelves));
    const posted = moves.reduce((sum, move) => sum + move.delta, 0);
    return { productId: line.productId, requested: line.delta, posted, moves };
  });
}

/** Named units are of one place and lot, and all of them are there: else who named them is wrong. */
function named(line: AdjustmentToPlan, moves: BinMove[]): BinMove[] {
  const { serials, productId, delta } = line;
  if (serials == null) return moves;
  const [move, another] = moves;
  if (move === undefined || another !== undefined || move.delta !== delta)
    throw new Failure('InvalidInput', 'the named units are not all there, or not of one lot', { productId });
  return [{ ...move, serials }];
}

export const shelfKey = (bin: Pick<Bin, 'locationId' | 'productId' | 'lotCode'>) =>
  `${bin.locationId}/${bin.productId}/${bin.lotCode}`;

/** Damaged and quarantined goods are written off before sellable ones; then by place, so that it repeats. */
function bySurplus(a: Bin, b: Bin): number {
  const sellable = Number(a.locationKind === 'bin') - Number(b.locationKind === 'bin');
  return sellable || (a.locationCode < b.locationCode ? -1 : 1) || (a.lotCode < b.lotCode ? -1 : 1);
}

function gain(line: AdjustmentToPlan): BinMove[] {
  const { productId, locationId, lotCode, delta } = line;
  const unitCostMinor = line.unitCostMinor ?? undefined;
  if (locationId === null) throw new Failure('InvalidInput', 'say where the goods were put', { productId });
  return [{ productId, locationId, lotCode: lotCode ?? '', delta, unitCostMinor }];
}

function lose(line: AdjustmentToPlan, shelves: readonly Shelf[]): BinMove[] {
  const fitting = shelves.filter(
    ({ bin }) =>
      bin.productId === line.productId &&
      (line.locationId === null || bin.locationId === line.locationId) &&
      (line.lotCode === null || bin.lotCode === line.lotCode),
  );
  let open = -line.delta;
  const taken = new Map<Shelf, number>();
  for (const kind of ['free', 'promised'] as const) {
    for (const shelf of fitting) {
      const units = Math.min(open, Math.max(0, shelf[kind]));
      if (units === 0) continue;
      shelf[kind] -= units;
      open -= units;
      taken.set(shelf, (taken.get(shelf) ?? 0) + units);
    }
  }
  return [...taken].map(([{ bin }, units]) => ({
    productId: bin.productId,
    locationId: bin.locationId,
    lotCode: bin.lotCode,
    delta: -units,
  }));
}
