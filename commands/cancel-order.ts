/**
 * Cancels an order that the floor has not touched: one conditional write against its locked rows
 * decides, whatever the workflow has heard so far, and everything the order held is free in the same
 * transaction. The ship scan and the claim of a task lock the same rows, so exactly one of them wins; a
 * cancel that comes too late changes nothing and names the state. Repeating it is a success.
 */
import { audit } from '../db/audit-log.repo';
import type { Database, Tx } from '../db/client';
import { lockOrder } from '../db/order.repo';
import { cancelRows, lockParts } from '../db/order-cancel.repo';
import { enqueue } from '../db/outbox.repo';
import { giveBackDays } from '../db/warehouse-day.repo';
import { Failure } from '../domain/failure-types';
import { releaseStock } from './release-stock';

export interface CancelOrder {
  readonly merchantId: string;
  readonly orderId: string;
  readonly actor: string;
  readonly reason: string;
  readonly requestId?: string;
}

/** Parts in these states, with no task claimed, count as not released. */
const UNTOUCHED = ['planned', 'reserved', 'released', 'rejected', 'cancelled'];

/** @throws Failure NotFound; IllegalTransition with the state when it is too late. */
export function cancelOrder(database: Database, request: CancelOrder): Promise<{ readonly outcome: 'done' }> {
  return database.withMerchants([request.merchantId], (tx) => cancelOrderIn(tx, request));
}

export async function cancelOrderIn(tx: Tx, request: CancelOrder): Promise<{ readonly outcome: 'done' }> {
  const { merchantId, orderId } = request;
  const order = await lockOrder(tx, merchantId, orderId);
  if (!order) throw new Failure('NotFound', 'there is no such order');
  if (order.state === 'cancelled') return { outcome: 'done' };
  const parts = await lockParts(tx, merchantId, orderId);
  const started = parts.find(
    (part) =>
      part.touched ||
      !UNTOUCHED.includes(part.state) ||
      (part.wms_kind === 'external' && part.state === 'released'),
  );
  if (started || !['accepted', 'planned'].includes(order.state)) {
    throw new Failure(
      'IllegalTransition',
      `the order can no longer be cancelled: it is ${started?.state ?? order.state}`,
      {
        state: order.state,
        fulfilmentOrderState: started?.state ?? null,
      },
    );
  }
  await cancelRows(tx, merchantId, orderId, order.business_now);
  await releaseStock(tx, merchantId, orderId);
  const ended = parts.filter(({ state }) => state !== 'cancelled').map(({ id }) => id);
  await giveBackDays(tx, merchantId, ended);
  await enqueue(tx, [
    {
      merchantId,
      kind: 'workflow.signal',
      key: `cancelled:${orderId}`,
      orderId,
      payload: { workflowId: order.workflow_id, signal: 'cancelled', args: [] },
    },
  ]);
  await audit(tx, {
    organisationId: order.organisation_id,
    merchantId,
    actor: request.actor,
    action: 'order.cancel',
    thingKind: 'order',
    thingId: orderId,
    reason: request.reason,
    requestId: request.requestId ?? null,
    before: { state: order.state },
    after: { state: 'cancelled' },
  });
  return { outcome: 'done' };
}
