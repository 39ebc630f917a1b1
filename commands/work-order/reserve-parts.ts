/**
 * Sets apart what a work order still needs, bound to bins, all of it or nothing: two work orders that each
 * held half of what both need would wait for each other. Run as often as one likes, it adds only what is
 * missing. Short: the work order is blocked with an exception, and woken when stock of it comes free.
 * Locks: the work order, then balances, then bins.
 */
import { uuidv7 } from 'uuidv7';
import type { Allocation } from '../../db/allocation.repo';
import { addAllocated, lockBins } from '../../db/bin.repo';
import type { Database, Tx } from '../../db/client';
import { addReserved, lockOrCreateStockBalances, stockKey } from '../../db/stock.repo';
import {
  lockWorkOrder,
  readComponents,
  readSteps,
  updateWorkOrder,
  type WorkOrderHead,
} from '../../db/work-order.repo';
import { insertReservedForWork, readReservedForWork } from '../../db/work-order-stock.repo';
import { Failure } from '../../domain/failure-types';
import { stepKey } from '../../domain/step-key';
import { allocateBins } from '../../domain/stock/allocate-bins';
import { hasEnded, needsOf, type Units } from '../../domain/stock/work-order';
import { isHeld } from '../stock/post-movements';
import { blockWorkOrder, unblockWorkOrder, type WorkOrderRef } from './block-work-order';

export interface WorkOrderOutlook {
  readonly planned: number;
  readonly built: number;
  /** Numbers of steps to post, in their order. */
  readonly steps: readonly number[];
  /** All is made, or somebody wants it to end. */
  readonly ends: boolean;
  /** What is short, in words, and since when; null when the rest is set apart. */
  readonly short: { readonly message: string; readonly since: string } | null;
}

/** @throws Failure NotFound. */
export function reserveParts(database: Database, ref: WorkOrderRef): Promise<WorkOrderOutlook> {
  return database.withMerchants([ref.merchantId], async (tx) => {
    const order = await lockWorkOrder(tx, [ref.merchantId], ref.workOrderId);
    if (order === null) throw new Failure('NotFound', 'there is no such work order');
    const steps = (await readSteps(tx, order.merchantId, order.id)).filter((step) => step.postedAt === null);
    const { planned, built } = order;
    const outlook = { planned, built, steps: steps.map((step) => step.number) };
    const ends = hasEnded(order.state) || order.ending !== null || built === planned;
    // What was reported is made: it is posted first, and takes what is set apart for it.
    if (ends || steps.length > 0) return { ...outlook, ends, short: null };
    const missing = await reserveIn(tx, order, planned - built);
    if (missing.length === 0) {
      if (order.state === 'planned') await updateWorkOrder(tx, order, { state: 'reserved' });
      await unblockWorkOrder(tx, order, 'All of it is set apart.');
      return { ...outlook, ends, short: null };
    }
    const message = await describeShort(tx, order, missing);
    const since = await blockWorkOrder(tx, order, 'work_order_short', message);
    return { ...outlook, ends, short: { message, since } };
  });
}

/** Adds what is missing. @returns what is short; then nothing was added. */
export async function reserveIn(
  tx: Tx,
  order: WorkOrderHead,
  unitsLeft: number,
  unposted: Parameters<typeof needsOf>[2] = [],
): Promise<Units[]> {
  const { merchantId, warehouseId } = order;
  const components = await readComponents(tx, merchantId, order.id);
  const needs = needsOf({ ...order, components }, unitsLeft, unposted);
  const keyOf = ({ productId }: { readonly productId: string }) => ({ merchantId, warehouseId, productId });
  const balances = await lockOrCreateStockBalances(tx, needs.map(keyOf));
  const reserved = await readReservedForWork(tx, merchantId, order.id);
  const missing = needs.flatMap(({ productId, quantity }) => {
    const has = reserved.reduce((sum, each) => sum + (each.productId === productId ? each.quantity : 0), 0);
    return has < quantity ? [{ productId, quantity: quantity - has }] : [];
  });
  if (missing.length === 0) return [];
  const short = missing.filter(({ productId, quantity }) => {
    const balance = balances.get(stockKey(keyOf({ productId })));
    return balance === undefined || balance.onHand - balance.held - balance.reserved < quantity;
  });
  if (short.length > 0) return short;
  const bins = (await lockBins(tx, missing.map(keyOf))).filter((bin) => !isHeld(bin));
  const plan = allocateBins(
    missing.map((each) => ({ lineId: '', ...each })),
    bins.map((bin) => ({ ...bin, pickSequence: 0, available: bin.onHand - bin.allocated })),
    order.today,
  );
  if (plan.short.length > 0) return [...plan.short];
  const made = missing.map((each) => ({
    ...each,
    reservationId: uuidv7(),
    stepKey: stepKey(order.id, 'reserve'),
  }));
  const allocations = plan.allocations.map((each): Allocation => {
    const reservation = made.find((row) => row.productId === each.productId);
    return { ...each, merchantId, reservationId: (reservation as (typeof made)[number]).reservationId };
  });
  await insertReservedForWork(tx, order, made, allocations);
  await addReserved(
    tx,
    missing.map((each) => ({ ...keyOf(each), delta: each.quantity })),
  );
  await addAllocated(
    tx,
    allocations.map((each) => ({ ...each, delta: each.quantity })),
  );
  return [];
}

export async function describeShort(tx: Tx, order: WorkOrderHead, short: readonly Units[]): Promise<string> {
  const components = await readComponents(tx, order.merchantId, order.id);
  const skuOf = (productId: string) =>
    components.find((each) => each.productId === productId)?.sku ?? order.sku;
  return `${short.map(({ productId, quantity }) => `${quantity} × ${skuOf(productId)}`).join(', ')} missing or promised.`;
}
