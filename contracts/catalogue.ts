/** Products, the names channels have for them, cartons and shipping methods: bodies and answers. */
import { z } from 'zod';
import { isGtin } from '../domain/ids';
import { HANDLING } from '../domain/routing/rule';
import { countryCode, id, instant, minorUnitsFromZero, text } from './common';

const sku = text(120);
const millimetres = z.int().min(1).max(20_000);
const grams = z.int().min(0).max(2_000_000);
const gtin = z.string().refine(isGtin, { message: 'not a GTIN, or its check digit is wrong' });
const hsCode = z.string().regex(/^\d{6,12}$/, 'not 6 to 12 digits');
/** Units in one: of a product in an alias, of a component in a bundle. */
const multiple = z.int().min(1).max(100_000);

const changeable = {
  name: text(400),
  ships: z.boolean(),
  gtin: gtin.nullable(),
  weightGrams: grams.nullable(),
  lengthMm: millimetres.nullable(),
  widthMm: millimetres.nullable(),
  heightMm: millimetres.nullable(),
  unitCostMinor: minorUnitsFromZero.nullable(),
  hsCode: hsCode.nullable(),
  originCountry: countryCode.nullable(),
  /** What it needs of the warehouse that ships it; routing rules can ask for it. */
  handling: z.array(z.enum(HANDLING)).max(HANDLING.length),
};

export const newProductSchema = z.strictObject({
  ...changeable,
  ...z.object(changeable).omit({ name: true, ships: true }).partial().shape,
  sku,
  ships: changeable.ships.default(true),
  isBundle: z.boolean().default(false),
  lotTracked: z.boolean().default(false),
  serialTracked: z.boolean().default(false),
});
export type NewProduct = z.output<typeof newProductSchema>;

/** What is left out stays; null clears. SKU, bundle and tracking by lot or serial are what stock is booked by: they stay. */
export const productPatchSchema = z
  .strictObject({ ...changeable, archived: z.boolean() })
  .partial()
  .refine((patch) => Object.keys(patch).length > 0, { message: 'nothing to change' });
export type ProductPatch = z.output<typeof productPatchSchema>;

export const componentSchema = z.strictObject({ productId: id, quantity: multiple });
export const componentsSchema = z.strictObject({
  components: z
    .array(componentSchema)
    .max(200)
    .refine((list) => new Set(list.map(({ productId }) => productId)).size === list.length, {
      message: 'a component is listed twice',
    }),
});

export const productSchema = z
  .strictObject({
    id,
    merchantId: id,
    sku: z.string(),
    isBundle: z.boolean(),
    lotTracked: z.boolean(),
    serialTracked: z.boolean(),
    ...changeable,
    name: z.string(),
    gtin: z.string().nullable(),
    archived: z.boolean(),
    version: z.int(),
    createdAt: instant,
    updatedAt: instant,
  })
  .meta({ id: 'Product' });

export const productDetailSchema = productSchema
  .extend({
    components: z.array(z.strictObject({ productId: id, sku: z.string(), quantity: z.int() })),
  })
  .meta({ id: 'ProductDetail' });

export const newAliasSchema = z.strictObject({
  alias: text(120),
  productId: id,
  /** Left out: for every channel of the merchant. */
  connectionId: id.nullish().transform((value) => value ?? null),
  multiplier: multiple.default(1),
});
export type NewAlias = z.output<typeof newAliasSchema>;

export const aliasSchema = z
  .strictObject({
    id,
    merchantId: id,
    alias: z.string(),
    productId: id,
    sku: z.string(),
    connectionId: id.nullable(),
    multiplier: z.int(),
    createdAt: instant,
  })
  .meta({ id: 'SkuAlias' });

const service = z.string().regex(/^[a-z0-9]+(_[a-z0-9]+)*$/, 'not in lower_snake_case');

export const newShippingMethodSchema = z.strictObject({
  /** As the channel calls it; '' is for orders that ask for none. */
  method: z.string().trim().max(120),
  serviceLevel: text(60),
  /** Canonical services, the preferred first; empty: whatever is cheapest. */
  services: z.array(service.max(80)).max(50).default([]),
  maxDays: z
    .int()
    .min(0)
    .max(90)
    .nullish()
    .transform((value) => value ?? null),
  connectionId: id.nullish().transform((value) => value ?? null),
});
export type NewShippingMethod = z.output<typeof newShippingMethodSchema>;

export const shippingMethodSchema = z
  .strictObject({
    id,
    merchantId: id,
    method: z.string(),
    serviceLevel: z.string(),
    services: z.array(z.string()),
    maxDays: z.int().nullable(),
    connectionId: id.nullable(),
  })
  .meta({ id: 'ShippingMethod' });

export const newCartonSchema = z.strictObject({
  code: text(60),
  lengthMm: millimetres,
  widthMm: millimetres,
  heightMm: millimetres,
  tareGrams: grams,
  maxGrams: z.int().min(1).max(2_000_000),
  costMinor: minorUnitsFromZero.default('0'),
});
export type NewCarton = z.output<typeof newCartonSchema>;

export const cartonSchema = newCartonSchema
  .extend({ id, merchantId: id, costMinor: z.string(), archived: z.boolean() })
  .meta({ id: 'Carton' });
