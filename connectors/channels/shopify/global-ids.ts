/**
 * Shopify's ids: GraphQL speaks of `gid://shopify/Order/123`, webhooks and exports of 123. We store the
 * digits, as text, so that an order has one id whichever way it came.
 */
export type GlobalKind = 'Order' | 'LineItem' | 'Customer' | 'InventoryItem' | 'Location';

export function globalId(kind: GlobalKind, id: string): string {
  return id.startsWith('gid://') ? id : `gid://shopify/${kind}/${id}`;
}

/** The digits of a gid, without the query some gids carry; text that is no gid is returned as it is. */
export function plainId(gid: string): string {
  return /^gid:\/\/[^/]+\/[^/]+\/([^/?]+)/.exec(gid)?.[1] ?? gid;
}
