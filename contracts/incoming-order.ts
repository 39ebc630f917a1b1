/**
 * The one shape in which an order enters, whoever brings it: a channel's webhook or poll, our own
 * API, a CSV row. Nothing is checked here that an order may be parked for (an unknown SKU, a bad
 * address, no payment): those are states of an accepted order. What fails here could not be stored.
 */
import { z } from 'zod';

const text = (max: number) => z.string().trim().max(max);
const optionalText = (max: number) =>
  text(max)
    .nullish()
    .transform((value) => (value ? value : null));

/** Ship-to. Everything may be missing, for a bad address is a reason to park an order, not to refuse it. */
export const incomingAddressSchema = z.strictObject({
  name: optionalText(200),
  company: optionalText(200),
  line1: optionalText(200),
  line2: optionalText(200),
  city: optionalText(120),
  /** State or province code as the channel gives it. */
  region: optionalText(120),
  postalCode: optionalText(32),
  /** ISO 3166-1 alpha-2, upper case; anything else is kept and parks the order. */
  country: optionalText(64),
  phone: optionalText(40),
  email: optionalText(254),
});
export type IncomingAddress = z.infer<typeof incomingAddressSchema>;

/** Units are whole; minor units are decimal strings of an integer so that nothing passes a float. */
const minorUnits = z.string().regex(/^-?\d{1,15}$/);

export const incomingLineSchema = z.strictObject({
  externalLineId: text(64).min(1),
  /** The merchant's or the channel's SKU text, exactly as given; may be empty (then it is unmapped). */
  sku: text(120),
  title: text(400),
  quantity: z.int().min(1).max(1_000_000),
  unitPriceMinor: minorUnits,
  /** False for services, tickets, gift cards, postage: fulfilled without the floor. */
  ships: z.boolean(),
});
export type IncomingLine = z.infer<typeof incomingLineSchema>;

export const PAYMENT_STATES = ['pending', 'authorised', 'captured', 'voided', 'refunded'] as const;
export type PaymentState = (typeof PAYMENT_STATES)[number];

export const incomingOrderSchema = z.strictObject({
  /** The channel's own id as text: ids above 2^53 survive. Unique within the connection. */
  externalId: text(128).min(1),
  /** What people call it ("#1001"). */
  externalNumber: optionalText(64),
  /** RFC 3339 with offset. */
  placedAt: z.iso.datetime({ offset: true }),
  currency: z.string().regex(/^[A-Z]{3}$/),
  totalMinor: minorUnits,
  payment: z.enum(PAYMENT_STATES),
  requestedShippingMethod: optionalText(120),
  /** The channel's own ship-by, RFC 3339, where it gives one. */
  shipBy: z.iso
    .datetime({ offset: true })
    .nullish()
    .transform((value) => value ?? null),
  /** What the checkout of this order held (POST /v1/stock/holds): the order takes it over. */
  holdId: z
    .uuid()
    .toLowerCase()
    .nullish()
    .transform((value) => value ?? null),
  customer: z.strictObject({
    externalId: optionalText(128),
    name: optionalText(200),
    email: optionalText(254),
    phone: optionalText(40),
  }),
  shipTo: incomingAddressSchema,
  lines: z.array(incomingLineSchema).min(1).max(1000),
  tags: z.array(text(80)).max(100),
  note: optionalText(5000),
  giftMessage: optionalText(2000),
  /** The channel's version of the order (updated_at or a sequence) as sortable text; older ones change nothing. */
  version: optionalText(64),
  /** True when the channel says that the order is cancelled: it is kept, closed as cancelled. */
  cancelled: z.boolean(),
});
export type IncomingOrder = z.infer<typeof incomingOrderSchema>;
/** What a caller may leave out, before defaults. */
export type IncomingOrderInput = z.input<typeof incomingOrderSchema>;
