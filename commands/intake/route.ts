/**
 * Asks where orders ship from: the facts of a batch as the snapshot that the pure decision takes. What an
 * order takes of a warehouse's day is gone for the next one of the batch; what other processes plan at
 * the same instant shows in the next batch, so a day may end above its limit by theirs.
 */
import type { IntakeOrderRow } from '../../db/intake.repo';
import type { DemandLine } from '../../domain/order/map-lines';
import { shipDay } from '../../domain/order/ship-by';
import { planFulfilment } from '../../domain/routing/plan-fulfilment';
import type {
  FulfilmentPlan,
  MissingProduct,
  PlannedShipment,
  WarehouseSnapshot,
} from '../../domain/routing/snapshot';
import { openDaysOf } from './calendar';
import type { AddressRow, IntakeFactIndex, WarehouseRow } from './facts';
import { distanceKm } from './geography';
import type { Sellable } from './sellable';

export type Destination = Pick<AddressRow, 'country' | 'region' | 'postal_code'>;

/** What of an order decides where it ships from. */
export type RoutedOrder = Pick<
  IntakeOrderRow,
  'merchant_id' | 'connection_id' | 'customer_id' | 'channel' | 'tags' | 'channel_ship_by' | 'business_now'
>;

export class Router {
  private readonly taken = new Map<string, { orders: number; units: number }>();

  constructor(
    private readonly facts: IntakeFactIndex,
    private readonly sellable: Sellable,
  ) {}

  route(order: RoutedOrder, to: Destination, lines: readonly DemandLine[]): FulfilmentPlan {
    const productIds = [...new Set(lines.map(({ productId }) => productId))];
    const facts = {
      country: to.country,
      region: to.region,
      postalCode: to.postal_code,
      channel: order.channel,
      connectionId: order.connection_id,
      tags: order.tags,
    };
    const warehouses = this.facts
      .warehousesOf(order.merchant_id)
      .map((warehouse) => this.snapshotOf(warehouse, order, to, productIds));
    return planFulfilment({ lines, facts }, { ...this.facts.routingOf(order.merchant_id), warehouses });
  }

  /** From where an order that is short would ship what there is, if it were content with that. */
  routeUsable(
    order: RoutedOrder,
    to: Destination,
    lines: readonly DemandLine[],
    missing: readonly MissingProduct[],
  ): readonly PlannedShipment[] {
    const wanted = new Map<string, DemandLine>();
    for (const line of lines) {
      const quantity = line.quantity + (wanted.get(line.productId)?.quantity ?? 0);
      wanted.set(line.productId, { ...line, quantity });
    }
    // What one product gets can depend on what another takes, so a second look may be short again; each
    // asks for less.
    for (let less = missing; less.length > 0; ) {
      for (const { productId, available } of less) {
        const line = wanted.get(productId);
        if (available === 0) wanted.delete(productId);
        else if (line) wanted.set(productId, { ...line, quantity: available });
      }
      if (wanted.size === 0) return [];
      const plan = this.route(order, to, [...wanted.values()]);
      if (plan.kind === 'plan') return plan.shipments;
      less = plan.kind === 'short' ? plan.missing : [];
    }
    return [];
  }

  /** Counts a planned shipment. @returns the warehouse's local date whose capacity it takes. */
  take(order: RoutedOrder, warehouse: WarehouseRow, shipment: PlannedShipment): string {
    const day = dayOf(warehouse, order).localDate;
    const taken = this.takenOf(warehouse.id, day);
    taken.orders += 1;
    for (const { quantity } of shipment.lines) taken.units += quantity;
    return day;
  }

  private snapshotOf(
    warehouse: WarehouseRow,
    order: RoutedOrder,
    to: Destination,
    productIds: readonly string[],
  ): WarehouseSnapshot {
    const { localDate, closesAt } = dayOf(warehouse, order);
    const before = this.facts.dayOf(warehouse.id, localDate);
    const taken = this.takenOf(warehouse.id, localDate);
    const orders = before.orders + taken.orders;
    const left = (limit: number | null, used: number) => (limit === null ? null : Math.max(0, limit - used));
    return {
      warehouseId: warehouse.id,
      distanceKm: distanceTo(warehouse, to),
      available: new Map(
        productIds.map((productId) => [productId, this.sellable.unitsFor(order, warehouse, productId)]),
      ),
      load: orders,
      room: {
        orders: left(warehouse.orders_a_day, orders),
        units: left(warehouse.units_a_day, before.units + taken.units),
      },
      late: order.channel_ship_by !== null && closesAt.getTime() > order.channel_ship_by.getTime(),
    };
  }

  private takenOf(warehouseId: string, day: string) {
    const key = `${warehouseId} ${day}`;
    const known = this.taken.get(key) ?? { orders: 0, units: 0 };
    this.taken.set(key, known);
    return known;
  }
}

/** The day on which a warehouse would ship it when it is planned now, however long ago it was placed. */
function dayOf(warehouse: WarehouseRow, order: RoutedOrder) {
  return shipDay(order.business_now, openDaysOf(warehouse, order.business_now));
}

export function distanceTo(warehouse: WarehouseRow, to: Pick<Destination, 'country' | 'postal_code'>) {
  return distanceKm(
    { country: warehouse.country, postalCode: warehouse.postal_code },
    { country: to.country, postalCode: to.postal_code },
  );
}
