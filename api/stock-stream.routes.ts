/**
 * Stock as it changes, as server-sent events. A stream's place is a snapshot of Postgres with the time it
 * was taken; who comes again with it gets every balance that changed since, as it is now, also those of
 * transactions that were slow to commit. Changes are kept for a quarter of an hour; whoever was away for
 * longer is told to read everything anew.
 */
import { z } from 'zod';
import { stockLevelSchema } from '../contracts/stock';
import type { Tx } from '../db/client';
import { changedLevels, presentCursor, STOCK_CHANGES_KEPT_S } from '../db/stock-change.repo';
import { listStockLevels, type StockLevelRow } from '../db/stock-read.repo';
import type { ServerEvent } from './event-stream';
import { ProblemError } from './problem';
import { defineRoute, type Route, type RouteContext } from './route';
import type { StockFollower } from './stock-follower';

/** Common load balancers close what has been silent for 60 s. */
const KEEP_OPEN_EVERY_MS = 15_000;
/**
 * Then the stream ends and its reader comes again, as browsers do by themselves: so a key that was revoked
 * or lost a merchant reads no longer than this.
 */
const LONGEST_S = 300;
/** A stream holds a socket and, while it reads, a connection to Postgres. */
const STREAMS_AT_ONCE = 2_000;
/** Of one SKU; more warehouses than any merchant has. */
const MOST_LEVELS = 1_000;
/** Rows are removed by the database's clock, which may be a little off this one's. */
const KEPT_MS = (STOCK_CHANGES_KEPT_S - 60) * 1_000;

export const stockStreamRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/stock/stream',
    operationId: 'streamStock',
    summary: 'Changes of stock as they happen (server-sent events)',
    description:
      'Event `stock`: a balance that changed, as it is now; several changes in a moment are one. Event `reset`: you were away too long, read everything again. With `sku`, the present levels come first. Come again with `Last-Event-ID` and nothing is lost.',
    tag: 'Stock',
    scope: 'stock:read',
    merchant: 'any',
    query: z.strictObject({
      sku: z.string().max(120).optional(),
      /** Ends the stream after so long. */
      seconds: z.coerce.number().int().min(0).max(LONGEST_S).default(LONGEST_S),
    }),
    answers: { 200: stockLevelSchema },
    events: true,
    handler: async (context) => {
      const { follower } = context;
      if (follower.listening >= STREAMS_AT_ONCE)
        throw new ProblemError('unavailable', { headers: { 'Retry-After': '5' } });
      return { events: (signal) => follow(context, follower, signal) };
    },
  }),
];

type Context = RouteContext<unknown, { readonly sku?: string | undefined; readonly seconds: number }>;

async function* follow(
  { transaction, merchantIds, query, lastEventId }: Context,
  follower: StockFollower,
  signal: AbortSignal,
): AsyncIterable<ServerEvent | null> {
  const until = Date.now() + query.seconds * 1_000;
  const { sku = null } = query;
  follower.open();
  try {
    let cursor = cursorOf(lastEventId) ?? '';
    if (cursor === '') {
      const start = await transaction((tx) => begin(tx, merchantIds, sku));
      cursor = start.cursor;
      if (lastEventId !== null) yield { event: 'reset', id: idOf(cursor), data: {} };
      yield* eventsOf(start.levels, cursor);
    }
    while (!signal.aborted) {
      const position = follower.position();
      const seen = await transaction((tx) => readSince(tx, merchantIds, cursor, sku));
      cursor = seen.cursor;
      if (seen.levels === null) yield { event: 'reset', id: idOf(cursor), data: {} };
      else yield* eventsOf(seen.levels, cursor);
      const left = until - Date.now();
      if (left <= 0) return;
      await follower.after(position, merchantIds, Math.min(left, KEEP_OPEN_EVERY_MS), signal);
      yield null;
    }
  } finally {
    follower.close();
  }
}

/** The place first: what changes while the levels are read is told again rather than not at all. */
async function begin(tx: Tx, merchantIds: readonly string[], sku: string | null) {
  const cursor = await presentCursor(tx);
  if (sku === null) return { cursor, levels: [] };
  return { cursor, levels: await listStockLevels(tx, merchantIds, { sku }, null, MOST_LEVELS) };
}

/** `levels` null: the place is none of this database, and everything is to be read again. */
async function readSince(
  tx: Tx,
  merchantIds: readonly string[],
  cursor: string,
  sku: string | null,
): Promise<{ readonly cursor: string; readonly levels: readonly StockLevelRow[] | null }> {
  return (
    (await changedLevels(tx, merchantIds, cursor, sku)) ?? { cursor: await presentCursor(tx), levels: null }
  );
}

/** Only the last of them has an id: to come again there skips none of the others. */
function* eventsOf(levels: readonly StockLevelRow[], cursor: string): Iterable<ServerEvent> {
  for (const [index, level] of levels.entries()) {
    const last = index === levels.length - 1;
    yield { event: 'stock', ...(last ? { id: idOf(cursor) } : {}), data: levelOf(level) };
  }
}

function levelOf(row: StockLevelRow): z.input<typeof stockLevelSchema> {
  return {
    merchantId: row.merchant_id,
    warehouseId: row.warehouse_id,
    warehouseCode: row.warehouse_code,
    productId: row.product_id,
    sku: row.sku,
    onHand: row.on_hand,
    held: row.held,
    reserved: row.reserved,
    available: row.on_hand - row.held - row.reserved,
  };
}

const idOf = (cursor: string) => `${Date.now()}-${cursor}`;

/** null: none, one that is none of ours, or from before what is kept. */
function cursorOf(lastEventId: string | null): string | null {
  const [, at, cursor] = /^(\d{1,15})-(\d{1,18}:\d{1,18}:[\d,]{0,20000})$/.exec(lastEventId ?? '') ?? [];
  if (at === undefined || cursor === undefined || Date.now() - Number(at) > KEPT_MS) return null;
  return isSnapshot(cursor) ? cursor : null;
}

/** As Postgres reads one: `xmin:xmax:` and the transactions between them that were running, in order. */
function isSnapshot(text: string): boolean {
  const [xmin = '', xmax = '', running = ''] = text.split(':');
  const ids = running === '' ? [] : running.split(',').map(BigInt);
  const inOrder = [BigInt(xmin), ...ids, BigInt(xmax)];
  if (BigInt(xmin) === 0n || running.includes(',,') || /^,|,$/.test(running)) return false;
  return inOrder.every((one, at) => {
    const before = inOrder[at - 1];
    return before === undefined || (at === 1 || at === inOrder.length - 1 ? before <= one : before < one);
  });
}
