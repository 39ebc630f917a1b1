/**
 * What time alone brings about, found by the system role over all merchants. Business deadlines are
 * compared with each merchant's own clock; what is technical (a retry, the age of a key) with the real one.
 */
import type { Tx } from './client';
import { WORKFLOW_ENDED } from './outbox.repo';

export interface OverdueOrder {
  readonly merchantId: string;
  readonly orderId: string;
  readonly state: string;
  readonly stateSince: Date;
  readonly deadlineAt: Date;
  readonly businessNow: Date;
}

/**
 * Orders past their deadline that are on nobody's list. An order whose own open exception already asks
 * somebody is on it; one that was listed for this very deadline and resolved by hand isn't listed again.
 */
export function overdueOrders(tx: Tx, limit: number): Promise<OverdueOrder[]> {
  return tx.rows<OverdueOrder>({
    name: 'deadline-overdue',
    text: `
select o.merchant_id as "merchantId", o.id as "orderId", o.state, o.state_since as "stateSince", o.deadline_at as "deadlineAt",
  coalesce(m.business_now, now()) as "businessNow"
from sales_order o join merchant m on m.id = o.merchant_id
-- The latest of all clocks, a constant of the statement: it lets the index on deadlines bound the scan.
where o.deadline_at < (select greatest(now(), max(business_now)) from merchant)
  and o.deadline_at < coalesce(m.business_now, now())
  and not exists (select from exception e where e.merchant_id = o.merchant_id and e.order_id = o.id
    and (e.state <> 'resolved' or (e.reason = 'past_deadline' and e.opened_at >= o.deadline_at)))
order by o.deadline_at limit $1`,
    values: [limit],
  });
}

/** Resolves the past-deadline exceptions of orders whose deadline lies ahead again, or that have ended. */
export function resolveMovedOn(tx: Tx): Promise<number> {
  return tx.run({
    name: 'deadline-moved-on',
    text: `
update exception e set state = 'resolved', resolved_at = now(), resolved_by = 'dispatcher', resolution = 'The order moved on.'
from sales_order o join merchant m on m.id = o.merchant_id
where e.reason = 'past_deadline' and e.state <> 'resolved' and o.merchant_id = e.merchant_id and o.id = e.order_id
  and (o.deadline_at is null or o.deadline_at > coalesce(m.business_now, now()))`,
  });
}

export interface TechnicallyBlocked {
  readonly merchantId: string;
  readonly orderId: string;
  readonly reason: string;
  /** The open exception: an id of version 7, so it tells the real time at which it was opened. */
  readonly exceptionId: string;
  readonly workflowId: string;
  /** How often it was woken since. */
  readonly woken: number;
  /** Seconds since it was woken last; null when it never was. */
  readonly lastWokenSeconds: number | null;
}

/** Orders blocked by one of these reasons, with how often they were woken to try again. */
export function blockedBy(
  tx: Tx,
  reasons: readonly string[],
  keyPrefix: string,
  limit: number,
): Promise<TechnicallyBlocked[]> {
  return tx.rows<TechnicallyBlocked>({
    name: 'deadline-blocked-by',
    text: `
select e.merchant_id as "merchantId", e.order_id as "orderId", e.reason, e.id as "exceptionId",
  'order:' || o.merchant_id || ':' || o.connection_id || ':' || o.external_id as "workflowId",
  w.woken, extract(epoch from now() - w.last)::double precision as "lastWokenSeconds"
from exception e
join sales_order o on o.merchant_id = e.merchant_id and o.id = e.order_id and o.blocked_reason = e.reason and not o.held
cross join lateral (
  select count(*)::integer as woken, max(b.created_at) as last from outbox b
  where b.merchant_id = e.merchant_id and b.order_id = e.order_id and starts_with(b.key, $2 || e.id || ':')
) w
where e.reason = any($1::text[]) and e.state <> 'resolved'
order by e.id limit $3`,
    values: [reasons, keyPrefix, limit],
  });
}

export interface StalledOrder {
  readonly merchantId: string;
  readonly orderId: string;
  readonly workflowId: string;
  /** What should move by itself, e.g. `accepted` or `parcel packed`. */
  readonly waitsIn: string;
  /** Changes whenever the order does. */
  readonly mark: string;
  readonly startPending: boolean;
  readonly businessNow: Date;
}

/**
 * Orders that are at a point where their workflow has something to do and nobody else has: accepted and
 * not blocked; a carton closed without a label; scanned out and not posted; delivered and the channel
 * told; blocked or held, and woken in vain, for their workflow had ended. Oldest first by the real time in their ids, beginning with orders that came before `before`.
 */
export function stalledOrders(tx: Tx, before: Date, limit: number): Promise<StalledOrder[]> {
  return tx.rows<StalledOrder>({
    name: 'watchdog-stalled',
    text: `
select * from (
  select o.merchant_id as "merchantId", o.id as "orderId",
    'order:' || o.merchant_id || ':' || o.connection_id || ':' || o.external_id as "workflowId",
    case
      when o.blocked_reason is not null or o.held then case when exists (select from outbox b where b.merchant_id = o.merchant_id
        and b.order_id = o.id and b.kind = 'workflow.signal' and b.state = 'done' and b.last_error = '${WORKFLOW_ENDED}'
        and b.done_at > now() - interval '1 hour') then 'woken in vain' end
      when o.state = 'accepted' then 'accepted'
      when o.state = 'delivered' and not exists (select from outbox b where b.merchant_id = o.merchant_id and b.order_id = o.id
        and b.kind = 'channel.tracking' and b.state <> 'done') then 'delivered'
      when o.state in ('in_fulfilment', 'partly_shipped', 'shipped') and exists (select from shipment s
        where s.merchant_id = o.merchant_id and s.order_id = o.id and s.posted_at is null) then 'shipped'
      when o.state in ('planned', 'in_fulfilment', 'partly_shipped') and exists (select from parcel p
        where p.merchant_id = o.merchant_id and p.order_id = o.id and p.state = 'packed' and not exists (select from label l
          where l.merchant_id = p.merchant_id and l.parcel_id = p.id and l.state in ('purchased', 'shipped'))) then 'packed'
    end as "waitsIn",
    o.state || ':' || o.version as mark,
    exists (select from outbox b where b.merchant_id = o.merchant_id and b.order_id = o.id and b.kind = 'workflow.start'
      and b.state in ('pending', 'leased')) as "startPending",
    coalesce(m.business_now, now()) as "businessNow"
  from sales_order o join merchant m on m.id = o.merchant_id
  where o.deadline_at is not null and o.id < $1
) candidate where "waitsIn" is not null order by "orderId" limit $2`,
    // The first 48 bits of a version 7 id are its milliseconds.
    values: [
      `${before
        .getTime()
        .toString(16)
        .padStart(12, '0')
        .replace(/^(.{8})/, '$1-')}-7000-8000-000000000000`,
      limit,
    ],
  });
}

/** Resolves the watchdog's open exceptions but those of these orders: the others have moved on. */
export function resolveUnwatched(tx: Tx, orderIds: readonly string[]): Promise<number> {
  return tx.run({
    name: 'watchdog-resolve-unwatched',
    text: `
update exception set state = 'resolved', resolved_at = now(), resolved_by = 'dispatcher', resolution = 'The order moved on.'
where reason in ('workflow_missing', 'workflow_failing') and state <> 'resolved' and order_id <> all($1::uuid[])`,
    values: [orderIds],
  });
}
