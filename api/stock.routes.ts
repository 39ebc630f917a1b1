/** Stock levels, the ledger behind every figure, and corrections. */
import { z } from 'zod';
import { adjustStock } from '../commands/stock/adjust-stock';
import { id } from '../contracts/common';
import { adjustedSchema, adjustmentSchema, ledgerEntrySchema, stockLevelSchema } from '../contracts/stock';
import { type LedgerRow, listLedger, listStockLevels, productIdOfSku } from '../db/stock-read.repo';
import { findWarehouse } from '../db/warehouse.repo';
import { isFailure } from '../domain/failure-types';
import { timeOf } from './answers';
import { page, pageOf, pageQuery, readCursor, timestampText } from './pagination';
import { ProblemError } from './problem';
import { defineRoute, type Route } from './route';

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
    method: 'post',
    path: '/v1/stock/adjustments',
    operationId: 'adjustStock',
    summary: 'Correct stock',
    description:
      'Posts once: the idempotency key is the cause. A loss larger than what is there posts what is there and opens an exception for the rest; reservations that it leaves without goods are taken back.',
    tag: 'Stock',
    scope: 'stock:write',
    merchant: 'one',
    body: adjustmentSchema,
    answers: { 201: adjustedSchema },
    handler: async ({ deps, caller, merchantId, effectKey, body, transaction }) => {
      const { kind, warehouseId, reason } = body;
      const served = await transaction((tx) =>
        findWarehouse(tx, caller.organisationId, [merchantId], warehouseId),
      );
      // One that serves others only must read like one that does not exist.
      if (served === null) throw notThere('/warehouseId', 'no such warehouse serves the merchant');
      const lines = body.lines.map(({ delta, ...given }) => ({ ...defined(given), delta }));
      const request = { merchantId, causeId: effectKey, kind, warehouseId, reason, lines };
      try {
        const adjusted = await adjustStock(deps.database, { ...request, actor: caller.actor });
        return { status: 201, body: { causeId: effectKey, lines: adjusted.lines } };
      } catch (error) {
        // The adjustments themselves were found; what they name inside was not.
        if (isFailure(error, 'NotFound')) {
          throw notThere('/lines', error.message);
        }
        throw error;
      }
    },
  }),
];

function notThere(pointer: string, message: string): ProblemError {
  return new ProblemError('invalid-reference', { errors: [{ pointer, message }] });
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Without the keys that were left out: a command tells "left out" from "undefined". */
function defined<T extends object>(given: T): Partial<Defined<T>> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Partial<
    Defined<T>
  >;
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
    reason: row.reason,
    actor: row.actor,
    occurredAt: timeOf(row.occurred_at),
    recordedAt: timeOf(row.recorded_at),
  };
}
