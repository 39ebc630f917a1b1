/**
 * Closes an order whose every part has ended, once the channel was told: a closed workflow could not say
 * any more that the channel refused. The check and the closing are one statement on the locked order.
 */
import type { Database } from '../db/client';
import { lockOrder } from '../db/order.repo';

export interface CloseRequest {
  readonly merchantId: string;
  readonly orderId: string;
}

export type CloseOutcome =
  | { readonly outcome: 'closed' }
  | { readonly outcome: 'cancelled' }
  /** Tracking updates are still on their way, or the order is not delivered yet. */
  | { readonly outcome: 'waiting'; readonly for: 'channel' | 'delivery' };

export function closeOrder(database: Database, request: CloseRequest): Promise<CloseOutcome> {
  return database.withMerchants([request.merchantId], async (tx): Promise<CloseOutcome> => {
    const order = await lockOrder(tx, request.merchantId, request.orderId);
    if (order?.state === 'cancelled') return { outcome: 'cancelled' };
    if (order?.state === 'closed') return { outcome: 'closed' };
    if (order?.state !== 'delivered') return { outcome: 'waiting', for: 'delivery' };
    const closed = await tx.run({
      name: 'order-close',
      text: `update sales_order o set state = 'closed', state_since = $3, closed_at = $3, deadline_at = null,
          blocked_reason = null, blocked_since = null, blocked_detail = null, version = version + 1
        where o.merchant_id = $1 and o.id = $2 and o.state = 'delivered' and not exists (
          select from outbox m where m.merchant_id = o.merchant_id and m.order_id = o.id
            and m.kind = 'channel.tracking' and m.state <> 'done')`,
      values: [request.merchantId, request.orderId, order.business_now],
    });
    return closed === 1 ? { outcome: 'closed' } : { outcome: 'waiting', for: 'channel' };
  });
}
