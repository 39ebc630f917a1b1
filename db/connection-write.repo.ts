/** Writing connections to channels and accounts at carriers; their secrets come sealed, their webhook address as its digest. */
import type { Tx } from './client';

export interface NewChannelConnection {
  readonly id: string;
  readonly merchantId: string;
  readonly channel: 'shopify' | 'generic';
  readonly name: string;
  readonly baseUrl: string;
  readonly sealed: Buffer;
  readonly webhookPathSha256: Buffer;
  /** Whether orders are asked for too, so that a webhook that never came loses none. */
  readonly polls: boolean;
}

export async function insertChannelConnection(tx: Tx, row: NewChannelConnection): Promise<void> {
  await tx.run({
    text: `insert into channel_connection
        (id, merchant_id, channel, name, base_url, credentials_sealed, webhook_path_sha256, poll_due_at)
      values ($1, $2, $3, $4, $5, $6, $7, case when $8 then now() end)`,
    values: [
      row.id,
      row.merchantId,
      row.channel,
      row.name,
      row.baseUrl,
      row.sealed,
      row.webhookPathSha256,
      row.polls,
    ],
  });
}

export interface NewCarrierAccount {
  readonly id: string;
  readonly organisationId: string;
  /** null: every merchant of the organisation ships on it. */
  readonly merchantId: string | null;
  readonly provider: 'easypost';
  readonly name: string;
  readonly baseUrl: string;
  readonly sealed: Buffer;
  readonly webhookPathSha256: Buffer;
}

export async function insertCarrierAccount(tx: Tx, row: NewCarrierAccount): Promise<void> {
  await tx.run({
    text: `insert into carrier_account
        (id, organisation_id, merchant_id, provider, name, base_url, credentials_sealed, webhook_path_sha256)
      values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    values: [
      row.id,
      row.organisationId,
      row.merchantId,
      row.provider,
      row.name,
      row.baseUrl,
      row.sealed,
      row.webhookPathSha256,
    ],
  });
}

export type PartnerTable = 'channel_connection' | 'carrier_account';

/** The sealed secrets of a partner, locked; null when there is none of this id. */
export async function lockSecrets(tx: Tx, table: PartnerTable, id: string): Promise<Buffer | null> {
  const [row] = await tx.rows<{ credentials_sealed: Buffer | null }>({
    text: `select credentials_sealed from ${table} where id = $1 for no key update`,
    values: [id],
  });
  return row?.credentials_sealed ?? null;
}

export async function setSecrets(tx: Tx, table: PartnerTable, id: string, sealed: Buffer): Promise<void> {
  await tx.run({ text: `update ${table} set credentials_sealed = $2 where id = $1`, values: [id, sealed] });
}

/** Whose partner an id is and what kind, as the system role. */
export async function findPartner(
  tx: Tx,
  id: string,
): Promise<{
  readonly table: PartnerTable;
  readonly kind: string;
  readonly organisationId: string;
  readonly merchantId: string | null;
} | null> {
  const [row] = await tx.rows<{
    table: PartnerTable;
    kind: string;
    organisationId: string;
    merchantId: string | null;
  }>({
    text: `select 'channel_connection' as "table", c.channel as kind, m.organisation_id as "organisationId", m.id as "merchantId"
        from channel_connection c join merchant m on m.id = c.merchant_id where c.id::text = $1
      union all
      select 'carrier_account', provider, organisation_id, merchant_id from carrier_account where id::text = $1`,
    values: [id],
  });
  return row ?? null;
}

/** Merchants of this id or slug, as the system role; slugs are unique within an organisation only. */
export function findMerchantsCalled(
  tx: Tx,
  idOrSlug: string,
): Promise<{ readonly merchantId: string; readonly organisationId: string }[]> {
  return tx.rows({
    text: `select id as "merchantId", organisation_id as "organisationId" from merchant where id::text = $1 or slug = $1`,
    values: [idOrSlug],
  });
}
