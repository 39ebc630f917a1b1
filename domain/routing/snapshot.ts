/** What a routing decision is made from, and what it answers: plain data, read in one snapshot by the caller. */
import type { Handling, OrderFacts, RoutingRule, RoutingZone } from './rule';
import type { RoutingTrace } from './trace';

export interface PlanLine {
  readonly orderLineId: string;
  /** A product that is stocked; bundles are exploded before. */
  readonly productId: string;
  /** Whole base units, at least 1. */
  readonly quantity: number;
}

export interface PlanOrder {
  readonly lines: readonly PlanLine[];
  readonly facts: OrderFacts;
}

export type SplitPolicy = 'never' | 'allowed';
export type PartialPolicy = 'wait' | 'ship_available';

export interface WarehouseSnapshot {
  readonly warehouseId: string;
  /** Kilometres to the ship-to, null when unknown: then it counts as farther than any known one. */
  readonly distanceKm: number | null;
  /** Sellable units not reserved, by product id. Absent or negative counts as none. */
  readonly available: ReadonlyMap<string, number>;
  /** Orders that are planned for the day on which it would ship this one. */
  readonly load: number;
  /** What it still takes on that day; null where it has no limit. */
  readonly room: { readonly orders: number | null; readonly units: number | null };
  /** It can't ship by the time that the channel promised. */
  readonly late: boolean;
}

/** What a parcel from a warehouse to a zone costs. */
export interface ShippingRate {
  readonly warehouseId: string;
  /** null: wherever no zone of the table says otherwise. */
  readonly zone: string | null;
  readonly baseMinor: number;
  readonly perKgMinor: number;
}

export interface ProductFacts {
  /** 0 when nobody has weighed it. */
  readonly gramsEach: number;
  readonly handling: readonly Handling[];
}

export interface RoutingSnapshot {
  readonly warehouses: readonly WarehouseSnapshot[];
  readonly splitPolicy: SplitPolicy;
  readonly partialPolicy: PartialPolicy;
  /** Whether a line that no single warehouse can serve may come from several. */
  readonly lineSplitPolicy: SplitPolicy;
  readonly rules: readonly RoutingRule[];
  readonly zones: readonly RoutingZone[];
  /** Empty: cost is distance. */
  readonly rates: readonly ShippingRate[];
  /** By product id; a product that is absent weighs nothing and needs no handling. */
  readonly products: ReadonlyMap<string, ProductFacts>;
}

export interface PlannedShipment {
  readonly warehouseId: string;
  readonly lines: readonly PlanLine[];
}

export interface MissingProduct {
  readonly productId: string;
  readonly needed: number;
  /** What the merchant's rules let one order use: one warehouse's stock when it never splits. */
  readonly available: number;
}

export type FulfilmentPlan =
  | {
      readonly kind: 'plan';
      readonly shipments: readonly PlannedShipment[];
      /** What waits for stock; empty unless the merchant ships what is available. */
      readonly backorder: readonly PlanLine[];
      readonly trace: RoutingTrace;
    }
  | {
      readonly kind: 'short';
      readonly missing: readonly MissingProduct[];
      readonly trace: RoutingTrace;
    }
  /** No warehouse may ship these products, whatever it has: rules forbid it, or none is open. */
  | { readonly kind: 'no_warehouse'; readonly productIds: readonly string[]; readonly trace: RoutingTrace };
