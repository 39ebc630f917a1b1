/** Business identifiers: how an order is named everywhere, from its business key. */

/** `order:{merchant}:{connection}:{externalId}`: the workflow id of an order; the same order is one workflow. */
export function orderBusinessKey(merchantId: string, connectionId: string, externalId: string): string {
  return `order:${merchantId}:${connectionId}:${externalId}`;
}
