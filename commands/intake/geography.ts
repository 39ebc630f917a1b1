/**
 * What the ZIP code tables know: distances for routing, and whether an address that has the right shape
 * is also plausible. Only the United States are covered by the tables; elsewhere a distance is unknown
 * and the local check is all there is.
 */
import { lookup } from 'zipcodes';
import type { AddressVerdict } from '../../domain/order/check-intake';

/** Mean radius of the earth, IUGG. */
const EARTH_RADIUS_KM = 6371.0088;

function zip5(postalCode: string): string {
  return postalCode.trim().slice(0, 5);
}

/** Kilometres between two postal codes of the same country by great circle (haversine), null when unknown. */
export function distanceKm(
  from: { readonly country: string; readonly postalCode: string },
  to: { readonly country: string | null; readonly postalCode: string | null },
): number | null {
  if (from.country !== 'US' || to.country !== 'US' || to.postalCode === null) return null;
  const a = lookup(zip5(from.postalCode));
  const b = lookup(zip5(to.postalCode));
  // Some entries of the table have no coordinates.
  if (!a?.latitude || !b?.latitude) return null;
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  const dLat = radians(b.latitude - a.latitude);
  const dLon = radians(b.longitude - a.longitude);
  const h =
    Math.sin(dLat / 2) ** 2 +
    Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * Math.sin(dLon / 2) ** 2;
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.sqrt(h));
}

/**
 * `good` when the tables agree with the address or don't cover its country, `doubtful` when the ZIP is
 * unknown to them or belongs to another state: then the carrier is asked before anything is planned.
 */
export function plausibility(address: {
  readonly country: string | null;
  readonly region: string | null;
  readonly postal_code: string | null;
}): AddressVerdict {
  if (address.country !== 'US' || address.postal_code === null) return 'good';
  const known = lookup(zip5(address.postal_code));
  if (!known) return 'doubtful';
  const region = address.region?.trim().toUpperCase() ?? '';
  return region.length === 2 && region !== known.state ? 'doubtful' : 'good';
}
