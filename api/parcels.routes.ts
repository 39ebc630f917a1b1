/** Parcels with their labels and what carriers said, and the floor's tasks as a list. */
import { z } from 'zod';
import { id, idParams } from '../contracts/common';
import { parcelDetailSchema, parcelSchema, taskSchema } from '../contracts/orders';
import {
  findParcel,
  type LabelListRow,
  listLabels,
  listParcelLines,
  listParcels,
  listTracking,
  type ParcelRow,
} from '../db/parcel-read.repo';
import { listTasks } from '../db/task-read.repo';
import { statesOf } from '../domain/order/states';
import { minorOf, timeOf } from './answers';
import { page, pageOf, pageQuery, readCursor } from './pagination';
import { ProblemError } from './problem';
import { defineRoute, type Route } from './route';

const TASK_KINDS = [
  'pick',
  'pack',
  'ship',
  'put_back',
  'receive',
  'putaway',
  'count',
  'move',
  'replenish',
  'inspect',
] as const;

export const parcelRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/parcels',
    operationId: 'listParcels',
    summary: 'List parcels',
    tag: 'Shipping',
    scope: 'orders:read',
    merchant: 'any',
    query: z.strictObject({
      ...pageQuery,
      orderId: id.optional(),
      trackingNumber: z.string().max(120).optional(),
      state: z.enum([...statesOf('parcel'), 'cancelled']).optional(),
    }),
    answers: { 200: pageOf(parcelSchema) },
    handler: async ({ transaction, merchantIds, query: { limit, cursor, ...filter } }) => {
      const after = readCursor('parcels', z.uuid(), cursor);
      const rows = await transaction((tx) => listParcels(tx, merchantIds, filter, after, limit + 1));
      return { body: page('parcels', rows, limit, (row) => row.id, parcelOf) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/parcels/{id}',
    operationId: 'getParcel',
    summary: 'Read a parcel with contents, labels and tracking',
    tag: 'Shipping',
    scope: 'orders:read',
    merchant: 'any',
    params: idParams,
    answers: { 200: parcelDetailSchema },
    handler: ({ transaction, merchantIds, params }) =>
      transaction(async (tx) => {
        const row = await findParcel(tx, merchantIds, params.id);
        if (row === null) throw new ProblemError('not-found');
        const lines = await listParcelLines(tx, row.merchant_id, row.id);
        const labels = await listLabels(tx, row.merchant_id, [row.id]);
        const tracking = await listTracking(tx, row.merchant_id, row.id);
        return {
          body: {
            ...parcelOf(row),
            lines: lines.map(({ product_id, sku, quantity }) => ({ productId: product_id, sku, quantity })),
            labels: labels.map(labelOf),
            tracking: tracking.map((event) => ({
              eventId: event.event_id,
              status: event.status,
              message: event.message,
              occurredAt: timeOf(event.occurred_at),
              receivedAt: timeOf(event.received_at),
              source: event.source,
            })),
          },
        };
      }),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/tasks',
    operationId: 'listTasks',
    summary: "List the floor's tasks",
    tag: 'Floor',
    scope: 'orders:read',
    merchant: 'any',
    query: z.strictObject({
      ...pageQuery,
      state: z.enum(statesOf('task')).optional(),
      kind: z.enum(TASK_KINDS).optional(),
      warehouseId: id.optional(),
      orderId: id.optional(),
    }),
    answers: { 200: pageOf(taskSchema) },
    handler: async ({ transaction, merchantIds, query: { limit, cursor, ...filter } }) => {
      const after = readCursor('tasks', z.uuid(), cursor);
      const rows = await transaction((tx) => listTasks(tx, merchantIds, filter, after, limit + 1));
      const itemOf = (row: (typeof rows)[number]) => ({
        id: row.id,
        merchantId: row.merchant_id,
        warehouseId: row.warehouse_id,
        kind: row.kind,
        state: row.state,
        orderId: row.order_id,
        fulfilmentOrderId: row.fulfilment_order_id,
        parcelId: row.parcel_id,
        priority: row.priority,
        dueAt: timeOf(row.due_at),
        claimedBy: row.claimed_by,
        claimedAt: timeOf(row.claimed_at),
        finishedAt: timeOf(row.finished_at),
        createdAt: timeOf(row.created_at),
      });
      return { body: page('tasks', rows, limit, (row) => row.id, itemOf) };
    },
  }),
];

export function parcelOf(row: ParcelRow) {
  return {
    id: row.id,
    merchantId: row.merchant_id,
    orderId: row.order_id,
    fulfilmentOrderId: row.fulfilment_order_id,
    number: row.number,
    state: row.state,
    stateSince: timeOf(row.state_since),
    weightGrams: row.weight_grams,
    lengthMm: row.length_mm,
    widthMm: row.width_mm,
    heightMm: row.height_mm,
    carrier: row.carrier,
    service: row.service,
    trackingNumber: row.tracking_number,
    promisedAt: timeOf(row.promised_at),
    shippedAt: timeOf(row.shipped_at),
    deliveredAt: timeOf(row.delivered_at),
  };
}

export function labelOf(row: LabelListRow) {
  return {
    id: row.id,
    state: row.state,
    stateSince: timeOf(row.state_since),
    carrier: row.carrier,
    service: row.service,
    trackingNumber: row.tracking_number,
    labelUrl: row.label_url,
    amountMinor: minorOf(row.amount_minor),
    currency: row.currency,
    addressVersion: row.address_version,
    failure: row.failure,
    createdAt: timeOf(row.created_at),
  };
}
