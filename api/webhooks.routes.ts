/**
 * Partners' webhooks. Which connection a delivery belongs to follows from its secret address (looked up
 * by its digest, as the system role), that it is genuine from the signature over the raw bytes, and
 * neither from anything else it says. It is answered 2xx only after its row and its effect are
 * committed; whatever fails on our side is a 5xx and comes again. What is genuine but can't be read, or
 * is about nothing we know, is kept and parked: 202.
 */
import { z } from 'zod';
import { type ReceiveCarrierMessage, receiveCarrierMessage } from '../commands/receive-carrier-message';
import { parseEasyPostWebhook, verifyEasyPostWebhook } from '../connectors/carriers/easypost/webhook';
import { findCarrierByWebhookPath, findChannelByWebhookPath } from '../db/connection.repo';
import { unsealSecrets } from '../db/sealed';
import { metrics } from '../telemetry';
import { sha256Of } from './api-key';
import { applyChannelFact, channelWebhooks, isUnstorable, UNSTORABLE, withoutNul } from './channel-webhooks';
import type { ApiDeps } from './deps';
import type { OpenRoute } from './open-routes';
import { readRawBody } from './pipeline';
import { ProblemError } from './problem';
import { contextOf } from './request-context';

const answer = z.strictObject({ outcome: z.string() });
const params = z.strictObject({ secret: z.string() });
/** Ours have 256 bits in base64url; anything much longer is nobody's address. */
const SECRET = /^[A-Za-z0-9_-]{16,200}$/;

const ANSWER_WITHIN_MS = 4_500;

export const webhookRoutes: readonly OpenRoute[] = [
  {
    method: 'post',
    path: '/webhooks/channels/{secret}',
    operationId: 'receiveChannelWebhook',
    summary: "A sales channel's webhook",
    description:
      'Signed by the scheme of the channel (Shopify, or Standard Webhooks). 200 once it is committed, 202 when it is kept and parked, 401 for a signature that does not fit.',
    tag: 'Webhooks',
    params,
    answers: { 200: answer, 202: answer },
    handler: async (deps, request, response) => {
      const secret = readSecret(request.params['secret']);
      const raw = await readRawBody(request, response);
      const { database } = deps;
      const connection = await database.withSystem((tx) => findChannelByWebhookPath(tx, secret));
      const webhooks = connection === null ? null : channelWebhooks(connection.channel);
      if (connection === null || webhooks === null) throw new ProblemError('not-found');
      if (!webhooks.verify(raw, request.headers, webhookSecrets(deps, connection.credentials_sealed))) {
        metrics.webhooks.inc({ partner: connection.channel, outcome: 'refused' });
        throw new ProblemError('invalid-signature');
      }
      const { requestId } = contextOf(request);
      const applied = applyChannelFact(deps, requestId, {
        merchantId: connection.merchant_id,
        connectionId: connection.id,
        channel: connection.channel,
        fact: webhooks.parse(request.headers, raw),
        raw: storable(raw),
      });
      const { outcome } = await inTime(applied);
      metrics.webhooks.inc({ partner: connection.channel, outcome });
      response.status(outcome === 'ignored' || outcome === 'parked' ? 202 : 200).json({ outcome });
    },
  },
  {
    method: 'post',
    path: '/webhooks/carriers/{secret}',
    operationId: 'receiveCarrierWebhook',
    summary: "A carrier's webhook",
    description: 'Signed by the scheme of the carrier (EasyPost). Answers like a channel webhook.',
    tag: 'Webhooks',
    params,
    answers: { 200: answer, 202: answer },
    handler: async (deps, request, response) => {
      const secret = readSecret(request.params['secret']);
      const raw = await readRawBody(request, response);
      const account = await deps.database.withSystem((tx) => findCarrierByWebhookPath(tx, secret));
      if (account === null) throw new ProblemError('not-found');
      const secrets = webhookSecrets(deps, account.credentials_sealed);
      // All are tried, so that the time taken does not say which one fits.
      if (!secrets.map((one) => verifyEasyPostWebhook(raw, request.headers, one)).includes(true)) {
        metrics.webhooks.inc({ partner: account.provider, outcome: 'refused' });
        throw new ProblemError('invalid-signature');
      }
      const message = {
        ...parseEasyPostWebhook(raw),
        organisationId: account.organisation_id,
        carrierAccountId: account.id,
        provider: account.provider,
        raw: storable(raw),
      };
      const received = receiveCarrierMessage(deps.database, message).catch((error: unknown) => {
        if (!isUnstorable(error)) throw error;
        return receiveCarrierMessage(deps.database, unstorable(message));
      });
      const outcome = await inTime(received);
      metrics.webhooks.inc({ partner: account.provider, outcome });
      response.status(outcome === 'parked' ? 202 : 200).json({ outcome });
    },
  },
];

/**
 * Shopify hangs up after 5 s and counts that as a failure: a 503 half a second earlier says the same and
 * keeps the connection. What is late may still be committed; the repetition finds it.
 * @throws ProblemError unavailable.
 */
async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const problem = new ProblemError('unavailable', { headers: { 'Retry-After': '2' } });
    timer = setTimeout(() => reject(problem), ANSWER_WITHIN_MS);
  });
  // Should it fail after the answer, the repetition does the work.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** @throws ProblemError not-found: an address that can't be one is nobody's. */
function readSecret(given: unknown): Buffer {
  if (typeof given !== 'string' || !SECRET.test(given)) throw new ProblemError('not-found');
  return sha256Of(given);
}

/** The present secret and, while it is being rotated, the one before. */
function webhookSecrets(deps: ApiDeps, sealed: Buffer | null): string[] {
  if (sealed === null) return [];
  const { webhookSecret, previousWebhookSecret } = unsealSecrets(deps.config.sealingKeys, sealed);
  return [webhookSecret, previousWebhookSecret].filter(
    (secret) => secret !== undefined && secret !== '',
  ) as string[];
}

function unstorable(message: ReceiveCarrierMessage): ReceiveCarrierMessage {
  const eventId = withoutNul(message.eventId);
  return { ...message, eventId, kind: 'unreadable', facts: [], reason: UNSTORABLE };
}

/** The body as text; bytes that are no UTF-8 have none, and keep what of them has. */
function storable(raw: Buffer): string {
  return withoutNul(raw.toString('utf8'));
}
