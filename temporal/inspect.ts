/** Looks at one workflow from outside, for the watchdog: does it run, and do its tasks get through? */
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { withinDeadline } from './client';

const DESCRIBE_TIMEOUT_MS = 5_000;

export type WorkflowHealth =
  /** `taskAttempt` grows while a workflow task keeps failing; 0 or 1 is well. */
  | { readonly status: 'running'; readonly taskAttempt: number }
  | { readonly status: 'ended'; readonly how: string }
  | { readonly status: 'missing' };

/**
 * A workflow whose task keeps failing shows as RUNNING for ever: only the attempt of its pending task
 * tells. Three failures in a row come after about 15 s (attempts back off from 1 s).
 * @throws the SDK's errors when Temporal can't be reached.
 */
export async function inspectWorkflow(client: Client, workflowId: string): Promise<WorkflowHealth> {
  try {
    const { status, raw } = await withinDeadline(client, DESCRIBE_TIMEOUT_MS, () =>
      client.workflow.getHandle(workflowId).describe(),
    );
    if (status.name !== 'RUNNING') return { status: 'ended', how: status.name.toLowerCase() };
    return { status: 'running', taskAttempt: raw.pendingWorkflowTask?.attempt ?? 0 };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { status: 'missing' };
    throw error;
  }
}
