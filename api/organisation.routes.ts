/** Merchants, warehouses and locations. What concerns the whole organisation needs a key for all of it. */
import { uuidv7 } from 'uuidv7';
import { z } from 'zod';
import {
  assignWarehouses,
  changeMerchant,
  createLocation,
  createMerchant,
  createWarehouse,
} from '../commands/organisation';
import { idParams } from '../contracts/common';
import {
  LOCATION_KINDS,
  locationSchema,
  merchantPatchSchema,
  merchantSchema,
  merchantWarehousesSchema,
  newLocationSchema,
  newMerchantSchema,
  newWarehouseSchema,
  warehouseSchema,
} from '../contracts/organisation';
import { type LocationRow, listLocations } from '../db/location.repo';
import { findMerchant, listMerchants, type MerchantRow } from '../db/merchant.repo';
import { findWarehouse, listWarehouses, type WarehouseRow } from '../db/warehouse.repo';
import { administratorOf, minorOf, requireWholeOrganisation, timeOf } from './answers';
import { page, pageOf, pageQuery, readCursor } from './pagination';
import { ProblemError } from './problem';
import { type Caller, defineRoute, type Route } from './route';

const tag = 'Organisation';

const merchantRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/merchants',
    operationId: 'listMerchants',
    summary: "List the key's merchants",
    tag,
    scope: 'catalogue:read',
    merchant: 'any',
    query: z.strictObject(pageQuery),
    answers: { 200: pageOf(merchantSchema) },
    handler: async ({ transaction, merchantIds, query: { limit, cursor } }) => {
      const after = readCursor('merchants', z.uuid(), cursor);
      const rows = await transaction((tx) => listMerchants(tx, merchantIds, after, limit + 1));
      return { body: page('merchants', rows, limit, (row) => row.id, merchantOf) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/merchants',
    operationId: 'createMerchant',
    summary: 'Add a merchant',
    tag,
    scope: 'admin',
    merchant: 'organisation',
    body: newMerchantSchema,
    answers: { 201: merchantSchema },
    handler: async (context) => {
      requireWholeOrganisation(context.caller);
      const id = uuidv7();
      const answer = await context.commit(
        async (tx) => {
          const row = await createMerchant(tx, id, context.body, administratorOf(context));
          if (row === null) throw new ProblemError('conflict', { detail: 'The slug is taken.' });
          return { status: 201, body: merchantOf(row) };
        },
        [id],
      );
      context.forgetKeys();
      return answer;
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/merchants/{id}',
    operationId: 'getMerchant',
    summary: 'Read a merchant',
    tag,
    scope: 'catalogue:read',
    merchant: 'any',
    params: idParams,
    answers: { 200: merchantSchema },
    handler: async ({ transaction, merchantIds, params }) => {
      const row = await transaction((tx) => findMerchant(tx, merchantIds, params.id));
      if (row === null) throw new ProblemError('not-found');
      return { body: merchantOf(row) };
    },
  }),
  defineRoute({
    method: 'patch',
    path: '/v1/merchants/{id}',
    operationId: 'updateMerchant',
    summary: "Change a merchant's policies",
    tag,
    scope: 'admin',
    merchant: 'any',
    params: idParams,
    body: merchantPatchSchema,
    answers: { 200: merchantSchema },
    handler: (context) =>
      context.commit(async (tx) => {
        const admin = administratorOf(context);
        return { body: merchantOf(await changeMerchant(tx, context.params.id, context.body, admin)) };
      }),
  }),
  defineRoute({
    method: 'put',
    path: '/v1/merchants/{id}/warehouses',
    operationId: 'setMerchantWarehouses',
    summary: 'Say which warehouses serve a merchant',
    tag,
    scope: 'admin',
    merchant: 'any',
    params: idParams,
    body: merchantWarehousesSchema,
    answers: { 200: merchantSchema },
    handler: (context) => {
      requireWholeOrganisation(context.caller);
      return context.commit(async (tx) => {
        const { params, body } = context;
        const row = await assignWarehouses(tx, params.id, body.warehouseIds, administratorOf(context));
        return { body: merchantOf(row) };
      });
    },
  }),
];

const warehouseRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/warehouses',
    operationId: 'listWarehouses',
    summary: 'List warehouses',
    description:
      "A key for some merchants sees the warehouses that serve them; the organisation's key sees all.",
    tag,
    scope: 'stock:read',
    merchant: 'any',
    query: z.strictObject(pageQuery),
    answers: { 200: pageOf(warehouseSchema) },
    handler: async ({ transaction, caller, merchantIds, query: { limit, cursor } }) => {
      const after = readCursor('warehouses', z.uuid(), cursor);
      const rows = await transaction((tx) =>
        listWarehouses(tx, caller.organisationId, served(caller, merchantIds), after, limit + 1),
      );
      return { body: page('warehouses', rows, limit, (row) => row.id, warehouseOf) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/warehouses',
    operationId: 'createWarehouse',
    summary: 'Add a warehouse',
    tag,
    scope: 'admin',
    merchant: 'organisation',
    body: newWarehouseSchema,
    answers: { 201: warehouseSchema },
    handler: (context) => {
      requireWholeOrganisation(context.caller);
      return context.commit(async (tx) => {
        const row = await createWarehouse(tx, context.body, administratorOf(context));
        if (row === null) throw new ProblemError('conflict', { detail: 'The code is taken.' });
        return { status: 201, body: warehouseOf(row) };
      });
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/warehouses/{id}',
    operationId: 'getWarehouse',
    summary: 'Read a warehouse',
    tag,
    scope: 'stock:read',
    merchant: 'any',
    params: idParams,
    answers: { 200: warehouseSchema },
    handler: async ({ transaction, caller, merchantIds, params }) => {
      const row = await transaction((tx) =>
        findWarehouse(tx, caller.organisationId, served(caller, merchantIds), params.id),
      );
      if (row === null) throw new ProblemError('not-found');
      return { body: warehouseOf(row) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/warehouses/{id}/locations',
    operationId: 'listLocations',
    summary: 'List the places of a warehouse by code',
    tag,
    scope: 'stock:read',
    merchant: 'any',
    params: idParams,
    query: z.strictObject({
      ...pageQuery,
      kind: z.enum(LOCATION_KINDS).optional(),
      code: z.string().max(40).optional(),
    }),
    answers: { 200: pageOf(locationSchema) },
    handler: async ({ transaction, caller, merchantIds, params, query: { limit, cursor, ...filter } }) => {
      const after = readCursor('locations', z.string(), cursor);
      const rows = await transaction(async (tx) => {
        const visible = served(caller, merchantIds);
        const warehouse = await findWarehouse(tx, caller.organisationId, visible, params.id);
        if (warehouse === null) throw new ProblemError('not-found');
        return listLocations(tx, params.id, filter, after, limit + 1);
      });
      return { body: page('locations', rows, limit, (row) => row.code, locationOf) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/warehouses/{id}/locations',
    operationId: 'createLocation',
    summary: 'Add a place to a warehouse',
    tag,
    scope: 'admin',
    merchant: 'organisation',
    params: idParams,
    body: newLocationSchema,
    answers: { 201: locationSchema },
    handler: (context) => {
      requireWholeOrganisation(context.caller);
      return context.commit(async (tx) => {
        const { caller, params, body } = context;
        const warehouse = await findWarehouse(tx, caller.organisationId, null, params.id);
        if (warehouse === null) throw new ProblemError('not-found');
        const row = await createLocation(tx, params.id, body, administratorOf(context));
        if (row === null) throw new ProblemError('conflict', { detail: 'The code is taken.' });
        return { status: 201, body: locationOf(row) };
      });
    },
  }),
];

export const organisationRoutes: readonly Route[] = [...merchantRoutes, ...warehouseRoutes];

/** null: all warehouses, for whoever acts for the whole organisation and narrowed the request to no merchant. */
function served(caller: Caller, merchantIds: readonly string[]): readonly string[] | null {
  return caller.allMerchants && merchantIds.length === caller.merchantIds.length ? null : merchantIds;
}

function merchantOf(row: MerchantRow) {
  return {
    id: row.id,
    slug: row.slug,
    name: row.name,
    currency: row.currency,
    paymentPolicy: row.payment_policy,
    splitPolicy: row.split_policy,
    lineSplitPolicy: row.line_split_policy,
    partialPolicy: row.partial_policy,
    shortPickPolicy: row.short_pick_policy,
    addressCheck: row.address_check,
    mailFrom: row.mail_from,
    adjustmentLimitUnits: row.adjustment_limit_units,
    adjustmentLimitMinor: minorOf(row.adjustment_limit_minor),
    countToleranceUnits: row.count_tolerance_units,
    countTolerancePercent: row.count_tolerance_percent,
    countToleranceMinor: minorOf(row.count_tolerance_minor),
    warehouseIds: row.warehouse_ids,
    createdAt: timeOf(row.created_at),
  };
}

export function warehouseOf(row: WarehouseRow) {
  return {
    id: row.id,
    code: row.code,
    name: row.name,
    timeZone: row.time_zone,
    line1: row.line1,
    city: row.city,
    region: row.region,
    postalCode: row.postal_code,
    country: row.country,
    phone: row.phone,
    cutoffMinutes: row.cutoff_minutes,
    workingDays: row.working_days,
    holidayCountry: row.holiday_country,
    closedDays: row.closed_days,
    ordersADay: row.orders_a_day,
    unitsADay: row.units_a_day,
    wmsKind: row.wms_kind,
    closedAt: timeOf(row.closed_at),
    createdAt: timeOf(row.created_at),
  };
}

function locationOf(row: LocationRow) {
  return {
    id: row.id,
    warehouseId: row.warehouse_id,
    code: row.code,
    zone: row.zone,
    kind: row.kind,
    aisle: row.aisle,
    bay: row.bay,
    level: row.level,
    archivedAt: timeOf(row.archived_at),
  };
}
