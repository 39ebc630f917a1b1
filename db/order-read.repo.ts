/** Orders for reading: lists, and one with all its parts. The caller's merchants bound every statement. */
import type { Tx } from './client';

export interface OrderRow {
  readonly id: string;
  readonly merchant_id: string;
  readonly connection_id: string;
  readonly channel: string;
  readonly external_id: string;
  readonly external_number: string | null;
  readonly state: string;
  readonly state_since: Date;
  readonly deadline_at: Date | null;
  readonly blocked_reason: string | null;
  readonly blocked_since: Date | null;
  readonly blocked_detail: unknown;
  readonly held: boolean;
  readonly payment: string;
  readonly currency: string;
  readonly total_minor: bigint;
  readonly ship_by: Date | null;
  readonly test: boolean;
  readonly version: bigint;
  readonly placed_at: Date;
  readonly accepted_at: Date;
  readonly shipped_at: Date | null;
  readonly delivered_at: Date | null;
  readonly closed_at: Date | null;
  readonly customer_id: string | null;
  readonly address_version: number;
  readonly requested_shipping_method: string | null;
  readonly service_level: string | null;
  readonly priority: number;
  readonly vip: boolean;
  readonly tags: readonly string[];
  readonly note: string | null;
  readonly gift_message: string | null;
  readonly workflow_id: string;
  /** `placed_at` with its microseconds, for the cursor. */
  readonly key_at: string;
}

const SELECT = `select o.id, o.merchant_id, o.connection_id, c.channel, o.external_id, o.external_number, o.state, o.state_since,
  o.deadline_at, o.blocked_reason, o.blocked_since, o.blocked_detail, o.held, o.payment, o.currency, o.total_minor, o.ship_by,
  o.test, o.version, o.placed_at, o.accepted_at, o.shipped_at, o.delivered_at, o.closed_at, o.customer_id, o.address_version,
  o.requested_shipping_method, o.service_level, o.priority, o.vip, o.tags, o.note, o.gift_message,
  'order:' || o.merchant_id || ':' || o.connection_id || ':' || o.external_id as workflow_id, o.placed_at::text as key_at
  from sales_order o join channel_connection c on c.merchant_id = o.merchant_id and c.id = o.connection_id`;

export interface OrderFilter {
  readonly state?: string | undefined;
  readonly blockedReason?: string | undefined;
  readonly blocked?: boolean | undefined;
  readonly held?: boolean | undefined;
  readonly channel?: string | undefined;
  readonly externalId?: string | undefined;
  readonly placedFrom?: string | undefined;
  readonly placedTo?: string | undefined;
}

/** The newest first. */
export function listOrders(
  tx: Tx,
  merchantIds: readonly string[],
  filter: OrderFilter,
  after: readonly [string, string] | null,
  limit: number,
): Promise<OrderRow[]> {
  const values: unknown[] = [merchantIds];
  const conditions = ['o.merchant_id = any($1::uuid[])'];
  const add = (condition: (place: string) => string, value: unknown) => {
    if (value === undefined || value === null) return;
    values.push(value);
    conditions.push(condition(`$${values.length}`));
  };
  // Only what is asked for stands in the statement, so that each combination finds its index.
  add((p) => `o.state = ${p}`, filter.state);
  add((p) => `o.blocked_reason = ${p}`, filter.blockedReason);
  if (filter.blocked !== undefined)
    conditions.push(`o.blocked_reason is ${filter.blocked ? 'not ' : ''}null`);
  add((p) => `o.held = ${p}`, filter.held);
  add((p) => `c.channel = ${p}`, filter.channel);
  add((p) => `o.external_id = ${p}`, filter.externalId);
  add((p) => `o.placed_at >= ${p}::timestamptz`, filter.placedFrom);
  add((p) => `o.placed_at < ${p}::timestamptz`, filter.placedTo);
  if (after !== null) {
    values.push(...after);
    conditions.push(`(o.placed_at, o.id) < ($${values.length - 1}::timestamptz, $${values.length}::uuid)`);
  }
  values.push(limit);
  return tx.rows<OrderRow>({
    text: `${SELECT} where ${conditions.join(' and ')} order by o.placed_at desc, o.id desc limit $${values.length}`,
    values,
  });
}

export async function findOrder(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
): Promise<OrderRow | null> {
  const [row] = await tx.rows<OrderRow>({
    name: 'order-find',
    text: `${SELECT} where o.merchant_id = any($1::uuid[]) and o.id = $2`,
    values: [merchantIds, id],
  });
  return row ?? null;
}

export interface AddressRow {
  readonly version: number;
  readonly name: string | null;
  readonly company: string | null;
  readonly line1: string | null;
  readonly line2: string | null;
  readonly city: string | null;
  readonly region: string | null;
  readonly postal_code: string | null;
  readonly country: string | null;
  readonly phone: string | null;
  readonly email: string | null;
  readonly checked: string;
  readonly problems: readonly string[];
}

/** The present ship-to. */
export async function findAddress(tx: Tx, order: OrderRow): Promise<AddressRow | null> {
  const [row] = await tx.rows<AddressRow>({
    text: `select version, name, company, line1, line2, city, region, postal_code, country, phone, email, checked, problems
      from order_address where merchant_id = $1 and order_id = $2 and version = $3`,
    values: [order.merchant_id, order.id, order.address_version],
  });
  return row ?? null;
}

export async function findCustomer(tx: Tx, order: OrderRow) {
  const [row] = await tx.rows<{
    id: string;
    name: string | null;
    email: string | null;
    phone: string | null;
  }>({
    text: 'select id, name, email, phone from customer where merchant_id = $1 and id = $2',
    values: [order.merchant_id, order.customer_id],
  });
  return row ?? null;
}

export interface HoldRow {
  readonly name: string;
  readonly note: string | null;
  readonly placed_by: string;
  readonly placed_at: Date;
  readonly released_by: string | null;
  readonly released_at: Date | null;
}

export function listHolds(tx: Tx, merchantId: string, orderId: string): Promise<HoldRow[]> {
  return tx.rows<HoldRow>({
    text: `select name, note, placed_by, placed_at, released_by, released_at from order_hold
      where merchant_id = $1 and order_id = $2 order by placed_at`,
    values: [merchantId, orderId],
  });
}

export interface OrderLineRow {
  readonly id: string;
  readonly external_line_id: string;
  readonly sku: string;
  readonly title: string;
  readonly quantity: number;
  readonly cancelled_quantity: number;
  readonly unit_price_minor: bigint;
  readonly ships: boolean;
  readonly product_id: string | null;
}

export function listOrderLines(tx: Tx, merchantId: string, orderId: string): Promise<OrderLineRow[]> {
  return tx.rows<OrderLineRow>({
    text: `select id, external_line_id, sku, title, quantity, cancelled_quantity, unit_price_minor, ships, product_id
      from sales_order_line where merchant_id = $1 and order_id = $2 order by line_no`,
    values: [merchantId, orderId],
  });
}

export interface FulfilmentOrderRow {
  readonly id: string;
  readonly number: number;
  readonly warehouse_id: string;
  readonly warehouse_code: string;
  readonly state: string;
  readonly state_since: Date;
  readonly ship_by: Date | null;
  readonly shipped_at: Date | null;
  readonly lines: readonly {
    readonly id: string;
    readonly orderLineId: string;
    readonly productId: string;
    readonly sku: string;
    readonly quantity: number;
    readonly shorted: number;
  }[];
}

export function listFulfilmentOrders(
  tx: Tx,
  merchantId: string,
  orderId: string,
): Promise<FulfilmentOrderRow[]> {
  return tx.rows<FulfilmentOrderRow>({
    text: `
select f.id, f.number, f.warehouse_id, w.code as warehouse_code, f.state, f.state_since, f.ship_by, f.shipped_at,
  coalesce((select json_agg(json_build_object('id', l.id, 'orderLineId', l.order_line_id, 'productId', l.product_id,
      'sku', p.sku, 'quantity', l.quantity, 'shorted', l.shorted) order by p.sku, l.id)
    from fulfilment_order_line l join product p on p.merchant_id = l.merchant_id and p.id = l.product_id
    where l.merchant_id = f.merchant_id and l.fulfilment_order_id = f.id), '[]') as lines
from fulfilment_order f join warehouse w on w.id = f.warehouse_id
where f.merchant_id = $1 and f.order_id = $2 order by f.number`,
    values: [merchantId, orderId],
  });
}
