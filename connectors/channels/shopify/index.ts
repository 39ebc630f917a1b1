/**
 * Shopify as a sales channel: GraphQL Admin API 2026-10 for orders, fulfilment and inventory, webhooks
 * in `webhook.ts`. Stateless; every call brings its connection. Credentials: `accessToken` (Admin API,
 * scopes read_orders, write_merchant_managed_fulfillment_orders, write_inventory) and `webhookSecret`
 * (the app's client secret). `baseUrl` is the shop's origin, https://{shop}.myshopify.com. No retries
 * here: PartnerRateLimited says after how long, PartnerOutcomeUnknown that the same call may be
 * repeated, which finds what the first one did (`tracking.ts`, `quantities.ts`).
 */
import type { ChannelConnector } from '../port';
import { pollShopifyOrders } from './orders';
import { MOST_IN_ONE_CALL, readShopifyQuantities, setShopifyQuantities } from './quantities';
import { pushShopifyTracking } from './tracking';

export { shopifyCursorSince } from './orders';
export { shopifyOrderFromRest, shopifyOrdersOf } from './rest-order';

export const shopifyConnector: ChannelConnector = {
  kind: 'shopify',
  quantitiesPerCall: MOST_IN_ONE_CALL,
  // Half of what a standard plan allows: 100 points a second at 10 points a mutation.
  callsPerSecond: 5,
  pollOrders: pollShopifyOrders,
  pushTracking: pushShopifyTracking,
  setQuantities: setShopifyQuantities,
  readQuantities: readShopifyQuantities,
};
