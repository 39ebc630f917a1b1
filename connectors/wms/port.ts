/**
 * What a warehouse management system must be able to do. The port is asynchronous and refusable: a
 * release is acknowledged, and accepted or rejected then or later; what the floor did comes back as
 * facts. The built-in WMS answers at once, in the database, without going through this port's network.
 */
export interface WmsAccount {
  readonly warehouseId: string;
  readonly baseUrl: string;
  readonly credentials: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

export interface WmsRelease {
  /** Step key; the WMS answers the same to the same key. */
  readonly key: string;
  readonly fulfilmentOrderId: string;
  readonly shipBy: Date;
  readonly lines: readonly { readonly lineId: string; readonly sku: string; readonly quantity: number }[];
}

export type WmsAnswer =
  | { readonly outcome: 'accepted'; readonly externalId: string }
  | { readonly outcome: 'pending'; readonly externalId: string | null }
  | { readonly outcome: 'rejected'; readonly reason: string };

export interface WmsConnector {
  readonly kind: string;
  release(account: WmsAccount, release: WmsRelease): Promise<WmsAnswer>;
  /** The answer to an earlier release by its key, null when the WMS never heard of it. */
  findByKey(account: WmsAccount, key: string): Promise<WmsAnswer | null>;
  cancel(account: WmsAccount, key: string): Promise<WmsAnswer>;
}
