/** Connections to channels and carriers: how requests find them and what proves a webhook. */
import type { Tx } from './client';

export interface ChannelConnectionRow {
  readonly id: string;
  readonly merchant_id: string;
  readonly channel: 'shopify' | 'generic' | 'api' | 'csv';
  readonly credentials_sealed: Buffer | null;
}

/** The connection whose webhook address has this secret, as the system role. A disabled one hears nothing. */
export async function findChannelByWebhookPath(tx: Tx, sha256: Buffer): Promise<ChannelConnectionRow | null> {
  const [row] = await tx.rows<ChannelConnectionRow>({
    name: 'channel-by-webhook',
    text: `select id, merchant_id, channel, credentials_sealed from channel_connection
      where webhook_path_sha256 = $1 and disabled_at is null`,
    values: [sha256],
  });
  return row ?? null;
}

export interface CarrierAccountRow {
  readonly id: string;
  readonly organisation_id: string;
  readonly merchant_id: string | null;
  readonly provider: 'easypost';
  readonly credentials_sealed: Buffer;
}

/** The carrier account whose webhook address has this secret, as the system role. */
export async function findCarrierByWebhookPath(tx: Tx, sha256: Buffer): Promise<CarrierAccountRow | null> {
  const [row] = await tx.rows<CarrierAccountRow>({
    name: 'carrier-by-webhook',
    text: `select id, organisation_id, merchant_id, provider, credentials_sealed from carrier_account
      where webhook_path_sha256 = $1 and disabled_at is null`,
    values: [sha256],
  });
  return row ?? null;
}

/** Whether the merchant has this connection. */
export async function connectionExists(tx: Tx, merchantId: string, id: string): Promise<boolean> {
  const rows = await tx.rows({
    text: 'select 1 from channel_connection where merchant_id = $1 and id = $2',
    values: [merchantId, id],
  });
  return rows.length === 1;
}

/** Which channel the merchant's connection is to; null when there is none of this id. */
export async function findChannelKind(tx: Tx, merchantId: string, id: string): Promise<string | null> {
  const [row] = await tx.rows<{ channel: string }>({
    text: 'select channel from channel_connection where merchant_id = $1 and id = $2',
    values: [merchantId, id],
  });
  return row?.channel ?? null;
}

/** The merchant's connection for orders through our own API: its first, or a new one under `newId`. */
export async function apiConnection(tx: Tx, merchantId: string, newId: string): Promise<string> {
  const find = () =>
    tx.rows<{ id: string }>({
      text: `select id from channel_connection where merchant_id = $1 and channel = 'api' order by created_at, id limit 1`,
      values: [merchantId],
    });
  const [known] = await find();
  if (known !== undefined) return known.id;
  await tx.run({
    text: `insert into channel_connection (id, merchant_id, channel, name, tells_tracking)
      values ($1, $2, 'api', 'API', false) on conflict do nothing`,
    values: [newId, merchantId],
  });
  const [made] = await find();
  return (made as { id: string }).id;
}

export interface ConnectionListRow {
  readonly id: string;
  readonly merchant_id: string;
  readonly channel: string;
  readonly name: string;
  readonly tells_tracking: boolean;
  readonly sandbox: boolean;
  readonly poll_error: string | null;
  readonly disabled_at: Date | null;
  readonly created_at: Date;
}

export function listConnections(
  tx: Tx,
  merchantIds: readonly string[],
  afterId: string | null,
  limit: number,
): Promise<ConnectionListRow[]> {
  return tx.rows<ConnectionListRow>({
    text: `select id, merchant_id, channel, name, tells_tracking, sandbox, poll_error, disabled_at, created_at
      from channel_connection where merchant_id = any($1::uuid[]) and ($2::uuid is null or id > $2) order by id limit $3`,
    values: [merchantIds, afterId, limit],
  });
}
