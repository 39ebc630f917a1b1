/**
 * What a work order's workflow is started with and told, as outbox rows of the fact. A signal only says
 * "look": everything it could say is in Postgres, so one that is lost before the start costs nothing.
 */
import { uuidv7 } from 'uuidv7';
import type { Tx } from '../../db/client';
import { enqueue } from '../../db/outbox.repo';
import { blockedWorkOrders } from '../../db/work-order.repo';

export const workOrderWorkflowId = (merchantId: string, workOrderId: string) =>
  `work-order:${merchantId}:${workOrderId}`;

/** @param again another run of one that was lost, failed or was terminated. */
export async function startWorkOrder(
  tx: Tx,
  order: { readonly merchantId: string; readonly id: string; readonly warehouseId: string },
  summary: string,
  again = false,
): Promise<void> {
  const { merchantId, id } = order;
  await enqueue(tx, [
    {
      merchantId,
      kind: 'workflow.start',
      key: `start:work-order:${id}${again ? `:${uuidv7()}` : ''}`,
      orderId: null,
      payload: {
        workflowId: workOrderWorkflowId(merchantId, id),
        workflowType: 'workOrderWorkflow',
        input: { merchantId, workOrderId: id },
        warehouseId: order.warehouseId,
        summary,
        ...(again ? { again } : {}),
      },
    },
  ]);
}

export async function tellWorkOrders(
  tx: Tx,
  merchantId: string,
  workOrderIds: readonly string[],
  cause: string,
): Promise<void> {
  await enqueue(
    tx,
    [...new Set(workOrderIds)].map((id) => ({
      merchantId,
      kind: 'workflow.signal' as const,
      key: `look:work-order:${id}:${uuidv7()}`,
      orderId: null,
      payload: { workflowId: workOrderWorkflowId(merchantId, id), signal: 'look', args: [{ cause }] },
    })),
  );
}

/** Stock of these products came free: who waits for some looks again, after the orders had their turn. */
export async function wakeWorkOrders(
  tx: Tx,
  merchantId: string,
  productIds: readonly string[],
): Promise<void> {
  const waiting = await blockedWorkOrders(tx, merchantId, productIds);
  if (waiting.length > 0) await tellWorkOrders(tx, merchantId, waiting, 'stock_arrived');
}
