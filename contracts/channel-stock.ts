/** What channels show of stock: listings, the rules of their quantity, and how far each channel is. */
import { z } from 'zod';
import { id, instant, text } from './common';

/** Far more than any shop shows of an item; channels take 32-bit integers. */
const units = z.int().min(0).max(1_000_000_000);

const rules = {
  /** Units kept back. */
  buffer: units,
  /** Of what is left after the buffer, 0 to 100. */
  sharePercent: z.int().min(0).max(100),
  /** The most that is shown; null: no limit. */
  cap: units.nullable(),
  /** Fewer than this are shown as none. */
  minDisplay: units,
  /** Units that may be sold beyond the stock. */
  backorderAllowance: units,
};

/** null: as the connection's. */
const ownRules = {
  buffer: rules.buffer.nullable(),
  sharePercent: rules.sharePercent.nullable(),
  cap: rules.cap,
  minDisplay: rules.minDisplay.nullable(),
  backorderAllowance: rules.backorderAllowance.nullable(),
};

export const listingsSchema = z.strictObject({
  connectionId: id,
  listings: z
    .array(
      z
        .strictObject({
          externalItemId: text(200),
          externalLocationId: z.string().trim().max(200).default(''),
          productId: id.optional(),
          sku: text(120).optional(),
          /** Units of the product in one of the listing's. */
          units: z.int().min(1).max(100_000).default(1),
          /** Only what this warehouse has; left out or null: what all have together. */
          warehouseId: id.nullish().transform((value) => value ?? null),
          ...z.strictObject(ownRules).partial().shape,
        })
        .refine((listing) => (listing.productId === undefined) !== (listing.sku === undefined), {
          message: 'name the product by productId or by sku',
          path: ['sku'],
        }),
    )
    .min(1)
    .max(500)
    .refine(
      (all) =>
        new Set(all.map((one) => JSON.stringify([one.externalItemId, one.externalLocationId]))).size ===
        all.length,
      {
        message: 'names an item and location twice',
      },
    ),
});
export type NewListings = z.output<typeof listingsSchema>;
export type NewListing = NewListings['listings'][number];

export const savedListingsSchema = z
  .strictObject({
    listings: z.array(z.strictObject({ id, externalItemId: z.string(), created: z.boolean() })),
  })
  .meta({ id: 'SavedListings' });

export const listingPatchSchema = z
  .strictObject({
    ...ownRules,
    /** Shown as none, whatever there is. */
    paused: z.boolean(),
    /** false: put right, so pushed again. */
    parked: z.literal(false),
  })
  .partial()
  .refine((patch) => Object.keys(patch).length > 0, { message: 'nothing to change' });
export type ListingPatch = z.output<typeof listingPatchSchema>;

export const listingSchema = z
  .strictObject({
    id,
    merchantId: id,
    connectionId: id,
    productId: id,
    sku: z.string(),
    externalItemId: z.string(),
    externalLocationId: z.string(),
    units: z.int(),
    warehouseId: id.nullable(),
    paused: z.boolean(),
    buffer: z.int().nullable(),
    sharePercent: z.int().nullable(),
    cap: z.int().nullable(),
    minDisplay: z.int().nullable(),
    backorderAllowance: z.int().nullable(),
    /** What the channel should show at this moment; null while it is parked. */
    wantedQuantity: z.int().nullable(),
    /** What it has, as it last acknowledged, answered or told; null: not known. */
    channelQuantity: z.int().nullable(),
    lastPush: z
      .strictObject({
        quantity: z.int(),
        at: instant,
        /** When the oldest change happened that it told; null when it told none. */
        changedAt: instant.nullable(),
      })
      .nullable(),
    parked: z.strictObject({ at: instant, reason: z.string() }).nullable(),
  })
  .meta({ id: 'ChannelListing' });

export const channelStockPatchSchema = z
  .strictObject({
    ...rules,
    /** false: this engine tells the channel nothing. */
    enabled: z.boolean(),
    /** What the channel's limit leaves for stock; null: what is right for a shop of its kind. */
    callsPerSecond: z.number().min(0.01).max(1_000).nullable(),
    quantitiesPerCall: z.int().min(1).max(1_000).nullable(),
  })
  .partial()
  .refine((patch) => Object.keys(patch).length > 0, { message: 'nothing to change' });
export type ChannelStockPatch = z.output<typeof channelStockPatchSchema>;

export const channelStockSchema = z
  .strictObject({
    merchantId: id,
    connectionId: id,
    channel: z.string(),
    name: z.string(),
    enabled: z.boolean(),
    callsPerSecond: z.number().nullable(),
    quantitiesPerCall: z.int().nullable(),
    ...rules,
    /** Listings that wait for their turn, a few seconds ago. */
    waiting: z.int(),
    /** Since when the longest of them has waited; null when none does. */
    waitingSince: instant.nullable(),
    acknowledgedAt: instant.nullable(),
    lastError: z.string().nullable(),
    failingSince: instant.nullable(),
    reconciled: z.strictObject({ at: instant, listings: z.int(), drift: z.int() }).nullable(),
  })
  .meta({ id: 'ChannelStock' });

export const driftSchema = z
  .strictObject({
    id,
    merchantId: id,
    connectionId: id,
    listingId: id,
    sku: z.string(),
    /** What the channel had acknowledged. */
    believed: z.int().nullable(),
    /** What it was found to have; null: it no longer knows the listing. */
    found: z.int().nullable(),
    wanted: z.int(),
    foundAt: instant,
  })
  .meta({ id: 'ChannelDrift' });
