/**
 * What callers do to an order: hold, release, cancel, correct, pay, retry. Each calls the command that
 * settles it against the rows; repeating one that took effect is a success without a second effect, so
 * a retry after a crash is safe whatever its idempotency row remembers.
 */
import { z } from 'zod';
import { cancelOrder } from '../commands/cancel-order';
import { correctAddress, retryOrder, updatePayment } from '../commands/change-order';
import { holdOrder, releaseHold } from '../commands/hold-order';
import { idParams } from '../contracts/common';
import type { IncomingAddress } from '../contracts/incoming-order';
import {
  addressChangedSchema,
  addressChangeSchema,
  doneSchema,
  heldSchema,
  holdSchema,
  paymentSchema,
  reasonSchema,
} from '../contracts/orders';
import { findAddress, findOrder, listHolds, type OrderRow } from '../db/order-read.repo';
import { isFailure } from '../domain/failure-types';
import { editorOf } from './answers';
import { addressOf } from './order-detail';
import { ProblemError } from './problem';
import { defineRoute, type Route, type RouteContext } from './route';

const common = {
  method: 'post',
  tag: 'Orders',
  scope: 'orders:write',
  merchant: 'any',
  params: idParams,
  ifMatch: true,
} as const;

export const orderActionRoutes: readonly Route[] = [
  defineRoute({
    ...common,
    path: '/v1/orders/{id}/hold',
    operationId: 'holdOrder',
    summary: 'Hold an order',
    description: 'Several holds may stand at once; the order goes on when the last one is released.',
    body: holdSchema,
    answers: { 200: heldSchema },
    handler: async (context) => {
      const order = await findForChange(context);
      return {
        body: await holdOrder(context.deps.database, { ...changeOf(context, order), ...context.body }),
      };
    },
  }),
  defineRoute({
    ...common,
    path: '/v1/orders/{id}/release',
    operationId: 'releaseOrder',
    summary: 'Release a hold by its name',
    body: holdSchema,
    answers: { 200: heldSchema },
    handler: async (context) => {
      const order = await findForChange(context);
      try {
        const request = { ...changeOf(context, order), ...context.body };
        return { body: await releaseHold(context.deps.database, request) };
      } catch (error) {
        if (!isFailure(error, 'NotFound')) throw error;
        return releasedBefore(context, order, context.body.name);
      }
    },
  }),
  defineRoute({
    ...common,
    path: '/v1/orders/{id}/cancel',
    operationId: 'cancelOrder',
    summary: 'Cancel an order that the floor has not begun',
    description: 'Cancel or ship: exactly one wins. Too late is 409 with the state.',
    body: reasonSchema,
    answers: { 200: doneSchema },
    handler: async (context) => {
      const order = await findForChange(context);
      const { reason } = context.body;
      return { body: await cancelOrder(context.deps.database, { ...changeOf(context, order), reason }) };
    },
  }),
  defineRoute({
    ...common,
    path: '/v1/orders/{id}/address',
    operationId: 'correctOrderAddress',
    summary: 'Correct where an order goes',
    description:
      'The whole address, as a new version; an order that waited for it goes on by itself. Once a label is bought it is 409.',
    body: addressChangeSchema,
    answers: { 200: addressChangedSchema },
    handler: async (context) => {
      const order = await findForChange(context);
      const present = await context.transaction((tx) => findAddress(tx, order));
      if (present !== null && sameAddress(addressOf(present), context.body)) {
        return { body: { addressVersion: present.version } };
      }
      const answer = await correctAddress(context.deps.database, {
        ...changeOf(context, order),
        address: context.body,
        ...(context.ifMatch === null ? {} : { expectedVersion: order.address_version }),
      });
      return { body: answer };
    },
  }),
  defineRoute({
    ...common,
    path: '/v1/orders/{id}/payment',
    operationId: 'updateOrderPayment',
    summary: 'Say how the payment stands',
    description: 'For orders of our own API, of imports and of generic channels; others tell it themselves.',
    body: paymentSchema,
    answers: { 200: z.strictObject({ payment: z.string() }) },
    handler: async (context) => {
      const order = await findForChange(context);
      if (order.channel === 'shopify') {
        throw new ProblemError('conflict', { detail: 'The channel tells the payment of this order.' });
      }
      const { payment } = context.body;
      return { body: await updatePayment(context.deps.database, { ...changeOf(context, order), payment }) };
    },
  }),
  defineRoute({
    ...common,
    path: '/v1/orders/{id}/retry',
    operationId: 'retryOrder',
    summary: 'Ask an order to look again at what it waits for',
    body: reasonSchema,
    answers: { 200: doneSchema },
    handler: async (context) => {
      const order = await findForChange(context);
      const { reason } = context.body;
      return { body: await retryOrder(context.deps.database, { ...changeOf(context, order), reason }) };
    },
  }),
];

type ActionContext = Pick<
  RouteContext<{ id: string }>,
  'transaction' | 'merchantIds' | 'params' | 'ifMatch' | 'caller' | 'requestId' | 'deps'
>;

/** @throws ProblemError not-found, stale-version. */
async function findForChange(context: ActionContext): Promise<OrderRow> {
  const row = await context.transaction((tx) => findOrder(tx, context.merchantIds, context.params.id));
  if (row === null) throw new ProblemError('not-found');
  if (context.ifMatch !== null && context.ifMatch !== row.version) throw new ProblemError('stale-version');
  return row;
}

function changeOf(context: ActionContext, order: OrderRow) {
  return { merchantId: order.merchant_id, orderId: order.id, ...editorOf(context) };
}

/** A hold that was released before stays released; one that never was is not found. */
async function releasedBefore(context: ActionContext, order: OrderRow, name: string) {
  const holds = await context.transaction((tx) => listHolds(tx, order.merchant_id, order.id));
  if (!holds.some((hold) => hold.name === name)) {
    throw new ProblemError('not-found', { detail: 'The order never had a hold of this name.' });
  }
  return { body: { held: holds.some((hold) => hold.released_at === null) } };
}

function sameAddress(present: object, wanted: IncomingAddress): boolean {
  return Object.entries(wanted).every(
    ([field, value]) => (present as Record<string, unknown>)[field] === value,
  );
}
