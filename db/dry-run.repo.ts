/** What a dry run of routing reads and intake reads under locks. */
import type { Tx } from './client';
import { type StockBalance, stockKey } from './stock.repo';

export interface OrderToRoute {
  readonly merchant_id: string;
  readonly connection_id: string;
  readonly customer_id: string | null;
  readonly channel: string;
  readonly tags: readonly string[];
  readonly channel_ship_by: Date | null;
  readonly business_now: Date;
}

export async function readOrderToRoute(
  tx: Tx,
  merchantId: string,
  orderId: string,
): Promise<OrderToRoute | null> {
  const [row] = await tx.rows<OrderToRoute>({
    text: `select o.merchant_id, o.connection_id, o.customer_id, c.channel, o.tags, o.channel_ship_by,
        business_now(o.merchant_id) as business_now
      from sales_order o join channel_connection c on c.merchant_id = o.merchant_id and c.id = o.connection_id
      where o.merchant_id = $1 and o.id = $2`,
    values: [merchantId, orderId],
  });
  return row ?? null;
}

/** Balances by key. @param orderId whose own reservations don't count as reserved; null: nobody's. */
export async function readPromisable(
  tx: Tx,
  merchantId: string,
  productIds: readonly string[],
  orderId: string | null,
): Promise<Map<string, StockBalance>> {
  const rows = await tx.rows<StockBalance & { warehouseId: string; productId: string }>({
    text: `
select b.warehouse_id as "warehouseId", b.product_id as "productId", b.on_hand as "onHand", b.held,
  b.reserved - coalesce((select sum(r.quantity) from reservation r where r.merchant_id = b.merchant_id and r.order_id = $3
    and r.warehouse_id = b.warehouse_id and r.product_id = b.product_id and r.state in ('held', 'allocated')), 0)::int as reserved
from stock_balance b where b.merchant_id = $1 and b.product_id = any($2::uuid[])`,
    values: [merchantId, productIds, orderId],
  });
  return new Map(rows.map((row) => [stockKey({ ...row, merchantId }), row]));
}
