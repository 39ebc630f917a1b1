/** How fast goods sell, what they are worth, what it costs to have them; and the calendar and rates behind it. */
import { z } from 'zod';
import { addPromotion, removePromotion, setCarryingRates } from '../commands/watch/change-promotions';
import { readCarryingCost, readValuation } from '../commands/watch/read-valuation';
import { type MeasuredProduct, type MeasuredWindow, readVelocity } from '../commands/watch/read-velocity';
import { id, idParams } from '../contracts/common';
import {
  carryingCostSchema,
  carryingRatesSchema,
  newPromotionSchema,
  promotionSchema,
  slowMoversSchema,
  valuationSchema,
  velocitySchema,
} from '../contracts/stock-watch';
import { businessNow } from '../db/adjustment.repo';
import type { Tx } from '../db/client';
import { listPromotions, readCarryingRates } from '../db/promotion.repo';
import { listStockedProducts, readCurrency, readToday } from '../db/stock-history.repo';
import { knownSkus } from '../db/stock-state.repo';
import type { CarryingCost, CarryingRates } from '../domain/stock/carrying-cost';
import { type StockValue, VALUATION_METHODS } from '../domain/stock/valuation';
import { addDays, daysOfCover, isSlow, unitsPerDay } from '../domain/stock/velocity';
import { editorOf, minorOf, timeOf } from './answers';
import { page, pageOf, pageQuery, readCursor } from './pagination';
import { ProblemError } from './problem';
import { defineRoute, type Route } from './route';
import { skuSet } from './stock-answers';

const tag = 'Stock value';
const method = z.enum(VALUATION_METHODS).default('fifo');
/** A year: beyond it the season differs more than the pace. */
const windowDays = z.coerce.number().int().min(1).max(366);
/** Two years of days of every product are counted one by one. */
const LONGEST_SPAN_DAYS = 731;
const skuCursor = z.string().max(120);

export const stockValueRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/stock/velocity',
    operationId: 'getStockVelocity',
    summary: 'How fast SKUs sell, and how long they last',
    description:
      'Units shipped a day over whole business days. Days of promotions, and days on which there was nothing to sell when they began or ended, are left out of the average and listed. Repeat `sku`.',
    tag,
    scope: 'stock:read',
    merchant: 'one',
    query: z.strictObject({
      sku: skuSet,
      days: windowDays.default(28),
      warehouseId: id.optional(),
      connectionId: id.optional(),
    }),
    answers: { 200: velocitySchema },
    handler: async ({ transaction, merchantId, query: { sku, days, ...of } }) =>
      transaction(async (tx) => {
        const scope = { warehouseId: of.warehouseId ?? null, connectionId: of.connectionId ?? null };
        const ids = await stockedIds(tx, merchantId, { skus: sku });
        const { window, products } = await readVelocity(tx, merchantId, ids, scope, days);
        const items = products.map((each) => ({ ...paceOf(each), leftOut: [...each.velocity.leftOut] }));
        const known = new Set(await knownSkus(tx, [merchantId], sku));
        const unknown = sku.filter((each) => !known.has(each));
        return { body: { window: windowOf(window), items, unknown } };
      }),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/stock/slow-movers',
    operationId: 'listSlowMovers',
    summary: 'Goods that last longer than they should',
    description:
      'What is available would last longer than `coverDays` at its pace. Products that were for sale on fewer than 14 of the days are too new to tell.',
    tag,
    scope: 'stock:read',
    merchant: 'one',
    query: z.strictObject({
      days: windowDays.default(90),
      coverDays: z.coerce.number().int().min(1).max(3650).default(180),
      warehouseId: id.optional(),
      limit: pageQuery.limit,
    }),
    answers: { 200: slowMoversSchema },
    handler: async ({ transaction, merchantId, query: { days, coverDays, warehouseId, limit } }) =>
      transaction(async (tx) => {
        const scope = { warehouseId: warehouseId ?? null, connectionId: null };
        const ids = await stockedIds(tx, merchantId, scope);
        const { window, products } = await readVelocity(tx, merchantId, ids, scope, days);
        const slow = products.filter((each) => isSlow(each.available, each.velocity, coverDays));
        const worth = await worthOf(tx, merchantId, slow);
        const items = slow
          .map((each) => ({
            ...paceOf(each),
            lastShippedAt: timeOf(each.lastShippedAt),
            value: worth.get(each.productId) ?? 0n,
          }))
          .sort((a, b) => (a.value < b.value ? 1 : a.value > b.value ? -1 : a.sku < b.sku ? -1 : 1))
          .slice(0, limit)
          .map(({ value, ...item }) => ({ ...item, valueMinor: minorOf(value) }));
        return { body: { window: windowOf(window), items } };
      }),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/stock/valuation',
    operationId: 'getStockValuation',
    summary: 'What stock was worth at a moment',
    description:
      'First in, first out, or weighted average (rounded to the nearest minor unit, a half up, when units leave; the last unit takes the rest), in the order of business time. Cost of what left + value of what is there = cost of what came. Stock between warehouses counts.',
    tag,
    scope: 'stock:read',
    merchant: 'one',
    query: z.strictObject({
      ...pageQuery,
      at: z.iso
        .datetime({ offset: true })
        .refine((text) => !Number.isNaN(Date.parse(text)))
        .optional(),
      method,
      sku: skuSet.optional(),
    }),
    answers: { 200: valuationSchema },
    handler: async ({ transaction, merchantId, query: { limit, cursor, at, method, sku } }) =>
      transaction(async (tx) => {
        const afterSku = readCursor('valuation', skuCursor, cursor);
        const moment = at === undefined ? await businessNow(tx, merchantId) : new Date(at);
        const chosen = { merchantId, skus: sku ?? null, afterSku, method, at: moment };
        const { items, total } = await readValuation(tx, chosen, limit + 1, afterSku === null);
        const itemOf = ({ productId, sku: of, ...value }: (typeof items)[number]) => ({
          productId,
          sku: of,
          ...valueOf(value),
        });
        const body = page('valuation', items, limit, (item) => item.sku, itemOf);
        const currency = await readCurrency(tx, merchantId);
        const sum = total === null ? null : valueOf(total);
        return { body: { at: timeOf(moment), method, currency, total: sum, ...body } };
      }),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/stock/carrying-cost',
    operationId: 'getCarryingCost',
    summary: 'What it cost to have stock, by its parts',
    description:
      'Storage, insurance, capital and obsolescence of each day with what was there at its end. Rounded once a product and part, a half up.',
    tag,
    scope: 'stock:read',
    merchant: 'one',
    query: z.strictObject({
      ...pageQuery,
      from: z.iso.date().optional(),
      to: z.iso.date().optional(),
      method,
      sku: skuSet.optional(),
    }),
    answers: { 200: carryingCostSchema },
    handler: async ({ transaction, merchantId, query: { limit, cursor, method, sku, ...span } }) =>
      transaction(async (tx) => {
        const afterSku = readCursor('carrying-cost', skuCursor, cursor);
        const rates = await readCarryingRates(tx, merchantId);
        const now = await readToday(tx, merchantId, null);
        if (rates === null || now === null)
          throw new ProblemError('not-found', { detail: 'No rates of carrying cost are set yet.' });
        const to = span.to ?? addDays(now.today, -1);
        const from = span.from ?? addDays(to, -29);
        requireSpan(from, to);
        const days = { zone: now.zone, from, to };
        const chosen = { merchantId, skus: sku ?? null, afterSku, method, rates };
        const { items, total } = await readCarryingCost(tx, chosen, days, limit + 1, afterSku === null);
        const itemOf = (item: (typeof items)[number]) => ({
          productId: item.productId,
          sku: item.sku,
          unitDays: String(item.unitDays),
          valueDaysMinor: minorOf(item.valueDaysMinor),
          measured: item.measured,
          ...partsOf(item),
        });
        const body = {
          from,
          to,
          timeZone: now.zone,
          method,
          currency: await readCurrency(tx, merchantId),
          rates: ratesOf(rates),
          total: total === null ? null : partsOf(total),
          ...page('carrying-cost', items, limit, (item) => item.sku, itemOf),
        };
        return { body };
      }),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/stock/carrying-rates',
    operationId: 'getCarryingRates',
    summary: 'Rates of carrying cost',
    tag,
    scope: 'stock:read',
    merchant: 'one',
    answers: { 200: carryingRatesSchema },
    handler: async ({ transaction, merchantId }) => {
      const rates = await transaction((tx) => readCarryingRates(tx, merchantId));
      if (rates === null) throw new ProblemError('not-found');
      return { body: ratesOf(rates) };
    },
  }),
  defineRoute({
    method: 'put',
    path: '/v1/stock/carrying-rates',
    operationId: 'setCarryingRates',
    summary: 'Set the rates of carrying cost',
    tag,
    scope: 'stock:write',
    merchant: 'one',
    body: carryingRatesSchema,
    answers: { 200: carryingRatesSchema },
    handler: (context) =>
      context.commit(async (tx) => {
        const { storagePerCubicMetreMinor, storagePerUnitMinor, ...shares } = context.body;
        const rates = {
          ...shares,
          storagePerCubicMetreMinor: BigInt(storagePerCubicMetreMinor),
          storagePerUnitMinor: BigInt(storagePerUnitMinor),
        };
        await setCarryingRates(tx, context.merchantId, rates, editorOf(context));
        return { body: ratesOf(rates) };
      }),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/stock/promotions',
    operationId: 'listPromotions',
    summary: 'The promotion calendar',
    tag,
    scope: 'stock:read',
    merchant: 'any',
    query: z.strictObject(pageQuery),
    answers: { 200: pageOf(promotionSchema) },
    handler: async ({ transaction, merchantIds, query: { limit, cursor } }) => {
      const after = readCursor('promotions', z.uuid(), cursor);
      const rows = await transaction((tx) => listPromotions(tx, merchantIds, after, limit + 1));
      return {
        body: page(
          'promotions',
          rows,
          limit,
          (row) => row.id,
          (row) => row,
        ),
      };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/stock/promotions',
    operationId: 'createPromotion',
    summary: 'Add a promotion to the calendar',
    description: 'Its days are left out of how fast the product, or every product, normally sells.',
    tag,
    scope: 'stock:write',
    merchant: 'one',
    body: newPromotionSchema,
    answers: { 201: promotionSchema },
    handler: (context) =>
      context.commit(async (tx) => ({
        status: 201,
        body: await addPromotion(tx, context.merchantId, context.body, editorOf(context)),
      })),
  }),
  defineRoute({
    method: 'delete',
    path: '/v1/stock/promotions/{id}',
    operationId: 'deletePromotion',
    summary: 'Remove a promotion',
    tag,
    scope: 'stock:write',
    merchant: 'any',
    params: idParams,
    answers: { 204: null },
    handler: (context) =>
      context.commit(async (tx) => {
        await removePromotion(tx, context.merchantIds, context.params.id, editorOf(context));
        return { status: 204 };
      }),
  }),
];

/** Far more products than any merchant has; a query's answer, not a page. */
const ALL = 1_000_000;

async function stockedIds(tx: Tx, merchantId: string, filter: Parameters<typeof listStockedProducts>[2]) {
  return (await listStockedProducts(tx, merchantId, filter, null, ALL)).map((product) => product.id);
}

async function worthOf(tx: Tx, merchantId: string, slow: readonly MeasuredProduct[]) {
  if (slow.length === 0) return new Map<string, bigint>();
  const at = await businessNow(tx, merchantId);
  const skus = slow.map(({ sku }) => sku);
  const chosen = { merchantId, skus, afterSku: null, method: 'fifo' as const, at };
  const { items } = await readValuation(tx, chosen, slow.length, false);
  return new Map(items.map((item) => [item.productId, item.valueMinor]));
}

function requireSpan(from: string, to: string): void {
  if (to < from || to >= addDays(from, LONGEST_SPAN_DAYS))
    throw new ProblemError('invalid-parameter', {
      detail: `The span runs from an earlier to a later day, at most ${LONGEST_SPAN_DAYS} days.`,
    });
}

const windowOf = ({ zone, from, to }: MeasuredWindow) => ({ from, to, timeZone: zone });

function paceOf({ productId, sku, onHand, available, velocity }: MeasuredProduct) {
  return {
    productId,
    sku,
    onHand,
    available,
    shipped: velocity.shipped,
    countedDays: velocity.countedDays,
    unitsPerDay: unitsPerDay(velocity),
    daysOfCover: daysOfCover(available, velocity),
  };
}

function valueOf(value: StockValue) {
  return {
    units: value.units,
    valueMinor: minorOf(value.valueMinor),
    receivedMinor: minorOf(value.receivedMinor),
    leftMinor: minorOf(value.leftMinor),
    unitsOwed: value.unitsOwed,
    unitsWithoutCost: value.unitsWithoutCost,
  };
}

function partsOf(cost: CarryingCost) {
  return {
    storageMinor: minorOf(cost.storageMinor),
    insuranceMinor: minorOf(cost.insuranceMinor),
    capitalMinor: minorOf(cost.capitalMinor),
    obsolescenceMinor: minorOf(cost.obsolescenceMinor),
    totalMinor: minorOf(cost.totalMinor),
  };
}

function ratesOf({ storagePerCubicMetreMinor, storagePerUnitMinor, ...shares }: CarryingRates) {
  return {
    storagePerCubicMetreMinor: minorOf(storagePerCubicMetreMinor),
    storagePerUnitMinor: minorOf(storagePerUnitMinor),
    ...shares,
  };
}
