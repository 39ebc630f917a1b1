/**
 * The documented events between us and a shop without a connector of its own, both ways as Standard
 * Webhooks (https://www.standardwebhooks.com): the shop tells of orders, we tell of shipments and
 * quantities. An event is `{type, timestamp, data}`; its webhook id stays the same over repetitions.
 *
 * In:  order.created, order.updated, order.paid, order.cancelled; `data` is an IncomingOrder
 *      (`contracts/incoming-order.ts`), the whole order as it is now, never a difference.
 *      inventory.changed {quantities: [{itemId, locationId, quantity}]}: what the shop has now, when it
 *      changed there.
 * Out: shipment.shipped     {orderId, trackingNumber, carrier, trackingUrl, lines: [{lineId, quantity}]}
 *      inventory.quantities {quantities: [{itemId, locationId, quantity, changeFromQuantity}]}
 *      inventory.read       {items: [{itemId, locationId}]}
 *      The shop answers 2xx once it has stored the event. To quantities of which it has others than
 *      `changeFromQuantity` says it answers 409 {stale: [{itemId, locationId}]}, to items that it doesn't
 *      know 422 {gone: [{itemId, locationId}]}, and sets none. To inventory.read it answers 200
 *      {quantities: [{itemId, locationId, quantity}]}, null for what it doesn't know.
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
export const INVENTORY_READ = 'inventory.read';
export const INVENTORY_CHANGED = 'inventory.changed';
