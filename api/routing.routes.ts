/**
 * Where orders ship from: a merchant's rules, zones and rates, a dry run, and why an order went where it
 * went. What holds for the next order is changed here; what is planned stays planned.
 */
import { z } from 'zod';
import { changeRule, createRule, removeRule, setRates, setZones } from '../commands/routing/change-rules';
import { dryRunLines, dryRunOrder } from '../commands/routing/dry-run';
import { idParams } from '../contracts/common';
import {
  type DryRun,
  dryRunAnswerSchema,
  dryRunSchema,
  newRuleSchema,
  orderRoutingSchema,
  ratesSchema,
  rulePatchSchema,
  ruleSchema,
  zonesSchema,
} from '../contracts/routing';
import type { Tx } from '../db/client';
import { findOrder } from '../db/order-read.repo';
import { listDecisions } from '../db/routing-decision.repo';
import { findRule, listRules, type RoutingRuleRow } from '../db/routing-rule.repo';
import { listRates, listZones } from '../db/routing-table.repo';
import type { FulfilmentPlan } from '../domain/routing/snapshot';
import { editorOf, etag, minorOf, timeOf } from './answers';
import { page, pageOf, pageQuery, readCursor } from './pagination';
import { ProblemError } from './problem';
import { defineRoute, type Route } from './route';
import { namesOf, traceOf } from './routing-view';

const tag = 'Routing';
const ruleKey = z.tuple([z.uuid(), z.int(), z.uuid()]);

const ruleRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/routing/rules',
    operationId: 'listRoutingRules',
    summary: 'List routing rules in the order in which they are read',
    tag,
    scope: 'catalogue:read',
    merchant: 'any',
    query: z.strictObject(pageQuery),
    answers: { 200: pageOf(ruleSchema) },
    handler: async ({ transaction, merchantIds, query: { limit, cursor } }) => {
      const after = readCursor('routing-rules', ruleKey, cursor);
      const rows = await transaction((tx) =>
        listRules(tx, merchantIds, after as [string, number, string] | null, limit + 1),
      );
      const keyOf = (row: RoutingRuleRow) => [row.merchant_id, row.position, row.id];
      return { body: page('routing-rules', rows, limit, keyOf, ruleOf) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/routing/rules',
    operationId: 'createRoutingRule',
    summary: 'Add a routing rule',
    description:
      'All conditions must hold, each by any of its values. `only` and `exclude` of several rules add up; of what says how an order may be split the first rule is heard.',
    tag,
    scope: 'catalogue:write',
    merchant: 'one',
    body: newRuleSchema,
    answers: { 201: ruleSchema },
    handler: (context) =>
      context.commit(async (tx) => {
        const row = await createRule(tx, context.merchantId, context.body, editorOf(context));
        return {
          status: 201,
          body: ruleOf(row),
          headers: { ...etag(row.version), Location: `/v1/routing/rules/${row.id}` },
        };
      }),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/routing/rules/{id}',
    operationId: 'getRoutingRule',
    summary: 'Read a routing rule',
    tag,
    scope: 'catalogue:read',
    merchant: 'any',
    params: idParams,
    answers: { 200: ruleSchema },
    handler: async ({ transaction, merchantIds, params }) => {
      const row = await transaction((tx) => findRule(tx, merchantIds, params.id));
      if (row === null) throw new ProblemError('not-found');
      return { body: ruleOf(row), headers: etag(row.version) };
    },
  }),
  defineRoute({
    method: 'patch',
    path: '/v1/routing/rules/{id}',
    operationId: 'updateRoutingRule',
    summary: 'Change a routing rule, or its place',
    description: 'What is left out stays as it is; conditions and effects are replaced as a whole.',
    tag,
    scope: 'catalogue:write',
    merchant: 'any',
    params: idParams,
    body: rulePatchSchema,
    ifMatch: true,
    answers: { 200: ruleSchema },
    handler: (context) =>
      context.commit(async (tx) => {
        const { merchantIds, params, body, ifMatch } = context;
        const row = await changeRule(tx, merchantIds, params.id, body, ifMatch, editorOf(context));
        if (row === 'stale') throw new ProblemError('stale-version');
        return { body: ruleOf(row), headers: etag(row.version) };
      }),
  }),
  defineRoute({
    method: 'delete',
    path: '/v1/routing/rules/{id}',
    operationId: 'deleteRoutingRule',
    summary: 'Remove a routing rule',
    tag,
    scope: 'catalogue:write',
    merchant: 'any',
    params: idParams,
    answers: { 204: null },
    handler: (context) =>
      context.commit(async (tx) => {
        await removeRule(tx, context.merchantIds, context.params.id, editorOf(context));
        return { status: 204 };
      }),
  }),
];

const tableRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/routing/zones',
    operationId: 'getRoutingZones',
    summary: 'Read the destination zones',
    tag,
    scope: 'catalogue:read',
    merchant: 'one',
    answers: { 200: zonesSchema },
    handler: async ({ transaction, merchantId }) => ({
      body: { zones: await transaction((tx) => listZones(tx, merchantId)) },
    }),
  }),
  defineRoute({
    method: 'put',
    path: '/v1/routing/zones',
    operationId: 'setRoutingZones',
    summary: 'Replace the destination zones',
    tag,
    scope: 'catalogue:write',
    merchant: 'one',
    body: zonesSchema,
    answers: { 200: zonesSchema },
    handler: (context) =>
      context.commit(async (tx) => {
        await setZones(tx, context.merchantId, context.body, editorOf(context));
        return { body: { zones: await listZones(tx, context.merchantId) } };
      }),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/routing/rates',
    operationId: 'getRoutingRates',
    summary: 'Read the rate table',
    tag,
    scope: 'catalogue:read',
    merchant: 'one',
    answers: { 200: ratesSchema },
    handler: async ({ transaction, merchantId }) => ({
      body: { rates: await transaction((tx) => ratesOf(tx, merchantId)) },
    }),
  }),
  defineRoute({
    method: 'put',
    path: '/v1/routing/rates',
    operationId: 'setRoutingRates',
    summary: 'Replace the rate table',
    description: 'An empty table compares warehouses by their distance.',
    tag,
    scope: 'catalogue:write',
    merchant: 'one',
    body: ratesSchema,
    answers: { 200: ratesSchema },
    handler: (context) =>
      context.commit(async (tx) => {
        await setRates(tx, context.merchantId, context.body, editorOf(context));
        return { body: { rates: await ratesOf(tx, context.merchantId) } };
      }),
  }),
];

const decisionRoutes: readonly Route[] = [
  defineRoute({
    method: 'post',
    path: '/v1/routing/dry-run',
    operationId: 'dryRunRouting',
    summary: 'Ask where an order would ship from now',
    description: 'Nothing is reserved or written. For an order that exists, or for lines and a destination.',
    tag,
    scope: 'orders:read',
    merchant: 'any',
    body: dryRunSchema,
    answers: { 200: dryRunAnswerSchema },
    handler: ({ transaction, merchantIds, body }) =>
      transaction(async (tx) => {
        const { merchantId, plan } = await dryRun(tx, merchantIds, body);
        return { body: await planOf(tx, merchantId, plan) };
      }),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/orders/{id}/routing',
    operationId: 'getOrderRouting',
    summary: 'Read why an order ships from where it does',
    tag,
    scope: 'orders:read',
    merchant: 'any',
    params: idParams,
    answers: { 200: orderRoutingSchema },
    handler: ({ transaction, merchantIds, params }) =>
      transaction(async (tx) => {
        const order = await findOrder(tx, merchantIds, params.id);
        if (order === null) throw new ProblemError('not-found');
        const rows = await listDecisions(tx, order.merchant_id, order.id);
        const names = await namesOf(
          tx,
          order.merchant_id,
          rows.map(({ trace }) => trace),
        );
        const decisions = rows.map(({ id, decided_at, outcome, trace }) => ({
          id,
          decidedAt: timeOf(decided_at),
          outcome,
          trace: traceOf(trace, names),
        }));
        return { body: { orderId: order.id, decisions } };
      }),
  }),
];

export const routingRoutes: readonly Route[] = [...ruleRoutes, ...tableRoutes, ...decisionRoutes];

async function dryRun(
  tx: Tx,
  merchantIds: readonly string[],
  body: DryRun,
): Promise<{ readonly merchantId: string; readonly plan: FulfilmentPlan }> {
  const { orderId, lines, destination } = body;
  if (orderId !== undefined) {
    const order = await findOrder(tx, merchantIds, orderId);
    if (order === null) throw new ProblemError('not-found');
    const { merchant_id: merchantId } = order;
    return { merchantId, plan: await dryRunOrder(tx, merchantId, orderId) };
  }
  const [merchantId, another] = merchantIds;
  if (merchantId === undefined || another !== undefined || lines === undefined || destination === undefined)
    throw new ProblemError('merchant-required', {
      detail: 'Send the header Quayside-Merchant with an id or slug.',
    });
  return { merchantId, plan: await dryRunLines(tx, merchantId, { ...body, lines, destination }) };
}

async function planOf(tx: Tx, merchantId: string, plan: FulfilmentPlan) {
  const shipments = plan.kind === 'plan' ? plan.shipments : [];
  const waiting =
    plan.kind === 'plan'
      ? plan.backorder
      : plan.kind === 'short'
        ? plan.missing.map(({ productId, needed, available }) => ({
            productId,
            quantity: needed - available,
          }))
        : [];
  const productIds = [...shipments.flatMap(({ lines }) => lines), ...waiting].map((line) => line.productId);
  const names = await namesOf(tx, merchantId, [plan.trace], { productIds });
  const units = ({ productId, quantity }: { readonly productId: string; readonly quantity: number }) => ({
    product: { id: productId, sku: names.products[productId] ?? null },
    quantity,
  });
  return {
    outcome: plan.kind,
    shipments: shipments.map(({ warehouseId, lines }) => ({
      warehouse: { id: warehouseId, code: names.warehouses[warehouseId] ?? null },
      lines: lines.map(units),
    })),
    waiting: waiting.map(units),
    trace: traceOf(plan.trace, names),
  };
}

async function ratesOf(tx: Tx, merchantId: string) {
  const rows = await listRates(tx, merchantId);
  return rows.map((row) => ({
    warehouseId: row.warehouse_id,
    zone: row.zone,
    baseMinor: minorOf(row.base_minor),
    perKgMinor: minorOf(row.per_kg_minor),
  }));
}

function ruleOf(row: RoutingRuleRow) {
  return {
    id: row.id,
    merchantId: row.merchant_id,
    name: row.name,
    position: row.position,
    conditions: row.conditions,
    effects: row.effects,
    enabled: row.enabled,
    version: Number(row.version),
    createdAt: timeOf(row.created_at),
    updatedAt: timeOf(row.updated_at),
  };
}
