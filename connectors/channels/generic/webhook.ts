/**
 * Webhooks of a shop that speaks Standard Webhooks: verify and read, nothing else. The signature covers
 * id, time and body, so a replay older than five minutes is refused; within them the id deduplicates.
 * Two secrets are valid while one replaces the other. What is signed but can't be read is `unreadable`
 * with a named reason, and never a refusal: it is parked.
 */
import { isUtf8 } from 'node:buffer';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { z } from 'zod';
import { parseExactJson } from '../../../contracts/exact-json';
import { incomingOrderSchema } from '../../../contracts/incoming-order';
import type { ChannelWebhookFact } from '../port';
import { INCOMING_EVENTS, INVENTORY_CHANGED } from './events';

export type WebhookHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

export type Verdict =
  | { readonly valid: true }
  | { readonly valid: false; readonly reason: 'missing_headers' | 'not_utf8' | 'stale' | 'bad_signature' };

/**
 * Checks the signature over the raw bytes and that its time lies within five minutes of now.
 * @param secrets `whsec_…`, or two while one replaces the other. A secret that is not base64 fits nothing.
 */
export function verifyGenericWebhook(
  rawBody: Buffer,
  headers: WebhookHeaders,
  secrets: string | readonly string[],
): Verdict {
  const signed = {
    'webhook-id': textOf(headers, 'webhook-id'),
    'webhook-timestamp': textOf(headers, 'webhook-timestamp'),
    'webhook-signature': textOf(headers, 'webhook-signature'),
  };
  if (Object.values(signed).some((value) => value === '')) return { valid: false, reason: 'missing_headers' };
  // The library compares decoded text, in which different broken bytes look alike.
  if (!isUtf8(rawBody)) return { valid: false, reason: 'not_utf8' };
  let reason: 'stale' | 'bad_signature' = 'bad_signature';
  for (const secret of typeof secrets === 'string' ? [secrets] : secrets) {
    const found = verifyWith(secret, rawBody, signed);
    if (found === 'valid') return { valid: true };
    if (found === 'stale') reason = 'stale';
  }
  return { valid: false, reason };
}

function verifyWith(secret: string, rawBody: Buffer, headers: Record<string, string>) {
  try {
    new Webhook(secret).verify(rawBody, headers, { jsonParse: false });
    return 'valid';
  } catch (error) {
    const stale = error instanceof WebhookVerificationError && error.message.includes('timestamp');
    return stale ? 'stale' : 'bad_signature';
  }
}

const eventSchema = z.looseObject({ type: z.string().max(100), data: z.unknown().optional() });
const idSchema = z.looseObject({ externalId: z.string().min(1).max(128) });

/** Reads a verified webhook. Never throws. */
export function parseGenericWebhook(headers: WebhookHeaders, rawBody: Buffer): ChannelWebhookFact {
  const eventId = textOf(headers, 'webhook-id');
  const nothing = { eventId, topic: '', order: null, externalOrderId: null } as const;
  let json: unknown;
  try {
    json = parseExactJson(new TextDecoder('utf-8', { fatal: true }).decode(rawBody));
  } catch {
    return { ...nothing, kind: 'unreadable', reason: 'not_json: the body is no JSON in UTF-8' };
  }
  const event = eventSchema.safeParse(json);
  if (!event.success)
    return { ...nothing, kind: 'unreadable', reason: 'invalid_payload: no event with a type' };

  const { type: topic, data } = event.data;
  if (topic === INVENTORY_CHANGED) return { ...nothing, topic, ...quantitiesOf(data) };
  const kind = INCOMING_EVENTS[topic];
  if (kind === undefined) return { ...nothing, topic, kind: 'ignored', reason: `unknown_topic: ${topic}` };
  const order = incomingOrderSchema.safeParse(data);
  if (order.success) {
    const cancelled = order.data.cancelled || kind === 'order_cancelled';
    return {
      eventId,
      topic,
      externalOrderId: order.data.externalId,
      order: { ...order.data, cancelled },
      kind: cancelled ? 'order_cancelled' : kind,
    };
  }
  const id = idSchema.safeParse(data);
  const externalOrderId = id.success ? id.data.externalId : null;
  const [issue] = order.error.issues;
  const reason = `invalid_payload: /data/${issue?.path.join('/')}: ${issue?.message}`;
  // That an order was cancelled is known even when nothing else of it can be read.
  const known = kind === 'order_cancelled' && externalOrderId !== null;
  return { eventId, topic, externalOrderId, order: null, kind: known ? kind : 'unreadable', reason };
}

/** As many as one of our own calls carries. */
const quantitiesSchema = z.looseObject({
  quantities: z
    .array(
      z.looseObject({
        itemId: z.string().min(1).max(200),
        locationId: z.string().max(200),
        quantity: z.int().min(-2_147_483_648).max(2_147_483_647),
      }),
    )
    .max(1_000),
});

function quantitiesOf(data: unknown): Pick<ChannelWebhookFact, 'kind' | 'quantities' | 'reason'> {
  const read = quantitiesSchema.safeParse(data);
  if (!read.success)
    return { kind: 'ignored', reason: 'invalid_payload: no quantities, which are read back in time' };
  const quantities = read.data.quantities.map(({ itemId, locationId, quantity }) => ({
    externalInventoryItemId: itemId,
    externalLocationId: locationId,
    quantity,
  }));
  return { kind: 'quantities', quantities };
}

function textOf(headers: WebhookHeaders, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
}
