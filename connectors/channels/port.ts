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

export interface ChannelConnector {
  readonly kind: string;
  /** Orders changed since the cursor (null: since connection), oldest first. */
  pollOrders(account: ChannelAccount, cursor: string | null): Promise<PollPage>;
  /** Tells the channel that a parcel left. Safe to repeat: looks for the same tracking number first. */
  pushTracking(account: ChannelAccount, update: TrackingUpdate): Promise<TrackingResult>;
  /** Sets quantities; StaleQuantity when the channel's differs from `changeFromQuantity`. */
  setQuantities(account: ChannelAccount, updates: readonly QuantityUpdate[], key: string): Promise<void>;
}

/** What a verified webhook says, after `webhook.ts` checked its signature and read it. */
export interface ChannelWebhookFact {
  /** The partner's id of this delivery, for deduplication. */
  readonly eventId: string;
  readonly topic: string;
  readonly kind: 'order' | 'order_cancelled' | 'payment' | 'ignored' | 'unreadable';
  readonly order: IncomingOrder | null;
  readonly externalOrderId: string | null;
  readonly reason?: string;
}
