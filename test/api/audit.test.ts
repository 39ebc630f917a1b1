/** Every change over the API leaves who, when, why, what was before and after, and the request it came by. */
import { randomUUID } from 'node:crypto';
import type { Route } from '../../api/route';
import { routes } from '../../api/routes';
import { rowsOf } from '../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { buildWorld, EVERY_ROUTE, type World } from './every-route';
import { type RunningApi, startApi } from './running-api';

let api: RunningApi;
let merchant: SeededMerchant;
let key: string;
let keyId: string;

beforeAll(async () => {
  api = await startApi();
  merchant = await seedMerchant(api.database, { products: [{ sku: 'A', stock: 10 }] });
  ({ key, id: keyId } = await api.makeKey(merchant.organisationId));
});
afterAll(() => api.close());

const post = (path: string, body: unknown, requestId: string = randomUUID()) =>
  api.ask('POST', path, {
    key,
    body,
    headers: { 'x-request-id': requestId, 'quayside-merchant': merchant.slug },
  });

interface Entry extends Record<string, unknown> {
  readonly action: string;
  readonly actor: string;
  readonly reason: string | null;
  readonly before: unknown;
  readonly after: unknown;
  readonly request_id: string | null;
}

const entries = (where: string, values: unknown[] = []) =>
  rowsOf<Entry>(
    api.database,
    merchant,
    `select action, actor, reason, before, after, request_id from audit_log where ${where} order by at, id`,
    values,
  );

const order = () => ({
  externalId: randomUUID(),
  placedAt: '2026-03-02T10:00:00Z',
  currency: 'USD',
  totalMinor: '2000',
  payment: 'captured',
  customer: { name: 'Demo Customer', email: 'demo@customer.example' },
  shipTo: {
    name: 'Demo Customer',
    line1: '1 Demo Street',
    city: 'Beverly Hills',
    region: 'CA',
    postalCode: '90210',
    country: 'US',
  },
  lines: [{ externalLineId: '1', sku: 'A', title: 'Demo', quantity: 2, unitPriceMinor: '1000' }],
});

describe('the audit log says', () => {
  test('who accepted an order and by which request, once, and nothing of the customer', async () => {
    const body = order();
    const first = await post('/v1/orders', body, 'request-accept-1');
    expect(first.status).toBe(201);
    expect((await post('/v1/orders', body, 'request-accept-2')).status).toBe(200);
    const found = await entries(`thing_id = $1`, [first.json.id]);
    expect(found).toEqual([
      {
        action: 'order.accept',
        actor: `key:${keyId}`,
        reason: null,
        before: null,
        after: { state: 'accepted', externalId: body.externalId, lines: 1, payment: 'captured' },
        request_id: 'request-accept-1',
      },
    ]);
    expect(JSON.stringify(found)).not.toMatch(/Demo Customer|customer\.example|Demo Street/);
  });

  test('what an order was before somebody cancelled it, by which request', async () => {
    const { json } = await post('/v1/orders', order());
    await post(`/v1/orders/${json.id}/cancel`, { reason: 'changed mind' }, 'request-cancel');
    expect(await entries(`thing_id = $1 and action = 'order.cancel'`, [json.id])).toMatchObject([
      {
        reason: 'changed mind',
        before: { state: 'accepted' },
        after: { state: 'cancelled' },
        request_id: 'request-cancel',
      },
    ]);
  });

  test.each([
    ['hold', { name: 'fraud' }, 'order.hold', null],
    ['payment', { payment: 'authorised' }, 'order.payment', { payment: 'captured' }],
    ['retry', { reason: 'look again' }, 'order.retry', null],
    ['address', { ...order().shipTo, line1: '2 Demo Street' }, 'order.address', { addressVersion: 1 }],
  ])('by which request an order was changed, and what it was: %s', async (path, body, action, before) => {
    const { json } = await post('/v1/orders', order());
    const requestId = `request-${path}`;
    expect((await post(`/v1/orders/${json.id}/${path}`, body, requestId)).status).toBe(200);
    expect(await entries('thing_id = $1 and action = $2', [json.id, action])).toMatchObject([
      { actor: `key:${keyId}`, request_id: requestId, before },
    ]);
  });

  test('what stock was before and after a correction, who corrected it, why, and by which request', async () => {
    const [warehouse] = merchant.warehouses;
    const adjust = {
      kind: 'adjustment',
      warehouseId: warehouse?.id,
      reason: 'counted again',
      reasonCode: 'counted',
      lines: [{ sku: 'A', locationCode: warehouse?.bins[0]?.code, delta: -3 }],
    };
    const answer = await post('/v1/stock/adjustments', adjust, 'request-adjust');
    expect([answer.status, answer.text]).toEqual([201, expect.anything()]);
    const productId = merchant.products.get('A');
    expect(await entries(`action = 'stock.adjust' and actor <> 'test'`)).toMatchObject([
      {
        actor: `key:${keyId}`,
        reason: 'counted again',
        before: { onHand: [{ productId, units: 10 }] },
        after: { onHand: [{ productId, units: 7 }] },
        request_id: 'request-adjust',
      },
    ]);
  });
});

/** Acts on the floor have a journal of their own, under the scan's key, with person and time. */
const SCANS = [
  ...['claimNextTask', 'scanAtTask', 'shortPick', 'releaseTask', 'closeCarton', 'shipScan'],
  ...['nextCountSheet', 'startCountSheet', 'releaseCountSheet'],
];

test('what a product and a merchant were before a change and what they are after it, and nothing else', async () => {
  const productId = merchant.products.get('A') as string;
  const patch = (path: string, body: unknown, requestId: string) =>
    api.ask('PATCH', path, { key, body, headers: { 'x-request-id': requestId } });
  await patch(`/v1/products/${productId}`, { name: 'Renamed', unitCostMinor: '125' }, 'request-product');
  await patch(`/v1/merchants/${merchant.merchantId}`, { splitPolicy: 'never' }, 'request-merchant');
  const found = await entries(`request_id in ('request-product', 'request-merchant')`);
  expect(found).toMatchObject([{ action: 'product.change' }, { action: 'merchant.change' }]);
  expect(found.map(({ before }) => before)).toEqual([
    { name: expect.any(String), unit_cost_minor: '500' },
    { split_policy: 'allowed' },
  ]);
  expect(found.map(({ after }) => after)).toEqual([
    { name: 'Renamed', unit_cost_minor: '125' },
    { split_policy: 'never' },
  ]);
});

describe('of every route that changes something', () => {
  let world: World;
  let ownerKey: string;
  let owner: SeededMerchant;
  beforeAll(async () => {
    ({ world, merchant: owner } = await buildWorld(api));
    ownerKey = (await api.makeKey(owner.organisationId)).key;
  }, 60_000);

  const changing = routes
    .filter(({ method, operationId }) => method !== 'get' && operationId !== 'dryRunRouting')
    .map((route) => [`${route.method.toUpperCase()} ${route.path}`, route] as const);

  test.each(changing)('%s leaves a row that names its request', async (_name, route: Route) => {
    const { path, body } = (EVERY_ROUTE[route.operationId] as (typeof EVERY_ROUTE)[string])(world);
    const requestId = `request-${route.operationId}`;
    const reply = await api.ask(route.method.toUpperCase(), path, {
      key: ownerKey,
      body,
      idempotencyKey: requestId,
      headers: {
        'x-request-id': requestId,
        ...(route.merchant === 'organisation' ? {} : { 'quayside-merchant': world.slug }),
      },
    });
    expect(reply.status).toBeLessThan(300);
    if (SCANS.includes(route.operationId)) {
      const scans = await rowsOf(
        api.database,
        owner,
        'select person_id, scanned_at from scan where event_id like $1',
        [`api:%:${requestId}`],
      );
      expect(scans).toHaveLength(1);
      return;
    }
    // A merchant that was just made is its own.
    const merchantIds = route.operationId === 'createMerchant' ? [reply.json.id] : [world.merchantId];
    const found = await api.database.withTenants(
      { merchantIds, organisationIds: [owner.organisationId] },
      (tx) =>
        tx.rows<Entry>({
          text: 'select action, actor, reason, before, after from audit_log where request_id = $1',
          values: [requestId],
        }),
    );
    expect(found.length).toBeGreaterThanOrEqual(1);
    for (const { actor } of found) expect(actor).toMatch(/^(key|person):/);
    const reason = (body as { reason?: string } | undefined)?.reason;
    if (reason !== undefined) expect(found.map((row) => row.reason)).toContain(reason);
  });
});
