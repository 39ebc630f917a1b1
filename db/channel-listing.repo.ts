/**
 * Listings: what a channel shows of a product. The pusher reads a few by id with everything that decides
 * their quantity, and writes what the channel took, answered or told. Nobody locks them: one process
 * pushes a connection, and a person's settings touch other columns.
 */
import type { ComponentStock, ListingRule } from '../domain/stock/channel-quantity';
import type { Tx } from './client';

export interface ListingRef {
  readonly id: string;
  readonly connectionId: string;
  readonly productId: string;
}

/** Listings that show these products, themselves or as a part of a bundle. */
export function listingsOfProducts(
  tx: Tx,
  products: readonly { readonly merchantId: string; readonly productId: string }[],
): Promise<(ListingRef & { readonly changedProductId: string })[]> {
  if (products.length === 0) return Promise.resolve([]);
  return tx.rows({
    name: 'listing-of-products',
    text: `
with changed as (select * from json_to_recordset($1) as k(merchant_id uuid, product_id uuid)),
offered as (
  select merchant_id, product_id, product_id as changed_id from changed
  union
  select b.merchant_id, b.bundle_product_id, b.component_product_id from changed
  join bundle_component b on b.merchant_id = changed.merchant_id and b.component_product_id = changed.product_id
)
select l.id, l.connection_id as "connectionId", l.product_id as "productId", o.changed_id as "changedProductId"
from offered o join channel_listing l on l.merchant_id = o.merchant_id and l.product_id = o.product_id`,
    values: [JSON.stringify(products.map((p) => ({ merchant_id: p.merchantId, product_id: p.productId })))],
  });
}

/** The connection's listings after an id, for a look at all of them. */
export async function listingIdsAfter(
  tx: Tx,
  merchantId: string,
  connectionId: string,
  after: string | null,
  limit: number,
): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>({
    text: `select id from channel_listing where merchant_id = $1 and connection_id = $2 and parked_at is null
      and ($3::uuid is null or id > $3) order by id limit $4`,
    values: [merchantId, connectionId, after, limit],
  });
  return rows.map(({ id }) => id);
}

export interface ListingToPush {
  readonly id: string;
  readonly externalItemId: string;
  readonly externalLocationId: string;
  readonly rule: ListingRule;
  readonly components: readonly ComponentStock[];
  readonly believed: number | null;
  /** Milliseconds until it may be raised again; 0 at once. */
  readonly settlesInMs: number;
}

type PartTuple = readonly [available: number, waiting: number, units: number];

/** These listings with their rules and the stock behind them, in one snapshot. Parked ones are left out. */
export async function readListings(
  tx: Tx,
  merchantId: string,
  ids: readonly string[],
): Promise<ListingToPush[]> {
  if (ids.length === 0) return [];
  const rows = await tx.rows<{
    id: string;
    item: string;
    location: string;
    rule: ListingRule;
    believed: number | null;
    settles: number;
    parts: readonly PartTuple[];
  }>({
    name: 'listing-to-push',
    text: `
select l.id, l.external_item_id as item, l.external_location_id as location, l.channel_quantity as believed,
  greatest(coalesce(extract(epoch from l.raise_after - now()) * 1000, 0), 0)::integer as settles,
  json_build_object('paused', l.paused, 'buffer', coalesce(l.buffer, s.buffer),
    'sharePercent', coalesce(l.share_percent, s.share_percent), 'cap', coalesce(l.cap, s.cap),
    'minDisplay', coalesce(l.min_display, s.min_display),
    'backorderAllowance', coalesce(l.backorder_allowance, s.backorder_allowance)) as rule,
  (select coalesce(json_agg(json_build_array(
      coalesce((select sum(b.on_hand - b.held - b.reserved) from stock_balance b where b.merchant_id = $1
        and b.product_id = part.product_id and (l.warehouse_id is null or b.warehouse_id = l.warehouse_id)), 0),
      coalesce((select sum(w.quantity) from backorder w where w.merchant_id = $1 and w.product_id = part.product_id), 0),
      part.units)), '[]')
    from (
      select l.product_id, l.units where not p.is_bundle
      union all
      select c.component_product_id, c.quantity * l.units from bundle_component c
      where p.is_bundle and c.merchant_id = $1 and c.bundle_product_id = l.product_id
    ) part) as parts
from unnest($2::uuid[]) as asked(id)
join channel_listing l on l.merchant_id = $1 and l.id = asked.id
join channel_sync s on s.merchant_id = l.merchant_id and s.connection_id = l.connection_id
join product p on p.merchant_id = l.merchant_id and p.id = l.product_id
where l.parked_at is null`,
    values: [merchantId, ids],
  });
  return rows.map((row) => ({
    id: row.id,
    externalItemId: row.item,
    externalLocationId: row.location,
    rule: row.rule,
    believed: row.believed,
    settlesInMs: row.settles,
    components: row.parts.map(([available, waiting, units]) => ({ available, waiting, units })),
  }));
}

/** How many of our last quantities are kept, to know their echoes by. */
const RECENT = 5;

/** What the channel acknowledged. */
export async function recordPushed(
  tx: Tx,
  merchantId: string,
  pushed: readonly { readonly id: string; readonly quantity: number; readonly changedAt: number | null }[],
): Promise<void> {
  if (pushed.length === 0) return;
  await tx.run({
    name: 'listing-pushed',
    text: `
update channel_listing l set channel_quantity = d.quantity, pushed_quantity = d.quantity, pushed_at = now(),
  pushed_change_at = to_timestamp(d.changed_at / 1000), raise_after = null,
  recent_pushes = (l.recent_pushes || d.quantity)[greatest(cardinality(l.recent_pushes) + 2 - ${RECENT}, 1):]
from json_to_recordset($2) as d(id uuid, quantity integer, changed_at double precision)
where l.merchant_id = $1 and l.id = d.id`,
    values: [
      merchantId,
      JSON.stringify(pushed.map(({ id, quantity, changedAt }) => ({ id, quantity, changed_at: changedAt }))),
    ],
  });
}

export interface FoundQuantity {
  readonly id: string;
  readonly quantity: number;
  /** Milliseconds for which it is not raised, because the channel seems to have sold; null: nothing of the kind. */
  readonly settleMs: number | null;
}

/** What the channel said that it has, asked or unasked. */
export async function recordFound(
  tx: Tx,
  merchantId: string,
  found: readonly FoundQuantity[],
): Promise<void> {
  if (found.length === 0) return;
  await tx.run({
    name: 'listing-found',
    text: `
update channel_listing l set channel_quantity = d.quantity,
  raise_after = case when d.settle_ms is null then l.raise_after else now() + d.settle_ms * interval '1 millisecond' end
from json_to_recordset($2) as d(id uuid, quantity integer, settle_ms double precision)
where l.merchant_id = $1 and l.id = d.id`,
    values: [
      merchantId,
      JSON.stringify(found.map(({ id, quantity, settleMs }) => ({ id, quantity, settle_ms: settleMs }))),
    ],
  });
}

/** The order that the channel's lower count foretold has come: the listing may be raised again. */
export async function endSettling(tx: Tx, merchantId: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.run({
    text: 'update channel_listing set raise_after = null where merchant_id = $1 and id = any($2::uuid[])',
    values: [merchantId, ids],
  });
}

/** Puts a listing aside: nothing is pushed until a person releases it. @returns those that were not parked before. */
export async function parkListings(
  tx: Tx,
  merchantId: string,
  parked: readonly { readonly id: string; readonly reason: string }[],
): Promise<readonly { readonly id: string; readonly sku: string; readonly externalItemId: string }[]> {
  if (parked.length === 0) return [];
  return tx.rows({
    text: `
update channel_listing l set parked_at = now(), parked_reason = d.reason, channel_quantity = null, raise_after = null
from json_to_recordset($2) as d(id uuid, reason text), product p
where l.merchant_id = $1 and l.id = d.id and l.parked_at is null and p.merchant_id = l.merchant_id and p.id = l.product_id
returning l.id, p.sku, l.external_item_id as "externalItemId"`,
    values: [
      merchantId,
      JSON.stringify(parked.map(({ id, reason }) => ({ id, reason: reason.slice(0, 500) }))),
    ],
  });
}

export interface KnownListing {
  readonly id: string;
  readonly productId: string;
  readonly externalItemId: string;
  readonly externalLocationId: string;
  readonly believed: number | null;
  readonly recentPushes: readonly number[];
  /** Milliseconds since the last push; null before the first. */
  readonly pushedMsAgo: number | null;
}

/** Listings by what the channel calls them; an empty location of theirs stands for any. */
export function findListings(
  tx: Tx,
  merchantId: string,
  connectionId: string,
  items: readonly { readonly externalItemId: string; readonly externalLocationId: string }[],
): Promise<KnownListing[]> {
  return tx.rows<KnownListing>({
    text: `
select l.id, l.product_id as "productId", l.external_item_id as "externalItemId", l.external_location_id as "externalLocationId",
  l.channel_quantity as believed, l.recent_pushes as "recentPushes",
  (extract(epoch from now() - l.pushed_at) * 1000)::double precision as "pushedMsAgo"
from json_to_recordset($3) as i(item text, location text)
join channel_listing l on l.merchant_id = $1 and l.connection_id = $2 and l.external_item_id = i.item
  and l.external_location_id = i.location
where l.parked_at is null`,
    values: [
      merchantId,
      connectionId,
      JSON.stringify(items.map((i) => ({ item: i.externalItemId, location: i.externalLocationId }))),
    ],
  });
}

/** Has the listings of these products looked at again by whoever pushes them. */
export async function touchProducts(
  tx: Tx,
  merchantId: string,
  productIds: readonly string[],
): Promise<void> {
  if (productIds.length === 0) return;
  await tx.run({
    name: 'listing-touch',
    text: 'insert into stock_change (merchant_id, product_id) select distinct $1::uuid, id from unnest($2::uuid[]) as p (id)',
    values: [merchantId, productIds],
  });
}

export interface NewDrift {
  readonly id: string;
  readonly listingId: string;
  readonly believed: number | null;
  readonly found: number | null;
  readonly wanted: number;
}

export async function insertDrift(tx: Tx, merchantId: string, drift: readonly NewDrift[]): Promise<void> {
  if (drift.length === 0) return;
  await tx.run({
    text: `insert into channel_drift (id, merchant_id, listing_id, believed, found, wanted)
      select d.id, $1, d.listing_id, d.believed, d.found, d.wanted
      from json_to_recordset($2) as d(id uuid, listing_id uuid, believed integer, found integer, wanted integer)`,
    values: [
      merchantId,
      JSON.stringify(
        drift.map((d) => ({
          id: d.id,
          listing_id: d.listingId,
          believed: d.believed,
          found: d.found,
          wanted: d.wanted,
        })),
      ),
    ],
  });
}
