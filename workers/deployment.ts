/**
 * Worker versions at the Temporal server: which build new orders start on, and which earlier builds still
 * have orders. A pinned order stays on its build, so a worker must serve it until it is drained.
 */
import type { Client } from '@temporalio/client';

export const DEPLOYMENT_NAME = 'quayside-orders';

/** The server learns of a build when its worker first polls; half a minute is long for that. */
const REGISTER_TIMEOUT_MS = 30_000;
const REGISTER_PAUSE_MS = 250;
/** gRPC status codes of a build that the server has not heard of yet, or whose change meets another. */
const NOT_YET = [5, 9, 10, 14];

/** Makes the build the one that new workflows start on. Its worker must be polling. */
export async function makeCurrent(client: Client, buildId: string): Promise<void> {
  const deadline = Date.now() + REGISTER_TIMEOUT_MS;
  for (;;) {
    try {
      await client.workflowService.setWorkerDeploymentCurrentVersion({
        namespace: client.options.namespace,
        deploymentName: DEPLOYMENT_NAME,
        buildId,
        version: `${DEPLOYMENT_NAME}.${buildId}`,
        identity: client.options.identity,
        ignoreMissingTaskQueues: true,
      });
      return;
    } catch (error) {
      const { code } = error as { code?: number };
      if (Date.now() > deadline || !NOT_YET.includes(Number(code))) throw error;
      await new Promise((resolve) => setTimeout(resolve, REGISTER_PAUSE_MS));
    }
  }
}

/** Whether orders still run on this build. */
export async function hasOpenOrders(client: Client, buildId: string): Promise<boolean> {
  const version = `${DEPLOYMENT_NAME}:${buildId}`;
  const { count } = await client.workflow.count(
    `TemporalWorkerDeploymentVersion = "${version}" and ExecutionStatus = "Running"`,
  );
  return count > 0;
}
