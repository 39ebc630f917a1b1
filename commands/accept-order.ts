/**
 * An order comes in: one transaction writes the order, its inbox row, its lines and address, the
 * customer, the confirmation mail's outbox row and the one that starts its workflow. Nothing is judged
 * here; an order that can't be processed is parked by its workflow under a named reason. The same order
 * again (webhook, poll, API, import) finds the row and changes nothing. A cancellation that came first
 * left a tombstone: the order is kept and is cancelled from the start, without a workflow.
 */
import { uuidv7 } from 'uuidv7';
import type { IncomingOrder } from '../contracts/incoming-order';
import type { Database, Tx } from '../db/client';
import { insertOrder } from '../db/order-accept.repo';
import { orderBusinessKey } from '../domain/ids';

/**
 * The process that commits starts the workflow at once, by itself; the dispatcher takes the row only
 * when that process died or Temporal was away. Longer than a start takes (under 100 ms here), shorter
 * than anybody waits.
 */
const START_GRACE_MS = 3_000;

export interface AcceptOrder {
  readonly merchantId: string;
  readonly connectionId: string;
  readonly order: IncomingOrder;
  /** Who brought it, e.g. `shopify`, `poll`, `api`, `csv`; with `eventKey` it deduplicates deliveries. */
  readonly source: string;
  readonly eventKey: string;
  /** The raw message for the inbox, null when there is none. */
  readonly raw: string | null;
  readonly test?: boolean;
  /** Who asks for it, for the audit log; a channel's order has its inbox row. */
  readonly by?: { readonly actor: string; readonly requestId: string };
}

export interface AcceptedOrder {
  readonly orderId: string;
  readonly workflowId: string;
  readonly created: boolean;
  readonly state: string;
  /** Outbox key of the start message when this call created the order. */
  readonly startKey: string | null;
}

/** @throws Failure NotFound for an unknown merchant, DatabaseUnavailable when nothing was committed for sure. */
export function acceptOrder(database: Database, request: AcceptOrder): Promise<AcceptedOrder> {
  return database.withMerchants([request.merchantId], (tx) => acceptOrderIn(tx, request));
}

/** The same in the caller's transaction, which sees the merchant. */
export async function acceptOrderIn(tx: Tx, request: AcceptOrder): Promise<AcceptedOrder> {
  const { merchantId, connectionId, order } = request;
  const orderId = uuidv7();
  const workflowId = orderBusinessKey(merchantId, connectionId, order.externalId);
  const startKey = `start:${orderId}`;
  const row = await insertOrder(tx, {
    order: {
      id: orderId,
      merchant_id: merchantId,
      connection_id: connectionId,
      external_id: order.externalId,
      external_number: order.externalNumber,
      external_version: order.version,
      cancelled: order.cancelled,
      payment: order.payment,
      currency: order.currency,
      total_minor: order.totalMinor,
      requested_shipping_method: order.requestedShippingMethod,
      channel_ship_by: order.shipBy,
      hold_id: order.holdId,
      tags: order.tags,
      note: order.note,
      gift_message: order.giftMessage,
      placed_at: order.placedAt,
      test: request.test ?? false,
    },
    customer: { id: uuidv7(), ...snake(order.customer), email: order.customer.email ?? order.shipTo.email },
    address: {
      name: order.shipTo.name,
      company: order.shipTo.company,
      line1: order.shipTo.line1,
      line2: order.shipTo.line2,
      city: order.shipTo.city,
      region: order.shipTo.region,
      postal_code: order.shipTo.postalCode,
      country: order.shipTo.country,
      phone: order.shipTo.phone ?? order.customer.phone,
      email: order.shipTo.email,
    },
    lines: lineRows(order),
    inbox: {
      id: uuidv7(),
      source: request.source,
      event_key: request.eventKey,
      topic: 'order',
      body: request.raw,
    },
    start: {
      id: uuidv7(),
      key: startKey,
      delay_ms: START_GRACE_MS,
      payload: { workflowId, workflowType: 'orderWorkflow', input: { merchantId, orderId } },
    },
    confirmation: { outbox_id: uuidv7(), notification_id: uuidv7() },
    audit: request.by === undefined ? {} : auditOf(order, request.by),
  });
  return {
    orderId: row.order_id,
    workflowId,
    created: row.created,
    state: row.state,
    startKey: row.created && row.state !== 'cancelled' ? startKey : null,
  };
}

function lineRows(order: IncomingOrder) {
  return order.lines.map((line, index) => ({
    id: uuidv7(),
    line_no: index + 1,
    external_line_id: line.externalLineId,
    sku: line.sku,
    title: line.title,
    quantity: line.quantity,
    unit_price_minor: line.unitPriceMinor,
    ships: line.ships,
  }));
}

function auditOf(order: IncomingOrder, { actor, requestId }: NonNullable<AcceptOrder['by']>) {
  const { externalId, payment, lines } = order;
  const after = { externalId, payment, lines: lines.length };
  return { id: uuidv7(), actor, request_id: requestId, after };
}

function snake(customer: IncomingOrder['customer']) {
  return {
    external_id: customer.externalId,
    name: customer.name,
    phone: customer.phone,
  };
}
