/**
 * EasyPost's webhooks: is this one EasyPost's, and what does it say. Stateless and without a database:
 * the API stores the body before it answers, and deduplicates by `eventId`. EasyPost signs the body
 * alone, with the secret that was given when the webhook was registered, and signs no time; what
 * protects against a replay is that the same fact has the same id.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { CarrierWebhookFact } from '../port';
import { voidStateOf } from './answers';
import { factsOf, trackerSchema } from './tracking';

const SIGNATURE_PREFIX = 'hmac-sha256-hex=';
const SIGNATURE = /^hmac-sha256-hex=[0-9a-f]{64}$/;

/**
 * Whether the bytes were signed with this secret. Any doubt (no header, two of them, another length, an
 * empty secret) is a no; it never throws.
 * @param headers names in any case, as Node or a framework gives them.
 */
export function verifyEasyPostWebhook(
  rawBody: Buffer,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  secret: string,
): boolean {
  const sent = signatureOf(headers);
  if (secret === '' || sent === null || !SIGNATURE.test(sent)) return false;
  return timingSafeEqual(Buffer.from(sent), Buffer.from(signEasyPostWebhook(rawBody, secret)));
}

/**
 * The value of `X-Hmac-Signature`. The secret is taken in Unicode form NFKD, as EasyPost's own clients
 * do: "sécret" typed on two keyboards is one secret.
 */
export function signEasyPostWebhook(rawBody: Buffer, secret: string): string {
  const key = Buffer.from(secret.normalize('NFKD'), 'utf8');
  return SIGNATURE_PREFIX + createHmac('sha256', key).update(rawBody).digest('hex');
}

function signatureOf(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): string | null {
  const values = Object.entries(headers).filter(([name]) => name.toLowerCase() === 'x-hmac-signature');
  const value = values[0]?.[1];
  return values.length === 1 && typeof value === 'string' ? value : null;
}

const eventSchema = z.object({ id: z.string().min(1), description: z.string(), result: z.unknown() });

const refundSchema = z.object({
  tracking_code: z.string().min(1),
  shipment_id: z.string().nullish(),
  status: z.string(),
});

/**
 * What an event says. A topic that is none of ours is `ignored`; a body that can't be read is
 * `unreadable`, with a reason and a digest of its bytes as id, so that it is parked once. Never throws.
 */
export function parseEasyPostWebhook(rawBody: Buffer): CarrierWebhookFact {
  try {
    const event = eventSchema.safeParse(JSON.parse(rawBody.toString('utf8')));
    if (!event.success) return unreadable(rawBody, 'not an event of EasyPost');
    const { id: eventId, description, result } = event.data;
    if (description === 'tracker.created' || description === 'tracker.updated') {
      const tracker = trackerSchema.safeParse(result);
      if (!tracker.success) return { ...unreadable(rawBody, 'a tracker that can not be read'), eventId };
      return { eventId, kind: 'tracking', facts: factsOf(tracker.data) };
    }
    if (description === 'refund.successful') {
      const refund = refundSchema.safeParse(result);
      if (!refund.success) return { ...unreadable(rawBody, 'a refund that can not be read'), eventId };
      const { tracking_code: trackingNumber, shipment_id: shipmentId, status } = refund.data;
      const state = voidStateOf(status) ?? 'requested';
      return {
        eventId,
        kind: 'refund',
        facts: [],
        refund: { trackingNumber, externalShipmentId: shipmentId ?? null, state },
      };
    }
    return { eventId, kind: 'ignored', facts: [], reason: description.slice(0, 100) };
  } catch {
    return unreadable(rawBody, 'not JSON, or in a state that EasyPost does not document');
  }
}

function unreadable(rawBody: Buffer, reason: string): CarrierWebhookFact {
  const digest = createHash('sha256').update(rawBody).digest('hex').slice(0, 40);
  return { eventId: `sha256:${digest}`, kind: 'unreadable', facts: [], reason };
}
