/**
 * What nobody asks for any more, removed by the system role in batches. Ages are real time, for partners
 * and clients repeat themselves by the real clock. What belongs to an order goes only after the order has
 * ended; a merchant on a business clock is a replayed record and keeps everything. Never removed: facts
 * (ledger, scans, labels, tracking, exceptions, audit), starts of open orders, what a channel was told,
 * and messages that wait for a person.
 */
import type { Tx } from './client';

export const TECHNICAL_ROWS = [
  'idempotency_key',
  'order_tombstone',
  'inbox_body',
  'inbox',
  'carrier_inbox_body',
  'carrier_inbox',
  'outbox',
  'step',
  'address_check',
] as const;
export type TechnicalRows = (typeof TECHNICAL_ROWS)[number];

/** Rows of an order that ended, or of none; not of a merchant that lives in the time of its data. */
const ended = (
  row: string,
) => `(${row}.order_id is null or exists (select from sales_order o where o.merchant_id = ${row}.merchant_id
    and o.id = ${row}.order_id and o.state in ('closed', 'cancelled')))
  and exists (select from merchant m where m.id = ${row}.merchant_id and m.business_now is null)`;

const old = (column: string) => `${column} < now() - $1 * interval '1 hour'`;

/** A step key begins with the id of what it is of (domain/step-key); those of API requests with `api:`. */
const STEP_OF = `case when s.key ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:' then left(s.key, 36)::uuid end`;

const STATEMENTS: Readonly<Record<TechnicalRows, string>> = {
  idempotency_key: `delete from idempotency_key where ctid = any(array(
    select ctid from idempotency_key where ${old('created_at')} order by created_at limit $2))`,
  order_tombstone: `delete from order_tombstone where ctid = any(array(
    select ctid from order_tombstone where ${old('created_at')} limit $2))`,
  inbox_body: `update inbox set body = null where ctid = any(array(select i.ctid from inbox i
    where ${old('i.received_at')} and i.state in ('processed', 'ignored') and i.body is not null and ${ended('i')} limit $2))`,
  inbox: `delete from inbox where ctid = any(array(select i.ctid from inbox i
    where ${old('i.received_at')} and i.state in ('processed', 'ignored') and ${ended('i')} limit $2))`,
  carrier_inbox_body: `update carrier_inbox set body = null where ctid = any(array(select ctid from carrier_inbox
    where ${old('received_at')} and state = 'processed' and body is not null limit $2))`,
  carrier_inbox: `delete from carrier_inbox where ctid = any(array(select ctid from carrier_inbox
    where ${old('received_at')} and state = 'processed' limit $2))`,
  outbox: `with old as (select b.merchant_id, b.id from outbox b
      where ${old('b.created_at')} and ${old('b.done_at')} and b.state = 'done' and b.kind <> 'channel.tracking' and ${ended('b')} limit $2),
    attempts as (delete from webhook_delivery d using old where d.merchant_id = old.merchant_id and d.outbox_id = old.id)
    delete from outbox b using old where b.merchant_id = old.merchant_id and b.id = old.id`,
  step: `delete from step where ctid = any(array(select s.ctid from step s
    join merchant m on m.id = s.merchant_id and m.business_now is null
    where ${old('s.recorded_at')} and (s.key like 'api:%' or exists (select from sales_order o
      where o.merchant_id = s.merchant_id and o.state in ('closed', 'cancelled') and (o.id = ${STEP_OF} or o.id = (
        select f.order_id from fulfilment_order f where f.merchant_id = s.merchant_id and f.id = ${STEP_OF}))))
    limit $2))`,
  address_check: `delete from address_check where ctid = any(array(
    select ctid from address_check where ${old('checked_at')} limit $2))`,
};

/** Removes (or blanks) at most `limit` rows that are older; returns how many. */
export function removeOld(
  tx: Tx,
  what: TechnicalRows,
  olderThanHours: number,
  limit: number,
): Promise<number> {
  return tx.run({ text: STATEMENTS[what], values: [olderThanHours, limit] });
}
