/** Bare workflows on the engine's own Temporal server, so many at once, each driven through its whole life by this process. */
import { type Client, Connection, Client as TemporalClient } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import { CHANNEL, MERCHANT_ID, ORDER_STATUS, TEST_ORDER } from '../../workflows/shared/search-attributes';
import { startChild } from '../child';
import { type CpuTimes, cpuBetween } from '../cpu-time';
import { type HistorySize, historyOf } from '../history';
import type { bareWorkflow } from './bare.workflow';

const BARE_QUEUE = 'quayside-bench-bare';
/** The worker bundles its workflow, which takes 5 s on an idle machine. */
const READY_TIMEOUT_MS = 120_000;

export interface BareOptions {
  readonly address: string;
  readonly namespace: string;
  readonly workflows: number;
  readonly atOnce: number;
  /** CPU seconds of the servers, by process. */
  readonly cpu: () => CpuTimes;
}

export interface BareResult {
  readonly seconds: number;
  readonly history: HistorySize;
  readonly cpu: CpuTimes;
}

export async function runBare(options: BareOptions): Promise<BareResult> {
  const { address, namespace, workflows, atOnce } = options;
  const worker = startChild('bare/worker-process.ts', 'bare worker', {
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
  });
  const connection = await Connection.connect({ address });
  const client = new TemporalClient({ connection, namespace });
  try {
    let closed = 0;
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('the bare worker is not ready')), READY_TIMEOUT_MS);
      worker.process.on('message', (message: { readonly ready?: true; readonly closed?: number }) => {
        if (message.closed !== undefined) closed = message.closed;
        if (message.ready === undefined) return;
        clearTimeout(late);
        resolve();
      });
    });
    const run = `bare-${Date.now()}`;
    // The first one of a fresh worker loads the bundle; it is not measured.
    await live(client, `${run}-warm`);
    await client.workflow.getHandle(`${run}-warm`).result();
    const before = new Map([...options.cpu(), ...worker.cpu(), ['load generator', ownSeconds()]]);
    const began = Date.now();
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < workflows) await live(client, `${run}-${next++}`);
    };
    await Promise.all(Array.from({ length: atOnce }, lane));
    while (closed < workflows + 1) await new Promise((resolve) => setTimeout(resolve, 10));
    const seconds = (Date.now() - began) / 1000;
    const after = new Map([...options.cpu(), ...worker.cpu(), ['load generator', ownSeconds()]]);
    const history = await historyOf(client, `${run}-${Math.floor(workflows / 2)}`);
    return { seconds, history, cpu: cpuBetween(before, after) };
  } finally {
    await worker.stop();
    await connection.close();
  }
}

function ownSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** One after the other, as the floor and the carrier do it to an order. */
async function live(client: Client, workflowId: string): Promise<void> {
  const handle = await client.workflow.start<typeof bareWorkflow>('bareWorkflow', {
    workflowId,
    taskQueue: BARE_QUEUE,
    args: [workflowId],
    staticSummary: workflowId,
    staticDetails: workflowId,
    typedSearchAttributes: new TypedSearchAttributes([
      { key: MERCHANT_ID, value: 'bare' },
      { key: ORDER_STATUS, value: 'accepted' },
      { key: CHANNEL, value: 'api' },
      { key: TEST_ORDER, value: false },
    ]),
  });
  await handle.executeUpdate<string, [string]>('packed', { args: ['1'] });
  await handle.signal('shipped', '1');
  await handle.signal('delivered');
}
