/** A warehouse's hours and capacity, and closing and opening it: for whoever acts for the whole organisation. */
import { z } from 'zod';
import { changeWarehouse, closeWarehouse, openWarehouse } from '../commands/routing/change-warehouse';
import { rerouteClosed } from '../commands/routing/reroute-closed';
import { idParams, reason } from '../contracts/common';
import { closedWarehouseSchema, warehousePatchSchema, warehouseSchema } from '../contracts/organisation';
import { administratorOf, requireWholeOrganisation } from './answers';
import { warehouseOf } from './organisation.routes';
import { defineRoute, type Route } from './route';

const common = { tag: 'Organisation', scope: 'admin', merchant: 'any', params: idParams } as const;
const why = z.strictObject({ reason });

// Whatever merchant a request names, closing and opening concerns all that the warehouse serves.

export const warehouseHoursRoutes: readonly Route[] = [
  defineRoute({
    ...common,
    method: 'patch',
    path: '/v1/warehouses/{id}',
    operationId: 'updateWarehouse',
    summary: "Change a warehouse's hours and what it takes in a day",
    body: warehousePatchSchema,
    answers: { 200: warehouseSchema },
    handler: (context) => {
      requireWholeOrganisation(context.caller);
      const { params, body } = context;
      return context.commit(async (tx) => ({
        body: warehouseOf(await changeWarehouse(tx, params.id, body, administratorOf(context))),
      }));
    },
  }),
  defineRoute({
    ...common,
    method: 'post',
    path: '/v1/warehouses/{id}/close',
    operationId: 'closeWarehouse',
    summary: 'Close a warehouse',
    description:
      'Nothing more is planned there. What nobody has begun is planned again elsewhere, or waits; what somebody has begun is finished there.',
    body: why,
    answers: { 200: closedWarehouseSchema },
    handler: async (context) => {
      requireWholeOrganisation(context.caller);
      const { deps, params, body } = context;
      let merchantIds: readonly string[] = [];
      const answer = await context.commit(async (tx) => {
        const closed = await closeWarehouse(tx, params.id, body.reason, administratorOf(context));
        merchantIds = closed.merchantIds;
        const { notBegun: leaving, begun: staying } = closed.work;
        return { body: { warehouse: warehouseOf(closed.warehouse), leaving, staying } };
      }, context.caller.merchantIds);
      // What a crash leaves here the dispatcher takes out.
      for (const merchantId of merchantIds) await rerouteClosed(deps.database, merchantId, params.id);
      return answer;
    },
  }),
  defineRoute({
    ...common,
    method: 'post',
    path: '/v1/warehouses/{id}/open',
    operationId: 'openWarehouse',
    summary: 'Open a warehouse again',
    description: 'Orders that wait for what lies there get it.',
    body: why,
    answers: { 200: warehouseSchema },
    handler: (context) => {
      requireWholeOrganisation(context.caller);
      const { params, body } = context;
      return context.commit(
        async (tx) => ({
          body: warehouseOf(await openWarehouse(tx, params.id, body.reason, administratorOf(context))),
        }),
        context.caller.merchantIds,
      );
    },
  }),
];
