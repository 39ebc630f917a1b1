/**
 * Starts another run of an order's workflow that Temporal lost, or that failed or was terminated. The rows
 * say what the lost run was told and has not done; that is told again. The new run makes its own intakes,
 * for what an earlier one answered then says nothing about now. Where a run is at work none is started,
 * and what it is told twice it knows.
 */
import type { Tx } from '../db/client';
import { enqueue, type OutboxMessage } from '../db/outbox.repo';
import { readWorkflowDebt } from '../db/workflow-debt.repo';

export interface LostWorkflow {
  readonly merchantId: string;
  readonly orderId: string;
  readonly workflowId: string;
}

/** @param restart names this restart: asked for twice under one name it is one. No colons. */
export async function restartWorkflow(tx: Tx, lost: LostWorkflow, restart: string): Promise<void> {
  const { merchantId, orderId, workflowId } = lost;
  const debt = await readWorkflowDebt(tx, merchantId, orderId);
  if (debt === null) return;
  const message = (
    kind: OutboxMessage['kind'],
    what: string,
    payload: Readonly<Record<string, unknown>>,
  ): OutboxMessage => ({
    merchantId,
    kind,
    key: `${what}:again:${restart}`,
    orderId,
    payload: { workflowId, ...payload },
  });
  await enqueue(tx, [
    message('workflow.start', `start:${orderId}`, {
      workflowType: 'orderWorkflow',
      input: { merchantId, orderId, restart },
      again: true,
    }),
    ...debt.packed.map((packed) =>
      message('workflow.update', `packed:${packed.parcelId}`, {
        update: 'packed',
        updateId: `${packed.parcelId}:again:${restart}`,
        args: [packed],
      }),
    ),
    ...debt.shipped.map((fulfilmentOrderId) =>
      message('workflow.signal', `shipped:${fulfilmentOrderId}`, {
        signal: 'shipped',
        args: [{ fulfilmentOrderId }],
      }),
    ),
    ...(debt.delivered
      ? [message('workflow.signal', `delivered:${orderId}`, { signal: 'delivered', args: [] })]
      : []),
  ]);
}
