/** Named holds of an order. */
import type { Tx } from './client';
import type { LockedOrder } from './order.repo';

/** Places the hold; false when one of this name is active. */
export async function placeHold(
  tx: Tx,
  hold: {
    readonly merchantId: string;
    readonly orderId: string;
    readonly name: string;
    readonly note?: string | null;
    readonly actor: string;
  },
): Promise<boolean> {
  const placed = await tx.run({
    text: `insert into order_hold (merchant_id, order_id, name, note, placed_by) values ($1, $2, $3, $4, $5)
      on conflict (merchant_id, order_id, name) where released_at is null do nothing`,
    values: [hold.merchantId, hold.orderId, hold.name, hold.note ?? null, hold.actor],
  });
  return placed === 1;
}

/** Releases the hold and says how many others are active; null when there was none of this name. */
export async function releaseHoldRow(
  tx: Tx,
  hold: {
    readonly merchantId: string;
    readonly orderId: string;
    readonly name: string;
    readonly actor: string;
  },
): Promise<number | null> {
  const released = await tx.run({
    text: `update order_hold set released_at = now(), released_by = $4
      where merchant_id = $1 and order_id = $2 and name = $3 and released_at is null`,
    values: [hold.merchantId, hold.orderId, hold.name, hold.actor],
  });
  if (released === 0) return null;
  const [row] = await tx.rows<{ active: number }>({
    text: 'select count(*)::int as active from order_hold where merchant_id = $1 and order_id = $2 and released_at is null',
    values: [hold.merchantId, hold.orderId],
  });
  return row?.active ?? 0;
}

export async function setHeld(tx: Tx, order: LockedOrder, held: boolean, deadlineAt: Date): Promise<void> {
  await tx.run({
    text: `update sales_order set held = $3, deadline_at = $4, version = version + 1 where merchant_id = $1 and id = $2`,
    values: [order.merchant_id, order.id, held, deadlineAt],
  });
}
