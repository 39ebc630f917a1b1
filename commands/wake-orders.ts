/**
 * Tells waiting orders that what they wait for may have come. The change itself and the signal's outbox
 * row are one transaction; the workflow looks again and decides. Waking too many costs a few events,
 * waking too few leaves an order stuck, so these select generously.
 */
import { uuidv7 } from 'uuidv7';
import type { Tx } from '../db/client';
import { enqueue } from '../db/outbox.repo';
import { type Freed, feedBackorders } from './stock/feed-backorders';
import { wakeWorkOrders } from './work-order/work-order-messages';

/** `order:{merchant}:{connection}:{externalId}`, as SQL over an alias `o` of sales_order. */
export const WORKFLOW_ID_SQL = "'order:' || o.merchant_id || ':' || o.connection_id || ':' || o.external_id";

interface Waiting {
  readonly merchant_id: string;
  readonly id: string;
  readonly workflow_id: string;
}

async function send(tx: Tx, orders: readonly Waiting[], cause: string): Promise<number> {
  await enqueue(
    tx,
    orders.map((order) => ({
      merchantId: order.merchant_id,
      kind: 'workflow.signal' as const,
      // Each waking is a fact of its own: an order may be woken twice by the same kind of cause.
      key: `resume:${order.id}:${uuidv7()}`,
      orderId: order.id,
      payload: { workflowId: order.workflow_id, signal: 'resume', args: [{ cause }] },
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
 * Gives what has come free of these products to the orders that wait for it (stock/feed-backorders) and
 * wakes those that got something. To be called by whatever makes units sellable, after it has changed
 * their balances and in its transaction.
 */
export async function wakeBackorders(
  tx: Tx,
  merchantId: string,
  productIds: readonly string[],
  how: Omit<Freed, 'productIds'> = {},
): Promise<number> {
  if (productIds.length === 0) return 0;
  const fed = await feedBackorders(tx, merchantId, { ...how, productIds: [...new Set(productIds)] });
  await wakeWorkOrders(tx, merchantId, productIds);
  return send(
    tx,
    fed.map(({ orderId, workflowId }) => ({ merchant_id: merchantId, id: orderId, workflow_id: workflowId })),
    'stock_arrived',
  );
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
