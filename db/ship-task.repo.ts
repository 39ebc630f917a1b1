/** The task of scanning a labelled parcel out of the door. */
import type { Tx } from './client';

/** One ship task a parcel and label; a parcel that has an open one gets no second. */
export async function openShipTask(
  tx: Tx,
  task: {
    readonly id: string;
    readonly merchantId: string;
    readonly parcelId: string;
    readonly warehouse_id: string;
    readonly order_id: string;
    readonly fulfilment_order_id: string;
    readonly priority: number;
    readonly due_at: Date | null;
  },
): Promise<void> {
  await tx.run({
    text: `insert into task (id, merchant_id, warehouse_id, kind, order_id, fulfilment_order_id, parcel_id, priority, due_at)
      select $1, $2::uuid, $3, 'ship', $4, $5, $6::uuid, $7, $8
      where not exists (select from task where merchant_id = $2::uuid and parcel_id = $6::uuid and kind = 'ship'
        and state in ('open', 'claimed'))`,
    values: [
      task.id,
      task.merchantId,
      task.warehouse_id,
      task.order_id,
      task.fulfilment_order_id,
      task.parcelId,
      task.priority,
      task.due_at,
    ],
  });
}
