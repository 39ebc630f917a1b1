/**
 * Tells waiting orders that what they wait for may have come. The change itself and the signal's outbox
 * row are one transaction; the workflow looks again and decides. Waking too many costs a few events,
 * waking too few leaves an order stuck, so these select generously.
 */
import { uuidv7 } from 'uuidv7';
import type { Tx } from '../db/client';
import { enqueue } from '../db/outbox.repo';

/** `order:{merchant}:{connection}:{externalId}`, as SQL over an alias `o` of sales_order. */
export const WORKFLOW_ID_SQL = "'order:' || o.merchant_id || ':' || o.connection_id || ':' || o.external_id";

/** From the signal's row to the committed intake takes 50 to 300 ms here. */
const HEAD_START_MS = 600;
/** Nobody's place in the queue makes him wait longer than this for his look. */
const LAST_WAKE_MS = 60_000;

interface Waiting {
  readonly merchant_id: string;
  readonly id: string;
  readonly workflow_id: string;
}

async function send(tx: Tx, orders: readonly Waiting[], cause: string, apartMs = 0): Promise<number> {
  await enqueue(
    tx,
    orders.map((order, index) => ({
      merchantId: order.merchant_id,
      kind: 'workflow.signal' as const,
      // Each waking is a fact of its own: an order may be woken twice by the same kind of cause.
      key: `resume:${order.id}:${uuidv7()}`,
      orderId: order.id,
      payload: { workflowId: order.workflow_id, signal: 'resume', args: [{ cause }] },
      delayMs: Math.min(index * apartMs, LAST_WAKE_MS),
    })),
  );
  return orders.length;
}

const SELECT = `select o.merchant_id, o.id, ${WORKFLOW_ID_SQL} as workflow_id from sales_order o`;

/** Wakes these orders, whatever they wait for. Returns how many were told. */
export async function wakeOrders(
  tx: Tx,
  merchantId: string,
  orderIds: readonly string[],
  cause: string,
): Promise<number> {
  const orders = await tx.rows<Waiting>({
    text: `${SELECT} where o.merchant_id = $1 and o.id = any($2::uuid[]) and o.state not in ('closed', 'cancelled')`,
    values: [merchantId, orderIds],
  });
  return send(tx, orders, cause);
}

/** Wakes every order of the merchant that is blocked by this reason. */
export async function wakeBlocked(
  tx: Tx,
  merchantId: string,
  reason: string,
  cause: string,
): Promise<number> {
  const orders = await tx.rows<Waiting>({
    text: `${SELECT} where o.merchant_id = $1 and o.blocked_reason = $2`,
    values: [merchantId, reason],
  });
  return send(tx, orders, cause);
}

/** Wakes orders blocked by an unmapped SKU that have a line with one of these SKU texts. */
export async function wakeBySku(tx: Tx, merchantId: string, skus: readonly string[]): Promise<number> {
  const orders = await tx.rows<Waiting>({
    text: `${SELECT} where o.merchant_id = $1 and o.blocked_reason = 'unmapped_sku' and exists
      (select from sales_order_line l where l.merchant_id = o.merchant_id and l.order_id = o.id and l.sku = any($2::text[]))`,
    values: [merchantId, skus],
  });
  return send(tx, orders, 'sku_mapped');
}

/**
 * Wakes the orders that wait for stock of these products, in the order of the backorder queue: each gets a
 * start over the next one that an intake fits into. It is a start, not a claim: whose intake commits first
 * has the goods.
 */
export async function wakeBackorders(
  tx: Tx,
  merchantId: string,
  productIds: readonly string[],
): Promise<number> {
  const orders = await tx.rows<Waiting>({
    text: `${SELECT} join (
        select order_id, max(priority) as priority, min(ship_by) as ship_by, min(placed_at) as placed_at
        from backorder where merchant_id = $1 and product_id = any($2::uuid[]) group by order_id
      ) b on b.order_id = o.id
      where o.merchant_id = $1 and o.blocked_reason = 'out_of_stock'
      order by b.priority desc, b.ship_by nulls last, b.placed_at, o.id`,
    values: [merchantId, productIds],
  });
  return send(tx, orders, 'stock_arrived', HEAD_START_MS);
}

/**
 * Marks the merchant's catalogue as changed. Call it BEFORE looking for blocked orders: an intake that is
 * about to park an order holds this row FOR SHARE, so either it sees the change and plans again, or its
 * parked order is visible to the caller's wake.
 */
export async function bumpCatalogVersion(tx: Tx, merchantId: string): Promise<void> {
  await tx.run({
    text: 'update merchant set catalog_version = catalog_version + 1 where id = $1',
    values: [merchantId],
  });
}
