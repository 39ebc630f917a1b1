/**
 * Any shop without a connector of its own: it sends us its orders, and we send it shipments and
 * quantities, all as signed Standard Webhooks (events and shapes in `events.ts`). `baseUrl` is the full
 * address that takes our events; credentials: `signingSecret` for what we send, `webhookSecret` for
 * what we receive (both `whsec_…`). An event's id is made from its step key, so a repetition after a
 * lost answer is the same event to a receiver that deduplicates by id, as the standard asks of it.
 * There is nothing to poll: such a shop sends again what was lost.
 */
import { createHash } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { Failure } from '../../../domain/failure-types';
import { type HttpAnswer, httpExchange } from '../../http';
import type { ChannelAccount, ChannelConnector, QuantityUpdate, TrackingUpdate } from '../port';
import { INVENTORY_QUANTITIES, SHIPMENT_SHIPPED } from './events';

export const genericConnector: ChannelConnector = {
  kind: 'generic',

  async pollOrders(_account, cursor) {
    return { orders: [], cursor: cursor ?? '', more: false };
  },

  async pushTracking(account, update: TrackingUpdate) {
    const id = eventIdOf(update.key);
    await sendEvent(account, id, SHIPMENT_SHIPPED, {
      orderId: update.externalOrderId,
      trackingNumber: update.trackingNumber,
      carrier: update.carrier,
      trackingUrl: update.trackingUrl,
      lines: update.lines.map(({ externalLineId, quantity }) => ({ lineId: externalLineId, quantity })),
    });
    // The shop does not say whether it knew the event; a repetition changes nothing there.
    return { externalFulfilmentId: id, alreadyThere: false };
  },

  async setQuantities(account, updates: readonly QuantityUpdate[], key) {
    const quantities = updates.map((update) => ({
      itemId: update.externalInventoryItemId,
      locationId: update.externalLocationId,
      quantity: update.quantity,
      changeFromQuantity: update.changeFromQuantity,
    }));
    const answer = await sendEvent(account, eventIdOf(key), INVENTORY_QUANTITIES, { quantities }, [409]);
    if (answer.status === 409) {
      throw new Failure('StaleQuantity', 'the shop has other quantities than we believed', {
        body: answer.text.slice(0, 500),
      });
    }
  },
};

async function sendEvent(
  account: ChannelAccount,
  id: string,
  type: string,
  data: unknown,
  accept: readonly number[] = [],
): Promise<HttpAnswer> {
  const now = new Date();
  const body = JSON.stringify({ type, timestamp: now.toISOString(), data });
  return httpExchange({
    url: account.baseUrl,
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': signatureOf(account, id, now, body),
    },
    body,
    timeoutMs: account.timeoutMs,
    write: true,
    accept,
    expect: 'text',
  });
}

function signatureOf(account: ChannelAccount, id: string, at: Date, body: string): string {
  const secret = account.credentials['signingSecret'];
  if (!secret) throw new Failure('PartnerUnauthorised', 'the connection has no signingSecret');
  try {
    return new Webhook(secret).sign(id, at, body);
  } catch (cause) {
    throw new Failure('PartnerUnauthorised', "the connection's signingSecret is not base64", {}, { cause });
  }
}

/** The standard wants an id without full stops; a digest also keeps our ids to ourselves. */
function eventIdOf(key: string): string {
  return `msg_${createHash('sha256').update(key).digest('hex').slice(0, 32)}`;
}
