/**
 * The end of a message that won't be tried again: dead, with an exception that asks somebody, in one
 * transaction. A tracking update blocks its order; anything else is an exception beside the order.
 */
import type { Database, Tx } from '../db/client';
import { openExceptions } from '../db/exception.repo';
import { endNotification } from '../db/notification.repo';
import { type ClaimedMessage, settle } from '../db/outbox-claim.repo';
import { EXCEPTION_REASONS } from '../domain/order/exception-reasons';
import { buryTracking } from './senders/channel-tracking';

export function bury(database: Database, message: ClaimedMessage, note: string): Promise<void> {
  return database.withMerchants([message.merchantId], async (tx) => {
    if (message.kind === 'channel.tracking') await buryTracking(tx, message, note);
    else await buryOther(tx, message, note);
  });
}

async function buryOther(tx: Tx, message: ClaimedMessage, note: string): Promise<void> {
  const { merchantId, id, attempt, kind, lane, payload } = message;
  if ((await settle(tx, [{ merchantId, id, attempt, state: 'dead', note }])) === 0) return;
  const { notificationId } = payload;
  if (kind === 'mail' && typeof notificationId === 'string')
    await endNotification(tx, merchantId, notificationId, { state: 'failed' });
  const row = EXCEPTION_REASONS.outbox_dead;
  const [clock] = await tx.rows<{ at: Date }>({
    text: 'select business_now($1) as at',
    values: [merchantId],
  });
  await openExceptions(tx, [
    {
      merchantId,
      reason: 'outbox_dead',
      key: `outbox_dead:${id}`,
      cause: `outbox_dead:${kind}:${lane}`,
      orderId: message.orderId,
      thingKind: 'outbox',
      thingId: id,
      owner: row.owner,
      message: `A message (${kind}) could not be delivered. ${note}`.slice(0, 500),
      deadlineMinutes: row.deadlineMinutes,
      openedAt: clock?.at ?? new Date(),
    },
  ]);
}
