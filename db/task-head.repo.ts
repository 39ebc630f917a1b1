/** What a task says of itself, for whoever looks at it; nothing is locked. */
import type { Tx } from './client';

export interface TaskHead {
  readonly merchantId: string;
  readonly taskId: string;
  readonly kind: string;
  readonly state: string;
  readonly warehouseId: string;
  readonly orderId: string | null;
  /** The channel's number of the order, as printed on its slip. */
  readonly orderNumber: string | null;
  readonly fulfilmentOrderId: string | null;
  readonly parcelId: string | null;
  readonly trackingNumber: string | null;
  readonly priority: number;
  readonly dueAt: Date | null;
  readonly claimedBy: string | null;
  /** To be put in with the goods. */
  readonly giftMessage: string | null;
}

export async function readTaskHead(tx: Tx, taskId: string): Promise<TaskHead | null> {
  const [row] = await tx.rows<TaskHead>({
    name: 'task-head',
    text: `
select t.merchant_id as "merchantId", t.id as "taskId", t.kind, t.state, t.warehouse_id as "warehouseId",
  t.order_id as "orderId", coalesce(o.external_number, o.external_id) as "orderNumber",
  t.fulfilment_order_id as "fulfilmentOrderId", t.parcel_id as "parcelId", p.tracking_number as "trackingNumber",
  t.priority, t.due_at as "dueAt", t.claimed_by as "claimedBy", o.gift_message as "giftMessage"
from task t
left join sales_order o on o.merchant_id = t.merchant_id and o.id = t.order_id
left join parcel p on p.merchant_id = t.merchant_id and p.id = t.parcel_id
where t.id = $1`,
    values: [taskId],
  });
  return row ?? null;
}

/** Whose order this is, among the merchants that the transaction sees; null when it sees none. */
export async function findOrderMerchant(tx: Tx, orderId: string): Promise<string | null> {
  const [row] = await tx.rows<{ merchant_id: string }>({
    text: 'select merchant_id from sales_order where id = $1',
    values: [orderId],
  });
  return row?.merchant_id ?? null;
}
