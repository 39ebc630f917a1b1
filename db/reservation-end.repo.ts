/** Ending reservations: the rows, and what their allocations held in which bin. */
import type { Tx } from './client';

export interface EndedReservation {
  readonly merchantId: string;
  readonly warehouseId: string;
  readonly productId: string;
  readonly quantity: number;
}

export interface EndedAllocation extends EndedReservation {
  readonly locationId: string;
  readonly lotCode: string;
}

/** Ends live reservations of an order or of some fulfilment orders, once: a second call ends none. */
export async function endReservations(
  tx: Tx,
  merchantId: string,
  of: { readonly orderId: string } | { readonly fulfilmentOrderIds: readonly string[] },
  state: 'released' | 'consumed',
): Promise<{ readonly reservations: EndedReservation[]; readonly allocations: EndedAllocation[] }> {
  const [condition, value] =
    'orderId' in of
      ? ['r.order_id = $2', of.orderId]
      : [
          `r.fulfilment_order_line_id in (select l.id from fulfilment_order_line l
             where l.merchant_id = $1 and l.fulfilment_order_id = any($2::uuid[]))`,
          of.fulfilmentOrderIds,
        ];
  const reservations = await tx.rows<EndedReservation & { id: string }>({
    text: `update reservation r set state = $3, ended_at = now()
      where r.merchant_id = $1 and ${condition} and r.state in ('held', 'allocated')
      returning r.id, r.merchant_id as "merchantId", r.warehouse_id as "warehouseId", r.product_id as "productId", r.quantity`,
    values: [merchantId, value, state],
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
