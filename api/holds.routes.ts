/** Holds of stock: a checkout keeps what is in the cart until it is paid, handed over, let go or too late. */
import type { NamedUnit } from '../commands/stock/hand-over';
import { Holds } from '../commands/stock/holds';
import { idParams } from '../contracts/common';
import {
  createStockHoldSchema,
  handOverStockHoldSchema,
  stockHeldSchema,
  stockHoldSchema,
} from '../contracts/stock-holds';
import type { Database, Tx } from '../db/client';
import { findHold, findHoldable, type Holdable, type HoldToShow, openWarehouses } from '../db/hold.repo';
import { type HoldLine, stateOfHold } from '../domain/stock/decide-holds';
import { editorOf, timeOf } from './answers';
import { ProblemError } from './problem';
import { defineRoute, type Route, type RouteAnswer, type RouteContext } from './route';

const tag = 'Stock';

/** One a process and database: requests of the same moment share a transaction. */
const coalescers = new WeakMap<Database, Holds>();

function holdsOf(database: Database): Holds {
  const known = coalescers.get(database) ?? new Holds(database);
  coalescers.set(database, known);
  return known;
}

export const holdRoutes: readonly Route[] = [
  defineRoute({
    method: 'post',
    path: '/v1/stock/holds',
    operationId: 'createStockHold',
    summary: 'Hold stock for a while',
    description:
      'For a checkout: the units are nobody else’s until the hold is released, expires, or an order that names it (`holdId`) takes it over. Less than asked is 409, unless `allOrNothing` is false and there is something.',
    tag,
    scope: 'stock:write',
    merchant: 'one',
    body: createStockHoldSchema,
    answers: { 201: stockHeldSchema },
    handler: async (context) => {
      const { deps, merchantId, effectKey, body, transaction } = context;
      const lines = await transaction((tx) => linesOf(tx, merchantId, body.lines));
      const outcome = await holdsOf(deps.database).reserve({
        merchantId,
        stepKey: effectKey,
        lines,
        allOrNothing: body.allOrNothing,
        keepMs: body.minutes * 60_000,
        by: editorOf(context),
      });
      if (outcome.kind !== 'reserved') {
        const short = outcome.kind === 'short' ? outcome.short : [];
        throw new ProblemError('insufficient-stock', { members: { short } });
      }
      const rows = await transaction((tx) => findHold(tx, [merchantId], outcome.holdId));
      const { short } = outcome;
      return {
        status: 201,
        body: { ...holdOf(rows), short },
        headers: { Location: `/v1/stock/holds/${outcome.holdId}` },
      };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/stock/holds/{id}',
    operationId: 'getStockHold',
    summary: 'Read a hold of stock',
    tag,
    scope: 'stock:read',
    merchant: 'any',
    params: idParams,
    answers: { 200: stockHoldSchema },
    handler: async ({ transaction, merchantIds, params }) => ({
      body: holdOf(await transaction((tx) => find(tx, merchantIds, params.id))),
    }),
  }),
  defineRoute({
    method: 'post',
    path: '/v1/stock/holds/{id}/release',
    operationId: 'releaseStockHold',
    summary: 'Give held stock back before its time',
    description:
      'One that has expired stays so. One that an order took over, or that was handed over, is 409.',
    tag,
    scope: 'stock:write',
    merchant: 'any',
    params: idParams,
    answers: { 200: stockHoldSchema },
    handler: (context) => end(context, context.params.id, 'release', ['released', 'expired', 'taken_back']),
  }),
  defineRoute({
    method: 'post',
    path: '/v1/stock/holds/{id}/hand-over',
    operationId: 'handOverStockHold',
    summary: 'Hand held goods over at once',
    description:
      'Sold over the counter: the goods leave the books from their bins, without an order. Units with serial numbers are named. What is past its date stays: then 409.',
    tag,
    scope: 'stock:write',
    merchant: 'any',
    params: idParams,
    body: handOverStockHoldSchema,
    answers: { 200: stockHoldSchema },
    handler: (context) => end(context, context.params.id, 'consume', ['consumed'], context.body.serials),
  }),
];

async function end(
  context: RouteContext,
  holdId: string,
  how: 'release' | 'consume',
  alreadyFine: readonly string[],
  serials: readonly NamedUnit[] = [],
): Promise<RouteAnswer> {
  const { deps, merchantIds, effectKey, transaction } = context;
  const rows = await transaction((tx) => find(tx, merchantIds, holdId));
  const merchantId = rows[0]?.merchantId as string;
  const outcome = await holdsOf(deps.database)[how]({
    merchantId,
    stepKey: effectKey,
    holdId,
    serials,
    ...editorOf(context),
  });
  if (outcome.kind === 'unchanged' && !alreadyFine.includes(outcome.state))
    throw new ProblemError('illegal-transition', {
      detail: `the hold is ${outcome.state}`,
      members: { state: outcome.state },
    });
  return { body: holdOf(await transaction((tx) => findHold(tx, merchantIds, holdId))) };
}

/** What an order keeps while it waits is its own, not a caller's. */
async function find(tx: Tx, merchantIds: readonly string[], holdId: string): Promise<HoldToShow[]> {
  const rows = await findHold(tx, merchantIds, holdId);
  if (rows.length === 0 || rows.some((row) => row.keptByOrder)) throw new ProblemError('not-found');
  return rows;
}

function holdOf(rows: readonly HoldToShow[]) {
  const [first] = rows as [HoldToShow, ...HoldToShow[]];
  return {
    id: first.holdId,
    state: stateOfHold(rows),
    expiresAt: timeOf(first.expiresAt),
    createdAt: timeOf(first.createdAt),
    orderId: rows.find((row) => row.orderId !== null)?.orderId ?? null,
    lines: rows.map(({ productId, sku, warehouseId, warehouseCode, quantity }) => ({
      productId,
      sku,
      warehouseId,
      warehouseCode,
      quantity,
    })),
  };
}

async function linesOf(
  tx: Tx,
  merchantId: string,
  lines: readonly {
    readonly productId?: string | undefined;
    readonly sku?: string | undefined;
    readonly quantity: number;
    readonly warehouseId?: string | undefined;
  }[],
): Promise<HoldLine[]> {
  const known = await findHoldable(tx, merchantId, {
    ids: lines.flatMap((line) => line.productId ?? []),
    skus: lines.flatMap((line) => line.sku ?? []),
  });
  const open = await openWarehouses(tx, merchantId);
  return lines.flatMap((line, index) => {
    const named = (product: Holdable) =>
      line.productId === undefined ? product.sku === line.sku : product.id === line.productId;
    const product = known.find(named);
    if (product === undefined) throw notThere(`/lines/${index}`, 'there is no such product');
    const warehouseIds = line.warehouseId === undefined ? open : open.filter((id) => id === line.warehouseId);
    if (warehouseIds.length === 0)
      throw notThere(`/lines/${index}/warehouseId`, 'no such warehouse serves the merchant');
    return product.parts.map(({ productId, units }) => ({
      productId,
      quantity: units * line.quantity,
      warehouseIds,
    }));
  });
}

function notThere(pointer: string, message: string): ProblemError {
  return new ProblemError('invalid-reference', { errors: [{ pointer, message }] });
}
