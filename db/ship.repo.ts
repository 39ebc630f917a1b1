/** What shipping a fulfilment order posts, read for a batch, and what it leaves behind. */
import type { Tx } from './client';

export interface ShippedPart {
  readonly merchant_id: string;
  readonly fulfilment_order_id: string;
  readonly order_id: string;
  readonly posted: boolean;
  readonly order_state: string;
  readonly shipped_at: Date;
  readonly currency: string;
  readonly channel: string;
  readonly connection_id: string;
  readonly tells_tracking: boolean;
  readonly has_email: boolean;
  readonly customer_location_id: string;
  readonly allocations: readonly {
    reservation_id: string;
    product_id: string;
    location_id: string;
    lot_code: string;
    quantity: number;
    unit_cost_minor: number | null;
    unit_price_minor: number;
  }[];
  readonly parcels: readonly {
    id: string;
    label_minor: number | null;
    label_currency: string | null;
    carton_cost_minor: number | null;
  }[];
  /** Claim and end of each finished task, as the scans left them. */
  readonly tasks: readonly { claimed_at: string; finished_at: string }[];
  readonly endpoints: readonly string[];
}

const READ = `
select f.merchant_id, f.id as fulfilment_order_id, f.order_id, s.posted_at is not null as posted, o.state as order_state, s.shipped_at, o.currency,
  c.channel, c.id as connection_id, c.tells_tracking, cu.email is not null as has_email,
  (select l.id from location l join merchant m on m.organisation_id = l.organisation_id
    where m.id = f.merchant_id and l.kind = 'customer') as customer_location_id,
  (select coalesce(json_agg(x), '[]') from (
    select a.reservation_id, a.product_id, a.location_id, a.lot_code, a.quantity, p.unit_cost_minor, sl.unit_price_minor
    from fulfilment_order_line fl
    join reservation r on r.merchant_id = fl.merchant_id and r.fulfilment_order_line_id = fl.id and r.state = 'allocated'
    join allocation a on a.merchant_id = r.merchant_id and a.reservation_id = r.id
    join product p on p.merchant_id = a.merchant_id and p.id = a.product_id
    join sales_order_line sl on sl.merchant_id = fl.merchant_id and sl.id = fl.order_line_id
    where fl.merchant_id = f.merchant_id and fl.fulfilment_order_id = f.id) x) as allocations,
  (select coalesce(json_agg(x), '[]') from (
    select p.id, l.amount_minor as label_minor, l.currency as label_currency, k.cost_minor as carton_cost_minor
    from parcel p
    left join label l on l.merchant_id = p.merchant_id and l.parcel_id = p.id and l.state in ('purchased', 'shipped')
    left join carton k on k.merchant_id = p.merchant_id and k.id = p.carton_id
    where p.merchant_id = f.merchant_id and p.fulfilment_order_id = f.id and p.state <> 'cancelled') x) as parcels,
  (select coalesce(json_agg(x), '[]') from (
    select t.claimed_at, t.finished_at from task t
    where t.merchant_id = f.merchant_id and t.fulfilment_order_id = f.id and t.finished_at is not null
      and t.claimed_at is not null) x) as tasks,
  (select coalesce(json_agg(e.id), '[]') from webhook_endpoint e where e.merchant_id = f.merchant_id
    and e.disabled_at is null and (e.event_types = '{}' or 'order.shipped' = any(e.event_types))) as endpoints
from json_to_recordset($1) as r(merchant_id uuid, fulfilment_order_id uuid)
join fulfilment_order f on f.merchant_id = r.merchant_id and f.id = r.fulfilment_order_id
join shipment s on s.merchant_id = f.merchant_id and s.fulfilment_order_id = f.id
join sales_order o on o.merchant_id = f.merchant_id and o.id = f.order_id
join channel_connection c on c.merchant_id = o.merchant_id and c.id = o.connection_id
left join customer cu on cu.merchant_id = o.merchant_id and cu.id = o.customer_id
order by f.merchant_id, f.id for no key update of f, s`;

/** Locks the parts and reads what shipping them means. A part that has not been scanned out is missing. */
export function lockShippedParts(
  tx: Tx,
  parts: readonly { readonly merchant_id: string; readonly fulfilment_order_id: string }[],
): Promise<ShippedPart[]> {
  return tx.rows<ShippedPart>({ name: 'ship-read', text: READ, values: [JSON.stringify(parts)] });
}

export interface FactRow {
  readonly merchant_id: string;
  readonly key: string;
  readonly order_id: string;
  readonly kind: 'cogs' | 'revenue' | 'shipping_cost' | 'material' | 'labour_minutes' | 'credit';
  readonly product_id: string | null;
  readonly quantity: string;
  readonly amount_minor: string | null;
  readonly currency: string | null;
  readonly occurred_at: Date;
}

/** Facts that are not there yet: a rerun adds none. */
export async function insertFacts(tx: Tx, facts: readonly FactRow[]): Promise<void> {
  if (facts.length === 0) return;
  await tx.run({
    name: 'fact-insert',
    text: `insert into order_fact (merchant_id, key, order_id, kind, product_id, quantity, amount_minor, currency, occurred_at)
      select * from json_to_recordset($1) as f(merchant_id uuid, key text, order_id uuid, kind text, product_id uuid,
        quantity numeric, amount_minor bigint, currency text, occurred_at timestamptz)
      on conflict (merchant_id, key) do nothing`,
    values: [JSON.stringify(facts)],
  });
}

/** Fulfilment orders of the order that left the warehouse and whose shipment is not posted. */
export async function readUnposted(tx: Tx, merchantId: string, orderId: string): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>({
    name: 'ship-unposted',
    text: `select f.id from fulfilment_order f
      join shipment s on s.merchant_id = f.merchant_id and s.fulfilment_order_id = f.id and s.posted_at is null
      where f.merchant_id = $1 and f.order_id = $2 order by f.id`,
    values: [merchantId, orderId],
  });
  return rows.map(({ id }) => id);
}

/** Marks the shipments as posted. */
export async function markPosted(
  tx: Tx,
  parts: readonly { readonly merchant_id: string; readonly fulfilment_order_id: string }[],
): Promise<void> {
  await tx.run({
    name: 'ship-posted',
    text: `update shipment s set posted_at = now()
      from json_to_recordset($1) as r(merchant_id uuid, fulfilment_order_id uuid)
      where s.merchant_id = r.merchant_id and s.fulfilment_order_id = r.fulfilment_order_id and s.posted_at is null`,
    values: [JSON.stringify(parts)],
  });
}

export interface NewNotification {
  readonly id: string;
  readonly merchant_id: string;
  readonly order_id: string;
  readonly event: string;
  readonly key: string;
}

/** Adds notifications that are not there yet and returns those. */
export async function insertNotifications(
  tx: Tx,
  notifications: readonly NewNotification[],
): Promise<NewNotification[]> {
  if (notifications.length === 0) return [];
  return tx.rows<NewNotification>({
    name: 'notification-insert',
    text: `insert into notification (id, merchant_id, order_id, event, medium, key)
      select id, merchant_id, order_id, event, 'mail', key
      from json_to_recordset($1) as n(id uuid, merchant_id uuid, order_id uuid, event text, key text)
      on conflict (merchant_id, key) do nothing
      returning id, merchant_id, order_id, event, key`,
    values: [JSON.stringify(notifications)],
  });
}
