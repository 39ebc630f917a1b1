/**
 * The end of a work order: what is still set apart is for sale again, and whoever waits for it gets it, in
 * one transaction. Not while a reported step is to be posted. A second time changes nothing.
 */
import { endReservationRows, readAllocations } from '../../db/allocation.repo';
import { audit } from '../../db/audit-log.repo';
import { addAllocated, lockOrCreateBins } from '../../db/bin.repo';
import type { Database, Tx } from '../../db/client';
import { addReserved, lockStockBalances } from '../../db/stock.repo';
import { lockWorkOrder, readSteps, updateWorkOrder, type WorkOrderHead } from '../../db/work-order.repo';
import { readReservedForWork } from '../../db/work-order-stock.repo';
import { Failure } from '../../domain/failure-types';
import { hasEnded } from '../../domain/stock/work-order';
import { wakeBackorders } from '../wake-orders';
import { unblockWorkOrder, type WorkOrderRef } from './block-work-order';

export type ClosedWorkOrder =
  | { readonly outcome: 'ended'; readonly state: 'done' | 'cancelled'; readonly built: number }
  /** A step was reported meanwhile, or there is more to make. */
  | { readonly outcome: 'goes_on' };

/** @throws Failure NotFound. */
export function closeWorkOrder(database: Database, ref: WorkOrderRef): Promise<ClosedWorkOrder> {
  return database.withMerchants([ref.merchantId], async (tx) => {
    const order = await lockWorkOrder(tx, [ref.merchantId], ref.workOrderId);
    if (order === null) throw new Failure('NotFound', 'there is no such work order');
    const { built, planned } = order;
    if (hasEnded(order.state))
      return { outcome: 'ended', state: order.state === 'done' ? 'done' : 'cancelled', built };
    const steps = await readSteps(tx, order.merchantId, order.id);
    const ends = order.ending !== null || built === planned;
    if (!ends || steps.some((step) => step.postedAt === null)) return { outcome: 'goes_on' };
    const state = built === planned ? 'done' : (order.ending ?? 'done');
    await giveBack(tx, order);
    await updateWorkOrder(tx, order, { state, endedAt: order.businessNow });
    await unblockWorkOrder(tx, order, `It is ${state}.`);
    await audit(tx, {
      merchantId: order.merchantId,
      actor: `workflow:${order.id}`,
      action: `work_order.${state === 'done' ? 'done' : 'cancelled'}`,
      thingKind: 'work_order',
      thingId: order.id,
      before: { state: order.state },
      after: { state, built, planned },
    });
    return { outcome: 'ended', state, built };
  });
}

async function giveBack(tx: Tx, order: WorkOrderHead): Promise<void> {
  const { merchantId, warehouseId, id, businessNow } = order;
  // Which balances they are of never changes; how much, only under their locks.
  const keys = (await readReservedForWork(tx, merchantId, id)).map(({ productId }) => ({
    merchantId,
    warehouseId,
    productId,
  }));
  await lockStockBalances(tx, keys);
  const reserved = await readReservedForWork(tx, merchantId, id);
  const refs = reserved.map(({ reservationId }) => ({ merchantId, reservationId, endedAt: businessNow }));
  const allocations = await readAllocations(tx, refs);
  await lockOrCreateBins(
    tx,
    allocations.map((each) => ({ ...each, warehouseId })),
  );
  await addReserved(
    tx,
    reserved.map(({ productId, quantity }) => ({ merchantId, warehouseId, productId, delta: -quantity })),
  );
  await addAllocated(
    tx,
    allocations.map((each) => ({ ...each, delta: -each.quantity })),
  );
  await endReservationRows(tx, refs, 'released');
  await wakeBackorders(
    tx,
    merchantId,
    reserved.map(({ productId }) => productId),
  );
}
