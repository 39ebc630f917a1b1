/**
 * Holds, each by its own name: an order is held while any of them is active. The flag stands beside the
 * state; nothing is planned for a held order and nobody can claim its tasks. Releasing the last one
 * wakes it. Placing a hold that is active, or releasing one that is not, changes nothing.
 */
import { audit } from '../db/audit-log.repo';
import type { Database, Tx } from '../db/client';
import { type LockedOrder, lockOrder } from '../db/order.repo';
import { lockParts } from '../db/order-cancel.repo';
import { placeHold, releaseHoldRow, setHeld } from '../db/order-hold.repo';
import { enqueue } from '../db/outbox.repo';
import { Failure } from '../domain/failure-types';
import { wakeOrders } from './wake-orders';

export interface HoldOrder {
  readonly merchantId: string;
  readonly orderId: string;
  readonly name: string;
  readonly note?: string | null;
  readonly actor: string;
  readonly requestId?: string;
}

/** A held order is looked at again by a person within a day; past that it is listed as stuck. */
const HELD_DEADLINE_MS = 24 * 60 * 60_000;

/** @throws Failure NotFound; IllegalTransition once the floor has begun or the order has ended. */
export function holdOrder(database: Database, request: HoldOrder): Promise<{ readonly held: true }> {
  return database.withMerchants([request.merchantId], async (tx) => {
    const order = await lockChangeable(tx, request);
    const parts = await lockParts(tx, request.merchantId, request.orderId);
    const started = parts.find((part) => part.touched);
    if (started) throw tooLate(started.state, order.state);
    if (await placeHold(tx, request)) {
      await setHeld(tx, order, true, new Date(order.business_now.getTime() + HELD_DEADLINE_MS));
      await tell(tx, order, true);
      await record(tx, order, request, 'order.hold');
    }
    return { held: true };
  });
}

/** @throws Failure NotFound when the order has no active hold of this name. */
export function releaseHold(database: Database, request: HoldOrder): Promise<{ readonly held: boolean }> {
  return database.withMerchants([request.merchantId], async (tx) => {
    const order = await lockChangeable(tx, request);
    const left = await releaseHoldRow(tx, request);
    if (left === null) throw new Failure('NotFound', `the order has no active hold "${request.name}"`);
    if (left === 0) {
      await setHeld(tx, order, false, new Date(order.business_now.getTime() + HELD_DEADLINE_MS));
      await tell(tx, order, false);
      await wakeOrders(tx, request.merchantId, [request.orderId], 'hold_released');
    }
    await record(tx, order, request, 'order.release');
    return { held: left > 0 };
  });
}

async function lockChangeable(tx: Tx, request: HoldOrder): Promise<LockedOrder> {
  const order = await lockOrder(tx, request.merchantId, request.orderId);
  if (!order) throw new Failure('NotFound', 'there is no such order');
  if (!['accepted', 'planned', 'in_fulfilment', 'partly_shipped'].includes(order.state)) {
    throw tooLate(null, order.state);
  }
  return order;
}

function tooLate(part: string | null, state: string): Failure {
  return new Failure('IllegalTransition', `the order is ${part ?? state}`, {
    state,
    fulfilmentOrderState: part,
  });
}

function tell(tx: Tx, order: LockedOrder, held: boolean): Promise<void> {
  return enqueue(tx, [
    {
      merchantId: order.merchant_id,
      kind: 'workflow.signal',
      key: `flagged:${order.id}:${order.version}`,
      orderId: order.id,
      payload: {
        workflowId: order.workflow_id,
        signal: 'flagged',
        args: [{ blockedReason: order.blocked_reason, held }],
      },
    },
  ]);
}

function record(tx: Tx, order: LockedOrder, request: HoldOrder, action: string): Promise<void> {
  return audit(tx, {
    organisationId: order.organisation_id,
    merchantId: order.merchant_id,
    actor: request.actor,
    action,
    thingKind: 'order',
    thingId: order.id,
    reason: request.note ?? null,
    requestId: request.requestId ?? null,
    after: { hold: request.name },
  });
}
