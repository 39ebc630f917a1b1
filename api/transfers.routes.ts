/** Transfers between warehouses: asked for, dispatched, received, closed. Each posting once, by its idempotency key. */
import { z } from 'zod';
import {
  closeTransfer,
  dispatchTransfer,
  receiveTransfer,
  requestTransfer,
} from '../commands/stock/transfer';
import { idParams } from '../contracts/common';
import {
  decisionSchema,
  dispatchSchema,
  newTransferSchema,
  receiveSchema,
  TRANSFER_STATES,
  transferSchema,
} from '../contracts/stock-changes';
import { listTransfers, type TransferRow } from '../db/transfer.repo';
import { editorOf, timeOf } from './answers';
import { page, pageOf, pageQuery, readCursor, timeAndId } from './pagination';
import { ProblemError } from './problem';
import { defineRoute, type Route, type RouteContext } from './route';
import { defined, requireServed, withReferences } from './stock-answers';

const tag = 'Stock';

export const transferRoutes: readonly Route[] = [
  defineRoute({
    method: 'post',
    path: '/v1/transfers',
    operationId: 'createTransfer',
    summary: 'Ask for a transfer to another warehouse',
    description: 'Reserves nothing: what goes is decided when it is dispatched.',
    tag,
    scope: 'stock:write',
    merchant: 'one',
    body: newTransferSchema,
    answers: { 201: transferSchema },
    handler: async (context) => {
      const { deps, merchantId, effectKey, body } = context;
      await requireServed(context, body.fromWarehouseId, '/fromWarehouseId');
      await requireServed(context, body.toWarehouseId, '/toWarehouseId');
      const { transferId } = await withReferences('/lines', () =>
        requestTransfer(deps.database, {
          ...body,
          merchantId,
          key: effectKey,
          ...editorOf(context),
          expectedAt: body.expectedAt === null ? null : new Date(body.expectedAt),
          lines: body.lines.map(({ quantity, ...given }) => ({ ...defined(given), quantity })),
        }),
      );
      return { status: 201, body: await readOne(context, transferId) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/transfers',
    operationId: 'listTransfers',
    summary: 'Transfers, the newest first',
    tag,
    scope: 'stock:read',
    merchant: 'any',
    query: z.strictObject({
      ...pageQuery,
      state: z.enum(TRANSFER_STATES).optional(),
      warehouseId: z.uuid().optional(),
    }),
    answers: { 200: pageOf(transferSchema) },
    handler: async ({ transaction, merchantIds, query: { limit, cursor, ...filter } }) => {
      const after = readCursor('transfers', timeAndId, cursor);
      const rows = await transaction((tx) => listTransfers(tx, merchantIds, filter, after, limit + 1));
      return { body: page('transfers', rows, limit, (row) => [row.keyAt, row.id], viewOf) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/transfers/{id}',
    operationId: 'getTransfer',
    summary: 'One transfer with what is on the road',
    tag,
    scope: 'stock:read',
    merchant: 'any',
    params: idParams,
    answers: { 200: transferSchema },
    handler: async (context) => ({ body: await readOne(context, context.params.id) }),
  }),
  defineRoute({
    method: 'post',
    path: '/v1/transfers/{id}/dispatch',
    operationId: 'dispatchTransfer',
    summary: 'Send goods off',
    description: 'From places with units that nobody was promised; may come several times, one a truck.',
    tag,
    scope: 'stock:write',
    merchant: 'any',
    params: idParams,
    body: dispatchSchema,
    answers: { 200: transferSchema },
    handler: async (context) => {
      const posting = await postingOf(context);
      const lines = context.body.lines.map(({ quantity, fromLocationCode, ...given }) => ({
        ...defined(given),
        quantity,
        fromCode: fromLocationCode,
      }));
      await withReferences('/lines', () => dispatchTransfer(context.deps.database, { ...posting, lines }));
      return { body: await readOne(context, context.params.id) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/transfers/{id}/receive',
    operationId: 'receiveTransfer',
    summary: 'Take goods in',
    description: 'To the dock, or to where they are put at once. Never more than went.',
    tag,
    scope: 'stock:write',
    merchant: 'any',
    params: idParams,
    body: receiveSchema,
    answers: { 200: transferSchema },
    handler: async (context) => {
      const posting = await postingOf(context);
      const lines = context.body.lines.map(({ quantity, toLocationCode, ...given }) => ({
        ...defined(given),
        quantity,
        ...(toLocationCode === undefined ? {} : { toCode: toLocationCode }),
      }));
      await withReferences('/lines', () => receiveTransfer(context.deps.database, { ...posting, lines }));
      return { body: await readOne(context, context.params.id) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/transfers/{id}/close',
    operationId: 'closeTransfer',
    summary: 'End a transfer',
    description:
      'What is still on the road is written off as lost there; one of which nothing went is cancelled.',
    tag,
    scope: 'stock:write',
    merchant: 'any',
    params: idParams,
    body: decisionSchema,
    answers: { 200: transferSchema },
    handler: async (context) => {
      const posting = await postingOf(context);
      await closeTransfer(context.deps.database, { ...posting, reason: context.body.reason });
      return { body: await readOne(context, context.params.id) };
    },
  }),
];

/** @throws ProblemError not-found: from here on what is not found is what a line names. */
async function postingOf(context: RouteContext<{ readonly id: string }>) {
  const { merchantIds, effectKey: key, params } = context;
  await readOne(context, params.id);
  return { merchantIds, transferId: params.id, key, ...editorOf(context) };
}

async function readOne({ transaction, merchantIds }: RouteContext, id: string) {
  const [row] = await transaction((tx) => listTransfers(tx, merchantIds, { id }, null, 1));
  if (row === undefined) throw new ProblemError('not-found');
  return viewOf(row);
}

function viewOf({ keyAt: _key, ...row }: TransferRow) {
  return {
    ...row,
    expectedAt: timeOf(row.expectedAt),
    requestedAt: timeOf(row.requestedAt),
    dispatchedAt: timeOf(row.dispatchedAt),
    endedAt: timeOf(row.endedAt),
  };
}
