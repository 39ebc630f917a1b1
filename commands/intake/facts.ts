/** Turns the rows that intake read into what the pure decisions take, one order at a time. */
import { createHash } from 'node:crypto';
import type { IntakeFacts, IntakeOrderRow } from '../../db/intake.repo';
import { groupBy } from '../../domain/group-by';
import type { AddressVerdict, IntakeOrder } from '../../domain/order/check-intake';
import { type CheckFacts, shippingMethodKey } from '../../domain/order/check-order';
import type { RoutingSnapshot } from '../../domain/routing/snapshot';
import { plausibility } from './geography';

export type AddressRow = IntakeFacts['addresses'][number];
export type WarehouseRow = IntakeFacts['warehouses'][number];
export type MerchantRow = IntakeFacts['merchants'][number];
export type RoutingFacts = Omit<RoutingSnapshot, 'warehouses'>;

/**
 * The same address, whoever lives there, has the same digest: carriers judge the place, so the name is
 * not part of it, and the digest can be kept when a person is erased.
 */
export function addressDigest(
  address: Pick<AddressRow, 'line1' | 'line2' | 'city' | 'region' | 'postal_code' | 'country'>,
): string {
  const parts = [
    address.line1,
    address.line2,
    address.city,
    address.region,
    address.postal_code,
    address.country,
  ];
  const text = parts.map((part) => (part ?? '').trim().replace(/\s+/g, ' ').toLowerCase()).join('\n');
  return createHash('sha256').update(text).digest('hex');
}

/** An index over a batch's facts. */
export class IntakeFactIndex {
  readonly steps: ReadonlyMap<string, unknown>;
  readonly merchants: ReadonlyMap<string, MerchantRow>;
  private readonly lines;
  private readonly covered;
  private readonly addresses: ReadonlyMap<string, AddressRow>;
  private readonly methods;
  private readonly checkFacts = new Map<string, CheckFacts>();
  private readonly warehouses;
  private readonly days: ReadonlyMap<string, IntakeFacts['days'][number]>;
  private readonly routingFacts = new Map<string, RoutingFacts>();
  private readonly productSkus: ReadonlyMap<string, string>;

  constructor(private readonly facts: IntakeFacts) {
    this.steps = new Map(facts.steps.map((step) => [`${step.merchant_id} ${step.key}`, step.outcome]));
    this.merchants = new Map(facts.merchants.map((merchant) => [merchant.id, merchant]));
    this.lines = groupBy(facts.lines, (line) => line.order_id);
    this.covered = groupBy(facts.covered, (line) => line.order_id);
    this.addresses = new Map(facts.addresses.map((address) => [address.order_id, address]));
    this.methods = groupBy(facts.methods, (method) => method.merchant_id);
    this.warehouses = groupBy(facts.warehouses, (warehouse) => warehouse.merchant_id);
    this.days = new Map(facts.days.map((day) => [`${day.warehouse_id} ${day.day}`, day]));
    this.productSkus = new Map(facts.products.map((product) => [product.id, product.sku]));
  }

  address(orderId: string): AddressRow {
    const address = this.addresses.get(orderId);
    if (!address) throw new Error(`order ${orderId} has no address of its version`);
    return address;
  }

  merchant(merchantId: string): MerchantRow {
    const merchant = this.merchants.get(merchantId);
    if (!merchant) throw new Error(`merchant ${merchantId} is not visible`);
    return merchant;
  }

  warehousesOf(merchantId: string): readonly WarehouseRow[] {
    return this.warehouses.get(merchantId) ?? [];
  }

  /** What is planned for a warehouse's day. */
  dayOf(warehouseId: string, day: string): { readonly orders: number; readonly units: number } {
    return this.days.get(`${warehouseId} ${day}`) ?? { orders: 0, units: 0 };
  }

  /** What a merchant wants of routing, and what it needs to know of products; made once a batch. */
  routingOf(merchantId: string): RoutingFacts {
    const known = this.routingFacts.get(merchantId);
    if (known) return known;
    const own = <T extends { readonly merchant_id: string }>(rows: readonly T[]) =>
      rows.filter((row) => row.merchant_id === merchantId);
    const { split_policy, partial_policy, line_split_policy } = this.merchant(merchantId);
    const made: RoutingFacts = {
      splitPolicy: split_policy,
      partialPolicy: partial_policy,
      lineSplitPolicy: line_split_policy,
      rules: own(this.facts.rules).map(({ id, conditions, effects }) => ({
        ruleId: id,
        conditions,
        effects,
      })),
      zones: own(this.facts.zones),
      rates: own(this.facts.rates).map((rate) => ({
        warehouseId: rate.warehouse_id,
        zone: rate.zone,
        baseMinor: rate.base_minor,
        perKgMinor: rate.per_kg_minor,
      })),
      products: new Map(
        own(this.facts.products).map(({ id, weight_grams, handling }) => [
          id,
          { gramsEach: weight_grams ?? 0, handling },
        ]),
      ),
    };
    this.routingFacts.set(merchantId, made);
    return made;
  }

  warehouseOf(merchantId: string, warehouseId: string): WarehouseRow {
    const warehouse = this.warehousesOf(merchantId).find((each) => each.id === warehouseId);
    if (!warehouse) throw new Error(`warehouse ${warehouseId} does not serve the merchant`);
    return warehouse;
  }

  skuOf(productId: string): string {
    return this.productSkus.get(productId) ?? productId;
  }

  /** What the checks need to know of a merchant; made once a batch and merchant. */
  checkFactsOf(merchantId: string): CheckFacts {
    const known = this.checkFacts.get(merchantId);
    if (known) return known;
    const own = <T extends { readonly merchant_id: string }>(rows: readonly T[]) =>
      rows.filter((row) => row.merchant_id === merchantId);
    const components = groupBy(own(this.facts.components), (component) => component.bundle_product_id);
    const methods = this.methods.get(merchantId) ?? [];
    const made: CheckFacts = {
      paymentPolicy: this.merchant(merchantId).payment_policy,
      shippingMethods: methods.map((method) => ({
        connectionId: method.connection_id,
        method: shippingMethodKey(method.method),
        serviceLevel: method.service_level,
        services: method.services,
        maxDays: method.max_days,
      })),
      aliases: own(this.facts.aliases).map((alias) => ({
        connectionId: alias.connection_id,
        sku: alias.alias,
        productId: alias.product_id,
        unitsPerSku: alias.multiplier,
      })),
      products: own(this.facts.products).map((product) => ({
        productId: product.id,
        sku: product.sku,
        ships: product.ships,
        components: product.is_bundle
          ? (components.get(product.id) ?? []).map((component) => ({
              productId: component.component_product_id,
              quantity: component.quantity,
            }))
          : null,
      })),
    };
    this.checkFacts.set(merchantId, made);
    return made;
  }

  /** @param verdicts what carriers said, by merchant and address digest. */
  orderToCheck(
    order: IntakeOrderRow,
    verdicts: ReadonlyMap<string, { readonly deliverable: boolean; readonly problems: readonly string[] }>,
  ): IntakeOrder {
    const address = this.address(order.id);
    const verdict = verdicts.get(`${order.merchant_id} ${addressDigest(address)}`);
    return {
      connectionId: order.connection_id,
      payment: order.payment,
      requestedShippingMethod: order.requested_shipping_method,
      shipTo: { ...address, postalCode: address.postal_code },
      lines: (this.lines.get(order.id) ?? []).map((line) => ({
        orderLineId: line.id,
        sku: line.sku,
        quantity: line.quantity,
        ships: line.ships,
      })),
      state: order.state,
      held: order.held,
      addressVerdict: this.verdictOn(order, address, verdict),
      addressProblems: verdict?.problems ?? [],
      covered: (this.covered.get(order.id) ?? []).map((line) => ({
        orderLineId: line.order_line_id,
        productId: line.product_id,
        quantity: line.quantity,
      })),
    };
  }

  private verdictOn(
    order: IntakeOrderRow,
    address: AddressRow,
    verdict: { readonly deliverable: boolean } | undefined,
  ): AddressVerdict {
    if (verdict) return verdict.deliverable ? 'good' : 'undeliverable';
    return this.merchant(order.merchant_id).address_check === 'local' ? 'good' : plausibility(address);
  }
}
