/** What a work order's workflow is started with and told; the truth is committed in Postgres before. */
import { defineQuery, defineSignal } from '@temporalio/workflow';

export const WORK_ORDER_WORKFLOW_TYPE = 'workOrderWorkflow';

export interface WorkOrderInput {
  readonly merchantId: string;
  readonly workOrderId: string;
}

export interface WorkOrderResult {
  readonly state: 'done' | 'cancelled';
  readonly built: number;
}

/** Something of it changed: a step was reported, somebody wants it to end, stock came. `cause` is shown. */
export const lookSignal = defineSignal<[{ readonly cause: string }]>('look');

export interface WorkOrderView {
  readonly workOrderId: string;
  readonly step: string;
  readonly built: number;
  readonly planned: number;
  readonly blockedReason: string | null;
}

/** What the workflow is at, for diagnosis; lists and details read Postgres. */
export const workOrderStateQuery = defineQuery<WorkOrderView>('workOrderState');
