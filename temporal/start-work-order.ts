/** Starts the workflow of a work order: the one place that says how it shows in the Temporal UI. */
import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
} from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import { MERCHANT_ID, WAREHOUSE_ID, WORK_ORDER_STATUS } from '../workflows/shared/search-attributes';
import { ORDER_QUEUE } from '../workflows/shared/task-queues';
import { WORK_ORDER_WORKFLOW_TYPE, type WorkOrderInput } from '../workflows/work-order/work-order.messages';
import { withinDeadline } from './client';

/** A start takes some 10 ms; the dispatcher has others to send. */
const START_TIMEOUT_MS = 5_000;

export interface StartWorkOrder {
  readonly workflowId: string;
  readonly input: WorkOrderInput;
  readonly warehouseId: string;
  /** What is made, in a few words. */
  readonly summary: string;
  /** Another run of one that failed or was terminated. */
  readonly again: boolean;
  /** Default: the queue of orders; tests have their own. */
  readonly taskQueue?: string;
}

/** Returns when Temporal has the workflow: started now, running already, or closed long ago. */
export async function startWorkOrderWorkflow(client: Client, start: StartWorkOrder): Promise<void> {
  const { merchantId, workOrderId } = start.input;
  try {
    await withinDeadline(client, START_TIMEOUT_MS, () =>
      client.workflow.start(WORK_ORDER_WORKFLOW_TYPE, {
        workflowId: start.workflowId,
        taskQueue: start.taskQueue ?? ORDER_QUEUE,
        args: [start.input],
        workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
        workflowIdReusePolicy: start.again
          ? WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY
          : WorkflowIdReusePolicy.REJECT_DUPLICATE,
        typedSearchAttributes: new TypedSearchAttributes([
          { key: MERCHANT_ID, value: merchantId },
          { key: WAREHOUSE_ID, value: start.warehouseId },
          { key: WORK_ORDER_STATUS, value: 'planned' },
        ]),
        staticSummary: start.summary,
        staticDetails: `Work order \`${workOrderId}\` of merchant \`${merchantId}\`.`,
      }),
    );
  } catch (error) {
    // Its workflow closed before: the work order has ended.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
