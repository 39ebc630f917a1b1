/** Same key, same effect, same answer: replays, reuse, races, and a process that died at the worst moment. */
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { type RunningApi, startApi } from './running-api';

let api: RunningApi;
let merchant: SeededMerchant;
let key: string;
let keyId: string;
let owner: Client;

beforeAll(async () => {
  api = await startApi();
  merchant = await seedMerchant(api.database, { products: [{ sku: 'DEMO-1', stock: 10 }] });
  ({ key, id: keyId } = await api.makeKey(merchant.organisationId));
  // Looks past row-level security, as nothing of the product may.
  owner = new Client({ connectionString: api.urls.checkUrl });
  await owner.connect();
}, 60_000);
afterAll(async () => {
  await owner?.end();
  await api?.close();
});

const count = async (sql: string, values: unknown[] = []) =>
  Number((await owner.query(`select count(*) as count from ${sql}`, values)).rows[0].count);

const order = (externalId: string) => ({
  externalId,
  placedAt: '2026-03-02T10:00:00Z',
  currency: 'USD',
  totalMinor: '1000',
  payment: 'captured',
  shipTo: { name: 'Demo', line1: '1 Demo Street', city: 'Beverly Hills', postalCode: '90210', country: 'US' },
  lines: [{ externalLineId: '1', sku: 'DEMO-1', title: 'Demo', quantity: 1, unitPriceMinor: '1000' }],
});
const adjustment = (delta: number) => ({
  warehouseId: merchant.warehouses[0]?.id,
  reason: 'count',
  lines: [{ sku: 'DEMO-1', locationCode: 'A-01-01', delta }],
});
const onHand = async () =>
  (await api.ask('GET', '/v1/stock?sku=DEMO-1', { key })).json.items[0].onHand as number;

/** Undoes the recorded answer and ages the row, as a process that died before it answered leaves them. */
async function forgetAnswer(idempotencyKey: string, ageSeconds: number): Promise<void> {
  const changed = await api.database.withTenants(
    { merchantIds: [], organisationIds: [merchant.organisationId] },
    (tx) =>
      tx.run({
        text: `update idempotency_key set status = null, answer = null, created_at = now() - $3 * interval '1 second'
          where api_key_id = $1 and key = $2`,
        values: [keyId, idempotencyKey, ageSeconds],
      }),
  );
  expect(changed).toBe(1);
}

test('a POST without a key is 400, and nothing happens', async () => {
  const externalId = randomUUID();
  for (const headers of [{}, { 'idempotency-key': 'with space' }, { 'idempotency-key': 'x'.repeat(256) }]) {
    const reply = await api.ask('POST', '/v1/orders', {
      key,
      body: order(externalId),
      idempotencyKey: null,
      headers,
    });
    expect([reply.status, reply.json.type]).toEqual([400, expect.stringMatching(/idempotency-key-missing$/)]);
  }
  expect(await count('sales_order where external_id = $1', [externalId])).toBe(0);
});

test('the same request again gets the same answer and has one effect', async () => {
  const idempotencyKey = randomUUID();
  const ask = { key, idempotencyKey, body: order(randomUUID()) };
  const first = await api.ask('POST', '/v1/orders', ask);
  const again = await api.ask('POST', '/v1/orders', ask);
  expect(first.status).toBe(201);
  expect([again.status, again.json]).toEqual([first.status, first.json]);
  expect(first.headers.get('idempotency-replayed')).toBeNull();
  expect(again.headers.get('idempotency-replayed')).toBe('true');
  expect(again.headers.get('location')).toBe(first.headers.get('location'));
  expect(await count('sales_order where id = $1', [first.json.id])).toBe(1);
  expect(await count('outbox where order_id = $1', [first.json.id])).toBe(1);
});

test('a refusal is replayed too, even when it would succeed by now', async () => {
  const idempotencyKey = randomUUID();
  const sku = `LATE-${randomUUID()}`;
  const body = { ...order(randomUUID()), strict: true };
  body.lines = [{ ...(body.lines[0] as (typeof body.lines)[0]), sku }];
  const first = await api.ask('POST', '/v1/orders', { key, idempotencyKey, body });
  expect(first.status).toBe(422);
  await api.ask('POST', '/v1/products', { key, body: { sku, name: 'Late' } });
  const again = await api.ask('POST', '/v1/orders', { key, idempotencyKey, body });
  expect([again.status, again.json.errors]).toEqual([422, first.json.errors]);
  expect((await api.ask('POST', '/v1/orders', { key, body })).status).toBe(201);
});

test.each([
  ['another body', '/v1/stock/adjustments', () => adjustment(2), {}],
  ['another address', '/v1/products', () => ({ sku: randomUUID(), name: 'x' }), {}],
])('a key that is used again with %s is 422', async (_name, path, body, headers) => {
  const idempotencyKey = randomUUID();
  const first = await api.ask('POST', '/v1/stock/adjustments', { key, idempotencyKey, body: adjustment(1) });
  expect(first.status).toBe(201);
  const before = await onHand();
  const again = await api.ask('POST', path, { key, idempotencyKey, body: body(), headers });
  expect([again.status, again.json.type]).toEqual([422, expect.stringMatching(/idempotency-key-reused$/)]);
  expect(await onHand()).toBe(before);
});

test("another caller's same key is another key", async () => {
  const other = await api.makeKey(merchant.organisationId);
  const idempotencyKey = randomUUID();
  const before = await onHand();
  await api.ask('POST', '/v1/stock/adjustments', { key, idempotencyKey, body: adjustment(1) });
  await api.ask('POST', '/v1/stock/adjustments', { key: other.key, idempotencyKey, body: adjustment(1) });
  expect(await onHand()).toBe(before + 2);
});

test('a body that was refused before the handler leaves the key free', async () => {
  const idempotencyKey = randomUUID();
  const bad = await api.ask('POST', '/v1/stock/adjustments', { key, idempotencyKey, body: adjustment(1.5) });
  expect(bad.status).toBe(422);
  const good = await api.ask('POST', '/v1/stock/adjustments', { key, idempotencyKey, body: adjustment(1) });
  expect(good.status).toBe(201);
});

test('of many at once one works, and the others get its answer or 409 in flight', async () => {
  const idempotencyKey = randomUUID();
  const before = await onHand();
  const ask = () => api.ask('POST', '/v1/stock/adjustments', { key, idempotencyKey, body: adjustment(3) });
  const replies = await Promise.all(Array.from({ length: 12 }, ask));
  for (const reply of replies) {
    expect([201, 409]).toContain(reply.status);
    if (reply.status === 409) {
      expect(reply.json.type).toMatch(/idempotency-in-flight$/);
      expect(reply.headers.get('retry-after')).toBe('1');
    }
  }
  expect((await ask()).status).toBe(201);
  expect(await onHand()).toBe(before + 3);
});

describe('a process that died', () => {
  test('between claim and effect: in flight while its lease lasts, then the retry does it', async () => {
    const idempotencyKey = randomUUID();
    const before = await onHand();
    const ask = { key, idempotencyKey, body: adjustment(4) };
    await api.ask('POST', '/v1/stock/adjustments', ask);
    await forgetAnswer(idempotencyKey, 0);
    expect((await api.ask('POST', '/v1/stock/adjustments', ask)).status).toBe(409);
    await forgetAnswer(idempotencyKey, 60);
    expect((await api.ask('POST', '/v1/stock/adjustments', ask)).status).toBe(201);
    expect(await onHand()).toBe(before + 4);
  });

  test('between effect and answer of an order: the retry finds the order, once', async () => {
    const idempotencyKey = randomUUID();
    const ask = { key, idempotencyKey, body: order(randomUUID()) };
    const first = await api.ask('POST', '/v1/orders', ask);
    await forgetAnswer(idempotencyKey, 60);
    const again = await api.ask('POST', '/v1/orders', ask);
    expect([again.status, again.json.id]).toEqual([200, first.json.id]);
    expect(await count('sales_order where external_id = $1', [ask.body.externalId])).toBe(1);
    expect(await count(`outbox where order_id = $1 and kind = 'workflow.start'`, [first.json.id])).toBe(1);
  });

  test('in the transaction of a catalogue change: effect and answer are there together or not at all', async () => {
    const sku = `ONCE-${randomUUID()}`;
    const idempotencyKey = randomUUID();
    const ask = { key, idempotencyKey, body: { sku, name: 'Once' } };
    const first = await api.ask('POST', '/v1/products', ask);
    expect(first.status).toBe(201);
    // One transaction wrote both: the row versions of product and answer carry the same id.
    const { rows } = await owner.query(
      `select (select xmin from product where sku = $1) = (select xmin from idempotency_key where key = $2) as same`,
      [sku, idempotencyKey],
    );
    expect(rows[0].same).toBe(true);
    expect(await count(`audit_log where action = 'product.create' and thing_id = $1`, [first.json.id])).toBe(
      1,
    );
  });

  test.each([
    ['hold', { name: 'fraud' }, 'order_hold where order_id = $1'],
    [
      'address',
      { line1: '2 Demo Street', city: 'Beverly Hills', postalCode: '90210', country: 'US' },
      'order_address where order_id = $1',
    ],
    [
      'payment',
      { payment: 'authorised' },
      `audit_log where action = 'order.payment' and thing_id = $1::text`,
    ],
    ['cancel', { reason: 'asked' }, `audit_log where action = 'order.cancel' and thing_id = $1::text`],
  ])(
    'between effect and answer of %s: the retry answers the same and changes nothing',
    async (action, body, rows) => {
      const { json: made } = await api.ask('POST', '/v1/orders', { key, body: order(randomUUID()) });
      const idempotencyKey = randomUUID();
      const ask = () => api.ask('POST', `/v1/orders/${made.id}/${action}`, { key, idempotencyKey, body });
      const first = await ask();
      expect(first.status).toBe(200);
      const written = await count(rows, [made.id]);
      await forgetAnswer(idempotencyKey, 60);
      const again = await ask();
      expect([again.status, again.json]).toEqual([first.status, first.json]);
      expect(await count(rows, [made.id])).toBe(written);
    },
  );

  test('between effect and answer of release: the retry is a success', async () => {
    const { json: made } = await api.ask('POST', '/v1/orders', { key, body: order(randomUUID()) });
    await api.ask('POST', `/v1/orders/${made.id}/hold`, { key, body: { name: 'fraud' } });
    const idempotencyKey = randomUUID();
    const ask = () =>
      api.ask('POST', `/v1/orders/${made.id}/release`, { key, idempotencyKey, body: { name: 'fraud' } });
    expect((await ask()).json).toEqual({ held: false });
    await forgetAnswer(idempotencyKey, 60);
    expect((await ask()).json).toEqual({ held: false });
  });
});

test('a failure on our side gives the key back, and the retry works', async () => {
  const idempotencyKey = randomUUID();
  const body = { sku: `LOCK-${randomUUID()}`, name: 'Locked' };
  const blocker = new Client({ connectionString: api.urls.ownerUrl });
  await blocker.connect();
  await blocker.query('begin; lock table product in access exclusive mode');
  const failed = await api.ask('POST', '/v1/products', { key, idempotencyKey, body });
  await blocker.query('rollback');
  await blocker.end();
  expect([failed.status, failed.json.type]).toEqual([503, expect.stringMatching(/unavailable$/)]);
  expect(failed.headers.get('retry-after')).toBe('2');
  expect((await api.ask('POST', '/v1/products', { key, idempotencyKey, body })).status).toBe(201);
});

test('a PATCH with a key is replayed instead of refused as stale', async () => {
  const { json: product, headers } = await api.ask('POST', '/v1/products', {
    key,
    body: { sku: randomUUID(), name: 'A' },
  });
  const idempotencyKey = randomUUID();
  const etag = headers.get('etag') as string;
  const ask = { key, idempotencyKey, body: { name: 'B' }, headers: { 'if-match': etag } };
  const first = await api.ask('PATCH', `/v1/products/${product.id}`, ask);
  const again = await api.ask('PATCH', `/v1/products/${product.id}`, ask);
  expect([again.status, again.json]).toEqual([200, first.json]);
  const stale = await api.ask('PATCH', `/v1/products/${product.id}`, {
    ...ask,
    idempotencyKey: randomUUID(),
  });
  expect([stale.status, stale.json.type]).toEqual([412, expect.stringMatching(/stale-version$/)]);
});

test('a new API key is shown once: the replay answers null for it, and the database never held it', async () => {
  const idempotencyKey = randomUUID();
  const ask = { key, idempotencyKey, body: { name: 'n', scopes: ['orders:read'] } };
  const first = await api.ask('POST', '/v1/api-keys', ask);
  const again = await api.ask('POST', '/v1/api-keys', ask);
  expect(first.json.key).toMatch(/^qs_live_[\w-]{43}$/);
  expect(again.json).toEqual({ ...first.json, key: null });
  const { rows } = await owner.query(`select answer::text from idempotency_key where key = $1`, [
    idempotencyKey,
  ]);
  expect(rows[0].answer.includes(first.json.key)).toBe(false);
});

test('kept answers hold no personal data', async () => {
  const body = { ...order(randomUUID()), customer: { name: 'Very Private', email: 'very@private.example' } };
  const { json: made } = await api.ask('POST', '/v1/orders', { key, body });
  const address = {
    name: 'Very Private',
    line1: '7 Private Road',
    city: 'X',
    postalCode: '90210',
    country: 'US',
  };
  await api.ask('POST', `/v1/orders/${made.id}/address`, { key, body: address });
  expect(await count(`idempotency_key where answer::text ilike '%private%'`)).toBe(0);
  expect(await count(`audit_log where concat(before, after, reason) ilike '%private%'`)).toBe(0);
});
