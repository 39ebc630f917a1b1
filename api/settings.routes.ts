/** How orders are shipped and packed: shipping methods, cartons; and which channels a merchant has. */
import { z } from 'zod';
import {
  createCarton,
  mapShippingMethod,
  retireCarton,
  unmapShippingMethod,
} from '../commands/catalogue/change-settings';
import {
  cartonSchema,
  newCartonSchema,
  newShippingMethodSchema,
  shippingMethodSchema,
} from '../contracts/catalogue';
import { idParams } from '../contracts/common';
import { connectionSchema } from '../contracts/organisation';
import { type CartonRow, listCartons } from '../db/carton.repo';
import { listConnections } from '../db/connection.repo';
import { listShippingMethods, type ShippingMethodRow } from '../db/shipping-method.repo';
import { editorOf, minorOf, timeOf } from './answers';
import { page, pageOf, pageQuery, readCursor } from './pagination';
import { ProblemError } from './problem';
import { defineRoute, type Route } from './route';

export const settingsRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/shipping-methods',
    operationId: 'listShippingMethods',
    summary: 'List how shipping methods map to services',
    tag: 'Catalogue',
    scope: 'catalogue:read',
    merchant: 'any',
    query: z.strictObject(pageQuery),
    answers: { 200: pageOf(shippingMethodSchema) },
    handler: async ({ transaction, merchantIds, query: { limit, cursor } }) => {
      const after = readCursor('shipping-methods', z.uuid(), cursor);
      const rows = await transaction((tx) => listShippingMethods(tx, merchantIds, after, limit + 1));
      return { body: page('shipping-methods', rows, limit, (row) => row.id, methodOf) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/shipping-methods',
    operationId: 'createShippingMethod',
    summary: "Map a channel's shipping method to a service level",
    description: 'Orders that waited for it go on by themselves.',
    tag: 'Catalogue',
    scope: 'catalogue:write',
    merchant: 'one',
    body: newShippingMethodSchema,
    answers: { 201: shippingMethodSchema },
    handler: (context) =>
      context.commit(async (tx) => {
        const row = await mapShippingMethod(tx, context.merchantId, context.body, editorOf(context));
        if (row === null) throw new ProblemError('conflict', { detail: 'The method is mapped already.' });
        return { status: 201, body: methodOf(row) };
      }),
  }),
  defineRoute({
    method: 'delete',
    path: '/v1/shipping-methods/{id}',
    operationId: 'deleteShippingMethod',
    summary: 'Remove a mapping',
    tag: 'Catalogue',
    scope: 'catalogue:write',
    merchant: 'any',
    params: idParams,
    answers: { 204: null },
    handler: (context) =>
      context.commit(async (tx) => {
        await unmapShippingMethod(tx, context.merchantIds, context.params.id, editorOf(context));
        return { status: 204 };
      }),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/cartons',
    operationId: 'listCartons',
    summary: 'List cartons',
    tag: 'Catalogue',
    scope: 'catalogue:read',
    merchant: 'any',
    query: z.strictObject(pageQuery),
    answers: { 200: pageOf(cartonSchema) },
    handler: async ({ transaction, merchantIds, query: { limit, cursor } }) => {
      const after = readCursor('cartons', z.uuid(), cursor);
      const rows = await transaction((tx) => listCartons(tx, merchantIds, after, limit + 1));
      return { body: page('cartons', rows, limit, (row) => row.id, cartonOf) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/cartons',
    operationId: 'createCarton',
    summary: 'Add a carton',
    tag: 'Catalogue',
    scope: 'catalogue:write',
    merchant: 'one',
    body: newCartonSchema,
    answers: { 201: cartonSchema },
    handler: (context) =>
      context.commit(async (tx) => {
        const row = await createCarton(tx, context.merchantId, context.body, editorOf(context));
        if (row === null) throw new ProblemError('conflict', { detail: 'There is a carton of this code.' });
        return { status: 201, body: cartonOf(row) };
      }),
  }),
  defineRoute({
    method: 'delete',
    path: '/v1/cartons/{id}',
    operationId: 'archiveCarton',
    summary: 'Retire a carton',
    tag: 'Catalogue',
    scope: 'catalogue:write',
    merchant: 'any',
    params: idParams,
    answers: { 204: null },
    handler: (context) =>
      context.commit(async (tx) => {
        await retireCarton(tx, context.merchantIds, context.params.id, editorOf(context));
        return { status: 204 };
      }),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/connections',
    operationId: 'listConnections',
    summary: 'List the channels that merchants are connected to',
    tag: 'Organisation',
    scope: 'catalogue:read',
    merchant: 'any',
    query: z.strictObject(pageQuery),
    answers: { 200: pageOf(connectionSchema) },
    handler: async ({ transaction, merchantIds, query: { limit, cursor } }) => {
      const after = readCursor('connections', z.uuid(), cursor);
      const rows = await transaction((tx) => listConnections(tx, merchantIds, after, limit + 1));
      const itemOf = (row: (typeof rows)[number]) => ({
        id: row.id,
        merchantId: row.merchant_id,
        channel: row.channel,
        name: row.name,
        tellsTracking: row.tells_tracking,
        sandbox: row.sandbox,
        lastError: row.poll_error,
        disabledAt: timeOf(row.disabled_at),
        createdAt: timeOf(row.created_at),
      });
      return { body: page('connections', rows, limit, (row) => row.id, itemOf) };
    },
  }),
];

function methodOf(row: ShippingMethodRow) {
  return {
    id: row.id,
    merchantId: row.merchant_id,
    method: row.method,
    serviceLevel: row.service_level,
    services: row.services,
    maxDays: row.max_days,
    connectionId: row.connection_id,
  };
}

function cartonOf(row: CartonRow) {
  return {
    id: row.id,
    merchantId: row.merchant_id,
    code: row.code,
    lengthMm: row.length_mm,
    widthMm: row.width_mm,
    heightMm: row.height_mm,
    tareGrams: row.tare_grams,
    maxGrams: row.max_grams,
    costMinor: minorOf(row.cost_minor),
    archived: row.archived_at !== null,
  };
}
