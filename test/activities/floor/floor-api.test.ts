/** The floor over HTTP, and the staff that the demo and the benchmarks play through it. */
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { createApp } from '../../../api/app';
import type { ApiDeps } from '../../../api/deps';
import { runFloorSimulator } from '../../../simulators/floor';
import { type RunningApi, startApi } from '../../api/running-api';
import {
  bookErrors,
  labelParcel,
  plannedOrder,
  rowsOf,
  seedCarrierAccount,
  warehouseOf,
} from '../../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../../support/merchant';

let api: RunningApi;
/** What the order's workflow does when a carton is closed; each test brings its own. */
let onPacked: (parcelId: string) => Promise<{ answered: boolean; value?: unknown }>;

const updateWorkflow: ApiDeps['updateWorkflow'] = async (_workflow, _update, _updateId, args) => {
  const [{ parcelId }] = args as [{ parcelId: string }];
  const { answered, value } = await onPacked(parcelId);
  return answered ? { answered, value } : { answered: false };
};

beforeAll(async () => {
  api = await startApi({ updateWorkflow });
});
afterAll(() => api.close());

async function floorOf(persons = 2): Promise<{ merchant: SeededMerchant; key: string }> {
  const merchant = await seedMerchant(api.database, { products: [{ sku: 'A', stock: 100 }], persons });
  await seedCarrierAccount(api.database, merchant);
  const { key } = await api.makeKey(merchant.organisationId, {
    scopes: ['floor'],
    personId: merchant.personIds[0] ?? '',
  });
  return { merchant, key };
}

const buyLabel = (merchant: SeededMerchant) => async (parcelId: string) => {
  const trackingNumber = await labelParcel(api.database, merchant, parcelId).catch(() => null);
  return { answered: true, value: { outcome: 'labelled', labelId: parcelId, trackingNumber } };
};

async function packed(merchant: SeededMerchant, key: string): Promise<string> {
  await plannedOrder(api.database, merchant, [{ sku: 'A', quantity: 2 }]);
  const next = { key, body: { warehouseId: warehouseOf(merchant).id } };
  const pick = (await api.ask('POST', '/v1/floor/tasks/next', next)).json.task;
  const scan = { key, body: { code: 'A', locationCode: 'A-01-01', quantity: 2 } };
  expect((await api.ask('POST', `/v1/floor/tasks/${pick.id}/scans`, scan)).json).toMatchObject({
    taskState: 'done',
    packTaskId: expect.any(String),
  });
  const pack = (await api.ask('POST', '/v1/floor/tasks/next', next)).json.task;
  expect(pack).toMatchObject({ kind: 'pack', carton: { cartonCode: 'BOX-M' } });
  const content = { key, body: { code: 'A', quantity: 2 } };
  expect((await api.ask('POST', `/v1/floor/tasks/${pack.id}/scans`, content)).json).toMatchObject({
    complete: true,
  });
  return pack.id;
}

describe('the floor over HTTP', () => {
  it('answers a closed carton with its label, a repetition likewise, and ships it by its tracking code', async () => {
    const { merchant, key } = await floorOf();
    onPacked = buyLabel(merchant);
    const packTaskId = await packed(merchant, key);
    const close = { key, body: { cartonCode: 'BOX-M' }, idempotencyKey: randomUUID() };
    const closed = await api.ask('POST', `/v1/floor/tasks/${packTaskId}/close-carton`, close);
    expect(closed).toMatchObject({
      status: 200,
      json: { taskState: 'done', label: { outcome: 'labelled', trackingNumber: expect.any(String) } },
    });
    const again = await api.ask('POST', `/v1/floor/tasks/${packTaskId}/close-carton`, close);
    expect(again.json).toEqual(closed.json);
    const { trackingNumber: trackingCode } = closed.json.label;
    const shipped = await api.ask('POST', '/v1/floor/ship-scans', { key, body: { trackingCode } });
    expect(shipped).toMatchObject({ status: 200, json: { shippedNow: true, complete: true } });
    expect(await rowsOf(api.database, merchant, 'select state from sales_order')).toEqual([
      { state: 'shipped' },
    ]);
  });

  it('answers 202 when the workflow does not answer; the label follows and the repetition brings it', async () => {
    const { merchant, key } = await floorOf();
    onPacked = async () => ({ answered: false });
    const packTaskId = await packed(merchant, key);
    const close = { key, body: { cartonCode: 'BOX-M' }, idempotencyKey: randomUUID() };
    const path = `/v1/floor/tasks/${packTaskId}/close-carton`;
    const closed = await api.ask('POST', path, close);
    expect(closed).toMatchObject({ status: 202, json: { label: { outcome: 'pending' } } });
    await labelParcel(api.database, merchant, closed.json.parcelId);
    expect(await api.ask('POST', path, close)).toMatchObject({
      status: 200,
      json: { parcelId: closed.json.parcelId, label: { outcome: 'labelled' } },
    });
  });

  it('says what blocks the label', async () => {
    const { merchant, key } = await floorOf();
    onPacked = async () => ({ answered: true, value: { outcome: 'blocked', reason: 'carrier_unavailable' } });
    const packTaskId = await packed(merchant, key);
    const close = { key, body: { cartonCode: 'BOX-M' } };
    expect(await api.ask('POST', `/v1/floor/tasks/${packTaskId}/close-carton`, close)).toMatchObject({
      status: 200,
      json: { label: { outcome: 'blocked', reason: 'carrier_unavailable' } },
    });
  });

  it('refuses a wrong scan with 422 and what it expected, an ended task with 409 and its state', async () => {
    const { merchant, key } = await floorOf();
    await plannedOrder(api.database, merchant, [{ sku: 'A', quantity: 2 }]);
    const next = { key, body: { warehouseId: warehouseOf(merchant).id } };
    const { task } = (await api.ask('POST', '/v1/floor/tasks/next', next)).json;
    const scan = (body: object) => api.ask('POST', `/v1/floor/tasks/${task.id}/scans`, { key, body });
    expect(await scan({ code: 'A', locationCode: 'A-01-02' })).toMatchObject({
      status: 422,
      json: {
        type: expect.stringContaining('invalid-scan'),
        expected: { sku: 'A', locationCode: 'A-01-01', quantity: 2 },
      },
    });
    expect(await scan({ code: 'A', locationCode: 'A-01-01', quantity: 0 })).toMatchObject({
      status: 422,
      json: { type: expect.stringContaining('invalid-quantity') },
    });
    expect(await scan({ code: 'A', locationCode: 'A-01-01', quantity: 2 })).toMatchObject({ status: 200 });
    expect(await scan({ code: 'A', locationCode: 'A-01-01' })).toMatchObject({
      status: 409,
      json: { type: expect.stringContaining('illegal-transition'), state: 'done' },
    });
  });
});

describe('the simulated staff', () => {
  it('ships every order once, over an API that restarts under its hands', async () => {
    const { merchant, key } = await floorOf(4);
    onPacked = buyLabel(merchant);
    for (let n = 0; n < 15; n += 1)
      await plannedOrder(api.database, merchant, [{ sku: 'A', quantity: 1 + (n % 3) }]);
    const restartable = await listen(0);
    const stop = new AbortController();
    const lines: string[] = [];
    const staff = runFloorSimulator({
      apiUrl: `http://127.0.0.1:${restartable.port}`,
      apiKey: key,
      persons: merchant.personIds,
      warehouses: [warehouseOf(merchant).id],
      paceMs: 0,
      signal: stop.signal,
      log: (line) => lines.push(line),
    });
    const shipped = async () =>
      (await rowsOf(api.database, merchant, "select id from sales_order where state = 'shipped'")).length;
    let { server } = restartable;
    for (const enough of [3, 8]) {
      await until(async () => (await shipped()) >= enough);
      await close(server);
      await until(async () => lines.some((line) => line.includes('does not answer')));
      server = (await listen(restartable.port)).server;
      await until(async () => lines.some((line) => line.includes('answers again')));
      lines.length = 0;
    }
    await until(async () => (await shipped()) === 15);
    stop.abort();
    await staff.finished;
    await close(server);
    expect(staff.counts.retries).toBeGreaterThan(0);
    expect(await rowsOf(api.database, merchant, 'select id from shipment')).toHaveLength(15);
    expect(await rowsOf(api.database, merchant, 'select id from parcel')).toHaveLength(15);
    expect(await bookErrors(api.database, merchant)).toEqual([]);
  });

  it('costs an idle floor few requests, however many people stand on it', async () => {
    const { merchant, key } = await floorOf(12);
    const stop = new AbortController();
    let requests = 0;
    const counting = createServer((_request, response) => {
      requests += 1;
      response.setHeader('content-type', 'application/json');
      response.end('{"task":null}');
    });
    await new Promise<void>((resolve) => counting.listen(0, '127.0.0.1', resolve));
    const staff = runFloorSimulator({
      apiUrl: `http://127.0.0.1:${(counting.address() as AddressInfo).port}`,
      apiKey: key,
      persons: merchant.personIds,
      warehouses: [warehouseOf(merchant).id],
      paceMs: 0,
      signal: stop.signal,
      log: () => undefined,
    });
    const began = Date.now();
    await until(async () => requests > 15);
    // Twelve look once, one goes on looking, more and more seldom.
    expect(requests).toBeLessThanOrEqual(12 + 6 + (Date.now() - began) / 25);
    stop.abort();
    await staff.finished;
    await close(counting);
  });
});

async function listen(port: number): Promise<{ server: Server; port: number }> {
  const app = createApp({
    database: api.database,
    config: {
      publicUrl: 'http://127.0.0.1',
      sealingKeys: api.sealingKeys,
      requestsPerMinute: 1_000_000,
    },
    logger: pino({ level: 'silent' }),
    updateWorkflow,
    temporalReady: async () => true,
  });
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

/** Asks every 10 ms until it is so; the test's own time-out ends a wait in vain. */
async function until(is: () => Promise<boolean>): Promise<void> {
  while (!(await is())) await new Promise((resolve) => setTimeout(resolve, 10));
}
