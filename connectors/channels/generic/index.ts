/**
 * Any shop without a connector of its own: it sends us its orders, and we send it shipments and
 * quantities, all as signed Standard Webhooks (events and shapes in `events.ts`). `baseUrl` is the full
 * address that takes our events; credentials: `signingSecret` for what we send, `webhookSecret` for
 * what we receive (both `whsec_…`). An event's id is made from its step key, so a repetition after a
 * lost answer is the same event to a receiver that deduplicates by id, as the standard asks of it.
 * There is nothing to poll: such a shop sends again what was lost.
 */
import { createHash, randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { z } from 'zod';
import { parseExactJson } from '../../../contracts/exact-json';
import { Failure } from '../../../domain/failure-types';
import { type HttpAnswer, httpExchange, readShape } from '../../http';
import type {
  ChannelAccount,
  ChannelConnector,
  QuantityProblem,
  QuantityUpdate,
  TrackingUpdate,
} from '../port';
import { INVENTORY_QUANTITIES, INVENTORY_READ, SHIPMENT_SHIPPED } from './events';

export const genericConnector: ChannelConnector = {
  kind: 'generic',
  // A message of some 30 kB, which any web server takes.
  quantitiesPerCall: 250,
  // What a small shop's server stands beside its customers.
  callsPerSecond: 10,

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
    const id = eventIdOf(key);
    const answer = await sendEvent(account, id, INVENTORY_QUANTITIES, { quantities }, [409, 422]);
    if (answer.status === 409) {
      const items = problemsOf(jsonOf(answer), 'stale', 'the shop has another quantity');
      throw new Failure('StaleQuantity', 'the shop has other quantities than we believed', { items });
    }
    if (answer.status === 422) {
      const items = problemsOf(jsonOf(answer), 'gone', 'the shop does not know the item');
      const type = items.length > 0 ? 'ListingGone' : 'PartnerRejected';
      const body = answer.text.slice(0, 500);
      throw new Failure(type, 'the shop did not take the quantities', { items, body });
    }
  },

  async readQuantities(account, items) {
    // Each look is an event of its own: a receiver that deduplicates must not answer with an old one.
    const id = eventIdOf(randomUUID());
    const asked = items.map((item) => ({
      itemId: item.externalInventoryItemId,
      locationId: item.externalLocationId,
    }));
    const answer = await sendEvent(account, id, INVENTORY_READ, { items: asked }, [], false);
    const { quantities } = readShape(foundSchema, jsonOf(answer), { write: false, what: 'the shop' });
    return quantities.map(({ itemId, locationId, quantity }) => ({
      externalInventoryItemId: itemId,
      externalLocationId: locationId,
      quantity,
    }));
  },
};

const itemSchema = z.looseObject({ itemId: z.string(), locationId: z.string() });
const foundSchema = z.looseObject({
  quantities: z.array(itemSchema.extend({ quantity: z.int().nullable() })),
});

/** The items that an answer names under `problem`; a shop that names none leaves us to find out. */
function problemsOf(json: unknown, problem: 'stale' | 'gone', message: string): QuantityProblem[] {
  const named = z.looseObject({ [problem]: z.array(itemSchema) }).safeParse(json);
  if (!named.success) return [];
  return (named.data[problem] as z.output<typeof itemSchema>[]).map(({ itemId, locationId }) => ({
    externalInventoryItemId: itemId,
    externalLocationId: locationId,
    problem,
    message,
  }));
}

/** A shop may answer an event with any text; undefined when it is no JSON. */
function jsonOf({ text }: HttpAnswer): unknown {
  try {
    return parseExactJson(text);
  } catch {
    return undefined;
  }
}

async function sendEvent(
  account: ChannelAccount,
  id: string,
  type: string,
  data: unknown,
  accept: readonly number[] = [],
  write = true,
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
    write,
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
