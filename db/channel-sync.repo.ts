/**
 * Connections that publish stock: their limits, who pushes for them at the moment, and how far it is. A
 * lease is one process's for as long as it renews it; a killed one's is free when it runs out.
 */
import type { ListingRule } from '../domain/stock/channel-quantity';
import type { Tx } from './client';

export interface SyncConnection {
  readonly merchantId: string;
  readonly connectionId: string;
  readonly channel: string;
  readonly baseUrl: string;
  readonly credentialsSealed: Buffer | null;
  /** null: as the connector has it. */
  readonly callsPerSecond: number | null;
  readonly quantitiesPerCall: number | null;
  readonly leasedForMs: number;
}

/** Takes free leases, and renews the owner's own when half of their time is over. Run as the system role. */
export async function renewLeases(tx: Tx, owner: string, leaseMs: number, limit: number): Promise<void> {
  await tx.run({
    name: 'channel-sync-renew',
    text: `
with due as (
  select merchant_id, connection_id from channel_sync
  where enabled and (leased_until is null or leased_until < now()
    or (lease_owner = $1 and leased_until < now() + $2 / 2 * interval '1 millisecond'))
  order by lease_owner = $1 desc nulls last limit $3 for update skip locked
)
update channel_sync s set lease_owner = $1, leased_until = now() + $2 * interval '1 millisecond'
from due where s.merchant_id = due.merchant_id and s.connection_id = due.connection_id`,
    values: [owner, leaseMs, limit],
  });
}

/** What the owner is to push; what is not among it any more was disabled, or taken by another. Run as the system role. */
export function leasedSyncs(tx: Tx, owner: string): Promise<SyncConnection[]> {
  return tx.rows<SyncConnection>({
    name: 'channel-sync-leased',
    text: `
select s.merchant_id as "merchantId", s.connection_id as "connectionId", c.channel, c.base_url as "baseUrl",
  c.credentials_sealed as "credentialsSealed", s.calls_per_second::double precision as "callsPerSecond",
  s.quantities_per_call as "quantitiesPerCall",
  (extract(epoch from s.leased_until - now()) * 1000)::double precision as "leasedForMs"
from channel_sync s join channel_connection c on c.merchant_id = s.merchant_id and c.id = s.connection_id
where s.lease_owner = $1 and s.leased_until > now() and s.enabled and c.disabled_at is null`,
    values: [owner],
  });
}

/** Lets go of everything that the owner holds. Run as the system role. */
export async function releaseSyncs(tx: Tx, owner: string): Promise<void> {
  await tx.run({
    text: 'update channel_sync set lease_owner = null, leased_until = null where lease_owner = $1',
    values: [owner],
  });
}

export interface SyncProgress {
  readonly merchantId: string;
  readonly connectionId: string;
  /** Listings to be looked at. */
  readonly waiting: number;
  /** Milliseconds since the epoch, of the oldest change among them. */
  readonly waitingSince: number | null;
  readonly acknowledgedAt: number | null;
  /** null when the last call went well. */
  readonly error: string | null;
}

/** Shows how far the owner's connections are. Run as the system role. */
export async function recordProgress(
  tx: Tx,
  owner: string,
  progress: readonly SyncProgress[],
): Promise<void> {
  if (progress.length === 0) return;
  await tx.run({
    name: 'channel-sync-progress',
    text: `
update channel_sync s set waiting = p.waiting, waiting_since = to_timestamp(p.waiting_since / 1000),
  acknowledged_at = coalesce(to_timestamp(p.acknowledged_at / 1000), s.acknowledged_at), last_error = p.error,
  failing_since = case when p.error is null then null else coalesce(s.failing_since, now()) end
from json_to_recordset($2) as p(merchant_id uuid, connection_id uuid, waiting integer, waiting_since double precision,
  acknowledged_at double precision, error text)
where s.merchant_id = p.merchant_id and s.connection_id = p.connection_id and s.lease_owner = $1
  and ((s.waiting, s.last_error) is distinct from (p.waiting, p.error)
    or to_timestamp(p.acknowledged_at / 1000) > coalesce(s.acknowledged_at, '-infinity'))`,
    values: [
      owner,
      JSON.stringify(
        progress.map((p) => ({
          merchant_id: p.merchantId,
          connection_id: p.connectionId,
          waiting: p.waiting,
          waiting_since: p.waitingSince,
          acknowledged_at: p.acknowledgedAt,
          error: p.error?.slice(0, 500) ?? null,
        })),
      ),
    ],
  });
}

/** Leased connections whose turn to be read back has come; moves the turn. Run as the system role. */
export async function claimReconciles(
  tx: Tx,
  owner: string,
  everyMs: number,
  limit: number,
): Promise<readonly string[]> {
  const rows = await tx.rows<{ id: string }>({
    text: `
with due as (
  select merchant_id, connection_id from channel_sync
  where lease_owner = $1 and reconcile_due_at <= now() order by reconcile_due_at limit $3 for update skip locked
)
update channel_sync s set reconcile_due_at = now() + $2 * interval '1 millisecond'
from due where s.merchant_id = due.merchant_id and s.connection_id = due.connection_id
returning s.connection_id as id`,
    values: [owner, everyMs, limit],
  });
  return rows.map(({ id }) => id);
}

/** How a read-back ended. */
export async function recordReconcile(
  tx: Tx,
  merchantId: string,
  connectionId: string,
  counts: { readonly listings: number; readonly drift: number },
): Promise<void> {
  await tx.run({
    text: `update channel_sync set reconciled_at = now(), reconciled_listings = $3, reconciled_drift = $4
      where merchant_id = $1 and connection_id = $2`,
    values: [merchantId, connectionId, counts.listings, counts.drift],
  });
}

export interface ChannelSyncRow {
  readonly merchant_id: string;
  readonly connection_id: string;
  readonly channel: string;
  readonly name: string;
  readonly enabled: boolean;
  readonly calls_per_second: number | null;
  readonly quantities_per_call: number | null;
  readonly buffer: number;
  readonly share_percent: number;
  readonly cap: number | null;
  readonly min_display: number;
  readonly backorder_allowance: number;
  readonly version: bigint;
  readonly waiting: number;
  readonly waiting_since: Date | null;
  readonly acknowledged_at: Date | null;
  readonly last_error: string | null;
  readonly failing_since: Date | null;
  readonly reconcile_due_at: Date;
  readonly reconciled_at: Date | null;
  readonly reconciled_listings: number | null;
  readonly reconciled_drift: number | null;
}

/** By connection, from an id on. */
export function listSyncs(
  tx: Tx,
  merchantIds: readonly string[],
  connectionId: string | null,
  after: string | null,
  limit: number,
): Promise<ChannelSyncRow[]> {
  return tx.rows<ChannelSyncRow>({
    text: `
select s.merchant_id, s.connection_id, c.channel, c.name, s.enabled, s.calls_per_second::double precision as calls_per_second,
  s.quantities_per_call, s.buffer, s.share_percent, s.cap, s.min_display, s.backorder_allowance, s.version, s.waiting,
  s.waiting_since, s.acknowledged_at, s.last_error, s.failing_since, s.reconcile_due_at, s.reconciled_at,
  s.reconciled_listings, s.reconciled_drift
from channel_sync s join channel_connection c on c.merchant_id = s.merchant_id and c.id = s.connection_id
where s.merchant_id = any($1::uuid[]) and ($2::uuid is null or s.connection_id = $2) and ($3::uuid is null or s.connection_id > $3)
order by s.connection_id limit $4`,
    values: [merchantIds, connectionId, after, limit],
  });
}

export interface SyncSettings extends Omit<ListingRule, 'paused'> {
  readonly enabled: boolean;
  readonly callsPerSecond: number | null;
  readonly quantitiesPerCall: number | null;
}

/** Makes the settings of a connection, or changes what is given. */
export async function saveSync(
  tx: Tx,
  merchantId: string,
  connectionId: string,
  given: { readonly [K in keyof SyncSettings]?: SyncSettings[K] | undefined },
): Promise<void> {
  await tx.run({
    text: 'insert into channel_sync (merchant_id, connection_id) values ($1, $2) on conflict do nothing',
    values: [merchantId, connectionId],
  });
  // Some may be set to null, so what was given is told by name.
  const settable = [
    ['enabled', 'enabled', 'boolean'],
    ['callsPerSecond', 'calls_per_second', 'numeric'],
    ['quantitiesPerCall', 'quantities_per_call', 'integer'],
    ['buffer', 'buffer', 'integer'],
    ['sharePercent', 'share_percent', 'integer'],
    ['cap', 'cap', 'integer'],
    ['minDisplay', 'min_display', 'integer'],
    ['backorderAllowance', 'backorder_allowance', 'integer'],
  ] as const;
  const sets = settable.filter(([name]) => given[name] !== undefined);
  if (sets.length === 0) return;
  await tx.run({
    text: `update channel_sync set version = version + 1,
      ${sets.map(([name, column, type]) => `${column} = ($3::json ->> '${name}')::${type}`).join(', ')}
      where merchant_id = $1 and connection_id = $2`,
    values: [merchantId, connectionId, JSON.stringify(given)],
  });
}

/** null before it was ever set. */
export async function syncVersion(tx: Tx, merchantId: string, connectionId: string): Promise<bigint | null> {
  const [row] = await tx.rows<{ version: bigint }>({
    text: `select version from channel_sync where merchant_id = $1 and connection_id = $2 for no key update`,
    values: [merchantId, connectionId],
  });
  return row?.version ?? null;
}

/** @returns the merchant; null when there is no such connection. */
export async function askReconcile(
  tx: Tx,
  merchantIds: readonly string[],
  connectionId: string,
): Promise<string | null> {
  const [row] = await tx.rows<{ merchant_id: string }>({
    text: `update channel_sync set reconcile_due_at = now()
      where merchant_id = any($1::uuid[]) and connection_id = $2 returning merchant_id`,
    values: [merchantIds, connectionId],
  });
  return row?.merchant_id ?? null;
}

export interface DriftRow {
  readonly id: string;
  readonly merchant_id: string;
  readonly connection_id: string;
  readonly listing_id: string;
  readonly sku: string;
  readonly believed: number | null;
  readonly found: number | null;
  readonly wanted: number;
  readonly found_at: Date;
}

/** What read-backs found, the newest first (ids are in the order of time). */
export function listDrift(
  tx: Tx,
  merchantIds: readonly string[],
  connectionId: string | null,
  before: string | null,
  limit: number,
): Promise<DriftRow[]> {
  return tx.rows<DriftRow>({
    text: `
select d.id, d.merchant_id, l.connection_id, d.listing_id, p.sku, d.believed, d.found, d.wanted, d.found_at
from channel_drift d
join channel_listing l on l.merchant_id = d.merchant_id and l.id = d.listing_id
join product p on p.merchant_id = l.merchant_id and p.id = l.product_id
where d.merchant_id = any($1::uuid[]) and ($2::uuid is null or l.connection_id = $2) and ($3::uuid is null or d.id < $3)
order by d.id desc limit $4`,
    values: [merchantIds, connectionId, before, limit],
  });
}
