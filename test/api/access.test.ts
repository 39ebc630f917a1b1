/** Keys, merchants by header, rates, versions, and the addresses that need no key. */
import { randomUUID } from 'node:crypto';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { type RunningApi, startApi } from './running-api';

let api: RunningApi;
let merchant: SeededMerchant;
let second: SeededMerchant;
let key: string;

beforeAll(async () => {
  api = await startApi({ requestsPerMinute: 1_000 });
  merchant = await seedMerchant(api.database);
  second = await seedMerchant(api.database, {
    organisationId: merchant.organisationId,
    warehouses: [{ code: 'S1' }],
  });
  ({ key } = await api.makeKey(merchant.organisationId));
}, 60_000);
afterAll(() => api?.close());

const get = (path: string, ask: Parameters<RunningApi['ask']>[2]) => api.ask('GET', path, ask);

describe('a key', () => {
  test.each([
    ['none', {}],
    ['of another scheme', { authorization: 'Basic cXM6eA==' }],
    ['of no known form', { authorization: 'Bearer abc' }],
    ['of the right form that nobody has', { authorization: `Bearer qs_live_${'A'.repeat(43)}` }],
    ['twice', { authorization: 'Bearer a, Bearer b' }],
  ])('%s is 401', async (_name, headers) => {
    const reply = await get('/v1/orders', { headers: headers as Record<string, string> });
    expect([reply.status, reply.json.type]).toEqual([401, expect.stringMatching(/unauthenticated$/)]);
  });

  test('one character off is 401', async () => {
    const wrong = key.slice(0, -1) + (key.endsWith('A') ? 'Q' : 'A');
    expect((await get('/v1/orders', { key: wrong })).status).toBe(401);
  });

  test('is refused after its expiry, also while it is still remembered', async () => {
    const { key: brief } = await api.makeKey(merchant.organisationId, {
      expiresAt: new Date(Date.now() + 400),
    });
    expect((await get('/v1/products', { key: brief })).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 450));
    expect((await get('/v1/products', { key: brief })).status).toBe(401);
  });

  test('made through the API works with exactly its scopes, is listed by its prefix, and ends when revoked', async () => {
    const made = await api.ask('POST', '/v1/api-keys', {
      key,
      body: { name: 'reader', scopes: ['orders:read'] },
    });
    expect(made.status).toBe(201);
    const { id, key: fresh, prefix } = made.json;
    expect(fresh.startsWith(prefix)).toBe(true);
    expect((await get('/v1/orders', { key: fresh })).status).toBe(200);
    expect((await get('/v1/products', { key: fresh })).status).toBe(403);
    const list = await get('/v1/api-keys', { key });
    expect(list.text.includes(fresh)).toBe(false);
    expect(list.json.items).toContainEqual(expect.objectContaining({ id, prefix, revokedAt: null }));
    const revoked = await api.ask('POST', `/v1/api-keys/${id}/revoke`, { key });
    expect(revoked.json.revokedAt).not.toBeNull();
    expect((await get('/v1/orders', { key: fresh })).status).toBe(401);
  });

  test('never makes one that reaches further than itself', async () => {
    const limited = await api.makeKey(merchant.organisationId, { merchantIds: [merchant.merchantId] });
    for (const merchantIds of [null, [second.merchantId], [merchant.merchantId, second.merchantId]]) {
      const body = { name: 'wider', scopes: ['admin'], merchantIds };
      expect((await api.ask('POST', '/v1/api-keys', { key: limited.key, body })).status).toBe(422);
    }
    const whole = await api.makeKey(merchant.organisationId);
    expect((await api.ask('POST', `/v1/api-keys/${whole.id}/revoke`, { key: limited.key })).status).toBe(404);
    expect((await get('/v1/orders', { key: whole.key })).status).toBe(200);
    const list = await get('/v1/api-keys?limit=200', { key: limited.key });
    expect(list.json.items.map((item: { merchantIds: string[] }) => item.merchantIds)).toEqual([
      [merchant.merchantId],
    ]);
  });

  test('for the floor belongs to a person', async () => {
    const body = { name: 'floor', scopes: ['floor'] };
    const reply = await api.ask('POST', '/v1/api-keys', { key, body });
    expect([reply.status, reply.json.errors[0].pointer]).toEqual([422, '/personId']);
  });

  test('for the floor is made for a person who was just added, and asks for work', async () => {
    const person = { name: 'Demo Newcomer', role: 'floor' };
    const idempotencyKey = randomUUID();
    const made = await api.ask('POST', '/v1/persons', { key, idempotencyKey, body: person });
    expect([made.status, made.json]).toEqual([
      201,
      { id: expect.any(String), role: 'floor', createdAt: expect.any(String) },
    ]);
    const again = await api.ask('POST', '/v1/persons', { key, idempotencyKey, body: person });
    expect(again.json).toEqual(made.json);
    const personId = made.json.id as string;
    const listed = (await get('/v1/persons', { key })).json.items as { id: string }[];
    expect(listed.filter(({ id }) => id === personId)).toEqual([expect.objectContaining(person)]);
    const floor = await api.ask('POST', '/v1/api-keys', {
      key,
      body: { name: 'floor', scopes: ['floor'], personId },
    });
    const work = { warehouseId: merchant.warehouses[0]?.id, kinds: ['pick'] };
    const next = await api.ask('POST', '/v1/floor/tasks/next', { key: floor.json.key, body: work });
    expect([next.status, next.json]).toEqual([200, { task: null }]);
    const some = await api.makeKey(merchant.organisationId, { merchantIds: [merchant.merchantId] });
    for (const method of ['GET', 'POST']) {
      const ask = method === 'GET' ? {} : { body: person };
      expect((await api.ask(method, '/v1/persons', { key: some.key, ...ask })).status).toBe(403);
    }
  });

  test('its merchants of another organisation count for nothing', async () => {
    const foreign = await seedMerchant(api.database);
    const odd = await api.makeKey(merchant.organisationId, { merchantIds: [foreign.merchantId] });
    expect((await get('/v1/products', { key: odd.key })).json.items).toEqual([]);
    const reply = await get('/v1/products', {
      key: odd.key,
      headers: { 'quayside-merchant': foreign.merchantId },
    });
    expect(reply.status).toBe(404);
  });
});

describe('the merchant of a request', () => {
  const skuOf = (item: { merchantId: string }) => item.merchantId;

  test('a list spans all merchants of the key, or the one that is named by id or slug', async () => {
    const all = await get('/v1/products', { key });
    expect(new Set(all.json.items.map(skuOf))).toEqual(new Set([merchant.merchantId, second.merchantId]));
    for (const name of [second.merchantId, second.merchantId.toUpperCase(), second.slug]) {
      const one = await get('/v1/products', { key, headers: { 'quayside-merchant': name } });
      expect(new Set(one.json.items.map(skuOf))).toEqual(new Set([second.merchantId]));
    }
  });

  test('what acts for one merchant needs it named when there are several', async () => {
    const body = { sku: 'NAMED', name: 'Named' };
    const reply = await api.ask('POST', '/v1/products', { key, body });
    expect([reply.status, reply.json.type]).toEqual([400, expect.stringMatching(/merchant-required$/)]);
    const headers = { 'quayside-merchant': second.slug };
    const named = await api.ask('POST', '/v1/products', { key, body, headers });
    expect([named.status, named.json.merchantId]).toEqual([201, second.merchantId]);
    const single = await api.makeKey(merchant.organisationId, { merchantIds: [merchant.merchantId] });
    const implied = await api.ask('POST', '/v1/products', { key: single.key, body });
    expect([implied.status, implied.json.merchantId]).toEqual([201, merchant.merchantId]);
  });

  test('a merchant that was just made can be named at once', async () => {
    const made = await api.ask('POST', '/v1/merchants', {
      key,
      body: { slug: 'brand-new', name: 'New', currency: 'EUR' },
    });
    expect(made.status).toBe(201);
    const headers = { 'quayside-merchant': 'brand-new' };
    const product = await api.ask('POST', '/v1/products', { key, headers, body: { sku: 'A', name: 'A' } });
    expect([product.status, product.json.merchantId]).toEqual([201, made.json.id]);
  });
});

describe('versions', () => {
  test('a stale If-Match changes nothing and is 412, on products and on orders', async () => {
    const headers = { 'quayside-merchant': merchant.slug };
    const made = await api.ask('POST', '/v1/products', { key, headers, body: { sku: 'V', name: 'First' } });
    const path = `/v1/products/${made.json.id}`;
    const etag = made.headers.get('etag') as string;
    const change = (ifMatch: string, name: string) =>
      api.ask('PATCH', path, { key, body: { name }, headers: { 'if-match': ifMatch } });
    expect((await change(etag, 'Second')).status).toBe(200);
    for (const stale of [etag, '"0"', 'W/"0"', 'nonsense', '"1", "2"']) {
      expect((await change(stale, 'Third')).status).toBe(412);
    }
    const read = await get(path, { key });
    expect([read.json.name, read.headers.get('etag')]).toEqual(['Second', '"2"']);
    expect((await change('*', 'Fourth')).status).toBe(200);

    const order = await api.ask('POST', '/v1/orders', {
      key,
      headers,
      body: {
        externalId: 'versioned',
        placedAt: '2026-03-02T10:00:00Z',
        currency: 'USD',
        totalMinor: '1',
        payment: 'captured',
        shipTo: {},
        lines: [{ externalLineId: '1', sku: 'V', title: 'V', quantity: 1, unitPriceMinor: '1' }],
      },
    });
    const seen = (await get(`/v1/orders/${order.json.id}`, { key })).headers.get('etag') as string;
    const hold = (name: string) =>
      api.ask('POST', `/v1/orders/${order.json.id}/hold`, {
        key,
        body: { name },
        headers: { 'if-match': seen },
      });
    expect((await hold('one')).status).toBe(200);
    expect((await hold('two')).status).toBe(412);
    const now = await get(`/v1/orders/${order.json.id}`, { key });
    expect(now.json.holds.map(({ name }: { name: string }) => name)).toEqual(['one']);
  });
});

test('a key that asks too often is told when to come back, and others are not held up by it', async () => {
  const greedy = await api.makeKey(merchant.organisationId);
  const replies = [];
  for (let n = 0; n < 1_005; n += 100) {
    replies.push(
      ...(await Promise.all(Array.from({ length: 100 }, () => get('/v1/merchants', { key: greedy.key })))),
    );
  }
  const refused = replies.filter(({ status }) => status === 429);
  expect(replies.filter(({ status }) => status === 200)).toHaveLength(1_000);
  expect(refused.length).toBe(replies.length - 1_000);
  expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(refused[0]?.json.type).toMatch(/rate-limited$/);
  expect(refused[0]?.headers.get('ratelimit-limit')).toBe('1000');
  expect((await get('/v1/merchants', { key })).status).toBe(200);
}, 60_000);

describe('open addresses', () => {
  test('liveness, readiness, metrics and the description need no key', async () => {
    expect((await get('/healthz', {})).json).toEqual({ status: 'ok' });
    expect((await get('/readyz', {})).json).toEqual({
      ready: true,
      database: 'reachable',
      temporal: 'reachable',
    });
    const openapi = await get('/openapi.json', {});
    expect(openapi.json.openapi).toBe('3.1.0');
    expect(openapi.json.paths['/v1/orders'].post.operationId).toBe('createOrder');
    const metrics = await get('/metrics', {});
    expect(metrics.text).toMatch(/quayside_orders\{state="accepted"\} \d+/);
    expect(metrics.text).toMatch(
      /quayside_http_request_seconds_count\{method="GET",route="\/v1\/orders\/\{id\}",status="200"\}/,
    );
    expect(metrics.text.includes(merchant.merchantId) || metrics.text.includes(merchant.slug)).toBe(false);
  });

  test('the documentation comes from local files and may run no script but its own', async () => {
    expect((await get('/', {})).headers.get('location')).toBe('/docs/');
    expect((await get('/docs', {})).headers.get('location')).toBe('/docs/');
    const page = await get('/docs/', {});
    const files = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file as string);
    expect(files).toHaveLength(4);
    for (const file of files) {
      expect(file).not.toMatch(/^(https?:|\/)/);
      expect((await get(`/docs/${file}`, {})).status).toBe(200);
    }
    expect(page.headers.get('content-security-policy')).toMatch(/script-src 'self'/);
    expect(page.text).not.toMatch(/<script>[^<]/);
  });

  test('every answer forbids sniffing, framing and caching', async () => {
    const { headers } = await get('/v1/orders', { key });
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('SAMEORIGIN');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-powered-by')).toBeNull();
  });
});

test('without Temporal the API is ready; without Postgres it is not, and answers 503 and no stack', async () => {
  const lonely = await startApi({ temporalReady: () => Promise.reject(new Error('away')) });
  const { key: known } = await lonely.makeKey((await seedMerchant(lonely.database)).organisationId);
  expect((await lonely.ask('GET', '/readyz', {})).json).toEqual({
    ready: true,
    database: 'reachable',
    temporal: 'unreachable',
  });
  await lonely.urls.drop();
  const ready = await lonely.ask('GET', '/readyz', {});
  expect([ready.status, ready.json.database]).toEqual([503, 'unreachable']);
  const reply = await lonely.ask('GET', '/v1/orders', { key: known });
  expect([reply.status, reply.json.type]).toEqual([503, expect.stringMatching(/unavailable$/)]);
  expect(reply.text).not.toMatch(/ at |postgres/i);
  await lonely.close();
}, 60_000);
