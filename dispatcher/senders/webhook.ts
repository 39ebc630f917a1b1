/**
 * Sends an event to a merchant's endpoint as a Standard Webhook. The id is the outbox row's, the same in
 * every attempt; the time and the signatures are of the attempt (one a secret, so that a receiver can
 * change over). Anything but 2xx fails the attempt, redirects too; 410 says that nobody wants it any
 * more and disables the endpoint. Every attempt is logged for the merchant to see. Merchants type these
 * addresses in: the process guards its outgoing calls (`guardOutgoingCalls`).
 */
import { Webhook } from 'standardwebhooks';
import { countCall } from '../../connectors/count-calls';
import { httpExchange } from '../../connectors/http';
import type { Database } from '../../db/client';
import { type SealingKeys, unsealSecrets } from '../../db/sealed';
import { disableEndpoint, readEndpoint, recordDelivery } from '../../db/webhook-endpoint.repo';
import { Failure } from '../../domain/failure-types';
import type { Sender } from '../outbox-sender';

/** The Standard Webhooks specification asks for 15 to 30 s. */
const TIMEOUT_MS = 15_000;

export interface WebhookSenderOptions {
  readonly database: Database;
  readonly keys: SealingKeys;
  readonly timeoutMs?: number;
}

export function webhookSender(options: WebhookSenderOptions): Sender {
  const { database, keys } = options;
  return async (message) => {
    const { merchantId } = message;
    const { endpointId, type, data } = message.payload as Record<string, unknown>;
    if (typeof endpointId !== 'string' || typeof type !== 'string')
      throw new Failure('InvalidInput', 'a webhook message names no endpoint or type');
    if (message.test) return { outcome: 'sent', note: 'a test order is not told to live endpoints' };
    const endpoint = await database.withMerchants([merchantId], (tx) =>
      readEndpoint(tx, merchantId, endpointId),
    );
    if (endpoint === null || endpoint.disabledAt !== null)
      return { outcome: 'sent', note: 'the endpoint is disabled' };
    const secrets = Object.values(unsealSecrets(keys, endpoint.secretsSealed));
    const attempt = await post(options, endpoint.url, secrets, {
      id: message.id,
      body: JSON.stringify({ type, timestamp: message.createdAt.toISOString(), data: data ?? {} }),
    });
    await database.withMerchants([merchantId], async (tx) => {
      await recordDelivery(tx, {
        merchantId,
        endpointId,
        outboxId: message.id,
        attempt: message.attempt,
        ...attempt,
      });
      if (attempt.status === 410)
        await disableEndpoint(tx, merchantId, endpointId, 'The receiver answered 410 Gone.');
    });
    return outcomeOf(attempt);
  };
}

interface Attempt {
  readonly status: number | null;
  readonly error: string | null;
  readonly retryAfterMs?: number | undefined;
  /** The address itself is not allowed: no attempt will ever reach it. */
  readonly hopeless?: boolean;
}

function outcomeOf(attempt: Attempt): Awaited<ReturnType<Sender>> {
  const { status, error } = attempt;
  if (error === null) return { outcome: 'sent' };
  if (status === 410) return { outcome: 'sent', note: 'the receiver is gone; its endpoint is disabled' };
  if (attempt.hopeless) throw new Failure('PartnerRejected', error);
  const options = attempt.retryAfterMs === undefined ? {} : { retryAfterMs: attempt.retryAfterMs };
  throw new Failure('PartnerUnavailable', error, { status }, options);
}

async function post(
  { timeoutMs }: WebhookSenderOptions,
  url: string,
  secrets: readonly string[],
  { id, body }: { readonly id: string; readonly body: string },
): Promise<Attempt> {
  const now = new Date();
  try {
    const answer = await countCall('merchant_webhook', 'send', () =>
      httpExchange({
        url,
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'user-agent': 'Quayside-Webhooks/1',
          'webhook-id': id,
          'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
          'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, now, body)).join(' '),
        },
        body,
        timeoutMs: timeoutMs ?? TIMEOUT_MS,
        write: true,
        expect: 'text',
      }),
    );
    return { status: answer.status, error: null };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { status } = error.details;
    return {
      status: typeof status === 'number' ? status : null,
      error: error.message,
      retryAfterMs: error.retryAfterMs,
      hopeless: error.details['code'] === 'ADDRESS_NOT_ALLOWED',
    };
  }
}
