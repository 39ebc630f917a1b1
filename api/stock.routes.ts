/** Stock by its states, now and at any moment, and the ledger behind every figure. */
import { z } from 'zod';
import { id } from '../contracts/common';
import {
  ledgerEntrySchema,
  serialUnitSchema,
  stockAsOfSchema,
  stockLevelSchema,
  stockStatesSchema,
} from '../contracts/stock';
import type { Tx } from '../db/client';
import { listSerials } from '../db/serial.repo';
import { type LedgerRow, listLedger, listStockLevels, productIdOfSku } from '../db/stock-read.repo';
import { knownSkus, readPastStock, readStockStates } from '../db/stock-state.repo';
import { timeOf } from './answers';
import { page, pageOf, pageQuery, readCursor, timestampText } from './pagination';
import { ProblemError } from './problem';
import { defineRoute, type Route } from './route';
import { skuSet } from './stock-answers';

const levelKey = z.tuple([z.uuid(), z.uuid(), z.uuid()]);
const ledgerKey = z.tuple([timestampText, z.string(), z.int().min(0).max(2_147_483_647)]);

export const stockRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/stock',
    operationId: 'listStock',
    summary: 'Stock by SKU and warehouse',
    tag: 'Stock',
    scope: 'stock:read',
    merchant: 'any',
    query: z.strictObject({
      ...pageQuery,
      sku: z.string().max(120).optional(),
      productId: id.optional(),
      warehouseId: id.optional(),
    }),
    answers: { 200: pageOf(stockLevelSchema) },
    handler: async ({ transaction, merchantIds, query: { limit, cursor, ...filter } }) => {
      const after = readCursor('stock', levelKey, cursor);
      const rows = await transaction((tx) => listStockLevels(tx, merchantIds, filter, after, limit + 1));
      const itemOf = (row: (typeof rows)[number]) => ({
        merchantId: row.merchant_id,
        warehouseId: row.warehouse_id,
        warehouseCode: row.warehouse_code,
        productId: row.product_id,
        sku: row.sku,
        onHand: row.on_hand,
        held: row.held,
        reserved: row.reserved,
        available: row.on_hand - row.held - row.reserved,
      });
      return {
        body: page('stock', rows, limit, (r) => [r.merchant_id, r.warehouse_id, r.product_id], itemOf),
      };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/stock/{sku}/ledger',
    operationId: 'listStockLedger',
    summary: 'The movements behind a figure, the newest first',
    description: 'Over all pages `change` adds up to `onHand`.',
    tag: 'Stock',
    scope: 'stock:read',
    merchant: 'one',
    params: z.strictObject({ sku: z.string().min(1).max(120) }),
    query: z.strictObject({ ...pageQuery, warehouseId: id.optional() }),
    answers: { 200: pageOf(ledgerEntrySchema) },
    handler: async ({ transaction, merchantId, params, query }) => {
      const after = readCursor('ledger', ledgerKey, query.cursor);
      const rows = await transaction(async (tx) => {
        const productId = await productIdOfSku(tx, merchantId, params.sku);
        if (productId === null) throw new ProblemError('not-found');
        return listLedger(tx, merchantId, productId, query.warehouseId ?? null, after, query.limit + 1);
      });
      const keyOf = (row: LedgerRow) => [row.key_at, row.cause_id, row.line];
      return { body: page('ledger', rows, query.limit, keyOf, entryOf) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/stock/levels',
    operationId: 'getStockLevels',
    summary: 'States of a set of SKUs, in one call',
    description:
      'On hand, reserved, available to promise, and why units are not for sale, by SKU and warehouse, all of one instant. Repeat `sku`.',
    tag: 'Stock',
    scope: 'stock:read',
    merchant: 'any',
    query: z.strictObject({ sku: skuSet, warehouseId: id.optional() }),
    answers: { 200: stockStatesSchema },
    handler: async ({ transaction, merchantIds, query: { sku, warehouseId } }) =>
      transaction(async (tx) => {
        const items = await readStockStates(tx, merchantIds, sku, warehouseId ?? null);
        return { body: { items, unknown: await unknownOf(tx, merchantIds, sku) } };
      }),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/stock/as-of',
    operationId: 'getStockAsOf',
    summary: 'What there was at a moment',
    description:
      'Added up from the ledger by the time at which things happened. Goods between warehouses have no warehouse.',
    tag: 'Stock',
    scope: 'stock:read',
    merchant: 'one',
    query: z.strictObject({
      sku: skuSet,
      at: z.iso.datetime({ offset: true }).refine((text) => !Number.isNaN(Date.parse(text))),
      warehouseId: id.optional(),
    }),
    answers: { 200: stockAsOfSchema },
    handler: async ({ transaction, merchantId, query: { sku, at, warehouseId } }) =>
      transaction(async (tx) => {
        const rows = await readPastStock(tx, merchantId, sku, new Date(at), warehouseId ?? null);
        const items = rows.map((row) => ({
          ...row,
          held: row.quarantined + row.damaged + row.atDock + row.recalled + row.expired,
        }));
        const unknown = await unknownOf(tx, [merchantId], sku);
        return { body: { at: timeOf(new Date(at)), items, unknown } };
      }),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/stock/{sku}/serials',
    operationId: 'listSerials',
    summary: 'Units with numbers: where each is and was',
    tag: 'Stock',
    scope: 'stock:read',
    merchant: 'one',
    params: z.strictObject({ sku: z.string().min(1).max(120) }),
    query: z.strictObject({ ...pageQuery, serial: z.string().min(1).max(120).optional() }),
    answers: { 200: pageOf(serialUnitSchema) },
    handler: async ({ transaction, merchantId, params, query: { limit, cursor, serial } }) => {
      const after = readCursor('serials', z.string().max(120), cursor);
      const rows = await transaction(async (tx) => {
        const productId = await productIdOfSku(tx, merchantId, params.sku);
        if (productId === null) throw new ProblemError('not-found');
        return listSerials(tx, merchantId, productId, serial ?? null, after, limit + 1);
      });
      const itemOf = (row: (typeof rows)[number]) => ({
        ...row,
        movements: row.movements.map((each) => ({ ...each, occurredAt: timeOf(new Date(each.occurredAt)) })),
      });
      return { body: page('serials', rows, limit, (row) => row.serial, itemOf) };
    },
  }),
];

async function unknownOf(tx: Tx, merchantIds: readonly string[], skus: readonly string[]) {
  const known = new Set(await knownSkus(tx, merchantIds, skus));
  return skus.filter((sku) => !known.has(sku));
}

function entryOf(row: LedgerRow) {
  return {
    causeId: row.cause_id,
    line: row.line,
    kind: row.kind,
    change: row.change,
    quantity: row.quantity,
    lotCode: row.lot_code,
    from: {
      locationId: row.from_id,
      code: row.from_code,
      kind: row.from_kind,
      warehouseId: row.from_warehouse,
    },
    to: { locationId: row.to_id, code: row.to_code, kind: row.to_kind, warehouseId: row.to_warehouse },
    orderId: row.order_id,
    reasonCode: row.reason_code,
    reason: row.reason,
    actor: row.actor,
    occurredAt: timeOf(row.occurred_at),
    recordedAt: timeOf(row.recorded_at),
  };
}
