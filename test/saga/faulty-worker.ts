/**
 * A worker whose activities run between two moments that a test decides about: `before` one it may fail as
 * if the work was never begun, `after` it as if the worker had died with the work done and nobody told.
 */
import { NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { type Config, required } from '../../config';
import { connectTemporal, dataConverter } from '../../temporal/client';
import { createPayloadCodec } from '../../temporal/payload-codec';
import { currentBundle } from '../../workers/build-bundle';
import { compose } from '../../workers/compose';
import { DEPLOYMENT_NAME, makeCurrent } from '../../workers/deployment';
import { CARRIER_QUEUE, ORDER_QUEUE } from '../../workflows/shared/task-queues';

export type Moment = 'before' | 'after';

/** Called at each moment of each activity; what it throws, the activity throws. */
export type Hook = (activity: string, moment: Moment, merchantId: string) => Promise<void>;

type Activity = (request: never) => Promise<unknown>;

function hooked(activities: object, hook: Hook): Record<string, Activity> {
  return Object.fromEntries(
    Object.entries(activities as Record<string, Activity>).map(([name, run]) => [
      name,
      async (request: never) => {
        const { merchantId } = request as { readonly merchantId: string };
        await hook(name, 'before', merchantId);
        const answer = await run(request);
        await hook(name, 'after', merchantId);
        return answer;
      },
    ]),
  );
}

export async function startFaultyWorker(config: Config, hook: Hook): Promise<{ close(): Promise<void> }> {
  const { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace } = config;
  const codec = createPayloadCodec(required(config, 'QUAYSIDE_ENCRYPTION_KEYS'));
  const connection = await NativeConnection.connect({ address });
  const client = connectTemporal({ address, namespace, codec });
  const composed = compose(config, () => undefined);
  const { buildId, codePath } = await currentBundle(config.QUAYSIDE_DATA_DIR);
  const common: WorkerOptions = {
    connection,
    namespace,
    taskQueue: ORDER_QUEUE,
    dataConverter: dataConverter(codec),
    shutdownGraceTime: 1_000,
  };
  const workers = [
    await Worker.create({
      ...common,
      workflowBundle: { codePath },
      activities: hooked(composed.orderActivities, hook),
      workerDeploymentOptions: {
        version: { deploymentName: DEPLOYMENT_NAME, buildId },
        useWorkerVersioning: true,
        defaultVersioningBehavior: 'PINNED',
      },
    }),
    await Worker.create({
      ...common,
      taskQueue: CARRIER_QUEUE,
      activities: hooked(composed.carrierActivities, hook),
    }),
  ];
  const running = workers.map((worker) => worker.run());
  await makeCurrent(client, buildId);
  return {
    async close() {
      for (const worker of workers) worker.shutdown();
      await Promise.all(running);
      await composed.database.close();
      await client.connection.close();
      await connection.close();
    },
  };
}
