/**
 * Connects a merchant to a shop or an organisation to a carrier, and changes the secrets of such a
 * connection. Secrets are sealed before they reach a row; of the webhook address only its digest is kept,
 * so it is told once. While a webhook secret is being changed the one before stays valid, for partners
 * repeat deliveries that they signed with it. Every change is audited, by its names and never its secrets.
 */
import { createHash, randomBytes } from 'node:crypto';
import { uuidv7 } from 'uuidv7';
import { audit } from '../../db/audit-log.repo';
import type { Tx } from '../../db/client';
import {
  insertCarrierAccount,
  insertChannelConnection,
  lockSecrets,
  type PartnerTable,
  setSecrets,
} from '../../db/connection-write.repo';
import { type SealingKeys, sealSecrets, unsealSecrets } from '../../db/sealed';
import { insertEndpoint } from '../../db/webhook-endpoint.repo';
import { Failure } from '../../domain/failure-types';

export type PartnerKind = 'shopify' | 'generic' | 'easypost';
export type Secrets = Readonly<Record<string, string>>;

export interface ConnectPartner {
  readonly organisationId: string;
  /** null only for a carrier: every merchant of the organisation ships on it. */
  readonly merchantId: string | null;
  readonly kind: PartnerKind;
  readonly name: string;
  readonly baseUrl: string;
  readonly secrets: Secrets;
  readonly keys: SealingKeys;
  readonly actor: string;
}

export interface ConnectedPartner {
  readonly id: string;
  /** Path of the address that the partner sends webhooks to; it can't be asked for again. */
  readonly webhookPath: string;
}

/** In a transaction that sees the organisation and the merchant. */
export async function connectPartner(tx: Tx, request: ConnectPartner): Promise<ConnectedPartner> {
  const { organisationId, merchantId, kind, name, baseUrl, keys, actor } = request;
  const id = uuidv7();
  const path = randomBytes(32).toString('base64url');
  const row = {
    ...{ id, name, baseUrl },
    sealed: sealSecrets(keys, request.secrets),
    webhookPathSha256: createHash('sha256').update(path).digest(),
  };
  if (kind === 'easypost') {
    await insertCarrierAccount(tx, { ...row, organisationId, merchantId, provider: kind });
  } else {
    if (merchantId === null) throw new Failure('InvalidInput', 'a shop belongs to one merchant');
    await insertChannelConnection(tx, { ...row, merchantId, channel: kind, polls: kind === 'shopify' });
  }
  const thing = kind === 'easypost' ? 'carrier_account' : 'channel_connection';
  await audit(tx, {
    ...{ organisationId, merchantId, actor },
    action: `${thing}.create`,
    thingKind: thing,
    thingId: id,
    after: { kind, name, baseUrl, secrets: Object.keys(request.secrets) },
  });
  return { id, webhookPath: `/webhooks/${kind === 'easypost' ? 'carriers' : 'channels'}/${path}` };
}

/** Tells the merchant's own systems what happens to its orders, as Standard Webhooks. Returns the endpoint's id. */
export async function addWebhookEndpoint(
  tx: Tx,
  request: Pick<ConnectPartner, 'organisationId' | 'keys' | 'actor'> & {
    readonly merchantId: string;
    readonly url: string;
    /** `whsec_…`; the receiver verifies by it. */
    readonly secret: string;
  },
): Promise<string> {
  const { organisationId, merchantId, url, keys, actor } = request;
  const id = uuidv7();
  const sealed = sealSecrets(keys, { current: request.secret });
  await insertEndpoint(tx, { id, merchantId, url, sealed });
  const thing = { thingKind: 'webhook_endpoint', thingId: id };
  await audit(tx, {
    ...{ organisationId, merchantId, actor, ...thing },
    action: 'webhook_endpoint.create',
    after: { url },
  });
  return id;
}

export interface ChangeSecrets {
  readonly table: PartnerTable;
  readonly id: string;
  readonly organisationId: string;
  readonly merchantId: string | null;
  /** What changes; the rest stays. None given: the webhook secret before is forgotten. */
  readonly secrets: Secrets;
  readonly keys: SealingKeys;
  readonly actor: string;
}

/** @throws Failure NotFound. */
export async function changeSecrets(tx: Tx, request: ChangeSecrets): Promise<void> {
  const { table, id, organisationId, merchantId, secrets, keys, actor } = request;
  const sealed = await lockSecrets(tx, table, id);
  if (sealed === null) throw new Failure('NotFound', 'there is no such connection');
  const { previousWebhookSecret: _forgotten, ...before } = unsealSecrets(keys, sealed);
  const changed = secrets['webhookSecret'];
  const previous =
    changed === undefined || changed === before['webhookSecret']
      ? {}
      : { previousWebhookSecret: before['webhookSecret'] ?? '' };
  await setSecrets(tx, table, id, sealSecrets(keys, { ...before, ...secrets, ...previous }));
  await audit(tx, {
    ...{ organisationId, merchantId, actor },
    action: `${table}.secrets`,
    thingKind: table,
    thingId: id,
    after: { changed: Object.keys(secrets), previousStaysValid: 'previousWebhookSecret' in previous },
  });
}
