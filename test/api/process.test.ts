/** The API as a process of its own, with a real Temporal server and without one. */
import { randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { Client as PostgresClient } from 'pg';
import { uuidv7 } from 'uuidv7';
import { mintApiKey } from '../../api/api-key';
import { type RunningApi, runApi } from '../../api/main';
import { type Config, loadConfig, required } from '../../config';
import { insertApiKey } from '../../db/api-key.repo';
import { Database } from '../../db/client';
import { connectTemporal } from '../../temporal/client';
import { createPayloadCodec } from '../../temporal/payload-codec';
import { eventually } from '../support/engine';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { type TestDatabase, testDatabase } from '../support/postgres';
import { testNamespace } from '../support/temporal';

let urls: TestDatabase;
let database: Database;
let merchant: SeededMerchant;
let key: string;
let reader: PostgresClient;

beforeAll(async () => {
  urls = await testDatabase();
  database = new Database({ appUrl: urls.appUrl, systemUrl: urls.systemUrl });
  merchant = await seedMerchant(database);
  const minted = mintApiKey('test');
  key = minted.key;
  await database.withMerchants([merchant.merchantId], (tx) =>
    insertApiKey(tx, {
      id: uuidv7(),
      organisationId: merchant.organisationId,
      name: 'test',
      prefix: minted.prefix,
      sha256: minted.sha256,
      scopes: ['orders:read', 'orders:write'],
      merchantIds: null,
      personId: null,
      expiresAt: null,
    }),
  );
  reader = new PostgresClient({ connectionString: urls.checkUrl });
  await reader.connect();
}, 60_000);
afterAll(async () => {
  await reader?.end();
  await database?.close();
  await urls?.drop();
});

const configOf = (temporal: { address: string; namespace: string }): Config =>
  loadConfig({
    DATABASE_APP_URL: urls.appUrl,
    DATABASE_SYSTEM_URL: urls.systemUrl,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    QUAYSIDE_ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}`,
    API_PORT: '0',
    LOG_LEVEL: 'silent',
  });

function post(api: RunningApi) {
  return fetch(`${api.url}/v1/orders`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      'idempotency-key': randomUUID(),
    },
    body: JSON.stringify({
      externalId: randomUUID(),
      placedAt: '2026-03-02T10:00:00Z',
      currency: 'USD',
      totalMinor: '1000',
      payment: 'captured',
      shipTo: {},
      lines: [{ externalLineId: '1', sku: 'DEMO-1', title: 'Demo', quantity: 1, unitPriceMinor: '1000' }],
    }),
  });
}

const startOf = async (orderId: string) =>
  (
    await reader.query(`select state, attempts from outbox where order_id = $1 and kind = 'workflow.start'`, [
      orderId,
    ])
  ).rows[0] as { state: string; attempts: number };

test('an accepted order’s workflow is started at once, and the dispatcher has nothing left to do', async () => {
  const temporal = await testNamespace();
  const config = configOf(temporal);
  const api = await runApi(config);
  const codec = createPayloadCodec(required(config, 'QUAYSIDE_ENCRYPTION_KEYS'));
  const client = connectTemporal({ ...temporal, codec });
  try {
    const answer = await post(api);
    const { id, workflowId } = (await answer.json()) as { id: string; workflowId: string };
    expect(answer.status).toBe(201);
    await eventually(async () => (await startOf(id)).state === 'done', 'the start is marked as delivered');
    const described = await client.workflow.getHandle(workflowId).describe();
    expect([described.status.name, described.type]).toEqual(['RUNNING', 'orderWorkflow']);
    expect((await startOf(id)).attempts).toBe(0);
    const ready = await fetch(`${api.url}/readyz`);
    expect(await ready.json()).toEqual({ ready: true, database: 'reachable', temporal: 'reachable' });
  } finally {
    await api.close();
    await client.connection.close();
  }
}, 60_000);

test('while Temporal is away orders are accepted as fast as before, their starts waiting in the outbox', async () => {
  const api = await runApi(configOf({ address: '127.0.0.1:1', namespace: 'default' }));
  try {
    for (let n = 0; n < 5; n += 1) {
      const began = Date.now();
      const answer = await post(api);
      expect(answer.status).toBe(201);
      expect(Date.now() - began).toBeLessThan(2_000);
      const { id } = (await answer.json()) as { id: string };
      expect((await startOf(id)).state).toBe('pending');
    }
    const ready = await fetch(`${api.url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([
      200,
      { ready: true, database: 'reachable', temporal: 'unreachable' },
    ]);
  } finally {
    await api.close();
  }
}, 60_000);

test('a port that is taken is a plain error and leaves nothing behind', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as { port: number };
  const config = { ...configOf({ address: '127.0.0.1:1', namespace: 'default' }), API_PORT: port };
  await expect(runApi(config)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  await new Promise((resolve) => taken.close(resolve));
}, 30_000);
