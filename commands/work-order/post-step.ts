/**
 * Posts what a step took and made: one cause of the ledger, once, whoever comes how often and in whatever
 * order. Goods go from the bins that were set apart through the virtual place `assembly` to the target; what
 * broke goes to the adjustments. What is no longer set apart (a loss took it back, more broke than was
 * planned) is taken from what is free; where nothing is, the work order is blocked until there is.
 */
import { uuidv7 } from 'uuidv7';
import { type Allocation, readAllocations, writeAllocations } from '../../db/allocation.repo';
import { addAllocated, lockOrCreateBins } from '../../db/bin.repo';
import type { Database, Tx } from '../../db/client';
import { ensureLots } from '../../db/lot-hold.repo';
import { virtualPlace } from '../../db/place.repo';
import { addReserved, lockOrCreateStockBalances } from '../../db/stock.repo';
import {
  lockWorkOrder,
  markStepPosted,
  readComponents,
  readSteps,
  type StepRow,
  type WorkOrderHead,
} from '../../db/work-order.repo';
import { consumeForWork, readReservedForWork } from '../../db/work-order-stock.repo';
import { Failure } from '../../domain/failure-types';
import { stepKey } from '../../domain/step-key';
import { flowOf, type StepFlow, type Units } from '../../domain/stock/work-order';
import type { MovementLine } from '../stock/movement';
import { postMovements } from '../stock/post-movements';
import { wakeBackorders } from '../wake-orders';
import { blockWorkOrder, unblockWorkOrder, type WorkOrderRef } from './block-work-order';
import { describeShort, reserveIn } from './reserve-parts';

export interface PostStep extends WorkOrderRef {
  readonly number: number;
}

export type PostedStep =
  | { readonly outcome: 'posted'; readonly built: number }
  | { readonly outcome: 'short'; readonly message: string; readonly since: string };

/** @throws Failure NotFound for a step that nobody reported. */
export function postStep(database: Database, request: PostStep): Promise<PostedStep> {
  return database.withMerchants([request.merchantId], async (tx) => {
    const order = await lockWorkOrder(tx, [request.merchantId], request.workOrderId);
    const steps = order === null ? [] : await readSteps(tx, order.merchantId, order.id);
    const step = steps.find((each) => each.number === request.number);
    if (order === null || step === undefined) throw new Failure('NotFound', 'there is no such step');
    if (step.postedAt !== null) return { outcome: 'posted', built: order.built };
    const components = await readComponents(tx, order.merchantId, order.id);
    const flow = flowOf({ ...order, components }, step);
    const keyOf = ({ productId }: Units) => ({ ...order, productId });
    // All balances in one go: in the order of their keys, whatever goes in and out.
    await lockOrCreateStockBalances(tx, [...flow.used, ...flow.broken, ...flow.made].map(keyOf));
    const missing = await reserveIn(tx, order, step.units, [step]);
    if (missing.length > 0) {
      const message = `Step ${step.number} is made and can not be booked: ${await describeShort(tx, order, missing)}`;
      return {
        outcome: 'short',
        message,
        since: await blockWorkOrder(tx, order, 'work_order_short', message),
      };
    }
    await post(tx, order, step, flow);
    await markStepPosted(tx, order, step);
    await unblockWorkOrder(tx, order, 'The step is posted.');
    await wakeBackorders(
      tx,
      order.merchantId,
      flow.made.map((each) => each.productId),
    );
    return { outcome: 'posted', built: order.built + step.units };
  });
}

async function post(tx: Tx, order: WorkOrderHead, step: StepRow, flow: StepFlow): Promise<void> {
  const { merchantId, id, businessNow } = order;
  const causeId = stepKey(id, order.kind, step.number);
  const shelves = await take(tx, order, [...flow.used, ...flow.broken], causeId);
  const assembly = await virtualPlace(tx, merchantId, 'assembly');
  const gone = await virtualPlace(tx, merchantId, 'adjustment');
  const lotOf = (productId: string) => step.lots.find((lot) => lot.productId === productId);
  await ensureLots(tx, merchantId, step.lots);
  const out = (units: readonly Units[], toLocationId: string): MovementLine[] =>
    units.map(({ productId, quantity }) => ({
      productId,
      lotCode: lotOf(productId)?.lotCode ?? '',
      quantity,
      fromLocationId: assembly,
      toLocationId,
    }));
  await postMovements(tx, [
    {
      merchantId,
      causeId,
      kind: 'kit',
      reason: step.scrap.map((each) => each.reason).join('; ') || undefined,
      actor: step.reportedBy,
      occurredAt: businessNow,
      lines: [
        ...shelves.draw(flow.used, assembly),
        ...shelves.draw(flow.broken, gone),
        ...out(flow.made, order.targetLocationId),
        ...out(flow.wasted, gone),
      ],
    },
  ]);
}

/** Frees what the step uses from its reservations, and says from which bins it is drawn. */
async function take(tx: Tx, order: WorkOrderHead, units: readonly Units[], causeId: string) {
  const { merchantId, warehouseId, businessNow } = order;
  const reserved = await readReservedForWork(tx, merchantId, order.id);
  const allocations = await readAllocations(
    tx,
    reserved.map(({ reservationId }) => ({ merchantId, reservationId })),
  );
  const drawn: Allocation[] = [];
  for (const { productId, quantity } of sum(units)) {
    let open = quantity;
    for (const { reservationId } of reserved.filter((each) => each.productId === productId))
      for (const each of allocations.filter((allocation) => allocation.reservationId === reservationId)) {
        const part = Math.min(open, each.quantity);
        if (part === 0) continue;
        open -= part;
        drawn.push({ ...each, quantity: part });
      }
    if (open > 0)
      throw new Failure('InvariantBroken', 'less is set apart in bins than is reserved', { productId });
  }
  await lockOrCreateBins(
    tx,
    drawn.map((each) => ({ ...each, warehouseId })),
  );
  const leftOf = (each: Allocation) => {
    const before = allocations.find(
      (other) =>
        other.reservationId === each.reservationId &&
        other.locationId === each.locationId &&
        other.lotCode === each.lotCode,
    );
    return { ...each, quantity: (before?.quantity ?? 0) - each.quantity };
  };
  await writeAllocations(tx, drawn.map(leftOf));
  const used = reserved.flatMap(({ reservationId }) => {
    const quantity = drawn.reduce(
      (total, each) => total + (each.reservationId === reservationId ? each.quantity : 0),
      0,
    );
    return quantity === 0 ? [] : [{ reservationId, quantity, partId: uuidv7() }];
  });
  await consumeForWork(tx, merchantId, used, causeId, businessNow);
  const fallen = drawn.map((each) => ({ ...each, warehouseId, delta: -each.quantity }));
  await addReserved(tx, fallen);
  await addAllocated(tx, fallen);
  return new Shelves(drawn.map((each) => ({ ...each })));
}

function sum(units: readonly Units[]): Units[] {
  const totals = new Map<string, number>();
  for (const { productId, quantity } of units) totals.set(productId, (totals.get(productId) ?? 0) + quantity);
  return [...totals].map(([productId, quantity]) => ({ productId, quantity }));
}

/** Bins with what is drawn from them, handed out to lines. */
class Shelves {
  constructor(private readonly drawn: { -readonly [K in keyof Allocation]: Allocation[K] }[]) {}

  draw(units: readonly Units[], toLocationId: string): MovementLine[] {
    return units.flatMap(({ productId, quantity }) => {
      const lines: MovementLine[] = [];
      let open = quantity;
      for (const bin of this.drawn.filter((each) => each.productId === productId)) {
        const part = Math.min(open, bin.quantity);
        if (part === 0) continue;
        bin.quantity -= part;
        open -= part;
        const { locationId: fromLocationId, lotCode } = bin;
        lines.push({ productId, lotCode, quantity: part, fromLocationId, toLocationId });
      }
      return lines;
    });
  }
}
