/**
 * Work orders. What people report or ask for is a row when this answers; the work order's workflow posts it
 * and sets parts apart, so states follow a moment later.
 */
import { z } from 'zod';
import { endWorkOrder, reportStep, retryWorkOrder } from '../commands/work-order/change-work-order';
import { createWorkOrder } from '../commands/work-order/create-work-order';
import { idParams } from '../contracts/common';
import { decisionSchema } from '../contracts/stock-changes';
import {
  newStepSchema,
  newWorkOrderSchema,
  workOrderDetailSchema,
  workOrderSchema,
} from '../contracts/work-orders';
import { listWorkOrders, readWorkOrderDetail, type WorkOrderRow } from '../db/work-order-read.repo';
import { WORK_ORDER_STATES } from '../domain/stock/work-order';
import { editorOf, timeOf } from './answers';
import { page, pageOf, pageQuery, readCursor, timeAndId } from './pagination';
import { ProblemError } from './problem';
import { defineRoute, type Route, type RouteContext } from './route';
import { requireServed, withReferences } from './stock-answers';

const tag = 'Work orders';

const reads: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/work-orders',
    operationId: 'listWorkOrders',
    summary: 'Work orders, the newest first',
    tag,
    scope: 'stock:read',
    merchant: 'any',
    query: z.strictObject({
      ...pageQuery,
      state: z.enum(WORK_ORDER_STATES).optional(),
      warehouseId: z.uuid().optional(),
    }),
    answers: { 200: pageOf(workOrderSchema) },
    handler: async ({ transaction, merchantIds, query: { limit, cursor, ...filter } }) => {
      const after = readCursor('work-orders', timeAndId, cursor);
      const rows = await transaction((tx) => listWorkOrders(tx, merchantIds, filter, after, limit + 1));
      return { body: page('work-orders', rows, limit, (row) => [row.keyAt, row.id], headOf) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/work-orders/{id}',
    operationId: 'getWorkOrder',
    summary: 'One work order with its steps and where to take the parts',
    tag,
    scope: 'stock:read',
    merchant: 'any',
    params: idParams,
    answers: { 200: workOrderDetailSchema },
    handler: async (context) => ({ body: await readOne(context, context.params.id) }),
  }),
];

const changes: readonly Route[] = [
  defineRoute({
    method: 'post',
    path: '/v1/work-orders',
    operationId: 'createWorkOrder',
    summary: 'Have kits made or taken apart',
    description:
      'Its parts are set apart at once, all of them or none; where some are short it waits for them as the exception work_order_short.',
    tag,
    scope: 'stock:write',
    merchant: 'one',
    body: newWorkOrderSchema,
    answers: { 201: workOrderDetailSchema },
    handler: async (context) => {
      const { deps, merchantId, effectKey: key, body } = context;
      await requireServed(context, body.warehouseId, '/warehouseId');
      const { workOrderId } = await withReferences('/sku', () =>
        createWorkOrder(deps.database, { ...body, merchantId, key, ...editorOf(context) }),
      );
      return { status: 201, body: await readOne(context, workOrderId) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/work-orders/{id}/steps',
    operationId: 'reportWorkOrderStep',
    summary: 'Report kits that are made, and what broke',
    description: 'Posted once, in the order of the reports.',
    tag,
    scope: 'stock:write',
    merchant: 'any',
    params: idParams,
    body: newStepSchema,
    answers: { 200: workOrderDetailSchema },
    handler: async (context) => {
      const { deps, body, effectKey: key } = context;
      await reportStep(deps.database, { ...body, ...askedOf(context), key });
      return { body: await readOne(context, context.params.id) };
    },
  }),
  ...(
    [
      ['finish', 'finishWorkOrder', 'done', 'Stop here: what is made is enough'],
      ['cancel', 'cancelWorkOrder', 'cancelled', 'Cancel the rest'],
    ] as const
  ).map(([verb, operationId, how, summary]) =>
    defineRoute({
      method: 'post',
      path: `/v1/work-orders/{id}/${verb}`,
      operationId,
      summary,
      description: 'What is made stays, what is set apart and not used is for sale again.',
      tag,
      scope: 'stock:write',
      merchant: 'any',
      params: idParams,
      body: decisionSchema,
      answers: { 200: workOrderDetailSchema },
      handler: async (context) => {
        await endWorkOrder(context.deps.database, { ...context.body, ...askedOf(context), how });
        return { body: await readOne(context, context.params.id) };
      },
    }),
  ),
  defineRoute({
    method: 'post',
    path: '/v1/work-orders/{id}/retry',
    operationId: 'retryWorkOrder',
    summary: 'Have it look again at what it waits for',
    description: 'Also starts its workflow again where Temporal has lost it.',
    tag,
    scope: 'stock:write',
    merchant: 'any',
    params: idParams,
    body: decisionSchema,
    answers: { 200: workOrderDetailSchema },
    handler: async (context) => {
      await retryWorkOrder(context.deps.database, { ...context.body, ...askedOf(context) });
      return { body: await readOne(context, context.params.id) };
    },
  }),
];

export const workOrderRoutes: readonly Route[] = [...reads, ...changes];

function askedOf(context: RouteContext<{ readonly id: string }>) {
  return { merchantIds: context.merchantIds, workOrderId: context.params.id, ...editorOf(context) };
}

/** @throws ProblemError not-found. */
async function readOne({ transaction, merchantIds }: RouteContext, id: string) {
  return transaction(async (tx) => {
    const [row] = await listWorkOrders(tx, merchantIds, { id }, null, 1);
    if (row === undefined) throw new ProblemError('not-found');
    const { steps, takeFrom } = await readWorkOrderDetail(tx, row.merchantId, id);
    const timed = steps.map(({ reportedAt, postedAt, ...step }) => ({
      ...step,
      reportedAt: timeOf(reportedAt),
      postedAt: timeOf(postedAt),
    }));
    return { ...headOf(row), steps: timed, takeFrom };
  });
}

function headOf({ keyAt: _key, ...row }: WorkOrderRow) {
  return {
    ...row,
    blockedSince: timeOf(row.blockedSince),
    requestedAt: timeOf(row.requestedAt),
    endedAt: timeOf(row.endedAt),
  };
}
