/**
 * Shopify's webhooks: verify and read, nothing else. The signature covers the body alone, so topic,
 * shop and time among the headers prove nothing; which connection a delivery belongs to follows from
 * its secret URL. The id in X-Shopify-Webhook-Id is the same over all attempts of one delivery (the
 * event id is shared between topics and must not deduplicate). Freshness can't be checked: the scheme
 * signs no time, and a retry carries the first payload for up to four hours, so an older version than
 * the known one is dropped by whoever stores it. Source: Shopify, "Deliver webhooks through HTTPS".
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { parseExactJson } from '../../../contracts/exact-json';
import type { ChannelWebhookFact } from '../port';
import { NOTHING_LEFT } from '../port';
import { shopifyOrderFromRest } from './rest-order';

/** As node:http gives them: names in lower case. */
export type WebhookHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

const ORDER_TOPICS: Readonly<Record<string, ChannelWebhookFact['kind']>> = {
  'orders/create': 'order',
  'orders/updated': 'order',
  'orders/paid': 'payment',
  'orders/cancelled': 'order_cancelled',
};

const INVENTORY_TOPIC = 'inventory_levels/update';
const wholeId = z.union([z.int().transform(String), z.string().regex(/^\d+$/)]);
/** `available` is null where the shop doesn't track the item. */
const levelSchema = z.looseObject({
  inventory_item_id: wholeId,
  location_id: wholeId,
  available: z.int().nullable(),
});

function levelOf(payload: unknown): Pick<ChannelWebhookFact, 'kind' | 'quantities' | 'reason'> {
  const level = levelSchema.safeParse(payload);
  if (!level.success)
    return { kind: 'ignored', reason: 'invalid_payload: no inventory level, which is read back in time' };
  const { inventory_item_id: externalInventoryItemId, location_id: externalLocationId } = level.data;
  const { available: quantity } = level.data;
  if (quantity === null) return { kind: 'ignored', reason: 'untracked: the shop keeps no count of the item' };
  return { kind: 'quantities', quantities: [{ externalInventoryItemId, externalLocationId, quantity }] };
}

/**
 * True when the body was signed by one of the secrets: base64 of HMAC-SHA256 over the raw bytes,
 * compared in constant time.
 * @param secrets the app's client secret, or two while it is being rotated.
 */
export function verifyShopifyWebhook(
  rawBody: Buffer,
  headers: WebhookHeaders,
  secrets: string | readonly string[],
): boolean {
  const given = headerOf(headers, 'x-shopify-hmac-sha256');
  if (given === undefined) return false;
  const signature = Buffer.from(given);
  let valid = false;
  // All secrets are tried, so that the time taken does not say which one fits.
  for (const secret of typeof secrets === 'string' ? [secrets] : secrets) {
    if (secret === '') continue;
    const expected = Buffer.from(createHmac('sha256', secret).update(rawBody).digest('base64'));
    if (signature.length === expected.length && timingSafeEqual(signature, expected)) valid = true;
  }
  return valid;
}

/** Reads a verified webhook. Never throws: what can't be read is `unreadable` with a named reason. */
export function parseShopifyWebhook(headers: WebhookHeaders, rawBody: Buffer): ChannelWebhookFact {
  const topic = headerOf(headers, 'x-shopify-topic')?.toLowerCase() ?? '';
  const eventId = headerOf(headers, 'x-shopify-webhook-id') || digestOf(topic, rawBody);
  const nothing = { eventId, topic, order: null, externalOrderId: null } as const;

  const kind = ORDER_TOPICS[topic];
  if (kind === undefined && topic !== INVENTORY_TOPIC)
    return { ...nothing, kind: 'ignored', reason: `unknown_topic: ${topic.slice(0, 100)}` };
  let payload: unknown;
  try {
    payload = parseExactJson(new TextDecoder('utf-8', { fatal: true }).decode(rawBody));
  } catch {
    return { ...nothing, kind: 'unreadable', reason: 'not_json: the body is no JSON in UTF-8' };
  }

  if (kind === undefined) return { ...nothing, ...levelOf(payload) };
  const { order, externalId, reason } = shopifyOrderFromRest(payload);
  const externalOrderId = externalId === '' ? null : externalId;
  if (order !== null) {
    return { eventId, topic, externalOrderId, order, kind: order.cancelled ? 'order_cancelled' : kind };
  }
  // That an order was cancelled is known even when nothing else of it can be read.
  const known = kind === 'order_cancelled' && externalOrderId !== null;
  const found = known ? kind : reason === NOTHING_LEFT ? 'ignored' : 'unreadable';
  return { eventId, topic, externalOrderId, order: null, kind: found, reason: reason ?? 'unreadable' };
}

function headerOf(headers: WebhookHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

function digestOf(topic: string, rawBody: Buffer): string {
  return createHash('sha256').update(topic).update('\n').update(rawBody).digest('hex');
}
