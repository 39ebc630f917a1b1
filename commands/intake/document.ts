/** The rows that a batch of intakes will write, table by table, and the changes of balances with them. */
import { uuidv7 } from 'uuidv7';
import type { BinKey } from '../../db/bin.repo';
import type { HeldByOrder } from '../../db/hold.repo';
import type { IntakeOrderRow } from '../../db/intake.repo';
import type { IntakeWrites } from '../../db/intake-write.repo';
import type { ReservationWrites } from '../../db/reservation.repo';
import { isIntakeReason, type Mapping } from '../../domain/order/check-intake';
import type { ShippingMethodMapping } from '../../domain/order/check-order';
import { BLOCKED_REASONS, type BlockedReason } from '../../domain/order/exception-reasons';
import type { PlanLine, PlannedShipment } from '../../domain/routing/snapshot';
import type { RoutingTrace } from '../../domain/routing/trace';

import type { UsableUnits } from '../../domain/stock/keep-units';
import { keepWhileWaiting } from './order-holds';

type AllocatedDelta = BinKey & { readonly delta: number };

type Rows<Tables extends Readonly<Record<string, readonly unknown[]>>> = {
  -readonly [Table in keyof Tables]: Tables[Table][number][];
};

/** What a delivered or planned order without parts has left to do takes minutes; a day is generous. */
const CLOSE_DEADLINE_MS = 24 * 60 * 60_000;

export interface ShipmentToWrite {
  readonly order: IntakeOrderRow;
  readonly stepKey: string;
  readonly warehouse: { readonly id: string };
  readonly fulfilmentOrderId: string;
  readonly organisationId: string;
  readonly shipBy: Date;
  /** Local date of the warehouse. */
  readonly shipDay: string;
  readonly distanceKm: number | null;
  readonly shipment: PlannedShipment;
}

export class IntakeDocument {
  readonly writes: Rows<{ [Table in keyof IntakeWrites]: IntakeWrites[Table] }> = {
    orders: [],
    mapped: [],
    fulfilmentOrders: [],
    fulfilmentOrderLines: [],
    tasks: [],
    taskLines: [],
    backorders: [],
    days: [],
    decisions: [],
  };
  readonly reservations: Rows<{ [Part in keyof ReservationWrites]: ReservationWrites[Part] }> = {
    made: [],
    ended: [],
    allocations: [],
    steps: [],
  };
  private readonly lineNumbers = new Map<string, number>();
  readonly allocated: AllocatedDelta[] = [];

  private order(order: IntakeOrderRow, change: Partial<IntakeWrites['orders'][number]>): void {
    this.writes.orders.push({
      merchant_id: order.merchant_id,
      id: order.id,
      state: null,
      at: order.business_now,
      deadline_at: null,
      keep_blocked: false,
      blocked_reason: null,
      blocked_detail: null,
      service_level: null,
      services: null,
      max_days: null,
      ship_by: null,
      ...change,
    });
  }

  deliver(order: IntakeOrderRow): void {
    this.order(order, {
      state: 'delivered',
      deadline_at: new Date(order.business_now.getTime() + CLOSE_DEADLINE_MS),
    });
  }

  park(order: IntakeOrderRow, reason: BlockedReason, detail: unknown): void {
    this.order(order, {
      deadline_at: new Date(order.business_now.getTime() + BLOCKED_REASONS[reason].deadlineMinutes * 60_000),
      blocked_reason: reason,
      blocked_detail: detail,
    });
  }

  plan(
    order: IntakeOrderRow,
    plan: {
      readonly shipping: ShippingMethodMapping | null;
      readonly mapped: readonly Mapping[];
      readonly shipBy: Date | null;
      readonly deadlineAt: Date;
      readonly blocked: { readonly reason: string; readonly detail: unknown } | null;
    },
  ): void {
    this.order(order, {
      // A re-plan of a part does not take the order back.
      state: order.state === 'accepted' ? 'planned' : null,
      deadline_at: plan.deadlineAt,
      keep_blocked:
        plan.blocked === null && order.blocked_reason !== null && !isIntakeReason(order.blocked_reason),
      blocked_reason: plan.blocked?.reason ?? null,
      blocked_detail: plan.blocked?.detail ?? null,
      service_level: plan.shipping?.serviceLevel ?? null,
      services: plan.shipping?.services ?? null,
      max_days: plan.shipping?.maxDays ?? null,
      ship_by: plan.shipBy,
    });
    for (const { orderLineId, productId } of plan.mapped) {
      this.writes.mapped.push({
        merchant_id: order.merchant_id,
        order_line_id: orderLineId,
        product_id: productId,
      });
    }
  }

  fulfilmentOrder(shipment: ShipmentToWrite, state: 'released' | 'reserved'): void {
    this.writes.fulfilmentOrders.push({
      merchant_id: shipment.order.merchant_id,
      id: shipment.fulfilmentOrderId,
      order_id: shipment.order.id,
      warehouse_id: shipment.warehouse.id,
      state,
      at: shipment.order.business_now,
      ship_by: shipment.shipBy,
      ship_day: shipment.shipDay,
      distance_km: shipment.distanceKm,
    });
    this.takeDay(shipment);
  }

  private takeDay({ organisationId, warehouse, shipDay: day, shipment }: ShipmentToWrite): void {
    const units = shipment.lines.reduce((sum, { quantity }) => sum + quantity, 0);
    const at = this.writes.days.findIndex((row) => row.warehouse_id === warehouse.id && row.day === day);
    const before = this.writes.days[at] ?? { orders: 0, units: 0 };
    this.writes.days.splice(at === -1 ? this.writes.days.length : at, 1, {
      organisation_id: organisationId,
      warehouse_id: warehouse.id,
      day,
      orders: before.orders + 1,
      units: before.units + units,
    });
  }

  decision(order: IntakeOrderRow, outcome: string, trace: RoutingTrace): void {
    this.writes.decisions.push({
      merchant_id: order.merchant_id,
      id: uuidv7(),
      order_id: order.id,
      decided_at: order.business_now,
      outcome,
      trace,
    });
  }

  fulfilmentOrderLine(merchantId: string, fulfilmentOrderId: string, line: PlanLine): string {
    const id = uuidv7();
    this.writes.fulfilmentOrderLines.push({
      merchant_id: merchantId,
      id,
      fulfilment_order_id: fulfilmentOrderId,
      order_line_id: line.orderLineId,
      product_id: line.productId,
      quantity: line.quantity,
    });
    return id;
  }

  reserve(shipment: ShipmentToWrite, lineId: string, line: PlanLine, state: 'allocated' | 'held'): string {
    const id = uuidv7();
    this.reservations.made.push({
      merchantId: shipment.order.merchant_id,
      id,
      orderId: shipment.order.id,
      fulfilmentOrderLineId: lineId,
      warehouseId: shipment.warehouse.id,
      productId: line.productId,
      quantity: line.quantity,
      state,
      stepKey: shipment.stepKey,
    });
    return id;
  }

  pickTask(shipment: ShipmentToWrite): string {
    const id = uuidv7();
    this.writes.tasks.push({
      merchant_id: shipment.order.merchant_id,
      id,
      warehouse_id: shipment.warehouse.id,
      order_id: shipment.order.id,
      fulfilment_order_id: shipment.fulfilmentOrderId,
      priority: shipment.order.priority,
      due_at: shipment.shipBy,
    });
    return id;
  }

  allocate(
    merchantId: string,
    reservationId: string,
    lineId: string,
    taskId: string,
    productId: string,
    taken: { readonly locationId: string; readonly lotCode: string; readonly quantity: number },
  ): void {
    const where = {
      location_id: taken.locationId,
      lot_code: taken.lotCode,
      product_id: productId,
      quantity: taken.quantity,
    };
    const lineNo = (this.lineNumbers.get(taskId) ?? 0) + 1;
    this.lineNumbers.set(taskId, lineNo);
    const { locationId, lotCode, quantity } = taken;
    const key = { merchantId, locationId, productId, lotCode };
    this.reservations.allocations.push({ ...key, reservationId, quantity });
    this.writes.taskLines.push({
      merchant_id: merchantId,
      id: uuidv7(),
      task_id: taskId,
      line_no: lineNo,
      fulfilment_order_line_id: lineId,
      ...where,
    });
    this.allocated.push({ ...key, delta: quantity });
  }

  backorder(
    order: IntakeOrderRow,
    missing: readonly { readonly productId: string; readonly needed: number }[],
  ): void {
    for (const { productId, needed } of missing) {
      const same = (row: { order_id: string; product_id: string }) =>
        row.order_id === order.id && row.product_id === productId;
      const known = this.writes.backorders.findIndex(same);
      const before = known === -1 ? 0 : (this.writes.backorders.splice(known, 1)[0]?.quantity ?? 0);
      this.writes.backorders.push({
        merchant_id: order.merchant_id,
        order_id: order.id,
        product_id: productId,
        quantity: needed + before,
        priority: order.priority,
        ship_by: order.channel_ship_by,
        placed_at: order.placed_at,
        refused: false,
      });
    }
  }

  keep(
    order: IntakeOrderRow,
    stepKey: string,
    own: readonly HeldByOrder[],
    usable: readonly UsableUnits[],
  ): void {
    const { ended, made } = keepWhileWaiting(order, stepKey, own, usable);
    this.reservations.ended.push(...ended);
    this.reservations.made.push(...made);
  }

  /** Last of all: an order that waits and kept units until now that it did not take could not use them. */
  markRefused(): void {
    const units = new Map<string, number>();
    const add = (row: { readonly orderId: string | null; readonly productId: string }, quantity: number) =>
      units.set(
        `${row.orderId} ${row.productId}`,
        quantity + (units.get(`${row.orderId} ${row.productId}`) ?? 0),
      );
    for (const row of this.reservations.ended) add(row, row.quantity);
    for (const row of this.reservations.made) add(row, -row.quantity);
    this.writes.backorders.splice(
      0,
      this.writes.backorders.length,
      ...this.writes.backorders.map((row) => ({
        ...row,
        refused: (units.get(`${row.order_id} ${row.product_id}`) ?? 0) > 0,
      })),
    );
  }

  step(merchantId: string, key: string, outcome: unknown): void {
    this.reservations.steps.push({ merchantId, key, outcome });
  }
}
