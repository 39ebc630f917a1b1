/**
 * A verified message of a channel becomes rows, in one transaction and before it is answered: the inbox
 * row deduplicates the delivery, the order's own version decides whether it says anything new. What
 * can't be read is kept and parked with a reason; what comes too late is kept with the state that it met.
 */
import { uuidv7 } from 'uuidv7';
import type { IncomingOrder } from '../contracts/incoming-order';
import type { Database, Tx } from '../db/client';
import { openExceptions } from '../db/exception.repo';
import { insertInbox } from '../db/inbox-write.repo';
import { findOrderId, lockOrder, setExternalVersion } from '../db/order.repo';
import { buryOrder } from '../db/order-cancel.repo';
import { isFailure } from '../domain/failure-types';
import { EXCEPTION_REASONS } from '../domain/order/exception-reasons';
import { type AcceptedOrder, acceptOrderIn } from './accept-order';
import { cancelOrderIn } from './cancel-order';
import { updatePaymentIn } from './change-order';
import { noteToldQuantities, type ToldQuantity } from './channels/told-quantities';

/** What the connectors' `webhook.ts` read; the same shape as their port's. */
export interface ChannelFact {
  readonly eventId: string;
  readonly topic: string;
  readonly kind: 'order' | 'order_cancelled' | 'payment' | 'quantities' | 'ignored' | 'unreadable';
  readonly order: IncomingOrder | null;
  readonly externalOrderId: string | null;
  readonly quantities?: readonly ToldQuantity[];
  readonly reason?: string;
}

export interface ReceiveChannelFact {
  readonly merchantId: string;
  readonly connectionId: string;
  readonly channel: string;
  readonly fact: ChannelFact;
  readonly raw: string;
}

export interface ReceivedChannelFact {
  readonly outcome: 'accepted' | 'updated' | 'duplicate' | 'ignored' | 'parked';
  readonly orderId: string | null;
  /** Set when the order is new: its workflow can be started at once. */
  readonly accepted: AcceptedOrder | null;
}

const answer = (
  outcome: ReceivedChannelFact['outcome'],
  orderId: string | null = null,
  accepted: AcceptedOrder | null = null,
): ReceivedChannelFact => ({ outcome, orderId, accepted });

/** @throws Failure DatabaseUnavailable: nothing was committed for sure, the channel sends again. */
export function receiveChannelFact(
  database: Database,
  request: ReceiveChannelFact,
): Promise<ReceivedChannelFact> {
  return database.withMerchants([request.merchantId], async (tx) => {
    const { fact } = request;
    if (fact.kind === 'unreadable') return park(tx, request, fact.reason ?? 'unreadable');
    if (fact.kind === 'ignored') {
      const isNew = await insertInbox(tx, inboxRow(request, 'ignored', fact.reason ?? null, null));
      return answer(isNew ? 'ignored' : 'duplicate');
    }
    if (fact.kind === 'quantities') return quantities(tx, request, fact.quantities ?? []);
    if (fact.order) return order(tx, request, fact.order);
    return cancelled(tx, request);
  });
}

function inboxRow(
  { merchantId, connectionId, channel, fact, raw }: ReceiveChannelFact,
  state: 'processed' | 'ignored' | 'parked',
  reason: string | null,
  orderId: string | null,
) {
  const source = `${channel}:${connectionId}`;
  return {
    id: uuidv7(),
    merchantId,
    source,
    eventKey: fact.eventId,
    topic: fact.topic,
    body: raw,
    state,
    reason,
    orderId,
  };
}

async function park(tx: Tx, request: ReceiveChannelFact, reason: string): Promise<ReceivedChannelFact> {
  const row = inboxRow(request, 'parked', reason, null);
  if (!(await insertInbox(tx, row))) return answer('duplicate');
  const meaning = EXCEPTION_REASONS.order_unreadable;
  await openExceptions(tx, [
    {
      merchantId: request.merchantId,
      reason: 'order_unreadable',
      key: `order_unreadable:${row.id}`,
      cause: `order_unreadable:${request.connectionId}`,
      orderId: null,
      thingKind: 'inbox',
      thingId: row.id,
      owner: meaning.owner,
      message: reason,
      deadlineMinutes: meaning.deadlineMinutes,
      openedAt: new Date(),
    },
  ]);
  return answer('parked');
}

async function order(
  tx: Tx,
  request: ReceiveChannelFact,
  incoming: IncomingOrder,
): Promise<ReceivedChannelFact> {
  const { merchantId, connectionId, fact } = request;
  const source = `${request.channel}:${connectionId}`;
  const accepted = await acceptOrderIn(tx, {
    merchantId,
    connectionId,
    order: incoming,
    source,
    eventKey: fact.eventId,
    raw: request.raw,
  });
  if (accepted.created) return answer('accepted', accepted.orderId, accepted);
  return update(tx, request, accepted.orderId, incoming);
}

/** A later word about an order that is here. Older versions change nothing. */
async function update(
  tx: Tx,
  request: ReceiveChannelFact,
  orderId: string,
  incoming: IncomingOrder,
): Promise<ReceivedChannelFact> {
  const { merchantId } = request;
  const actor = `channel:${request.connectionId}`;
  const known = await lockOrder(tx, merchantId, orderId);
  if (!known) return answer('duplicate', orderId);
  const version = incoming.version;
  if (version !== null && known.external_version !== null && version < known.external_version) {
    return answer('duplicate', orderId);
  }
  const says = incoming.cancelled || incoming.payment !== known.payment;
  if (version === known.external_version && !says) return answer('duplicate', orderId);
  if (version !== null) await setExternalVersion(tx, merchantId, orderId, version);
  if (incoming.cancelled) return cancelKnown(tx, request, orderId);
  await updatePaymentIn(tx, { merchantId, orderId, actor, payment: incoming.payment });
  return answer('updated', orderId);
}

/** What the channel has now; only what we did not write ourselves is news. */
async function quantities(
  tx: Tx,
  request: ReceiveChannelFact,
  told: readonly ToldQuantity[],
): Promise<ReceivedChannelFact> {
  if (!(await insertInbox(tx, inboxRow(request, 'processed', null, null)))) return answer('duplicate');
  const news = await noteToldQuantities(tx, request.merchantId, request.connectionId, told);
  return answer(news === 0 ? 'ignored' : 'updated');
}

async function cancelled(tx: Tx, request: ReceiveChannelFact): Promise<ReceivedChannelFact> {
  const { merchantId, connectionId, fact } = request;
  if (fact.externalOrderId === null) return park(tx, request, 'the message names no order');
  const orderId = await findOrderId(tx, merchantId, connectionId, fact.externalOrderId);
  if (orderId !== null) return cancelKnown(tx, request, orderId);
  const isNew = await insertInbox(tx, inboxRow(request, 'processed', 'cancelled before it came', null));
  await buryOrder(tx, {
    merchantId,
    connectionId,
    externalId: fact.externalOrderId,
    reason: 'cancelled by the channel',
  });
  return answer(isNew ? 'updated' : 'duplicate');
}

async function cancelKnown(
  tx: Tx,
  request: ReceiveChannelFact,
  orderId: string,
): Promise<ReceivedChannelFact> {
  const actor = `channel:${request.connectionId}`;
  try {
    await cancelOrderIn(tx, {
      merchantId: request.merchantId,
      orderId,
      actor,
      reason: 'cancelled by the channel',
    });
  } catch (error) {
    if (!isFailure(error, 'IllegalTransition')) throw error;
    await insertInbox(tx, inboxRow(request, 'parked', `too late: ${error.message}`, orderId));
    return answer('parked', orderId);
  }
  await insertInbox(tx, inboxRow(request, 'processed', null, orderId));
  return answer('updated', orderId);
}
