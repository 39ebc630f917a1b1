import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shopifyConnector } from '../../../connectors/channels/shopify';
import { parseShopifyWebhook, verifyShopifyWebhook } from '../../../connectors/channels/shopify/webhook';
import { DEMO_FLAWS, generateDemoOrder, type Product } from '../../../simulators/shopify';
import { retryDelaysMs } from '../../../simulators/shopify/webhooks';
import {
  newOrder,
  type ReceivedWebhook,
  SHOP_SECRET,
  startReceiver,
  startShop,
} from '../../support/shopify-shop';

/** Shopify's four hours become 255 ms: 1, 2, 4, … 128. */
const FAST = 255 / (4 * 60 * 60 * 1000);

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function connected(answer?: (received: ReceivedWebhook, index: number) => number) {
  const receiver = await startReceiver(answer);
  const { shop, account } = await startShop();
  closing.push(receiver.close, () => shop.close());
  shop.setWebhook({ url: receiver.url, secret: SHOP_SECRET, retryScale: FAST });
  return { shop, account, receiver };
}

const idOf = ({ headers }: ReceivedWebhook) => headers['x-shopify-webhook-id'];
const authentic = ({ headers, body }: ReceivedWebhook) => verifyShopifyWebhook(body, headers, SHOP_SECRET);
const put = (url: string, body: unknown) =>
  fetch(url, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

describe('webhooks of the simulated shop', () => {
  it('carry a valid signature, all headers of Shopify, and the order as it is polled', async () => {
    const { shop, account, receiver } = await connected();
    shop.shop.place(newOrder());
    await shop.webhooksIdle();
    const [first] = receiver.received as [ReceivedWebhook];
    expect(authentic(first)).toBe(true);
    expect(first.headers).toMatchObject({
      'x-shopify-topic': 'orders/create',
      'x-shopify-shop-domain': 'demo-shop.myshopify.com',
      'x-shopify-api-version': '2026-10',
      'x-shopify-webhook-id': expect.any(String),
      'x-shopify-event-id': expect.any(String),
      'x-shopify-triggered-at': expect.any(String),
    });
    const polled = (await shopifyConnector.pollOrders(account, null)).orders[0]?.order;
    expect(parseShopifyWebhook(first.headers, first.body).order).toEqual(polled);
  });

  it('share an event id between the topics of one event, but never a webhook id', async () => {
    const { shop, receiver } = await connected();
    const order = shop.shop.place(newOrder({ financial_status: 'pending' }));
    shop.shop.pay(order.id);
    await shop.webhooksIdle();
    const paid = receiver.received.filter(({ headers }) => headers['x-shopify-topic'] !== 'orders/create');
    expect(paid).toHaveLength(2);
    expect(new Set(paid.map(({ headers }) => headers['x-shopify-event-id'])).size).toBe(1);
    expect(new Set(receiver.received.map(idOf)).size).toBe(3);
  });

  it('are retried with the same id and payload until they are taken', async () => {
    const { shop, receiver } = await connected((_received, index) => (index < 3 ? 503 : 200));
    shop.shop.place(newOrder());
    await shop.webhooksIdle();
    expect(receiver.received).toHaveLength(4);
    expect(new Set(receiver.received.map(idOf)).size).toBe(1);
    expect(new Set(receiver.received.map(({ body }) => body.toString())).size).toBe(1);
    expect(shop.journal.facts('webhook_delivered')[0]?.fact).toMatchObject({ attempt: 4 });
  });

  it('are given up after eight retries, which take four hours at full pace', async () => {
    const { shop, receiver } = await connected(() => 500);
    shop.shop.place(newOrder());
    await shop.webhooksIdle();
    expect(receiver.received).toHaveLength(9);
    expect(shop.journal.facts('webhook_given_up')).toHaveLength(1);
    expect(retryDelaysMs(1).reduce((sum, delay) => sum + delay, 0)).toBeCloseTo(4 * 60 * 60 * 1000);
  });

  it('a flood is delivered whole, not more than fifty at a time', async () => {
    const { shop, receiver } = await connected();
    for (let index = 0; index < 300; index += 1) shop.shop.place(newOrder());
    await shop.webhooksIdle();
    expect(new Set(receiver.received.map(idOf)).size).toBe(300);
    expect(receiver.most()).toBeLessThanOrEqual(50);
  });

  it('waiting for a retry that is hours away does not keep the shop from stopping', async () => {
    const receiver = await startReceiver(() => 500);
    const { shop } = await startShop();
    shop.setWebhook({ url: receiver.url, secret: SHOP_SECRET });
    shop.shop.place(newOrder());
    await shop.close();
    await receiver.close();
    expect(shop.journal.facts('webhook_given_up')).toHaveLength(0);
  });

  it('duplicate_webhook delivers twice under one id', async () => {
    const { shop, receiver } = await connected();
    shop.faults.set([{ kind: 'duplicate_webhook' }]);
    shop.shop.place(newOrder());
    await shop.webhooksIdle();
    expect(receiver.received).toHaveLength(2);
    expect(new Set(receiver.received.map(idOf)).size).toBe(1);
  });

  it('lose_webhook delivers nothing, and polling finds the order', async () => {
    const { shop, account, receiver } = await connected();
    shop.faults.set([{ kind: 'lose_webhook', match: { operation: 'orders/create' } }]);
    const order = shop.shop.place(newOrder());
    await shop.webhooksIdle();
    expect(receiver.received).toHaveLength(0);
    expect((await shopifyConnector.pollOrders(account, null)).orders[0]?.externalId).toBe(order.id);
  });

  it('reorder_webhooks lets a later one overtake', async () => {
    const { shop, receiver } = await connected();
    shop.faults.set([{ kind: 'reorder_webhooks', match: { operation: 'orders/create' }, latencyMs: 100 }]);
    const order = shop.shop.place(newOrder({ financial_status: 'pending' }));
    shop.shop.pay(order.id);
    await shop.webhooksIdle();
    expect(receiver.received.map(({ headers }) => headers['x-shopify-topic']).at(-1)).toBe('orders/create');
  });

  it('forge_signature adds a false copy that no check accepts, and the true one still comes', async () => {
    const { shop, receiver } = await connected((received) => (authentic(received) ? 200 : 401));
    shop.faults.set([{ kind: 'forge_signature' }]);
    shop.shop.place(newOrder());
    await shop.webhooksIdle();
    expect(receiver.received.map(authentic).sort()).toEqual([false, true]);
    expect(new Set(receiver.received.map(idOf)).size).toBe(2);
    expect(shop.journal.facts('forged_webhook_refused')).toHaveLength(1);
  });

  it('the journal names a forgery that a careless receiver believed', async () => {
    const { shop } = await connected(() => 200);
    shop.faults.set([{ kind: 'forge_signature' }]);
    shop.shop.place(newOrder());
    await shop.webhooksIdle();
    expect(shop.journal.facts('forged_webhook_accepted')).toHaveLength(1);
  });
});

describe('the knobs', () => {
  it('are read and set over HTTP while the shop runs, and refuse what they do not know', async () => {
    const { shop, account } = await connected();
    const url = `${shop.url}/__faults`;
    const set = await put(url, { rules: [{ kind: 'rate_limit', times: 1 }] });
    expect(await set.json()).toMatchObject({ rules: [{ kind: 'rate_limit', probability: 1, struck: 0 }] });
    await expect(shopifyConnector.pollOrders(account, null)).rejects.toMatchObject({
      type: 'PartnerRateLimited',
    });
    expect(await (await fetch(url)).json()).toMatchObject({ rules: [{ struck: 1 }] });
    expect((await put(url, { rules: [{ kind: 'earthquake' }] })).status).toBe(422);
    expect((await put(url, { rules: [{ kind: 'latency', match: { path: '^(' } }] })).status).toBe(422);
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(200);
    expect(shop.faults.list()).toEqual([]);
  });

  it('strike the same calls again with the same seed', () => {
    const pattern = async () => {
      const { shop } = await startShop();
      shop.faults.set([{ kind: 'server_error', probability: 0.3, seed: 7 }]);
      const struck = Array.from(
        { length: 50 },
        () => shop.faults.strike(['server_error'], { path: '/x' }).length,
      );
      await shop.close();
      return struck.join('');
    };
    return Promise.all([pattern(), pattern()]).then(([first, second]) => {
      expect(first).toBe(second);
      expect(first).toMatch(/1/);
    });
  });
});

describe('the shop remembers', () => {
  const order = newOrder({ financial_status: 'pending' });
  let folder: string;
  let stateFile: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'shop-'));
    stateFile = join(folder, 'shop.jsonl');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('orders, fulfilments and journal over a restart, and continues its ids', async () => {
    const before = await startShop({ stateFile });
    const first = before.shop.shop.place(order);
    await shopifyConnector.pushTracking(before.account, {
      externalOrderId: first.id,
      lines: first.line_items.map(({ id, quantity }) => ({ externalLineId: id, quantity })),
      trackingNumber: 'T1',
      carrier: 'USPS',
      trackingUrl: null,
      key: 'k',
    });
    const facts = before.shop.journal.facts();
    await before.shop.close();

    const after = await startShop({ stateFile });
    closing.push(() => after.shop.close());
    expect(after.shop.shop.order(first.id)?.fulfillments).toHaveLength(1);
    expect(after.shop.journal.facts()).toEqual(facts);
    expect(BigInt(after.shop.shop.place(order).id) > BigInt(first.id)).toBe(true);
  });

  it('everything but the line that a kill tore', async () => {
    const before = await startShop({ stateFile });
    const first = before.shop.shop.place(order);
    await before.shop.close();
    writeFileSync(stateFile, `${readFileSync(stateFile, 'utf8')}{"kind":"order","id":"9","val`);
    const after = await startShop({ stateFile });
    closing.push(() => after.shop.close());
    expect(after.shop.shop.order(first.id)).toEqual(before.shop.shop.order(first.id));
    expect(after.shop.shop.order('9')).toBeUndefined();
  });
});

describe('the GraphQL surface refuses what Shopify refuses', () => {
  const post = async (url: string, query: string, variables: object = {}) => {
    const answer = await fetch(`${url}/admin/api/2026-10/graphql.json`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'X-Shopify-Access-Token': 'test-token' },
      body: JSON.stringify({ query, variables }),
    });
    return (await answer.json()) as { errors?: [{ extensions: { code: string } }] };
  };

  it.each([
    ['an unknown field', 'query Q { order(id: "gid://shopify/Order/1") { id colour } }', 'undefinedField'],
    ['broken syntax', 'query Q { order(id: ', 'PARSE_ERROR'],
    ['an id of another kind', 'query Q { order(id: "gid://shopify/Product/1") { id } }', 'INVALID_VARIABLE'],
    ['a missing variable', 'query Q($id: ID!) { order(id: $id) { id } }', 'INVALID_VARIABLE'],
    [
      'quantities without an idempotency key',
      'mutation M { inventorySetQuantities(input: {name: "available", reason: "correction", quantities: []}) { userErrors { code } } }',
      'BAD_REQUEST',
    ],
    [
      'quantities without changeFromQuantity',
      'mutation M { inventorySetQuantities(input: {name: "available", reason: "correction", quantities: [{inventoryItemId: "gid://shopify/InventoryItem/1", locationId: "gid://shopify/Location/1", quantity: 1}]}) @idempotent(key: "k") { userErrors { code } } }',
      'INVALID_VARIABLE',
    ],
    [
      'a query that is too dear',
      'query Q { orders(first: 250, sortKey: UPDATED_AT) { nodes { lineItems(first: 250) { nodes { id } } } } }',
      'MAX_COST_EXCEEDED',
    ],
  ])('%s', async (_what, query, code) => {
    const { shop } = await connected();
    shop.shop.place(newOrder());
    const known = query.replace('Order/1"', `Order/${shop.shop.ordersByUpdate()[0]?.order.id}"`);
    expect((await post(shop.url, known)).errors?.[0].extensions.code).toBe(code);
  });
});

describe('demo orders', () => {
  const catalogue: Product[] = [
    { sku: 'DEMO-MUG', title: 'Mug (demo)', price: '12.50', grams: 400, stocked: true },
    { sku: 'DEMO-TEE', title: 'T-shirt (demo)', price: '19.00', grams: 200, stocked: true },
    { sku: 'DEMO-GONE', title: 'Sold out (demo)', price: '9.00', grams: 100, stocked: false },
  ];

  it('are the same for the same seed, and visibly made up', () => {
    for (let seed = 0; seed < 200; seed += 1) {
      const order = generateDemoOrder(seed, catalogue);
      expect(order).toEqual(generateDemoOrder(seed, catalogue));
      expect(order.shipping_address?.name).toMatch(/^Demo /);
      expect(order.email).toMatch(/@example\.com$/);
      expect(order.line_items.map(({ sku }) => sku)).not.toContain('DEMO-GONE');
    }
  });

  it.each(DEMO_FLAWS)('%s is an order that the engine can take in all the same', async (flaw) => {
    const { shop, account } = await connected();
    shop.shop.setProducts(catalogue);
    const answer = await fetch(`${shop.url}/__shop/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ demo: { seed: 3, flaw } }),
    });
    expect(answer.status).toBe(201);
    const { orders } = await shopifyConnector.pollOrders(account, null);
    expect(orders[0]?.order).not.toBeNull();
    expect(generateDemoOrder(3, catalogue, { flaw })).not.toEqual(generateDemoOrder(3, catalogue));
  });
});
