/**
 * Sends a notification's mail. Its id is the notification's key, so the same fact always has the same
 * Message-ID, however often a crash or a lost answer sends it. Nobody to write to, or a test order: it is
 * skipped and says so. Sent is written only after the server took it.
 */
import type { MailSender } from '../../connectors/messaging/port';
import type { Database } from '../../db/client';
import { endNotification, readNotification } from '../../db/notification.repo';
import { Failure } from '../../domain/failure-types';
import { isMailEvent, mailText } from '../mail-text';
import type { Sender } from '../outbox-sender';

export function mailNotificationSender(database: Database, mailer: MailSender): Sender {
  return async ({ merchantId, payload }) => {
    const { notificationId } = payload;
    if (typeof notificationId !== 'string')
      throw new Failure('InvalidInput', 'a mail message names no notification');
    const end = (state: 'sent' | 'skipped', messageId?: string) =>
      database.withMerchants([merchantId], (tx) =>
        endNotification(
          tx,
          merchantId,
          notificationId,
          messageId === undefined ? { state } : { state, messageId },
        ),
      );
    const facts = await database.withMerchants([merchantId], (tx) =>
      readNotification(tx, merchantId, notificationId),
    );
    if (facts === null) return { outcome: 'sent', note: 'there is no such notification' };
    if (facts.state === 'sent') return { outcome: 'sent', note: 'it was sent before' };
    if (!isMailEvent(facts.event))
      throw new Failure('InvalidInput', `there is no mail for the event "${facts.event}"`);
    const skip = facts.test
      ? 'a test order writes to nobody'
      : facts.email === null
        ? 'nobody to write to'
        : null;
    if (skip !== null || facts.email === null) {
      await end('skipped');
      return { outcome: 'sent', note: skip ?? '' };
    }
    const { messageId } = await mailer.send({
      id: facts.key,
      from: facts.mailFrom,
      to: facts.email,
      ...mailText(facts.event, facts),
    });
    await end('sent', messageId);
    return { outcome: 'sent' };
  };
}

/** For an engine without a mail server: every notification is skipped, and says so. */
export function noMailSender(database: Database): Sender {
  return async ({ merchantId, payload }) => {
    const { notificationId } = payload;
    if (typeof notificationId === 'string')
      await database.withMerchants([merchantId], (tx) =>
        endNotification(tx, merchantId, notificationId, { state: 'skipped' }),
      );
    return { outcome: 'sent', note: 'no mail server is configured' };
  };
}
