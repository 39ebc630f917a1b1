/**
 * Closes an order whose every part has ended, once the channel was told: a closed workflow could not say
 * any more that the channel refused. The check and the closing are one statement on the locked order.
 * The carrier's word that a parcel was delivered may reach the workflow before ours that it left (whoever
 * carried that signal died, and its lease runs for a while yet); what left and is not posted is posted
 * first, or its stock would stay reserved and nobody would be told.
 */
import type { Database } from '../db/client';
import { lockOrder } from '../db/order.repo';
import { readUnposted } from '../db/ship.repo';
import { ShipStep } from './ship-order';

export interface CloseRequest {
  readonly merchantId: string;
  readonly orderId: string;
}

export type CloseOutcome =
  | { readonly outcome: 'closed' }
  | { readonly outcome: 'cancelled' }
  /** Tracking updates are still on their way, or the order is not delivered yet. */
  | { readonly outcome: 'waiting'; readonly for: 'channel' | 'delivery' };

export async function closeOrder(
  database: Database,
  request: CloseRequest,
  shipStep = new ShipStep(database),
): Promise<CloseOutcome> {
  const outcome = await close(database, request);
  if (outcome.outcome !== 'not_posted') return outcome;
  const { merchantId } = request;
  for (const fulfilmentOrderId of outcome.parts) await shipStep.run({ merchantId, fulfilmentOrderId });
  const then = await close(database, request);
  // A shipment of a delivered order is posted once for all, so it is not asked for twice.
  return then.outcome === 'not_posted' ? { outcome: 'waiting', for: 'delivery' } : then;
}

type Closing = CloseOutcome | { readonly outcome: 'not_posted'; readonly parts: readonly string[] };

function close(database: Database, { merchantId, orderId }: CloseRequest): Promise<Closing> {
  return database.withMerchants([merchantId], async (tx): Promise<Closing> => {
    const order = await lockOrder(tx, merchantId, orderId);
    if (order?.state === 'cancelled') return { outcome: 'cancelled' };
    if (order?.state === 'closed') return { outcome: 'closed' };
    if (order?.state !== 'delivered') return { outcome: 'waiting', for: 'delivery' };
    const parts = await readUnposted(tx, merchantId, orderId);
    if (parts.length > 0) return { outcome: 'not_posted', parts };
    const closed = await tx.run({
      name: 'order-close',
      text: `update sales_order o set state = 'closed', state_since = $3, closed_at = $3, deadline_at = null,
          blocked_reason = null, blocked_since = null, blocked_detail = null, version = version + 1
        where o.merchant_id = $1 and o.id = $2 and o.state = 'delivered' and not exists (
          select from outbox m where m.merchant_id = o.merchant_id and m.order_id = o.id
            and m.kind = 'channel.tracking' and m.state <> 'done')`,
      values: [merchantId, orderId, order.business_now],
    });
    return closed === 1 ? { outcome: 'closed' } : { outcome: 'waiting', for: 'channel' };
  });
}
