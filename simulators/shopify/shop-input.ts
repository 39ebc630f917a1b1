/**
 * What the shop's customers and staff may say to it: products, new orders and edits, read strictly, and
 * the tags by which a demo order asks to be treated badly.
 */
import { z } from 'zod';

/** Tags of a demo order that make the shop behave badly about it. */
export const REFUSE_TRACKING_TAG = 'demo-flaw-tracking-refused';
export const DUPLICATE_WEBHOOK_TAG = 'demo-flaw-duplicate-webhook';

export const productSchema = z.strictObject({
  sku: z.string().min(1).max(120),
  title: z.string().max(255),
  /** Decimal text in the shop's currency. */
  price: z.string(),
  grams: z.int().min(0).default(0),
  /** Digits; a SKU without one has no stock in the shop. */
  inventoryItemId: z.string().regex(/^\d+$/).optional(),
  /** False for what the warehouse is known not to have; the demo orders it to run out of stock. */
  stocked: z.boolean().default(true),
});
export type Product = z.output<typeof productSchema>;

const text = z.string().nullable().default(null);
const addressSchema = z.strictObject({
  first_name: text,
  last_name: text,
  name: text,
  company: text,
  address1: text,
  address2: text,
  city: text,
  province: text,
  province_code: text,
  zip: text,
  country: text,
  country_code: text,
  phone: text,
});

/** What a customer orders; ids, totals and times are the shop's. */
export const newOrderSchema = z.strictObject({
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .default('USD'),
  financial_status: z.enum(['pending', 'authorized', 'paid']).default('paid'),
  email: text,
  phone: text,
  note: text,
  tags: z.string().default(''),
  note_attributes: z.array(z.strictObject({ name: z.string(), value: z.string() })).default([]),
  shipping_address: addressSchema.nullable().default(null),
  shipping_lines: z
    .array(z.strictObject({ code: z.string(), title: z.string(), price: z.string() }))
    .default([]),
  line_items: z
    .array(
      z.strictObject({
        sku: text,
        title: z.string(),
        quantity: z.int().min(1),
        price: z.string(),
        requires_shipping: z.boolean().default(true),
        gift_card: z.boolean().default(false),
        grams: z.int().min(0).default(0),
        /** Where Shopify assigns the line; the shop's first location unless said. */
        location_id: z.string().regex(/^\d+$/).optional(),
      }),
    )
    .min(1)
    .max(1000),
});
export type NewOrder = z.input<typeof newOrderSchema>;

export const orderEditSchema = z.strictObject({
  shipping_address: addressSchema.optional(),
  note: z.string().nullable().optional(),
  tags: z.string().optional(),
});
