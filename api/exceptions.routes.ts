/** The stuck list: what needs somebody, why, since when, and what a person may do about it. */
import { z } from 'zod';
import { cancelOrder } from '../commands/cancel-order';
import { retryOrder } from '../commands/change-order';
import {
  actionsOf,
  requireAction,
  resolveByHand,
  retryMessage,
  retryVoid,
} from '../commands/exception-actions';
import { skipException } from '../commands/skip-exception';
import { assignException, snoozeException } from '../commands/triage-exception';
import { endWorkOrder, retryWorkOrder } from '../commands/work-order/change-work-order';
import { id, idParams } from '../contracts/common';
import { assignSchema, snoozeSchema } from '../contracts/exceptions';
import { doneSchema, exceptionGroupSchema, exceptionSchema, reasonSchema } from '../contracts/orders';
import { type ExceptionRow, findException, groupExceptions, listExceptions } from '../db/exception-read.repo';
import { exceptionReason, isExceptionReason } from '../domain/order/exception-reasons';
import { editorOf, timeOf } from './answers';
import { page, pageOf, pageQuery, readCursor, timeAndId } from './pagination';
import { ProblemError } from './problem';
import { readAgain, readCarrierAgain } from './read-again';
import { defineRoute, type Route, type RouteContext } from './route';

const tag = 'Exceptions';

const triageQuery = {
  /** A role. */
  owner: z.string().max(60).optional(),
  /** A person, or `none` for what nobody in particular has. */
  assignee: z.union([id, z.literal('none')]).optional(),
  /** Also those that are snoozed. */
  snoozed: z.stringbool().default(false),
};

const reads: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/exceptions',
    operationId: 'listExceptions',
    summary: 'List exceptions, the oldest first',
    tag,
    scope: 'exceptions:read',
    merchant: 'any',
    query: z.strictObject({
      ...pageQuery,
      state: z.enum(['open', 'snoozed', 'resolved']).default('open'),
      reason: z.string().max(60).optional(),
      ...triageQuery,
      orderId: id.optional(),
      cause: z.string().max(300).optional(),
    }),
    answers: { 200: pageOf(exceptionSchema) },
    handler: async ({ transaction, merchantIds, query: { limit, cursor, ...filter } }) => {
      const after = readCursor('exceptions', timeAndId, cursor);
      const rows = await transaction((tx) => listExceptions(tx, merchantIds, filter, after, limit + 1));
      return { body: page('exceptions', rows, limit, (row) => [row.key_at, row.id], exceptionOf) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/exception-groups',
    operationId: 'listExceptionGroups',
    summary: 'Open exceptions by what they share',
    description: 'One mapping may free all orders of a group.',
    tag,
    scope: 'exceptions:read',
    merchant: 'any',
    query: z.strictObject({
      ...pageQuery,
      reason: z.string().max(60).optional(),
      ...triageQuery,
    }),
    answers: { 200: pageOf(exceptionGroupSchema) },
    handler: async ({ transaction, merchantIds, query: { limit, cursor, ...filter } }) => {
      const after = readCursor('exception-groups', timeAndId, cursor);
      const rows = await transaction((tx) => groupExceptions(tx, merchantIds, filter, after, limit + 1));
      const itemOf = (row: (typeof rows)[number]) => ({
        merchantId: row.merchant_id,
        cause: row.cause,
        reason: row.reason,
        owner: row.owner,
        resumes: isExceptionReason(row.reason) ? exceptionReason(row.reason).resumes : '',
        count: row.count,
        oldestAt: timeOf(row.oldest_at),
        deadlineAt: timeOf(row.deadline_at),
        exampleId: row.example_id,
        message: row.message,
      });
      return { body: page('exception-groups', rows, limit, (row) => [row.key_at, row.example_id], itemOf) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/exceptions/{id}',
    operationId: 'getException',
    summary: 'Read an exception',
    tag,
    scope: 'exceptions:read',
    merchant: 'any',
    params: idParams,
    answers: { 200: exceptionSchema },
    handler: async ({ transaction, merchantIds, params }) => {
      const row = await transaction((tx) => findException(tx, merchantIds, params.id));
      if (row === null) throw new ProblemError('not-found');
      return { body: exceptionOf(row) };
    },
  }),
];

const actions: readonly Route[] = [
  defineRoute({
    method: 'post',
    path: '/v1/exceptions/{id}/retry',
    operationId: 'retryException',
    summary: 'Try again what is stuck',
    description:
      'The order looks again at what it waits for, a lost workflow is started again, the missing units of a short pick are planned anew, the dead message is sent again, or the unreadable one is read again.',
    tag,
    scope: 'exceptions:write',
    merchant: 'any',
    params: idParams,
    body: reasonSchema,
    answers: { 200: doneSchema },
    handler: async (context) => {
      const { deps, merchantIds, params, body } = context;
      const row = await context.transaction((tx) => requireAction(tx, merchantIds, params.id, 'retry'));
      if (row.thing_kind === 'outbox') {
        return context.commit(async (tx) => {
          await retryMessage(tx, row, body.reason, editorOf(context));
          return { body: { outcome: 'done' } };
        });
      }
      if (row.thing_kind === 'label') {
        return context.commit(async (tx) => {
          await retryVoid(tx, row, body.reason, editorOf(context));
          return { body: { outcome: 'done' } };
        });
      }
      if (row.thing_kind === 'inbox') return readAgain(context, row, body.reason);
      if (row.thing_kind === 'carrier_inbox') return readCarrierAgain(context, row, body.reason);
      if (row.thing_kind === 'work_order') {
        await retryWorkOrder(deps.database, workOrderOf(context, row));
        return { body: { outcome: 'done' } };
      }
      if (row.order_id === null) {
        throw new ProblemError('illegal-transition', {
          detail: 'There is nothing to try again; resolve it.',
        });
      }
      const { merchant_id: merchantId, order_id: orderId } = row;
      return {
        body: await retryOrder(deps.database, {
          merchantId,
          orderId,
          reason: body.reason,
          ...editorOf(context),
        }),
      };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/exceptions/{id}/skip',
    operationId: 'skipException',
    summary: 'Go on without what is stuck',
    description:
      'The channel is not told, the message is not sent, or the order ships without the units that were not found.',
    tag,
    scope: 'exceptions:write',
    merchant: 'any',
    params: idParams,
    body: reasonSchema,
    answers: { 200: doneSchema },
    handler: (context) =>
      context.commit(async (tx) => {
        const { merchantIds, params, body } = context;
        const row = await requireAction(tx, merchantIds, params.id, 'skip');
        await skipException(tx, row, body.reason, editorOf(context));
        return { body: { outcome: 'done' } };
      }),
  }),
  defineRoute({
    method: 'post',
    path: '/v1/exceptions/{id}/cancel',
    operationId: 'cancelException',
    summary: 'Cancel the order that is stuck',
    tag,
    scope: 'exceptions:write',
    merchant: 'any',
    params: idParams,
    body: reasonSchema,
    answers: { 200: doneSchema },
    handler: async (context) => {
      const { deps, merchantIds, params, body, transaction } = context;
      const row = await transaction((tx) => requireAction(tx, merchantIds, params.id, 'cancel'));
      if (row.thing_kind === 'work_order') {
        await endWorkOrder(deps.database, { ...workOrderOf(context, row), how: 'cancelled' });
        return { body: { outcome: 'done' } };
      }
      if (row.order_id === null) {
        throw new ProblemError('illegal-transition', { detail: 'The exception is of no order.' });
      }
      const { merchant_id: merchantId, order_id: orderId } = row;
      const request = { merchantId, orderId, reason: body.reason, ...editorOf(context) };
      return { body: await cancelOrder(deps.database, request) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/exceptions/{id}/resolve',
    operationId: 'resolveException',
    summary: 'Close an exception by hand',
    description: 'With a note of what was done; it changes nothing else.',
    tag,
    scope: 'exceptions:write',
    merchant: 'any',
    params: idParams,
    body: reasonSchema,
    answers: { 200: doneSchema },
    handler: (context) =>
      context.commit(async (tx) => {
        const { merchantIds, params, body } = context;
        await resolveByHand(tx, merchantIds, params.id, body.reason, editorOf(context));
        return { body: { outcome: 'done' } };
      }),
  }),
];

const triage: readonly Route[] = [
  defineRoute({
    method: 'post',
    path: '/v1/exceptions/{id}/assign',
    operationId: 'assignException',
    summary: 'Give an exception to a person or a role',
    description: 'Or back to whoever owns its reason by default. It changes nothing else.',
    tag,
    scope: 'exceptions:write',
    merchant: 'any',
    params: idParams,
    body: assignSchema,
    answers: { 200: doneSchema },
    handler: (context) =>
      context.commit(async (tx) => {
        await assignException(tx, triageOf(context), context.body.to);
        return { body: { outcome: 'done' } };
      }),
  }),
  defineRoute({
    method: 'post',
    path: '/v1/exceptions/{id}/snooze',
    operationId: 'snoozeException',
    summary: 'Take an exception off the list for a while',
    description:
      'At most 30 days. It is back when the time is over, when a deadline passes that had not passed before, or when its cause changes; what is stuck goes on by itself all the while. `null` puts it back at once.',
    tag,
    scope: 'exceptions:write',
    merchant: 'any',
    params: idParams,
    body: snoozeSchema,
    answers: { 200: doneSchema },
    handler: (context) =>
      context.commit(async (tx) => {
        const { until } = context.body;
        await snoozeException(tx, triageOf(context), until === null ? null : new Date(until));
        return { body: { outcome: 'done' } };
      }),
  }),
];

export const exceptionRoutes: readonly Route[] = [...reads, ...actions, ...triage];

function triageOf(context: RouteContext<z.output<typeof idParams>, unknown, { readonly reason: string }>) {
  const { merchantIds, params, body } = context;
  return { merchantIds, id: params.id, reason: body.reason, editor: editorOf(context) };
}

function workOrderOf(
  context: RouteContext<unknown, unknown, { readonly reason: string }>,
  row: ExceptionRow,
) {
  const { merchantIds, body } = context;
  return { merchantIds, workOrderId: row.thing_id, reason: body.reason, ...editorOf(context) };
}

export function exceptionOf(row: ExceptionRow) {
  return {
    id: row.id,
    merchantId: row.merchant_id,
    reason: row.reason,
    cause: row.cause,
    state: row.state,
    owner: row.owner,
    assigneeId: row.assignee_id,
    snoozedUntil: timeOf(row.snoozed_until),
    message: row.message,
    orderId: row.order_id,
    thingKind: row.thing_kind,
    thingId: row.thing_id,
    actions: actionsOf(row),
    tried: row.tried,
    openedAt: timeOf(row.opened_at),
    deadlineAt: timeOf(row.deadline_at),
    resolvedAt: timeOf(row.resolved_at),
    resolvedBy: row.resolved_by,
    resolution: row.resolution,
  };
}
