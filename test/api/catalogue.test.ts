/** Products, mappings, settings and places: what they refuse, what they wake, what they leave in the audit log. */
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { blockOrder } from '../../commands/block-order';
import type { BlockedReason } from '../../domain/order/exception-reasons';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { demoOrder, placeOrder } from '../support/order';
import { type RunningApi, startApi } from './running-api';

let api: RunningApi;
let merchant: SeededMerchant;
let key: string;
let reader: Client;

beforeAll(async () => {
  api = await startApi();
  merchant = await seedMerchant(api.database, {
    products: [{ sku: 'DEMO-1', stock: 10 }, { sku: 'DEMO-2' }, { sku: 'KIT', isBundle: true }],
  });
  ({ key } = await api.makeKey(merchant.organisationId));
  reader = new Client({ connectionString: api.urls.checkUrl });
  await reader.connect();
}, 60_000);
afterAll(async () => {
  await reader?.end();
  await api?.close();
});

const post = (path: string, body: unknown) => api.ask('POST', path, { key, body });
const productId = (sku: string) => merchant.products.get(sku) as string;

async function parked(sku: string, reason: BlockedReason, subject: string): Promise<string> {
  const { orderId } = await placeOrder(api.database, merchant, demoOrder([{ sku, quantity: 1 }]));
  await blockOrder(api.database, {
    merchantId: merchant.merchantId,
    orderId,
    reason,
    message: 'A demo reason.',
    subject,
  });
  return orderId;
}
const wakes = async (orderId: string) =>
  (
    await reader.query(
      `select payload -> 'args' -> 0 ->> 'cause' as cause from outbox
        where order_id = $1 and payload ->> 'signal' = 'resume' order by created_at`,
      [orderId],
    )
  ).rows.map(({ cause }) => cause as string);
const audited = async (thingId: string) =>
  (
    await reader.query('select action, actor, request_id from audit_log where thing_id = $1 order by at', [
      thingId,
    ])
  ).rows;

describe('a SKU that becomes known wakes exactly the orders that waited for it', () => {
  test('by a product', async () => {
    const sku = `LATE-${randomUUID()}`;
    const waiting = await parked(sku, 'unmapped_sku', sku);
    const other = await parked(`OTHER-${randomUUID()}`, 'unmapped_sku', 'other');
    expect((await post('/v1/products', { sku, name: 'Late' })).status).toBe(201);
    expect(await wakes(waiting)).toEqual(['sku_mapped']);
    expect(await wakes(other)).toEqual([]);
  });

  test('by an alias', async () => {
    const alias = `shop-${randomUUID()}`;
    const waiting = await parked(alias, 'unmapped_sku', alias);
    const made = await post('/v1/sku-aliases', { alias, productId: productId('DEMO-1'), multiplier: 12 });
    expect(made.json).toMatchObject({ alias, sku: 'DEMO-1', multiplier: 12, connectionId: null });
    expect(await wakes(waiting)).toEqual(['sku_mapped']);
    expect(await audited(made.json.id)).toEqual([
      {
        action: 'sku_alias.create',
        actor: expect.stringMatching(/^key:/),
        request_id: made.headers.get('x-request-id'),
      },
    ]);
  });

  test('by a bundle that gets its components', async () => {
    const waiting = await parked('KIT', 'unmapped_sku', 'KIT');
    const path = `/v1/products/${productId('KIT')}/components`;
    const body = { components: [{ productId: productId('DEMO-1'), quantity: 2 }] };
    const reply = await api.ask('PUT', path, { key, body });
    expect(reply.json.components).toEqual([{ productId: productId('DEMO-1'), sku: 'DEMO-1', quantity: 2 }]);
    expect(await wakes(waiting)).toEqual(['sku_mapped']);
  });

  test('by a shipping method, whatever the method', async () => {
    const waiting = await parked('DEMO-1', 'unmapped_shipping_method', 'overnight');
    const method = `Overnight ${randomUUID()}`;
    expect(
      (await post('/v1/shipping-methods', { method, serviceLevel: 'next_day', services: ['ups_ground'] }))
        .status,
    ).toBe(201);
    expect(await wakes(waiting)).toEqual(['shipping_method_mapped']);
    expect(
      (await post('/v1/shipping-methods', { method: method.toUpperCase(), serviceLevel: 'x' })).status,
    ).toBe(409);
  });
});

describe('what is refused', () => {
  const cases: [string, string, () => unknown, number, string, string | undefined][] = [
    ['a SKU twice', '/v1/products', () => ({ sku: 'DEMO-1', name: 'Again' }), 409, 'conflict', '/sku'],
    [
      'a GTIN with a wrong check digit',
      '/v1/products',
      () => ({ sku: randomUUID(), name: 'x', gtin: '4006381333932' }),
      422,
      'invalid-body',
      '/gtin',
    ],
    [
      'a weight below zero',
      '/v1/products',
      () => ({ sku: randomUUID(), name: 'x', weightGrams: -1 }),
      422,
      'invalid-body',
      '/weightGrams',
    ],
    [
      'a cost below zero',
      '/v1/products',
      () => ({ sku: randomUUID(), name: 'x', unitCostMinor: '-1' }),
      422,
      'invalid-money',
      '/unitCostMinor',
    ],
    [
      'a name of spaces',
      '/v1/products',
      () => ({ sku: randomUUID(), name: '   ' }),
      422,
      'invalid-body',
      '/name',
    ],
    [
      'a name with a bell in it',
      '/v1/products',
      () => ({ sku: randomUUID(), name: 'ding\u0007' }),
      422,
      'invalid-body',
      '/name',
    ],
    [
      'an alias of nothing',
      '/v1/sku-aliases',
      () => ({ alias: randomUUID(), productId: randomUUID() }),
      422,
      'invalid-body',
      '/productId',
    ],
    [
      'an alias for a connection of nobody',
      '/v1/sku-aliases',
      () => ({ alias: randomUUID(), productId: productId('DEMO-1'), connectionId: randomUUID() }),
      422,
      'invalid-body',
      '/connectionId',
    ],
    [
      'an alias of a multiple of 0',
      '/v1/sku-aliases',
      () => ({ alias: randomUUID(), productId: productId('DEMO-1'), multiplier: 0 }),
      422,
      'invalid-quantity',
      '/multiplier',
    ],
    [
      'a service that is not in lower snake case',
      '/v1/shipping-methods',
      () => ({ method: randomUUID(), serviceLevel: 'x', services: ['UPS Ground'] }),
      422,
      'invalid-body',
      '/services/0',
    ],
    [
      'a carton of no length',
      '/v1/cartons',
      () => ({ code: randomUUID(), lengthMm: 0, widthMm: 1, heightMm: 1, tareGrams: 1, maxGrams: 1 }),
      422,
      'invalid-body',
      '/lengthMm',
    ],
    [
      'a time zone of nowhere',
      '/v1/warehouses',
      () => ({
        code: 'X',
        name: 'X',
        timeZone: 'Mars/Base',
        line1: 'x',
        city: 'x',
        postalCode: 'x',
        country: 'US',
      }),
      422,
      'invalid-body',
      '/timeZone',
    ],
    [
      'a merchant in a currency of nowhere',
      '/v1/merchants',
      () => ({ slug: 'x-1', name: 'X', currency: 'XQQ' }),
      422,
      'invalid-money',
      '/currency',
    ],
    [
      'a slug with capitals',
      '/v1/merchants',
      () => ({ slug: 'Acme', name: 'X', currency: 'USD' }),
      422,
      'invalid-body',
      '/slug',
    ],
  ];
  test.each(cases)('%s', async (_name, path, body, status, slug, pointer) => {
    const reply = await post(path, body());
    expect([reply.status, reply.json.type, reply.json.errors?.[0].pointer]).toEqual([
      status,
      `https://quayside.example/problems/${slug}`,
      pointer,
    ]);
  });

  test('components of a product that is no bundle, of a bundle, of themselves, of nobody, twice', async () => {
    const put = (sku: string, components: unknown) =>
      api.ask('PUT', `/v1/products/${productId(sku)}/components`, { key, body: { components } });
    const one = { productId: productId('DEMO-1'), quantity: 1 };
    expect((await put('DEMO-2', [one])).status).toBe(422);
    expect((await put('KIT', [{ productId: productId('KIT'), quantity: 1 }])).status).toBe(422);
    expect((await put('KIT', [{ productId: randomUUID(), quantity: 1 }])).json.errors).toEqual([
      { pointer: '/components/0/productId', message: 'there is no such product' },
    ]);
    expect((await put('KIT', [one, one])).status).toBe(422);
    expect((await put('KIT', [{ ...one, quantity: 0 }])).json.type).toMatch(/invalid-quantity$/);
  });
});

test('a product is changed field by field: what is left out stays, null clears, and every change is audited', async () => {
  const made = await post('/v1/products', {
    sku: randomUUID(),
    name: 'A',
    gtin: '4006381333931',
    weightGrams: 100,
  });
  const path = `/v1/products/${made.json.id}`;
  const first = await api.ask('PATCH', path, { key, body: { weightGrams: 200 } });
  expect(first.json).toMatchObject({ name: 'A', gtin: '4006381333931', weightGrams: 200, version: 2 });
  const second = await api.ask('PATCH', path, { key, body: { gtin: null, archived: true } });
  expect(second.json).toMatchObject({ gtin: null, weightGrams: 200, archived: true, version: 3 });
  expect((await api.ask('PATCH', path, { key, body: {} })).status).toBe(422);
  expect((await api.ask('PATCH', path, { key, body: { sku: 'OTHER' } })).status).toBe(400);
  expect((await audited(made.json.id)).map(({ action }) => action)).toEqual([
    'product.create',
    'product.change',
    'product.change',
  ]);
  const listed = await api.ask('GET', `/v1/products?sku=${made.json.sku}&archived=true`, { key });
  expect(listed.json.items).toHaveLength(1);
});

test('a new warehouse with a place and a merchant takes stock from the first request on', async () => {
  const warehouse = await post('/v1/warehouses', {
    code: `W-${randomUUID().slice(0, 6)}`,
    name: 'New',
    timeZone: 'Europe/Berlin',
    line1: '1 Demo Street',
    city: 'Demo City',
    postalCode: '10115',
    country: 'DE',
  });
  expect(warehouse.status).toBe(201);
  const id = warehouse.json.id as string;
  expect((await post(`/v1/warehouses/${id}/locations`, { code: 'B-1', kind: 'bin' })).status).toBe(201);
  expect((await post(`/v1/warehouses/${id}/locations`, { code: 'B-1', kind: 'bin' })).status).toBe(409);
  const body = {
    warehouseId: id,
    reason: 'opening',
    kind: 'opening',
    lines: [{ sku: 'DEMO-2', locationCode: 'B-1', delta: 5 }],
  };
  expect((await post('/v1/stock/adjustments', body)).json.type).toMatch(/invalid-reference$/);
  const served = { warehouseIds: [merchant.warehouses[0]?.id, id] };
  await api.ask('PUT', `/v1/merchants/${merchant.merchantId}/warehouses`, { key, body: served });
  expect((await post('/v1/stock/adjustments', body)).status).toBe(201);
  const { json } = await api.ask('GET', `/v1/stock?warehouseId=${id}`, { key });
  expect(json.items).toEqual([
    expect.objectContaining({ sku: 'DEMO-2', onHand: 5, held: 0, reserved: 0, available: 5 }),
  ]);
});

describe('exceptions', () => {
  test('the orders of one cause are one group; retry asks an order to look again; cancel cancels it', async () => {
    const cause = `CAUSE-${randomUUID()}`;
    const ids = [];
    for (let n = 0; n < 4; n += 1) ids.push(await parked(cause, 'unmapped_sku', cause));
    const groups = await api.ask('GET', '/v1/exception-groups?limit=200', { key });
    const group = groups.json.items.find((item: { cause: string }) => item.cause === `unmapped_sku:${cause}`);
    expect(group).toMatchObject({ count: 4, reason: 'unmapped_sku', owner: 'merchant' });
    expect(group.resumes).toMatch(/by itself/);
    const list = await api.ask('GET', `/v1/exceptions?cause=${encodeURIComponent(`unmapped_sku:${cause}`)}`, {
      key,
    });
    expect(list.json.items.map(({ orderId }: { orderId: string }) => orderId).sort()).toEqual(
      [...ids].sort(),
    );
    const [first, second] = list.json.items;
    expect(first.actions).toEqual(['retry', 'cancel']);
    expect((await post(`/v1/exceptions/${first.id}/retry`, { reason: 'mapped elsewhere' })).status).toBe(200);
    expect(await wakes(first.orderId)).toEqual(['retry']);
    expect((await post(`/v1/exceptions/${second.id}/cancel`, { reason: 'asked' })).status).toBe(200);
    expect((await api.ask('GET', `/v1/orders/${second.orderId}`, { key })).json.state).toBe('cancelled');
    const refused = await post(`/v1/exceptions/${first.id}/resolve`, { reason: 'by hand' });
    expect([refused.status, refused.json.type]).toEqual([409, expect.stringMatching(/illegal-transition$/)]);
  });

  test('what is blocked is found by its reason, with what a person needs to know', async () => {
    const orderId = await parked(`S-${randomUUID()}`, 'address_invalid', 'x');
    const { json } = await api.ask('GET', '/v1/orders?blockedReason=address_invalid', { key });
    expect(json.items.map(({ id }: { id: string }) => id)).toContain(orderId);
    const detail = await api.ask('GET', `/v1/orders/${orderId}`, { key });
    expect(detail.json).toMatchObject({
      blockedReason: 'address_invalid',
      blockedDetail: { message: 'A demo reason.' },
    });
    expect(detail.json.exceptions).toHaveLength(1);
    const address = {
      name: 'Demo',
      line1: '9 Demo Street',
      city: 'Beverly Hills',
      postalCode: '90210',
      country: 'US',
    };
    expect((await post(`/v1/orders/${orderId}/address`, address)).json).toEqual({ addressVersion: 2 });
    expect(await wakes(orderId)).toEqual(['address_corrected']);
  });
});

test('cancel that comes too late is 409 with the state', async () => {
  const { orderId } = await placeOrder(
    api.database,
    merchant,
    demoOrder([{ sku: 'DEMO-1', quantity: 1 }], { cancelled: true }),
  );
  const hold = await post(`/v1/orders/${orderId}/hold`, {});
  expect([hold.status, hold.json.type, hold.json.state]).toEqual([
    409,
    expect.stringMatching(/illegal-transition$/),
    'cancelled',
  ]);
});
