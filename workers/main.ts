/**
 * The worker process: orders on the present build, orders that began on earlier builds, and calls to
 * carriers on their own queue. The build becomes current when it polls. Earlier builds whose bundles lie
 * in the data directory get a worker as long as orders run on them (earlier-builds.ts).
 */
import { NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import type { Config } from '../config';
import { required } from '../config';
import { createLogger, type Logger, startMetricsEndpoint } from '../telemetry';
import { connectTemporal, dataConverter } from '../temporal/client';
import { createPayloadCodec } from '../temporal/payload-codec';
import { CARRIER_QUEUE, ORDER_QUEUE } from '../workflows/shared/task-queues';
import { type Bundle, currentBundle } from './build-bundle';
import { type Composed, compose } from './compose';
import { DEPLOYMENT_NAME, makeCurrent } from './deployment';
import { EarlierBuilds } from './earlier-builds';
import { observeSteps } from './observe-steps';

export interface RunningWorker {
  readonly buildId: string;
  close(): Promise<void>;
  /** Settles when the worker has stopped, also when it stopped by itself. */
  readonly stopped: Promise<void>;
}

/** What is in flight may finish; a heartbeat time-out later another worker takes over anyway. */
const SHUTDOWN_GRACE_MS = 10_000;

export async function runWorker(config: Config): Promise<RunningWorker> {
  const log = createLogger({ role: 'worker', level: config.LOG_LEVEL });
  installRuntime(log);
  const codec = createPayloadCodec(required(config, 'QUAYSIDE_ENCRYPTION_KEYS'));
  const connection = await NativeConnection.connect({
    address: config.TEMPORAL_ADDRESS,
    ...(config.TEMPORAL_TLS ? { tls: true } : {}),
    ...(config.TEMPORAL_API_KEY === undefined ? {} : { apiKey: config.TEMPORAL_API_KEY }),
  });
  const client = connectTemporal({
    address: config.TEMPORAL_ADDRESS,
    namespace: config.TEMPORAL_NAMESPACE,
    codec,
    tls: config.TEMPORAL_TLS,
    ...(config.TEMPORAL_API_KEY === undefined ? {} : { apiKey: config.TEMPORAL_API_KEY }),
  });
  const composed = compose(config, (error) => log.warn({ err: error }, 'an idle database connection broke'));
  const bundle = await currentBundle(config.QUAYSIDE_DATA_DIR);
  const common: WorkerOptions = {
    connection,
    namespace: config.TEMPORAL_NAMESPACE,
    taskQueue: ORDER_QUEUE,
    dataConverter: dataConverter(codec),
    shutdownGraceTime: SHUTDOWN_GRACE_MS,
    interceptors: { activity: [observeSteps(log)] },
  };
  const workers = [
    await orderWorker(config, common, composed, bundle),
    await Worker.create({
      ...common,
      taskQueue: CARRIER_QUEUE,
      activities: composed.carrierActivities,
      maxConcurrentActivityTaskExecutions: config.WORKER_CARRIER_SLOTS,
    }),
  ];
  const metricsDoor =
    config.METRICS_PORT === undefined
      ? null
      : await startMetricsEndpoint(config.METRICS_PORT, config.METRICS_HOST);
  const running = workers.map((worker) => worker.run());
  await makeCurrent(client, bundle.buildId);
  const earlier = new EarlierBuilds({
    dataDir: config.QUAYSIDE_DATA_DIR,
    current: bundle,
    client,
    log,
    createWorker: (of) => orderWorker(config, common, composed, of),
  });
  await earlier.start();
  log.info({ buildId: bundle.buildId }, 'worker is up');
  const stopped = Promise.all([...running, earlier.stopped])
    .then(() => undefined)
    .finally(async () => {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await Promise.allSettled([...running, earlier.close()]);
      await metricsDoor?.close();
      await composed.database.close();
      await client.connection.close();
      await connection.close();
    });
  return {
    buildId: bundle.buildId,
    stopped,
    async close() {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      void earlier.close();
      await stopped;
    },
  };
}

function orderWorker(
  config: Config,
  common: WorkerOptions,
  composed: Composed,
  bundle: Bundle,
): Promise<Worker> {
  return Worker.create({
    ...common,
    workflowBundle: { codePath: bundle.codePath },
    activities: composed.orderActivities,
    maxConcurrentWorkflowTaskExecutions: config.WORKER_WORKFLOW_SLOTS,
    maxConcurrentLocalActivityExecutions: config.WORKER_WORKFLOW_SLOTS,
    maxCachedWorkflows: config.WORKER_CACHED_WORKFLOWS,
    workerDeploymentOptions: {
      version: { deploymentName: DEPLOYMENT_NAME, buildId: bundle.buildId },
      useWorkerVersioning: true,
      defaultVersioningBehavior: 'PINNED',
    },
  });
}

/** One native runtime a process; its warnings go into our log. */
function installRuntime(log: Logger): void {
  try {
    Runtime.install({
      shutdownSignals: [],
      logger: {
        log: (_level, message, meta) => log.info(meta ?? {}, message),
        trace: () => undefined,
        debug: () => undefined,
        info: () => undefined,
        warn: (message, meta) => log.warn(meta ?? {}, message),
        error: (message, meta) => log.error(meta ?? {}, message),
      },
    });
  } catch {
    // A runtime exists already: a second worker in one process, as in tests.
  }
}
