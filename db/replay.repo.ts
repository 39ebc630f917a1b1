/** Lines of a replayed file, how far the engine is with them, and the replayed merchant's clock. */
import type { Tx } from './client';

export interface ReplayLineRow {
  readonly invoice_no: string;
  readonly line_no: number;
  readonly invoice_kind: 'order' | 'credit' | 'write_off';
  readonly kind: 'sale' | 'credit' | 'write_off' | 'service';
  readonly sku: string;
  readonly description: string;
  readonly quantity: number;
  /** Decimal text of whole minor units. */
  readonly amount_minor: string;
  readonly customer_external_id: string | null;
  readonly occurred_at: string;
  readonly outcome: 'matched' | 'over_returned' | 'no_prior_sale' | 'no_customer' | null;
  readonly order_id: string | null;
}

/** Adds the lines that are not there; how many were new. */
export function insertReplayLines(
  tx: Tx,
  merchantId: string,
  lines: readonly ReplayLineRow[],
): Promise<number> {
  return tx.run({
    name: 'replay-line-insert',
    text: `
insert into replay_line (merchant_id, invoice_no, line_no, invoice_kind, kind, sku, description, quantity, amount_minor,
  customer_external_id, occurred_at, outcome, order_id)
select $1, invoice_no, line_no, invoice_kind, kind, sku, description, quantity, amount_minor, customer_external_id,
  occurred_at, outcome, order_id
from json_to_recordset($2) as l(invoice_no text, line_no integer, invoice_kind text, kind text, sku text, description text,
  quantity integer, amount_minor bigint, customer_external_id text, occurred_at timestamptz, outcome text, order_id uuid)
on conflict (merchant_id, invoice_no, line_no) do nothing`,
    values: [merchantId, JSON.stringify(lines)],
  });
}

export async function hasReplayLines(tx: Tx, merchantId: string, invoiceNo: string): Promise<boolean> {
  const rows = await tx.rows({
    text: 'select from replay_line where merchant_id = $1 and invoice_no = $2 limit 1',
    values: [merchantId, invoiceNo],
  });
  return rows.length > 0;
}

/** Sets the merchant's clock to this time, unless it is later already. */
export async function advanceBusinessClock(tx: Tx, merchantId: string, to: string): Promise<void> {
  await tx.run({
    text: `update merchant set business_now = $2 where id = $1 and (business_now is null or business_now < $2)`,
    values: [merchantId, to],
  });
}

export interface ReplayBacklog {
  /** Orders that the engine is at work on: neither ended nor waiting for somebody. */
  readonly atWork: number;
  /** The first of their deadlines. */
  readonly firstDeadline: Date | null;
}

export async function readReplayBacklog(tx: Tx, merchantId: string): Promise<ReplayBacklog> {
  const [row] = await tx.rows<ReplayBacklog>({
    name: 'replay-backlog',
    text: `select count(*)::integer as "atWork", min(deadline_at) as "firstDeadline"
      from sales_order where merchant_id = $1 and deadline_at is not null and blocked_reason is null and not held`,
    values: [merchantId],
  });
  return row as ReplayBacklog;
}

/** When the next order that waits has kept what it has for its time; null when none keeps anything. */
export async function readNextHoldEnd(tx: Tx, merchantId: string): Promise<Date | null> {
  const [row] = await tx.rows<{ until: Date | null }>({
    name: 'replay-next-hold-end',
    text: `select min(expires_at) as until from reservation
      where merchant_id = $1 and state = 'held' and hold_id is not null`,
    values: [merchantId],
  });
  return row?.until ?? null;
}

/** Orders that nobody has looked at since they came in. */
export async function readUnplannedOrders(tx: Tx, merchantId: string): Promise<number> {
  const [row] = await tx.rows<{ orders: number }>({
    name: 'replay-unplanned',
    text: `select count(*)::integer as orders from sales_order
      where merchant_id = $1 and state = 'accepted' and blocked_reason is null and not held`,
    values: [merchantId],
  });
  return row?.orders ?? 0;
}

/** Orders for any of these goods that are on their way out of the warehouse and have not left it. */
export async function readOrdersInHouse(
  tx: Tx,
  merchantId: string,
  skus: readonly string[],
): Promise<number> {
  const [row] = await tx.rows<{ orders: number }>({
    name: 'replay-in-house',
    text: `select count(*)::integer as orders from sales_order o
      where o.merchant_id = $1 and o.state in ('accepted', 'planned', 'in_fulfilment', 'partly_shipped')
        and o.blocked_reason is null and not o.held and exists (select from sales_order_line l
          where l.merchant_id = o.merchant_id and l.order_id = o.id and l.sku = any($2::text[]))`,
    values: [merchantId, skus],
  });
  return row?.orders ?? 0;
}

/** A transaction that told somebody began so much before it was committed, at most; lock time-outs are 5 s. */
const LONGEST_TELLING = "interval '10 seconds'";

export interface UnansweredCalls {
  readonly orders: number;
  /** When that was so: who was told before, and not counted, has looked. */
  readonly asOf: Date;
}

/**
 * Orders that wait for stock, were told that some came, and have not looked since. A look is an intake
 * step; an order has had at most as many as it was told, and its first.
 * @param since when there were none; the epoch where that is not known. It spares reading all calls of days.
 */
export async function readUnansweredCalls(tx: Tx, merchantId: string, since: Date): Promise<UnansweredCalls> {
  const [row] = await tx.rows<UnansweredCalls>({
    name: 'replay-unanswered',
    text: `
with called as (
  select o.id, max(b.created_at) as called_at, bool_or(b.state <> 'done') as on_its_way
  from outbox b
  join sales_order o on o.merchant_id = b.merchant_id and o.id = b.order_id and o.blocked_reason = 'out_of_stock'
  where b.merchant_id = $1 and b.kind = 'workflow.signal' and b.state <> 'dead' and b.payload ->> 'signal' = 'resume'
    and b.created_at > $2::timestamptz - ${LONGEST_TELLING}
  group by o.id
)
select count(*)::integer as orders, now() as "asOf" from called c
where c.on_its_way or not exists (
  select from generate_series(1, 1 + (select count(*) from outbox b where b.merchant_id = $1 and b.order_id = c.id
    and b.kind = 'workflow.signal')) n
  join step s on s.merchant_id = $1 and s.key = c.id || ':intake:' || n and s.recorded_at >= c.called_at)`,
    values: [merchantId, since],
  });
  return row as UnansweredCalls;
}

/** Changes whenever an order or the floor moves; stands still when nothing does. */
export async function readReplayMovement(tx: Tx, merchantId: string): Promise<string> {
  const [row] = await tx.rows<{ mark: string }>({
    text: `select concat_ws('/', (select sum(version) from sales_order where merchant_id = $1),
      (select count(*) from scan where merchant_id = $1)) as mark`,
    values: [merchantId],
  });
  return row?.mark ?? '';
}

/** Tracking numbers of parcels that left the warehouse and that no carrier has scanned yet, of any merchant; for the system role. */
export async function readParcelsAtTheDoor(tx: Tx, limit: number): Promise<string[]> {
  const rows = await tx.rows<{ tracking_number: string }>({
    text: `select tracking_number from parcel where state = 'shipped' and tracking_number is not null limit $1`,
    values: [limit],
  });
  return rows.map((row) => row.tracking_number);
}

/** Those of the goods for which no opening stock was ever posted, in a fixed order. */
export async function readUnopenedProducts(
  tx: Tx,
  merchantId: string,
  skus: readonly string[],
): Promise<string[]> {
  const rows = await tx.rows<{ sku: string }>({
    text: `
select p.sku from product p where p.merchant_id = $1 and p.sku = any($2::text[]) and not exists (
  select from stock_ledger l join stock_cause c on c.merchant_id = l.merchant_id and c.id = l.cause_id
  where l.merchant_id = p.merchant_id and l.product_id = p.id and c.kind = 'opening')
order by p.sku`,
    values: [merchantId, skus],
  });
  return rows.map((row) => row.sku);
}

/** Invoices of this stretch of time whose lines are all here; an invoice's lines are written last and at once. */
export async function readReplayedInvoices(
  tx: Tx,
  merchantId: string,
  from: string,
  to: string,
): Promise<Set<string>> {
  const rows = await tx.rows<{ invoice_no: string }>({
    text: `select distinct invoice_no from replay_line where merchant_id = $1 and occurred_at >= $2 and occurred_at < $3`,
    values: [merchantId, from, to],
  });
  return new Set(rows.map((row) => row.invoice_no));
}

/** What became of a message, null when it never came. */
export async function readInboxEvent(
  tx: Tx,
  merchantId: string,
  source: string,
  eventKey: string,
): Promise<{ readonly orderId: string | null; readonly reason: string | null } | null> {
  const [row] = await tx.rows<{ orderId: string | null; reason: string | null }>({
    text: `select order_id as "orderId", reason from inbox where merchant_id = $1 and source = $2 and event_key = $3`,
    values: [merchantId, source, eventKey],
  });
  return row ?? null;
}
