/**
 * What a replay came to, counted from the rows it left. A line of the file counts only while what became
 * of it is there as well: its order line, its posting, its credit. Units and revenue are those of the
 * order lines. These keep a price a unit, in whole pence; where it is the file's price up to rounding, the
 * file's exact amount counts.
 */
import type { Tx } from './client';

export interface ReplaySlice {
  readonly merchantId: string;
  readonly connectionId: string;
  /** Source of the inbox rows and prefix of the write-offs' causes. */
  readonly source: string;
  /** First moment, RFC 3339. */
  readonly from: string;
  /** First moment after, RFC 3339. */
  readonly to: string;
}

export interface ReplayCounts {
  readonly rows: number;
  readonly invoices: number;
  readonly orders: number;
  readonly lines: number;
  readonly units: number;
  readonly revenuePence: number;
  readonly serviceLines: number;
  readonly creditInvoices: number;
  readonly creditLines: number;
  readonly creditUnits: number;
  readonly 'credits.matched': number;
  readonly 'credits.overReturned': number;
  readonly 'credits.noPriorSale': number;
  readonly 'credits.noCustomer': number;
  readonly writeOffLines: number;
  readonly writeOffUnits: number;
}

const FACTS = `
with fact as (
  select r.invoice_no, r.invoice_kind, r.kind, r.outcome, r.quantity, l.quantity as ordered,
    case when abs(r.amount_minor - l.quantity * l.unit_price_minor) <= l.quantity / 2.0 then r.amount_minor
      else l.quantity * l.unit_price_minor end as amount
  from replay_line r
  left join sales_order o on o.merchant_id = r.merchant_id and o.connection_id = $2 and o.external_id = r.invoice_no
    and r.invoice_kind = 'order'
  left join sales_order_line l on l.merchant_id = o.merchant_id and l.order_id = o.id
    and l.external_line_id = r.line_no::text
  left join stock_cause c on c.merchant_id = r.merchant_id and r.kind = 'write_off'
    and c.id = $3 || ':' || r.invoice_no || ':' || r.line_no
  left join order_fact f on f.merchant_id = r.merchant_id and r.outcome = 'matched'
    and f.key = 'credit:' || r.invoice_no || ':' || r.line_no
  where r.merchant_id = $1 and r.occurred_at >= $4 and r.occurred_at < $5
    and case when r.kind = 'write_off' then c.id is not null
      when r.outcome = 'matched' then f.key is not null
      when r.invoice_kind = 'order' and r.quantity > 0 then l.id is not null
      else true end
)`;

const SOLD = `kind = 'sale'`;
const CREDIT = `kind = 'credit'`;
const WRITE_OFF = `kind = 'write_off'`;

/** The counts of a slice under the names of the file's independent count. */
export async function readReplayCounts(tx: Tx, slice: ReplaySlice): Promise<ReplayCounts> {
  const [row] = await tx.rows<Record<keyof ReplayCounts, bigint>>({
    text: `${FACTS}
select count(*) as rows, count(distinct invoice_no) as invoices,
  (select count(*) from sales_order o where o.merchant_id = $1 and o.connection_id = $2 and o.placed_at >= $4
    and o.placed_at < $5) as orders,
  count(*) filter (where ${SOLD}) as lines,
  coalesce(sum(ordered) filter (where ${SOLD}), 0) as units,
  coalesce(sum(amount) filter (where ${SOLD}), 0)::bigint as "revenuePence",
  count(*) filter (where kind = 'service') as "serviceLines",
  count(distinct invoice_no) filter (where invoice_kind = 'credit') as "creditInvoices",
  count(*) filter (where ${CREDIT}) as "creditLines",
  coalesce(sum(abs(quantity)) filter (where ${CREDIT}), 0) as "creditUnits",
  count(*) filter (where outcome = 'matched') as "credits.matched",
  count(*) filter (where outcome = 'over_returned') as "credits.overReturned",
  count(*) filter (where outcome = 'no_prior_sale') as "credits.noPriorSale",
  count(*) filter (where outcome = 'no_customer') as "credits.noCustomer",
  count(*) filter (where ${WRITE_OFF}) as "writeOffLines",
  coalesce(sum(abs(quantity)) filter (where ${WRITE_OFF} and invoice_kind = 'write_off'), 0) as "writeOffUnits"
from fact`,
    values: [slice.merchantId, slice.connectionId, slice.source, slice.from, slice.to],
  });
  const counts = Object.entries(row ?? {}).map(([name, value]) => [name, Number(value)]);
  return Object.fromEntries(counts) as unknown as ReplayCounts;
}

export interface ReplayLifecycle {
  readonly shipped: number;
  readonly delivered: number;
  /** Real time from acceptance to delivery; null when nothing was delivered. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** Delivered orders by the real time from the first acceptance to the last delivery. */
  readonly ordersPerSecond: number | null;
}

/**
 * An order whose goods all left is shipped, also when it had none to ship. Real times are those of the
 * messages that started an order's workflow and told it of the delivery.
 */
export async function readReplayLifecycle(tx: Tx, slice: ReplaySlice): Promise<ReplayLifecycle> {
  const [row] = await tx.rows<{ [Name in keyof ReplayLifecycle]: ReplayLifecycle[Name] }>({
    text: `
with life as (
  select o.state, b.created_at as began, e.created_at as ended
  from sales_order o
  left join outbox b on b.merchant_id = o.merchant_id and b.key = 'start:' || o.id
  left join outbox e on e.merchant_id = o.merchant_id and e.key = 'delivered:' || o.id
  where o.merchant_id = $1 and o.connection_id = $2 and o.placed_at >= $3 and o.placed_at < $4
)
select count(*) filter (where state in ('shipped', 'delivered', 'closed'))::integer as shipped,
  count(*) filter (where state in ('delivered', 'closed'))::integer as delivered,
  1000 * percentile_disc(0.5) within group (order by extract(epoch from ended - began)::double precision) as "p50Ms",
  1000 * percentile_disc(0.99) within group (order by extract(epoch from ended - began)::double precision) as "p99Ms",
  count(ended) / nullif(extract(epoch from max(ended) - min(began))::double precision, 0) as "ordersPerSecond"
from life`,
    values: [slice.merchantId, slice.connectionId, slice.from, slice.to],
  });
  return row as ReplayLifecycle;
}

/** Orders that wait for somebody, and messages that could not become orders, by reason. */
export async function readReplayParked(tx: Tx, slice: ReplaySlice): Promise<Map<string, number>> {
  const rows = await tx.rows<{ reason: string; orders: number }>({
    text: `
select case when held then 'held' else blocked_reason end as reason, count(*)::integer as orders
from sales_order where merchant_id = $1 and connection_id = $2 and placed_at >= $4 and placed_at < $5
  and deadline_at is not null and (blocked_reason is not null or held)
group by 1
union all
select 'order_unreadable', count(*)::integer from inbox i
where merchant_id = $1 and source = $3 and state = 'parked' and exists (select from replay_line r
  where r.merchant_id = i.merchant_id and r.invoice_no = i.event_key and r.occurred_at >= $4 and r.occurred_at < $5)
having count(*) > 0
order by 1`,
    values: [slice.merchantId, slice.connectionId, slice.source, slice.from, slice.to],
  });
  return new Map(rows.map((row) => [row.reason, row.orders]));
}
