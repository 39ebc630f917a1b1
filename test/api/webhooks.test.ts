/**
 * Partners' webhooks over HTTP with real signatures: what is refused, what is kept, what a repetition
 * does, and that nothing is answered before it is committed.
 */
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { Webhook } from 'standardwebhooks';
import { uuidv7 } from 'uuidv7';
import { sha256Of } from '../../api/api-key';
import { sealSecrets } from '../../db/sealed';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { type Reply, type RunningApi, startApi } from './running-api';

let api: RunningApi;
let merchant: SeededMerchant;
let key: string;
let reader: Client;

beforeAll(async () => {
  api = await startApi();
  merchant = await seedMerchant(api.database, { products: [{ sku: 'DEMO-1', stock: 100 }] });
  ({ key } = await api.makeKey(merchant.organisationId));
  reader = new Client({ connectionString: api.urls.checkUrl });
  await reader.connect();
}, 60_000);
afterAll(async () => {
  await reader?.end();
  await api?.close();
});

const count = async (sql: string, values: unknown[] = []) =>
  Number((await reader.query(`select count(*) as count from ${sql}`, values)).rows[0].count);

interface Connection {
  readonly id: string;
  readonly path: string;
  readonly secret: string;
}

async function connect(channel: 'shopify' | 'generic', previous?: string): Promise<Connection> {
  const id = uuidv7();
  const path = randomBytes(32).toString('base64url');
  const secret = channel === 'generic' ? `whsec_${randomBytes(24).toString('base64')}` : randomUUID();
  const secrets = {
    webhookSecret: secret,
    ...(previous === undefined ? {} : { previousWebhookSecret: previous }),
  };
  await api.database.withMerchants([merchant.merchantId], (tx) =>
    tx.run({
      text: `insert into channel_connection (id, merchant_id, channel, name, credentials_sealed, webhook_path_sha256)
        values ($1, $2, $3, 'Demo shop', $4, $5)`,
      values: [id, merchant.merchantId, channel, sealSecrets(api.sealingKeys, secrets), sha256Of(path)],
    }),
  );
  return { id, path, secret };
}

const hook = (path: string, raw: string | Buffer, headers: Record<string, string>) =>
  api.ask('POST', `/webhooks/${path}`, { raw, headers, idempotencyKey: null });

/** A Shopify delivery; `sign` false leaves it forged. */
function shopify(
  connection: Connection,
  body: object | string,
  change: { topic?: string; webhookId?: string; secret?: string; headers?: Record<string, string> } = {},
): Promise<Reply> {
  const raw = typeof body === 'string' ? body : JSON.stringify(body);
  const secret = change.secret ?? connection.secret;
  return hook(`channels/${connection.path}`, raw, {
    'x-shopify-topic': change.topic ?? 'orders/create',
    'x-shopify-webhook-id': change.webhookId ?? randomUUID(),
    'x-shopify-hmac-sha256': createHmac('sha256', secret).update(raw).digest('base64'),
    ...change.headers,
  });
}

let next = 5_000_000_000_000;
const shopOrder = (change: object = {}) => {
  next += 1;
  return {
    id: next,
    name: `#${next}`,
    created_at: '2026-03-02T10:00:00Z',
    updated_at: '2026-03-02T10:00:00Z',
    currency: 'USD',
    total_price: '10.00',
    financial_status: 'paid',
    shipping_address: {
      name: 'Demo Customer',
      address1: '1 Demo Street',
      city: 'Beverly Hills',
      province_code: 'CA',
      zip: '90210',
      country_code: 'US',
    },
    line_items: [
      { id: 1, sku: 'DEMO-1', title: 'Demo', quantity: 1, price: '10.00', requires_shipping: true },
    ],
    ...change,
  };
};
const orderOf = async (connection: Connection, externalId: unknown) => {
  const { rows } = await reader.query(
    'select * from sales_order where connection_id = $1 and external_id = $2',
    [connection.id, String(externalId)],
  );
  return rows[0] as Record<string, unknown> | undefined;
};

describe('Shopify', () => {
  let shop: Connection;
  beforeAll(async () => {
    shop = await connect('shopify');
  });

  test('a signed order is a committed row with its workflow’s start, started at once', async () => {
    const body = shopOrder();
    const reply = await shopify(shop, body);
    expect([reply.status, reply.json]).toEqual([200, { outcome: 'accepted' }]);
    const row = await orderOf(shop, body.id);
    expect(row).toMatchObject({ state: 'accepted', payment: 'captured' });
    expect(await count(`outbox where order_id = $1 and kind = 'workflow.start'`, [row?.['id']])).toBe(1);
    expect(api.started).toContain(row?.['id']);
  });

  test('the same delivery again, also at once and many times, is one order', async () => {
    const body = shopOrder();
    const webhookId = randomUUID();
    const replies = await Promise.all(Array.from({ length: 8 }, () => shopify(shop, body, { webhookId })));
    expect(replies.map(({ status }) => status)).toEqual(Array(8).fill(200));
    expect(replies.filter(({ json }) => json.outcome === 'accepted')).toHaveLength(1);
    expect(await count('sales_order where external_id = $1', [String(body.id)])).toBe(1);
    expect(await count('inbox where event_key = $1', [webhookId])).toBe(1);
  });

  test('an id beyond 2^53 survives', async () => {
    const raw = JSON.stringify(shopOrder({ id: '#' })).replace('"#"', '9223372036854775807');
    expect((await shopify(shop, raw)).status).toBe(200);
    expect(await orderOf(shop, '9223372036854775807')).toBeDefined();
  });

  test.each<[string, () => Promise<Reply>]>([
    ['no signature', () => shopify(shop, shopOrder(), { headers: { 'x-shopify-hmac-sha256': '' } })],
    ['a short signature', () => shopify(shop, shopOrder(), { headers: { 'x-shopify-hmac-sha256': 'abc' } })],
    ['another secret', () => shopify(shop, shopOrder(), { secret: 'guessed' })],
    ['an empty secret', () => shopify(shop, shopOrder(), { secret: '' })],
    [
      'the signature of other bytes',
      () => {
        const signature = createHmac('sha256', shop.secret).update('{}').digest('base64');
        return shopify(shop, shopOrder(), { headers: { 'x-shopify-hmac-sha256': signature } });
      },
    ],
    [
      'bytes that are not UTF-8 and no signature',
      () => hook(`channels/${shop.path}`, Buffer.from([0xff, 0xfe]), { 'x-shopify-topic': 'orders/create' }),
    ],
  ])('%s is 401 and leaves nothing', async (_name, send) => {
    const before = await count('inbox');
    const reply = await send();
    expect([reply.status, reply.json.type]).toEqual([401, expect.stringMatching(/invalid-signature$/)]);
    expect(await count('inbox')).toBe(before);
  });

  test('the secret of another connection of the same merchant does not fit', async () => {
    const other = await connect('shopify');
    expect((await shopify(shop, shopOrder(), { secret: other.secret })).status).toBe(401);
  });

  test('while a secret is rotated, the one before is good too', async () => {
    const rotating = await connect('shopify', 'the-one-before');
    expect((await shopify(rotating, shopOrder())).status).toBe(200);
    expect((await shopify(rotating, shopOrder(), { secret: 'the-one-before' })).status).toBe(200);
    expect((await shopify(rotating, shopOrder(), { secret: 'the-one-before-that' })).status).toBe(401);
  });

  test.each(['nobody', 'x'.repeat(43), '..%2f..%2fetc', `${'a'.repeat(300)}`])(
    'the address %s is 404',
    async (path) => {
      const reply = await hook(`channels/${path}`, '{}', {});
      expect([reply.status, reply.json.type]).toEqual([404, expect.stringMatching(/not-found$/)]);
    },
  );

  test('a disabled connection hears nothing', async () => {
    const closed = await connect('shopify');
    await api.database.withMerchants([merchant.merchantId], (tx) =>
      tx.run({
        text: 'update channel_connection set disabled_at = now() where id = $1',
        values: [closed.id],
      }),
    );
    expect((await shopify(closed, shopOrder())).status).toBe(404);
  });

  test('an unknown topic is kept and 202', async () => {
    const webhookId = randomUUID();
    const reply = await shopify(shop, { any: 'thing' }, { topic: 'carts/update', webhookId });
    expect([reply.status, reply.json.outcome]).toEqual([202, 'ignored']);
    expect(await count(`inbox where event_key = $1 and state = 'ignored'`, [webhookId])).toBe(1);
  });

  test.each([
    ['no JSON', '{"id": '],
    ['JSON of something else', '[1, 2]'],
    ['an order without lines', JSON.stringify({ ...shopOrder(), line_items: 'none' })],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]).toString('latin1')],
    ['a NUL in it', JSON.stringify(shopOrder({ note: 'a\0b' }))],
    [
      'half of a surrogate pair in it',
      JSON.stringify(shopOrder({ note: 'NOTE' })).replace('NOTE', '\\ud800'),
    ],
  ])('a genuine delivery with %s is kept and answered 2xx, never 5xx', async (_name, raw) => {
    const webhookId = randomUUID();
    const reply = await shopify(shop, raw, { webhookId });
    expect([200, 202]).toContain(reply.status);
    expect(await count('inbox where event_key = $1', [webhookId])).toBe(1);
    if (reply.status === 202) {
      const { rows } = await reader.query('select id, reason from inbox where event_key = $1', [webhookId]);
      expect(rows[0].reason).toBeTruthy();
      expect(await count(`exception where reason = 'order_unreadable' and thing_id = $1`, [rows[0].id])).toBe(
        1,
      );
    }
  });

  test('a message that could not be read is read again when asked, and its order is accepted once', async () => {
    const body = shopOrder();
    const webhookId = randomUUID();
    expect((await shopify(shop, '{"id": ', { webhookId })).status).toBe(202);
    const { rows } = await reader.query('select id from inbox where event_key = $1', [webhookId]);
    const list = await api.ask('GET', '/v1/exceptions?reason=order_unreadable&limit=200', { key });
    const found = list.json.items.find((item: { thingId: string }) => item.thingId === rows[0].id);
    const retry = () =>
      api.ask('POST', `/v1/exceptions/${found.id}/retry`, { key, body: { reason: 'mended' } });
    const still = await retry();
    expect([still.status, still.json.detail]).toEqual([409, expect.stringMatching(/still can not be read/)]);
    // As if the connector had learnt to read it meanwhile.
    await api.database.withMerchants([merchant.merchantId], (tx) =>
      tx.run({
        text: 'update inbox set body = $2 where id = $1',
        values: [rows[0].id, JSON.stringify(body)],
      }),
    );
    expect((await retry()).status).toBe(200);
    expect(await orderOf(shop, body.id)).toMatchObject({ state: 'accepted' });
    expect(await count(`exception where id = $1 and state = 'resolved'`, [found.id])).toBe(1);
    expect(
      await count(`inbox where id = $1 and state = 'processed' and order_id is not null`, [rows[0].id]),
    ).toBe(1);
  });

  test('an older version than the known one is 200 and changes nothing; a newer one does', async () => {
    const body = shopOrder({ financial_status: 'pending', updated_at: '2026-03-02T12:00:00Z' });
    await shopify(shop, body);
    const older = { ...body, financial_status: 'voided', updated_at: '2026-03-02T11:00:00Z' };
    const late = await shopify(shop, older, { topic: 'orders/updated' });
    expect([late.status, late.json.outcome]).toEqual([200, 'duplicate']);
    expect((await orderOf(shop, body.id))?.['payment']).toBe('pending');
    const newer = { ...body, financial_status: 'paid', updated_at: '2026-03-02T13:00:00Z' };
    const paid = await shopify(shop, newer, { topic: 'orders/paid' });
    expect([paid.status, paid.json.outcome]).toEqual([200, 'updated']);
    expect((await orderOf(shop, body.id))?.['payment']).toBe('captured');
  });

  test('a cancellation before its order is met by it', async () => {
    const body = shopOrder();
    const cancelled = { ...body, cancelled_at: '2026-03-02T10:05:00Z', updated_at: '2026-03-02T10:05:00Z' };
    expect((await shopify(shop, cancelled, { topic: 'orders/cancelled' })).status).toBe(200);
    await shopify(shop, body);
    expect((await orderOf(shop, body.id))?.['state']).toBe('cancelled');
  });

  test('nothing is answered 2xx that is not committed, and within the 5 s of Shopify something is answered', async () => {
    const body = shopOrder();
    const webhookId = randomUUID();
    const blocker = new Client({ connectionString: api.urls.ownerUrl });
    await blocker.connect();
    await blocker.query('begin; lock table inbox in access exclusive mode');
    const began = performance.now();
    const reply = await shopify(shop, body, { webhookId });
    const tookMs = performance.now() - began;
    expect([reply.status, reply.headers.get('retry-after')]).toEqual([503, '2']);
    expect(tookMs).toBeLessThan(5_000);
    await blocker.query('rollback');
    await blocker.end();
    // Whether the first one was still committed or not, the repetition leaves one order.
    expect((await shopify(shop, body, { webhookId })).status).toBe(200);
    expect(await count('sales_order where external_id = $1', [String(body.id)])).toBe(1);
    expect(await count('inbox where event_key = $1', [webhookId])).toBe(1);
  });
});

describe('Standard Webhooks', () => {
  let shop: Connection;
  beforeAll(async () => {
    shop = await connect('generic');
  });
  const order = () => ({
    externalId: randomUUID(),
    placedAt: '2026-03-02T10:00:00Z',
    currency: 'USD',
    totalMinor: '1000',
    payment: 'captured',
    customer: {},
    shipTo: {},
    lines: [
      { externalLineId: '1', sku: 'DEMO-1', title: 'Demo', quantity: 1, unitPriceMinor: '1000', ships: true },
    ],
    tags: [],
    cancelled: false,
  });
  function send(body: object, change: { id?: string; at?: Date; headers?: Record<string, string> } = {}) {
    const raw = JSON.stringify(body);
    const id = change.id ?? `msg_${randomUUID()}`;
    const at = change.at ?? new Date();
    return hook(`channels/${shop.path}`, raw, {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': new Webhook(shop.secret).sign(id, at, raw),
      ...change.headers,
    });
  }

  test('a signed order is accepted, and again it is the same order', async () => {
    const data = order();
    const id = `msg_${randomUUID()}`;
    expect((await send({ type: 'order.created', data }, { id })).json).toEqual({ outcome: 'accepted' });
    expect((await send({ type: 'order.created', data }, { id })).status).toBe(200);
    expect(await count('sales_order where external_id = $1', [data.externalId])).toBe(1);
  });

  test.each([
    ['a time six minutes ago', -6],
    ['a time in six minutes', 6],
  ])('%s is 401', async (_name, minutes) => {
    const at = new Date(Date.now() + minutes * 60_000);
    expect((await send({ type: 'order.created', data: order() }, { at })).status).toBe(401);
  });

  test.each([
    ['no id', { 'webhook-id': '' }],
    ['another id than the signed one', { 'webhook-id': 'msg_other' }],
    ['another time than the signed one', { 'webhook-timestamp': '1' }],
    ['a time that is none', { 'webhook-timestamp': 'now' }],
    ['a signature of another version', { 'webhook-signature': 'v9,abc' }],
  ])('%s is 401', async (_name, headers) => {
    const reply = await send(
      { type: 'order.created', data: order() },
      { headers: headers as Record<string, string> },
    );
    expect(reply.status).toBe(401);
  });

  test('an event of no known type is 202', async () => {
    expect((await send({ type: 'weather.changed', data: {} })).status).toBe(202);
  });
});
