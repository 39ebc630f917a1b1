/** Accepting an order is one statement: one round trip, and one snapshot for everything that it writes. */
import type { Tx } from './client';

/** Fifteen minutes: an accepted order is checked and planned within seconds, unless something is wrong. */
const ACCEPTED_DEADLINE_MINUTES = 15;

type Json = Readonly<Record<string, unknown>>;

export interface NewOrder {
  readonly order: Json;
  readonly customer: Json;
  readonly address: Json;
  readonly lines: readonly Json[];
  readonly inbox: Json;
  readonly start: Json;
  readonly confirmation: Json;
  /** Who accepted it, for the audit log; empty for what channels tell, which the inbox keeps. */
  readonly audit: Json;
}

export interface InsertedOrder {
  readonly order_id: string;
  readonly state: string;
  readonly created: boolean;
}

const INSERT_ORDER = `
with o as (
  select * from json_to_record($1::json -> 'order') as o(id uuid, merchant_id uuid, connection_id uuid, external_id text,
    external_number text, external_version text, cancelled boolean, payment text, currency text, total_minor bigint,
    requested_shipping_method text, channel_ship_by timestamptz, hold_id uuid, tags json, note text, gift_message text,
    placed_at timestamptz, test boolean)
), clock as (
  select business_now(merchant_id) as at from o
), tomb as (
  select o.cancelled or exists (select from order_tombstone t where t.merchant_id = o.merchant_id
    and t.connection_id = o.connection_id and t.external_id = o.external_id) as buried from o
), received as (
  insert into inbox (id, merchant_id, source, event_key, topic, body, state, order_id, processed_at)
  select i.id, o.merchant_id, i.source, i.event_key, i.topic, i.body, 'processed',
    coalesce((select s.id from sales_order s where s.merchant_id = o.merchant_id and s.connection_id = o.connection_id
      and s.external_id = o.external_id), o.id), now()
  from o, json_to_record($1::json -> 'inbox') as i(id uuid, source text, event_key text, topic text, body text)
  on conflict (merchant_id, source, event_key) do nothing
), person as (
  insert into customer (id, merchant_id, connection_id, external_id, name, email, phone)
  select c.id, o.merchant_id, o.connection_id, c.external_id, c.name, c.email, c.phone
  from o, json_to_record($1::json -> 'customer') as c(id uuid, external_id text, name text, email text, phone text)
  -- Somebody whom the channel gives no id would be written down anew by every repetition of the order.
  where c.external_id is not null or not exists (select from sales_order s where s.merchant_id = o.merchant_id
    and s.connection_id = o.connection_id and s.external_id = o.external_id)
  on conflict (merchant_id, connection_id, external_id) do update
    set name = coalesce(excluded.name, customer.name), email = coalesce(excluded.email, customer.email),
        phone = coalesce(excluded.phone, customer.phone)
  returning id, vip, email
), created as (
  insert into sales_order (id, merchant_id, connection_id, external_id, external_number, external_version, state, state_since,
    deadline_at, payment, currency, total_minor, customer_id, requested_shipping_method, channel_ship_by, hold_id, tags, note,
    gift_message, vip, priority, test, placed_at, accepted_at, closed_at)
  select o.id, o.merchant_id, o.connection_id, o.external_id, o.external_number, o.external_version,
    case when tomb.buried then 'cancelled' else 'accepted' end, clock.at,
    case when tomb.buried then null else clock.at + interval '${ACCEPTED_DEADLINE_MINUTES} minutes' end,
    o.payment, o.currency, o.total_minor, person.id, o.requested_shipping_method, o.channel_ship_by, o.hold_id,
    array(select json_array_elements_text(o.tags)), o.note, o.gift_message, person.vip,
    case when person.vip then 10 else 0 end, o.test, o.placed_at, clock.at, case when tomb.buried then clock.at end
  from o, clock, tomb, person
  on conflict (merchant_id, connection_id, external_id) do nothing
  returning merchant_id, id, state
), address as (
  insert into order_address (merchant_id, order_id, version, name, company, line1, line2, city, region, postal_code, country,
    phone, email)
  select created.merchant_id, created.id, 1, a.name, a.company, a.line1, a.line2, a.city, a.region, a.postal_code, a.country,
    a.phone, a.email
  from created, json_to_record($1::json -> 'address') as a(name text, company text, line1 text, line2 text, city text,
    region text, postal_code text, country text, phone text, email text)
), line as (
  insert into sales_order_line (id, merchant_id, order_id, line_no, external_line_id, sku, title, quantity, unit_price_minor,
    ships)
  select l.id, created.merchant_id, created.id, l.line_no, l.external_line_id, l.sku, l.title, l.quantity,
    l.unit_price_minor, l.ships
  from created, json_to_recordset($1::json -> 'lines') as l(id uuid, line_no integer, external_line_id text, sku text,
    title text, quantity integer, unit_price_minor bigint, ships boolean)
), started as (
  insert into outbox (id, merchant_id, kind, key, order_id, payload, due_at)
  select s.id, created.merchant_id, 'workflow.start', s.key, created.id, s.payload,
    now() + s.delay_ms * interval '1 millisecond'
  from created, json_to_record($1::json -> 'start') as s(id uuid, key text, payload jsonb, delay_ms integer)
  where created.state <> 'cancelled'
), audited as (
  insert into audit_log (id, organisation_id, merchant_id, actor, action, thing_kind, thing_id, after, request_id)
  select a.id, m.organisation_id, created.merchant_id, a.actor, 'order.accept', 'order', created.id::text,
    a.after || jsonb_build_object('state', created.state), a.request_id
  from created join merchant m on m.id = created.merchant_id,
    json_to_record($1::json -> 'audit') as a(id uuid, actor text, after jsonb, request_id text)
  where a.id is not null
), confirmed as (
  insert into notification (id, merchant_id, order_id, event, medium, key)
  select c.notification_id, created.merchant_id, created.id, 'order_confirmed', 'mail', 'order_confirmed:' || created.id
  from created, person, json_to_record($1::json -> 'confirmation') as c(notification_id uuid, outbox_id uuid)
  where created.state <> 'cancelled' and person.email is not null
  returning id, merchant_id, order_id, key
), mailed as (
  insert into outbox (id, merchant_id, kind, key, order_id, lane, payload)
  select c.outbox_id, confirmed.merchant_id, 'mail', 'mail:' || confirmed.key, confirmed.order_id, 'mail',
    jsonb_build_object('notificationId', confirmed.id)
  from confirmed, json_to_record($1::json -> 'confirmation') as c(notification_id uuid, outbox_id uuid)
)
select coalesce(created.id, s.id) as order_id, coalesce(created.state, s.state) as state, created.id is not null as created
from o left join created on true
left join sales_order s on s.merchant_id = o.merchant_id and s.connection_id = o.connection_id and s.external_id = o.external_id`;

/** Writes the order, or finds the one that is there. */
export async function insertOrder(tx: Tx, order: NewOrder): Promise<InsertedOrder> {
  const statement = { name: 'order-accept', text: INSERT_ORDER, values: [JSON.stringify(order)] };
  const [row] = await tx.rows<InsertedOrder>(statement);
  if (row?.order_id != null) return row;
  // The other transaction committed the same order after this statement's snapshot: a new one sees it, and
  // the customer that this one wrote for it, if the channel gave no id to know him by, belongs to no order.
  await tx.run({
    text: `update customer set name = null, email = null, phone = null
      where merchant_id = ($1::json ->> 'merchant_id')::uuid and id = ($2::json ->> 'id')::uuid and external_id is null`,
    values: [JSON.stringify(order.order), JSON.stringify(order.customer)],
  });
  const [again] = await tx.rows<InsertedOrder>({
    text: `select id as order_id, state, false as created from sales_order
      where merchant_id = ($1::json ->> 'merchant_id')::uuid and connection_id = ($1::json ->> 'connection_id')::uuid
        and external_id = $1::json ->> 'external_id'`,
    values: [JSON.stringify(order.order)],
  });
  return again as InsertedOrder;
}
