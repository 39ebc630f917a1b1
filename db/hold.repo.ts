/** Reads of holds: what a request for one has to know, whose time is over, and what a caller is shown. */
import type { HoldRow } from '../domain/stock/decide-holds';
import type { Tx } from './client';
import { plainArray } from './reservation.repo';
import { distinct, type StockKey, stockKey } from './stock.repo';

export interface HoldRef {
  readonly merchantId: string;
  readonly holdId: string;
}

const COLUMNS = `r.id as "reservationId", r.merchant_id as "merchantId", r.hold_id as "holdId",
  r.warehouse_id as "warehouseId", r.product_id as "productId", r.quantity, r.state, r.expires_at as "expiresAt",
  r.order_id as "orderId"`;

/**
 * Every row of these holds, live or ended. Places, products and quantities of a hold change only when
 * units of it are taken back, so they may be read before the lock; states only after it.
 */
export async function readHolds(tx: Tx, refs: readonly HoldRef[]): Promise<HoldRow[]> {
  if (refs.length === 0) return [];
  return tx.rows<HoldRow>({
    name: 'hold-read',
    text: `select ${COLUMNS} from (select distinct * from unnest($1::uuid[], $2::uuid[])) as k(merchant_id, hold_id)
      join reservation r on r.merchant_id = k.merchant_id and r.hold_id = k.hold_id order by r.id`,
    values: [refs.map((ref) => ref.merchantId), refs.map((ref) => ref.holdId)],
  });
}

export interface HoldFacts {
  readonly balances: readonly {
    readonly merchant_id: string;
    readonly warehouse_id: string;
    readonly product_id: string;
    readonly on_hand: number;
    readonly held: number;
    readonly reserved: number;
    readonly lot_tracked: boolean;
  }[];
  readonly steps: readonly {
    readonly merchant_id: string;
    readonly key: string;
    readonly outcome: unknown;
  }[];
  readonly clocks: readonly { readonly merchant_id: string; readonly now: string }[];
}

/**
 * Locks balances in the order of their keys, and reads with them what was decided under these step keys
 * before and the merchants' business clocks: one statement, for each costs a batch a millisecond. Its
 * snapshot is older than the locks: a step that was committed while it waited for them shows when the
 * same step is written (StepTaken), and then all is read anew.
 */
export async function lockForHolds(
  tx: Tx,
  keys: readonly StockKey[],
  steps: readonly { readonly merchantId: string; readonly stepKey: string }[],
): Promise<HoldFacts> {
  const wanted = distinct(keys, stockKey);
  const merchants = distinct(steps, (each) => each.merchantId);
  const [row] = await tx.rows<{ facts: HoldFacts }>({
    name: 'hold-lock',
    text: `
with locked as materialized (
  select b.merchant_id, b.warehouse_id, b.product_id, b.on_hand, b.held, b.reserved
  from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as k(merchant_id, warehouse_id, product_id)
  join stock_balance b using (merchant_id, warehouse_id, product_id)
  order by b.merchant_id, b.warehouse_id, b.product_id for no key update of b
)
select json_build_object(
  'balances', (select coalesce(json_agg(l), '[]') from (select l.*, p.lot_tracked from locked l
    join product p on p.merchant_id = l.merchant_id and p.id = l.product_id) l),
  'steps', (select coalesce(json_agg(s), '[]') from (select s.merchant_id, s.key, s.outcome
    from unnest($4::uuid[], $5::text[]) as k(merchant_id, key) join step s using (merchant_id, key)) s),
  'clocks', (select json_agg(m) from (select id as merchant_id, business_now(id) as now from merchant
    where id = any($6::uuid[])) m)) as facts`,
    values: [
      plainArray(wanted.map((key) => key.merchantId)),
      plainArray(wanted.map((key) => key.warehouseId)),
      plainArray(wanted.map((key) => key.productId)),
      plainArray(steps.map((each) => each.merchantId)),
      steps.map((each) => each.stepKey),
      plainArray(merchants.map((each) => each.merchantId)),
    ],
  });
  return (row as { facts: HoldFacts }).facts;
}

/** Holds whose time is over by their merchants' clocks; for the system role. */
export function dueHolds(tx: Tx, limit: number): Promise<HoldRef[]> {
  return tx.rows<HoldRef>({
    name: 'hold-due',
    text: `
select distinct r.merchant_id as "merchantId", r.hold_id as "holdId" from (
  select r.merchant_id, r.hold_id from reservation r join merchant m on m.id = r.merchant_id
  where r.state = 'held' and r.hold_id is not null
    -- The latest of all clocks, a constant of the statement: it lets the index bound the scan.
    and r.expires_at <= (select greatest(now(), max(business_now)) from merchant)
    and r.expires_at <= coalesce(m.business_now, now())
  order by r.expires_at limit $1) r`,
    values: [limit],
  });
}

export interface HoldToShow extends HoldRow {
  readonly sku: string;
  readonly warehouseCode: string;
  readonly createdAt: Date;
  /** No checkout made it: an order got it while it waited. */
  readonly keptByOrder: boolean;
}

/** One hold of these merchants as its rows, empty when there is none. */
export function findHold(tx: Tx, merchantIds: readonly string[], holdId: string): Promise<HoldToShow[]> {
  return tx.rows<HoldToShow>({
    text: `select ${COLUMNS}, p.sku, w.code as "warehouseCode", r.created_at as "createdAt",
        r.hold_id = r.id as "keptByOrder"
      from reservation r join product p on p.merchant_id = r.merchant_id and p.id = r.product_id
      join warehouse w on w.id = r.warehouse_id
      where r.merchant_id = any($1::uuid[]) and r.hold_id = $2 order by r.id`,
    values: [merchantIds, holdId],
  });
}

export interface Holdable {
  readonly id: string;
  readonly sku: string;
  /** What is stocked of it: itself, or what a bundle consists of. */
  readonly parts: readonly { readonly productId: string; readonly units: number }[];
}

/** Products by id or SKU that are sold, a bundle with all that is in it. */
export function findHoldable(
  tx: Tx,
  merchantId: string,
  by: { readonly ids: readonly string[]; readonly skus: readonly string[] },
): Promise<Holdable[]> {
  return tx.rows<Holdable>({
    text: `
with recursive part as (
  select p.id as whole, p.sku, p.id, 1 as units, p.is_bundle, 0 as depth from product p
  where p.merchant_id = $1 and p.archived_at is null and p.ships and (p.id = any($2::uuid[]) or p.sku = any($3::text[]))
  union all
  select part.whole, part.sku, c.component_product_id, part.units * c.quantity, p.is_bundle, part.depth + 1
  from part join bundle_component c on c.merchant_id = $1 and c.bundle_product_id = part.id
  join product p on p.merchant_id = $1 and p.id = c.component_product_id
  where part.is_bundle and part.depth < 6
)
select whole as id, sku, json_agg(json_build_object('productId', id, 'units', units)) as parts
from part where not is_bundle group by whole, sku`,
    values: [merchantId, by.ids, by.skus],
  });
}

/** Where the merchant's orders may be served from. */
export async function openWarehouses(tx: Tx, merchantId: string): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>({
    text: `select w.id from merchant_warehouse mw join warehouse w on w.id = mw.warehouse_id and w.closed_at is null
      where mw.merchant_id = $1 order by w.id`,
    values: [merchantId],
  });
  return rows.map(({ id }) => id);
}

export interface HeldByOrder extends StockKey {
  readonly reservationId: string;
  readonly holdId: string;
  readonly orderId: string;
  readonly quantity: number;
  readonly expiresAt: Date;
  /** The order's checkout made it; the order has not taken it over yet. */
  readonly ofCheckout: boolean;
}

/**
 * Live holds that these orders may use: what they keep while they wait, and the ones their checkouts made.
 * Once before the locks to know which balances to lock, once after them to know what is true.
 */
export async function readHoldsOfOrders(
  tx: Tx,
  orders: readonly {
    readonly merchantId: string;
    readonly orderId: string;
    readonly holdId: string | null;
  }[],
): Promise<HeldByOrder[]> {
  if (orders.length === 0) return [];
  return tx.rows<HeldByOrder>({
    name: 'hold-of-orders',
    text: `
select r.id as "reservationId", r.merchant_id as "merchantId", r.hold_id as "holdId", k.order_id as "orderId",
  r.warehouse_id as "warehouseId", r.product_id as "productId", r.quantity, r.expires_at as "expiresAt",
  r.order_id is null as "ofCheckout"
from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as k(merchant_id, order_id, hold_id)
join lateral (
  select * from reservation r where r.merchant_id = k.merchant_id and r.order_id = k.order_id
    and r.hold_id is not null and r.state = 'held'
  union all
  select * from reservation r where r.merchant_id = k.merchant_id and r.hold_id = k.hold_id and r.order_id is null
    and r.state = 'held'
) r on true order by r.id`,
    values: [
      orders.map((each) => each.merchantId),
      orders.map((each) => each.orderId),
      orders.map((each) => each.holdId),
    ],
  });
}
