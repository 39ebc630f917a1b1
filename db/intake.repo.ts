/**
 * What intake reads: the orders of a batch, locked in one order everywhere, and then in one statement
 * the facts that decide about them. Two statements, because the second must have a snapshot taken after
 * the locks were won.
 */
import type { Handling, RuleConditions, RuleEffect, ZonePlace } from '../domain/routing/rule';
import type { PartialPolicy, SplitPolicy } from '../domain/routing/snapshot';
import type { Tx } from './client';

export interface IntakeRequestRow {
  readonly merchant_id: string;
  readonly order_id: string;
  readonly step_key: string;
}

export interface IntakeOrderRow {
  readonly merchant_id: string;
  readonly id: string;
  readonly connection_id: string;
  readonly customer_id: string | null;
  readonly state: string;
  readonly held: boolean;
  readonly payment: 'pending' | 'authorised' | 'captured' | 'voided' | 'refunded';
  readonly blocked_reason: string | null;
  readonly requested_shipping_method: string | null;
  readonly channel_ship_by: Date | null;
  readonly placed_at: Date;
  readonly address_version: number;
  readonly priority: number;
  readonly tags: readonly string[];
  readonly channel: string;
  /** What its checkout held. */
  readonly hold_id: string | null;
  readonly business_now: Date;
}

/** Locks the orders and reads them. An id that is not there is missing from the answer. */
export function lockOrdersForIntake(
  tx: Tx,
  requests: readonly IntakeRequestRow[],
): Promise<IntakeOrderRow[]> {
  return tx.rows<IntakeOrderRow>({
    name: 'intake-lock-orders',
    text: `
select o.merchant_id, o.id, o.connection_id, o.customer_id, o.state, o.held, o.payment, o.blocked_reason, o.requested_shipping_method,
  o.channel_ship_by, o.placed_at, o.address_version, o.priority, o.tags, o.hold_id, business_now(o.merchant_id) as business_now,
  (select c.channel from channel_connection c where c.merchant_id = o.merchant_id and c.id = o.connection_id) as channel
from json_to_recordset($1) as r(merchant_id uuid, order_id uuid)
join sales_order o on o.merchant_id = r.merchant_id and o.id = r.order_id
order by o.merchant_id, o.id for no key update of o`,
    values: [JSON.stringify(requests)],
  });
}

export interface IntakeFacts {
  readonly steps: readonly { merchant_id: string; key: string; outcome: unknown }[];
  readonly lines: readonly {
    order_id: string;
    id: string;
    sku: string;
    quantity: number;
    ships: boolean;
  }[];
  readonly covered: readonly {
    order_id: string;
    order_line_id: string;
    product_id: string;
    quantity: number;
  }[];
  readonly addresses: readonly {
    order_id: string;
    name: string | null;
    company: string | null;
    line1: string | null;
    line2: string | null;
    city: string | null;
    region: string | null;
    postal_code: string | null;
    country: string | null;
    checked: string;
    problems: string[];
  }[];
  readonly merchants: readonly {
    id: string;
    payment_policy: 'none' | 'authorised' | 'captured';
    organisation_id: string;
    split_policy: SplitPolicy;
    line_split_policy: SplitPolicy;
    partial_policy: PartialPolicy;
    address_check: 'carrier' | 'local';
    catalog_version: number;
  }[];
  readonly methods: readonly {
    merchant_id: string;
    connection_id: string | null;
    method: string;
    service_level: string;
    services: string[];
    max_days: number | null;
  }[];
  readonly aliases: readonly {
    merchant_id: string;
    connection_id: string | null;
    alias: string;
    product_id: string;
    multiplier: number;
  }[];
  readonly products: readonly {
    merchant_id: string;
    id: string;
    sku: string;
    ships: boolean;
    is_bundle: boolean;
    weight_grams: number | null;
    handling: Handling[];
  }[];
  readonly components: readonly {
    merchant_id: string;
    bundle_product_id: string;
    component_product_id: string;
    quantity: number;
  }[];
  readonly warehouses: readonly {
    merchant_id: string;
    id: string;
    code: string;
    time_zone: string;
    postal_code: string;
    country: string;
    cutoff_minutes: number;
    working_days: number[];
    holiday_country: string | null;
    closed_days: string[];
    orders_a_day: number | null;
    units_a_day: number | null;
    wms_kind: 'built_in' | 'external';
  }[];
  /** What is planned for the coming days, whoever's orders they are. */
  readonly days: readonly { warehouse_id: string; day: string; orders: number; units: number }[];
  /** In the order in which they are read. */
  readonly rules: readonly {
    merchant_id: string;
    id: string;
    conditions: RuleConditions;
    effects: RuleEffect[];
  }[];
  readonly zones: readonly { merchant_id: string; name: string; places: ZonePlace[] }[];
  readonly rates: readonly {
    merchant_id: string;
    warehouse_id: string;
    zone: string | null;
    base_minor: number;
    per_kg_minor: number;
  }[];
}

/** Which orders, and which of their lines: what the facts are read for. */
const OF_ORDERS = `
r as (
  select * from json_to_recordset($1) as r(merchant_id uuid, order_id uuid, step_key text)
), line as (
  select l.merchant_id, l.order_id, l.id, l.sku, l.quantity - l.cancelled_quantity as quantity, l.ships, l.line_no
  from r join sales_order_line l on l.merchant_id = r.merchant_id and l.order_id = r.order_id
  where l.quantity > l.cancelled_quantity
)`;

/** Lines that belong to no order. */
const OF_LINES = `
r as (
  select $1::uuid as merchant_id, null::uuid as order_id, null::text as step_key
), line as (
  select $1::uuid as merchant_id, null::uuid as order_id, l.id, l.sku, l.quantity, true as ships, l.line_no
  from json_to_recordset($2) as l(id text, sku text, quantity integer, line_no integer)
)`;

const factsOf = (head: string) => `
with recursive ${head}, m as (
  select distinct merchant_id as id from r
), wanted as (
  select distinct merchant_id, sku from line where ships and sku <> ''
), alias as (
  select a.merchant_id, a.connection_id, a.alias, a.product_id, a.multiplier
  from wanted w join sku_alias a on a.merchant_id = w.merchant_id and a.alias = w.sku
), reached as (
  select merchant_id, product_id as id, 0 as depth from alias
  union
  select p.merchant_id, p.id, 0 from wanted w join product p on p.merchant_id = w.merchant_id and p.sku = w.sku
  union
  select c.merchant_id, c.component_product_id, reached.depth + 1
  from reached join bundle_component c on c.merchant_id = reached.merchant_id and c.bundle_product_id = reached.id
  where reached.depth < 6
), known as (
  select distinct merchant_id, id from reached
)
select json_build_object(
  'steps', (select coalesce(json_agg(s), '[]') from (select s.merchant_id, s.key, s.outcome
     from r join step s on s.merchant_id = r.merchant_id and s.key = r.step_key) s),
  'lines', (select coalesce(json_agg(line order by line.order_id, line.line_no), '[]') from line),
  'covered', (select coalesce(json_agg(c), '[]') from (select f.order_id, l.order_line_id, l.product_id,
     sum(l.quantity - l.shorted) as quantity
     from r join fulfilment_order f on f.merchant_id = r.merchant_id and f.order_id = r.order_id
     join fulfilment_order_line l on l.merchant_id = f.merchant_id and l.fulfilment_order_id = f.id
     where f.state not in ('cancelled', 'rejected') group by 1, 2, 3) c),
  'addresses', (select coalesce(json_agg(a), '[]') from (select a.order_id, a.name, a.company, a.line1, a.line2, a.city,
     a.region, a.postal_code, a.country, a.checked, a.problems
     from r join sales_order o on o.merchant_id = r.merchant_id and o.id = r.order_id
     join order_address a on a.merchant_id = o.merchant_id and a.order_id = o.id and a.version = o.address_version) a),
  'merchants', (select json_agg(t) from (select t.id, t.organisation_id, t.payment_policy, t.split_policy,
     t.line_split_policy, t.partial_policy, t.address_check, t.catalog_version from m join merchant t on t.id = m.id) t),
  'methods', (select coalesce(json_agg(x), '[]') from (select x.merchant_id, x.connection_id, x.method, x.service_level,
     x.services, x.max_days from m join shipping_method_map x on x.merchant_id = m.id) x),
  'aliases', (select coalesce(json_agg(a), '[]') from (select * from alias) a),
  'products', (select coalesce(json_agg(p), '[]') from (select p.merchant_id, p.id, p.sku, p.ships, p.is_bundle,
     p.weight_grams, p.handling
     from known k join product p on p.merchant_id = k.merchant_id and p.id = k.id where p.archived_at is null) p),
  'components', (select coalesce(json_agg(c), '[]') from (select c.* from known k
     join bundle_component c on c.merchant_id = k.merchant_id and c.bundle_product_id = k.id) c),
  'warehouses', (select coalesce(json_agg(w), '[]') from (select mw.merchant_id, w.id, w.code, w.time_zone, w.postal_code,
     w.country, w.cutoff_minutes, w.working_days, w.holiday_country, w.closed_days, w.orders_a_day, w.units_a_day, w.wms_kind
     from m join merchant_warehouse mw on mw.merchant_id = m.id
     join warehouse w on w.id = mw.warehouse_id and w.closed_at is null) w),
  'days', (select coalesce(json_agg(d), '[]') from (select distinct d.warehouse_id, d.day, d.orders, d.units
     from m join merchant t on t.id = m.id join merchant_warehouse mw on mw.merchant_id = m.id
     join warehouse_day d on d.organisation_id = t.organisation_id and d.warehouse_id = mw.warehouse_id
       and d.day >= (coalesce(t.business_now, now()) - interval '1 day')::date
       and d.day < (coalesce(t.business_now, now()) + interval '17 days')::date) d),
  'rules', (select coalesce(json_agg(x order by x.position, x.created_at, x.id), '[]') from (select u.merchant_id, u.id,
     u.conditions, u.effects, u.position, u.created_at
     from m join routing_rule u on u.merchant_id = m.id and u.enabled) x),
  'zones', (select coalesce(json_agg(z order by z.position), '[]') from (select z.merchant_id, z.name, z.places, z.position
     from m join routing_zone z on z.merchant_id = m.id) z),
  'rates', (select coalesce(json_agg(a), '[]') from (select a.merchant_id, a.warehouse_id, a.zone, a.base_minor, a.per_kg_minor
     from m join routing_rate a on a.merchant_id = m.id) a)
) as facts`;

const FACTS = factsOf(OF_ORDERS);

export async function readIntakeFacts(tx: Tx, requests: readonly IntakeRequestRow[]): Promise<IntakeFacts> {
  const [row] = await tx.rows<{ facts: IntakeFacts }>({
    name: 'intake-facts',
    text: FACTS,
    values: [JSON.stringify(requests)],
  });
  return (row as { facts: IntakeFacts }).facts;
}

/** The facts that decide about lines which nobody has ordered. */
export async function readFactsOfLines(
  tx: Tx,
  merchantId: string,
  lines: readonly { readonly id: string; readonly sku: string; readonly quantity: number }[],
): Promise<IntakeFacts> {
  const numbered = lines.map((line, index) => ({ ...line, line_no: index + 1 }));
  const [row] = await tx.rows<{ facts: IntakeFacts }>({
    text: factsOf(OF_LINES),
    values: [merchantId, JSON.stringify(numbered)],
  });
  return (row as { facts: IntakeFacts }).facts;
}

/**
 * Holds the merchants' rows FOR SHARE until the transaction ends and says which catalogues changed since
 * the facts were read: an order must not be parked for a mapping that was made meanwhile.
 */
export function shareCatalogVersions(
  tx: Tx,
  merchantIds: readonly string[],
): Promise<{ id: string; catalog_version: bigint }[]> {
  return tx.rows({
    name: 'intake-catalog-versions',
    text: 'select id, catalog_version from merchant where id = any($1::uuid[]) order by id for share',
    values: [merchantIds],
  });
}

/** Verdicts on addresses by digest, as far as a carrier was asked. */
export async function readAddressChecks(
  tx: Tx,
  keys: readonly { readonly merchant_id: string; readonly sha256: string }[],
): Promise<{ merchant_id: string; sha256: string; deliverable: boolean; problems: string[] }[]> {
  if (keys.length === 0) return [];
  return tx.rows({
    name: 'intake-address-checks',
    text: `select c.merchant_id, encode(c.address_sha256, 'hex') as sha256, c.deliverable, c.problems
      from json_to_recordset($1) as k(merchant_id uuid, sha256 text)
      join address_check c on c.merchant_id = k.merchant_id and c.address_sha256 = decode(k.sha256, 'hex')`,
    values: [JSON.stringify(keys)],
  });
}
