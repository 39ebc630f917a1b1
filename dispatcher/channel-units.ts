/**
 * How many units of each of the channel's lines a parcel completes, as a pure count. A line may stand
 * for several pieces (a bundle, a case of twelve) that leave in different parcels: a unit is told with
 * the parcel that completes it, so over all parcels every unit is told once, and a parcel that completes
 * none has nothing to tell.
 */
import type { ShippedPieces } from '../db/parcel-notice.repo';

export interface ChannelUnits {
  readonly externalLineId: string;
  readonly quantity: number;
}

/** @param shipped pieces in all parcels that left, in the order in which they left. */
export function unitsCompletedBy(parcelId: string, shipped: readonly ShippedPieces[]): ChannelUnits[] {
  const parcels = [...new Set(shipped.map((piece) => piece.parcelId))];
  const position = parcels.indexOf(parcelId);
  if (position < 0) return [];
  const before = complete(shipped, parcels.slice(0, position));
  const after = complete(shipped, parcels.slice(0, position + 1));
  return [...after]
    .map(([externalLineId, units]) => ({
      externalLineId,
      quantity: units - (before.get(externalLineId) ?? 0),
    }))
    .filter(({ quantity }) => quantity > 0);
}

/** Units of each line that are whole once these parcels have left. */
function complete(shipped: readonly ShippedPieces[], parcels: readonly string[]): Map<string, number> {
  const gone = new Map<string, { piece: ShippedPieces; pieces: number }>();
  for (const piece of shipped) {
    const key = `${piece.externalLineId}\n${piece.productId}`;
    const sum = gone.get(key) ?? { piece, pieces: 0 };
    if (parcels.includes(piece.parcelId)) sum.pieces += piece.pieces;
    gone.set(key, sum);
  }
  const units = new Map<string, number>();
  for (const { piece, pieces } of gone.values()) {
    const whole = Math.floor((pieces * piece.lineUnits) / piece.linePieces);
    const known = units.get(piece.externalLineId);
    units.set(piece.externalLineId, known === undefined ? whole : Math.min(known, whole));
  }
  return units;
}
