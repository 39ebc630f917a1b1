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
