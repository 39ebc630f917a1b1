/** What Temporal recorded of a workflow. */
import type { Client } from '@temporalio/client';

export interface HistorySize {
  readonly events: number;
  readonly workflowTasks: number;
}

/** @throws when the workflow has not ended after a short while: its last events come a moment after its row. */
export async function historyOf(client: Client, workflowId: string): Promise<HistorySize> {
  const handle = client.workflow.getHandle(workflowId);
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error(`${workflowId} does not end`)), 10_000).unref();
  });
  await Promise.race([handle.result(), late]);
  const { events } = await handle.fetchHistory();
  const all = events ?? [];
  return {
    events: all.length,
    workflowTasks: all.filter((event) => event.workflowTaskScheduledEventAttributes).length,
  };
}

/** How many workflow executions there are. */
export async function workflowCount(client: Client): Promise<number> {
  const { count } = await client.workflow.count();
  return count;
}
