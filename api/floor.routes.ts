/**
 * The floor: what a device of a picker, packer or of the door asks and scans. Each act deduplicates by
 * its event id, which is the body's or else the Idempotency-Key, so nothing is stored beside it. Closing
 * a carton commits first and then asks the order's workflow for the label, because a person waits for it.
 */
import { z } from 'zod';
import { claimNextTask } from '../commands/floor/claim-next-task';
import { type ClosedCarton, closeCarton } from '../commands/floor/close-carton';
import { releaseTask } from '../commands/floor/release-task';
import type { FloorCaller } from '../commands/floor/scan-event';
import { scanPack } from '../commands/floor/scan-pack';
import { scanPick } from '../commands/floor/scan-pick';
import { settleShortPick } from '../commands/floor/settle-short-pick';
import { shipScan } from '../commands/floor/ship-scan';
import { shortPick } from '../commands/floor/short-pick';
import { type TaskView, viewTask } from '../commands/floor/task-view';
import { idParams } from '../contracts/common';
import {
  closeCartonSchema,
  closedCartonSchema,
  floorTaskSchema,
  nextTaskAnswerSchema,
  nextTaskSchema,
  releasedTaskSchema,
  releaseTaskSchema,
  scanAnswerSchema,
  scanSchema,
  settledShortPickSchema,
  settleShortPickSchema,
  shipScanAnswerSchema,
  shipScanSchema,
  shortSchema,
} from '../contracts/floor';
import { readBoughtLabel } from '../db/bought-label.repo';
import { findOrderMerchant, readTaskHead } from '../db/task-head.repo';
import { editorOf, timeOf } from './answers';
import { ProblemError } from './problem';
import { defineRoute, type Route, type RouteContext } from './route';

const tag = 'Floor';
/** Long enough for a carrier (p99 about 3 s), short enough for a person with a parcel in his hands. */
const LABEL_TIMEOUT_MS = 8_000;

const tasks: readonly Route[] = [
  defineRoute({
    method: 'post',
    path: '/v1/floor/tasks/next',
    operationId: 'claimNextTask',
    summary: 'Claim the next task',
    description:
      'By kind in the order given, then priority, due and age. A person who has a task of these kinds gets that one again.',
    tag,
    scope: 'floor',
    merchant: 'any',
    idempotency: 'handler',
    body: nextTaskSchema,
    answers: { 200: nextTaskAnswerSchema },
    handler: async (context) => {
      const { warehouseId, kinds, several } = context.body;
      const task = await claimNextTask(context.deps.database, callerOf(context), {
        ...actOf(context),
        warehouseId,
        kinds,
        several,
      });
      return { body: { task: task === null ? null : taskOf(task) } };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/floor/tasks/{id}',
    operationId: 'getFloorTask',
    summary: 'Read a task as its device shows it',
    tag,
    scope: 'floor',
    merchant: 'any',
    params: idParams,
    answers: { 200: floorTaskSchema },
    handler: async ({ transaction, params }) => {
      const task = await transaction((tx) => viewTask(tx, params.id));
      if (task === null) throw new ProblemError('not-found');
      return { body: taskOf(task) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/floor/tasks/{id}/scans',
    operationId: 'scanAtTask',
    summary: 'Scan an item of a pick or pack task',
    description:
      'Refused with what was expected when item, bin, lot or quantity is not what the task says. The last scan of a pick opens its pack task.',
    tag,
    scope: 'floor',
    merchant: 'any',
    idempotency: 'handler',
    params: idParams,
    body: scanSchema,
    answers: { 200: scanAnswerSchema },
    handler: async (context) => {
      const { deps, body, params, transaction } = context;
      const task = await transaction((tx) => readTaskHead(tx, params.id));
      if (task === null) throw new ProblemError('not-found');
      const caller = callerOf(context);
      const { code, quantity, locationCode, lotCode } = body;
      const act = { ...actOf(context), taskId: params.id, code, quantity };
      if (task.kind === 'pack') {
        const packed = await scanPack(deps.database, caller, act);
        return { body: { taskState: 'claimed', packTaskId: null, ...packed } };
      }
      const picked = await scanPick(deps.database, caller, {
        ...act,
        ...(locationCode === undefined ? {} : { locationCode }),
        ...(lotCode === undefined ? {} : { lotCode }),
      });
      return { body: { ...picked, parcelId: null, complete: picked.taskState !== 'claimed' } };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/floor/tasks/{id}/short',
    operationId: 'shortPick',
    summary: 'Say that a bin holds less than the task wants',
    tag,
    scope: 'floor',
    merchant: 'any',
    idempotency: 'handler',
    params: idParams,
    body: shortSchema,
    answers: { 200: scanAnswerSchema },
    handler: async (context) => {
      const { taskLineId, foundQuantity: found } = context.body;
      const act = { ...actOf(context), taskId: context.params.id, taskLineId, found };
      const picked = await shortPick(context.deps.database, callerOf(context), act);
      return { body: { ...picked, parcelId: null, complete: picked.taskState !== 'claimed' } };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/floor/tasks/{id}/release',
    operationId: 'releaseTask',
    summary: 'Give a task back',
    description: 'Of a pick, what was taken goes back to its bins; the answer lists it.',
    tag,
    scope: 'floor',
    merchant: 'any',
    idempotency: 'handler',
    params: idParams,
    body: releaseTaskSchema,
    answers: { 200: releasedTaskSchema },
    handler: async (context) => ({
      body: await releaseTask(context.deps.database, callerOf(context), {
        ...actOf(context),
        taskId: context.params.id,
      }),
    }),
  }),
];

const parcels: readonly Route[] = [
  defineRoute({
    method: 'post',
    path: '/v1/floor/tasks/{id}/close-carton',
    operationId: 'closeCarton',
    summary: 'Close the carton and get its label',
    description:
      'The parcel is packed when this is answered. 202 when the label takes longer than eight seconds: it follows by itself; repeating the request waits for it again.',
    tag,
    scope: 'floor',
    merchant: 'any',
    idempotency: 'handler',
    params: idParams,
    body: closeCartonSchema,
    answers: { 200: closedCartonSchema, 202: closedCartonSchema },
    handler: async (context) => {
      const { cartonCode, weightGrams, dimensions } = context.body;
      const closed = await closeCarton(context.deps.database, callerOf(context), {
        ...actOf(context),
        taskId: context.params.id,
        ...(cartonCode === undefined ? {} : { cartonCode }),
        ...(weightGrams === undefined ? {} : { weightGrams }),
        ...(dimensions === undefined ? {} : { dimensions }),
      });
      const label = await labelOf(context, closed);
      const { taskId, taskState, fulfilmentOrderId, parcelId, parcelNumber, weightGrams: grams } = closed;
      const parcel = { taskId, taskState, fulfilmentOrderId, parcelId, parcelNumber, weightGrams: grams };
      return { status: label.outcome === 'pending' ? 202 : 200, body: { ...parcel, label } };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/floor/ship-scans',
    operationId: 'shipScan',
    summary: 'Scan a parcel out of the door',
    description:
      'From here on the order can no longer be cancelled. Refused for a cancelled or held order and for a label whose address is no longer that of the order.',
    tag,
    scope: 'floor',
    merchant: 'any',
    idempotency: 'handler',
    body: shipScanSchema,
    answers: { 200: shipScanAnswerSchema },
    handler: async (context) => {
      const { parcelId, trackingCode = '' } = context.body;
      const parcel = parcelId === undefined ? { trackingCode } : { id: parcelId };
      const act = { ...actOf(context), parcel };
      return { body: await shipScan(context.deps.database, callerOf(context), act) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/orders/{id}/short-pick',
    operationId: 'settleShortPick',
    summary: 'Decide about an order whose picker found too little',
    tag,
    scope: 'exceptions:write',
    merchant: 'any',
    params: idParams,
    body: settleShortPickSchema,
    answers: { 200: settledShortPickSchema },
    handler: async (context) => {
      const { deps, transaction, params, body } = context;
      const merchantId = await transaction((tx) => findOrderMerchant(tx, params.id));
      if (merchantId === null) throw new ProblemError('not-found');
      const request = { merchantId, orderId: params.id, decision: body.decision, ...editorOf(context) };
      return { body: await settleShortPick(deps.database, request) };
    },
  }),
];

export const floorRoutes: readonly Route[] = [...tasks, ...parcels];

interface Act {
  readonly personId?: string | undefined;
  readonly eventId?: string | undefined;
}

export function callerOf(context: RouteContext<unknown, unknown, Act>): FloorCaller {
  const personId = context.body.personId ?? context.caller.personId;
  if (personId === null)
    throw new ProblemError('invalid-body', {
      errors: [{ pointer: '/personId', message: 'the API key belongs to no person: say who acts' }],
    });
  return { merchantIds: context.merchantIds, personId };
}

export const actOf = (context: RouteContext<unknown, unknown, Act>) => ({
  eventId: context.body.eventId ?? context.effectKey,
});

/** The label of a closed carton, as far as its workflow answers in time. */
async function labelOf(
  { deps, transaction }: RouteContext<unknown, unknown, Act>,
  closed: ClosedCarton,
): Promise<z.output<typeof closedCartonSchema>['label']> {
  const { fulfilmentOrderId, parcelId, workflowId, updateId } = closed;
  const args = [{ fulfilmentOrderId, parcelId }];
  const update = await deps.updateWorkflow(workflowId, 'packed', updateId, args, LABEL_TIMEOUT_MS);
  const blocked = update.answered ? blockedAnswer.safeParse(update.value) : null;
  if (blocked?.success) return blocked.data;
  // What the workflow answered is committed before; what it could not answer may be committed all the same.
  const label = await transaction((tx) => readBoughtLabel(tx, closed.merchantId, parcelId));
  return label === null ? { outcome: 'pending' } : { outcome: 'labelled', ...label };
}

const blockedAnswer = z.union([
  z.object({ outcome: z.literal('blocked'), reason: z.string() }),
  z.object({ outcome: z.literal('cancelled') }),
]);

function taskOf(task: TaskView) {
  const { taskId, carton, dueAt, lines, ...head } = task;
  return {
    id: taskId,
    ...head,
    dueAt: timeOf(dueAt),
    lines: lines.map((line) => ({
      taskLineId: line.taskLineId,
      quantity: line.quantity,
      done: line.done,
      short: line.short,
      productId: line.productId,
      sku: line.sku,
      name: line.name,
      gtin: line.gtin,
      locationCode: line.locationCode,
      lotCode: line.lotCode,
      expiresOn: line.expiresOn,
    })),
    carton:
      carton === null
        ? null
        : {
            kind: carton.kind,
            cartonCode: carton.carton?.code ?? null,
            weightGrams: carton.weightGrams,
            lengthMm: carton.lengthMm,
            widthMm: carton.widthMm,
            heightMm: carton.heightMm,
            notes: carton.notes,
          },
  };
}
