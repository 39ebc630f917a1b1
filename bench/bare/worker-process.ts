/** The bare workflow's worker as a process of its own, with the engine's own slots. Tells how many workflows closed. */
import path from 'node:path';
import { NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { loadConfig } from '../../config';
import { bareActivities } from './activities';

const BARE_QUEUE = 'quayside-bench-bare';
/** Often enough for the load to follow, and few enough messages. */
const TELL_EVERY_MS = 20;

async function main(): Promise<void> {
  const config = loadConfig();
  Runtime.install({
    shutdownSignals: [],
    logger: { log: quiet, trace: quiet, debug: quiet, info: quiet, warn, error: warn },
  });
  const connection = await NativeConnection.connect({ address: config.TEMPORAL_ADDRESS });
  let closed = 0;
  let told = 0;
  const worker = await Worker.create({
    connection,
    namespace: config.TEMPORAL_NAMESPACE,
    taskQueue: BARE_QUEUE,
    workflowsPath: path.join(__dirname, 'bare.workflow.ts'),
    activities: bareActivities(() => {
      closed += 1;
    }),
    maxConcurrentWorkflowTaskExecutions: config.WORKER_WORKFLOW_SLOTS,
    maxConcurrentLocalActivityExecutions: config.WORKER_WORKFLOW_SLOTS,
    maxConcurrentActivityTaskExecutions: config.WORKER_CARRIER_SLOTS,
    maxCachedWorkflows: config.WORKER_CACHED_WORKFLOWS,
    shutdownGraceTime: 5_000,
  });
  const timer = setInterval(() => {
    if (told === closed) return;
    told = closed;
    process.send?.({ closed });
  }, TELL_EVERY_MS);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => worker.shutdown());
  process.on('disconnect', () => process.exit(1));
  const running = worker.run();
  process.send?.({ ready: true });
  await running;
  clearInterval(timer);
  await connection.close();
  if (process.connected) process.disconnect();
}

const quiet = () => undefined;
const warn = (message: string) => process.stderr.write(`${message}\n`);

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
