/** Temporal is killed and comes back: what the API accepted meanwhile goes on by itself, by the same processes. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { uuidv7 } from 'uuidv7';
import { mintApiKey } from '../../api/api-key';
import { type RunningApi, runApi } from '../../api/main';
import { insertApiKey } from '../../db/api-key.repo';
import { freePort } from '../../provision/ports';
import { closeGuard } from '../../provision/process-guard';
import { type RunningTemporal, registerSearchAttributes, startTemporal } from '../../provision/temporal';
import { SEARCH_ATTRIBUTES } from '../../workflows/shared/search-attributes';
import { eventually, startTestEngine, type TestEngine } from '../support/engine';
import { type SeededMerchant, seedMerchant } from '../support/merchant';

let dir: string;
let port: number;
let temporal: RunningTemporal;
let engine: TestEngine;
let api: RunningApi;
let merchant: SeededMerchant;
let key: string;

const start = () =>
  startTemporal({ dbFilename: path.join(dir, 'temporal.sqlite'), port, uiPort: null, log: () => undefined });

beforeAll(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'quayside-temporal-down-'));
  port = await freePort();
  temporal = await start();
  await registerSearchAttributes(temporal.address, SEARCH_ATTRIBUTES);
  engine = await startTestEngine({ address: temporal.address, namespace: temporal.namespace });
  merchant = await seedMerchant(engine.database);
  const minted = mintApiKey('test');
  key = minted.key;
  await engine.database.withMerchants([merchant.merchantId], (tx) =>
    insertApiKey(tx, {
      id: uuidv7(),
      organisationId: merchant.organisationId,
      name: 'test',
      prefix: minted.prefix,
      sha256: minted.sha256,
      scopes: ['orders:write'],
      merchantIds: [merchant.merchantId],
      personId: null,
      expiresAt: null,
    }),
  );
  api = await runApi({ ...engine.config, API_PORT: 0 });
}, 60_000);
afterAll(async () => {
  await engine?.close();
  await temporal?.stop();
  await closeGuard();
  rmSync(dir, { recursive: true, force: true });
}, 60_000);

async function place(): Promise<{ readonly status: number; readonly id: string }> {
  const answer = await fetch(`${api.url}/v1/orders`, {
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
      shipTo: {
        name: 'Demo',
        line1: '1 Demo Street',
        city: 'Beverly Hills',
        postalCode: '90210',
        country: 'US',
      },
      lines: [{ externalLineId: '1', sku: 'DEMO-1', title: 'Demo', quantity: 1, unitPriceMinor: '1000' }],
    }),
  });
  const { id } = (await answer.json()) as { id: string };
  return { status: answer.status, id };
}

/** States of these orders, each once. */
async function states(ids: readonly string[]): Promise<string[]> {
  const rows = await engine.database.withMerchants([merchant.merchantId], (tx) =>
    tx.rows<{ state: string }>({
      text: 'select distinct state from sales_order where id = any($1::uuid[])',
      values: [ids],
    }),
  );
  return rows.map(({ state }) => state);
}

const planned = (ids: readonly string[]) => async () => (await states(ids)).join() === 'planned';

test('orders accepted while Temporal is dead start when it is back, though the API is gone by then', async () => {
  const before = await place();
  await eventually(planned([before.id]), 'an order is planned while all is well');

  process.kill(temporal.pid, 'SIGKILL');
  await temporal.exited;
  const accepted = [];
  for (let n = 0; n < 5; n += 1) accepted.push(await place());
  expect(accepted.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201]);
  const ids = accepted.map(({ id }) => id);
  expect(await states(ids)).toEqual(['accepted']);

  // Gone with its own attempts to start them: what brings them back is what was committed.
  await api.close();
  temporal = await start();
  await eventually(planned(ids), 'every accepted order is planned');
}, 60_000);
