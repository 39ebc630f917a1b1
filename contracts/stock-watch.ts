/** How fast goods sell, what they are worth and what it costs to have them. Amounts are minor units as text. */
import { z } from 'zod';
import { id, instant, minorUnitsFromZero, text } from './common';

const day = z.iso.date();

const leftOutDay = z.strictObject({
  day,
  /** `out_of_stock`: nothing was on the shelves when the day began, or when it ended. */
  why: z.enum(['promotion', 'out_of_stock']),
});

const pace = {
  productId: id,
  sku: z.string(),
  onHand: z.int(),
  /** On hand − held − reserved. */
  available: z.int(),
  /** Units shipped on the days that count. */
  shipped: z.int(),
  countedDays: z.int(),
  /** shipped ÷ countedDays, to a thousandth; null when no day counts. */
  unitsPerDay: z.number().nullable(),
  /** How long what is available lasts, to a tenth of a day; null when nothing shows that it sells. */
  daysOfCover: z.number().nullable(),
};

/** Whole business days, both included. */
const window = z.strictObject({ from: day, to: day, timeZone: z.string() });

export const velocitySchema = z
  .strictObject({
    window,
    items: z.array(
      z.strictObject({
        ...pace,
        /** Days of the window that are not in the average. */
        leftOut: z.array(leftOutDay),
      }),
    ),
    unknown: z.array(z.string()),
  })
  .meta({ id: 'StockVelocity' });

export const slowMoversSchema = z
  .strictObject({
    window,
    /** The most value first. */
    items: z.array(
      z.strictObject({
        ...pace,
        lastShippedAt: instant.nullable(),
        /** What the units are worth, first in first out. */
        valueMinor: z.string(),
      }),
    ),
  })
  .meta({ id: 'SlowMovers' });

const value = {
  units: z.int(),
  valueMinor: z.string(),
  /** Cost of everything that came until then: valueMinor + leftMinor. */
  receivedMinor: z.string(),
  /** Cost of everything that left. */
  leftMinor: z.string(),
  /** Units that left before the books show them coming; what comes next pays for them. */
  unitsOwed: z.int(),
  /** Units that came and whose cost nobody has given; they count as 0. */
  unitsWithoutCost: z.int(),
};

export const valuationSchema = z
  .strictObject({
    at: instant,
    method: z.enum(['fifo', 'average']),
    currency: z.string(),
    /** Over all products; null on the pages after the first. */
    total: z.strictObject(value).nullable(),
    items: z.array(z.strictObject({ productId: id, sku: z.string(), ...value })),
    nextCursor: z.string().nullable(),
  })
  .meta({ id: 'StockValuation' });

const basisPoints = z.int().min(0).max(100_000);

export const carryingRatesSchema = z
  .strictObject({
    /** Minor units a month for a cubic metre. */
    storagePerCubicMetreMinor: minorUnitsFromZero,
    /** The same for a unit whose size is not known. */
    storagePerUnitMinor: minorUnitsFromZero,
    /** Hundredths of a percent of the value a year. */
    insuranceBasisPoints: basisPoints,
    capitalBasisPoints: basisPoints,
    obsolescenceBasisPoints: basisPoints,
  })
  .meta({ id: 'CarryingRates' });

const parts = {
  storageMinor: z.string(),
  insuranceMinor: z.string(),
  capitalMinor: z.string(),
  obsolescenceMinor: z.string(),
  totalMinor: z.string(),
};

export const carryingCostSchema = z
  .strictObject({
    from: day,
    to: day,
    timeZone: z.string(),
    method: z.enum(['fifo', 'average']),
    currency: z.string(),
    rates: carryingRatesSchema,
    /** Over all products; null on the pages after the first. */
    total: z.strictObject(parts).nullable(),
    items: z.array(
      z.strictObject({
        productId: id,
        sku: z.string(),
        /** Units at the end of each day, added up. */
        unitDays: z.string(),
        valueDaysMinor: z.string(),
        /** False: its size is not known, so that room is paid by the unit. */
        measured: z.boolean(),
        ...parts,
      }),
    ),
    nextCursor: z.string().nullable(),
  })
  .meta({ id: 'CarryingCost' });

/** Longer is two promotions, or no promotion. */
const LONGEST_PROMOTION_DAYS = 366;
const DAY_MS = 86_400_000;

export const newPromotionSchema = z
  .strictObject({
    name: text(120),
    /** null: all products. */
    sku: text(120)
      .nullish()
      .transform((sku) => sku ?? null),
    from: day,
    to: day,
  })
  .refine(({ from, to }) => to >= from, { message: 'ends before it begins', path: ['to'] })
  .refine(({ from, to }) => Date.parse(to) - Date.parse(from) < LONGEST_PROMOTION_DAYS * DAY_MS, {
    message: `is longer than ${LONGEST_PROMOTION_DAYS} days`,
    path: ['to'],
  });
export type NewPromotion = z.output<typeof newPromotionSchema>;

export const promotionSchema = z
  .strictObject({
    id,
    merchantId: id,
    name: z.string(),
    productId: id.nullable(),
    sku: z.string().nullable(),
    from: day,
    to: day,
  })
  .meta({ id: 'Promotion' });
