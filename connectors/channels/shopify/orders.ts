/**
 * Finding orders by asking, which also finds what a lost webhook should have said. The cursor is a time
 * and, within one pass, Shopify's page cursor. A pass walks everything updated at or after its time in
 * the order of update, so an order that changes meanwhile moves to the end and is met again. The next
 * pass begins a little before the newest update seen, because Shopify's search index runs behind its
 * orders; what is found twice has the same version and changes nothing.
 */
import { z } from 'zod';
import { Failure } from '../../../domain/failure-types';
import type { ChannelAccount, PolledOrder, PollPage } from '../port';
import { callAdminApi, pageInfoSchema, remainingPages } from './admin-api';
import { CHANGED_ORDERS, ORDER_LINES } from './documents';
import { plainId } from './global-ids';
import { incomingOrderOf, type ShopifyLineReading, type ShopifyOrderReading } from './order-mapping';

/** Shopify promises no bound for its index; a minute is well above what is commonly seen. */
const OVERLAP_MS = 60_000;

const cursorSchema = z.strictObject({
  /** Start of this pass; null: from the beginning. */
  since: z.iso.datetime().nullable(),
  /** Shopify's page cursor within the pass. */
  after: z.string().nullable(),
  /** Newest update met in this pass. */
  newest: z.iso.datetime().nullable(),
});
type Cursor = z.output<typeof cursorSchema>;

const text = z.string().nullable();
const money = z.object({ shopMoney: z.object({ amount: z.string() }) });
const lineSchema = z.object({
  id: z.string(),
  sku: text,
  name: z.string(),
  quantity: z.number(),
  currentQuantity: z.number(),
  unfulfilledQuantity: z.number(),
  requiresShipping: z.boolean(),
  isGiftCard: z.boolean(),
  originalUnitPriceSet: money,
});
const linesSchema = z.object({ pageInfo: pageInfoSchema, nodes: z.array(lineSchema) });
const orderSchema = z.object({
  id: z.string(),
  name: z.string(),
  createdAt: z.string(),
  processedAt: z.string(),
  updatedAt: z.iso.datetime({ offset: true }),
  cancelledAt: text,
  currencyCode: z.string(),
  displayFinancialStatus: text,
  email: text,
  phone: text,
  note: text,
  tags: z.array(z.string()),
  customAttributes: z.array(z.object({ key: z.string(), value: text })),
  currentTotalPriceSet: money,
  shippingLine: z.object({ code: text, title: text }).nullable(),
  shippingAddress: z
    .object({
      name: text,
      company: text,
      address1: text,
      address2: text,
      city: text,
      provinceCode: text,
      zip: text,
      countryCodeV2: text,
      phone: text,
    })
    .nullable(),
  customer: z
    .object({
      id: z.string(),
      displayName: text,
      defaultEmailAddress: z.object({ emailAddress: z.string() }).nullable(),
      defaultPhoneNumber: z.object({ phoneNumber: z.string() }).nullable(),
    })
    .nullable(),
  lineItems: linesSchema,
});
type PolledNode = z.output<typeof orderSchema>;

/** Only what paging needs is strict: one order of an odd shape must not hide the others of its page. */
const pageSchema = z.object({
  orders: z.object({
    pageInfo: pageInfoSchema,
    nodes: z.array(z.looseObject({ id: z.string(), updatedAt: z.iso.datetime({ offset: true }) })),
  }),
});

/** A cursor for a first poll that brings only what changed at or after this time. */
export function shopifyCursorSince(since: Date): string {
  return writeCursor({ since: since.toISOString(), after: null, newest: null });
}

export async function pollShopifyOrders(account: ChannelAccount, cursor: string | null): Promise<PollPage> {
  const at = readCursor(cursor);
  const { orders: page } = await callAdminApi(account, {
    document: CHANGED_ORDERS,
    variables: { query: at.since === null ? '' : `updated_at:>='${at.since}'`, after: at.after },
    shape: pageSchema,
    write: false,
  });
  const orders: PolledOrder[] = [];
  for (const node of page.nodes) orders.push(await polledOrder(account, node));

  const newest = page.nodes.reduce(
    (latest, { updatedAt }) => Math.max(latest, Date.parse(updatedAt)),
    at.newest === null ? 0 : Date.parse(at.newest),
  );
  const more = page.pageInfo.hasNextPage && page.pageInfo.endCursor !== null;
  return {
    orders,
    more,
    cursor: writeCursor(more ? nextPage(at, page.pageInfo.endCursor, newest) : nextPass(at, newest)),
  };
}

function nextPage({ since }: Cursor, after: string | null, newest: number): Cursor {
  return { since, after, newest: newest === 0 ? null : new Date(newest).toISOString() };
}

function nextPass({ since }: Cursor, newest: number): Cursor {
  const begin = Math.max(newest - OVERLAP_MS, since === null ? 0 : Date.parse(since));
  return { since: newest === 0 ? since : new Date(begin).toISOString(), after: null, newest: null };
}

function readCursor(cursor: string | null): Cursor {
  if (cursor === null) return { since: null, after: null, newest: null };
  try {
    return cursorSchema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
  } catch (cause) {
    throw new Failure('InvalidInput', 'not a cursor of the Shopify poller', {}, { cause });
  }
}

function writeCursor(cursor: Cursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url');
}

async function polledOrder(account: ChannelAccount, node: { readonly id: string }): Promise<PolledOrder> {
  const parsed = orderSchema.safeParse(node);
  const externalId = plainId(node.id);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue ? `/${issue.path.join('/')}: ${issue.message}` : 'unknown';
    return { order: null, externalId, reason: `invalid_payload: ${where}`, raw: JSON.stringify(node) };
  }
  const lines = await allLines(account, parsed.data);
  const whole = { ...parsed.data, lineItems: { nodes: lines } };
  const { order, reason } = incomingOrderOf(readingOf(parsed.data, lines));
  const found = { order, externalId, raw: JSON.stringify(whole) };
  return reason === undefined ? found : { ...found, reason };
}

type PolledLine = z.output<typeof lineSchema>;

const moreLinesSchema = z.object({ order: z.object({ lineItems: linesSchema }) });

async function allLines(account: ChannelAccount, { id, lineItems }: PolledNode): Promise<PolledLine[]> {
  const more = await remainingPages(lineItems, async (after) => {
    const call = { document: ORDER_LINES, variables: { id, after }, shape: moreLinesSchema, write: false };
    return (await callAdminApi(account, call)).order.lineItems;
  });
  return [...lineItems.nodes, ...more];
}

function readingOf(order: PolledNode, lines: readonly PolledLine[]): ShopifyOrderReading {
  const { customer, shippingAddress: shipTo, shippingLine } = order;
  const email = order.email || customer?.defaultEmailAddress?.emailAddress || null;
  return {
    id: plainId(order.id),
    name: order.name,
    placedAt: order.processedAt,
    updatedAt: order.updatedAt,
    currency: order.currencyCode,
    total: order.currentTotalPriceSet.shopMoney.amount,
    financialStatus: order.displayFinancialStatus,
    cancelledAt: order.cancelledAt,
    shippingMethod: shippingLine?.code || shippingLine?.title || null,
    email,
    customer: {
      id: customer === null ? null : plainId(customer.id),
      name: customer?.displayName || shipTo?.name || null,
      email: customer?.defaultEmailAddress?.emailAddress ?? order.email,
      phone: customer?.defaultPhoneNumber?.phoneNumber ?? order.phone,
    },
    shipTo: shipTo === null ? null : { ...shipTo, countryCode: shipTo.countryCodeV2 },
    lines: lines.map(lineOf),
    tags: order.tags,
    note: order.note,
    attributes: order.customAttributes.map(({ key, value }) => ({ name: key, value: value ?? '' })),
  };
}

function lineOf(line: PolledLine): ShopifyLineReading {
  return {
    id: plainId(line.id),
    sku: line.sku,
    title: line.name,
    quantity: line.quantity,
    // Units removed from the order may still count as unfulfilled.
    remaining: Math.min(line.unfulfilledQuantity, line.currentQuantity),
    unitPrice: line.originalUnitPriceSet.shopMoney.amount,
    requiresShipping: line.requiresShipping,
    giftCard: line.isGiftCard,
  };
}
