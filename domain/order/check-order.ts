/**
 * Whether an accepted order can be worked on, decided from facts that the caller read in one snapshot.
 * Every reason that holds is named, in a fixed order (payment, shipping method, address, SKU), so that
 * an order with three faults is not parked three times in a row; it waits for the first of them, and
 * is checked again from the start whenever any of them is mended.
 */
import { checkAddress, type ShipTo } from './check-address';
import type { BlockedReason } from './exception-reasons';
import {
  type CatalogFacts,
  type DemandLine,
  type MappedLines,
  mapLines,
  type OrderLineToMap,
} from './map-lines';

export const PAYMENT_POLICIES = ['none', 'authorised', 'captured'] as const;
/** What a merchant requires before goods move. */
export type PaymentPolicy = (typeof PAYMENT_POLICIES)[number];

/** What channels say about money (the same words as in the incoming order). */
export type OrderPaymentState = 'pending' | 'authorised' | 'captured' | 'voided' | 'refunded';

export interface OrderToCheck {
  readonly connectionId: string;
  readonly payment: OrderPaymentState;
  readonly requestedShippingMethod: string | null;
  readonly shipTo: ShipTo;
  readonly lines: readonly OrderLineToMap[];
}

export interface ShippingMethodMapping {
  /** null: for every connection of the merchant. */
  readonly connectionId: string | null;
  /** The channel's name for it; '' is for orders that ask for none. */
  readonly method: string;
  readonly serviceLevel: string;
  /** Carriers' services in order of preference; empty is whatever is cheapest. */
  readonly services: readonly string[];
  /** Days in transit that the promise allows, null for any. */
  readonly maxDays: number | null;
}

export interface CheckFacts extends CatalogFacts {
  readonly paymentPolicy: PaymentPolicy;
  readonly shippingMethods: readonly ShippingMethodMapping[];
}

export interface BlockedFinding {
  readonly reason: BlockedReason;
  /** Plain sentences for a person; they hold no part of the address but the country. */
  readonly problems: readonly string[];
  /** What exactly isn't known: the SKUs, the shipping method. One mapping may free many orders by it. */
  readonly subjects: readonly string[];
}

export interface CheckedOrder {
  /** Empty when the order can go on; else it waits for the first. */
  readonly blocked: readonly BlockedFinding[];
  /** null when unmapped, or when nothing ships. */
  readonly shipping: ShippingMethodMapping | null;
  readonly demand: readonly DemandLine[];
  readonly mapped: MappedLines['mapped'];
  readonly serviceLineIds: readonly string[];
  /** False when every line is fulfilled without the floor. */
  readonly ships: boolean;
}

/** Shipping methods are labels that shops retype; case and spacing make no difference between two. */
export function shippingMethodKey(method: string): string {
  return method.trim().replace(/\s+/g, ' ').toLowerCase();
}

const PAID_ENOUGH: Readonly<Record<PaymentPolicy, readonly OrderPaymentState[]>> = {
  none: ['pending', 'authorised', 'captured', 'voided', 'refunded'],
  authorised: ['authorised', 'captured'],
  captured: ['captured'],
};

const PAYMENT_SENTENCES: Readonly<Record<OrderPaymentState, string>> = {
  pending: 'The payment is still pending.',
  authorised: 'The payment is authorised but not captured, as this merchant requires.',
  captured: 'The payment is captured.',
  voided: 'The payment was voided.',
  refunded: 'The payment was refunded.',
};

function findShipping(order: OrderToCheck, facts: CheckFacts): ShippingMethodMapping | null {
  const requested = shippingMethodKey(order.requestedShippingMethod ?? '');
  const found = facts.shippingMethods.filter((entry) => shippingMethodKey(entry.method) === requested);
  return (
    found.find((entry) => entry.connectionId === order.connectionId) ??
    found.find((entry) => entry.connectionId === null) ??
    null
  );
}

/** Everything that keeps this order from being planned, and what is to be planned when nothing does. */
export function checkOrder(order: OrderToCheck, facts: CheckFacts): CheckedOrder {
  const lines = mapLines(order.lines, order.connectionId, facts);
  const ships = lines.demand.length > 0 || lines.unmapped.length > 0;
  const shipping = ships ? findShipping(order, facts) : null;
  const blocked: BlockedFinding[] = [];

  if (!PAID_ENOUGH[facts.paymentPolicy].includes(order.payment)) {
    blocked.push({ reason: 'payment_pending', problems: [PAYMENT_SENTENCES[order.payment]], subjects: [] });
  }
  if (ships && shipping === null) {
    const method = order.requestedShippingMethod?.trim() || null;
    blocked.push({
      reason: 'unmapped_shipping_method',
      problems: [
        method
          ? `The shipping method "${method}" isn't mapped to a service level.`
          : 'The order asks for no shipping method, and none is mapped for that.',
      ],
      subjects: [shippingMethodKey(method ?? '')],
    });
  }
  const addressProblems = ships ? checkAddress(order.shipTo) : [];
  if (addressProblems.length > 0) {
    blocked.push({ reason: 'address_invalid', problems: addressProblems, subjects: [] });
  }
  if (lines.unmapped.length > 0) {
    blocked.push({
      reason: 'unmapped_sku',
      problems: lines.unmapped.map(({ sku, problem }) => (sku === '' ? problem : `"${sku}": ${problem}`)),
      subjects: [...new Set(lines.unmapped.map(({ sku }) => sku))],
    });
  }
  return {
    blocked,
    shipping,
    demand: lines.demand,
    mapped: lines.mapped,
    serviceLineIds: lines.serviceLineIds,
    ships,
  };
}
