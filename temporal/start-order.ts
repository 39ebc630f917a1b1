/**
 * Starts the workflow of an order: the one place that says how an order shows in the Temporal UI. The
 * workflow's id is the order's business key, so whoever starts it again, beside a slow first attempt or
 * long after it closed, starts nothing.
 */
import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
} from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import { ORDER_WORKFLOW_TYPE, type OrderInput } from '../workflows/order/order.messages';
import { CHANNEL, MERCHANT_ID, ORDER_STATUS, TEST_ORDER } from '../workflows/shared/search-attributes';
import { ORDER_QUEUE } from '../workflows/shared/task-queues';
import { withinDeadline } from './client';

export { ORDER_WORKFLOW_TYPE };

/** A start takes some 10 ms; whoever waits 5 s leaves it to the dispatcher, which has the message too. */
const START_TIMEOUT_MS = 5_000;

export interface StartOrder {
  readonly workflowId: string;
  readonly input: OrderInput;
  /** Kind of the channel it came from, e.g. `shopify`. */
  readonly channel: string;
  /** What people call the order; null when the channel gave none. */
  readonly number: string | null;
  readonly test: boolean;
  /** Another run of an order whose workflow failed or was terminated; default: never a second run. */
  readonly again?: boolean;
  /** Default: the queue of orders; tests have their own. */
  readonly taskQueue?: string;
}

/**
 * Returns when Temporal has the workflow: started now, running already, or closed long ago.
 * @throws the SDK's errors when Temporal can't be reached or refuses; nothing is lost, for the outbox
 * row stays.
 */
export async function startOrderWorkflow(client: Client, start: StartOrder): Promise<void> {
  const { merchantId, orderId } = start.input;
  const label = start.number ?? start.workflowId.slice(start.workflowId.lastIndexOf(':') + 1);
  try {
    await withinDeadline(client, START_TIMEOUT_MS, () =>
      client.workflow.start(ORDER_WORKFLOW_TYPE, {
        workflowId: start.workflowId,
        taskQueue: start.taskQueue ?? ORDER_QUEUE,
        args: [start.input],
        workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
        workflowIdReusePolicy: start.again
          ? WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY
          : WorkflowIdReusePolicy.REJECT_DUPLICATE,
        typedSearchAttributes: new TypedSearchAttributes([
          { key: MERCHANT_ID, value: merchantId },
          { key: ORDER_STATUS, value: 'accepted' },
          { key: CHANNEL, value: start.channel },
          { key: TEST_ORDER, value: start.test },
        ]),
        staticSummary: `Order ${label} from ${start.channel}`,
        staticDetails: `Order \`${orderId}\` of merchant \`${merchantId}\`${start.test ? ', a test order' : ''}.`,
      }),
    );
  } catch (error) {
    // Its workflow closed before: the order was handled, within Temporal's retention.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
