/**
 * What is asked of partners at intervals, claimed under leases: connections to poll, parcels to track,
 * labels whose void is to be followed. A claim moves the due time to the end of the lease, so whatever a
 * killed poller held is due again by itself.
 */
import type { Tx } from './client';

export interface ConnectionToPoll {
  readonly merchantId: string;
  readonly id: string;
  readonly channel: string;
  readonly baseUrl: string;
  readonly credentialsSealed: Buffer | null;
  readonly cursor: string | null;
  /** Fences the lease: writes under an older one change nothing. */
  readonly lease: string;
}

/** Leases connections that are due. Run as the system role. */
export function claimConnections(tx: Tx, limit: number, leaseMs: number): Promise<ConnectionToPoll[]> {
  return tx.rows<ConnectionToPoll>({
    name: 'poll-claim-connection',
    text: `
with due as (
  select merchant_id, id from channel_connection
  where poll_due_at <= now() and disabled_at is null and (poll_leased_until is null or poll_leased_until < now())
  order by poll_due_at limit $1 for update skip locked
)
update channel_connection c set poll_leased_until = now() + $2 * interval '1 millisecond'
from due where c.merchant_id = due.merchant_id and c.id = due.id
returning c.merchant_id as "merchantId", c.id, c.channel, c.base_url as "baseUrl", c.credentials_sealed as "credentialsSealed",
  c.poll_cursor as cursor, c.poll_leased_until::text as lease`,
    values: [limit, leaseMs],
  });
}

/** Keeps how far the poll is, and the lease for another while; null when the lease is lost. */
export async function keepCursor(
  tx: Tx,
  connection: ConnectionToPoll,
  cursor: string,
  leaseMs: number,
): Promise<ConnectionToPoll | null> {
  const [row] = await tx.rows<{ lease: string }>({
    text: `update channel_connection set poll_cursor = $4, poll_leased_until = now() + $5 * interval '1 millisecond'
      where merchant_id = $1 and id = $2 and poll_leased_until = $3::timestamptz returning poll_leased_until::text as lease`,
    values: [connection.merchantId, connection.id, connection.lease, cursor, leaseMs],
  });
  return row === undefined ? null : { ...connection, cursor, lease: row.lease };
}

/** Gives the lease back. @param error why the poll failed, null when it did not. */
export async function endPoll(
  tx: Tx,
  connection: ConnectionToPoll,
  nextInMs: number,
  error: string | null,
): Promise<void> {
  await tx.run({
    text: `update channel_connection set poll_leased_until = null, poll_error = $5,
        poll_due_at = now() + $4 * interval '1 millisecond'
      where merchant_id = $1 and id = $2 and poll_leased_until = $3::timestamptz`,
    values: [
      connection.merchantId,
      connection.id,
      connection.lease,
      Math.round(nextInMs),
      error?.slice(0, 500) ?? null,
    ],
  });
}

export interface ParcelToTrack {
  readonly merchantId: string;
  readonly id: string;
  readonly trackingNumber: string;
  readonly carrier: string;
  readonly carrierAccountId: string;
}

/** Leases parcels whose carrier is to be asked. */
export function claimParcels(tx: Tx, limit: number, leaseMs: number): Promise<ParcelToTrack[]> {
  return tx.rows<ParcelToTrack>({
    name: 'poll-claim-parcel',
    text: `
with due as (
  select merchant_id, id from parcel
  where track_due_at <= now() and tracking_number is not null and carrier is not null and carrier_account_id is not null
  order by track_due_at limit $1 for update skip locked
)
update parcel p set track_due_at = now() + $2 * interval '1 millisecond'
from due where p.merchant_id = due.merchant_id and p.id = due.id
returning p.merchant_id as "merchantId", p.id, p.tracking_number as "trackingNumber", p.carrier,
  p.carrier_account_id as "carrierAccountId"`,
    values: [limit, leaseMs],
  });
}

/** When the carrier is asked again; a parcel that arrived meanwhile is not asked about any more. */
export async function trackAgain(tx: Tx, parcel: ParcelToTrack, inMs: number): Promise<void> {
  await tx.run({
    text: `update parcel set track_due_at = now() + $3 * interval '1 millisecond'
      where merchant_id = $1 and id = $2 and track_due_at is not null`,
    values: [parcel.merchantId, parcel.id, inMs],
  });
}

export interface LabelToVoid {
  readonly merchantId: string;
  readonly id: string;
  /** The carrier was asked and has not refused: its answer is to be read. */
  readonly asked: boolean;
  readonly externalShipmentId: string;
  readonly carrierAccountId: string;
  readonly orderId: string;
  readonly businessNow: Date;
}

/** Leases labels that nobody uses any more. */
export function claimVoids(tx: Tx, limit: number, leaseMs: number): Promise<LabelToVoid[]> {
  return tx.rows<LabelToVoid>({
    name: 'poll-claim-void',
    text: `
with due as (
  select merchant_id, id, parcel_id from label
  where void_due_at <= now() and state in ('void_requested', 'void_rejected') and external_shipment_id is not null
  order by void_due_at limit $1 for update skip locked
)
update label l set void_due_at = now() + $2 * interval '1 millisecond'
from due join merchant m on m.id = due.merchant_id
join parcel p on p.merchant_id = due.merchant_id and p.id = due.parcel_id
where l.merchant_id = due.merchant_id and l.id = due.id
returning l.merchant_id as "merchantId", l.id, l.external_shipment_id as "externalShipmentId",
  l.carrier_account_id as "carrierAccountId", l.state = 'void_requested' and l.void_asked_at is not null as asked,
  p.order_id as "orderId", coalesce(m.business_now, now()) as "businessNow"`,
    values: [limit, leaseMs],
  });
}

/**
 * Writes what the carrier said of a void. A settled one stays settled.
 * @param againInMs when to ask next; null ends it. One older than `giveUpDays` is not asked about again.
 * @returns null when it was settled before; else whether nobody will ask again.
 */
export async function recordVoid(
  tx: Tx,
  label: Pick<LabelToVoid, 'merchantId' | 'id' | 'asked'>,
  outcome: {
    readonly state: 'void_requested' | 'voided' | 'void_rejected';
    readonly againInMs: number | null;
    readonly failure: string | null;
    readonly giveUpDays: number;
  },
): Promise<{ readonly givenUp: boolean } | null> {
  const [row] = await tx.rows<{ givenUp: boolean }>({
    text: `update label set state = $3, failure = $5, void_asked_at = case when $7 then void_asked_at else now() end,
        state_since = case when state = $3 then state_since else now() end,
        void_due_at = case when $4::bigint is null or created_at < now() - $6 * interval '1 day' then null
          else now() + $4 * interval '1 millisecond' end
      where merchant_id = $1 and id = $2 and state in ('void_requested', 'void_rejected')
      returning void_due_at is null as "givenUp"`,
    values: [
      label.merchantId,
      label.id,
      outcome.state,
      outcome.againInMs,
      outcome.failure,
      outcome.giveUpDays,
      label.asked,
    ],
  });
  return row ?? null;
}
