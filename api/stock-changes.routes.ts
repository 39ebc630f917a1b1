/**
 * Corrections with their approval, and moves. The idempotency key is the cause: the commands post each
 * once, whatever dies in between.
 */
import { z } from 'zod';
import { moveStock } from '../commands/stock/move-stock';
import { approveAdjustment, rejectAdjustment, requestAdjustment } from '../commands/stock/request-adjustment';
import { idParams } from '../contracts/common';
import {
  adjustedSchema,
  adjustmentSchema,
  adjustmentViewSchema,
  decisionSchema,
  movedSchema,
  moveSchema,
} from '../contracts/stock-changes';
import { type AdjustmentListRow, listAdjustments } from '../db/stock-adjustment.repo';
import { editorOf, minorOf, timeOf } from './answers';
import { page, pageOf, pageQuery, readCursor, timeAndId } from './pagination';
import { ProblemError } from './problem';
import { defineRoute, type Route, type RouteContext } from './route';
import { defined, requireServed, withReferences } from './stock-answers';

const tag = 'Stock';

export const stockChangeRoutes: readonly Route[] = [
  defineRoute({
    method: 'post',
    path: '/v1/stock/adjustments',
    operationId: 'adjustStock',
    summary: 'Correct stock',
    description:
      "Posts once: the idempotency key is the cause. Above the merchant's limit nothing is posted until somebody else approves. A loss larger than what is there posts what is there and opens an exception for the rest; reservations that it leaves without goods are taken back.",
    tag,
    scope: 'stock:write',
    merchant: 'one',
    body: adjustmentSchema,
    answers: { 201: adjustedSchema },
    handler: async (context) => {
      const { deps, merchantId, effectKey: causeId, body } = context;
      const { kind, warehouseId, reason, reasonCode } = body;
      await requireServed(context, warehouseId, '/warehouseId');
      const lines = body.lines.map(({ delta, unitCostMinor, ...given }) => ({
        ...defined(given),
        ...(unitCostMinor === undefined ? {} : { unitCostMinor: BigInt(unitCostMinor) }),
        delta,
      }));
      const request = { merchantId, causeId, kind, warehouseId, reason, reasonCode, lines };
      const by = editorOf(context);
      const asked = await withReferences('/lines', () =>
        requestAdjustment(deps.database, { ...request, ...by }),
      );
      return { status: 201, body: { causeId, ...asked } };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/stock/adjustments',
    operationId: 'listStockAdjustments',
    summary: 'Corrections, the newest first',
    tag,
    scope: 'stock:read',
    merchant: 'any',
    query: z.strictObject({ ...pageQuery, state: z.enum(['pending', 'posted', 'rejected']).optional() }),
    answers: { 200: pageOf(adjustmentViewSchema) },
    handler: async ({ transaction, merchantIds, query: { limit, cursor, state } }) => {
      const after = readCursor('adjustments', timeAndId, cursor);
      const rows = await transaction((tx) => listAdjustments(tx, merchantIds, { state }, after, limit + 1));
      return { body: page('adjustments', rows, limit, (row) => [row.keyAt, row.id], viewOf) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/stock/adjustments/{id}',
    operationId: 'getStockAdjustment',
    summary: 'One correction',
    tag,
    scope: 'stock:read',
    merchant: 'any',
    params: idParams,
    answers: { 200: adjustmentViewSchema },
    handler: async (context) => ({ body: await readOne(context, context.params.id) }),
  }),
  defineRoute({
    method: 'post',
    path: '/v1/stock/adjustments/{id}/approve',
    operationId: 'approveStockAdjustment',
    summary: 'Post a correction that waits',
    description: 'By somebody else than who asked for it. What is posted is what is there now.',
    tag,
    scope: 'stock:approve',
    merchant: 'any',
    params: idParams,
    body: decisionSchema,
    answers: { 200: adjustmentViewSchema },
    handler: async (context) => {
      await approveAdjustment(context.deps.database, decisionOf(context));
      return { body: await readOne(context, context.params.id) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/stock/adjustments/{id}/reject',
    operationId: 'rejectStockAdjustment',
    summary: 'Refuse a correction that waits',
    tag,
    scope: 'stock:approve',
    merchant: 'any',
    params: idParams,
    body: decisionSchema,
    answers: { 200: adjustmentViewSchema },
    handler: async (context) => {
      await rejectAdjustment(context.deps.database, decisionOf(context));
      return { body: await readOne(context, context.params.id) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/stock/moves',
    operationId: 'moveStock',
    summary: 'Move goods between places of a warehouse',
    description:
      'Only units that nobody was promised there; into quarantine, to the damaged ones or to the dock also promised ones, which are taken back from their orders.',
    tag,
    scope: 'stock:write',
    merchant: 'one',
    body: moveSchema,
    answers: { 201: movedSchema },
    handler: async (context) => {
      const { deps, merchantId, effectKey: causeId, body } = context;
      const { warehouseId, kind, reason } = body;
      await requireServed(context, warehouseId, '/warehouseId');
      const lines = body.lines.map(({ quantity, fromLocationCode, toLocationCode, ...given }) => ({
        ...defined(given),
        quantity,
        fromCode: fromLocationCode,
        toCode: toLocationCode,
      }));
      const request = { merchantId, causeId, warehouseId, kind, reason, ...editorOf(context), lines };
      await withReferences('/lines', () => moveStock(deps.database, request));
      return { status: 201, body: { causeId } };
    },
  }),
];

function decisionOf(context: RouteContext<{ readonly id: string }, unknown, { readonly reason: string }>) {
  const { merchantIds, params, body } = context;
  return { merchantIds, adjustmentId: params.id, reason: body.reason, ...editorOf(context) };
}

/** @throws ProblemError not-found. */
async function readOne({ transaction, merchantIds }: RouteContext, id: string) {
  const [row] = await transaction((tx) => listAdjustments(tx, merchantIds, { id }, null, 1));
  if (row === undefined) throw new ProblemError('not-found');
  return viewOf(row);
}

function viewOf(row: AdjustmentListRow) {
  const { keyAt: _key, units, valueMinor, requestedAt, decidedAt, lines, ...rest } = row;
  return {
    ...rest,
    units: Number(units),
    valueMinor: minorOf(valueMinor),
    requestedAt: timeOf(requestedAt),
    decidedAt: timeOf(decidedAt),
    lines: lines.map(({ locationId: _place, ...line }) => line),
  };
}
