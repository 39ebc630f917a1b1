/** Routing by API: what rules refuse, what is left in the audit log, dry runs, reasons, closing warehouses. */
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { Intake } from '../../commands/intake/intake';
import { stepKey } from '../../domain/step-key';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { demoOrder, placeOrder } from '../support/order';
import { type RunningApi, startApi } from './running-api';

let api: RunningApi;
let merchant: SeededMerchant;
let neighbour: SeededMerchant;
let key: string;
let reader: Client;

beforeAll(async () => {
  api = await startApi();
  merchant = await seedMerchant(api.database, {
    warehouses: [
      { code: 'NEAR', postalCode: '90001' },
      { code: 'FAR', postalCode: '10001' },
    ],
    products: [{ sku: 'DEMO-1', stock: 100 }],
  });
  neighbour = await seedMerchant(api.database, {
    organisationId: merchant.organisationId,
    warehouses: [{ code: 'OTHER' }],
  });
  ({ key } = await api.makeKey(merchant.organisationId));
  reader = new Client({ connectionString: api.urls.checkUrl });
  await reader.connect();
}, 60_000);
afterAll(async () => {
  await reader?.end();
  await api?.close();
});

const forMerchant = () => ({ 'quayside-merchant': merchant.slug });
const ask = (method: string, path: string, body?: unknown, headers: Record<string, string> = forMerchant()) =>
  api.ask(method, path, { key, body, headers });
const idOf = (code: string) => merchant.warehouses.find((each) => each.code === code)?.id as string;
const rule = (change: Record<string, unknown> = {}) => ({
  name: `Demo rule ${randomUUID()}`,
  effects: [{ kind: 'prefer', warehouseIds: [idOf('FAR')] }],
  ...change,
});

async function plannedOrder(tags: string[] = []): Promise<string> {
  const order = demoOrder([{ sku: 'DEMO-1', quantity: 1 }], { tags });
  const { orderId } = await placeOrder(api.database, merchant, order);
  await new Intake(api.database).run({
    merchantId: merchant.merchantId,
    orderId,
    stepKey: stepKey(orderId, 'intake', 1),
  });
  return orderId;
}

async function audited(thingId: string): Promise<string[]> {
  const { rows } = await reader.query('select action from audit_log where thing_id = $1 order by at', [
    thingId,
  ]);
  return rows.map(({ action }) => action as string);
}

describe('rules', () => {
  test('are added after the others, changed by version, listed in their order, removed, and audited', async () => {
    const first = await ask('POST', '/v1/routing/rules', rule({ conditions: { tags: ['a'] } }));
    const second = await ask('POST', '/v1/routing/rules', rule({ conditions: { tags: ['b'] } }));
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.json.position).toBeGreaterThan(first.json.position);
    const path = `/v1/routing/rules/${second.json.id}`;
    const moved = await ask(
      'PATCH',
      path,
      { position: 1, enabled: false },
      { ...forMerchant(), 'if-match': '"1"' },
    );
    expect(moved.json).toMatchObject({
      position: 1,
      enabled: false,
      version: 2,
      conditions: { tags: ['b'] },
    });
    const stale = await ask('PATCH', path, { position: 5 }, { ...forMerchant(), 'if-match': '"1"' });
    expect(stale.status).toBe(412);
    const listed = await ask('GET', '/v1/routing/rules');
    expect(listed.json.items.map(({ id }: { id: string }) => id)).toEqual([second.json.id, first.json.id]);
    for (const { json } of [first, second])
      expect((await ask('DELETE', `/v1/routing/rules/${json.id}`)).status).toBe(204);
    expect((await ask('GET', path)).status).toBe(404);
    expect(await audited(second.json.id)).toEqual([
      'routing_rule.create',
      'routing_rule.change',
      'routing_rule.delete',
    ]);
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['no effect', { effects: [] }, '/effects'],
    ['an unknown effect', { effects: [{ kind: 'teleport' }] }, '/effects/0/kind'],
    ['no shipment at all', { effects: [{ kind: 'split_at_most', shipments: 0 }] }, '/effects/0/shipments'],
    ['a country that is none', { conditions: { countries: ['usa'] } }, '/conditions/countries/0'],
    ['an empty condition', { conditions: { tags: [] } }, '/conditions/tags'],
    ['a zone that nobody made', { conditions: { zones: ['atlantis'] } }, '/conditions/zones/0'],
    [
      'a stranger’s connection',
      { conditions: { connectionIds: [randomUUID()] } },
      '/conditions/connectionIds/0',
    ],
  ])('with %s are refused, and the place is named', async (_what, change, pointer) => {
    const reply = await ask('POST', '/v1/routing/rules', rule(change));
    expect([reply.status, reply.json.errors?.[0]?.pointer]).toEqual([422, pointer]);
  });

  test('name only warehouses that serve the merchant', async () => {
    const theirs = neighbour.warehouses[0]?.id as string;
    const effects = [{ kind: 'only', warehouseIds: [idOf('NEAR'), theirs] }];
    const reply = await ask('POST', '/v1/routing/rules', rule({ effects }));
    expect([reply.status, reply.json.errors]).toEqual([
      422,
      [{ pointer: '/effects/0/warehouseIds/1', message: 'no such warehouse serves the merchant' }],
    ]);
  });
});

test('a zone that a rule or a rate names can not be taken away from under it', async () => {
  const zones = [{ name: 'west', places: [{ country: 'US', regions: ['CA'] }] }];
  expect((await ask('PUT', '/v1/routing/zones', { zones })).json).toEqual({ zones });
  const rates = [
    { warehouseId: idOf('FAR'), zone: 'west', baseMinor: '300', perKgMinor: '0' },
    { warehouseId: idOf('NEAR'), zone: null, baseMinor: '900', perKgMinor: '10' },
  ];
  const set = await ask('PUT', '/v1/routing/rates', { rates });
  expect(set.json.rates).toEqual(expect.arrayContaining(rates));
  const refused = await ask('PUT', '/v1/routing/zones', { zones: [] });
  expect([refused.status, refused.json.errors[0].message]).toEqual([
    422,
    '"west" is named by a rule or a rate',
  ]);
  const unknown = await ask('PUT', '/v1/routing/rates', { rates: [{ ...rates[0], zone: 'east' }] });
  expect([unknown.status, unknown.json.errors[0].pointer]).toEqual([422, '/rates/0/zone']);
  // By rate, the far one is the cheaper one.
  expect(
    (await ask('GET', `/v1/orders/${await plannedOrder()}/routing`)).json.decisions[0].trace,
  ).toMatchObject({
    costBy: 'rates',
    decidedBy: 'cost',
    options: [
      { warehouses: [{ code: 'FAR' }], cost: 300 },
      { warehouses: [{ code: 'NEAR' }], cost: 902.5 },
    ],
  });
  expect((await ask('PUT', '/v1/routing/rates', { rates: [] })).json).toEqual({ rates: [] });
  expect((await ask('PUT', '/v1/routing/zones', { zones: [] })).json).toEqual({ zones: [] });
  expect(await audited(merchant.merchantId)).toEqual(
    expect.arrayContaining(['routing_rates.set', 'routing_zones.set']),
  );
});

test('an order says why it went where it went, in sentences with names', async () => {
  const made = await ask(
    'POST',
    '/v1/routing/rules',
    rule({ name: 'Gifts from far', conditions: { tags: ['gift'] } }),
  );
  const orderId = await plannedOrder(['gift']);
  const { json } = await ask('GET', `/v1/orders/${orderId}/routing`);
  expect(json).toMatchObject({
    orderId,
    decisions: [{ outcome: 'plan', trace: { rules: [{ id: made.json.id, matched: true }], proof: 'exact' } }],
  });
  expect(json.decisions[0].trace.explanation).toEqual([
    'Rule "Gifts from far" matched and prefers warehouses.',
    'What "Gifts from far" prefers (FAR) can serve it, so the choice was among them.',
    expect.stringMatching(
      /^FAR \(1 shipment, \d+ km, \d+ orders that day\): no other way needs as few shipments\.$/,
    ),
  ]);
  await ask('DELETE', `/v1/routing/rules/${made.json.id}`);
  const later = await ask('GET', `/v1/orders/${orderId}/routing`);
  expect(later.json.decisions[0].trace.explanation[0]).toContain('removed since');
});

describe('a dry run', () => {
  const lines = [{ sku: 'DEMO-1', quantity: 2 }];
  const destination = { country: 'US', postalCode: '90210', region: 'CA' };

  test('plans lines for a destination by the rules as they are, and writes nothing', async () => {
    const before = await reader.query('select count(*) from routing_decision');
    const { status, json } = await ask('POST', '/v1/routing/dry-run', { lines, destination });
    expect([status, json.outcome]).toEqual([200, 'plan']);
    expect(json.shipments).toMatchObject([
      { warehouse: { code: 'NEAR' }, lines: [{ product: { sku: 'DEMO-1' }, quantity: 2 }] },
    ]);
    const many = await ask('POST', '/v1/routing/dry-run', {
      lines: [{ sku: 'DEMO-1', quantity: 900 }],
      destination,
    });
    expect(many.json).toMatchObject({
      outcome: 'short',
      shipments: [],
      waiting: [{ product: { sku: 'DEMO-1' } }],
    });
    expect((await reader.query('select count(*) from routing_decision')).rows).toEqual(before.rows);
  });

  test.each<[string, Record<string, unknown>, number, string | undefined]>([
    ['neither an order nor lines', {}, 422, '/lines'],
    ['both', { orderId: randomUUID(), lines, destination }, 422, '/lines'],
    ['lines without a destination', { lines }, 422, '/destination'],
    [
      'a SKU that means nothing',
      { lines: [lines[0], { sku: 'NOPE', quantity: 1 }], destination },
      422,
      '/lines/1/sku',
    ],
    ['a stranger’s connection', { lines, destination, connectionId: randomUUID() }, 422, '/connectionId'],
    ['an order that is not there', { orderId: randomUUID() }, 404, undefined],
  ])('refuses %s', async (_what, body, status, pointer) => {
    const reply = await ask('POST', '/v1/routing/dry-run', body);
    expect([reply.status, reply.json.errors?.[0]?.pointer]).toEqual([status, pointer]);
  });

  test('asks for which merchant where the key serves several', async () => {
    const reply = await ask('POST', '/v1/routing/dry-run', { lines, destination }, {});
    expect([reply.status, reply.json.type]).toEqual([400, expect.stringContaining('merchant-required')]);
  });
});

describe('closing a warehouse', () => {
  test('takes out what nobody has begun, tells how much, and is the same a second time', async () => {
    const orderId = await plannedOrder();
    const path = `/v1/warehouses/${idOf('NEAR')}`;
    const closed = await ask('POST', `${path}/close`, { reason: 'flood' });
    expect(closed.json).toMatchObject({
      warehouse: { code: 'NEAR', closedAt: expect.any(String) },
      staying: 0,
    });
    expect(closed.json.leaving).toBeGreaterThanOrEqual(1);
    const { rows } = await reader.query(
      `select f.state, o.payload -> 'args' -> 0 ->> 'cause' as cause from fulfilment_order f
        join outbox o on o.order_id = f.order_id and o.payload ->> 'signal' = 'resume' where f.order_id = $1`,
      [orderId],
    );
    expect(rows).toEqual([{ state: 'cancelled', cause: 'warehouse_closed' }]);
    const again = await ask('POST', `${path}/close`, { reason: 'flood' });
    expect(again.json).toMatchObject({ leaving: 0, staying: 0 });
    const dry = await ask('POST', '/v1/routing/dry-run', { orderId });
    expect(dry.json.shipments).toMatchObject([{ warehouse: { code: 'FAR' } }]);
    expect((await ask('POST', `${path}/open`, { reason: 'dry' })).json).toMatchObject({ closedAt: null });
    expect(await audited(idOf('NEAR'))).toEqual(['warehouse.close', 'warehouse.open']);
  });

  test('is for whoever acts for the whole organisation', async () => {
    const { key: some } = await api.makeKey(merchant.organisationId, { merchantIds: [merchant.merchantId] });
    for (const verb of ['close', 'open']) {
      const path = `/v1/warehouses/${idOf('NEAR')}/${verb}`;
      const reply = await api.ask('POST', path, { key: some, body: { reason: 'mine' } });
      expect(reply.status).toBe(403);
    }
  });

  test('hours, closed days and what it takes in a day are changed one by one', async () => {
    const path = `/v1/warehouses/${idOf('FAR')}`;
    const change = { ordersADay: 500, closedDays: ['2026-12-24'], holidayCountry: 'US', cutoffMinutes: 840 };
    const reply = await ask('PATCH', path, change);
    expect(reply.json).toMatchObject({ ...change, unitsADay: null, workingDays: [1, 2, 3, 4, 5] });
    expect((await ask('PATCH', path, { ordersADay: null })).json).toMatchObject({
      ordersADay: null,
      cutoffMinutes: 840,
    });
    for (const wrong of [{ ordersADay: 0 }, { closedDays: ['2026-02-30'] }, { cutoffMinutes: 1440 }, {}])
      expect((await ask('PATCH', path, wrong)).status).toBe(422);
  });
});
