/** Parcels on their way: what carriers said, and what follows for the order. */
import type { Tx } from './client';

export interface TrackedParcel {
  readonly merchant_id: string;
  readonly id: string;
}

/** Parcels with this tracking number on this account, of any merchant; for the system role. */
export function findTrackedParcels(
  tx: Tx,
  carrierAccountId: string,
  trackingNumbers: readonly string[],
): Promise<(TrackedParcel & { tracking_number: string })[]> {
  return tx.rows({
    text: `select merchant_id, id, tracking_number from parcel
      where carrier_account_id = $1 and tracking_number = any($2::text[])`,
    values: [carrierAccountId, trackingNumbers],
  });
}

export interface LockedParcel {
  readonly id: string;
  readonly order_id: string;
  readonly fulfilment_order_id: string;
  readonly state: string;
  readonly order_state: string;
  readonly workflow_id: string;
  readonly business_now: Date;
  readonly has_email: boolean;
}

/** Locks the order, then the parcel. */
export async function lockParcel(tx: Tx, merchantId: string, parcelId: string): Promise<LockedParcel | null> {
  const [order] = await tx.rows<Omit<LockedParcel, 'id' | 'fulfilment_order_id' | 'state'>>({
    name: 'tracking-lock-order',
    text: `select o.id as order_id, o.state as order_state, business_now(o.merchant_id) as business_now,
        'order:' || o.merchant_id || ':' || o.connection_id || ':' || o.external_id as workflow_id,
        exists (select from customer c where c.merchant_id = o.merchant_id and c.id = o.customer_id and c.email is not null) as has_email
      from sales_order o where o.merchant_id = $1
        and o.id = (select order_id from parcel where merchant_id = $1 and id = $2) for no key update of o`,
    values: [merchantId, parcelId],
  });
  const [parcel] = await tx.rows<Pick<LockedParcel, 'id' | 'fulfilment_order_id' | 'state'>>({
    name: 'tracking-lock-parcel',
    text: 'select id, fulfilment_order_id, state from parcel where merchant_id = $1 and id = $2 for no key update',
    values: [merchantId, parcelId],
  });
  return order && parcel ? { ...order, ...parcel } : null;
}

export interface TrackingEventRow {
  readonly event_id: string;
  readonly status: string;
  readonly message: string;
  readonly occurred_at: Date;
}

/** Adds the events that are not there; how many were new. */
export function insertTrackingEvents(
  tx: Tx,
  merchantId: string,
  parcelId: string,
  source: 'webhook' | 'poll' | 'person',
  events: readonly TrackingEventRow[],
): Promise<number> {
  return tx.run({
    name: 'tracking-insert',
    text: `insert into tracking_event (merchant_id, parcel_id, source, event_id, status, message, occurred_at)
      select $1, $2, $3, event_id, status, message, occurred_at
      from json_to_recordset($4) as e(event_id text, status text, message text, occurred_at timestamptz)
      on conflict (merchant_id, parcel_id, event_id) do nothing`,
    values: [merchantId, parcelId, source, JSON.stringify(events)],
  });
}

/** Every status ever heard of the parcel. */
export async function readStatuses(tx: Tx, merchantId: string, parcelId: string): Promise<string[]> {
  const rows = await tx.rows<{ status: string }>({
    name: 'tracking-statuses',
    text: 'select distinct status from tracking_event where merchant_id = $1 and parcel_id = $2',
    values: [merchantId, parcelId],
  });
  return rows.map((row) => row.status);
}

export async function setParcelState(
  tx: Tx,
  merchantId: string,
  parcelId: string,
  state: string,
  at: Date,
  ended: boolean,
): Promise<void> {
  await tx.run({
    name: 'tracking-parcel-state',
    text: `update parcel set state = $3, state_since = $4,
        delivered_at = case when $3 = 'delivered' then $4 else delivered_at end,
        track_due_at = case when $5 then null else track_due_at end
      where merchant_id = $1 and id = $2`,
    values: [merchantId, parcelId, state, at, ended],
  });
}

/** States of the order's parcels and parts, for the fold. */
export async function readOrderParts(
  tx: Tx,
  merchantId: string,
  orderId: string,
): Promise<{ parts: { id: string; state: string; parcels: string[] }[]; open_demand: boolean }> {
  const [row] = await tx.rows<{
    parts: { id: string; state: string; parcels: string[] }[];
    open_demand: boolean;
  }>({
    name: 'tracking-order-parts',
    text: `select (select coalesce(json_agg(json_build_object('id', f.id, 'state', f.state, 'parcels',
          (select coalesce(json_agg(p.state), '[]') from parcel p
            where p.merchant_id = f.merchant_id and p.fulfilment_order_id = f.id))), '[]')
        from fulfilment_order f where f.merchant_id = $1 and f.order_id = $2) as parts,
      exists (select from backorder b where b.merchant_id = $1 and b.order_id = $2) as open_demand`,
    values: [merchantId, orderId],
  });
  return row as { parts: { id: string; state: string; parcels: string[] }[]; open_demand: boolean };
}

export async function setPartsDelivered(
  tx: Tx,
  merchantId: string,
  partIds: readonly string[],
  at: Date,
): Promise<void> {
  await tx.run({
    name: 'tracking-parts-delivered',
    text: `update fulfilment_order set state = 'delivered', state_since = $3
      where merchant_id = $1 and id = any($2::uuid[]) and state = 'shipped'`,
    values: [merchantId, partIds, at],
  });
}

export async function setOrderState(
  tx: Tx,
  merchantId: string,
  orderId: string,
  state: string,
  at: Date,
  deadlineAt: Date,
): Promise<void> {
  await tx.run({
    name: 'tracking-order-state',
    text: `update sales_order set state = $3, state_since = $4, deadline_at = $5,
        delivered_at = case when $3 = 'delivered' then $4 else delivered_at end, version = version + 1
      where merchant_id = $1 and id = $2`,
    values: [merchantId, orderId, state, at, deadlineAt],
  });
}
