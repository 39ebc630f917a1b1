/**
 * Decides a batch's orders one after the other on the locked balances, and gathers what is to be
 * written. It holds the running sums: what an order takes is gone for the next one.
 */
import { uuidv7 } from 'uuidv7';
import type { Bin } from '../../db/bin.repo';
import type { NewException } from '../../db/exception.repo';
import type { HeldByOrder } from '../../db/hold.repo';
import type { IntakeOrderRow } from '../../db/intake.repo';
import type { EndingReservation } from '../../db/reservation.repo';
import { type StockKey, stockKey } from '../../db/stock.repo';
import { Failure } from '../../domain/failure-types';
import { isIntakeReason } from '../../domain/order/check-intake';
import { BLOCKED_REASONS, type BlockedReason } from '../../domain/order/exception-reasons';
import { computeShipBy } from '../../domain/order/ship-by';
import type {
  FulfilmentPlan,
  MissingProduct,
  PlanLine,
  PlannedShipment,
} from '../../domain/routing/snapshot';
import { allocateBins } from '../../domain/stock/allocate-bins';
import type { UsableUnits } from '../../domain/stock/keep-units';
import { openDaysOf } from './calendar';
import { IntakeDocument, type ShipmentToWrite } from './document';
import type { AddressRow, IntakeFactIndex, WarehouseRow } from './facts';
import { endAll, OrderHolds } from './order-holds';
import type { Checked, IntakeOutcome } from './outcome';
import { distanceTo, Router } from './route';
import { Sellable } from './sellable';

/** An order planned now still gets this long before it is called late, however late it came in. */
const LEAST_TIME_TO_SHIP_MS = 60 * 60_000;

/** Goods on a packing bench or in staging that belong to nobody are pickable like those in a bin. */
const PICKABLE: ReadonlySet<string> = new Set(['bin', 'staging', 'packing']);

interface PendingShipment extends ShipmentToWrite {
  readonly warehouse: WarehouseRow;
}

interface Parked {
  readonly order: IntakeOrderRow;
  readonly stepKey: string;
  readonly reason: BlockedReason;
  readonly problems: readonly string[];
  readonly subjects: readonly string[];
  readonly missing: readonly { readonly productId: string; readonly needed: number }[];
  /** What it keeps while it waits; null: what it kept before, as it is. */
  readonly keeps: { readonly own: readonly HeldByOrder[]; readonly usable: readonly UsableUnits[] } | null;
}

export class IntakePlanner {
  readonly sellable = new Sellable();
  readonly holds = new OrderHolds(this.sellable.stock);
  private readonly pending: PendingShipment[] = [];
  private readonly orders = new Map<string, IntakeOrderRow>();
  private readonly parked: Parked[] = [];
  private readonly outcomes = new Map<
    string,
    { order: IntakeOrderRow; outcome: IntakeOutcome; check: Checked['check'] }
  >();
  private readonly bins = new Map<string, { -readonly [Field in keyof Bin]: Bin[Field] }[]>();

  private readonly ended: EndingReservation[] = [];
  private readonly decisions: { stepKey: string; order: IntakeOrderRow; plan: FulfilmentPlan }[] = [];
  private readonly router: Router;

  constructor(private readonly facts: IntakeFactIndex) {
    this.router = new Router(facts, this.sellable);
  }

  /** Every balance that the orders' demand could be served from. */
  balanceKeys(checked: readonly Checked[]): StockKey[] {
    const keys = new Map<string, StockKey>();
    for (const { order, check } of checked) {
      if (check.kind !== 'plan') continue;
      for (const warehouse of this.facts.warehousesOf(order.merchant_id)) {
        for (const line of check.demand) {
          const key = { merchantId: order.merchant_id, warehouseId: warehouse.id, productId: line.productId };
          keys.set(stockKey(key), key);
        }
      }
    }
    return [...keys.values()];
  }

  decide({ request, order, check }: Checked): void {
    this.orders.set(request.stepKey, order);
    const settle = (outcome: IntakeOutcome) => this.outcomes.set(request.stepKey, { order, outcome, check });
    switch (check.kind) {
      case 'held':
      case 'check_address':
        settle({ kind: check.kind });
        return;
      case 'cancelled':
        this.giveUp(order);
        settle({ kind: check.kind });
        return;
      case 'services_only':
        this.giveUp(order);
        settle({ kind: 'delivered' });
        return;
      case 'covered':
        this.giveUp(order);
        settle({ kind: 'planned', fulfilmentOrders: [], shipBy: null, waiting: false });
        return;
      case 'blocked':
        this.parked.push({ order, stepKey: request.stepKey, ...check, missing: [], keeps: null });
        return;
      case 'plan':
        this.plan(request.stepKey, order, check, settle);
    }
  }

  private plan(
    stepKey: string,
    order: IntakeOrderRow,
    check: Extract<Checked['check'], { kind: 'plan' }>,
    settle: (outcome: IntakeOutcome) => void,
  ): void {
    const to = this.facts.address(order.id);
    const own = this.holds.giveBack(order.id);
    const plan = this.router.route(order, to, check.demand);
    this.decisions.push({ stepKey, order, plan });
    if (plan.kind === 'no_warehouse') {
      const subjects = plan.productIds.map((productId) => this.facts.skuOf(productId));
      const problems = subjects.map((sku) => `${sku}: no open warehouse may ship it.`);
      this.holds.takeAgain(own);
      const parked = { order, stepKey, reason: 'no_warehouse', problems, subjects, missing: [] } as const;
      this.parked.push({ ...parked, keeps: null });
      return;
    }
    if (plan.kind === 'short') {
      this.parked.push({
        order,
        stepKey,
        reason: 'out_of_stock',
        problems: plan.missing.map(
          (m) => `${this.facts.skuOf(m.productId)}: ${m.needed} needed, ${m.available} available.`,
        ),
        subjects: plan.missing.map((m) => this.facts.skuOf(m.productId)),
        missing: plan.missing,
        keeps: { own, usable: this.takeUsable(order, to, check.demand, plan.missing) },
      });
      return;
    }
    this.ended.push(...endAll(order, own));
    const shipments = plan.shipments.map((shipment) => this.takeShipment(stepKey, order, shipment));
    const shipBy = shipments.map((s) => s.shipBy.getTime()).sort((a, b) => a - b)[0];
    if (plan.backorder.length > 0) {
      this.parked.push({
        order,
        stepKey,
        reason: 'out_of_stock',
        problems: plan.backorder.map(
          (line) => `${this.facts.skuOf(line.productId)}: ${line.quantity} wait for stock.`,
        ),
        subjects: plan.backorder.map((line) => this.facts.skuOf(line.productId)),
        missing: plan.backorder.map((line) => ({ productId: line.productId, needed: line.quantity })),
        keeps: null,
      });
    }
    settle({
      kind: 'planned',
      fulfilmentOrders: shipments.map((s) => ({
        id: s.fulfilmentOrderId,
        warehouseId: s.warehouse.id,
        wms: s.warehouse.wms_kind,
      })),
      shipBy: shipBy === undefined ? null : new Date(shipBy).toISOString(),
      waiting: plan.backorder.length > 0,
    });
  }

  private giveUp(order: IntakeOrderRow): void {
    this.ended.push(...endAll(order, this.holds.giveBack(order.id)));
  }

  /** Takes what there is for an order that is short, where it could be shipped from by the same rules. */
  private takeUsable(
    order: IntakeOrderRow,
    to: AddressRow,
    demand: readonly PlanLine[],
    missing: readonly MissingProduct[],
  ): UsableUnits[] {
    const plan = this.router.routeUsable(order, to, demand, missing);
    return plan.flatMap(({ warehouseId, lines }) =>
      lines.map(({ productId, quantity }) => {
        const warehouse = this.facts.warehouseOf(order.merchant_id, warehouseId);
        this.sellable.take(order, warehouse, productId, quantity);
        return { warehouseId, productId, quantity };
      }),
    );
  }

  private takeShipment(stepKey: string, order: IntakeOrderRow, shipment: PlannedShipment): PendingShipment {
    const warehouse = this.facts.warehouseOf(order.merchant_id, shipment.warehouseId);
    for (const line of shipment.lines) this.sellable.take(order, warehouse, line.productId, line.quantity);
    const pending: PendingShipment = {
      order,
      organisationId: this.facts.merchant(order.merchant_id).organisation_id,
      stepKey,
      shipment,
      warehouse,
      fulfilmentOrderId: uuidv7(),
      shipBy: computeShipBy({
        placedAt: order.placed_at,
        channelShipBy: order.channel_ship_by,
        days: openDaysOf(warehouse, order.placed_at),
      }).shipBy,
      shipDay: this.router.take(order, warehouse, shipment),
      distanceKm: distanceTo(warehouse, this.facts.address(order.id)),
    };
    this.pending.push(pending);
    return pending;
  }

  /** What the built-in warehouses among the plans will take from bins. */
  binKeys(): StockKey[] {
    const keys = new Map<string, StockKey>();
    for (const { order, shipment, warehouse } of this.pending) {
      if (warehouse.wms_kind !== 'built_in') continue;
      for (const { productId } of shipment.lines) {
        const key = { merchantId: order.merchant_id, warehouseId: warehouse.id, productId };
        keys.set(stockKey(key), key);
      }
    }
    return [...keys.values()];
  }

  useBins(rows: readonly Bin[]): void {
    for (const row of rows) {
      if (row.lotHeld || !PICKABLE.has(row.locationKind)) continue;
      const key = stockKey(row);
      const bins = this.bins.get(key);
      if (bins) bins.push({ ...row });
      else this.bins.set(key, [{ ...row }]);
    }
  }

  parkedMerchants(): string[] {
    return [...new Set(this.parked.map(({ order }) => order.merchant_id))];
  }

  /** @param again merchants whose catalogue changed: their parked orders are decided in the next batch. */
  finish(again: ReadonlySet<string>): {
    readonly writes: IntakeDocument['writes'];
    readonly outcomes: ReadonlyMap<string, IntakeOutcome>;
    readonly reservations: IntakeDocument['reservations'];
    readonly allocated: IntakeDocument['allocated'];
    readonly exceptions: readonly NewException[];
    readonly resolved: readonly string[];
  } {
    const document = new IntakeDocument();
    document.reservations.ended.push(...this.ended);
    const parkedOrders = new Map(this.parked.map((parked) => [parked.order.id, parked]));
    for (const { order, outcome, check } of this.outcomes.values()) {
      const parked = parkedOrders.get(order.id);
      if (outcome.kind === 'planned') this.writePlanned(document, order, outcome, check, parked);
      else if (outcome.kind === 'delivered') document.deliver(order);
    }
    const exceptions: NewException[] = [];
    const outcomes = new Map([...this.outcomes].map(([key, { outcome }]) => [key, outcome]));
    for (const parked of this.parked) {
      const planned = outcomes.has(parked.stepKey);
      if (!planned && again.has(parked.order.merchant_id)) continue;
      const message = parked.problems.join(' ');
      document.backorder(parked.order, parked.missing);
      if (parked.keeps) document.keep(parked.order, parked.stepKey, parked.keeps.own, parked.keeps.usable);
      exceptions.push(blockedException(parked, message));
      if (planned) continue;
      document.park(parked.order, parked.reason, { message, subjects: parked.subjects });
      outcomes.set(parked.stepKey, {
        kind: 'blocked',
        reason: parked.reason,
        since: parked.order.business_now.toISOString(),
        message,
      });
    }
    for (const pending of this.pending) this.writeShipment(document, pending);
    for (const { stepKey, order, plan } of this.decisions)
      if (outcomes.has(stepKey)) document.decision(order, plan.kind, plan.trace);
    for (const [key, outcome] of outcomes) {
      document.step((this.orders.get(key) as IntakeOrderRow).merchant_id, key, outcome);
    }
    document.markRefused();
    const resolved = this.resolvedKeys(outcomes);
    return {
      writes: document.writes,
      outcomes,
      reservations: document.reservations,
      allocated: document.allocated,
      exceptions,
      resolved,
    };
  }

  /** Exceptions of reasons that no longer hold: what the order was parked for, unless it still is. */
  private resolvedKeys(outcomes: ReadonlyMap<string, IntakeOutcome>): string[] {
    const still = new Set(this.parked.map((parked) => `${parked.reason}:${parked.order.id}`));
    const before = [...this.outcomes.values(), ...this.parked].flatMap(({ order }) =>
      isIntakeReason(order.blocked_reason) ? [`${order.blocked_reason}:${order.id}`] : [],
    );
    return outcomes.size === 0 ? [] : before.filter((key) => !still.has(key));
  }

  private writePlanned(
    document: IntakeDocument,
    order: IntakeOrderRow,
    outcome: Extract<IntakeOutcome, { kind: 'planned' }>,
    check: Checked['check'],
    parked: Parked | undefined,
  ): void {
    const shipBy = outcome.shipBy === null ? null : new Date(outcome.shipBy);
    const least = order.business_now.getTime() + LEAST_TIME_TO_SHIP_MS;
    document.plan(order, {
      shipping: check.kind === 'plan' ? check.shipping : null,
      mapped: check.kind === 'plan' ? check.mapped : [],
      shipBy,
      deadlineAt: new Date(Math.max(least, shipBy?.getTime() ?? 0)),
      blocked: parked
        ? { reason: parked.reason, detail: { message: parked.problems.join(' '), subjects: parked.subjects } }
        : null,
    });
  }

  private writeShipment(document: IntakeDocument, pending: PendingShipment): void {
    const builtIn = pending.warehouse.wms_kind === 'built_in';
    const { order, fulfilmentOrderId, shipment } = pending;
    document.fulfilmentOrder(pending, builtIn ? 'released' : 'reserved');
    const taskId = builtIn ? document.pickTask(pending) : null;
    for (const line of shipment.lines) {
      const lineId = document.fulfilmentOrderLine(order.merchant_id, fulfilmentOrderId, line);
      const reservationId = document.reserve(pending, lineId, line, builtIn ? 'allocated' : 'held');
      if (taskId === null) continue;
      for (const taken of this.takeBins(pending, line.productId, line.quantity)) {
        document.allocate(order.merchant_id, reservationId, lineId, taskId, line.productId, taken);
      }
    }
  }

  private takeBins({ order, warehouse }: PendingShipment, productId: string, quantity: number) {
    const key = { merchantId: order.merchant_id, warehouseId: warehouse.id, productId };
    const bins = this.bins.get(stockKey(key)) ?? [];
    // What is available is in bins, but for a movement that another transaction would have to have
    // committed without its balance: then the books are wrong, and this order alone fails loudly.
    const { allocations, short } = allocateBins(
      [{ lineId: '', productId, quantity }],
      bins.map((bin) => ({
        ...bin,
        pickSequence: pickSequence(bin),
        available: bin.onHand - bin.allocated,
      })),
      this.sellable.soonestExpiry(order, warehouse, productId),
    );
    if (short.length > 0)
      throw new Failure('InvariantBroken', 'bins hold less than their balance says', { productId });
    for (const { locationId, lotCode, quantity: units } of allocations) {
      const bin = bins.find((b) => b.locationId === locationId && b.lotCode === lotCode);
      if (bin) bin.allocated += units;
    }
    return allocations;
  }
}

function blockedException(parked: Parked, message: string): NewException {
  const { order, reason, subjects } = parked;
  const row = BLOCKED_REASONS[reason];
  return {
    merchantId: order.merchant_id,
    reason,
    key: `${reason}:${order.id}`,
    cause: `${reason}:${subjects[0] ?? ''}`,
    orderId: order.id,
    thingKind: 'order',
    thingId: order.id,
    owner: row.owner,
    message,
    deadlineMinutes: row.deadlineMinutes,
    openedAt: order.business_now,
  };
}

/** Aisle by aisle, bay by bay, from the floor up; goods that lie on a bench come after those in bins. */
function pickSequence(bin: Bin): number {
  const bench = bin.locationKind === 'bin' ? 0 : 1;
  return ((bench * 1_000 + (bin.aisle ?? 0)) * 1_000 + (bin.bay ?? 0)) * 100 + (bin.level ?? 0);
}
