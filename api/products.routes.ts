/** Products, bundles and SKU aliases. Mapping a SKU frees the orders that waited for it, by itself. */
import { z } from 'zod';
import {
  changeProduct,
  createAlias,
  createProduct,
  removeAlias,
  setComponents,
} from '../commands/catalogue/change-product';
import {
  aliasSchema,
  componentsSchema,
  newAliasSchema,
  newProductSchema,
  productDetailSchema,
  productPatchSchema,
  productSchema,
} from '../contracts/catalogue';
import { id, idParams } from '../contracts/common';
import type { Tx } from '../db/client';
import { findProduct, listComponents, listProducts, type ProductRow } from '../db/product.repo';
import { type AliasRow, listAliases } from '../db/sku-alias.repo';
import { editorOf, etag } from './answers';
import { page, pageOf, pageQuery, readCursor } from './pagination';
import { ProblemError } from './problem';
import { defineRoute, type Route, type RouteAnswer } from './route';

const productKey = z.tuple([z.uuid(), z.string()]);

export const productRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/products',
    operationId: 'listProducts',
    summary: 'List products by SKU',
    tag: 'Catalogue',
    scope: 'catalogue:read',
    merchant: 'any',
    query: z.strictObject({
      ...pageQuery,
      sku: z.string().max(120).optional(),
      archived: z.stringbool().optional(),
    }),
    answers: { 200: pageOf(productSchema) },
    handler: async ({ transaction, merchantIds, query: { limit, cursor, ...filter } }) => {
      const after = readCursor('products', productKey, cursor);
      const rows = await transaction((tx) =>
        listProducts(tx, merchantIds, filter, after as [string, string] | null, limit + 1),
      );
      return { body: page('products', rows, limit, (row) => [row.merchant_id, row.sku], productOf) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/products',
    operationId: 'createProduct',
    summary: 'Create a product',
    description: 'Orders that waited for this SKU go on by themselves.',
    tag: 'Catalogue',
    scope: 'catalogue:write',
    merchant: 'one',
    body: newProductSchema,
    answers: { 201: productSchema },
    handler: (context) =>
      context.commit(async (tx) => {
        const row = await createProduct(tx, context.merchantId, context.body, editorOf(context));
        if (row === null) throw taken('/sku', 'The merchant has a product of this SKU.');
        return {
          status: 201,
          body: productOf(row),
          headers: { ...etag(row.version), Location: `/v1/products/${row.id}` },
        };
      }),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/products/{id}',
    operationId: 'getProduct',
    summary: 'Read a product with its components',
    tag: 'Catalogue',
    scope: 'catalogue:read',
    merchant: 'any',
    params: idParams,
    answers: { 200: productDetailSchema },
    handler: ({ transaction, merchantIds, params }) =>
      transaction(async (tx) => {
        const row = await findProduct(tx, merchantIds, params.id);
        if (row === null) throw new ProblemError('not-found');
        return detail(tx, row);
      }),
  }),
  defineRoute({
    method: 'patch',
    path: '/v1/products/{id}',
    operationId: 'updateProduct',
    summary: 'Change a product',
    description: 'What is left out stays as it is; null clears.',
    tag: 'Catalogue',
    scope: 'catalogue:write',
    merchant: 'any',
    params: idParams,
    body: productPatchSchema,
    ifMatch: true,
    answers: { 200: productSchema },
    handler: (context) =>
      context.commit(async (tx) => {
        const { merchantIds, params, body, ifMatch } = context;
        const row = await changeProduct(tx, merchantIds, params.id, body, ifMatch, editorOf(context));
        if (row === 'stale') throw new ProblemError('stale-version');
        return { body: productOf(row), headers: etag(row.version) };
      }),
  }),
  defineRoute({
    method: 'put',
    path: '/v1/products/{id}/components',
    operationId: 'setProductComponents',
    summary: 'Say what a bundle is made of',
    tag: 'Catalogue',
    scope: 'catalogue:write',
    merchant: 'any',
    params: idParams,
    body: componentsSchema,
    ifMatch: true,
    answers: { 200: productDetailSchema },
    handler: (context) =>
      context.commit(async (tx) => {
        const { merchantIds, params, body, ifMatch } = context;
        const row = await setComponents(
          tx,
          merchantIds,
          params.id,
          body.components,
          ifMatch,
          editorOf(context),
        );
        if (row === 'stale') throw new ProblemError('stale-version');
        return detail(tx, row);
      }),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/sku-aliases',
    operationId: 'listSkuAliases',
    summary: 'List SKU aliases',
    tag: 'Catalogue',
    scope: 'catalogue:read',
    merchant: 'any',
    query: z.strictObject({ ...pageQuery, alias: z.string().max(120).optional(), productId: id.optional() }),
    answers: { 200: pageOf(aliasSchema) },
    handler: async ({ transaction, merchantIds, query: { limit, cursor, ...filter } }) => {
      const after = readCursor('sku-aliases', z.uuid(), cursor);
      const rows = await transaction((tx) => listAliases(tx, merchantIds, filter, after, limit + 1));
      return { body: page('sku-aliases', rows, limit, (row) => row.id, aliasOf) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/sku-aliases',
    operationId: 'createSkuAlias',
    summary: 'Map a name that channels use to a product',
    description: 'Orders that waited for this name go on by themselves.',
    tag: 'Catalogue',
    scope: 'catalogue:write',
    merchant: 'one',
    body: newAliasSchema,
    answers: { 201: aliasSchema },
    handler: (context) =>
      context.commit(async (tx) => {
        const row = await createAlias(tx, context.merchantId, context.body, editorOf(context));
        if (row === null) throw taken('/alias', 'The name is mapped already on that channel.');
        return { status: 201, body: aliasOf(row) };
      }),
  }),
  defineRoute({
    method: 'delete',
    path: '/v1/sku-aliases/{id}',
    operationId: 'deleteSkuAlias',
    summary: 'Remove a SKU alias',
    tag: 'Catalogue',
    scope: 'catalogue:write',
    merchant: 'any',
    params: idParams,
    answers: { 204: null },
    handler: (context) =>
      context.commit(async (tx) => {
        await removeAlias(tx, context.merchantIds, context.params.id, editorOf(context));
        return { status: 204 };
      }),
  }),
];

async function detail(tx: Tx, row: ProductRow): Promise<RouteAnswer> {
  const components = await listComponents(tx, row.merchant_id, row.id);
  return {
    body: {
      ...productOf(row),
      components: components.map(({ product_id, sku, quantity }) => ({
        productId: product_id,
        sku,
        quantity,
      })),
    },
    headers: etag(row.version),
  };
}

function taken(pointer: string, detail: string): ProblemError {
  return new ProblemError('conflict', { detail, errors: [{ pointer, message: 'taken' }] });
}

function productOf(row: ProductRow) {
  return {
    id: row.id,
    merchantId: row.merchant_id,
    sku: row.sku,
    name: row.name,
    ships: row.ships,
    isBundle: row.is_bundle,
    gtin: row.gtin,
    weightGrams: row.weight_grams,
    lengthMm: row.length_mm,
    widthMm: row.width_mm,
    heightMm: row.height_mm,
    unitCostMinor: row.unit_cost_minor === null ? null : String(row.unit_cost_minor),
    hsCode: row.hs_code,
    originCountry: row.origin_country,
    handling: row.handling,
    lotTracked: row.lot_tracked,
    serialTracked: row.serial_tracked,
    archived: row.archived_at !== null,
    version: Number(row.version),
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}

function aliasOf(row: AliasRow) {
  return {
    id: row.id,
    merchantId: row.merchant_id,
    alias: row.alias,
    productId: row.product_id,
    sku: row.sku,
    connectionId: row.connection_id,
    multiplier: row.multiplier,
    createdAt: row.created_at.toISOString(),
  };
}
