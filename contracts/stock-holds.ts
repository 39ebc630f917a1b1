/** Stock kept for a while, as checkouts ask for it and as the API shows it. Units are whole base units. */
import { z } from 'zod';
import { id, instant, quantity, text } from './common';

/** A checkout takes minutes; goods that are kept longer than a day are kept from everybody else. */
const MOST_MINUTES = 24 * 60;
const DEFAULT_MINUTES = 15;

export const createStockHoldSchema = z.strictObject({
  lines: z
    .array(
      z
        .strictObject({
          productId: id.optional(),
          sku: text(120).optional(),
          quantity,
          /** Only from there; else from wherever there is enough, from one place if one has it all. */
          warehouseId: id.optional(),
        })
        .refine((line) => (line.productId === undefined) !== (line.sku === undefined), {
          message: 'name the product by productId or by sku',
          path: ['sku'],
        }),
    )
    .min(1)
    .max(100),
  minutes: z.int().min(1).max(MOST_MINUTES).default(DEFAULT_MINUTES),
  /** False: what there is of the lines is held, a line as a whole or not at all. */
  allOrNothing: z.boolean().default(true),
});

/** As many as a hand-over can have lines. */
const MOST_NAMED = 100;

/** Nothing at all where no goods have numbers. */
export const handOverStockHoldSchema = z
  .strictObject({
    /** The units that go, of goods that have serial numbers. */
    serials: z
      .array(z.strictObject({ productId: id, serial: text(120) }))
      .max(MOST_NAMED)
      .default([]),
  })
  .default({ serials: [] });

const shortLine = z.strictObject({
  productId: id,
  quantity: z.int(),
  /** What was free for it. */
  free: z.int(),
});

export const stockHoldSchema = z
  .strictObject({
    id,
    /** `ordered`: an order that named the hold has taken it over. */
    state: z.enum(['held', 'ordered', 'released', 'expired', 'consumed', 'taken_back']),
    expiresAt: instant,
    createdAt: instant,
    orderId: id.nullable(),
    lines: z.array(
      z.strictObject({
        productId: id,
        sku: z.string(),
        warehouseId: id,
        warehouseCode: z.string(),
        quantity: z.int(),
      }),
    ),
  })
  .meta({ id: 'StockHold' });

export const stockHeldSchema = stockHoldSchema
  .extend({
    /** Lines that got nothing; empty where all or nothing was asked. */
    short: z.array(shortLine),
  })
  .meta({ id: 'StockHeld' });
