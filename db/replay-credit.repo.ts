/** What a customer bought, got and returned so far, which decides about his credits. */
import type { Tx } from './client';

export interface CustomerAccount {
  readonly sku: string;
  readonly bought: number;
  returned: number;
  /** Units in parcels that left for the customer. */
  readonly shipped: number;
  /** Units that his credits put back on the shelf. */
  restocked: number;
  /** The latest order that sold it to the customer. */
  readonly orderId: string;
  readonly productId: string | null;
  readonly currency: string;
}

/** These goods up to a time; those never bought are left out. */
export function readCustomerAccounts(
  tx: Tx,
  of: {
    readonly merchantId: string;
    readonly connectionId: string;
    /** Prefix of the causes of what credits move. */
    readonly source: string;
    readonly customerExternalId: string;
    readonly skus: readonly string[];
    readonly until: string;
  },
): Promise<CustomerAccount[]> {
  return tx.rows<CustomerAccount>({
    name: 'replay-accounts',
    text: `
with sold as (
  select l.sku, sum(l.quantity)::integer as bought, (array_agg(o.id order by o.placed_at desc, o.id desc))[1] as order_id,
    min(o.currency) as currency, array_agg(distinct o.id) as order_ids
  from customer c
  join sales_order o on o.merchant_id = c.merchant_id and o.customer_id = c.id and o.placed_at <= $5
  join sales_order_line l on l.merchant_id = o.merchant_id and l.order_id = o.id and l.ships and l.sku = any($4::text[])
  where c.merchant_id = $1 and c.connection_id = $2 and c.external_id = $3
  group by l.sku
), credited as (
  select r.sku, sum(abs(r.quantity))::integer as returned, coalesce(sum(g.quantity), 0)::integer as restocked
  from replay_line r
  left join stock_ledger g on g.merchant_id = r.merchant_id and g.cause_id = $6 || ':' || r.invoice_no || ':' || r.line_no
  where r.merchant_id = $1 and r.customer_external_id = $3 and r.sku = any($4::text[]) and r.occurred_at <= $5
    and r.outcome in ('matched', 'over_returned')
  group by r.sku
)
select s.sku, s.bought, coalesce(b.returned, 0) as returned, coalesce(b.restocked, 0) as restocked,
  coalesce((select sum(pl.quantity)::integer from parcel a
    join parcel_line pl on pl.merchant_id = a.merchant_id and pl.parcel_id = a.id and pl.product_id = p.id
    where a.merchant_id = $1 and a.order_id = any(s.order_ids) and a.shipped_at is not null), 0) as shipped,
  s.order_id as "orderId", p.id as "productId", s.currency
from sold s
left join credited b on b.sku = s.sku
left join product p on p.merchant_id = $1 and p.sku = s.sku`,
    values: [of.merchantId, of.connectionId, of.customerExternalId, of.skus, of.until, of.source],
  });
}
