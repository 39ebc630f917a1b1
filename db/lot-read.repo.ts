/** Lots for reading: what is where, what holds them, and who got some. */
import type { Tx } from './client';
import type { LotKey } from './lot-hold.repo';

/** Goods of a lot that went to a customer, by the ledger: which orders, and how much of it each. */
const SHIPPED = `
select c.order_id, sum(l.quantity)::int as units, min(c.occurred_at) as shipped_at
from stock_ledger l
join stock_cause c on c.merchant_id = l.merchant_id and c.id = l.cause_id and c.month = l.month and c.kind = 'ship'
where l.merchant_id = $1 and l.product_id = $2 and l.lot_code = $3 and c.order_id is not null
group by c.order_id`;

export async function countOrdersShippedFrom(tx: Tx, lot: LotKey): Promise<number> {
  const [row] = await tx.rows<{ orders: number }>({
    text: `select count(*)::int as orders from (${SHIPPED}) s`,
    values: [lot.merchantId, lot.productId, lot.lotCode],
  });
  return row?.orders ?? 0;
}

export interface LotOrderRow {
  readonly orderId: string;
  readonly externalId: string;
  readonly externalNumber: string | null;
  readonly channel: string;
  readonly units: number;
  readonly shippedAt: Date;
}

/** Orders that got goods of the lot, by their ids. */
export function listOrdersShippedFrom(
  tx: Tx,
  lot: LotKey,
  afterId: string | null,
  limit: number,
): Promise<LotOrderRow[]> {
  return tx.rows<LotOrderRow>({
    text: `
select o.id as "orderId", o.external_id as "externalId", o.external_number as "externalNumber", c.channel, s.units,
  s.shipped_at as "shippedAt"
from (${SHIPPED}) s
join sales_order o on o.merchant_id = $1 and o.id = s.order_id
join channel_connection c on c.merchant_id = o.merchant_id and c.id = o.connection_id
where ($4::uuid is null or o.id > $4) order by o.id limit $5`,
    values: [lot.merchantId, lot.productId, lot.lotCode, afterId, limit],
  });
}

export interface LotRow {
  readonly merchantId: string;
  readonly productId: string;
  readonly sku: string;
  readonly lotCode: string;
  readonly expiresOn: string | null;
  readonly held: boolean;
  readonly onHand: number;
  readonly allocated: number;
  readonly inTransit: number;
  readonly holds: readonly {
    readonly id: string;
    readonly kind: 'recall' | 'expiry';
    readonly reason: string;
    readonly placedBy: string;
    readonly placedAt: string;
    readonly liftedBy: string | null;
    readonly liftedAt: string | null;
  }[];
}

/** Lots by merchant, product and code, from a key on. */
export function listLots(
  tx: Tx,
  merchantIds: readonly string[],
  filter: {
    readonly sku?: string | undefined;
    readonly held?: boolean | undefined;
    readonly expiresBefore?: string | undefined;
  },
  after: readonly [string, string, string] | null,
  limit: number,
): Promise<LotRow[]> {
  return tx.rows<LotRow>({
    text: `
select t.merchant_id as "merchantId", t.product_id as "productId", p.sku, t.code as "lotCode", t.expires_on as "expiresOn", t.held,
  coalesce(b.on_hand, 0)::int as "onHand", coalesce(b.allocated, 0)::int as allocated, coalesce(c.units, 0)::int as "inTransit",
  coalesce(h.holds, '[]') as holds
from lot t
join product p on p.merchant_id = t.merchant_id and p.id = t.product_id
left join lateral (select sum(b.on_hand) as on_hand, sum(b.allocated) as allocated from bin_balance b
  where b.merchant_id = t.merchant_id and b.product_id = t.product_id and b.lot_code = t.code) b on true
left join lateral (select sum(c.outstanding) as units from stock_transfer_content c
  where c.merchant_id = t.merchant_id and c.product_id = t.product_id and c.lot_code = t.code and c.outstanding > 0) c on true
left join lateral (select json_agg(json_build_object('id', h.id, 'kind', h.kind, 'reason', h.reason, 'placedBy', h.placed_by,
    'placedAt', h.placed_at, 'liftedBy', h.lifted_by, 'liftedAt', h.lifted_at) order by h.placed_at desc, h.id) as holds
  from lot_hold h where h.merchant_id = t.merchant_id and h.product_id = t.product_id and h.lot_code = t.code) h on true
where t.merchant_id = any($1::uuid[]) and ($2::text is null or p.sku = $2) and ($3::boolean is null or t.held = $3)
  and ($4::date is null or t.expires_on < $4)
  and ($5::uuid is null or (t.merchant_id, t.product_id, t.code) > ($5, $6::uuid, $7::text))
order by t.merchant_id, t.product_id, t.code limit $8`,
    values: [
      merchantIds,
      filter.sku ?? null,
      filter.held ?? null,
      filter.expiresBefore ?? null,
      after?.[0] ?? null,
      after?.[1] ?? null,
      after?.[2] ?? null,
      limit,
    ],
  });
}
