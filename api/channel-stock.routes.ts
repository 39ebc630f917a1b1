/**
 * What channels show of stock: listings with their rules and last push, how far each connection is, and
 * where a read-back found something else. Pushing itself is the dispatcher's; what is changed here is
 * looked at like a sale, within a second.
 */
import { z } from 'zod';
import {
  changeChannelStock,
  changeListing,
  putListings,
  reconcileSoon,
  removeListing,
} from '../commands/channels/change-listings';
import {
  channelStockPatchSchema,
  channelStockSchema,
  driftSchema,
  listingPatchSchema,
  listingSchema,
  listingsSchema,
  savedListingsSchema,
} from '../contracts/channel-stock';
import { id, idParams } from '../contracts/common';
import { readListings } from '../db/channel-listing.repo';
import { type ListingRow, listListings } from '../db/channel-listing-write.repo';
import { type ChannelSyncRow, type DriftRow, listDrift, listSyncs } from '../db/channel-sync.repo';
import type { Tx } from '../db/client';
import { groupBy } from '../domain/group-by';
import { channelQuantity } from '../domain/stock/channel-quantity';
import { editorOf, etag, timeOf } from './answers';
import { page, pageOf, pageQuery, readCursor } from './pagination';
import { ProblemError } from './problem';
import { defineRoute, type Route } from './route';

const tag = 'Channel stock';
const flag = z.enum(['true', 'false']).transform((text) => text === 'true');

const listings: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/channel-listings',
    operationId: 'listChannelListings',
    summary: 'Listings with what they should show, what the channel has and the last push',
    tag,
    scope: 'stock:read',
    merchant: 'any',
    query: z.strictObject({
      ...pageQuery,
      connectionId: id.optional(),
      sku: z.string().max(120).optional(),
      parked: flag.optional(),
    }),
    answers: { 200: pageOf(listingSchema) },
    handler: async ({ transaction, merchantIds, query: { limit, cursor, ...filter } }) => {
      const after = readCursor('channel-listings', z.uuid(), cursor);
      const { rows, wanted } = await transaction(async (tx) => {
        const found = await listListings(tx, merchantIds, filter, after, limit + 1);
        return { rows: found, wanted: await wantedOf(tx, found) };
      });
      const listingOf = (row: ListingRow) => answerOf(row, wanted);
      return { body: page('channel-listings', rows, limit, (row) => row.id, listingOf) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/channel-listings',
    operationId: 'saveChannelListings',
    summary: 'Say which items of a channel show which products, by which rules',
    description:
      'All or none. A listing of the same item and location is changed to what is given and keeps its other rules.',
    tag,
    scope: 'stock:write',
    merchant: 'one',
    body: listingsSchema,
    answers: { 200: savedListingsSchema },
    handler: (context) =>
      context.commit(async (tx) => ({
        body: { listings: await putListings(tx, context.merchantId, context.body, editorOf(context)) },
      })),
  }),
  defineRoute({
    method: 'patch',
    path: '/v1/channel-listings/{id}',
    operationId: 'updateChannelListing',
    summary: "Change a listing's rules, pause it, or have a parked one pushed again",
    tag,
    scope: 'stock:write',
    merchant: 'any',
    params: idParams,
    body: listingPatchSchema,
    ifMatch: true,
    answers: { 200: listingSchema },
    handler: (context) =>
      context.commit(async (tx) => {
        const { merchantIds, params, body, ifMatch } = context;
        const row = await changeListing(tx, merchantIds, params.id, body, ifMatch, editorOf(context));
        if (row === 'stale') throw new ProblemError('stale-version');
        return { body: answerOf(row, await wantedOf(tx, [row])), headers: etag(row.version) };
      }),
  }),
  defineRoute({
    method: 'delete',
    path: '/v1/channel-listings/{id}',
    operationId: 'deleteChannelListing',
    summary: 'Forget a listing',
    description: 'The channel keeps the quantity that it was told last.',
    tag,
    scope: 'stock:write',
    merchant: 'any',
    params: idParams,
    answers: { 204: null },
    handler: (context) =>
      context.commit(async (tx) => {
        await removeListing(tx, context.merchantIds, context.params.id, editorOf(context));
        return { status: 204 };
      }),
  }),
];

const connections: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/channel-stock',
    operationId: 'listChannelStock',
    summary: 'Connections that are told stock: their rules, limits and how far they are',
    tag,
    scope: 'stock:read',
    merchant: 'any',
    query: z.strictObject(pageQuery),
    answers: { 200: pageOf(channelStockSchema) },
    handler: async ({ transaction, merchantIds, query: { limit, cursor } }) => {
      const after = readCursor('channel-stock', z.uuid(), cursor);
      const rows = await transaction((tx) => listSyncs(tx, merchantIds, null, after, limit + 1));
      return { body: page('channel-stock', rows, limit, (row) => row.connection_id, syncOf) };
    },
  }),
  defineRoute({
    method: 'patch',
    path: '/v1/channel-stock/{id}',
    operationId: 'updateChannelStock',
    summary: "Change a connection's rules and limits; its listings follow where they have none of their own",
    tag,
    scope: 'stock:write',
    merchant: 'one',
    params: idParams,
    body: channelStockPatchSchema,
    ifMatch: true,
    answers: { 200: channelStockSchema },
    handler: (context) =>
      context.commit(async (tx) => {
        const { merchantId, params, body, ifMatch } = context;
        const done = await changeChannelStock(tx, merchantId, params.id, body, ifMatch, editorOf(context));
        if (done === 'stale') throw new ProblemError('stale-version');
        const [row] = await listSyncs(tx, [merchantId], params.id, null, 1);
        return { body: syncOf(row as ChannelSyncRow), headers: etag((row as ChannelSyncRow).version) };
      }),
  }),
  defineRoute({
    method: 'post',
    path: '/v1/channel-stock/{id}/reconcile',
    operationId: 'reconcileChannelStock',
    summary: 'Read back soon what the channel has, and mend what differs',
    tag,
    scope: 'stock:write',
    merchant: 'any',
    params: idParams,
    answers: { 204: null },
    handler: (context) =>
      context.commit(async (tx) => {
        await reconcileSoon(tx, context.merchantIds, context.params.id, editorOf(context));
        return { status: 204 };
      }),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/channel-drift',
    operationId: 'listChannelDrift',
    summary: 'What read-backs found to differ, the newest first',
    tag,
    scope: 'stock:read',
    merchant: 'any',
    query: z.strictObject({ ...pageQuery, connectionId: id.optional() }),
    answers: { 200: pageOf(driftSchema) },
    handler: async ({ transaction, merchantIds, query: { limit, cursor, connectionId = null } }) => {
      const before = readCursor('channel-drift', z.uuid(), cursor);
      const rows = await transaction((tx) => listDrift(tx, merchantIds, connectionId, before, limit + 1));
      return { body: page('channel-drift', rows, limit, (row) => row.id, driftOf) };
    },
  }),
];

export const channelStockRoutes: readonly Route[] = [...listings, ...connections];

/** What these listings should show now, by id; parked ones show what they showed. */
async function wantedOf(tx: Tx, rows: readonly ListingRow[]): Promise<ReadonlyMap<string, number>> {
  const wanted = new Map<string, number>();
  for (const [merchantId, own] of groupBy(rows, (row) => row.merchant_id)) {
    const read = await readListings(
      tx,
      merchantId,
      own.map((row) => row.id),
    );
    for (const { id: listingId, components, rule } of read)
      wanted.set(listingId, channelQuantity(components, rule));
  }
  return wanted;
}

function answerOf(row: ListingRow, wanted: ReadonlyMap<string, number>): z.input<typeof listingSchema> {
  const { pushed_at: at, pushed_quantity: quantity, parked_at: parkedAt } = row;
  return {
    id: row.id,
    merchantId: row.merchant_id,
    connectionId: row.connection_id,
    productId: row.product_id,
    sku: row.sku,
    externalItemId: row.external_item_id,
    externalLocationId: row.external_location_id,
    units: row.units,
    warehouseId: row.warehouse_id,
    paused: row.paused,
    buffer: row.buffer,
    sharePercent: row.share_percent,
    cap: row.cap,
    minDisplay: row.min_display,
    backorderAllowance: row.backorder_allowance,
    wantedQuantity: wanted.get(row.id) ?? null,
    channelQuantity: row.channel_quantity,
    lastPush:
      at === null || quantity === null
        ? null
        : { quantity, at: timeOf(at), changedAt: timeOf(row.pushed_change_at) },
    parked: parkedAt === null ? null : { at: timeOf(parkedAt), reason: row.parked_reason ?? '' },
  };
}

function syncOf(row: ChannelSyncRow): z.input<typeof channelStockSchema> {
  const { reconciled_at: at, reconciled_listings: count, reconciled_drift: drift } = row;
  return {
    merchantId: row.merchant_id,
    connectionId: row.connection_id,
    channel: row.channel,
    name: row.name,
    enabled: row.enabled,
    callsPerSecond: row.calls_per_second,
    quantitiesPerCall: row.quantities_per_call,
    buffer: row.buffer,
    sharePercent: row.share_percent,
    cap: row.cap,
    minDisplay: row.min_display,
    backorderAllowance: row.backorder_allowance,
    waiting: row.waiting,
    waitingSince: timeOf(row.waiting_since),
    acknowledgedAt: timeOf(row.acknowledged_at),
    lastError: row.last_error,
    failingSince: timeOf(row.failing_since),
    reconciled: at === null ? null : { at: timeOf(at), listings: count ?? 0, drift: drift ?? 0 },
  };
}

function driftOf(row: DriftRow): z.input<typeof driftSchema> {
  return {
    id: row.id,
    merchantId: row.merchant_id,
    connectionId: row.connection_id,
    listingId: row.listing_id,
    sku: row.sku,
    believed: row.believed,
    found: row.found,
    wanted: row.wanted,
    foundAt: timeOf(row.found_at),
  };
}
