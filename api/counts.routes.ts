/**
 * Counts: planned and read by the office, worked through by the floor. An act of a counter deduplicates by
 * its event id, like a scan.
 */
import { z } from 'zod';
import { cancelCount } from '../commands/count/cancel-count';
import { planCount } from '../commands/count/plan-count';
import { submitCount } from '../commands/count/submit-count';
import { nextSheet, releaseSheet, startCount } from '../commands/count/work-sheet';
import { idParams } from '../contracts/common';
import {
  accuracySchema,
  countDetailSchema,
  countSchema,
  newCountSchema,
  nextSheetAnswerSchema,
  nextSheetSchema,
  releasedSheetSchema,
  releaseSheetSchema,
  sheetSchema,
  startSheetSchema,
  submitSheetSchema,
  submittedSheetSchema,
} from '../contracts/counts';
import { decisionSchema } from '../contracts/stock-changes';
import { businessNow } from '../db/adjustment.repo';
import { type CountRow, findSheetMerchant, listCounts, listSheets, sumAccuracy } from '../db/count-read.repo';
import { accuracyOf } from '../domain/stock/judge-count';
import { editorOf, minorOf, timeOf } from './answers';
import { actOf, callerOf } from './floor.routes';
import { page, pageOf, pageQuery, readCursor, timeAndId } from './pagination';
import { ProblemError } from './problem';
import { defineRoute, type Route, type RouteContext } from './route';
import { requireServed, withReferences } from './stock-answers';

const tag = 'Counts';
/** What a KPI review looks back on. */
const ACCURACY_DAYS = 30;
const DAY_MS = 24 * 60 * 60_000;

const office: readonly Route[] = [
  defineRoute({
    method: 'post',
    path: '/v1/counts',
    operationId: 'createCount',
    summary: 'Plan a count',
    description:
      'Of a class of products whose turn it is, of SKUs, of places, or of every bin in use. Places that an open sheet covers already are left out.',
    tag,
    scope: 'stock:write',
    merchant: 'one',
    body: newCountSchema,
    answers: { 201: countDetailSchema },
    handler: async (context) => {
      const { deps, merchantId, effectKey: key, body } = context;
      await requireServed(context, body.warehouseId, '/warehouseId');
      const { countId } = await withReferences('/skus', () =>
        planCount(deps.database, { ...body, merchantId, key, ...editorOf(context) }),
      );
      return { status: 201, body: await readOne(context, countId) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/counts',
    operationId: 'listCounts',
    summary: 'Counts, the newest first',
    tag,
    scope: 'stock:read',
    merchant: 'any',
    query: z.strictObject({
      ...pageQuery,
      state: z.enum(['open', 'done', 'cancelled']).optional(),
      warehouseId: z.uuid().optional(),
    }),
    answers: { 200: pageOf(countSchema) },
    handler: async ({ transaction, merchantIds, query: { limit, cursor, ...filter } }) => {
      const after = readCursor('counts', timeAndId, cursor);
      const rows = await transaction((tx) => listCounts(tx, merchantIds, filter, after, limit + 1));
      return { body: page('counts', rows, limit, (row) => [row.keyAt, row.id], headOf) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/counts/{id}',
    operationId: 'getCount',
    summary: 'One count with what was read',
    tag,
    scope: 'stock:read',
    merchant: 'any',
    params: idParams,
    answers: { 200: countDetailSchema },
    handler: async (context) => ({ body: await readOne(context, context.params.id) }),
  }),
  defineRoute({
    method: 'post',
    path: '/v1/counts/{id}/cancel',
    operationId: 'cancelCount',
    summary: 'Give up what is not counted of a count',
    tag,
    scope: 'stock:write',
    merchant: 'any',
    params: idParams,
    body: decisionSchema,
    answers: { 200: countDetailSchema },
    handler: async (context) => {
      const { deps, merchantIds, params, body } = context;
      await cancelCount(deps.database, {
        merchantIds,
        countId: params.id,
        reason: body.reason,
        ...editorOf(context),
      });
      return { body: await readOne(context, params.id) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/stock/accuracy',
    operationId: 'getInventoryAccuracy',
    summary: 'How right the books were by what was counted',
    description: 'Over readings that stood, by default of the last 30 days.',
    tag,
    scope: 'stock:read',
    merchant: 'one',
    query: z.strictObject({
      from: z.iso.datetime({ offset: true }).optional(),
      until: z.iso.datetime({ offset: true }).optional(),
      warehouseId: z.uuid().optional(),
    }),
    answers: { 200: accuracySchema },
    handler: async ({ transaction, merchantId, query }) => ({
      body: await transaction(async (tx) => {
        const until = query.until === undefined ? await businessNow(tx, merchantId) : new Date(query.until);
        const from =
          query.from === undefined
            ? new Date(until.getTime() - ACCURACY_DAYS * DAY_MS)
            : new Date(query.from);
        const sums = await sumAccuracy(tx, [merchantId], query.warehouseId ?? null, from, until);
        return {
          from: timeOf(from),
          until: timeOf(until),
          bins: Number(sums.bins),
          binsRight: Number(sums.binsRight),
          byBin: accuracyOf(sums.bins, sums.bins - sums.binsRight),
          units: Number(sums.units),
          unitsOff: Number(sums.unitsOff),
          byUnit: accuracyOf(sums.units, sums.unitsOff),
          valueMinor: minorOf(sums.valueMinor),
          valueOffMinor: minorOf(sums.valueOffMinor),
          byValue: accuracyOf(sums.valueMinor, sums.valueOffMinor),
          unitsWithoutCost: Number(sums.unitsWithoutCost),
        };
      }),
    }),
  }),
];

const floor: readonly Route[] = [
  defineRoute({
    method: 'post',
    path: '/v1/floor/counts/next',
    operationId: 'nextCountSheet',
    summary: 'Claim the next place to count',
    description:
      'A person who has a sheet gets that one again. Left out are places that are being counted, whose correction waits for a decision, or that he has counted himself while somebody else could.',
    tag,
    scope: 'floor',
    merchant: 'any',
    idempotency: 'handler',
    body: nextSheetSchema,
    answers: { 200: nextSheetAnswerSchema },
    handler: async (context) => {
      const { warehouseId } = context.body;
      const act = { ...actOf(context), warehouseId };
      return { body: { sheet: await nextSheet(context.deps.database, callerOf(context), act) } };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/floor/counts/{id}/start',
    operationId: 'startCountSheet',
    summary: 'Begin to count at the place',
    description: 'From here on what moves there is noticed.',
    tag,
    scope: 'floor',
    merchant: 'any',
    idempotency: 'handler',
    params: idParams,
    body: startSheetSchema,
    answers: { 200: sheetSchema },
    handler: async (context) => {
      const { locationCode } = context.body;
      const act = { ...actOf(context), sheetId: context.params.id, locationCode };
      return { body: await startCount(context.deps.database, callerOf(context), act) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/floor/counts/{id}/submit',
    operationId: 'submitCountSheet',
    summary: 'Say what lies there',
    description:
      'What is not named is not there. Goods that moved since the begin are asked for again; nothing is said about what should be there.',
    tag,
    scope: 'floor',
    merchant: 'any',
    idempotency: 'handler',
    params: idParams,
    body: submitSheetSchema,
    answers: { 200: submittedSheetSchema },
    handler: async (context) => {
      const { deps, merchantIds, params, body, transaction, requestId } = context;
      const merchantId = await transaction((tx) => findSheetMerchant(tx, merchantIds, params.id));
      if (merchantId === null) throw new ProblemError('not-found');
      const lines = body.lines.map(({ lotCode, ...line }) =>
        lotCode === undefined ? line : { ...line, lotCode },
      );
      const act = { ...actOf(context), merchantId, sheetId: params.id, requestId, lines };
      return { body: await submitCount(deps.database, callerOf(context), act) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/floor/counts/{id}/release',
    operationId: 'releaseCountSheet',
    summary: 'Give a sheet back',
    tag,
    scope: 'floor',
    merchant: 'any',
    idempotency: 'handler',
    params: idParams,
    body: releaseSheetSchema,
    answers: { 200: releasedSheetSchema },
    handler: async (context) => ({
      body: await releaseSheet(context.deps.database, callerOf(context), {
        ...actOf(context),
        sheetId: context.params.id,
      }),
    }),
  }),
];

export const countRoutes: readonly Route[] = [...office, ...floor];

/** @throws ProblemError not-found. */
async function readOne({ transaction, merchantIds }: RouteContext, id: string) {
  return transaction(async (tx) => {
    const [row] = await listCounts(tx, merchantIds, { id }, null, 1);
    if (row === undefined) throw new ProblemError('not-found');
    const sheets = await listSheets(tx, row.merchantId, id);
    return { ...headOf(row), looks: sheets.map((each) => ({ ...each, countedAt: timeOf(each.countedAt) })) };
  });
}

function headOf({ keyAt: _key, ...row }: CountRow) {
  return { ...row, requestedAt: timeOf(row.requestedAt), endedAt: timeOf(row.endedAt) };
}
