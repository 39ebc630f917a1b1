/** Every class of "Bad input": what is refused, with which status and problem, and that it left nothing behind. */
import { request } from 'node:http';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { type Reply, type RunningApi, startApi } from './running-api';

let api: RunningApi;
let merchant: SeededMerchant;
let key: string;

beforeAll(async () => {
  api = await startApi();
  merchant = await seedMerchant(api.database, { products: [{ sku: 'DEMO-1', stock: 10 }] });
  ({ key } = await api.makeKey(merchant.organisationId));
}, 60_000);
afterAll(() => api?.close());

const order = (change: object = {}) => ({
  externalId: `bad-input-${Math.random()}`,
  placedAt: '2026-03-02T10:00:00Z',
  currency: 'USD',
  totalMinor: '1000',
  payment: 'captured',
  shipTo: {
    name: 'Demo',
    line1: '1 Demo Street',
    city: 'Beverly Hills',
    region: 'CA',
    postalCode: '90210',
    country: 'US',
  },
  lines: [{ externalLineId: '1', sku: 'DEMO-1', title: 'Demo', quantity: 1, unitPriceMinor: '1000' }],
  ...change,
});
const line = (change: object) => order({ lines: [{ ...order().lines[0], ...change }] });

function expectProblem(reply: Reply, status: number, slug: string): void {
  expect({ status: reply.status, type: reply.json?.type }).toEqual({
    status,
    type: `https://quayside.example/problems/${slug}`,
  });
  expect(reply.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(reply.json.traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(reply.json.status).toBe(status);
  expect(reply.text).not.toMatch(/select |insert |at .*\.ts:|node_modules/);
}

const post = (raw: string | Buffer, headers: Record<string, string> = {}) =>
  api.ask('POST', '/v1/orders', { key, raw, headers });

describe('a body that is not the JSON we read', () => {
  const text = (value: object) => JSON.stringify(value);
  const cases: [string, () => string | Buffer][] = [
    ['broken JSON', () => '{"externalId": '],
    ['two documents', () => '{}{}'],
    [
      'bytes that are not UTF-8',
      () => Buffer.concat([Buffer.from('{"externalId":"'), Buffer.from([0xff]), Buffer.from('"}')]),
    ],
    ['UTF-16', () => Buffer.from(text(order()), 'utf16le')],
    ['a byte order mark', () => `\ufeff${text(order())}`],
    ['an escaped NUL', () => text(order()).replace('"Demo"', '"De\\u0000mo"')],
    ['a raw NUL', () => text(order()).replace('"Demo"', '"De\0mo"')],
    ['a lone surrogate', () => text(order()).replace('"Demo"', '"\\ud800"')],
    [
      'a lone low surrogate in a key',
      () => text(order()).replace('"note"', '"x"').replace('{', '{"\\udc00":1,'),
    ],
    ['a key twice', () => text(order()).replace('{', '{"currency":"EUR",')],
    ['a key twice, once escaped', () => text(order()).replace('{', '{"curr\\u0065ncy":"EUR",')],
    ['a key twice deep inside', () => text(order()).replace('"sku"', '"sku":"X","sku"')],
    ['__proto__', () => text(order()).replace('{', '{"__proto__":{"strict":true},')],
    ['__proto__ in escapes', () => text(order()).replace('{', '{"__pro\\u0074o__":1,')],
    ['nesting of 33', () => '['.repeat(33) + ']'.repeat(33)],
    ['nesting of half a million', () => '['.repeat(500_000) + ']'.repeat(500_000)],
    ['no body', () => ''],
  ];
  test.each(cases)('%s is 400 malformed-body', async (_name, body) => {
    expectProblem(await post(body()), 400, 'malformed-body');
  });

  test('nesting of 32 is read, and refused for what it says', async () => {
    const reply = await post('['.repeat(32) + ']'.repeat(32));
    expectProblem(reply, 422, 'invalid-body');
  });

  test('an unknown field is 400 with a pointer to it', async () => {
    const reply = await api.ask('POST', '/v1/orders', { key, body: line({ colour: 'red' }) });
    expectProblem(reply, 400, 'unknown-field');
    expect(reply.json.errors).toEqual([{ pointer: '/lines/0/colour', message: 'unknown field' }]);
  });

  test('constructor and prototype are unknown fields like any other', async () => {
    expectProblem(await post('{"constructor":{"prototype":{"x":1}}}'), 400, 'unknown-field');
  });

  test('a megabyte of escaped characters is read to its end', async () => {
    const reply = await post(`{"externalId":"${'\\u0041'.repeat(150_000)}"}`);
    expectProblem(reply, 422, 'invalid-body');
  });

  test('over 1 MiB is 413, whether or not the length was announced', async () => {
    const large = `{"externalId":"${'x'.repeat(1024 * 1024)}"}`;
    expectProblem(await post(large), 413, 'body-too-large');
    const status = await new Promise<number>((resolve, reject) => {
      const sent = request(
        `${api.url}/v1/orders`,
        {
          method: 'POST',
          headers: {
            authorization: `Bearer ${key}`,
            'content-type': 'application/json',
            'idempotency-key': 'chunked',
            'transfer-encoding': 'chunked',
          },
        },
        (answer) => resolve(answer.statusCode ?? 0),
      );
      sent.on('error', reject);
      for (let n = 0; n < 20; n += 1) sent.write('x'.repeat(64 * 1024));
      sent.end();
    });
    expect(status).toBe(413);
  });

  test.each(['text/plain', 'application/xml', 'application/json; charset=latin1', 'multipart/form-data', ''])(
    'the media type "%s" is 415',
    async (type) => {
      expectProblem(await post(text(order()), { 'content-type': type }), 415, 'unsupported-media-type');
    },
  );

  test('a compressed body is 415', async () => {
    const reply = await post(text(order()), { 'content-encoding': 'gzip' });
    expectProblem(reply, 415, 'unsupported-media-type');
  });

  test('JSON with a charset of utf-8 is read', async () => {
    const reply = await post(text(order()), { 'content-type': 'application/json; charset=UTF-8' });
    expect(reply.status).toBe(201);
  });
});

describe('values', () => {
  test.each([
    ['0', 0],
    ['−1', -1],
    ['1.5', 1.5],
    ['"1"', '1'],
    ['null', null],
    ['beyond 2^53', 9007199254740993n],
    ['true', true],
  ])('a quantity of %s is 422 invalid-quantity', async (_name, quantity) => {
    const raw = JSON.stringify(line({ quantity: '#' })).replace(
      '"#"',
      typeof quantity === 'bigint' ? String(quantity) : JSON.stringify(quantity),
    );
    const reply = await post(raw);
    expectProblem(reply, 422, 'invalid-quantity');
    expect(reply.json.errors[0].pointer).toBe('/lines/0/quantity');
  });

  test('a quantity of 1e309 is 422 invalid-quantity', async () => {
    const raw = JSON.stringify(line({ quantity: '#' })).replace('"#"', '1e309');
    expectProblem(await post(raw), 422, 'invalid-quantity');
  });

  test.each([
    ['an amount as a number', { totalMinor: 1000 }, '/totalMinor'],
    ['an amount with decimals', { totalMinor: '10.00' }, '/totalMinor'],
    ['an amount too large for any currency', { totalMinor: '9'.repeat(30) }, '/totalMinor'],
    ['an unknown currency', { currency: 'XQQ' }, '/currency'],
    ['a currency in lower case', { currency: 'usd' }, '/currency'],
    ['a price with decimals', line({ unitPriceMinor: '1,50' }), '/lines/0/unitPriceMinor'],
  ])('%s is 422 invalid-money', async (_name, change, pointer) => {
    const reply = await api.ask('POST', '/v1/orders', { key, body: { ...order(), ...change } });
    expectProblem(reply, 422, 'invalid-money');
    expect(reply.json.errors[0].pointer).toBe(pointer);
  });

  test.each([
    '2026-02-30T10:00:00Z',
    '2026-03-02T10:00:00',
    '2026-03-02T25:00:00Z',
    '2026-03-02',
    'yesterday',
    1772445600,
  ])('the time %s is 422', async (placedAt) => {
    const reply = await api.ask('POST', '/v1/orders', { key, body: order({ placedAt }) });
    expectProblem(reply, 422, 'invalid-body');
    expect(reply.json.errors[0].pointer).toBe('/placedAt');
  });

  test('a time that Postgres can not store is 422 and not a crash', async () => {
    const reply = await api.ask('POST', '/v1/orders', {
      key,
      body: order({ placedAt: '0000-01-01T00:00:00Z' }),
    });
    expectProblem(reply, 422, 'invalid-body');
  });

  test('an identifier beyond 2^53 survives unchanged, also when it came as a number', async () => {
    const raw = JSON.stringify(order({ externalId: '#' })).replace('"#"', '820982911946154508999');
    const accepted = await post(raw);
    expect(accepted.status).toBe(201);
    const read = await api.ask('GET', `/v1/orders/${accepted.json.id}`, { key });
    expect(read.json.externalId).toBe('820982911946154508999');
  });
});

describe('references', () => {
  test('an order with an unknown SKU is accepted, for its workflow to park', async () => {
    const reply = await api.ask('POST', '/v1/orders', { key, body: line({ sku: 'NOT-HERE' }) });
    expect(reply.status).toBe(201);
  });

  test('with strict it is 422 and nothing is stored', async () => {
    const body = { ...order({ strict: true }), lines: [{ ...order().lines[0], sku: 'NOT-HERE' }] };
    const reply = await api.ask('POST', '/v1/orders', { key, body });
    expectProblem(reply, 422, 'order-not-processable');
    expect(reply.json.errors).toEqual([
      expect.objectContaining({ pointer: '/lines/0/sku', reason: 'unmapped_sku' }),
    ]);
    const list = await api.ask('GET', `/v1/orders?externalId=${body.externalId}`, { key });
    expect(list.json.items).toEqual([]);
  });

  test('strict names every fault at once', async () => {
    const body = order({
      strict: true,
      payment: 'pending',
      requestedShippingMethod: 'Pigeon',
      shipTo: { country: 'US' },
    });
    const reply = await api.ask('POST', '/v1/orders', { key, body });
    const reasons = new Set(reply.json.errors.map((error: { reason: string }) => error.reason));
    expect(reasons).toEqual(new Set(['payment_pending', 'unmapped_shipping_method', 'address_invalid']));
  });

  test('strict accepts a good order', async () => {
    expect((await api.ask('POST', '/v1/orders', { key, body: order({ strict: true }) })).status).toBe(201);
  });

  test('an adjustment of an unknown product, place or warehouse is 422 invalid-reference', async () => {
    const warehouseId = merchant.warehouses[0]?.id;
    const good = {
      warehouseId,
      reason: 'count',
      lines: [{ sku: 'DEMO-1', locationCode: 'A-01-01', delta: 1 }],
    };
    for (const body of [
      { ...good, warehouseId: '018f0000-0000-7000-8000-000000000000' },
      { ...good, lines: [{ ...good.lines[0], sku: 'NOT-HERE' }] },
      { ...good, lines: [{ ...good.lines[0], locationCode: 'Z-99' }] },
    ]) {
      expectProblem(await api.ask('POST', '/v1/stock/adjustments', { key, body }), 422, 'invalid-reference');
    }
  });

  test.each([0, 1.5, '1', 2_000_000, null])('an adjustment by %s is 422 invalid-quantity', async (delta) => {
    const body = {
      warehouseId: merchant.warehouses[0]?.id,
      reason: 'count',
      lines: [{ sku: 'DEMO-1', locationCode: 'A-01-01', delta }],
    };
    expectProblem(await api.ask('POST', '/v1/stock/adjustments', { key, body }), 422, 'invalid-quantity');
  });
});

describe('addresses, parameters, headers', () => {
  test.each([
    '/v1/nothing',
    '/v2/orders',
    '/v1/orders/',
    '/V1/orders',
    '/v1/orders/not-a-uuid',
    '/v1/orders/%E0%A4%A',
  ])('%s is 404', async (path) => {
    expectProblem(await api.ask('GET', path, { key }), 404, 'not-found');
  });

  test('a method that an address does not take is 405 with the ones it does', async () => {
    const reply = await api.ask('DELETE', '/v1/orders', { key });
    expectProblem(reply, 405, 'method-not-allowed');
    expect(reply.headers.get('allow')).toBe('POST, GET');
  });

  test.each([
    'limit=0',
    'limit=201',
    'limit=x',
    'state=unknown',
    'nothing=1',
    'state=accepted&state=planned',
    'placedFrom=yesterday',
    'externalId=%00',
    'externalId=a%00b',
  ])('the query %s is 400 invalid-parameter', async (query) => {
    expectProblem(await api.ask('GET', `/v1/orders?${query}`, { key }), 400, 'invalid-parameter');
  });

  const cursor = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  test.each([
    ['garbage', 'garbage'],
    ['empty', ''],
    [
      'of another list',
      cursor(['stock', ['2026-03-02 10:00:00+00', '018f0000-0000-7000-8000-000000000000']]),
    ],
    ['with SQL inside', cursor(['orders', ["2026-03-02' or 1=1", '018f0000-0000-7000-8000-000000000000']])],
    [
      'with a month that is none',
      cursor(['orders', ['2026-13-02 10:00:00+00', '018f0000-0000-7000-8000-000000000000']]),
    ],
    ['too short', cursor(['orders', ['2026-03-02 10:00:00+00']])],
    ['null', cursor(null)],
  ])('a cursor that is %s is 400 invalid-cursor', async (_name, value) => {
    expectProblem(await api.ask('GET', `/v1/orders?cursor=${value}`, { key }), 400, 'invalid-cursor');
  });

  test('ids in headers that could break a log are replaced, good ones are kept', async () => {
    const good = await api.ask('GET', '/v1/orders', { key, headers: { 'x-request-id': 'good-1' } });
    expect(good.headers.get('x-request-id')).toBe('good-1');
    const bad = await api.ask('GET', '/v1/orders', { key, headers: { 'x-request-id': 'a b{c}' } });
    expect(bad.headers.get('x-request-id')).not.toBe('a b{c}');
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const traced = await api.ask('GET', '/v1/nothing', { key, headers: { traceparent } });
    expect(traced.json.traceId).toBe('0af7651916cd43dd8448eb211c80319c');
  });
});

test('no log line holds what a body, a query or a key said', async () => {
  const body = order({ note: 'a very private note' });
  await api.ask('POST', '/v1/orders', { key, body });
  await api.ask('GET', '/v1/orders?externalId=secret-query', { key });
  const logs = api.logs.join('\n');
  expect(logs).toContain('/v1/orders');
  for (const private_ of ['a very private note', 'Demo Street', 'secret-query', key]) {
    // Compared as a boolean: a failure must not print the whole log.
    expect([private_, logs.includes(private_)]).toEqual([private_, false]);
  }
});
