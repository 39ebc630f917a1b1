/** Counts: planning them, the counter's sheet (which never shows what should be there), and how right the books were. */
import { z } from 'zod';
import { COUNT_CLASSES } from '../domain/stock/abc-class';
import { id, instant, reason, text } from './common';

/** A day's work of some twenty people. */
const MOST_PLACES = 1000;
const personId = id.optional();
const eventId = text(200).optional();
const code = text(120);

export const newCountSchema = z
  .strictObject({
    warehouseId: id,
    reason,
    /** Bins with products of this class that have not been counted for 30 (A), 90 (B) or 180 (C) days. */
    class: z.enum(COUNT_CLASSES).nullable().default(null),
    skus: z.array(code).max(MOST_PLACES).default([]),
    /** Counted as a whole, unless SKUs are given. Without any: every bin in use. */
    locationCodes: z.array(text(40)).max(MOST_PLACES).default([]),
    mostPlaces: z.int().min(1).max(MOST_PLACES).default(100),
  })
  .refine((count) => count.class === null || (count.skus.length === 0 && count.locationCodes.length === 0), {
    message: 'give either a class, or SKUs and places',
    path: ['class'],
  });

const countHead = {
  id,
  merchantId: id,
  warehouseId: id,
  warehouseCode: z.string(),
  origin: z.enum(['abc', 'request', 'short_pick']),
  class: z.enum(COUNT_CLASSES).nullable(),
  reason: z.string(),
  state: z.enum(['open', 'done', 'cancelled']),
  requestedBy: z.string(),
  requestedAt: instant,
  endedAt: instant.nullable(),
  sheets: z.int(),
  sheetsCounted: z.int(),
};

export const countSchema = z.strictObject(countHead).meta({ id: 'StockCount' });

export const countDetailSchema = z
  .strictObject({
    ...countHead,
    /** One look at one place each; what was read shows when it is judged. */
    looks: z.array(
      z.strictObject({
        id,
        locationCode: z.string(),
        round: z.int(),
        state: z.enum(['open', 'started', 'counted', 'cancelled']),
        personId: id.nullable(),
        adjustmentId: id.nullable(),
        countedAt: instant.nullable(),
        lines: z.array(
          z.strictObject({
            sku: z.string(),
            lotCode: z.string(),
            recorded: z.int(),
            counted: z.int(),
            /** False: beyond the tolerance, so it was counted again. */
            final: z.boolean().nullable(),
          }),
        ),
      }),
    ),
  })
  .meta({ id: 'StockCountDetail' });

const ratio = z.number().min(0).max(1).nullable();

export const accuracySchema = z
  .strictObject({
    from: instant,
    until: instant,
    /** Places that were counted, those without any difference, and their share. */
    bins: z.int(),
    binsRight: z.int(),
    byBin: ratio,
    /** 1 − Σ|recorded − counted| ÷ Σ recorded; null when nothing was recorded. */
    units: z.int(),
    unitsOff: z.int(),
    byUnit: ratio,
    /** The same at cost, in minor units; products without a cost are left out. */
    valueMinor: z.string(),
    valueOffMinor: z.string(),
    byValue: ratio,
    unitsWithoutCost: z.int(),
  })
  .meta({ id: 'InventoryAccuracy' });

export const nextSheetSchema = z.strictObject({ personId, eventId, warehouseId: id });

export const sheetSchema = z
  .strictObject({
    sheetId: id,
    merchantId: id,
    countId: id,
    warehouseId: id,
    locationCode: z.string(),
    round: z.int(),
    state: z.enum(['open', 'started']),
    /** null: count whatever lies there. */
    products: z
      .array(z.strictObject({ sku: z.string(), gtin: z.string().nullable(), lotTracked: z.boolean() }))
      .nullable(),
  })
  .meta({ id: 'CountSheet' });

export const nextSheetAnswerSchema = z.strictObject({ sheet: sheetSchema.nullable() });

export const startSheetSchema = z.strictObject({ personId, eventId, locationCode: text(40) });

export const submitSheetSchema = z.strictObject({
  personId,
  eventId,
  lines: z
    .array(
      z.strictObject({
        /** SKU or GTIN. */
        code,
        lotCode: text(60).optional(),
        quantity: z.int().min(0).max(1_000_000),
      }),
    )
    .max(MOST_PLACES),
});

export const submittedSheetSchema = z.strictObject({
  sheetId: id,
  outcome: z.enum(['counted', 'count_again']),
  /** SKUs of which goods moved meanwhile. */
  countAgain: z.array(z.string()),
});

export const releaseSheetSchema = z.strictObject({ personId, eventId });
export const releasedSheetSchema = z.strictObject({ sheetId: id, state: z.literal('open') });
