/**
 * A parcel's state from what its carrier says. Facts come late, twice and in any order, so the state is
 * not moved by events one after the other: it is the highest-ranked thing ever heard (ranks in
 * `states`). That makes it the same for every order and repetition of the same facts, and it can't go
 * backwards. The price: a second delivery attempt after a failed one shows in the timeline, not in the
 * state, which stays `delivery_failed` until something final is heard.
 *
 * A carrier never ships a parcel: until our own ship scan has taken it out of stock, its facts are kept
 * and change nothing, and the scan folds them in with `foldParcelState`.
 */
import { laterState, type ParcelState, rankOf } from './states';

/** What a carrier's status can mean to us; the same words as the carriers' port. */
export type TrackingMeaning =
  | 'pre_transit'
  | 'in_transit'
  | 'out_for_delivery'
  | 'delivered'
  | 'delivery_failed'
  | 'returned_to_sender'
  | 'lost'
  | 'damaged'
  | 'unknown';

/** Exceptions that a parcel's state opens, by state. */
export const PARCEL_EXCEPTIONS = {
  delivery_failed: 'delivery_failed',
  lost: 'parcel_lost',
  damaged: 'parcel_damaged',
  returned_to_sender: 'returned_to_sender',
} as const;

const SHIPPED_RANK = rankOf('parcel', 'shipped');

/** The state after one more fact; the current one when the fact is old, says nothing, or comes too early. */
export function nextParcelState(current: ParcelState, heard: TrackingMeaning): ParcelState {
  if (heard === 'pre_transit' || heard === 'unknown') return current;
  if (current === 'cancelled' || rankOf('parcel', current) < SHIPPED_RANK) return current;
  return laterState('parcel', current, heard);
}

/** The state of a parcel that has left, from every fact known of it in any order. */
export function foldParcelState(current: ParcelState, heard: readonly TrackingMeaning[]): ParcelState {
  return heard.reduce<ParcelState>(nextParcelState, current);
}

/** The exception reason that this state asks for, null when it asks for none. */
export function parcelException(
  state: ParcelState,
): (typeof PARCEL_EXCEPTIONS)[keyof typeof PARCEL_EXCEPTIONS] | null {
  return Object.hasOwn(PARCEL_EXCEPTIONS, state)
    ? PARCEL_EXCEPTIONS[state as keyof typeof PARCEL_EXCEPTIONS]
    : null;
}

/** Whether a shipped fulfilment order is delivered: every parcel of it that was not cancelled is. */
export function allDelivered(parcels: readonly ParcelState[]): boolean {
  const sent = parcels.filter((state) => state !== 'cancelled');
  return sent.length > 0 && sent.every((state) => state === 'delivered');
}
