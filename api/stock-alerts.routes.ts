/** Low-stock alerts: the rules, what they found, and what one does about it. */
import { z } from 'zod';
import { addAlertRule, removeAlertRule } from '../commands/watch/change-alert-rules';
import { followUp } from '../commands/watch/follow-up';
import { id, idParams } from '../contracts/common';
import {
  alertRuleSchema,
  followUpSchema,
  newAlertRuleSchema,
  newFollowUpSchema,
  stockAlertSchema,
} from '../contracts/stock-alerts';
import { type FollowUpRow, listFollowUps } from '../db/follow-up.repo';
import { type AlertRow, listAlerts } from '../db/stock-alert.repo';
import { type AlertRuleRow, listAlertRules } from '../db/stock-alert-rule.repo';
import { actionsFor, FOLLOW_UP_ACTIONS } from '../domain/stock/follow-up';
import { daysOfCover, unitsPerDay } from '../domain/stock/velocity';
import { editorOf, timeOf } from './answers';
import { page, pageOf, pageQuery, readCursor, timeAndId } from './pagination';
import { ProblemError } from './problem';
import { defineRoute, type Route } from './route';

const tag = 'Stock alerts';

export const stockAlertRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/stock/alerts',
    operationId: 'listStockAlerts',
    summary: 'Low-stock alerts, the newest first',
    tag,
    scope: 'stock:read',
    merchant: 'any',
    query: z.strictObject({
      ...pageQuery,
      sku: z.string().max(120).optional(),
      open: z
        .enum(['true', 'false'])
        .transform((text) => text === 'true')
        .optional(),
    }),
    answers: { 200: pageOf(stockAlertSchema) },
    handler: async ({ transaction, merchantIds, query: { limit, cursor, ...filter } }) => {
      const after = readCursor('stock-alerts', timeAndId, cursor);
      const rows = await transaction((tx) => listAlerts(tx, merchantIds, filter, after, limit + 1));
      return { body: page('stock-alerts', rows, limit, (row) => [row.keyAt, row.id], alertOf) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/stock/alerts/{id}',
    operationId: 'getStockAlert',
    summary: 'One alert',
    tag,
    scope: 'stock:read',
    merchant: 'any',
    params: idParams,
    answers: { 200: stockAlertSchema },
    handler: async ({ transaction, merchantIds, params }) => {
      const [row] = await transaction((tx) => listAlerts(tx, merchantIds, { id: params.id }, null, 1));
      if (row === undefined) throw new ProblemError('not-found');
      return { body: alertOf(row) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/stock/alerts/{id}/follow-ups',
    operationId: 'followUpStockAlert',
    summary: 'Do something about an alert',
    description:
      'Draft an expedite purchase order, pause the listings, shift stock to a channel, ask for a transfer, or tell marketing (a webhook `stock.marketing_asked`). Once an alert and action: again it answers what was done.',
    tag,
    scope: 'stock:write',
    merchant: 'any',
    params: idParams,
    body: newFollowUpSchema,
    answers: { 200: followUpSchema, 201: followUpSchema },
    handler: async (context) => {
      const { deps, merchantIds, params, body } = context;
      const { row, again } = await followUp(deps.database, merchantIds, params.id, body, editorOf(context));
      return { status: again ? 200 : 201, body: followUpOf(row) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/stock/follow-ups',
    operationId: 'listStockFollowUps',
    summary: 'What was done about alerts, the newest first',
    tag,
    scope: 'stock:read',
    merchant: 'any',
    query: z.strictObject({
      ...pageQuery,
      alertId: id.optional(),
      action: z.enum(FOLLOW_UP_ACTIONS).optional(),
    }),
    answers: { 200: pageOf(followUpSchema) },
    handler: async ({ transaction, merchantIds, query: { limit, cursor, ...filter } }) => {
      const after = readCursor('follow-ups', timeAndId, cursor);
      const rows = await transaction((tx) => listFollowUps(tx, merchantIds, filter, after, limit + 1));
      return { body: page('follow-ups', rows, limit, (row) => [row.keyAt, row.id], followUpOf) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/stock/alert-rules',
    operationId: 'listStockAlertRules',
    summary: 'Rules of low-stock alerts',
    tag,
    scope: 'stock:read',
    merchant: 'any',
    query: z.strictObject(pageQuery),
    answers: { 200: pageOf(alertRuleSchema) },
    handler: async ({ transaction, merchantIds, query: { limit, cursor } }) => {
      const after = readCursor('stock-alert-rules', z.uuid(), cursor);
      const rows = await transaction((tx) => listAlertRules(tx, merchantIds, after, limit + 1));
      return { body: page('stock-alert-rules', rows, limit, (row) => row.id, ruleOf) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/stock/alert-rules',
    operationId: 'createStockAlertRule',
    summary: 'Add a rule',
    description:
      'Low is at most so many units, or so many days of cover, of one SKU or of each; in all warehouses together, in one, or as offered to one channel. Stock is looked at within seconds. Addresses are never shown again.',
    tag,
    scope: 'stock:write',
    merchant: 'one',
    body: newAlertRuleSchema,
    answers: { 201: alertRuleSchema },
    handler: (context) =>
      context.commit(async (tx) => {
        const { deps, merchantId, body } = context;
        const row = await addAlertRule(tx, deps.config.sealingKeys, merchantId, body, editorOf(context));
        return { status: 201, body: ruleOf(row) };
      }),
  }),
  defineRoute({
    method: 'delete',
    path: '/v1/stock/alert-rules/{id}',
    operationId: 'deleteStockAlertRule',
    summary: 'End a rule, and what it has open',
    tag,
    scope: 'stock:write',
    merchant: 'any',
    params: idParams,
    answers: { 204: null },
    handler: (context) =>
      context.commit(async (tx) => {
        await removeAlertRule(tx, context.merchantIds, context.params.id, editorOf(context));
        return { status: 204 };
      }),
  }),
];

function alertOf(row: AlertRow) {
  const { id: alertId, merchantId, ruleId, ruleName, productId, sku, warehouseId, connectionId } = row;
  const recovering = row.wellSince === null ? 'open' : 'recovering';
  return {
    id: alertId,
    merchantId,
    ruleId,
    ruleName,
    productId,
    sku,
    warehouseId,
    connectionId,
    state: row.clearedAt === null ? recovering : 'cleared',
    level: row.level,
    daysOfCover: daysOfCover(row.level, row),
    unitsPerDay: unitsPerDay(row),
    window: {
      from: row.windowFrom,
      to: row.windowTo,
      countedDays: row.countedDays,
      shipped: row.shipped,
    },
    openedAt: timeOf(row.openedAt),
    clearedAt: timeOf(row.clearedAt),
    clearedLevel: row.clearedLevel,
    actions: actionsFor(row),
  };
}

function followUpOf({ keyAt: _key, requestedAt, detail: effect, ...row }: FollowUpRow) {
  return { ...row, effect, requestedAt: timeOf(requestedAt) };
}

const ruleOf = (row: AlertRuleRow) => ({ ...row, destinations: [...row.destinations] });
