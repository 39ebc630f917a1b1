/**
 * What intake does with an order before it looks at stock: nothing (it is cancelled or held), park it,
 * have its address asked about outside, fulfil it without the floor, or plan what is left of its demand.
 */
import { type CheckFacts, checkOrder, type OrderToCheck, type ShippingMethodMapping } from './check-order';
import type { BlockedReason } from './exception-reasons';
import type { DemandLine } from './map-lines';

/** The reasons that intake itself parks for, and so may take away; the others belong to later steps. */
const INTAKE_REASONS: readonly string[] = [
  'payment_pending',
  'address_invalid',
  'unmapped_sku',
  'unmapped_shipping_method',
  'customs_data_missing',
  'out_of_stock',
  'no_warehouse',
] satisfies BlockedReason[];

export function isIntakeReason(reason: string | null): boolean {
  return reason !== null && INTAKE_REASONS.includes(reason);
}

/** Nothing is planned any more for an order in these states. */
const GONE: readonly string[] = ['shipped', 'delivered', 'closed'];

/** What is known of the address beyond its shape. `doubtful` needs the carrier's word. */
export type AddressVerdict = 'good' | 'doubtful' | 'undeliverable';

export interface IntakeOrder extends OrderToCheck {
  readonly state: string;
  readonly held: boolean;
  readonly addressVerdict: AddressVerdict;
  /** The carrier's sentences when undeliverable. */
  readonly addressProblems: readonly string[];
  /** What live fulfilment orders cover already: only the rest is planned. */
  readonly covered: readonly DemandLine[];
}

export interface Mapping {
  readonly orderLineId: string;
  readonly productId: string;
}

export type IntakeCheck =
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'held' }
  | { readonly kind: 'check_address' }
  | {
      readonly kind: 'blocked';
      readonly reason: BlockedReason;
      readonly problems: readonly string[];
      readonly subjects: readonly string[];
    }
  | { readonly kind: 'services_only' }
  | { readonly kind: 'covered' }
  | {
      readonly kind: 'plan';
      readonly demand: readonly DemandLine[];
      readonly mapped: readonly Mapping[];
      readonly shipping: ShippingMethodMapping;
    };

export function checkIntake(order: IntakeOrder, facts: CheckFacts): IntakeCheck {
  if (order.state === 'cancelled') return { kind: 'cancelled' };
  if (GONE.includes(order.state)) return { kind: 'covered' };
  if (order.held) return { kind: 'held' };
  const checked = checkOrder(order, facts);
  const demand = uncovered(checked.demand, order.covered);
  // What is on the floor already goes on, whatever its payment or address turned into since.
  if (order.covered.length > 0 && demand.length === 0) return { kind: 'covered' };
  const first = checked.blocked[0];
  if (first) return { kind: 'blocked', ...first };
  if (!checked.ships || checked.shipping === null) return { kind: 'services_only' };
  if (order.addressVerdict === 'doubtful') return { kind: 'check_address' };
  if (order.addressVerdict === 'undeliverable') {
    const problems =
      order.addressProblems.length > 0 ? order.addressProblems : ['The carrier does not deliver there.'];
    return { kind: 'blocked', reason: 'address_invalid', problems, subjects: [] };
  }
  return { kind: 'plan', demand, mapped: checked.mapped, shipping: checked.shipping };
}

/** Demand less what is covered, by order line and product. */
export function uncovered(demand: readonly DemandLine[], covered: readonly DemandLine[]): DemandLine[] {
  const rest = new Map<string, number>();
  for (const line of covered) {
    const key = `${line.orderLineId} ${line.productId}`;
    rest.set(key, (rest.get(key) ?? 0) + line.quantity);
  }
  return demand.flatMap((line) => {
    const key = `${line.orderLineId} ${line.productId}`;
    const used = Math.min(rest.get(key) ?? 0, line.quantity);
    rest.set(key, (rest.get(key) ?? 0) - used);
    return line.quantity > used ? [{ ...line, quantity: line.quantity - used }] : [];
  });
}
