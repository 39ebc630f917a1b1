/** Tasks of the floor, for lists. The floor's own reads and writes are elsewhere. */
import type { Tx } from './client';

export interface TaskListRow {
  readonly id: string;
  readonly merchant_id: string;
  readonly warehouse_id: string;
  readonly kind: string;
  readonly state: string;
  readonly order_id: string | null;
  readonly fulfilment_order_id: string | null;
  readonly parcel_id: string | null;
  readonly priority: number;
  readonly due_at: Date | null;
  readonly claimed_by: string | null;
  readonly claimed_at: Date | null;
  readonly finished_at: Date | null;
  readonly created_at: Date;
}

export interface TaskFilter {
  readonly state?: string | undefined;
  readonly kind?: string | undefined;
  readonly warehouseId?: string | undefined;
  readonly orderId?: string | undefined;
}

export function listTasks(
  tx: Tx,
  merchantIds: readonly string[],
  filter: TaskFilter,
  afterId: string | null,
  limit: number,
): Promise<TaskListRow[]> {
  return tx.rows<TaskListRow>({
    text: `select id, merchant_id, warehouse_id, kind, state, order_id, fulfilment_order_id, parcel_id, priority, due_at,
        claimed_by, claimed_at, finished_at, created_at
      from task where merchant_id = any($1::uuid[]) and ($2::text is null or state = $2) and ($3::text is null or kind = $3)
      and ($4::uuid is null or warehouse_id = $4) and ($5::uuid is null or order_id = $5) and ($6::uuid is null or id > $6)
      order by id limit $7`,
    values: [
      merchantIds,
      filter.state ?? null,
      filter.kind ?? null,
      filter.warehouseId ?? null,
      filter.orderId ?? null,
      afterId,
      limit,
    ],
  });
}
