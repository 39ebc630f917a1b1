/**
 * Delivers one workflow message of the outbox. Temporal deduplicates starts by the workflow's id and
 * updates by theirs; a signal may arrive twice, which every handler stands, for it only says "look at
 * Postgres". A signal to a workflow that closed has nobody to tell and is done; one to a workflow that
 * was not started yet comes again, for its start is in the outbox too. Whatever else fails is Temporal
 * being away: the caller keeps the message and tries later.
 */
import {
  type Client,
  isGrpcServiceError,
  WorkflowNotFoundError,
  WorkflowUpdateStage,
} from '@temporalio/client';
import { Failure } from '../domain/failure-types';
import type { OrderInput } from '../workflows/order/order.messages';
import { WORK_ORDER_WORKFLOW_TYPE, type WorkOrderInput } from '../workflows/work-order/work-order.messages';
import { withinDeadline } from './client';
import { startOrderWorkflow } from './start-order';
import { startWorkOrderWorkflow } from './start-work-order';

/** A signal is one write of the server; 5 s is what a server takes that is about to fail. */
const SIGNAL_TIMEOUT_MS = 5_000;
/** An update is accepted by a worker, which may be starting up or busy with a full queue. */
const UPDATE_TIMEOUT_MS = 10_000;

/** What the dispatcher knows of a message when it has claimed it. */
export interface WorkflowMessage {
  readonly kind: 'workflow.start' | 'workflow.signal' | 'workflow.update';
  readonly payload: Readonly<Record<string, unknown>>;
  /** Whether, when the message was claimed, a start of this order was still in the outbox. */
  readonly startPending: boolean;
  /** Of the order; needed for starts. */
  readonly channel: string | null;
  readonly number: string | null;
  readonly test: boolean;
}

export type WorkflowDelivery = 'delivered' | 'gone' | 'not_started';

/**
 * @throws Failure PartnerUnavailable when Temporal did not take it (retry later), InvalidInput for a
 * payload that is none of ours.
 */
export async function deliverWorkflowMessage(
  client: Client,
  message: WorkflowMessage,
  options: { readonly taskQueue?: string } = {},
): Promise<WorkflowDelivery> {
  const workflowId = textOf(message, 'workflowId');
  try {
    if (message.kind === 'workflow.start') {
      await start(client, workflowId, message, options.taskQueue);
    } else if (message.kind === 'workflow.signal') {
      const signal = textOf(message, 'signal');
      await withinDeadline(client, SIGNAL_TIMEOUT_MS, () =>
        client.workflow.getHandle(workflowId).signal(signal, ...argsOf(message)),
      );
    } else {
      await update(client, workflowId, message);
    }
    return 'delivered';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return message.startPending ? 'not_started' : 'gone';
    if (error instanceof Failure) throw error;
    throw new Failure(
      'PartnerUnavailable',
      `Temporal did not take the message: ${describe(error)}`,
      { workflowId },
      { cause: error },
    );
  }
}

async function start(
  client: Client,
  workflowId: string,
  message: WorkflowMessage,
  taskQueue: string | undefined,
): Promise<void> {
  if (message.payload['workflowType'] === WORK_ORDER_WORKFLOW_TYPE)
    return startWorkOrder(client, workflowId, message, taskQueue);
  const input = message.payload['input'] as OrderInput | undefined;
  if (typeof input?.orderId !== 'string' || typeof input.merchantId !== 'string')
    throw new Failure('InvalidInput', 'a start message names no order');
  await startOrderWorkflow(client, {
    workflowId,
    input,
    channel: message.channel ?? 'unknown',
    number: message.number,
    test: message.test,
    again: message.payload['again'] === true,
    ...(taskQueue === undefined ? {} : { taskQueue }),
  });
}

async function startWorkOrder(
  client: Client,
  workflowId: string,
  message: WorkflowMessage,
  taskQueue: string | undefined,
): Promise<void> {
  const input = message.payload['input'] as WorkOrderInput | undefined;
  if (typeof input?.workOrderId !== 'string' || typeof input.merchantId !== 'string')
    throw new Failure('InvalidInput', 'a start message names no work order');
  await startWorkOrderWorkflow(client, {
    workflowId,
    input,
    warehouseId: textOf(message, 'warehouseId'),
    summary: textOf(message, 'summary'),
    again: message.payload['again'] === true,
    ...(taskQueue === undefined ? {} : { taskQueue }),
  });
}

/** Accepted is enough: the workflow has it in its history, and its answer is a row in Postgres. */
async function update(client: Client, workflowId: string, message: WorkflowMessage): Promise<void> {
  const name = textOf(message, 'update');
  await withinDeadline(client, UPDATE_TIMEOUT_MS, () =>
    client.workflow.getHandle(workflowId).startUpdate<unknown, [unknown, ...unknown[]]>(name, {
      updateId: textOf(message, 'updateId'),
      // Every update of ours takes one argument.
      args: argsOf(message) as [unknown, ...unknown[]],
      waitForStage: WorkflowUpdateStage.ACCEPTED,
    }),
  );
}

function textOf(message: WorkflowMessage, field: string): string {
  const value = message.payload[field];
  if (typeof value !== 'string' || value === '')
    throw new Failure('InvalidInput', `a ${message.kind} message has no ${field}`);
  return value;
}

function argsOf(message: WorkflowMessage): unknown[] {
  const { args } = message.payload;
  return Array.isArray(args) ? args : [];
}

/** One line without payloads: gRPC's own words, else the error's name. */
function describe(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (isGrpcServiceError(cause)) return cause.details || `gRPC status ${cause.code}`;
  return error instanceof Error ? error.message.slice(0, 200) : 'unknown error';
}
