/**
 * What a shipment costs, as whole numbers, so that sums of the same shipments are equal in whatever order
 * they are added: thousandths of a minor unit by the merchant's rate table (base + weight × rate), metres
 * of great circle where there is no table. A rate or a distance that nobody knows counts as dearer than
 * any that is known.
 */
import { type OrderFacts, type RoutingZone, zonesOf } from './rule';
import type { ShippingRate, WarehouseSnapshot } from './snapshot';

/** More than any known shipment; a thousand of them still add up exactly. */
export const UNKNOWN_COST = 1e12;

export interface SiteCost {
  /** For a parcel, whatever is in it. */
  readonly fixed: number;
  /** For each gram in it. */
  readonly perGram: number;
}

/** The cost of a parcel from each warehouse, in the order in which they are given. */
export function siteCosts(
  warehouses: readonly WarehouseSnapshot[],
  to: OrderFacts,
  rates: readonly ShippingRate[],
  zones: readonly RoutingZone[],
): SiteCost[] {
  if (rates.length === 0) {
    return warehouses.map(({ distanceKm }) => ({
      fixed: distanceKm === null ? UNKNOWN_COST : Math.round(distanceKm * 1000),
      perGram: 0,
    }));
  }
  const inZones = zonesOf(to, zones);
  return warehouses.map(({ warehouseId }) => {
    const own = rates.filter((rate) => rate.warehouseId === warehouseId);
    const zoned = inZones.map((zone) => own.find((rate) => rate.zone === zone)).find(Boolean);
    const rate = zoned ?? own.find(({ zone }) => zone === null);
    // Minor units a kilogram are thousandths of a minor unit a gram.
    return rate
      ? { fixed: rate.baseMinor * 1000, perGram: rate.perKgMinor }
      : { fixed: UNKNOWN_COST, perGram: 0 };
  });
}
