/** Ending what an order reserves: the rows, what their allocations held in which bin, its place in the queue. */
import type { Tx } from './client';
import type { StockKey } from './stock.repo';

export interface EndedReservation extends StockKey {
  readonly quantity: number;
}

export interface EndedAllocation extends EndedReservation {
  readonly locationId: string;
  readonly lotCode: string;
}

/** The order's reservations, and the hold of its checkout as long as no order has taken that over. */
const OF_ORDER = `r.merchant_id = $1 and r.state in ('held', 'allocated') and (r.order_id = $2 or (r.order_id is null
  and r.hold_id = (select o.hold_id from sales_order o where o.merchant_id = $1 and o.id = $2)))`;

/** Balances that the order reserves of, or waits for. */
export function stockKeysOfOrder(tx: Tx, merchantId: string, orderId: string): Promise<StockKey[]> {
  return tx.rows<StockKey>({
    text: `
select r.merchant_id as "merchantId", r.warehouse_id as "warehouseId", r.product_id as "productId"
from reservation r where ${OF_ORDER}
union
select s.merchant_id, s.warehouse_id, s.product_id
from backorder b join stock_balance s on s.merchant_id = b.merchant_id and s.product_id = b.product_id
where b.merchant_id = $1 and b.order_id = $2`,
    values: [merchantId, orderId],
  });
}

export async function leaveQueue(tx: Tx, merchantId: string, orderId: string): Promise<void> {
  await tx.run({
    text: 'delete from backorder where merchant_id = $1 and order_id = $2',
    values: [merchantId, orderId],
  });
}

/** Releases live reservations of the order, once: a second call ends none. */
export async function endReservations(
  tx: Tx,
  merchantId: string,
  orderId: string,
): Promise<{ readonly reservations: EndedReservation[]; readonly allocations: EndedAllocation[] }> {
  const reservations = await tx.rows<EndedReservation & { id: string }>({
    text: `update reservation r set state = 'released', ended_at = now() where ${OF_ORDER}
      returning r.id, r.merchant_id as "merchantId", r.warehouse_id as "warehouseId", r.product_id as "productId", r.quantity`,
    values: [merchantId, orderId],
  });
  const allocations = await tx.rows<EndedAllocation>({
    text: `delete from allocation a using location w
      where a.merchant_id = $1 and a.reservation_id = any($2::uuid[]) and w.id = a.location_id
      returning a.merchant_id as "merchantId", w.warehouse_id as "warehouseId", a.product_id as "productId", a.quantity,
        a.location_id as "locationId", a.lot_code as "lotCode"`,
    values: [merchantId, reservations.map((row) => row.id)],
  });
  return { reservations, allocations };
}
