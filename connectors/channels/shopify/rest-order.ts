/**
 * Shopify's REST shape of an order: what its webhooks carry, whatever API version they are pinned to,
 * and what an export holds. Ids are numbers beyond 2^53 at times, so the text must have been read by
 * `parseExactJson`. Fields we don't use are ignored, for Shopify adds some each quarter. Shape: REST
 * Admin "Order" resource, 2026-10, and older payloads that lack the quantities computed by Shopify.
 */
import { z } from 'zod';
import { incomingOrderOf, type ShopifyOrderReading, type ShopifyOrderResult } from './order-mapping';

const id = z.union([z.int(), z.string().regex(/^\d{1,30}$/)]).transform(String);
const amount = z.union([z.string(), z.number()]).transform(String);
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? null);
const count = z.number().nullish();

const addressSchema = z.looseObject({
  name: text,
  first_name: text,
  last_name: text,
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

const lineSchema = z.looseObject({
  id,
  sku: text,
  name: text,
  title: text,
  quantity: z.number(),
  current_quantity: count,
  fulfillable_quantity: count,
  price: amount,
  requires_shipping: z.boolean().nullish(),
  gift_card: z.boolean().nullish(),
});

const orderSchema = z.looseObject({
  id,
  name: text,
  order_number: z.union([z.string(), z.number()]).nullish(),
  created_at: z.string(),
  processed_at: text,
  updated_at: text,
  cancelled_at: text,
  currency: z.string(),
  total_price: amount,
  current_total_price: amount.nullish(),
  financial_status: text,
  email: text,
  contact_email: text,
  phone: text,
  note: text,
  tags: z.union([z.string(), z.array(z.string())]).nullish(),
  note_attributes: z.array(z.looseObject({ name: z.coerce.string(), value: z.coerce.string() })).nullish(),
  customer: z
    .looseObject({ id: id.nullish(), email: text, phone: text, first_name: text, last_name: text })
    .nullish(),
  shipping_address: addressSchema.nullish(),
  shipping_lines: z.array(z.looseObject({ code: text, title: text })).nullish(),
  line_items: z.array(lineSchema),
  fulfillments: z
    .array(
      z.looseObject({
        status: text,
        line_items: z.array(z.looseObject({ id, quantity: z.number() })).nullish(),
      }),
    )
    .nullish(),
  refunds: z
    .array(
      z.looseObject({
        refund_line_items: z.array(z.looseObject({ line_item_id: id, quantity: z.number() })).nullish(),
      }),
    )
    .nullish(),
});
type RestOrder = z.output<typeof orderSchema>;

/**
 * Reads one order as Shopify's REST resources and webhooks write it.
 * @param payload the order object itself, read by `parseExactJson`; see `shopifyOrdersOf` for files.
 */
export function shopifyOrderFromRest(payload: unknown): ShopifyOrderResult {
  const parsed = orderSchema.safeParse(payload);
  if (parsed.success) return incomingOrderOf(readingOf(parsed.data));
  const [issue] = parsed.error.issues;
  const where = issue ? `/${issue.path.join('/')}: ${issue.message}` : 'unknown';
  return { order: null, externalId: idOf(payload), reason: `invalid_payload: ${where}` };
}

/**
 * The order objects of a file: `{order}`, `{orders: […]}`, a bare list, or one bare order. Empty when
 * the document holds no orders (a product, a checkout that was never completed, …).
 */
export function shopifyOrdersOf(document: unknown): unknown[] {
  if (Array.isArray(document)) return document.filter(looksLikeOrder);
  if (typeof document !== 'object' || document === null) return [];
  const { order, orders } = document as { order?: unknown; orders?: unknown };
  if (Array.isArray(orders)) return orders;
  if (order !== undefined) return [order];
  return looksLikeOrder(document) ? [document] : [];
}

/** Drafts, checkouts and carts have lines too, but no financial status. */
function looksLikeOrder(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'line_items' in value && 'financial_status' in value;
}

/** The id of a payload that is otherwise unreadable, empty when there is none. */
function idOf(payload: unknown): string {
  const found = z.looseObject({ id }).safeParse(payload);
  return found.success ? found.data.id : '';
}

function readingOf(order: RestOrder): ShopifyOrderReading {
  const [method] = order.shipping_lines ?? [];
  const { customer, shipping_address: shipTo } = order;
  return {
    id: order.id,
    name: order.name ?? (order.order_number ? String(order.order_number) : null),
    placedAt: order.processed_at ?? order.created_at,
    updatedAt: order.updated_at,
    currency: order.currency,
    total: order.current_total_price ?? order.total_price,
    financialStatus: order.financial_status,
    cancelledAt: order.cancelled_at,
    shippingMethod: method?.code || method?.title || null,
    email: order.email || order.contact_email || customer?.email || null,
    customer: {
      id: customer?.id ?? null,
      name: fullName(customer) ?? (shipTo?.name || fullName(shipTo)),
      email: customer?.email || order.email,
      phone: customer?.phone || order.phone,
    },
    shipTo: shipTo
      ? {
          ...shipTo,
          name: shipTo.name || fullName(shipTo),
          provinceCode: shipTo.province_code || shipTo.province,
          countryCode: shipTo.country_code || shipTo.country,
        }
      : null,
    lines: order.line_items.map((line) => ({
      id: line.id,
      sku: line.sku,
      title: line.name || line.title || '',
      quantity: line.quantity,
      remaining: remainingOf(order, line),
      unitPrice: line.price,
      requiresShipping: line.requires_shipping ?? true,
      giftCard: line.gift_card ?? false,
    })),
    tags: tagsOf(order.tags),
    note: order.note,
    attributes: order.note_attributes ?? [],
  };
}

/** Shopify's own figure where it gives one, else what was bought less refunds and fulfilments. */
function remainingOf(order: RestOrder, line: RestOrder['line_items'][number]): number {
  if (typeof line.fulfillable_quantity === 'number') return line.fulfillable_quantity;
  const refunded = (order.refunds ?? [])
    .flatMap(({ refund_line_items: items }) => items ?? [])
    .filter((item) => item.line_item_id === line.id)
    .reduce((sum, { quantity }) => sum + quantity, 0);
  const fulfilled = (order.fulfillments ?? [])
    .filter(({ status }) => !['cancelled', 'error', 'failure'].includes(status ?? ''))
    .flatMap(({ line_items: items }) => items ?? [])
    .filter((item) => item.id === line.id)
    .reduce((sum, { quantity }) => sum + quantity, 0);
  const left = (line.current_quantity ?? line.quantity - refunded) - fulfilled;
  // A nonsensical quantity is not levelled to zero: it must be seen.
  return line.quantity < 0 ? line.quantity : Math.max(0, left);
}

function fullName(of: { first_name?: string | null; last_name?: string | null } | null | undefined) {
  const name = [of?.first_name, of?.last_name].filter(Boolean).join(' ');
  return name === '' ? null : name;
}

function tagsOf(tags: RestOrder['tags']): string[] {
  const list = typeof tags === 'string' ? tags.split(',') : (tags ?? []);
  return list.map((tag) => tag.trim()).filter((tag) => tag !== '');
}
