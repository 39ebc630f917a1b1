import { Intake } from '../../commands/intake/intake';
import { expireHolds } from '../../dispatcher/hold-sweeper';
import { stepKey } from '../../domain/step-key';
import { rowsOf } from '../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { type RunningApi, startApi } from './running-api';

let api: RunningApi;
let merchant: SeededMerchant;
let key: string;

beforeAll(async () => {
  api = await startApi();
  merchant = await seedMerchant(api.database, {
    products: [
      { sku: 'MUG', stock: 10 },
      { sku: 'TEA', stock: 4 },
      { sku: 'GIFT', isBundle: true },
    ],
  });
  ({ key } = await api.makeKey(merchant.organisationId));
  const components = [
    { productId: merchant.products.get('MUG'), quantity: 1 },
    { productId: merchant.products.get('TEA'), quantity: 2 },
  ];
  const path = `/v1/products/${merchant.products.get('GIFT')}/components`;
  expect((await api.ask('PUT', path, { key, body: { components } })).status).toBe(200);
});
afterAll(() => api.close());

const hold = (lines: unknown, more: object = {}) =>
  api.ask('POST', '/v1/stock/holds', { key, body: { lines, ...more } });

async function available(sku: string): Promise<number> {
  const { json } = await api.ask('GET', `/v1/stock?sku=${sku}`, { key });
  return json.items[0].available;
}

describe('POST /v1/stock/holds', () => {
  it('holds the units until they are released, a bundle as what is in it', async () => {
    const made = await hold([{ sku: 'GIFT', quantity: 2 }]);
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({ state: 'held', orderId: null, short: [] });
    expect(made.json.lines).toMatchObject([
      { sku: 'MUG', quantity: 2 },
      { sku: 'TEA', quantity: 4 },
    ]);
    expect(await available('TEA')).toBe(0);
    const path = `/v1/stock/holds/${made.json.id}`;
    expect(made.headers.get('location')).toBe(path);
    const released = await api.ask('POST', `${path}/release`, { key });
    expect(released).toMatchObject({ status: 200, json: { state: 'released' } });
    expect((await api.ask('POST', `${path}/release`, { key })).json).toMatchObject({ state: 'released' });
    expect((await api.ask('GET', path, { key })).json).toMatchObject({ state: 'released' });
    expect(await available('TEA')).toBe(4);
    expect((await api.ask('POST', `${path}/hand-over`, { key })).json).toMatchObject({
      status: 409,
      state: 'released',
    });
  });

  it('says what is short and holds nothing, or holds the rest where that is wanted', async () => {
    const lines = [
      { sku: 'MUG', quantity: 1 },
      { sku: 'TEA', quantity: 5 },
    ];
    const refused = await hold(lines);
    expect(refused.status).toBe(409);
    expect(refused.json.short).toEqual([{ productId: merchant.products.get('TEA'), quantity: 5, free: 4 }]);
    expect(await available('MUG')).toBe(10);
    const some = await hold(lines, { allOrNothing: false });
    expect(some.status).toBe(201);
    expect(some.json.short).toHaveLength(1);
    await api.ask('POST', `/v1/stock/holds/${some.json.id}/release`, { key });
  });

  it('refuses what does not exist by name, and numbers that are none', async () => {
    const unknown = await hold([{ sku: 'NOPE', quantity: 1 }]);
    expect(unknown).toMatchObject({ status: 422, json: { errors: [{ pointer: '/lines/0' }] } });
    const place = '00000000-0000-7000-8000-000000000000';
    const nowhere = await hold([{ sku: 'MUG', quantity: 1, warehouseId: place }]);
    expect(nowhere).toMatchObject({ status: 422, json: { errors: [{ pointer: '/lines/0/warehouseId' }] } });
    for (const quantity of [0, -1, 1.5, '1', 2 ** 53])
      expect((await hold([{ sku: 'MUG', quantity }])).status).toBe(422);
    expect((await hold([{ sku: 'MUG', quantity: 1 }], { minutes: 1441 })).status).toBe(422);
  });

  it('gives one hold to a repeated request, and the units to the order that names it', async () => {
    const request = { key, idempotencyKey: 'cart-77', body: { lines: [{ sku: 'TEA', quantity: 4 }] } };
    const first = await api.ask('POST', '/v1/stock/holds', request);
    const again = await api.ask('POST', '/v1/stock/holds', request);
    expect(again.json.id).toBe(first.json.id);
    expect(await available('TEA')).toBe(0);
    const placed = await api.ask('POST', '/v1/orders', {
      key,
      body: {
        externalId: 'checkout-77',
        placedAt: '2026-03-02T10:00:00Z',
        currency: 'USD',
        totalMinor: '1000',
        payment: 'captured',
        holdId: first.json.id,
        shipTo: {
          name: 'Demo Customer',
          line1: '1 Demo Street',
          city: 'Beverly Hills',
          region: 'CA',
          postalCode: '90210',
          country: 'US',
        },
        lines: [{ externalLineId: '1', sku: 'TEA', title: 'Tea', quantity: 4, unitPriceMinor: '250' }],
      },
    });
    expect(placed.status).toBe(201);
    const orderId = placed.json.id as string;
    const { merchantId } = merchant;
    const outcome = await new Intake(api.database).run({
      merchantId,
      orderId,
      stepKey: stepKey(orderId, 'intake'),
    });
    expect(outcome).toMatchObject({ kind: 'planned', waiting: false });
    const path = `/v1/stock/holds/${first.json.id}`;
    expect((await api.ask('GET', path, { key })).json).toMatchObject({ state: 'ordered', orderId });
    expect(await api.ask('POST', `${path}/release`, { key })).toMatchObject({
      status: 409,
      json: { state: 'ordered' },
    });
  });

  it('lets go of the units when their time is over', async () => {
    const { merchantId } = merchant;
    const before = await available('MUG');
    const made = await hold([{ sku: 'MUG', quantity: 1 }], { minutes: 1 });
    await rowsOf(
      api.database,
      merchant,
      "update merchant set business_now = now() + interval '1 minute' where id = $1 returning id",
      [merchantId],
    );
    await expireHolds(api.database);
    expect((await api.ask('GET', `/v1/stock/holds/${made.json.id}`, { key })).json).toMatchObject({
      state: 'expired',
    });
    expect(await available('MUG')).toBe(before);
  });

  it('hands goods over with the numbers of the units, or without a body where they have none', async () => {
    const productId = merchant.products.get('MUG');
    const made = await hold([{ sku: 'MUG', quantity: 1 }]);
    const path = `/v1/stock/holds/${made.json.id}`;
    const wrong = await api.ask('POST', `${path}/hand-over`, {
      key,
      body: { serials: [{ productId, serial: 'NOBODY-KNOWS' }] },
    });
    expect(wrong).toMatchObject({ status: 422, json: { detail: 'NOBODY-KNOWS is not there' } });
    expect((await api.ask('GET', path, { key })).json).toMatchObject({ state: 'held' });
    const right = await api.ask('POST', `${path}/hand-over`, { key });
    expect(right).toMatchObject({ status: 200, json: { state: 'consumed' } });
  });
});
