/**
 * Parks an order under a named reason, and lets it go on. The flag, the exception that a person sees and
 * the new deadline are one transaction; blocking twice for one reason adds an attempt to the exception.
 */
import type { Database, Tx } from '../db/client';
import { openExceptions, resolveExceptions } from '../db/exception.repo';
import { clearBlocked, lockOrder, setBlocked } from '../db/order.repo';
import { BLOCKED_REASONS, type BlockedReason } from '../domain/order/exception-reasons';

export interface BlockOrder {
  readonly merchantId: string;
  readonly orderId: string;
  readonly reason: BlockedReason;
  /** A plain sentence without personal data. */
  readonly message: string;
  /** What other orders may share, e.g. the carrier account. */
  readonly subject: string;
}

/** @returns since when it is blocked, null when the order has ended meanwhile. */
export function blockOrder(
  database: Database,
  request: BlockOrder,
): Promise<{ readonly since: string | null }> {
  return database.withMerchants([request.merchantId], (tx) => blockOrderIn(tx, request));
}

export async function blockOrderIn(tx: Tx, request: BlockOrder): Promise<{ readonly since: string | null }> {
  const order = await lockOrder(tx, request.merchantId, request.orderId);
  if (!order || ['closed', 'cancelled'].includes(order.state)) return { since: null };
  const row = BLOCKED_REASONS[request.reason];
  await setBlocked(tx, order, {
    reason: request.reason,
    message: request.message,
    deadlineAt: new Date(order.business_now.getTime() + row.deadlineMinutes * 60_000),
  });
  await openExceptions(tx, [
    {
      merchantId: request.merchantId,
      reason: request.reason,
      key: `${request.reason}:${request.orderId}`,
      cause: `${request.reason}:${request.subject}`,
      orderId: request.orderId,
      thingKind: 'order',
      thingId: request.orderId,
      owner: row.owner,
      message: request.message,
      deadlineMinutes: row.deadlineMinutes,
      openedAt: order.business_now,
    },
  ]);
  return { since: order.business_now.toISOString() };
}

/** How long the work that goes on may take before somebody looks: a working day. */
const RESUMED_DEADLINE_MS = 24 * 60 * 60_000;

export interface UnblockOrder {
  readonly merchantId: string;
  readonly orderId: string;
  readonly reason: BlockedReason;
  readonly by: string;
}

export function unblockOrder(database: Database, request: UnblockOrder): Promise<void> {
  return database.withMerchants([request.merchantId], (tx) => unblockOrderIn(tx, request));
}

/** Takes the reason away and resolves its exception; without it nothing changes. */
export async function unblockOrderIn(tx: Tx, request: UnblockOrder): Promise<void> {
  const order = await lockOrder(tx, request.merchantId, request.orderId);
  if (!order) return;
  await clearBlocked(tx, order, request.reason, new Date(order.business_now.getTime() + RESUMED_DEADLINE_MS));
  const key = `${request.reason}:${request.orderId}`;
  await resolveExceptions(tx, [request.merchantId], [key], request.by, 'The order went on.');
}
