import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Client } from '@temporalio/client';
import { uuidv7 } from 'uuidv7';
import { isFailure } from '../../domain/failure-types';
import { orderBusinessKey } from '../../domain/ids';
import { freePort } from '../../provision/ports';
import { startTemporal } from '../../provision/temporal';
import { connectTemporal } from '../../temporal/client';
import { deliverWorkflowMessage, type WorkflowMessage } from '../../temporal/deliver';
import { inspectWorkflow } from '../../temporal/inspect';
import { createPayloadCodec } from '../../temporal/payload-codec';
import { CHANNEL, MERCHANT_ID, ORDER_STATUS, TEST_ORDER } from '../../workflows/shared/search-attributes';
import { testTemporal } from '../support/temporal';

const codec = createPayloadCodec([{ id: 'k1', key: randomBytes(32) }]);
const taskQueue = `delivery-${uuidv7()}`;
let client: Client;
let blind: Client;

beforeAll(() => {
  client = connectTemporal({ ...testTemporal(), codec });
  blind = connectTemporal(testTemporal());
});
afterAll(async () => {
  await client.connection.close();
  await blind.connection.close();
});

function newOrder() {
  const [merchantId, connectionId, orderId] = [uuidv7(), uuidv7(), uuidv7()];
  const workflowId = orderBusinessKey(merchantId, connectionId, `T-${orderId}`);
  const about = { startPending: false, channel: 'shopify', number: '#1001', test: true };
  const startMessage = (extra: object = {}): WorkflowMessage => ({
    ...about,
    kind: 'workflow.start',
    payload: { workflowId, workflowType: 'orderWorkflow', input: { merchantId, orderId }, ...extra },
  });
  const signal = (startPending: boolean): WorkflowMessage => ({
    ...about,
    startPending,
    kind: 'workflow.signal',
    payload: { workflowId, signal: 'resume', args: [{ cause: 'a secret cause' }] },
  });
  return { merchantId, orderId, workflowId, startMessage, signal };
}

const deliver = (message: WorkflowMessage) => deliverWorkflowMessage(client, message, { taskQueue });

async function runsOf(workflowId: string): Promise<number> {
  // Visibility lags behind the start by some 100 ms; a second run would be there as late as the first.
  for (let tries = 0; tries < 100; tries += 1) {
    const { count } = await client.workflow.count(`WorkflowId = '${workflowId}'`);
    if (count > 0) return count;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return 0;
}

test('an order that is started twice is one workflow, with what people look for in the UI', async () => {
  const order = newOrder();
  expect(await deliver(order.startMessage())).toBe('delivered');
  expect(await deliver(order.startMessage())).toBe('delivered');
  const described = await client.workflow.getHandle(order.workflowId).describe();
  expect(described.type).toBe('orderWorkflow');
  expect(described.taskQueue).toBe(taskQueue);
  const attributes = described.typedSearchAttributes;
  expect(attributes.get(MERCHANT_ID)).toBe(order.merchantId);
  expect(attributes.get(ORDER_STATUS)).toBe('accepted');
  expect(attributes.get(CHANNEL)).toBe('shopify');
  expect(attributes.get(TEST_ORDER)).toBe(true);
  expect(await described.staticSummary()).toBe('Order #1001 from shopify');
  expect(await runsOf(order.workflowId)).toBe(1);
});

test('an order whose workflow has closed is not started again, unless that is what was asked', async () => {
  const order = newOrder();
  await deliver(order.startMessage());
  const first = await client.workflow.getHandle(order.workflowId).describe();
  await client.workflow.getHandle(order.workflowId).terminate('test');
  expect(await deliver(order.startMessage())).toBe('delivered');
  expect((await inspectWorkflow(client, order.workflowId)).status).toBe('ended');
  expect(await deliver(order.startMessage({ again: true }))).toBe('delivered');
  const second = await client.workflow.getHandle(order.workflowId).describe();
  expect(second.status.name).toBe('RUNNING');
  expect(second.runId).not.toBe(first.runId);
});

test('a signal waits for its start, and one to a workflow that has ended is done', async () => {
  const order = newOrder();
  expect(await deliver(order.signal(true))).toBe('not_started');
  await deliver(order.startMessage());
  expect(await deliver(order.signal(true))).toBe('delivered');
  await client.workflow.getHandle(order.workflowId).terminate('test');
  expect(await deliver(order.signal(false))).toBe('gone');
});

test('Temporal keeps nothing readable: inputs, signals and summaries are encrypted', async () => {
  const order = newOrder();
  await deliver(order.startMessage());
  await deliver(order.signal(false));
  const history = await blind.workflow.getHandle(order.workflowId).fetchHistory();
  // History as JSON has its bytes in base64.
  const bytes = JSON.stringify(history, (name, value: unknown) =>
    name === 'data' || name === 'encoding' ? Buffer.from(String(value), 'base64').toString('utf8') : value,
  );
  expect(bytes).not.toContain('a secret cause');
  expect(bytes).not.toContain('Order #1001');
  expect(bytes).toContain('binary/encrypted');
});

test('a message that is none of ours is refused for good', async () => {
  const broken: WorkflowMessage = { ...newOrder().signal(false), payload: {} };
  await expect(deliver(broken)).rejects.toMatchObject({ type: 'InvalidInput' });
});

test('while Temporal is away a message is kept within its deadline, and taken once it is there', async () => {
  const port = await freePort();
  const away = connectTemporal({ address: `127.0.0.1:${port}`, namespace: 'default' });
  const order = newOrder();
  const started = Date.now();
  const failure = await deliverWorkflowMessage(away, order.signal(false)).catch((error: unknown) => error);
  expect(isFailure(failure, 'PartnerUnavailable')).toBe(true);
  expect(Date.now() - started).toBeLessThan(8_000);
  const dir = mkdtempSync(path.join(tmpdir(), 'quayside-temporal-'));
  const server = await startTemporal({ dbFilename: path.join(dir, 't.db'), port, log: () => undefined });
  try {
    const deadline = Date.now() + 20_000;
    let delivered: string | undefined;
    while (delivered === undefined && Date.now() < deadline)
      delivered = await deliverWorkflowMessage(away, order.signal(false)).catch(() => undefined);
    expect(delivered).toBe('gone');
  } finally {
    await away.connection.close();
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}, 60_000);
