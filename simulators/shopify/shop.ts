/**
 * What happens in the simulated shop: orders are placed, paid, edited and cancelled by its customers,
 * fulfilled by us, and its stock follows. Every change is put into the partner's memory before anybody
 * hears of it, stamps `updated_at`, and is told to `onChange` with the webhook topics it has. Nothing
 * here knows HTTP.
 */
import type { z } from 'zod';
import { formatMinor, parseMinor } from '../../domain/money';
import type { PartnerMemory } from '../partner-memory';
import {
  type RestAddress,
  type RestFulfillment,
  type RestLine,
  type RestOrder,
  restTime,
} from './rest-shapes';
import {
  type NewOrder,
  newOrderSchema,
  type orderEditSchema,
  type Product,
  REFUSE_TRACKING_TAG,
} from './shop-input';

/** Ids are the odd numbers from here on: no double holds any of them. */
const FIRST_ID = 2n ** 53n + 1n;

export interface FulfillmentOrder {
  readonly id: string;
  readonly orderId: string;
  readonly locationId: string;
  readonly status: 'OPEN' | 'IN_PROGRESS' | 'ON_HOLD' | 'CLOSED' | 'CANCELLED';
  readonly lines: readonly {
    readonly id: string;
    readonly lineId: string;
    readonly totalQuantity: number;
    readonly remainingQuantity: number;
  }[];
}

export interface InventoryLevel {
  readonly inventoryItemId: string;
  readonly locationId: string;
  readonly available: number;
}

export interface FulfillmentInput {
  readonly parts: readonly {
    readonly fulfillmentOrderId: string;
    /** null: all that remains. */
    readonly lines: readonly { readonly id: string; readonly quantity: number }[] | null;
  }[];
  readonly trackingNumber: string | null;
  readonly trackingCompany: string | null;
  readonly trackingUrl: string | null;
}

/** The shop refuses; its message is what Shopify answers as a user error. */
export class ShopRefusal extends Error {}

/** The shop's first location. Above 2^53 too, and no id of the series above will come near it. */
export const DEFAULT_LOCATION_ID = '18014398509481985';

export class Shop {
  constructor(
    private readonly memory: PartnerMemory,
    private readonly clock: () => Date,
    private readonly onChange: (topics: readonly string[], order: RestOrder) => void,
    private readonly onLevel: (level: InventoryLevel) => void = () => undefined,
  ) {}

  order(id: string): RestOrder | undefined {
    return this.memory.get<RestOrder>('order', id);
  }

  /** Oldest change first. */
  ordersByUpdate(): { readonly key: string; readonly order: RestOrder }[] {
    return this.memory
      .list<RestOrder>('order')
      .map((order) => ({ key: `${order.updated_at}|${order.id.padStart(20, '0')}`, order }))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  fulfillmentOrder(id: string): FulfillmentOrder | undefined {
    return this.memory.get<FulfillmentOrder>('fulfillment_order', id);
  }

  fulfillmentOrdersOf(orderId: string): FulfillmentOrder[] {
    const ids = this.memory.get<string[]>('fulfillment_orders_of', orderId) ?? [];
    return ids.flatMap((id) => this.fulfillmentOrder(id) ?? []);
  }

  fulfillment(id: string): RestFulfillment | undefined {
    const orderId = this.memory.get<string>('order_of_fulfillment', id);
    return orderId === undefined ? undefined : this.order(orderId)?.fulfillments.find((one) => one.id === id);
  }

  products(): Product[] {
    return this.memory.list<Product>('product');
  }

  setProducts(products: readonly Product[]): void {
    for (const product of products) this.memory.put('product', product.sku, product);
  }

  level(inventoryItemId: string, locationId: string): InventoryLevel | undefined {
    return this.memory.get<InventoryLevel>('level', `${inventoryItemId}|${locationId}`);
  }

  levels(): InventoryLevel[] {
    return this.memory.list<InventoryLevel>('level');
  }

  /** Stocks the item there, or changes what is available of it; whoever listens hears of a change. */
  setLevel(level: InventoryLevel): void {
    const before = this.level(level.inventoryItemId, level.locationId);
    this.memory.put('level', `${level.inventoryItemId}|${level.locationId}`, level);
    if (before === undefined) {
      const places = this.memory.get<string[]>('levels_of', level.inventoryItemId) ?? [];
      this.memory.put('levels_of', level.inventoryItemId, [...places, level.locationId]);
    } else if (before.available !== level.available) this.onLevel(level);
  }

  /** The item is no longer stocked anywhere, as when its variant is deleted. */
  removeItem(inventoryItemId: string): void {
    for (const locationId of this.memory.get<string[]>('levels_of', inventoryItemId) ?? [])
      this.memory.remove('level', `${inventoryItemId}|${locationId}`);
    this.memory.remove('levels_of', inventoryItemId);
  }

  isStocked(inventoryItemId: string): boolean {
    return this.memory.get('levels_of', inventoryItemId) !== undefined;
  }

  place(input: NewOrder): RestOrder {
    const order = this.newOrder(newOrderSchema.parse(input));
    this.openFulfillmentOrders(order, input);
    this.moveStock(order, -1);
    this.memory.put('order', order.id, order);
    this.onChange(['orders/create'], order);
    return order;
  }

  pay(id: string): RestOrder {
    const order = this.known(id);
    if (order.cancelled_at !== null) throw new ShopRefusal('The order is cancelled');
    if (order.financial_status === 'paid') return order;
    return this.change(order, { financial_status: 'paid' }, ['orders/paid', 'orders/updated']);
  }

  edit(id: string, edit: z.output<typeof orderEditSchema>): RestOrder {
    const changes = Object.fromEntries(Object.entries(edit).filter(([, value]) => value !== undefined));
    return this.change(this.known(id), changes, ['orders/updated']);
  }

  cancel(id: string): RestOrder {
    const order = this.known(id);
    if (order.cancelled_at !== null) return order;
    if (order.fulfillments.some(({ status }) => status === 'success')) {
      throw new ShopRefusal('An order with fulfillments can not be cancelled');
    }
    for (const open of this.fulfillmentOrdersOf(id))
      this.putFulfillmentOrder({ ...open, status: 'CANCELLED' });
    this.moveStock(order, 1);
    const changes = {
      cancelled_at: restTime(this.clock()),
      cancel_reason: 'customer',
      financial_status: order.financial_status === 'paid' ? ('refunded' as const) : ('voided' as const),
      current_total_price: '0.00',
      line_items: order.line_items.map((line) => ({ ...line, current_quantity: 0, fulfillable_quantity: 0 })),
    };
    return this.change(order, changes, ['orders/cancelled', 'orders/updated']);
  }

  /** Holds or releases all open fulfilment orders of an order. */
  setHold(id: string, held: boolean): RestOrder {
    const order = this.known(id);
    const [from, to] = held ? (['OPEN', 'ON_HOLD'] as const) : (['ON_HOLD', 'OPEN'] as const);
    for (const one of this.fulfillmentOrdersOf(id)) {
      if (one.status === from) this.putFulfillmentOrder({ ...one, status: to });
    }
    return this.change(order, {}, ['orders/updated']);
  }

  /** @throws ShopRefusal with Shopify's message when the parts can't be fulfilled. */
  fulfill(input: FulfillmentInput): RestFulfillment {
    const parts = input.parts.map((part) => this.partOf(part));
    const [first] = parts;
    if (first === undefined) throw new ShopRefusal('Line items by fulfillment order must not be empty');
    const { orderId, locationId } = first.of;
    if (parts.some(({ of }) => of.orderId !== orderId))
      throw new ShopRefusal('All fulfillment orders must belong to the same order');
    if (parts.some(({ of }) => of.locationId !== locationId)) {
      throw new ShopRefusal('All fulfillment orders must be assigned to the same location');
    }
    const fulfillment: RestFulfillment = {
      id: this.nextId(),
      order_id: orderId,
      status: 'success',
      created_at: restTime(this.clock()),
      location_id: locationId,
      tracking_company: input.trackingCompany,
      tracking_number: input.trackingNumber,
      tracking_url: input.trackingUrl,
      line_items: parts.flatMap(({ taken }) =>
        taken.map(({ lineId, quantity }) => ({ id: lineId, quantity })),
      ),
    };
    for (const { of, taken } of parts) this.putFulfillmentOrder(without(of, taken));
    this.memory.put('order_of_fulfillment', fulfillment.id, orderId);
    const order = this.known(orderId);
    const lines = order.line_items.map((line) => fulfilled(line, fulfillment));
    const whole = lines.every(({ fulfillable_quantity: left }) => left === 0);
    this.change(
      order,
      {
        fulfillments: [...order.fulfillments, fulfillment],
        line_items: lines,
        fulfillment_status: whole ? 'fulfilled' : 'partial',
      },
      [whole ? 'orders/fulfilled' : 'orders/partially_fulfilled', 'orders/updated'],
    );
    return fulfillment;
  }

  private partOf({ fulfillmentOrderId, lines }: FulfillmentInput['parts'][number]) {
    const of = this.fulfillmentOrder(fulfillmentOrderId);
    if (of === undefined) throw new ShopRefusal('Fulfillment order does not exist.');
    if (of.status !== 'OPEN' && of.status !== 'IN_PROGRESS') {
      throw new ShopRefusal(
        `Fulfillment order ${of.id} has an unfulfillable status= ${of.status.toLowerCase()}.`,
      );
    }
    const asked = lines ?? of.lines.map(({ id, remainingQuantity }) => ({ id, quantity: remainingQuantity }));
    const taken = asked.map(({ id, quantity }) => {
      const line = of.lines.find((one) => one.id === id);
      if (line === undefined) throw new ShopRefusal('Fulfillment order line item does not exist.');
      if (quantity < 1 || quantity > line.remainingQuantity) {
        throw new ShopRefusal('Invalid fulfillment order line item quantity requested.');
      }
      return { id, lineId: line.lineId, quantity };
    });
    return { of, taken };
  }

  private known(id: string): RestOrder {
    const order = this.order(id);
    if (order === undefined) throw new ShopRefusal('Order does not exist');
    return order;
  }

  private change(order: RestOrder, changes: Partial<RestOrder>, topics: readonly string[]): RestOrder {
    const changed = { ...order, ...changes, updated_at: restTime(this.clock()) };
    this.memory.put('order', order.id, changed);
    this.onChange(topics, changed);
    return changed;
  }

  private putFulfillmentOrder(of: FulfillmentOrder): void {
    this.memory.put('fulfillment_order', of.id, of);
  }

  private nextId(): string {
    return (FIRST_ID + 2n * BigInt(this.memory.next('id'))).toString();
  }

  private newOrder(input: z.output<typeof newOrderSchema>): RestOrder {
    const id = this.nextId();
    const number = 1000 + this.memory.next('order_number');
    const now = restTime(this.clock());
    const minor = (amount: string) => parseMinor(amount, input.currency);
    const goods = input.line_items.reduce(
      (sum, { price, quantity }) => sum + minor(price) * BigInt(quantity),
      0n,
    );
    const total = input.shipping_lines.reduce((sum, { price }) => sum + minor(price), goods);
    return {
      id,
      admin_graphql_api_id: `gid://shopify/Order/${id}`,
      name: `#${number}`,
      order_number: number,
      created_at: now,
      processed_at: now,
      updated_at: now,
      cancelled_at: null,
      cancel_reason: null,
      currency: input.currency,
      total_price: formatMinor(total, input.currency),
      current_total_price: formatMinor(total, input.currency),
      subtotal_price: formatMinor(goods, input.currency),
      financial_status: input.financial_status,
      fulfillment_status: null,
      email: input.email,
      phone: input.phone,
      note: input.note,
      tags: input.tags,
      note_attributes: input.note_attributes,
      test: false,
      customer: customerOf(this.nextId(), input.email, input.phone, input.shipping_address),
      shipping_address: input.shipping_address,
      shipping_lines: input.shipping_lines.map((line) => ({ id: this.nextId(), ...line })),
      line_items: input.line_items.map(({ location_id: _location, ...line }) => ({
        id: this.nextId(),
        variant_id: this.nextId(),
        product_id: null,
        ...line,
        name: line.title,
        current_quantity: line.quantity,
        fulfillable_quantity: line.quantity,
        fulfillment_status: null,
      })),
      fulfillments: [],
      refunds: [],
    };
  }

  /** One for each location, as Shopify's routing makes them. */
  private openFulfillmentOrders(order: RestOrder, input: NewOrder): void {
    const byLocation = new Map<string, RestLine[]>();
    order.line_items.forEach((line, index) => {
      const location = input.line_items[index]?.location_id ?? DEFAULT_LOCATION_ID;
      byLocation.set(location, [...(byLocation.get(location) ?? []), line]);
    });
    const held = order.tags.includes(REFUSE_TRACKING_TAG);
    const ids = [...byLocation].map(([locationId, lines]) => {
      const id = this.nextId();
      this.putFulfillmentOrder({
        id,
        orderId: order.id,
        locationId,
        status: held ? 'ON_HOLD' : 'OPEN',
        lines: lines.map((line) => ({
          id: this.nextId(),
          lineId: line.id,
          totalQuantity: line.quantity,
          remainingQuantity: line.quantity,
        })),
      });
      return id;
    });
    this.memory.put('fulfillment_orders_of', order.id, ids);
  }

  /** What is ordered is no longer available in the shop, and is again when the order is cancelled. */
  private moveStock(order: RestOrder, sign: 1 | -1): void {
    for (const line of order.line_items) {
      const item = this.memory.get<Product>('product', line.sku ?? '')?.inventoryItemId;
      const [place] = this.memory.get<string[]>('levels_of', item ?? '') ?? [];
      const level = place === undefined ? undefined : this.level(item ?? '', place);
      if (level) this.setLevel({ ...level, available: level.available + sign * line.quantity });
    }
  }
}

function customerOf(id: string, email: string | null, phone: string | null, address: RestAddress | null) {
  return { id, email, phone, first_name: address?.first_name ?? null, last_name: address?.last_name ?? null };
}

function without(of: FulfillmentOrder, taken: readonly { readonly id: string; readonly quantity: number }[]) {
  const lines = of.lines.map((line) => {
    const quantity = taken.filter(({ id }) => id === line.id).reduce((sum, one) => sum + one.quantity, 0);
    return { ...line, remainingQuantity: line.remainingQuantity - quantity };
  });
  const open = lines.some(({ remainingQuantity }) => remainingQuantity > 0);
  return { ...of, lines, status: open ? ('IN_PROGRESS' as const) : ('CLOSED' as const) };
}

function fulfilled(line: RestLine, by: RestFulfillment): RestLine {
  const quantity = by.line_items
    .filter(({ id }) => id === line.id)
    .reduce((sum, one) => sum + one.quantity, 0);
  if (quantity === 0) return line;
  const left = line.fulfillable_quantity - quantity;
  return { ...line, fulfillable_quantity: left, fulfillment_status: left === 0 ? 'fulfilled' : 'partial' };
}
