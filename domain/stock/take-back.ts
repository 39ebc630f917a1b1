/**
 * Physical truth wins: when a count or a loss leaves less than is reserved, some reservations can't be
 * served any more. Those with the latest promise lose theirs first, and among equal promises the one
 * reserved last, so that the order that waits longest keeps its goods. A reservation is taken back
 * whole, for half of one is no shipment; its order is planned again and may get what is left over.
 */

export interface LiveReservation {
  readonly reservationId: string;
  readonly quantity: number;
  /** Its order's ship-by, null when none was promised: that is the latest of all. */
  readonly promisedAt: Date | null;
  readonly reservedAt: Date;
  /** Units already in a picker's tote; what is in somebody's hands is never taken back. */
  readonly picked: boolean;
}

export interface TakeBack {
  /** In the order of taking. */
  readonly reservationIds: readonly string[];
  /** Units that stay reserved beyond what there is, because they are picked; 0 but for wrong counts. */
  readonly uncovered: number;
}

const promiseOf = (reservation: LiveReservation) =>
  reservation.promisedAt?.getTime() ?? Number.POSITIVE_INFINITY;

function byLoss(a: LiveReservation, b: LiveReservation): number {
  const [promiseA, promiseB] = [promiseOf(a), promiseOf(b)];
  if (promiseA !== promiseB) return promiseA > promiseB ? -1 : 1;
  const reserved = b.reservedAt.getTime() - a.reservedAt.getTime();
  if (reserved !== 0) return reserved;
  return a.reservationId < b.reservationId ? 1 : -1;
}

/**
 * The fewest reservations, from the latest promise on, that must go until the rest fits.
 * @param sellable units on hand less those held, of one product in one warehouse.
 */
export function takeBack(sellable: number, reservations: readonly LiveReservation[]): TakeBack {
  let excess = reservations.reduce((sum, { quantity }) => sum + quantity, 0) - Math.max(0, sellable);
  const reservationIds: string[] = [];
  for (const reservation of reservations.filter(({ picked }) => !picked).sort(byLoss)) {
    if (excess <= 0) break;
    reservationIds.push(reservation.reservationId);
    excess -= reservation.quantity;
  }
  return { reservationIds, uncovered: Math.max(0, excess) };
}
