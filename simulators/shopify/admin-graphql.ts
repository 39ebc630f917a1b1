/**
 * The Admin API's schema as far as a fulfilment engine uses it (2026-10): reading orders, fulfilments,
 * fulfilment orders and inventory levels, `fulfillmentCreate`, `inventorySetQuantities`. Names, nullability, user errors
 * and the rules of compare-and-set and of `@idempotent` follow Shopify's published reference.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { PartnerMemory } from '../partner-memory';
import type { Journal } from '../simulator-server';
import { GraphqlError } from './graphql-document';
import { type Args, connectionOf, type FieldFunction, listConnection, readArgs } from './graphql-execute';
import type { RestAddress, RestFulfillment, RestLine, RestOrder } from './rest-shapes';
import { type FulfillmentOrder, type InventoryLevel, type Shop, ShopRefusal } from './shop';

type Fields = Readonly<Record<string, unknown>>;

const gid = (kind: string) =>
  z
    .string()
    .regex(new RegExp(`^gid://shopify/${kind}/\\d+$`), `Invalid global id, expected a ${kind}`)
    .transform((id) => id.slice(id.lastIndexOf('/') + 1));

const money = (amount: string, currencyCode: string) => ({ shopMoney: { amount, currencyCode } });

export function adminSchema(shop: Shop, memory: PartnerMemory, journal: Journal) {
  const query: Fields = {
    orders: ((args) => ordersPage(shop, args)) satisfies FieldFunction,
    order: (args: Args) => {
      const order = shop.order(readArgs(z.strictObject({ id: gid('Order') }), args).id);
      return order === undefined ? null : orderFields(shop, order);
    },
    fulfillment: (args: Args) => {
      const found = shop.fulfillment(readArgs(z.strictObject({ id: gid('Fulfillment') }), args).id);
      return found === undefined ? null : fulfillmentFields(shop, found);
    },
    nodes: (args: Args) => {
      const { ids } = readArgs(z.strictObject({ ids: z.array(gid('InventoryItem')).max(250) }), args);
      return ids.map((id) => inventoryItemFields(shop, id));
    },
    fulfillmentOrder: (args: Args) => {
      const found = shop.fulfillmentOrder(readArgs(z.strictObject({ id: gid('FulfillmentOrder') }), args).id);
      return found === undefined ? null : fulfillmentOrderFields(shop, found);
    },
  };
  const mutation: Fields = {
    fulfillmentCreate: (args: Args) => fulfillmentCreate(shop, journal, args),
    inventorySetQuantities: (args: Args, directives: Readonly<Record<string, Args>>) =>
      inventorySetQuantities(shop, memory, journal, args, directives),
  };
  return { query, mutation };
}

const ordersArgs = z.strictObject({
  first: z.int().min(1).max(250),
  after: z.string().nullish(),
  query: z.string().nullish(),
  sortKey: z.enum(['UPDATED_AT']),
});

function ordersPage(shop: Shop, args: Args): Fields {
  const read = readArgs(ordersArgs, args);
  const search = read.query ?? '';
  const since = /^updated_at:>='([0-9T:.Z+-]+)'$/.exec(search)?.[1];
  if (search !== '' && since === undefined) {
    throw new GraphqlError(`the simulated shop can't search for ${search}`, 'INVALID_SEARCH');
  }
  const from = since === undefined ? Number.NEGATIVE_INFINITY : Date.parse(since);
  const found = shop.ordersByUpdate().filter(({ order }) => Date.parse(order.updated_at) >= from);
  return connectionOf(
    found,
    ({ key }) => key,
    ({ order }) => orderFields(shop, order),
    read,
  );
}

function orderFields(shop: Shop, order: RestOrder): Fields {
  const { customer, shipping_lines: methods } = order;
  return {
    id: order.admin_graphql_api_id,
    legacyResourceId: order.id,
    name: order.name,
    createdAt: order.created_at,
    processedAt: order.processed_at,
    updatedAt: order.updated_at,
    cancelledAt: order.cancelled_at,
    currencyCode: order.currency,
    displayFinancialStatus: order.financial_status.toUpperCase(),
    displayFulfillmentStatus: { fulfilled: 'FULFILLED', partial: 'PARTIALLY_FULFILLED', none: 'UNFULFILLED' }[
      order.fulfillment_status ?? 'none'
    ],
    email: order.email,
    phone: order.phone,
    note: order.note,
    tags: order.tags
      .split(',')
      .map((tag) => tag.trim())
      .filter((tag) => tag !== ''),
    customAttributes: order.note_attributes.map(({ name, value }) => ({ key: name, value })),
    totalPriceSet: money(order.total_price, order.currency),
    currentTotalPriceSet: money(order.current_total_price, order.currency),
    shippingLine: methods[0] ? { code: methods[0].code, title: methods[0].title } : null,
    shippingAddress: order.shipping_address === null ? null : addressFields(order.shipping_address),
    customer:
      customer === null
        ? null
        : {
            id: `gid://shopify/Customer/${customer.id}`,
            displayName: [customer.first_name, customer.last_name].filter(Boolean).join(' '),
            defaultEmailAddress: customer.email === null ? null : { emailAddress: customer.email },
            defaultPhoneNumber: customer.phone === null ? null : { phoneNumber: customer.phone },
          },
    lineItems: listConnection(order.line_items, (line) => lineFields(line, order.currency)),
    fulfillments: (args: Args) => {
      const { first } = readArgs(z.strictObject({ first: z.int().min(1).max(250).optional() }), args);
      return order.fulfillments.slice(0, first).map((one) => fulfillmentFields(shop, one));
    },
    fulfillmentOrders: listConnection(shop.fulfillmentOrdersOf(order.id), (of) =>
      fulfillmentOrderFields(shop, of),
    ),
  };
}

function addressFields(address: RestAddress): Fields {
  return {
    name: address.name,
    company: address.company,
    address1: address.address1,
    address2: address.address2,
    city: address.city,
    province: address.province,
    provinceCode: address.province_code,
    zip: address.zip,
    country: address.country,
    countryCodeV2: address.country_code,
    phone: address.phone,
  };
}

function lineFields(line: RestLine, currency: string): Fields {
  return {
    id: `gid://shopify/LineItem/${line.id}`,
    sku: line.sku,
    name: line.name,
    title: line.title,
    quantity: line.quantity,
    currentQuantity: line.current_quantity,
    unfulfilledQuantity: line.fulfillable_quantity,
    requiresShipping: line.requires_shipping,
    isGiftCard: line.gift_card,
    originalUnitPriceSet: money(line.price, currency),
  };
}

function lineOf(shop: Shop, orderId: string, lineId: string): Fields | null {
  const order = shop.order(orderId);
  const line = order?.line_items.find(({ id }) => id === lineId);
  return order === undefined || line === undefined ? null : lineFields(line, order.currency);
}

function fulfillmentFields(shop: Shop, one: RestFulfillment): Fields {
  const tracking = { number: one.tracking_number, company: one.tracking_company, url: one.tracking_url };
  return {
    id: `gid://shopify/Fulfillment/${one.id}`,
    status: one.status.toUpperCase(),
    createdAt: one.created_at,
    trackingInfo: (args: Args) => {
      readArgs(z.strictObject({ first: z.int().min(1).optional() }), args);
      return one.tracking_number === null ? [] : [tracking];
    },
    fulfillmentLineItems: listConnection(one.line_items, ({ id, quantity }) => ({
      quantity,
      lineItem: lineOf(shop, one.order_id, id),
    })),
  };
}

function fulfillmentOrderFields(shop: Shop, of: FulfillmentOrder): Fields {
  return {
    id: `gid://shopify/FulfillmentOrder/${of.id}`,
    status: of.status,
    assignedLocation: { location: { id: `gid://shopify/Location/${of.locationId}` } },
    lineItems: listConnection(of.lines, (line) => ({
      id: `gid://shopify/FulfillmentOrderLineItem/${line.id}`,
      totalQuantity: line.totalQuantity,
      remainingQuantity: line.remainingQuantity,
      lineItem: lineOf(shop, of.orderId, line.lineId),
    })),
  };
}

const fulfillmentArgs = z.strictObject({
  message: z.string().nullish(),
  fulfillment: z.strictObject({
    lineItemsByFulfillmentOrder: z.array(
      z.strictObject({
        fulfillmentOrderId: gid('FulfillmentOrder'),
        fulfillmentOrderLineItems: z
          .array(z.strictObject({ id: gid('FulfillmentOrderLineItem'), quantity: z.int() }))
          .nullish(),
      }),
    ),
    notifyCustomer: z.boolean().nullish(),
    trackingInfo: z
      .strictObject({
        company: z.string().nullish(),
        number: z.string().nullish(),
        numbers: z.array(z.string()).nullish(),
        url: z.url().nullish(),
        urls: z.array(z.url()).nullish(),
      })
      .nullish(),
  }),
});

function fulfillmentCreate(shop: Shop, journal: Journal, args: Args): Fields {
  const { fulfillment: input } = readArgs(fulfillmentArgs, args);
  try {
    const made = shop.fulfill({
      parts: input.lineItemsByFulfillmentOrder.map(
        ({ fulfillmentOrderId, fulfillmentOrderLineItems: lines }) => ({
          fulfillmentOrderId,
          lines: lines ?? null,
        }),
      ),
      trackingNumber: input.trackingInfo?.number ?? null,
      trackingCompany: input.trackingInfo?.company ?? null,
      trackingUrl: input.trackingInfo?.url ?? null,
    });
    journal.record('fulfilment_created', {
      fulfilmentId: made.id,
      orderId: made.order_id,
      trackingNumber: made.tracking_number,
      trackingCompany: made.tracking_company,
      lines: made.line_items,
    });
    return { fulfillment: fulfillmentFields(shop, made), userErrors: [] };
  } catch (error) {
    if (!(error instanceof ShopRefusal)) throw error;
    return { fulfillment: null, userErrors: [{ field: ['fulfillment'], message: error.message }] };
  }
}

/** null for an item that is stocked nowhere, as for one that never was. */
function inventoryItemFields(shop: Shop, id: string): Fields | null {
  if (!shop.isStocked(id)) return null;
  return {
    __typename: 'InventoryItem',
    id: `gid://shopify/InventoryItem/${id}`,
    inventoryLevel: (args: Args) => {
      const { locationId } = readArgs(z.strictObject({ locationId: gid('Location') }), args);
      const level = shop.level(id, locationId);
      return level === undefined ? null : levelFields(level);
    },
  };
}

function levelFields(level: InventoryLevel): Fields {
  return {
    quantities: (args: Args) => {
      const { names } = readArgs(z.strictObject({ names: z.array(z.enum(['available'])) }), args);
      return names.map((name) => ({ name, quantity: level.available }));
    },
  };
}

const quantitiesArgs = z.strictObject({
  input: z.strictObject({
    name: z.enum(['available', 'on_hand']),
    reason: z.enum(['correction', 'cycle_count_available', 'received', 'restock', 'other']),
    referenceDocumentUri: z.url().nullish(),
    quantities: z
      .array(
        z.strictObject({
          inventoryItemId: gid('InventoryItem'),
          locationId: gid('Location'),
          quantity: z.int(),
          // Required since 2026-04: null opts out, leaving it out is an error.
          changeFromQuantity: z.int().nullable(),
        }),
      )
      .max(250),
  }),
});
type QuantityInput = z.output<typeof quantitiesArgs>['input']['quantities'][number];

function inventorySetQuantities(
  shop: Shop,
  memory: PartnerMemory,
  journal: Journal,
  args: Args,
  directives: Readonly<Record<string, Args>>,
): Fields {
  const { input } = readArgs(quantitiesArgs, args);
  const key = directives['idempotent']?.['key'];
  if (typeof key !== 'string' || key === '') {
    throw new GraphqlError('The @idempotent directive is required for this mutation', 'BAD_REQUEST');
  }
  const digest = createHash('sha256').update(JSON.stringify(input)).digest('hex');
  const before = memory.get<string>('idempotent', key);
  if (before === digest) return setResult([]);
  if (before !== undefined) {
    const message = 'The idempotency key was used with other parameters';
    return setResult([{ field: null, code: 'IDEMPOTENCY_KEY_PARAMETER_MISMATCH', message }]);
  }
  const errors = input.quantities.flatMap((quantity, index) => quantityError(shop, quantity, index) ?? []);
  if (errors.length > 0) return setResult(errors);
  for (const { inventoryItemId, locationId, quantity, changeFromQuantity } of input.quantities) {
    const from = shop.level(inventoryItemId, locationId)?.available ?? 0;
    shop.setLevel({ inventoryItemId, locationId, available: quantity });
    journal.record('quantity_set', {
      inventoryItemId,
      locationId,
      from,
      changeFromQuantity,
      to: quantity,
      key,
    });
  }
  memory.put('idempotent', key, digest);
  return setResult([]);
}

interface QuantityError {
  readonly field: readonly string[] | null;
  readonly code: string;
  readonly message: string;
}

function setResult(userErrors: readonly QuantityError[]): Fields {
  const done = userErrors.length === 0;
  return { inventoryAdjustmentGroup: done ? { reason: 'correction' } : null, userErrors };
}

function quantityError(shop: Shop, input: QuantityInput, index: number): QuantityError | undefined {
  const field = (name: string) => ['input', 'quantities', String(index), name];
  const level = shop.level(input.inventoryItemId, input.locationId);
  if (level === undefined) {
    const message = 'The specified inventory item is not stocked at the location.';
    return { field: field('inventoryItemId'), code: 'ITEM_NOT_STOCKED_AT_LOCATION', message };
  }
  if (input.quantity < 0 || input.quantity > 1_000_000_000) {
    return {
      field: field('quantity'),
      code: 'INVALID_QUANTITY_NEGATIVE',
      message: 'The quantity is not valid.',
    };
  }
  if (input.changeFromQuantity === null || input.changeFromQuantity === level.available) return undefined;
  const message = 'The changeFromQuantity argument no longer matches the persisted quantity.';
  return { field: field('changeFromQuantity'), code: 'CHANGE_FROM_QUANTITY_STALE', message };
}
