/** Sends starts, signals and updates to Temporal. What each ending means is said in `temporal/deliver`. */
import type { Client } from '@temporalio/client';
import { WORKFLOW_ENDED } from '../../db/outbox.repo';
import { deliverWorkflowMessage, type WorkflowMessage } from '../../temporal/deliver';
import type { Sender } from '../outbox-sender';

/** A signal whose workflow's start is still in the outbox, perhaps in this very batch: soon. */
const NOT_STARTED_DELAY_MS = 500;

export function workflowMessageSender(client: Client, options: { readonly taskQueue?: string } = {}): Sender {
  return async (message) => {
    const delivery = await deliverWorkflowMessage(
      client,
      { ...message, kind: message.kind as WorkflowMessage['kind'] },
      options,
    );
    switch (delivery) {
      case 'delivered':
        return { outcome: 'sent' };
      case 'gone':
        return { outcome: 'sent', note: WORKFLOW_ENDED };
      case 'not_started':
        return { outcome: 'later', delayMs: NOT_STARTED_DELAY_MS, note: 'its workflow is not started yet' };
    }
  };
}
