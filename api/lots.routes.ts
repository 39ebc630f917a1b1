/** Lots: what is where and until when, recalls with whoever got some, and how long goods have to last for whom. */
import { z } from 'zod';
import { correctLotDate, holdLot, liftHold } from '../commands/stock/hold-lot';
import { addShelfLifeRule, removeShelfLifeRule } from '../commands/stock/shelf-life-rules';
import { idParams } from '../contracts/common';
import {
  liftedLotSchema,
  lotActionSchema,
  lotDateSchema,
  lotOrderSchema,
  lotSchema,
  newShelfLifeRuleSchema,
  recalledLotSchema,
  shelfLifeRuleSchema,
} from '../contracts/lots';
import { listShelfLifeRules, type ShelfLifeRuleRow } from '../db/lot-life.repo';
import { type LotRow, listLots, listOrdersShippedFrom } from '../db/lot-read.repo';
import { findProductId, productIdOfSku } from '../db/stock-read.repo';
import { editorOf, timeOf } from './answers';
import { page, pageOf, pageQuery, readCursor } from './pagination';
import { ProblemError } from './problem';
import { defineRoute, type Route, type RouteContext } from './route';
import { notThere, withReferences } from './stock-answers';

const tag = 'Stock';
const lotKey = z.tuple([z.uuid(), z.uuid(), z.string().max(120)]);
const flag = z.enum(['true', 'false']).transform((text) => text === 'true');

export const lotRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/lots',
    operationId: 'listLots',
    summary: 'Lots with their units, dates and holds',
    tag,
    scope: 'stock:read',
    merchant: 'any',
    query: z.strictObject({
      ...pageQuery,
      sku: z.string().max(120).optional(),
      held: flag.optional(),
      expiresBefore: z.iso.date().optional(),
    }),
    answers: { 200: pageOf(lotSchema) },
    handler: async ({ transaction, merchantIds, query: { limit, cursor, ...filter } }) => {
      const after = readCursor('lots', lotKey, cursor);
      const rows = await transaction((tx) => listLots(tx, merchantIds, filter, after, limit + 1));
      return {
        body: page('lots', rows, limit, (row) => [row.merchantId, row.productId, row.lotCode], lotOf),
      };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/lots/orders',
    operationId: 'listLotOrders',
    summary: 'Orders that got goods of a lot',
    tag,
    scope: 'stock:read',
    merchant: 'one',
    query: z.strictObject({
      ...pageQuery,
      sku: z.string().min(1).max(120),
      lotCode: z.string().min(1).max(60),
    }),
    answers: { 200: pageOf(lotOrderSchema) },
    handler: async ({ transaction, merchantId, query: { limit, cursor, sku, lotCode } }) => {
      const after = readCursor('lot-orders', z.uuid(), cursor);
      const rows = await transaction(async (tx) => {
        const productId = await productIdOfSku(tx, merchantId, sku);
        if (productId === null) throw new ProblemError('not-found');
        return listOrdersShippedFrom(tx, { merchantId, productId, lotCode }, after, limit + 1);
      });
      const itemOf = (row: (typeof rows)[number]) => ({ ...row, shippedAt: timeOf(row.shippedAt) });
      return { body: page('lot-orders', rows, limit, (row) => row.orderId, itemOf) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/lots/recall',
    operationId: 'recallLot',
    summary: 'Recall a lot',
    description:
      'Holds it in every warehouse at once. What is reserved, picked or packed of it is taken back and its orders are planned again; a lot that has not come yet is held when it comes.',
    tag,
    scope: 'stock:write',
    merchant: 'one',
    body: lotActionSchema,
    answers: { 200: recalledLotSchema },
    handler: async (context) => {
      const { deps, body } = context;
      const request = { ...(await lotOfBody(context)), reason: body.reason, ...editorOf(context) };
      return { body: await holdLot(deps.database, { ...request, kind: 'recall' }) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/lots/lift',
    operationId: 'liftLotRecall',
    summary: 'Lift a recall',
    tag,
    scope: 'stock:write',
    merchant: 'one',
    body: lotActionSchema,
    answers: { 200: liftedLotSchema },
    handler: async (context) => {
      const { deps, body } = context;
      const request = { ...(await lotOfBody(context)), reason: body.reason, ...editorOf(context) };
      const lifted = await withReferences('/lotCode', () =>
        liftHold(deps.database, { ...request, kind: 'recall' }),
      );
      return { body: lifted };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/lots/date',
    operationId: 'correctLotDate',
    summary: "Correct a lot's date",
    description: 'A lot whose date is past is held by it; whether it is follows the new date at once.',
    tag,
    scope: 'stock:write',
    merchant: 'one',
    body: lotDateSchema,
    answers: { 204: null },
    handler: async (context) => {
      const { deps, body } = context;
      const { expiresOn, reason } = body;
      const request = { ...(await lotOfBody(context)), expiresOn, reason, ...editorOf(context) };
      await withReferences('/lotCode', () => correctLotDate(deps.database, request));
      return { status: 204 };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/shelf-life-rules',
    operationId: 'listShelfLifeRules',
    summary: 'How long goods have to last for whom',
    tag,
    scope: 'stock:read',
    merchant: 'any',
    query: z.strictObject(pageQuery),
    answers: { 200: pageOf(shelfLifeRuleSchema) },
    handler: async ({ transaction, merchantIds, query: { limit, cursor } }) => {
      const after = readCursor('shelf-life-rules', z.uuid(), cursor);
      const rows = await transaction((tx) => listShelfLifeRules(tx, merchantIds, after, limit + 1));
      return { body: page('shelf-life-rules', rows, limit, (row) => row.id, ruleOf) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/shelf-life-rules',
    operationId: 'createShelfLifeRule',
    summary: 'Say how long goods have to last',
    description: 'For a channel, a customer, a product, or any mix; the strictest rule that fits counts.',
    tag,
    scope: 'stock:write',
    merchant: 'one',
    body: newShelfLifeRuleSchema,
    answers: { 201: shelfLifeRuleSchema },
    handler: (context) =>
      context.commit(async (tx) => {
        const row = await addShelfLifeRule(tx, context.merchantId, context.body, editorOf(context));
        if (row === null) throw new ProblemError('conflict', { detail: 'There is a rule for the same.' });
        return { status: 201, body: ruleOf(row) };
      }),
  }),
  defineRoute({
    method: 'delete',
    path: '/v1/shelf-life-rules/{id}',
    operationId: 'deleteShelfLifeRule',
    summary: 'Remove a rule',
    tag,
    scope: 'stock:write',
    merchant: 'any',
    params: idParams,
    answers: { 204: null },
    handler: (context) =>
      context.commit(async (tx) => {
        await removeShelfLifeRule(tx, context.merchantIds, context.params.id, editorOf(context));
        return { status: 204 };
      }),
  }),
];

type LotBody = {
  readonly productId?: string | undefined;
  readonly sku?: string | undefined;
  readonly lotCode: string;
};

/** @throws ProblemError invalid-reference when the merchant has no such product. */
async function lotOfBody({ transaction, merchantId, body }: RouteContext<unknown, unknown, LotBody>) {
  const { productId, sku, lotCode } = body;
  const found = await transaction((tx) => findProductId(tx, merchantId, { productId, sku }));
  if (found === null) throw notThere(sku === undefined ? '/productId' : '/sku', 'there is no such product');
  return { merchantId, productId: found, lotCode };
}

function lotOf(row: LotRow) {
  const at = (text: string | null) => (text === null ? null : timeOf(new Date(text)));
  return {
    ...row,
    holds: row.holds.map((hold) => ({
      ...hold,
      placedAt: timeOf(new Date(hold.placedAt)),
      liftedAt: at(hold.liftedAt),
    })),
  };
}

function ruleOf(row: ShelfLifeRuleRow) {
  return { ...row, createdAt: timeOf(row.createdAt) };
}
