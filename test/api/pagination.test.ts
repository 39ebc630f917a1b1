/** Lists page by page: nothing twice, nothing missed, whatever comes in between. */
import { randomUUID } from 'node:crypto';
import { plannedOrder } from '../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { type RunningApi, startApi } from './running-api';

let api: RunningApi;
let merchant: SeededMerchant;
let key: string;

beforeAll(async () => {
  api = await startApi();
  merchant = await seedMerchant(api.database, { products: [{ sku: 'DEMO-1', stock: 100 }] });
  ({ key } = await api.makeKey(merchant.organisationId));
}, 60_000);
afterAll(() => api?.close());

async function all<Item = unknown>(path: string, limit: number, between = async () => {}): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | null = null;
  do {
    const query = `${path.includes('?') ? '&' : '?'}limit=${limit}${cursor === null ? '' : `&cursor=${cursor}`}`;
    const reply = await api.ask('GET', path + query, { key });
    expect(reply.status).toBe(200);
    expect(reply.json.items.length).toBeLessThanOrEqual(limit);
    items.push(...reply.json.items);
    cursor = reply.json.nextCursor;
    await between();
  } while (cursor !== null);
  return items;
}

const order = (change: object = {}) => ({
  externalId: randomUUID(),
  placedAt: '2026-03-02T10:00:00Z',
  currency: 'USD',
  totalMinor: '1000',
  payment: 'captured',
  shipTo: {},
  lines: [{ externalLineId: '1', sku: 'DEMO-1', title: 'Demo', quantity: 1, unitPriceMinor: '1000' }],
  ...change,
});
const place = async (change: object = {}) =>
  (await api.ask('POST', '/v1/orders', { key, body: order(change) })).json.id as string;

test('orders placed in the same instant, and in the same millisecond, come once each, the newest first', async () => {
  const placed: string[] = [];
  for (let n = 0; n < 12; n += 1) placed.push(await place({ placedAt: `2026-03-02T10:00:00.00${n % 3}Z` }));
  for (const limit of [1, 5, 12, 200]) {
    const items = await all<{ id: string; placedAt: string }>('/v1/orders', limit);
    expect(items.map(({ id }) => id).sort()).toEqual([...placed].sort());
    const times = items.map(({ placedAt }) => placedAt);
    expect(times).toEqual([...times].sort().reverse());
  }
});

test('rows that come meanwhile neither repeat nor hide others', async () => {
  const before = await all<{ id: string }>('/v1/orders', 200);
  const seen = await all<{ id: string }>('/v1/orders', 2, async () => {
    await place({ placedAt: '2026-04-01T10:00:00Z' });
    await place({ placedAt: '2026-03-02T10:00:00.001Z' });
  });
  const ids = seen.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { id } of before) expect(ids).toContain(id);
}, 60_000);

test('filters narrow, and their cursors go on within them', async () => {
  const held = [await place(), await place(), await place()];
  for (const id of held) await api.ask('POST', `/v1/orders/${id}/hold`, { key, body: {} });
  const items = await all<{ id: string }>('/v1/orders?held=true', 2);
  expect(items.map(({ id }) => id).sort()).toEqual([...held].sort());
  const externalId = randomUUID();
  const one = await place({ externalId });
  expect(await all(`/v1/orders?externalId=${externalId}`, 10)).toEqual([
    expect.objectContaining({ id: one }),
  ]);
  const march = await all<{ placedAt: string }>(
    '/v1/orders?placedFrom=2026-03-02T10:00:00.001Z&placedTo=2026-03-02T10:00:00.002Z',
    3,
  );
  expect(march.length).toBeGreaterThan(0);
  expect(new Set(march.map(({ placedAt }) => placedAt))).toEqual(new Set(['2026-03-02T10:00:00.001Z']));
  expect(await all('/v1/orders?channel=shopify', 10)).toEqual([]);
});

test.each<[string, (n: number) => readonly [string, object]]>([
  ['/v1/products', (n: number) => ['/v1/products', { sku: `P-${n}`, name: 'P' }]],
  [
    '/v1/sku-aliases',
    (n: number) => ['/v1/sku-aliases', { alias: `A-${n}`, productId: merchant.products.get('DEMO-1') }],
  ],
  [
    '/v1/shipping-methods',
    (n: number) => ['/v1/shipping-methods', { method: `M-${n}`, serviceLevel: 'standard' }],
  ],
  [
    '/v1/cartons',
    (n: number) => [
      '/v1/cartons',
      { code: `C-${n}`, lengthMm: 1, widthMm: 1, heightMm: 1, tareGrams: 1, maxGrams: 1 },
    ],
  ],
  ['/v1/api-keys', (n: number) => ['/v1/api-keys', { name: `K-${n}`, scopes: ['orders:read'] }]],
])('%s comes completely at every page size', async (path, make) => {
  for (let n = 0; n < 5; n += 1) {
    const [to, body] = make(n);
    expect((await api.ask('POST', to, { key, body })).status).toBe(201);
  }
  const whole = await all(path, 200);
  expect(whole.length).toBeGreaterThanOrEqual(5);
  for (const limit of [1, 2, 3]) expect(await all(path, limit)).toEqual(whole);
});

test('places of a warehouse, tasks and stock come completely at every page size', async () => {
  for (let n = 0; n < 4; n += 1) await plannedOrder(api.database, merchant, [{ sku: 'DEMO-1', quantity: 1 }]);
  for (const path of [`/v1/warehouses/${merchant.warehouses[0]?.id}/locations`, '/v1/tasks', '/v1/stock']) {
    const whole = await all(path, 200);
    expect(whole.length).toBeGreaterThan(0);
    expect(await all(path, 1)).toEqual(whole);
  }
});

test('the ledger behind a figure adds up to it, over all pages', async () => {
  const warehouseId = merchant.warehouses[0]?.id;
  for (const [index, delta] of [7, -3, 5, -1].entries()) {
    const place_ = delta > 0 || index === 3 ? { locationCode: 'A-01-01' } : {};
    const reply = await api.ask('POST', '/v1/stock/adjustments', {
      key,
      body: { warehouseId, reason: `count ${index}`, lines: [{ sku: 'DEMO-1', ...place_, delta }] },
    });
    expect(reply.status).toBe(201);
  }
  const [level] = await all<{ onHand: number; held: number; reserved: number; available: number }>(
    '/v1/stock?sku=DEMO-1',
    10,
  );
  expect(level?.onHand).toBe(108);
  expect(level?.available).toBe((level?.onHand ?? 0) - (level?.held ?? 0) - (level?.reserved ?? 0));
  for (const path of ['/v1/stock/DEMO-1/ledger', `/v1/stock/DEMO-1/ledger?warehouseId=${warehouseId}`]) {
    const entries = await all<{ change: number; actor: string; reason: string }>(path, 2);
    expect(entries.reduce((sum, { change }) => sum + change, 0)).toBe(level?.onHand);
    expect(entries[0]).toMatchObject({
      change: -1,
      reason: 'count 3',
      actor: expect.stringMatching(/^key:/),
    });
  }
});
