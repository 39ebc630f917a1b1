/**
 * A person decides that what is stuck need not be done: a message is never sent, an order ships without
 * the units that the picker did not find. What waited for it goes on, and who decided it is written down.
 */
import { audit } from '../db/audit-log.repo';
import type { Tx } from '../db/client';
import { resolveExceptions } from '../db/exception.repo';
import { type ExceptionRow, readOutboxPayload } from '../db/exception-read.repo';
import { endNotification } from '../db/notification.repo';
import { lockOrder } from '../db/order.repo';
import { skipDead } from '../db/outbox-claim.repo';
import { Failure } from '../domain/failure-types';
import { unblockOrderIn } from './block-order';
import type { Editor } from './catalogue/change-product';
import { flagOrder } from './flag-order';
import { settleShortPickIn } from './floor/settle-short-pick';
import { wakeOrders } from './wake-orders';

/**
 * @param row an open exception whose reason allows it (`requireAction`).
 * @throws Failure IllegalTransition when there is nothing left to skip, or nothing would be left to ship.
 */
export async function skipException(
  tx: Tx,
  row: ExceptionRow,
  reason: string,
  editor: Editor,
): Promise<void> {
  if (row.reason === 'short_pick') await shipShort(tx, row, reason, editor);
  else if (row.reason === 'channel_update_failed') await skipTracking(tx, row, editor);
  else await skipMessage(tx, row, editor);
  await audit(tx, {
    ...editor,
    merchantId: row.merchant_id,
    action: 'exception.skip',
    thingKind: row.order_id === null ? 'exception' : 'order',
    thingId: row.order_id ?? row.id,
    reason,
    after: { exceptionId: row.id, reason: row.reason, cause: row.cause },
  });
}

const noteOf = (editor: Editor) => `skipped by ${editor.actor}`;

/** The channel is never told of these parcels; the order is as if it had taken them. */
async function skipTracking(tx: Tx, row: ExceptionRow, editor: Editor): Promise<void> {
  const { merchant_id: merchantId, order_id: orderId } = row;
  const order = orderId === null ? null : await lockOrder(tx, merchantId, orderId);
  if (order === null || orderId === null) throw new Failure('NotFound', 'there is no such order');
  const skipped = await skipDead(tx, merchantId, { orderId, kind: 'channel.tracking' }, noteOf(editor));
  if (skipped === 0)
    throw new Failure('IllegalTransition', 'the update is not given up: it is being sent', {
      state: order.state,
    });
  await unblockOrderIn(tx, { merchantId, orderId, reason: 'channel_update_failed', by: editor.actor });
  if (order.blocked_reason === 'channel_update_failed') await flagOrder(tx, order, 'skipped', null);
  await wakeOrders(tx, merchantId, [orderId], 'channel_update_skipped');
}

async function skipMessage(tx: Tx, row: ExceptionRow, editor: Editor): Promise<void> {
  const { merchant_id: merchantId, thing_id: id } = row;
  if ((await skipDead(tx, merchantId, { id }, noteOf(editor))) === 0)
    throw new Failure('IllegalTransition', 'the message is not dead', { state: 'pending' });
  const notificationId = (await readOutboxPayload(tx, merchantId, id))?.['notificationId'];
  if (typeof notificationId === 'string')
    await endNotification(tx, merchantId, notificationId, { state: 'skipped' });
  await resolveExceptions(tx, [merchantId], [row.key], editor.actor, 'It is not sent any more.');
}

async function shipShort(tx: Tx, row: ExceptionRow, reason: string, editor: Editor): Promise<void> {
  const { merchant_id: merchantId, order_id: orderId } = row;
  if (orderId === null) throw new Failure('NotFound', 'there is no such order');
  await settleShortPickIn(tx, { merchantId, orderId, decision: 'ship_short', reason, ...editor });
}
