/** What the ship scan locks, decides on and writes. */
import { uuidv7 } from 'uuidv7';
import type { Tx } from './client';

export interface ParcelAtDoor {
  readonly merchantId: string;
  readonly parcelId: string;
  readonly parcelState: string;
  readonly trackingNumber: string | null;
  readonly orderId: string;
  readonly orderState: string;
  readonly held: boolean;
  readonly addressVersion: number;
  readonly workflowId: string;
  readonly fulfilmentOrderId: string;
  readonly fulfilmentOrderState: string;
  readonly businessNow: Date;
}

const SELECT = `
select p.merchant_id as "merchantId", p.id as "parcelId", p.state as "parcelState", p.tracking_number as "trackingNumber",
  o.id as "orderId", o.state as "orderState", o.held, o.address_version as "addressVersion",
  'order:' || o.merchant_id || ':' || o.connection_id || ':' || o.external_id as "workflowId",
  f.id as "fulfilmentOrderId", f.state as "fulfilmentOrderState", coalesce(m.business_now, now()) as "businessNow"
from parcel p
join sales_order o on o.merchant_id = p.merchant_id and o.id = p.order_id
join fulfilment_order f on f.merchant_id = p.merchant_id and f.id = p.fulfilment_order_id
join merchant m on m.id = p.merchant_id`;

/** The parcel's id by its tracking number: the one that waits to leave before those that left long ago. */
export async function findParcelByTracking(
  tx: Tx,
  merchantIds: readonly string[],
  trackingNumber: string,
): Promise<string | null> {
  const [row] = await tx.rows<{ id: string }>({
    name: 'parcel-by-tracking',
    text: `select id from parcel where merchant_id = any($1::uuid[]) and tracking_number = $2
      order by (state = 'labelled') desc, created_at desc limit 1`,
    values: [merchantIds, trackingNumber],
  });
  return row?.id ?? null;
}

/** Locks order, fulfilment order and parcel, in that order; null when one may see no such parcel. */
export async function lockParcelAtDoor(tx: Tx, parcelId: string): Promise<ParcelAtDoor | null> {
  const [row] = await tx.rows<ParcelAtDoor>({
    name: 'parcel-at-door',
    text: `${SELECT} where p.id = $1 for no key update of o, f, p`,
    values: [parcelId],
  });
  return row ?? null;
}

export interface LiveLabel {
  readonly id: string;
  readonly state: string;
  readonly addressVersion: number;
}

/** The parcel's live label, locked. */
export async function lockLabelAtDoor(
  tx: Tx,
  merchantId: string,
  parcelId: string,
): Promise<LiveLabel | null> {
  const [row] = await tx.rows<LiveLabel>({
    name: 'label-at-door',
    text: `select id, state, address_version as "addressVersion" from label
      where merchant_id = $1 and parcel_id = $2 and state in ('claimed', 'unknown', 'purchased', 'shipped')
      for no key update`,
    values: [merchantId, parcelId],
  });
  return row ?? null;
}

/** The parcel's ship task, whatever its state; null when it has none. */
export async function findShipTask(tx: Tx, merchantId: string, parcelId: string): Promise<string | null> {
  const [row] = await tx.rows<{ id: string }>({
    name: 'ship-task-find',
    text: `select id from task where merchant_id = $1 and parcel_id = $2 and kind = 'ship'
      order by (state in ('open', 'claimed')) desc, created_at desc limit 1`,
    values: [merchantId, parcelId],
  });
  return row?.id ?? null;
}

/** Minutes until a parcel that no webhook told about is asked for at the carrier: most scan within hours. */
const TRACK_AFTER_MINUTES = 60;

/** The parcel leaves with its label; its ship task is done by this person. */
export async function shipParcel(
  tx: Tx,
  parcel: ParcelAtDoor,
  labelId: string,
  taskId: string,
  personId: string,
): Promise<void> {
  await tx.run({
    name: 'parcel-ship',
    text: `
with p as (
  update parcel set state = 'shipped', state_since = $3, shipped_at = $3,
    track_due_at = now() + $7 * interval '1 minute'
  where merchant_id = $1 and id = $2 and state = 'labelled'
), l as (
  update label set state = 'shipped', state_since = now() where merchant_id = $1 and id = $4 and state = 'purchased'
)
update task set state = 'done', claimed_by = coalesce(claimed_by, $6), claimed_at = coalesce(claimed_at, now()),
  finished_at = now()
where merchant_id = $1 and id = $5 and state in ('open', 'claimed')`,
    values: [
      parcel.merchantId,
      parcel.parcelId,
      parcel.businessNow,
      labelId,
      taskId,
      personId,
      TRACK_AFTER_MINUTES,
    ],
  });
}

/**
 * Marks the fulfilment order as shipped, with its shipment, when it is packed and no parcel of it is
 * left. @returns whether this made it so.
 */
export async function shipPartWhenComplete(tx: Tx, parcel: ParcelAtDoor): Promise<boolean> {
  const changed = await tx.run({
    name: 'part-ship',
    text: `
with f as (
  update fulfilment_order set state = 'shipped', state_since = $3, shipped_at = $3
  where merchant_id = $1 and id = $2 and state = 'packed'
    and not exists (select from parcel p where p.merchant_id = $1 and p.fulfilment_order_id = $2
      and p.state in ('open', 'packed', 'labelled'))
  returning merchant_id, order_id, id
)
insert into shipment (id, merchant_id, order_id, fulfilment_order_id, shipped_at)
select $4, merchant_id, order_id, id, $3 from f on conflict do nothing`,
    values: [parcel.merchantId, parcel.fulfilmentOrderId, parcel.businessNow, uuidv7()],
  });
  return changed === 1;
}

export interface OrderParts {
  readonly states: readonly string[];
  /** Units wait for stock without a fulfilment order. */
  readonly openDemand: boolean;
  /** The latest promise of its parcels. */
  readonly promisedAt: Date | null;
}

/** States of the order's parts, for the fold. */
export async function readParts(tx: Tx, merchantId: string, orderId: string): Promise<OrderParts> {
  const [row] = await tx.rows<OrderParts>({
    name: 'order-parts',
    text: `
select coalesce(array_agg(f.state), '{}') as states,
  exists (select from backorder b where b.merchant_id = $1 and b.order_id = $2) as "openDemand",
  (select max(p.promised_at) from parcel p where p.merchant_id = $1 and p.order_id = $2) as "promisedAt"
from fulfilment_order f where f.merchant_id = $1 and f.order_id = $2`,
    values: [merchantId, orderId],
  });
  return row as OrderParts;
}

/** Writes the fold. The deadline stays where there is no new one, and where something blocks the order. */
export async function setOrderShipped(
  tx: Tx,
  parcel: ParcelAtDoor,
  state: string,
  deadlineAt: Date | null,
): Promise<void> {
  await tx.run({
    name: 'order-shipped',
    text: `update sales_order set state = $3, state_since = case when state = $3 then state_since else $4::timestamptz end,
        shipped_at = case when $3 = 'shipped' then coalesce(shipped_at, $4::timestamptz) else shipped_at end,
        deadline_at = case when blocked_reason is null then coalesce($5::timestamptz, deadline_at) else deadline_at end, version = version + 1
      where merchant_id = $1 and id = $2 and state not in ('closed', 'cancelled')`,
    values: [parcel.merchantId, parcel.orderId, state, parcel.businessNow, deadlineAt],
  });
}
