/**
 * The documented events between us and a shop without a connector of its own, both ways as Standard
 * Webhooks (https://www.standardwebhooks.com): the shop tells of orders, we tell of shipments and
 * quantities. An event is `{type, timestamp, data}`; its webhook id stays the same over repetitions.
 *
 * In:  order.created, order.updated, order.paid, order.cancelled; `data` is an IncomingOrder
 *      (`contracts/incoming-order.ts`), the whole order as it is now, never a difference.
 * Out: shipment.shipped     {orderId, trackingNumber, carrier, trackingUrl, lines: [{lineId, quantity}]}
 *      inventory.quantities {quantities: [{itemId, locationId, quantity, changeFromQuantity}]}
 *      The shop answers 2xx once it has stored the event, and 409 to quantities that are stale.
 */
import type { ChannelWebhookFact } from '../port';

export const INCOMING_EVENTS: Readonly<Record<string, ChannelWebhookFact['kind']>> = {
  'order.created': 'order',
  'order.updated': 'order',
  'order.paid': 'payment',
  'order.cancelled': 'order_cancelled',
};

export const SHIPMENT_SHIPPED = 'shipment.shipped';
export const INVENTORY_QUANTITIES = 'inventory.quantities';
