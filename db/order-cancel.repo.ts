/** What cancelling an order, or a part of it, does to its rows. */
import type { Tx } from './client';

export interface FloorPart {
  readonly id: string;
  readonly state: string;
  readonly wms_kind: string;
  /** A person has claimed or finished a task of it. */
  readonly touched: boolean;
}

/** Locks the order's fulfilment orders and their tasks, in that order, and says how far the floor is. */
export async function lockParts(tx: Tx, merchantId: string, orderId: string): Promise<FloorPart[]> {
  const parts = await tx.rows<Omit<FloorPart, 'touched'>>({
    text: `select f.id, f.state, w.wms_kind from fulfilment_order f join warehouse w on w.id = f.warehouse_id
      where f.merchant_id = $1 and f.order_id = $2 order by f.id for no key update of f`,
    values: [merchantId, orderId],
  });
  const tasks = await tx.rows<{ fulfilment_order_id: string; state: string }>({
    text: `select fulfilment_order_id, state from task where merchant_id = $1 and order_id = $2 order by id for no key update`,
    values: [merchantId, orderId],
  });
  const touched = new Set(
    tasks
      .filter((task) => !['open', 'cancelled'].includes(task.state))
      .map((task) => task.fulfilment_order_id),
  );
  return parts.map((part) => ({ ...part, touched: touched.has(part.id) }));
}

/** Ends the order's row, its parts and tasks. Stock and its place in the queue are given up beside it. */
export async function cancelRows(tx: Tx, merchantId: string, orderId: string, at: Date): Promise<void> {
  const values = [merchantId, orderId];
  await tx.run({
    text: `update sales_order set state = 'cancelled', state_since = $3, deadline_at = null, blocked_reason = null,
        blocked_since = null, blocked_detail = null, closed_at = $3, version = version + 1
      where merchant_id = $1 and id = $2`,
    values: [...values, at],
  });
  await tx.run({
    text: `update fulfilment_order set state = 'cancelled', state_since = $3
      where merchant_id = $1 and order_id = $2 and state <> 'cancelled'`,
    values: [...values, at],
  });
  await tx.run({
    text: `update task set state = 'cancelled', finished_at = $3 where merchant_id = $1 and order_id = $2 and state = 'open'`,
    values: [...values, at],
  });
  await tx.run({
    text: `update exception set state = 'resolved', resolved_at = now(), resolved_by = 'cancel', resolution = 'The order was cancelled.'
      where merchant_id = $1 and order_id = $2 and state <> 'resolved'`,
    values,
  });
}

export async function buryOrder(
  tx: Tx,
  tombstone: {
    readonly merchantId: string;
    readonly connectionId: string;
    readonly externalId: string;
    readonly reason: string;
  },
): Promise<void> {
  await tx.run({
    text: `insert into order_tombstone (merchant_id, connection_id, external_id, reason) values ($1, $2, $3, $4)
      on conflict do nothing`,
    values: [tombstone.merchantId, tombstone.connectionId, tombstone.externalId, tombstone.reason],
  });
}
