/** Stock as the API shows and corrects it. Units are whole base units. */
import { z } from 'zod';
import { id, instant, reason, text } from './common';

export const stockLevelSchema = z
  .strictObject({
    merchantId: id,
    warehouseId: id,
    warehouseCode: z.string(),
    productId: id,
    sku: z.string(),
    onHand: z.int(),
    /** In quarantine, damaged, or in a held lot: on hand, not to be sold. */
    held: z.int(),
    reserved: z.int(),
    /** onHand − held − reserved. */
    available: z.int(),
  })
  .meta({ id: 'StockLevel' });

const endSchema = z.strictObject({
  locationId: id,
  code: z.string(),
  kind: z.string(),
  /** null for the virtual ends: supplier, customer, adjustment. */
  warehouseId: id.nullable(),
});

export const ledgerEntrySchema = z
  .strictObject({
    causeId: z.string(),
    line: z.int(),
    kind: z.string(),
    /** What it changes of the units on hand, in the warehouse asked for or in all. A move within is 0. */
    change: z.int(),
    quantity: z.int(),
    lotCode: z.string(),
    from: endSchema,
    to: endSchema,
    orderId: id.nullable(),
    reason: z.string().nullable(),
    actor: z.string(),
    occurredAt: instant,
    recordedAt: instant,
  })
  .meta({ id: 'LedgerEntry' });

/** Far more than any warehouse counts at once, and far below what a sum of them could overflow. */
const delta = z
  .int()
  .min(-1_000_000)
  .max(1_000_000)
  .refine((value) => value !== 0, { message: 'changes nothing' });

export const adjustmentSchema = z.strictObject({
  kind: z.enum(['opening', 'adjustment', 'write_off']).default('adjustment'),
  warehouseId: id,
  reason,
  lines: z
    .array(
      z
        .strictObject({
          productId: id.optional(),
          sku: text(120).optional(),
          /** Where the goods were put; a loss without one is taken wherever there is something. */
          locationCode: text(40).optional(),
          lotCode: text(60).optional(),
          expiresOn: z.iso.date().optional(),
          delta,
        })
        .refine((line) => (line.productId === undefined) !== (line.sku === undefined), {
          message: 'name the product by productId or by sku',
          path: ['sku'],
        }),
    )
    .min(1)
    .max(1000),
});

export const adjustedSchema = z
  .strictObject({
    causeId: z.string(),
    lines: z.array(z.strictObject({ productId: id, requested: z.int(), posted: z.int() })),
  })
  .meta({ id: 'AdjustedStock' });
