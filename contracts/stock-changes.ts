/** Corrections, moves and transfers: bodies and answers. Units are whole base units. */
import { z } from 'zod';
import { ADJUSTMENT_REASON_CODES } from '../domain/stock/adjustment-reasons';
import { id, instant, minorUnitsFromZero, quantity, reason, text } from './common';

/** Far more than any warehouse counts at once, and far below what a sum of them could overflow. */
const delta = z
  .int()
  .min(-1_000_000)
  .max(1_000_000)
  .refine((value) => value !== 0, { message: 'changes nothing' });

/** A page of a long list; larger ones are imported (`quayside stock import`). */
const MOST_LINES = 1000;

const product = { productId: id.optional(), sku: text(120).optional() };
const onProduct = (line: { readonly productId?: unknown; readonly sku?: unknown }) =>
  (line.productId === undefined) !== (line.sku === undefined);
const ONE_PRODUCT = { message: 'name the product by productId or by sku', path: ['sku'] };
/** Numbers of the units, of goods that have them; as many as units. */
const serials = z.array(text(120)).min(1).max(MOST_LINES).optional();
const placeCode = text(40);
const lotCode = text(60);

const reasonCode = z.enum(ADJUSTMENT_REASON_CODES);

export const adjustmentSchema = z.strictObject({
  kind: z.enum(['opening', 'adjustment', 'write_off']).default('adjustment'),
  warehouseId: id,
  reasonCode: reasonCode.default('other'),
  reason,
  lines: z
    .array(
      z
        .strictObject({
          ...product,
          /** Where the goods were put; a loss without one is taken wherever there is something. */
          locationCode: placeCode.optional(),
          lotCode: lotCode.optional(),
          /** The lot's last good day; a lot that is known keeps its date. */
          expiresOn: z.iso.date().optional(),
          delta,
          /** What one unit cost, in minor units, of a gain; left out: the product's cost. */
          unitCostMinor: minorUnitsFromZero.optional(),
          serials,
        })
        .refine(onProduct, ONE_PRODUCT),
    )
    .min(1)
    .max(MOST_LINES),
});

const adjustmentState = z.enum(['pending', 'posted', 'rejected']);

export const adjustedSchema = z
  .strictObject({
    adjustmentId: id,
    causeId: z.string(),
    /** `pending`: above the merchant's limit; nothing is posted until somebody else approves it. */
    state: adjustmentState,
    lines: z.array(z.strictObject({ productId: id, requested: z.int(), posted: z.int().nullable() })),
  })
  .meta({ id: 'AdjustedStock' });

export const adjustmentViewSchema = z
  .strictObject({
    id,
    merchantId: id,
    warehouseId: id,
    warehouseCode: z.string(),
    causeId: z.string(),
    kind: z.enum(['opening', 'adjustment', 'write_off', 'count']),
    state: adjustmentState,
    reasonCode: z.string(),
    reason: z.string(),
    units: z.int(),
    /** At cost, in the merchant's currency; null when a product has no cost. */
    valueMinor: z.string().nullable(),
    requestedBy: z.string(),
    requestedAt: instant,
    decidedBy: z.string().nullable(),
    decidedAt: instant.nullable(),
    decisionReason: z.string().nullable(),
    lines: z.array(
      z.strictObject({
        productId: id,
        sku: z.string(),
        locationCode: z.string().nullable(),
        lotCode: z.string().nullable(),
        expiresOn: z.string().nullable(),
        delta: z.int(),
        posted: z.int().nullable(),
        unitCostMinor: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'StockAdjustment' });

export const decisionSchema = z.strictObject({ reason });

export const moveSchema = z.strictObject({
  warehouseId: id,
  kind: z.enum(['move', 'putaway', 'put_back']).default('move'),
  reason,
  lines: z
    .array(
      z
        .strictObject({
          ...product,
          lotCode: lotCode.optional(),
          quantity,
          serials,
          fromLocationCode: placeCode,
          toLocationCode: placeCode,
        })
        .refine(onProduct, ONE_PRODUCT),
    )
    .min(1)
    .max(MOST_LINES),
});

export const movedSchema = z.strictObject({ causeId: z.string() }).meta({ id: 'MovedStock' });

export const newTransferSchema = z.strictObject({
  fromWarehouseId: id,
  toWarehouseId: id,
  /** The caller's own number; once a merchant. */
  reference: text(80)
    .nullish()
    .transform((value) => value ?? null),
  expectedAt: z.iso
    .datetime({ offset: true })
    .nullish()
    .transform((value) => value ?? null),
  reason,
  lines: z
    .array(z.strictObject({ ...product, quantity }).refine(onProduct, ONE_PRODUCT))
    .min(1)
    .max(MOST_LINES),
});

export const dispatchSchema = z.strictObject({
  lines: z
    .array(
      z
        .strictObject({
          ...product,
          lotCode: lotCode.optional(),
          quantity,
          serials,
          fromLocationCode: placeCode,
        })
        .refine(onProduct, ONE_PRODUCT),
    )
    .min(1)
    .max(MOST_LINES),
});

export const receiveSchema = z.strictObject({
  lines: z
    .array(
      z
        .strictObject({
          ...product,
          lotCode: lotCode.optional(),
          quantity,
          serials,
          /** Default: the warehouse's dock. */
          toLocationCode: placeCode.optional(),
        })
        .refine(onProduct, ONE_PRODUCT),
    )
    .min(1)
    .max(MOST_LINES),
});

export const TRANSFER_STATES = ['requested', 'in_transit', 'received', 'cancelled'] as const;

export const transferSchema = z
  .strictObject({
    id,
    merchantId: id,
    reference: z.string().nullable(),
    fromWarehouseId: id,
    toWarehouseId: id,
    state: z.enum(TRANSFER_STATES),
    reason: z.string(),
    expectedAt: instant.nullable(),
    requestedBy: z.string(),
    requestedAt: instant,
    dispatchedAt: instant.nullable(),
    endedAt: instant.nullable(),
    lines: z.array(
      z.strictObject({
        productId: id,
        sku: z.string(),
        requested: z.int(),
        /** Asked for and not dispatched. */
        awaited: z.int(),
      }),
    ),
    /** What went, by lot. */
    contents: z.array(
      z.strictObject({
        productId: id,
        sku: z.string(),
        lotCode: z.string(),
        dispatched: z.int(),
        received: z.int(),
        lost: z.int(),
        /** On the road. */
        outstanding: z.int(),
      }),
    ),
  })
  .meta({ id: 'StockTransfer' });
