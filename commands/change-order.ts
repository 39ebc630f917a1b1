/**
 * Changes that a waiting order takes at once: a corrected address, a payment, a person's "try again".
 * Each is one transaction on the locked order with the message that wakes its workflow.
 */
import { uuidv7 } from 'uuidv7';
import type { IncomingAddress } from '../contracts/incoming-order';
import { type AuditEntry, audit } from '../db/audit-log.repo';
import type { Database, Tx } from '../db/client';
import { isExceptionOpen } from '../db/exception.repo';
import { hasLiveLabel } from '../db/label.repo';
import { addAddress, type LockedOrder, lockOrder, setPayment } from '../db/order.repo';
import { reviveDead } from '../db/outbox-claim.repo';
import { Failure } from '../domain/failure-types';
import { settleShortPickIn } from './floor/settle-short-pick';
import { restartWorkflow } from './restart-workflow';
import { wakeOrders } from './wake-orders';

interface Change {
  readonly merchantId: string;
  readonly orderId: string;
  readonly actor: string;
  readonly requestId?: string;
}

const ENDED = ['shipped', 'delivered', 'closed', 'cancelled'];

async function lockOpen(tx: Tx, change: Change): Promise<LockedOrder> {
  const order = await lockOrder(tx, change.merchantId, change.orderId);
  if (!order) throw new Failure('NotFound', 'there is no such order');
  if (ENDED.includes(order.state)) {
    throw new Failure('IllegalTransition', `the order is ${order.state}`, { state: order.state });
  }
  return order;
}

function record(
  tx: Tx,
  order: LockedOrder,
  change: Change,
  action: string,
  facts: Pick<AuditEntry, 'before' | 'after'>,
  reason?: string,
): Promise<void> {
  return audit(tx, {
    organisationId: order.organisation_id,
    merchantId: order.merchant_id,
    actor: change.actor,
    action,
    thingKind: 'order',
    thingId: order.id,
    reason: reason ?? null,
    requestId: change.requestId ?? null,
    ...facts,
  });
}

/**
 * Adds a version of the ship-to; labels are bought and parcels leave for the newest one only.
 * @throws Failure IllegalTransition once a label is bought or the order has left or ended.
 */
export function correctAddress(
  database: Database,
  change: Change & { readonly address: IncomingAddress; readonly expectedVersion?: number },
): Promise<{ readonly addressVersion: number }> {
  return database.withMerchants([change.merchantId], async (tx) => {
    const order = await lockOpen(tx, change);
    if (change.expectedVersion !== undefined && change.expectedVersion !== order.address_version) {
      throw new Failure('IllegalTransition', 'the address was changed meanwhile', {
        state: order.state,
        addressVersion: order.address_version,
      });
    }
    if (await hasLiveLabel(tx, change.merchantId, change.orderId)) {
      throw new Failure('IllegalTransition', 'a label with the present address is bought already', {
        state: 'labelled',
      });
    }
    const addressVersion = await addAddress(tx, order, change.address);
    if (order.blocked_reason === 'address_invalid') {
      await wakeOrders(tx, change.merchantId, [change.orderId], 'address_corrected');
    }
    await record(tx, order, change, 'order.address', {
      before: { addressVersion: order.address_version },
      after: { addressVersion },
    });
    return { addressVersion };
  });
}

export function updatePayment(
  database: Database,
  change: Change & { readonly payment: string },
): Promise<{ readonly payment: string }> {
  return database.withMerchants([change.merchantId], (tx) => updatePaymentIn(tx, change));
}

export async function updatePaymentIn(
  tx: Tx,
  change: Change & { readonly payment: string },
): Promise<{ readonly payment: string }> {
  const order = await lockOrder(tx, change.merchantId, change.orderId);
  if (!order) throw new Failure('NotFound', 'there is no such order');
  if (order.payment === change.payment) return { payment: order.payment };
  await setPayment(tx, change.merchantId, change.orderId, change.payment);
  if (order.blocked_reason === 'payment_pending') {
    await wakeOrders(tx, change.merchantId, [change.orderId], 'payment_updated');
  }
  await record(tx, order, change, 'order.payment', {
    before: { payment: order.payment },
    after: { payment: change.payment },
  });
  return { payment: change.payment };
}

/**
 * A person asks the order to look again at what it waits for: tracking that its channel refused is sent
 * once more, a short pick is settled, a workflow that was lost is started again, and any other is woken.
 */
export function retryOrder(
  database: Database,
  change: Change & { readonly reason: string },
): Promise<{ readonly outcome: 'done' }> {
  const { merchantId, orderId, actor, reason } = change;
  return database.withMerchants([merchantId], async (tx) => {
    const order = await lockOrder(tx, merchantId, orderId);
    if (!order) throw new Failure('NotFound', 'there is no such order');
    if (['closed', 'cancelled'].includes(order.state)) {
      throw new Failure('IllegalTransition', `the order is ${order.state}`, { state: order.state });
    }
    await reviveDead(tx, merchantId, orderId, 'channel.tracking');
    await settleShortPickIn(tx, { merchantId, orderId, actor, reason, decision: 'again' });
    if (await isExceptionOpen(tx, merchantId, `workflow_missing:${orderId}`)) {
      await restartWorkflow(tx, { merchantId, orderId, workflowId: order.workflow_id }, uuidv7());
    } else {
      await wakeOrders(tx, merchantId, [orderId], 'retry');
    }
    await record(tx, order, change, 'order.retry', { after: { blocked: order.blocked_reason } }, reason);
    return { outcome: 'done' };
  });
}
