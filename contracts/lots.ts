/** Lots, what holds them, and how long goods have to last for whom. */
import { z } from 'zod';
import { id, instant, reason, text } from './common';

const onProduct = (of: { readonly productId?: unknown; readonly sku?: unknown }) =>
  (of.productId === undefined) !== (of.sku === undefined);
const ONE_PRODUCT = { message: 'name the product by productId or by sku', path: ['sku'] };
const lot = { productId: id.optional(), sku: text(120).optional(), lotCode: text(60) };

export const lotActionSchema = z.strictObject({ ...lot, reason }).refine(onProduct, ONE_PRODUCT);

export const lotDateSchema = z
  .strictObject({
    ...lot,
    /** Its last good day; null: it never expires. */
    expiresOn: z.iso.date().nullable(),
    reason,
  })
  .refine(onProduct, ONE_PRODUCT);

export const recalledLotSchema = z
  .strictObject({
    holdId: id,
    /** Units that were for sale until now; 0 when the lot was held already. */
    unitsHeld: z.int(),
    /** Orders whose goods were taken back; they are planned again. */
    ordersTakenBack: z.array(id),
    /** How many orders shipped from the lot; `GET /v1/lots/orders` lists them. */
    ordersShipped: z.int(),
  })
  .meta({ id: 'RecalledLot' });

export const liftedLotSchema = z.strictObject({ unitsFreed: z.int() }).meta({ id: 'LiftedLot' });

export const lotSchema = z
  .strictObject({
    merchantId: id,
    productId: id,
    sku: z.string(),
    lotCode: z.string(),
    expiresOn: z.string().nullable(),
    held: z.boolean(),
    onHand: z.int(),
    allocated: z.int(),
    /** On the road between warehouses. */
    inTransit: z.int(),
    /** What holds it or held it, the newest first. */
    holds: z.array(
      z.strictObject({
        id,
        kind: z.enum(['recall', 'expiry']),
        reason: z.string(),
        placedBy: z.string(),
        placedAt: instant,
        liftedBy: z.string().nullable(),
        liftedAt: instant.nullable(),
      }),
    ),
  })
  .meta({ id: 'Lot' });

export const lotOrderSchema = z
  .strictObject({
    orderId: id,
    externalId: z.string(),
    externalNumber: z.string().nullable(),
    channel: z.string(),
    units: z.int(),
    shippedAt: instant,
  })
  .meta({ id: 'LotOrder' });

const optionalId = id.nullish().transform((value) => value ?? null);

export const newShelfLifeRuleSchema = z.strictObject({
  /** Left out: every channel. */
  connectionId: optionalId,
  customerId: optionalId,
  productId: optionalId,
  /** Days that must be left when the goods are promised. */
  minDays: z.int().min(1).max(3650),
});
export type NewShelfLifeRule = z.output<typeof newShelfLifeRuleSchema>;

export const shelfLifeRuleSchema = z
  .strictObject({
    id,
    merchantId: id,
    connectionId: id.nullable(),
    customerId: id.nullable(),
    productId: id.nullable(),
    minDays: z.int(),
    createdAt: instant,
  })
  .meta({ id: 'ShelfLifeRule' });
