/** A work order that waits says so in its row and as an exception; both go when it goes on. */

import type { Database, Tx } from '../../db/client';
import { openExceptions, resolveExceptions } from '../../db/exception.repo';
import { lockWorkOrder, updateWorkOrder, type WorkOrderHead } from '../../db/work-order.repo';
import { EXCEPTION_REASONS } from '../../domain/order/exception-reasons';
import { hasEnded } from '../../domain/stock/work-order';

export interface WorkOrderRef {
  readonly merchantId: string;
  readonly workOrderId: string;
}

const REASONS = ['work_order_short', 'work_order_failed'] as const;
export type WorkOrderTrouble = (typeof REASONS)[number];

/** @returns since when it waits for this, as ISO text. */
export async function blockWorkOrder(
  tx: Tx,
  order: WorkOrderHead,
  reason: WorkOrderTrouble,
  message: string,
): Promise<string> {
  const row = EXCEPTION_REASONS[reason];
  const since = (order.blockedReason === reason ? order.blockedSince : null) ?? order.businessNow;
  await updateWorkOrder(tx, order, { blocked: { reason, since } });
  await openExceptions(tx, [
    {
      merchantId: order.merchantId,
      reason,
      key: `${reason}:${order.id}`,
      cause: reason,
      orderId: null,
      thingKind: 'work_order',
      thingId: order.id,
      owner: row.owner,
      message: `${order.planned} × ${order.sku}: ${message}`,
      deadlineMinutes: row.deadlineMinutes,
      openedAt: since,
    },
  ]);
  return since.toISOString();
}

export async function unblockWorkOrder(tx: Tx, order: WorkOrderHead, why: string): Promise<void> {
  if (order.blockedReason === null) return;
  await updateWorkOrder(tx, order, { blocked: null });
  const keys = REASONS.map((reason) => `${reason}:${order.id}`);
  await resolveExceptions(tx, [order.merchantId], keys, 'workflow', why);
}

/** A step of it fails though nothing is short: somebody has to look. */
export function failWorkOrder(
  database: Database,
  failure: WorkOrderRef & { readonly message: string },
): Promise<{ readonly since: string | null }> {
  return database.withMerchants([failure.merchantId], async (tx) => {
    const order = await lockWorkOrder(tx, [failure.merchantId], failure.workOrderId);
    if (order === null || hasEnded(order.state)) return { since: null };
    return { since: await blockWorkOrder(tx, order, 'work_order_failed', failure.message) };
  });
}
