/** Connecting real partners from the command line: what it prints is all that the partner has to be given. */
import { createHmac, randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { unsealSecrets } from '../../db/sealed';
import { type RunningApi, startApi } from '../api/running-api';
import { rowsOf } from '../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { quayside } from '../support/quayside-command';

let api: RunningApi;
let merchant: SeededMerchant;
let env: Record<string, string>;
beforeAll(async () => {
  api = await startApi();
  merchant = await seedMerchant(api.database, { products: [{ sku: 'DEMO-1', stock: 5 }] });
  const [key] = api.sealingKeys;
  env = {
    DATABASE_APP_URL: api.urls.appUrl,
    DATABASE_SYSTEM_URL: api.urls.systemUrl,
    QUAYSIDE_ENCRYPTION_KEYS: `${key?.id}:${key?.key.toString('base64')}`,
    PUBLIC_URL: `${api.url}/`,
    SHOPIFY_ACCESS_TOKEN: 'demo-token',
    SHOPIFY_WEBHOOK_SECRET: 'demo-secret-1',
    EASYPOST_API_KEY: 'demo-key',
    EASYPOST_WEBHOOK_SECRET: 'demo-carrier-secret',
  };
}, 60_000);
afterAll(() => api?.close());

const connect = (args: readonly string[], more: Record<string, string> = {}) =>
  quayside(['connect', ...args], { env: { ...env, ...more } });

const shopifyOrder = (id: string) =>
  `{"id":${id},"name":"#1","created_at":"2026-03-02T10:00:00Z","updated_at":"2026-03-02T10:00:00Z","currency":"USD",` +
  `"total_price":"10.00","financial_status":"paid","line_items":[{"id":1,"sku":"DEMO-1","title":"Demo","quantity":1,` +
  `"price":"10.00","requires_shipping":true,"fulfillable_quantity":1}],"shipping_address":{"name":"Demo","address1":"1 Demo Street",` +
  `"city":"Columbus","province_code":"OH","zip":"43215","country_code":"US"}}`;

async function deliver(url: string, secret: string, body: string): Promise<number> {
  const reply = await fetch(url, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'x-shopify-topic': 'orders/create',
      'x-shopify-webhook-id': randomUUID(),
      'x-shopify-hmac-sha256': createHmac('sha256', secret).update(body).digest('base64'),
    },
  });
  return reply.status;
}

test('a Shopify shop: its signed orders arrive at the printed address, and its secret can be changed without losing one', async () => {
  const made = await connect([
    'shopify',
    '--merchant',
    merchant.slug,
    '--name',
    'Demo shop',
    '--url',
    'https://demo.myshopify.example/',
    '--json',
  ]);
  expect(made.stderr).toBe('');
  const { id, webhookUrl } = JSON.parse(made.stdout) as { id: string; webhookUrl: string };
  expect(webhookUrl.startsWith(`${api.url}/webhooks/channels/`)).toBe(true);
  expect(await deliver(webhookUrl, 'demo-secret-1', shopifyOrder('9007199254740993'))).toBe(200);
  expect(await deliver(webhookUrl, 'demo-secret-2', shopifyOrder('2'))).toBe(401);
  const orders = await rowsOf<{ external_id: string }>(
    api.database,
    merchant,
    'select external_id from sales_order where connection_id = $1',
    [id],
  );
  expect(orders).toEqual([{ external_id: '9007199254740993' }]);

  const changed = await connect(['secrets', id], {
    SHOPIFY_ACCESS_TOKEN: '',
    SHOPIFY_WEBHOOK_SECRET: 'demo-secret-2',
  });
  expect(changed.stdout).toContain('changed: webhookSecret');
  for (const [secret, order] of [
    ['demo-secret-1', '3'],
    ['demo-secret-2', '4'],
  ] as const)
    expect(await deliver(webhookUrl, secret, shopifyOrder(order))).toBe(200);
  await connect(['secrets', id], { SHOPIFY_ACCESS_TOKEN: '', SHOPIFY_WEBHOOK_SECRET: '' });
  expect(await deliver(webhookUrl, 'demo-secret-1', shopifyOrder('5'))).toBe(401);
  expect(await deliver(webhookUrl, 'demo-secret-2', shopifyOrder('6'))).toBe(200);

  const [row] = await rowsOf<{ credentials_sealed: Buffer; base_url: string; polls: boolean }>(
    api.database,
    merchant,
    'select credentials_sealed, base_url, poll_due_at is not null as polls from channel_connection where id = $1',
    [id],
  );
  expect(row).toMatchObject({ base_url: 'https://demo.myshopify.example', polls: true });
  expect(unsealSecrets(api.sealingKeys, row?.credentials_sealed as Buffer)).toEqual({
    accessToken: 'demo-token',
    webhookSecret: 'demo-secret-2',
  });
  const audited = await rowsOf<{ action: string; after: unknown }>(
    api.database,
    merchant,
    'select action, after from audit_log where thing_id = $1 order by at',
    [id],
  );
  expect(audited.map(({ action }) => action)).toEqual([
    'channel_connection.create',
    'channel_connection.secrets',
    'channel_connection.secrets',
  ]);
  expect(JSON.stringify(audited)).not.toMatch(/demo-secret|demo-token/);
});

test('any shop by Standard Webhooks: secrets are made up and shown once', async () => {
  const args = [
    'generic',
    '--merchant',
    merchant.merchantId,
    '--name',
    'Own shop',
    '--url',
    'https://shop.example/events',
  ];
  const made = await connect([...args, '--json']);
  const { webhookUrl, webhookSecret, signingSecret } = JSON.parse(made.stdout) as Record<string, string>;
  expect(signingSecret).toMatch(/^whsec_/);
  const id = randomUUID();
  const at = new Date();
  const body = JSON.stringify({ type: 'demo.unknown', timestamp: at.toISOString(), data: {} });
  const ask = (signature: string) =>
    fetch(webhookUrl as string, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
        'webhook-signature': signature,
      },
    });
  expect((await ask(new Webhook(webhookSecret as string).sign(id, at, body))).status).toBe(202);
  expect((await ask(new Webhook(signingSecret as string).sign(id, at, body))).status).toBe(401);
});

test('a carrier for one merchant or for all of the organisation', async () => {
  const one = await connect(['easypost', '--merchant', merchant.slug, '--name', 'Own account']);
  expect(one.stdout).toMatch(
    /easypost is connected as [0-9a-f-]{36}\nwebhooks go to .*\/webhooks\/carriers\/[\w-]{43}\n/,
  );
  await connect(['easypost', '--merchant', merchant.slug, '--name', 'Shared account', '--all-merchants']);
  const rows = await api.database.withTenants(
    { merchantIds: [merchant.merchantId], organisationIds: [merchant.organisationId] },
    (tx) =>
      tx.rows<{ name: string; merchant_id: string | null; base_url: string }>({
        text: 'select name, merchant_id, base_url from carrier_account order by name',
      }),
  );
  expect(rows).toEqual([
    { name: 'Own account', merchant_id: merchant.merchantId, base_url: 'https://api.easypost.com' },
    { name: 'Shared account', merchant_id: null, base_url: 'https://api.easypost.com' },
  ]);
});

test("a merchant's own system: its secret is shown once and signs what is sent there", async () => {
  const args = ['events', '--merchant', merchant.slug, '--url', 'https://hooks.example/in', '--json'];
  const { id, secret } = JSON.parse((await connect(args)).stdout) as { id: string; secret: string };
  const rows = await rowsOf<{ url: string; secrets_sealed: Buffer }>(
    api.database,
    merchant,
    'select url, secrets_sealed from webhook_endpoint where id = $1',
    [id],
  );
  expect(rows.map(({ url }) => url)).toEqual(['https://hooks.example/in']);
  // The sender signs by every secret that it finds there.
  expect(Object.values(unsealSecrets(api.sealingKeys, rows[0]?.secrets_sealed as Buffer))).toEqual([secret]);
});

test.each([
  [
    'a secret that is not set',
    ['shopify', '--url', 'https://a.example'],
    { SHOPIFY_ACCESS_TOKEN: '' },
    /SHOPIFY_ACCESS_TOKEN must be set/,
  ],
  [
    'an address without TLS',
    ['generic', '--url', 'http://a.example'],
    {},
    /http:\/\/a.example is not https[\s\S]*OUTGOING_ALLOW_HOSTS/,
  ],
  ['no address', ['generic', '--url', 'nonsense'], {}, /"nonsense" is no URL/],
])('%s is wrong usage and connects nothing', async (_what, args, more, expected) => {
  const { code, stderr } = await connect([...args, '--merchant', merchant.slug, '--name', 'x'], more);
  expect(stderr).toMatch(expected);
  expect(code).toBe(2);
});

test('a merchant or connection that is not there is said', async () => {
  const { code, stderr } = await connect(['easypost', '--merchant', 'nobody', '--name', 'x']);
  expect([code, stderr]).toEqual([1, 'quayside: there is no merchant nobody\n']);
  expect((await connect(['secrets', randomUUID()])).stderr).toMatch(/there is no connection/);
});
