/**
 * What every sales channel must be able to do. A connector is stateless: credentials and addresses
 * come with each call, retries and rate limits across calls belong to the caller, and every expected
 * failure is a `Failure` of `domain/failure-types.ts`:
 * PartnerUnavailable (connect error, 5xx, breaker open: nothing happened), PartnerRateLimited (with
 * `retryAfterMs`), PartnerOutcomeUnknown (time-out or broken answer after a write was sent),
 * PartnerRejected (the partner refuses for good), PartnerUnauthorised, PartnerMalformed, StaleQuantity,
 * ListingGone.
 */
import type { IncomingOrder } from '../../contracts/incoming-order';

export interface ChannelAccount {
  readonly connectionId: string;
  /** Origin of the channel's API, e.g. https://shop.example; the simulator's in the demo. */
  readonly baseUrl: string;
  /** Secrets by name as the connector documents them (e.g. accessToken). Never logged. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Milliseconds for one HTTP exchange. */
  readonly timeoutMs: number;
}

/** Reason of an order that is fulfilled or refunded already: no work for a warehouse, and no fault either. */
export const NOTHING_LEFT = 'nothing_left_to_fulfil';

export interface PolledOrder {
  /** null when the payload could not be read: it is parked with `reason`. */
  readonly order: IncomingOrder | null;
  readonly externalId: string;
  readonly reason?: string;
  /** The raw payload, for the inbox. */
  readonly raw: string;
}

export interface PollPage {
  readonly orders: readonly PolledOrder[];
  /** Opaque; pass it to the next poll. Everything changed at or after it is found again. */
  readonly cursor: string;
  readonly more: boolean;
}

export interface TrackingUpdate {
  readonly externalOrderId: string;
  /** Lines and quantities of this parcel, by the channel's line ids. */
  readonly lines: readonly { readonly externalLineId: string; readonly quantity: number }[];
  readonly trackingNumber: string;
  readonly carrier: string;
  readonly trackingUrl: string | null;
  /** Step key: sent as idempotency key where the channel has one, else used for look-up after doubt. */
  readonly key: string;
}

export interface TrackingResult {
  readonly externalFulfilmentId: string;
  /** True when the channel already had this tracking number: nothing was written again. */
  readonly alreadyThere: boolean;
}

export interface QuantityUpdate {
  readonly externalInventoryItemId: string;
  readonly externalLocationId: string;
  readonly quantity: number;
  /** The quantity we believe the channel has; null opts out of compare-and-set. */
  readonly changeFromQuantity: number | null;
}

/** What an item of the channel has, as it says. */
export interface FoundQuantity {
  readonly externalInventoryItemId: string;
  readonly externalLocationId: string;
  /** null: the channel knows no such item, or doesn't stock it there. */
  readonly quantity: number | null;
}

/**
 * Why a call that sets quantities was refused, for each item that caused it: `items` among the details of
 * StaleQuantity, ListingGone and PartnerRejected. Empty when the channel didn't say which.
 */
export interface QuantityProblem {
  readonly externalInventoryItemId: string;
  readonly externalLocationId: string;
  readonly problem: 'stale' | 'gone' | 'rejected';
  readonly message: string;
}

export interface ChannelConnector {
  readonly kind: string;
  /** The most quantities that one call may carry. */
  readonly quantitiesPerCall: number;
  /** Calls a second that leave enough of the channel's limit for everything else that is asked of it. */
  readonly callsPerSecond: number;
  /** Orders changed since the cursor (null: since connection), oldest first. */
  pollOrders(account: ChannelAccount, cursor: string | null): Promise<PollPage>;
  /** Tells the channel that a parcel left. Safe to repeat: looks for the same tracking number first. */
  pushTracking(account: ChannelAccount, update: TrackingUpdate): Promise<TrackingResult>;
  /** Sets all of them or, when it is refused, none; StaleQuantity when one differs from its `changeFromQuantity`. */
  setQuantities(account: ChannelAccount, updates: readonly QuantityUpdate[], key: string): Promise<void>;
  /** What the channel has of these items, one answer for each, in any order. */
  readQuantities(
    account: ChannelAccount,
    items: readonly Omit<FoundQuantity, 'quantity'>[],
  ): Promise<FoundQuantity[]>;
}

/** One item's quantity as a webhook tells it. */
export interface ToldQuantity {
  readonly externalInventoryItemId: string;
  readonly externalLocationId: string;
  readonly quantity: number;
}

/** What a verified webhook says, after `webhook.ts` checked its signature and read it. */
export interface ChannelWebhookFact {
  /** The partner's id of this delivery, for deduplication. */
  readonly eventId: string;
  readonly topic: string;
  readonly kind: 'order' | 'order_cancelled' | 'payment' | 'quantities' | 'ignored' | 'unreadable';
  readonly order: IncomingOrder | null;
  readonly externalOrderId: string | null;
  /** Of `quantities`: what the channel has now, told because it changed there. */
  readonly quantities?: readonly ToldQuantity[];
  readonly reason?: string;
}
