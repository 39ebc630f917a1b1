import { randomBytes } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { uuidv7 } from 'uuidv7';
import { blockOrder } from '../../commands/block-order';
import { updatePayment } from '../../commands/change-order';
import { markDelivered } from '../../db/outbox-claim.repo';
import { startOutboxSender } from '../../dispatcher/outbox-sender';
import { workflowMessageSender } from '../../dispatcher/senders/workflow-messages';
import { startWatchdog } from '../../dispatcher/watchdog';
import { connectTemporal, dataConverter } from '../../temporal/client';
import { createPayloadCodec } from '../../temporal/payload-codec';
import { startOrderWorkflow } from '../../temporal/start-order';
import { testTemporal } from '../support/temporal';
import { type Engine, one, order, outbox, quiet, run, startEngine, until } from './engine';

// The broken workflow's failures are wanted; nobody needs to read them.
Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined) });

const codec = createPayloadCodec([{ id: 'k1', key: randomBytes(32) }]);
const taskQueue = `watchdog-${uuidv7()}`;
let engine: Engine;
let client: Client;
let watchdog: { close(): Promise<void> };

beforeAll(async () => {
  engine = await startEngine();
  client = connectTemporal({ ...testTemporal(), codec });
});
beforeEach(() => {
  watchdog = startWatchdog({ database: engine.database, client, log: quiet, intervalMs: 50, stillMs: 300 });
});
afterEach(async () => {
  await watchdog.close();
  await run(engine, "update sales_order set state = 'cancelled', deadline_at = null");
});
afterAll(async () => {
  await client.connection.close();
  await engine.close();
});

/** An order whose start was delivered, or said to be. */
async function started({ reallyStart = true } = {}) {
  const { orderId, workflowId } = await order(engine);
  const { merchantId } = engine.merchant;
  if (reallyStart)
    await startOrderWorkflow(client, {
      workflowId,
      input: { merchantId, orderId },
      channel: 'api',
      number: null,
      test: false,
      taskQueue,
    });
  await engine.database.withMerchants([merchantId], (tx) =>
    markDelivered(tx, [{ merchantId, key: `start:${orderId}` }]),
  );
  return { orderId, workflowId, merchantId };
}

const exceptions = (orderId: string, state = 'open') =>
  engine.database.withMerchants([engine.merchant.merchantId], async (tx) => {
    const rows = await tx.rows<{ reason: string }>({
      text: 'select reason from exception where order_id = $1 and state = $2',
      values: [orderId, state],
    });
    return rows.map(({ reason }) => reason);
  });
const restarts = (orderId: string) => outbox(engine, `key like 'start:${orderId}:again:%'`);
const moveOn = (orderId: string) =>
  run(engine, "update sales_order set state = 'planned', version = version + 1 where id = $1", [orderId]);

/** Sends what is for workflows. `close` it. */
function startSender() {
  const send = workflowMessageSender(client, { taskQueue });
  const nothing = async () => ({ outcome: 'sent' as const });
  return startOutboxSender({
    database: engine.database,
    log: quiet,
    pollMs: 50,
    bury: async () => undefined,
    senders: {
      'workflow.start': send,
      'workflow.signal': send,
      'workflow.update': send,
      mail: nothing,
      webhook: nothing,
      'channel.tracking': nothing,
    },
  });
}

test('an order without a workflow is started again and somebody is told, until it moves on', async () => {
  const { orderId, workflowId } = await started({ reallyStart: false });
  await until(async () => (await exceptions(orderId)).length > 0);
  expect(await exceptions(orderId)).toEqual(['workflow_missing']);
  expect(await restarts(orderId)).toHaveLength(1);
  const sender = startSender();
  try {
    await until(async () => (await restarts(orderId))[0]?.state === 'done');
  } finally {
    await sender.close();
  }
  expect((await client.workflow.getHandle(workflowId).describe()).status.name).toBe('RUNNING');
  await until(async () => (await exceptions(orderId)).length === 0);
  expect(await exceptions(orderId, 'resolved')).toEqual(['workflow_missing']);
});

test('a workflow that ended before its order did is told, and not started again by itself', async () => {
  const { orderId, workflowId } = await started();
  await client.workflow.getHandle(workflowId).terminate('test');
  await until(async () => (await exceptions(orderId)).length > 0);
  expect(await exceptions(orderId)).toEqual(['workflow_missing']);
  expect(await restarts(orderId)).toEqual([]);
  const { message } = await one<{ message: string }>(
    engine,
    'select message from exception where order_id = $1',
    [orderId],
  );
  expect(message).toContain('terminated');
});

test('a blocked order that is woken in vain, for its workflow had ended, is told and not only waited for', async () => {
  const { orderId, workflowId, merchantId } = await started();
  const unpaid = { reason: 'payment_pending', message: 'not paid', subject: '' } as const;
  await blockOrder(engine.database, { merchantId, orderId, ...unpaid });
  await client.workflow.getHandle(workflowId).terminate('test');
  const sender = startSender();
  try {
    await updatePayment(engine.database, { merchantId, orderId, actor: 'test', payment: 'pending' });
    await updatePayment(engine.database, { merchantId, orderId, actor: 'test', payment: 'captured' });
    await until(async () => (await exceptions(orderId)).includes('workflow_missing'));
  } finally {
    await sender.close();
  }
});

test('a workflow whose task keeps failing is told within its third attempt, and resolved once it moves on', async () => {
  const connection = await NativeConnection.connect({ address: testTemporal().address });
  const worker = await Worker.create({
    connection,
    taskQueue,
    dataConverter: dataConverter(codec),
    workflowsPath: require.resolve('./broken-workflow'),
  });
  const running = worker.run();
  try {
    const { orderId } = await started();
    await until(async () => (await exceptions(orderId)).length > 0, 25_000);
    expect(await exceptions(orderId)).toEqual(['workflow_failing']);
    await moveOn(orderId);
    await until(async () => (await exceptions(orderId)).length === 0);
  } finally {
    worker.shutdown();
    await running;
    await connection.close();
  }
}, 60_000);

test('nobody is told of an order that only waits its turn, is blocked, held, or has its start in the outbox', async () => {
  const queued = await started();
  const blocked = await started({ reallyStart: false });
  await blockOrder(engine.database, {
    merchantId: blocked.merchantId,
    orderId: blocked.orderId,
    reason: 'payment_pending',
    message: 'not paid',
    subject: 'payment',
  });
  const held = await started({ reallyStart: false });
  await run(engine, 'update sales_order set held = true where id = $1', [held.orderId]);
  const pending = await order(engine);
  // Proof that the watchdog has been through all of them: this one is told.
  const missing = await started({ reallyStart: false });
  await until(async () => (await exceptions(missing.orderId)).length > 0);
  for (const { orderId } of [queued, held, pending]) expect(await exceptions(orderId)).toEqual([]);
  expect(await exceptions(blocked.orderId)).toEqual(['payment_pending']);
});
