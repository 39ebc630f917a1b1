/**
 * Sends a low-stock message by mail or to a chat tool's incoming webhook. The text is made from the rows
 * when it is sent. A mail's id is its outbox key, so that a repeat is the same mail; a chat tool has no such
 * id, so an answer that got lost can show the message twice. Chat addresses are typed in by merchants: the
 * process guards its outgoing calls (`guardOutgoingCalls`).
 */
import { makeFollowUpToken } from '../../commands/watch/follow-up-link';
import { countCall } from '../../connectors/count-calls';
import { httpExchange } from '../../connectors/http';
import type { MailSender } from '../../connectors/messaging/port';
import type { Database } from '../../db/client';
import { type SealingKeys, unseal } from '../../db/sealed';
import { listAlerts } from '../../db/stock-alert.repo';
import { readDestination } from '../../db/stock-alert-rule.repo';
import { Failure } from '../../domain/failure-types';
import { actionsFor } from '../../domain/stock/follow-up';
import { alertText } from '../alert-text';
import type { Sender } from '../outbox-sender';

/** Chat tools answer within a second; as for merchants' webhooks. */
const TIMEOUT_MS = 15_000;

export interface StockAlertSenderOptions {
  readonly database: Database;
  readonly keys: SealingKeys;
  /** null: no mail server is configured. */
  readonly mailer: MailSender | null;
  /** Where people reach the API; null: messages have no links. */
  readonly publicUrl: string | null;
  readonly timeoutMs?: number;
}

/** Messages about stock go to `alerts`, all others of their kind to `others`. */
export function besidesStockAlerts(alerts: Sender, others: Sender): Sender {
  return (message) => (typeof message.payload['stockAlertId'] === 'string' ? alerts : others)(message);
}

export function stockAlertSender(options: StockAlertSenderOptions): Sender {
  const { database, keys, mailer } = options;
  return async ({ merchantId, key, payload }) => {
    const { stockAlertId, event, destinationId } = payload;
    if (typeof stockAlertId !== 'string' || typeof destinationId !== 'string' || !isEvent(event))
      throw new Failure('InvalidInput', 'a stock message names no alert, event or destination');
    const { alert, destination } = await database.withMerchants([merchantId], async (tx) => ({
      alert: (await listAlerts(tx, [merchantId], { id: stockAlertId }, null, 1))[0],
      destination: await readDestination(tx, merchantId, destinationId),
    }));
    if (alert === undefined || destination === null) return { outcome: 'sent', note: 'its rule is gone' };
    const links = event === 'opened' ? linksOf(options, merchantId, alert) : [];
    const { subject, text } = alertText(event, alert, links);
    const address = unseal(keys, destination.addressSealed).toString('utf8');
    if (destination.kind === 'chat') {
      await post(address, `${subject}\n${text}`, options.timeoutMs ?? TIMEOUT_MS);
      return { outcome: 'sent' };
    }
    if (mailer === null) return { outcome: 'sent', note: 'no mail server is configured' };
    await mailer.send({ id: key, from: alert.mailFrom, to: address, subject, text });
    return { outcome: 'sent' };
  };
}

const isEvent = (event: unknown): event is 'opened' | 'cleared' => event === 'opened' || event === 'cleared';

function linksOf(
  { keys, publicUrl }: StockAlertSenderOptions,
  merchantId: string,
  alert: Parameters<typeof actionsFor>[0] & { readonly id: string },
) {
  if (publicUrl === null) return [];
  const now = new Date();
  return actionsFor(alert).map((action) => {
    const token = makeFollowUpToken(keys, { merchantId, alertId: alert.id, action }, now);
    return { action, url: `${publicUrl}/follow-up/${token}` };
  });
}

async function post(url: string, text: string, timeoutMs: number): Promise<void> {
  const body = JSON.stringify({ text });
  const headers = { 'content-type': 'application/json', 'user-agent': 'Quayside/1' };
  try {
    await countCall('merchant_chat', 'send', () =>
      httpExchange({ url, method: 'POST', headers, body, timeoutMs, write: true, expect: 'text' }),
    );
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // Its own sentence names the address, whose path is the secret by which anybody may write there.
    const { host } = new URL(url);
    if (error.type === 'PartnerRejected' || error.type === 'PartnerUnauthorised')
      throw new Failure('PartnerRejected', `${host} refuses the message`);
    const again = error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs };
    throw new Failure('PartnerUnavailable', `${host} did not take the message`, {}, again);
  }
}
