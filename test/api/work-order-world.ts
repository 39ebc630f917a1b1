/** Work order routes of the sweep, and a work order in the right state for each of them. */
import { randomUUID } from 'node:crypto';
import { createWorkOrder } from '../../commands/work-order/create-work-order';
import { reserveParts } from '../../commands/work-order/reserve-parts';
import type { Database } from '../../db/client';
import { warehouseOf } from '../support/floor-steps';
import type { SeededMerchant } from '../support/merchant';

export const WORK_ORDER_THINGS = [
  'workOrderId',
  'workOrderToReport',
  'workOrderToFinish',
  'workOrderToCancel',
  'workOrderToRetry',
] as const;
export type WorkOrderWorld = Readonly<
  Record<(typeof WORK_ORDER_THINGS)[number] | 'warehouseId' | 'sku', string>
>;

const kitOf = (sku: string) => `${sku}-KIT`;

export const WORK_ORDER_ROUTES: Readonly<
  Record<string, (w: WorkOrderWorld) => { readonly path: string; readonly body?: unknown }>
> = {
  listWorkOrders: () => ({ path: '/v1/work-orders' }),
  getWorkOrder: (w) => ({ path: `/v1/work-orders/${w.workOrderId}` }),
  createWorkOrder: (w) => ({
    path: '/v1/work-orders',
    body: {
      warehouseId: w.warehouseId,
      sku: kitOf(w.sku),
      quantity: 1,
      components: [{ sku: w.sku, quantity: 2 }],
      locationCode: 'A-01-02',
      reason: 'asked',
    },
  }),
  reportWorkOrderStep: (w) => ({
    path: `/v1/work-orders/${w.workOrderToReport}/steps`,
    body: { units: 1 },
  }),
  finishWorkOrder: (w) => ({
    path: `/v1/work-orders/${w.workOrderToFinish}/finish`,
    body: { reason: 'enough' },
  }),
  cancelWorkOrder: (w) => ({
    path: `/v1/work-orders/${w.workOrderToCancel}/cancel`,
    body: { reason: 'asked' },
  }),
  retryWorkOrder: (w) => ({ path: `/v1/work-orders/${w.workOrderToRetry}/retry`, body: { reason: 'again' } }),
};

/** @param kit the seeded product that is made of the other one. */
export async function makeWorkOrderWorld(database: Database, merchant: SeededMerchant, sku: string) {
  const { merchantId } = merchant;
  const make = async () => {
    const { workOrderId } = await createWorkOrder(database, {
      merchantId,
      key: randomUUID(),
      warehouseId: warehouseOf(merchant).id,
      kind: 'kit',
      sku: kitOf(sku),
      quantity: 2,
      components: [{ sku, quantity: 2 }],
      locationCode: 'A-01-02',
      reference: null,
      reason: 'demo kits',
      actor: 'test',
    });
    await reserveParts(database, { merchantId, workOrderId });
    return workOrderId;
  };
  return {
    workOrderId: await make(),
    workOrderToReport: await make(),
    workOrderToFinish: await make(),
    workOrderToCancel: await make(),
    workOrderToRetry: await make(),
  };
}
