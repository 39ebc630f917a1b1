/**
 * From what Shopify says of an order to the one shape in which orders enter. Both of its dialects, the
 * REST-shaped bodies of webhooks and imports (`rest-order.ts`) and the GraphQL answers of the poller
 * (`polled-order.ts`), are first read into `ShopifyOrderReading`, so that the same order has the same
 * identity, version and content whichever way it came. Nothing throws: what can't become an order is
 * handed back with a named reason, for its payload is parked, not dropped.
 */
import {
  type IncomingOrder,
  incomingOrderSchema,
  type PaymentState,
} from '../../../contracts/incoming-order';
import { parseMinor } from '../../../domain/money';
import { NOTHING_LEFT } from '../port';

export interface ShopifyLineReading {
  readonly id: string;
  readonly sku: string | null;
  readonly title: string;
  /** What was bought at first. */
  readonly quantity: number;
  /** What still is to be fulfilled: not refunded, not removed, not fulfilled by anybody. */
  readonly remaining: number;
  readonly unitPrice: string;
  readonly requiresShipping: boolean;
  readonly giftCard: boolean;
}

export interface ShopifyAddressReading {
  readonly name: string | null;
  readonly company: string | null;
  readonly address1: string | null;
  readonly address2: string | null;
  readonly city: string | null;
  readonly provinceCode: string | null;
  readonly zip: string | null;
  readonly countryCode: string | null;
  readonly phone: string | null;
}

export interface ShopifyOrderReading {
  /** Numeric part of the gid, as text. */
  readonly id: string;
  readonly name: string | null;
  readonly placedAt: string;
  readonly updatedAt: string | null;
  readonly currency: string;
  readonly total: string;
  /** Either dialect's spelling, any case; null when Shopify says nothing. */
  readonly financialStatus: string | null;
  readonly cancelledAt: string | null;
  readonly shippingMethod: string | null;
  readonly email: string | null;
  readonly customer: {
    readonly id: string | null;
    readonly name: string | null;
    readonly email: string | null;
    readonly phone: string | null;
  };
  readonly shipTo: ShopifyAddressReading | null;
  readonly lines: readonly ShopifyLineReading[];
  readonly tags: readonly string[];
  readonly note: string | null;
  readonly attributes: readonly { readonly name: string; readonly value: string }[];
}

export interface ShopifyOrderResult {
  readonly order: IncomingOrder | null;
  /** Empty when not even an id could be read. */
  readonly externalId: string;
  /** Why there is no order, as `name: detail`. */
  readonly reason?: string;
}

/**
 * A status that is missing or new to us counts as not paid: that parks the order, where the other
 * way round it would ship goods nobody paid for. `partially_refunded` was paid in full first; what the
 * refund took is no longer among the remaining quantities.
 */
const PAYMENT: Readonly<Record<string, PaymentState>> = {
  pending: 'pending',
  partially_paid: 'pending',
  authorized: 'authorised',
  paid: 'captured',
  partially_refunded: 'captured',
  refunded: 'refunded',
  voided: 'voided',
  expired: 'voided',
};

/** How far a payment has come, for the version. */
const PAYMENT_RANK: Readonly<Record<PaymentState, number>> = {
  pending: 0,
  authorised: 1,
  captured: 2,
  voided: 3,
  refunded: 4,
};

/** What people read may be cut to what we store; ids, SKUs and addresses never are. */
const clip = (text: string, max: number) => (text.length > max ? text.slice(0, max) : text);

export function incomingOrderOf(reading: ShopifyOrderReading): ShopifyOrderResult {
  const { id: externalId } = reading;
  const cancelled = reading.cancelledAt !== null;
  // Cancelling takes the remaining quantities away; such an order is kept with what was bought.
  const lines = reading.lines
    .map((line) => ({ ...line, wanted: cancelled ? line.quantity : line.remaining }))
    .filter(({ wanted }) => wanted !== 0);
  if (lines.length === 0) return { order: null, externalId, reason: NOTHING_LEFT };

  const payment = PAYMENT[reading.financialStatus?.toLowerCase() ?? ''] ?? 'pending';
  let input: unknown;
  try {
    input = {
      externalId,
      externalNumber: reading.name,
      placedAt: reading.placedAt,
      currency: reading.currency,
      totalMinor: parseMinor(reading.total, reading.currency).toString(),
      payment,
      requestedShippingMethod: reading.shippingMethod === null ? null : clip(reading.shippingMethod, 120),
      shipBy: null,
      customer: customerOf(reading),
      shipTo: shipToOf(reading),
      lines: lines.map((line) => ({
        externalLineId: line.id,
        sku: line.sku ?? '',
        title: clip(line.title, 400),
        quantity: line.wanted,
        unitPriceMinor: parseMinor(line.unitPrice, reading.currency).toString(),
        ships: line.requiresShipping && !line.giftCard,
      })),
      tags: reading.tags.slice(0, 100).map((tag) => clip(tag, 80)),
      note: reading.note === null ? null : clip(reading.note, 5000),
      giftMessage: giftMessageOf(reading),
      version: versionOf(reading.updatedAt, payment, cancelled),
      cancelled,
    };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { order: null, externalId, reason: `invalid_money: ${error.message}` };
  }
  return checked(externalId, input);
}

function checked(externalId: string, input: unknown): ShopifyOrderResult {
  const parsed = incomingOrderSchema.safeParse(input);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue ? `/${issue.path.join('/')}: ${issue.message}` : 'unknown';
    return { order: null, externalId, reason: `invalid_payload: ${where}` };
  }
  // Postgres stores neither NUL nor half a surrogate pair.
  if (UNSTORABLE.test(JSON.stringify(parsed.data))) {
    return { order: null, externalId, reason: 'unstorable_text: NUL or a lone surrogate' };
  }
  return { order: parsed.data, externalId };
}

/** As `JSON.stringify` writes them; a backslash that is itself escaped begins no escape. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/i;

function customerOf({ customer: { id: externalId, ...rest } }: ShopifyOrderReading) {
  return { externalId, ...rest };
}

function shipToOf({ shipTo, email }: ShopifyOrderReading) {
  return {
    name: shipTo?.name,
    company: shipTo?.company,
    line1: shipTo?.address1,
    line2: shipTo?.address2,
    city: shipTo?.city,
    region: shipTo?.provinceCode,
    postalCode: shipTo?.zip,
    country: shipTo?.countryCode?.toUpperCase(),
    phone: shipTo?.phone,
    email,
  };
}

function giftMessageOf({ attributes }: ShopifyOrderReading): string | null {
  const found = attributes.find(({ name }) => /^gift[ _-]?(message|note)$/i.test(name.trim()));
  return found === undefined ? null : clip(found.value, 2000);
}

/**
 * `updated_at` counts whole seconds and comes in the shop's own zone, so it is brought to UTC and
 * followed by how far the order has come: "created", "paid" and "cancelled" of one second still sort
 * as they happened. Two edits of one second remain equal.
 */
function versionOf(updatedAt: string | null, payment: PaymentState, cancelled: boolean): string | null {
  const at = updatedAt === null ? Number.NaN : Date.parse(updatedAt);
  if (Number.isNaN(at)) return null;
  return `${new Date(at).toISOString()}/${cancelled ? 1 : 0}${PAYMENT_RANK[payment]}`;
}
