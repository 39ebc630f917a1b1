/**
 * What a replayed merchant's goods did, read from the rows of those who moved them: parcels and their ship
 * scans, credits, losses as they were asked for. Balances and ledger are read for what they end in and
 * began with alone, so that the two can be held against each other. Times are the database's own.
 */
import type { Tx } from './client';

export interface OpenedGoods {
  readonly sku: string;
  readonly units: number;
  readonly at: Date;
}

export function readOpenedGoods(tx: Tx, merchantId: string): Promise<OpenedGoods[]> {
  return tx.rows<OpenedGoods>({
    text: `select p.sku, l.quantity as units, c.recorded_at as at
      from stock_cause c
      join stock_ledger l on l.merchant_id = c.merchant_id and l.cause_id = c.id and l.month = c.month
      join product p on p.merchant_id = l.merchant_id and p.id = l.product_id
      where c.merchant_id = $1 and c.kind = 'opening'`,
    values: [merchantId],
  });
}

export interface ShippedGoods {
  readonly sku: string;
  readonly units: number;
  /** When the parcel was scanned out. */
  readonly at: Date;
  /** null for a guest. */
  readonly customerId: string | null;
}

export function readShippedGoods(tx: Tx, merchantId: string): Promise<ShippedGoods[]> {
  return tx.rows<ShippedGoods>({
    text: `select p.sku, pl.quantity as units, t.finished_at as at, c.external_id as "customerId"
      from parcel a
      join task t on t.merchant_id = a.merchant_id and t.parcel_id = a.id and t.kind = 'ship' and t.state = 'done'
      join parcel_line pl on pl.merchant_id = a.merchant_id and pl.parcel_id = a.id
      join product p on p.merchant_id = pl.merchant_id and p.id = pl.product_id
      join sales_order o on o.merchant_id = a.merchant_id and o.id = a.order_id
      left join customer c on c.merchant_id = o.merchant_id and c.id = o.customer_id
      where a.merchant_id = $1 and a.shipped_at is not null`,
    values: [merchantId],
  });
}

export interface CreditedGoods {
  readonly sku: string;
  /** Positive. */
  readonly units: number;
  readonly at: Date;
  readonly customerId: string | null;
}

/** Matched credit lines in the order in which they were judged. */
export function readMatchedCredits(tx: Tx, merchantId: string): Promise<CreditedGoods[]> {
  return tx.rows<CreditedGoods>({
    text: `select sku, abs(quantity) as units, recorded_at as at, customer_external_id as "customerId"
      from replay_line where merchant_id = $1 and outcome = 'matched'
      order by recorded_at, invoice_no, line_no`,
    values: [merchantId],
  });
}

export interface LostGoods {
  readonly sku: string;
  /** Positive: what the file says is gone. */
  readonly asked: number;
  /** Of these, the units that were not there. */
  readonly rest: number;
  /** null: it was never posted. */
  readonly at: Date | null;
  /** Whether somebody was told of the rest. */
  readonly reported: boolean;
}

/** @param source prefix of the write-offs' causes. */
export function readLostGoods(tx: Tx, merchantId: string, source: string): Promise<LostGoods[]> {
  return tx.rows<LostGoods>({
    text: `
select r.sku, abs(r.quantity) as asked, s.recorded_at as at,
  coalesce((select sum((l ->> 'posted')::integer - (l ->> 'requested')::integer)
    from jsonb_array_elements(s.outcome -> 'lines') l), 0)::integer as rest,
  exists (select from exception e where e.merchant_id = r.merchant_id
    and e.key = 'write_off_short:' || c.id || ':1') as reported
from replay_line r
cross join lateral (select $2 || ':' || r.invoice_no || ':' || r.line_no as id) c
left join step s on s.merchant_id = r.merchant_id and s.key = 'adjust/' || c.id
where r.merchant_id = $1 and r.kind = 'write_off'`,
    values: [merchantId, source],
  });
}

export interface GoodsThere {
  readonly sku: string;
  readonly onHand: number;
  readonly held: number;
  readonly reserved: number;
}

export function readGoodsThere(tx: Tx, merchantId: string): Promise<GoodsThere[]> {
  return tx.rows<GoodsThere>({
    text: `select p.sku, sum(b.on_hand)::integer as "onHand", sum(b.held)::integer as held, sum(b.reserved)::integer as reserved
      from stock_balance b join product p on p.merchant_id = b.merchant_id and p.id = b.product_id
      where b.merchant_id = $1 group by p.sku`,
    values: [merchantId],
  });
}

export interface DemandLine {
  readonly orderId: string;
  readonly number: string;
  readonly priority: number;
  readonly placedAt: Date;
  readonly waits: boolean;
  readonly sku: string;
  readonly units: number;
}

/** What every order asks for, goods by goods. */
export function readDemand(tx: Tx, merchantId: string, connectionId: string): Promise<DemandLine[]> {
  return tx.rows<DemandLine>({
    text: `select o.id as "orderId", o.external_id as number, o.priority, o.placed_at as "placedAt",
        coalesce(o.blocked_reason = 'out_of_stock', false) as waits, l.sku, sum(l.quantity)::integer as units
      from sales_order o join sales_order_line l on l.merchant_id = o.merchant_id and l.order_id = o.id and l.ships
      where o.merchant_id = $1 and o.connection_id = $2 group by o.merchant_id, o.id, l.sku`,
    values: [merchantId, connectionId],
  });
}

/** Every look at an order that found too little. */
export function readShortLooks(tx: Tx, merchantId: string): Promise<{ orderId: string; at: Date }[]> {
  return tx.rows<{ orderId: string; at: Date }>({
    text: `select split_part(key, ':', 1) as "orderId", recorded_at as at from step
      where merchant_id = $1 and key like '%:intake:%' and (outcome ->> 'reason' = 'out_of_stock'
        or outcome ->> 'waiting' = 'true')`,
    values: [merchantId],
  });
}

export interface ReservedGoods {
  readonly orderId: string;
  readonly sku: string;
  readonly units: number;
  readonly at: Date;
  /** When somebody else could have them again; null when they left, or are still to leave. */
  readonly freeAt: Date | null;
}

/**
 * Reservations with the time of their making. What a loss took back ended at business time; the loss of
 * those goods at that time says when that was.
 */
export function readReservedGoods(tx: Tx, merchantId: string): Promise<ReservedGoods[]> {
  return tx.rows<ReservedGoods>({
    text: `
select r.order_id as "orderId", p.sku, r.quantity as units, r.created_at as at,
  case when r.state in ('released', 'expired', 'taken_back') then coalesce((
    select min(c.recorded_at) from stock_cause c
    join stock_ledger l on l.merchant_id = c.merchant_id and l.cause_id = c.id and l.month = c.month
    where c.merchant_id = r.merchant_id and c.kind = 'write_off' and c.occurred_at = r.ended_at
      and l.product_id = r.product_id), r.ended_at) end as "freeAt"
from reservation r join product p on p.merchant_id = r.merchant_id and p.id = r.product_id
where r.merchant_id = $1`,
    values: [merchantId],
  });
}
