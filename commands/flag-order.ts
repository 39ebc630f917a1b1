/**
 * Shows a flag of the order in the Temporal UI that was set or taken away outside its workflow. The message
 * id holds the order's version, which keeps a repetition from being another fact.
 */
import type { Tx } from '../db/client';
import type { LockedOrder } from '../db/order.repo';
import { enqueue } from '../db/outbox.repo';

/** @param by tells apart who flags the same version. */
export function flagOrder(
  tx: Tx,
  order: Pick<LockedOrder, 'merchant_id' | 'id' | 'workflow_id' | 'version' | 'held'>,
  by: string,
  blockedReason: string | null,
): Promise<void> {
  return enqueue(tx, [
    {
      merchantId: order.merchant_id,
      kind: 'workflow.signal',
      key: `flagged:${order.id}:${order.version}:${by}`,
      orderId: order.id,
      payload: {
        workflowId: order.workflow_id,
        signal: 'flagged',
        args: [{ blockedReason, held: order.held }],
      },
    },
  ]);
}
