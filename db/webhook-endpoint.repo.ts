/**
 * A merchant's own webhooks as their sender sees them: where an event goes, and how each attempt ended.
 * An event is one outbox row an endpoint; the row's id is the webhook's id for the receiver.
 */
import { uuidv7 } from 'uuidv7';
import type { Tx } from './client';

export interface WebhookEndpoint {
  readonly id: string;
  readonly url: string;
  /** One or two `whsec_…` secrets under any names, sealed (`sealSecrets`). */
  readonly secretsSealed: Buffer;
  readonly disabledAt: Date | null;
}

export async function readEndpoint(tx: Tx, merchantId: string, id: string): Promise<WebhookEndpoint | null> {
  const [row] = await tx.rows<WebhookEndpoint>({
    text: `select id, url, secrets_sealed as "secretsSealed", disabled_at as "disabledAt"
      from webhook_endpoint where merchant_id = $1 and id = $2`,
    values: [merchantId, id],
  });
  return row ?? null;
}

/** An endpoint that is told of everything. */
export async function insertEndpoint(
  tx: Tx,
  endpoint: {
    readonly id: string;
    readonly merchantId: string;
    readonly url: string;
    readonly sealed: Buffer;
  },
): Promise<void> {
  await tx.run({
    text: 'insert into webhook_endpoint (id, merchant_id, url, secrets_sealed) values ($1, $2, $3, $4)',
    values: [endpoint.id, endpoint.merchantId, endpoint.url, endpoint.sealed],
  });
}

/** Nothing is sent there any more until somebody enables it again. */
export async function disableEndpoint(tx: Tx, merchantId: string, id: string, reason: string): Promise<void> {
  await tx.run({
    text: `update webhook_endpoint set disabled_at = now(), disabled_reason = $3
      where merchant_id = $1 and id = $2 and disabled_at is null`,
    values: [merchantId, id, reason],
  });
}

export interface DeliveryAttempt {
  readonly merchantId: string;
  readonly endpointId: string;
  readonly outboxId: string;
  readonly attempt: number;
  /** null when no answer came. */
  readonly status: number | null;
  readonly error: string | null;
}

export async function recordDelivery(tx: Tx, delivery: DeliveryAttempt): Promise<void> {
  await tx.run({
    text: `insert into webhook_delivery (id, merchant_id, endpoint_id, outbox_id, attempt, status, error)
      values ($1, $2, $3, $4, $5, $6, $7)`,
    values: [
      uuidv7(),
      delivery.merchantId,
      delivery.endpointId,
      delivery.outboxId,
      delivery.attempt,
      delivery.status,
      delivery.error,
    ],
  });
}
