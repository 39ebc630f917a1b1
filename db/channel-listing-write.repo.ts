/** Listings as people make, change and look at them; what the pusher does with them is in channel-listing.repo. */
import type { ListingRule } from '../domain/stock/channel-quantity';
import type { Tx } from './client';

export interface ListingRow {
  readonly id: string;
  readonly merchant_id: string;
  readonly connection_id: string;
  readonly product_id: string;
  readonly sku: string;
  readonly external_item_id: string;
  readonly external_location_id: string;
  readonly units: number;
  readonly warehouse_id: string | null;
  readonly paused: boolean;
  readonly buffer: number | null;
  readonly share_percent: number | null;
  readonly cap: number | null;
  readonly min_display: number | null;
  readonly backorder_allowance: number | null;
  readonly version: bigint;
  readonly channel_quantity: number | null;
  readonly pushed_quantity: number | null;
  readonly pushed_at: Date | null;
  readonly pushed_change_at: Date | null;
  readonly parked_at: Date | null;
  readonly parked_reason: string | null;
}

const COLUMNS = `l.id, l.merchant_id, l.connection_id, l.product_id, p.sku, l.external_item_id, l.external_location_id, l.units,
  l.warehouse_id, l.paused, l.buffer, l.share_percent, l.cap, l.min_display, l.backorder_allowance, l.version,
  l.channel_quantity, l.pushed_quantity, l.pushed_at, l.pushed_change_at, l.parked_at, l.parked_reason`;
const JOINED = 'channel_listing l join product p on p.merchant_id = l.merchant_id and p.id = l.product_id';

/** A listing's own rules; null leaves one to the connection. */
export type OwnRules = {
  readonly [K in Exclude<keyof ListingRule, 'paused'>]?: ListingRule[K] | null | undefined;
};

export interface ListingToSave extends OwnRules {
  readonly id: string;
  readonly productId: string;
  readonly externalItemId: string;
  readonly externalLocationId: string;
  readonly units: number;
  readonly warehouseId: string | null;
}

export interface ListingFilter {
  readonly connectionId?: string | undefined;
  readonly sku?: string | undefined;
  readonly parked?: boolean | undefined;
}

/** By id, from one on. */
export function listListings(
  tx: Tx,
  merchantIds: readonly string[],
  filter: ListingFilter,
  after: string | null,
  limit: number,
): Promise<ListingRow[]> {
  return tx.rows<ListingRow>({
    text: `select ${COLUMNS} from ${JOINED}
      where l.merchant_id = any($1::uuid[]) and ($2::uuid is null or l.connection_id = $2) and ($3::text is null or p.sku = $3)
        and ($4::boolean is null or (l.parked_at is not null) = $4) and ($5::uuid is null or l.id > $5)
      order by l.id limit $6`,
    values: [
      merchantIds,
      filter.connectionId ?? null,
      filter.sku ?? null,
      filter.parked ?? null,
      after,
      limit,
    ],
  });
}

export async function lockListing(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
): Promise<ListingRow | null> {
  const [row] = await tx.rows<ListingRow>({
    text: `select ${COLUMNS} from ${JOINED} where l.merchant_id = any($1::uuid[]) and l.id = $2 for no key update of l`,
    values: [merchantIds, id],
  });
  return row ?? null;
}

export interface ListingChange extends OwnRules {
  readonly paused?: boolean | undefined;
  /** false: pushed again from scratch. */
  readonly parked?: false | undefined;
}

const RULES = {
  buffer: 'buffer',
  sharePercent: 'share_percent',
  cap: 'cap',
  minDisplay: 'min_display',
  backorderAllowance: 'backorder_allowance',
} as const;

/** Changes what is given, of a listing that is locked. */
export async function patchListing(
  tx: Tx,
  merchantId: string,
  id: string,
  change: ListingChange,
): Promise<ListingRow> {
  const sets = (Object.keys(RULES) as (keyof typeof RULES)[])
    .filter((name) => change[name] !== undefined)
    .map((name) => `${RULES[name]} = ($3::json ->> '${name}')::integer`);
  if (change.paused !== undefined) sets.push("paused = ($3::json ->> 'paused')::boolean");
  if (change.parked === false) sets.push('parked_at = null', 'parked_reason = null');
  await tx.run({
    text: `update channel_listing set version = version + 1${sets.map((set) => `, ${set}`).join('')}
      where merchant_id = $1 and id = $2 and $3::json is not null`,
    values: [merchantId, id, JSON.stringify(change)],
  });
  return (await lockListing(tx, [merchantId], id)) as ListingRow;
}

/** Makes listings; one that its connection has of the same item and location gets what is given and keeps its rest. */
export function saveListings(
  tx: Tx,
  merchantId: string,
  connectionId: string,
  listings: readonly ListingToSave[],
): Promise<{ id: string; externalItemId: string; created: boolean }[]> {
  return tx.rows({
    text: `
insert into channel_listing as l (id, merchant_id, connection_id, product_id, external_item_id, external_location_id, units,
  warehouse_id, buffer, share_percent, cap, min_display, backorder_allowance)
select g.id, $1, $2, g."productId", g."externalItemId", g."externalLocationId", g.units, g."warehouseId", g.buffer,
  g."sharePercent", g.cap, g."minDisplay", g."backorderAllowance"
from json_to_recordset($3) as g(id uuid, "productId" uuid, "externalItemId" text, "externalLocationId" text, units integer,
  "warehouseId" uuid, buffer integer, "sharePercent" integer, cap integer, "minDisplay" integer, "backorderAllowance" integer)
on conflict (merchant_id, connection_id, external_item_id, external_location_id) do update
set product_id = excluded.product_id, units = excluded.units, warehouse_id = excluded.warehouse_id, version = l.version + 1,
  buffer = coalesce(excluded.buffer, l.buffer), share_percent = coalesce(excluded.share_percent, l.share_percent),
  cap = coalesce(excluded.cap, l.cap), min_display = coalesce(excluded.min_display, l.min_display),
  backorder_allowance = coalesce(excluded.backorder_allowance, l.backorder_allowance)
returning l.id, l.external_item_id as "externalItemId", l.version = 1 as created`,
    values: [merchantId, connectionId, JSON.stringify(listings)],
  });
}

export async function deleteListing(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
): Promise<Pick<ListingRow, 'merchant_id' | 'connection_id' | 'external_item_id'> | null> {
  const [row] = await tx.rows<Pick<ListingRow, 'merchant_id' | 'connection_id' | 'external_item_id'>>({
    text: `delete from channel_listing where merchant_id = any($1::uuid[]) and id = $2
      returning merchant_id, connection_id, external_item_id`,
    values: [merchantIds, id],
  });
  return row ?? null;
}

/** Ids of the merchant's products, by their id and by `sku:` and their SKU. */
export async function productsForListings(
  tx: Tx,
  merchantId: string,
  named: readonly { readonly productId?: string | undefined; readonly sku?: string | undefined }[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await tx.rows<{ id: string; sku: string }>({
    text: 'select id, sku from product where merchant_id = $1 and (id = any($2::uuid[]) or sku = any($3::text[]))',
    values: [
      merchantId,
      named.flatMap(({ productId }) => productId ?? []),
      named.flatMap(({ sku }) => sku ?? []),
    ],
  });
  return new Map(
    rows.flatMap(({ id, sku }) => [
      [id, id],
      [`sku:${sku}`, id],
    ]),
  );
}

export async function productsOfConnection(
  tx: Tx,
  merchantId: string,
  connectionId: string,
): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>({
    text: 'select distinct product_id as id from channel_listing where merchant_id = $1 and connection_id = $2',
    values: [merchantId, connectionId],
  });
  return rows.map(({ id }) => id);
}

export async function servingWarehouses(tx: Tx, merchantId: string): Promise<ReadonlySet<string>> {
  const rows = await tx.rows<{ id: string }>({
    text: 'select warehouse_id as id from merchant_warehouse where merchant_id = $1',
    values: [merchantId],
  });
  return new Set(rows.map(({ id }) => id));
}
