/**
 * Orders: accept, list, read. An accepted order is a committed row with the message that starts its
 * workflow; what is wrong with it parks it under a name, unless the caller asked for `strict`.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type AcceptedOrder, acceptOrderIn } from '../commands/accept-order';
import { findStrictProblems } from '../commands/check-strict';
import { idParams } from '../contracts/common';
import {
  acceptedOrderSchema,
  createOrderSchema,
  ORDER_STATES,
  orderDetailSchema,
  orderSummarySchema,
} from '../contracts/orders';
import { apiConnection } from '../db/connection.repo';
import { findOrder, listOrders } from '../db/order-read.repo';
import { editorOf, etag } from './answers';
import { orderDetail, summaryOf } from './order-detail';
import { page, pageOf, pageQuery, readCursor, timeAndId } from './pagination';
import { ProblemError } from './problem';
import { defineRoute, type Route, type RouteContext } from './route';

const tag = 'Orders';

export const orderRoutes: readonly Route[] = [
  defineRoute({
    method: 'post',
    path: '/v1/orders',
    operationId: 'createOrder',
    summary: 'Accept an order',
    description:
      'The same `externalId` twice is one order. An order that can not be processed is accepted and parked with a named reason; with `strict` it is refused with 422 instead.',
    tag,
    scope: 'orders:write',
    merchant: 'one',
    body: createOrderSchema,
    answers: { 201: acceptedOrderSchema, 200: acceptedOrderSchema },
    handler: async (context) => {
      const { merchantId, effectKey, body } = context;
      const { strict, test, ...given } = body;
      const order = { ...given, version: null, cancelled: false };
      const known = connections.get(merchantId);
      const done: { accepted?: AcceptedOrder; connectionId?: string } = {};
      const answer = await context.commit(async (tx) => {
        const connectionId = known ?? (await apiConnection(tx, merchantId, apiConnectionId(merchantId)));
        const errors = strict ? await findStrictProblems(tx, merchantId, connectionId, order) : [];
        if (errors.length > 0) throw new ProblemError('order-not-processable', { errors });
        const raw = JSON.stringify(given);
        const source = { source: 'api', eventKey: effectKey, raw };
        const by = editorOf(context);
        const accepted = await acceptOrderIn(tx, { merchantId, connectionId, order, ...source, test, by });
        Object.assign(done, { accepted, connectionId });
        const { orderId: id, state, created, workflowId } = accepted;
        return {
          status: created ? 201 : 200,
          body: { id, state, created, workflowId },
          headers: { Location: `/v1/orders/${id}` },
        };
      });
      if (done.connectionId !== undefined) remember(merchantId, done.connectionId);
      startNow(context, done.accepted, order.externalNumber, test);
      return answer;
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/orders',
    operationId: 'listOrders',
    summary: 'List orders, the newest first',
    tag,
    scope: 'orders:read',
    merchant: 'any',
    query: z.strictObject({
      ...pageQuery,
      state: z.enum(ORDER_STATES).optional(),
      blockedReason: z.string().max(60).optional(),
      /** Whether it waits for somebody, whatever for. */
      blocked: z.stringbool().optional(),
      held: z.stringbool().optional(),
      channel: z.enum(['shopify', 'generic', 'api', 'csv']).optional(),
      externalId: z.string().max(128).optional(),
      placedFrom: z.iso.datetime({ offset: true }).optional(),
      /** Not included. */
      placedTo: z.iso.datetime({ offset: true }).optional(),
    }),
    answers: { 200: pageOf(orderSummarySchema) },
    handler: async ({ transaction, merchantIds, query: { limit, cursor, ...filter } }) => {
      const after = readCursor('orders', timeAndId, cursor);
      const rows = await transaction((tx) => listOrders(tx, merchantIds, filter, after, limit + 1));
      return { body: page('orders', rows, limit, (row) => [row.key_at, row.id], summaryOf) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/orders/{id}',
    operationId: 'getOrder',
    summary: 'Read an order with all its parts and its timeline',
    tag,
    scope: 'orders:read',
    merchant: 'any',
    params: idParams,
    answers: { 200: orderDetailSchema },
    handler: ({ transaction, merchantIds, params }) =>
      transaction(async (tx) => {
        const row = await findOrder(tx, merchantIds, params.id);
        if (row === null) throw new ProblemError('not-found');
        return { body: await orderDetail(tx, row), headers: etag(row.version) };
      }),
  }),
];

/** After the commit; a replay, and an order that was there already, start nothing. */
function startNow(
  { deps, merchantId, requestId }: RouteContext,
  accepted: AcceptedOrder | undefined,
  number: string | null,
  test: boolean,
): void {
  if (accepted === undefined || accepted.startKey === null) return;
  const { orderId, workflowId, startKey } = accepted;
  const order = { merchantId, orderId, workflowId, startKey, channel: 'api', number, test };
  deps.startOrder?.({ ...order, requestId });
}

/** By merchant: a connection is never removed, so what was committed once stays true. */
const connections = new Map<string, string>();
const CONNECTIONS_KEPT = 10_000;

function remember(merchantId: string, connectionId: string): void {
  if (connections.size >= CONNECTIONS_KEPT) connections.clear();
  connections.set(merchantId, connectionId);
}

/** The same id whichever request makes the connection first, so that two at once make one. */
function apiConnectionId(merchantId: string): string {
  const hex = createHash('sha256').update(`api connection ${merchantId}`).digest('hex');
  // The form of a UUID of version 8, which leaves the digits to us (RFC 9562, 5.8).
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
