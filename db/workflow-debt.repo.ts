/** What an order's workflow was told and still owes, as the rows show it. */
import type { Tx } from './client';

export interface WorkflowDebt {
  /** Scanned out, and nothing is posted. */
  readonly shipped: readonly string[];
  /** Closed cartons without a label. */
  readonly packed: readonly { readonly parcelId: string; readonly fulfilmentOrderId: string }[];
  readonly delivered: boolean;
}

/** As the application role or the system role; null when there is no such order. */
export async function readWorkflowDebt(
  tx: Tx,
  merchantId: string,
  orderId: string,
): Promise<WorkflowDebt | null> {
  const [row] = await tx.rows<WorkflowDebt>({
    text: `
select o.state = 'delivered' as delivered,
  array(select s.fulfilment_order_id from shipment s where s.merchant_id = o.merchant_id and s.order_id = o.id
    and s.posted_at is null order by 1) as shipped,
  (select coalesce(json_agg(json_build_object('parcelId', p.id, 'fulfilmentOrderId', p.fulfilment_order_id) order by p.id), '[]')
    from parcel p where p.merchant_id = o.merchant_id and p.order_id = o.id and p.state = 'packed') as packed
from sales_order o where o.merchant_id = $1 and o.id = $2`,
    values: [merchantId, orderId],
  });
  return row ?? null;
}
