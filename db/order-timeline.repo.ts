/**
 * Everything that happened to an order, put together from the rows that each fact left when it happened.
 * Nothing is written for the timeline's sake, so it can't disagree with what it shows. Details hold ids,
 * states and reasons; bodies, addresses and names stay where they are.
 */
import type { Tx } from './client';

export interface TimelineRow {
  readonly at: Date;
  readonly kind: string;
  readonly what: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** An order with more entries than this is a curiosity; the newest are left out then, for the start explains more. */
const LIMIT = 1000;

const PARTS = `
select received_at as at, 'message' as kind, topic || ' ' || state as what,
  jsonb_build_object('source', source, 'eventKey', event_key, 'reason', reason) as detail
from inbox where merchant_id = $1 and order_id = $2
union all
select accepted_at, 'order', 'accepted', jsonb_build_object('placedAt', placed_at) from o
union all
select shipped_at, 'order', 'shipped', '{}' from o where shipped_at is not null
union all
select delivered_at, 'order', 'delivered', '{}' from o where delivered_at is not null
union all
select closed_at, 'order', state, '{}' from o where closed_at is not null
union all
select placed_at, 'hold', 'held: ' || name, jsonb_build_object('by', placed_by)
from order_hold where merchant_id = $1 and order_id = $2
union all
select released_at, 'hold', 'released: ' || name, jsonb_build_object('by', released_by)
from order_hold where merchant_id = $1 and order_id = $2 and released_at is not null
union all
select created_at, 'address', 'version ' || version, jsonb_build_object('checked', checked)
from order_address where merchant_id = $1 and order_id = $2 and version > 1
union all
select f.created_at, 'fulfilment', 'planned at ' || w.code, jsonb_build_object('fulfilmentOrderId', f.id)
from fulfilment_order f join warehouse w on w.id = f.warehouse_id where f.merchant_id = $1 and f.order_id = $2
union all
select f.state_since, 'fulfilment', f.state || ' at ' || w.code, jsonb_build_object('fulfilmentOrderId', f.id)
from fulfilment_order f join warehouse w on w.id = f.warehouse_id
where f.merchant_id = $1 and f.order_id = $2 and f.state_since > f.created_at
union all
select s.scanned_at, 'scan', s.kind, jsonb_build_object('taskId', s.task_id, 'taskKind', t.kind, 'personId', s.person_id,
  'quantity', s.quantity)
from scan s join task t on t.merchant_id = s.merchant_id and t.id = s.task_id where t.merchant_id = $1 and t.order_id = $2
union all
select p.state_since, 'parcel', p.state, jsonb_build_object('parcelId', p.id, 'number', p.number)
from parcel p where p.merchant_id = $1 and p.order_id = $2
union all
select l.state_since, 'label', l.state, jsonb_build_object('labelId', l.id, 'parcelId', l.parcel_id, 'carrier', l.carrier,
  'service', l.service, 'trackingNumber', l.tracking_number, 'addressVersion', l.address_version)
from label l join parcel p on p.merchant_id = l.merchant_id and p.id = l.parcel_id
where p.merchant_id = $1 and p.order_id = $2
union all
select e.occurred_at, 'tracking', e.status, jsonb_build_object('parcelId', e.parcel_id, 'source', e.source,
  'message', e.message)
from tracking_event e join parcel p on p.merchant_id = e.merchant_id and p.id = e.parcel_id
where p.merchant_id = $1 and p.order_id = $2
union all
select opened_at, 'exception', 'opened: ' || reason, jsonb_build_object('exceptionId', id, 'message', message, 'owner', owner)
from exception where merchant_id = $1 and order_id = $2
union all
select resolved_at, 'exception', 'resolved: ' || reason, jsonb_build_object('exceptionId', id, 'by', resolved_by,
  'resolution', resolution)
from exception where merchant_id = $1 and order_id = $2 and resolved_at is not null
union all
select coalesce(sent_at, created_at), 'notification', event || ' ' || state, jsonb_build_object('medium', medium)
from notification where merchant_id = $1 and order_id = $2
union all
select coalesce(done_at, created_at), 'told', kind || ' ' || state, jsonb_build_object('attempts', attempts,
  'error', last_error)
from outbox where merchant_id = $1 and order_id = $2 and kind in ('channel.tracking', 'webhook')
union all
select at, 'audit', action, jsonb_build_object('actor', actor, 'reason', reason)
from audit_log where merchant_id = $1 and thing_id = $2::text`;

/** Oldest first. */
export function readTimeline(tx: Tx, merchantId: string, orderId: string): Promise<TimelineRow[]> {
  return tx.rows<TimelineRow>({
    name: 'order-timeline',
    text: `with o as (select * from sales_order where merchant_id = $1 and id = $2)
      select at, kind, what, detail from (${PARTS}) as entry order by at, kind, what limit ${LIMIT}`,
    values: [merchantId, orderId],
  });
}
