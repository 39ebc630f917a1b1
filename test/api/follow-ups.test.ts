/** What one does about an alert, over the API and by the link in its message: each once, whoever clicks how often. */
import { randomUUID } from 'node:crypto';
import { putListings } from '../../commands/channels/change-listings';
import { makeFollowUpToken } from '../../commands/watch/follow-up-link';
import { seal } from '../../db/sealed';
import type { FollowUpAction } from '../../domain/stock/follow-up';
import { rowsOf } from '../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { type RunningApi, startApi } from './running-api';

let api: RunningApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

interface World {
  readonly merchant: SeededMerchant;
  readonly key: string;
  readonly alertId: string;
  readonly shop: string;
  readonly market: string;
}

/** Thirty units in W1, none in W2, listed by a shop and a market; an alert of the place that is asked for. */
async function world(of: 'warehouse' | 'channel' | 'all' = 'all'): Promise<World> {
  const merchant = await seedMerchant(api.database, {
    warehouses: [{ code: 'W1' }, { code: 'W2' }],
    products: [{ sku: 'A', stock: { W1: 30 } }],
  });
  const { merchantId } = merchant;
  const { key } = await api.makeKey(merchant.organisationId);
  const [shop, market] = [randomUUID(), randomUUID()];
  for (const id of [shop, market])
    await rows(
      merchant,
      "insert into channel_connection (id, merchant_id, channel, name) values ($1, $2, 'generic', $3) returning id",
      [id, merchantId, id],
    );
  const listing = (sharePercent: number) => ({
    sku: 'A',
    externalItemId: randomUUID(),
    externalLocationId: '',
    units: 1,
    warehouseId: null,
    sharePercent,
  });
  await api.database.withMerchants([merchantId], async (tx) => {
    const editor = { actor: 'test', requestId: null };
    await putListings(tx, merchantId, { connectionId: shop, listings: [listing(60)] }, editor);
    await putListings(
      tx,
      merchantId,
      { connectionId: market, listings: [listing(75), listing(100)] },
      editor,
    );
  });
  const [ruleId, alertId] = [randomUUID(), randomUUID()];
  await rows(
    merchant,
    `insert into stock_alert_rule (id, merchant_id, name, warehouse_id, connection_id, limit_kind, at_most, window_days,
      clear_after_minutes, tells_webhooks, owner) values ($1, $2, 'Demo rule', $3, $4, 'units', 5, 28, 15, true, 'buyer') returning id`,
    [
      ruleId,
      merchantId,
      of === 'warehouse' ? merchant.warehouses[1]?.id : null,
      of === 'channel' ? shop : null,
    ],
  );
  await rows(
    merchant,
    `insert into stock_alert (id, merchant_id, rule_id, product_id, level, shipped, counted_days, window_from, window_to, opened_at)
      values ($1, $2, $3, $4, 3, 20, 10, '2026-02-01', '2026-02-28', now()) returning id`,
    [alertId, merchantId, ruleId, merchant.products.get('A')],
  );
  return { merchant, key, alertId, shop, market };
}

const rows = <Row extends Record<string, unknown>>(
  merchant: SeededMerchant,
  sql: string,
  values: unknown[] = [],
) => rowsOf<Row>(api.database, merchant, sql, values);

const ask = ({ key, alertId }: World, body: Record<string, unknown>) =>
  api.ask('POST', `/v1/stock/alerts/${alertId}/follow-ups`, { key, body });

/** Ten at once, each a request of its own: one does it, all are told the same. */
async function askTenTimes(here: World, action: FollowUpAction, more: Record<string, unknown> = {}) {
  const replies = await Promise.all(Array.from({ length: 10 }, () => ask(here, { action, ...more })));
  replies.push(await ask(here, { action, ...more }));
  expect(replies.map(({ status }) => status).sort()).toEqual([...Array(10).fill(200), 201]);
  const ids = new Set(replies.map(({ json }) => json.id));
  expect(ids.size).toBe(1);
  const audited = await rows(here.merchant, 'select id from audit_log where action = $1', [
    `stock_alert.${action}`,
  ]);
  expect(audited).toHaveLength(1);
  return replies[0]?.json;
}

const shares = ({ merchant, shop }: World) =>
  rows<{ mine: boolean; paused: boolean; share: number }>(
    merchant,
    'select connection_id = $1 as mine, paused, share_percent as share from channel_listing order by share_percent',
    [shop],
  );

describe('a follow-up is done once', () => {
  test('an expedite purchase is a draft of a month of sales for its owner', async () => {
    const draft = await askTenTimes(await world(), 'expedite_po');
    // 2 a day for 30 days, less the 3 that are there.
    expect(draft).toMatchObject({ action: 'expedite_po', state: 'draft', owner: 'buyer', quantity: 57 });
  });

  test('listings are paused, those of the alert’s channel alone', async () => {
    const here = await world('channel');
    await askTenTimes(here, 'pause_listings');
    expect(await shares(here)).toEqual([
      { mine: true, paused: true, share: 60 },
      { mine: false, paused: false, share: 75 },
      { mine: false, paused: false, share: 100 },
    ]);
    const all = await world();
    await askTenTimes(all, 'pause_listings');
    expect((await shares(all)).map(({ paused }) => paused)).toEqual([true, true, true]);
  });

  test('the channel gets all it may show, the others half of what they showed, not half of the half', async () => {
    const here = await world('channel');
    await askTenTimes(here, 'shift_channels');
    expect(await shares(here)).toEqual([
      { mine: false, paused: false, share: 37 },
      { mine: false, paused: false, share: 50 },
      { mine: true, paused: false, share: 100 },
    ]);
  });

  test('one transfer is asked for, from where there is most, no more than there is', async () => {
    const here = await world('warehouse');
    const [from, to] = here.merchant.warehouses;
    expect(await askTenTimes(here, 'transfer')).toMatchObject({
      quantity: 30,
      effect: { fromWarehouseId: from?.id, toWarehouseId: to?.id },
    });
    const transfers = await rows(here.merchant, 'select state from stock_transfer');
    expect(transfers).toEqual([{ state: 'requested' }]);
  });

  test('marketing is told by one webhook an endpoint; when nobody listens, that is said', async () => {
    const here = await world();
    const nobody = await ask(here, { action: 'tell_marketing' });
    expect([nobody.status, nobody.json.detail]).toEqual([
      409,
      expect.stringContaining('stock.marketing_asked'),
    ]);
    await rows(
      here.merchant,
      "insert into webhook_endpoint (id, merchant_id, url, secrets_sealed, event_types) values ($1, $2, 'https://demo.example', '\\x00', '{stock.marketing_asked}') returning id",
      [randomUUID(), here.merchant.merchantId],
    );
    await askTenTimes(here, 'tell_marketing');
    const told = await rows(
      here.merchant,
      "select payload ->> 'type' as type, payload -> 'data' ->> 'sku' as sku from outbox where kind = 'webhook'",
    );
    expect(told).toEqual([{ type: 'stock.marketing_asked', sku: 'A' }]);
  });

  test('what the alert does not say has to be said, and what is not there is refused', async () => {
    const here = await world();
    expect((await ask(here, { action: 'shift_channels' })).status).toBe(422);
    expect((await ask(here, { action: 'transfer' })).status).toBe(422);
    expect((await ask(here, { action: 'transfer', toWarehouseId: randomUUID() })).status).toBe(404);
    const [from] = here.merchant.warehouses;
    const nowhere = await ask(here, { action: 'transfer', toWarehouseId: from?.id });
    expect([nowhere.status, nowhere.json.detail]).toEqual([
      409,
      expect.stringContaining('no other warehouse'),
    ]);
    expect(await rows(here.merchant, 'select id from stock_follow_up')).toEqual([]);
  });
});

describe('the link in a message', () => {
  const page = async (method: 'GET' | 'POST', token: string) => {
    const reply = await fetch(`${api.url}/follow-up/${token}`, { method });
    return { status: reply.status, text: await reply.text(), type: reply.headers.get('content-type') };
  };
  const tokenOf = ({ merchant, alertId }: World, action: FollowUpAction, now = new Date()) =>
    makeFollowUpToken(api.sealingKeys, { merchantId: merchant.merchantId, alertId, action }, now);

  test('shows a page however often it is opened and does nothing; its button does it once', async () => {
    const here = await world();
    const token = tokenOf(here, 'pause_listings');
    for (let times = 0; times < 3; times += 1) {
      const shown = await page('GET', token);
      expect([shown.status, shown.type]).toEqual([200, 'text/html; charset=utf-8']);
      expect(shown.text).toContain('<button>Pause the listings</button>');
    }
    expect(await rows(here.merchant, 'select id from stock_follow_up')).toEqual([]);
    expect((await shares(here)).some(({ paused }) => paused)).toBe(false);

    const clicks = await Promise.all([1, 2, 3, 4].map(() => page('POST', token)));
    expect(clicks.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(clicks.filter(({ text }) => text.includes('Done.'))).toHaveLength(1);
    expect(clicks.filter(({ text }) => text.includes('This was done at'))).toHaveLength(3);
    expect((await shares(here)).every(({ paused }) => paused)).toBe(true);
    const by = await rows(here.merchant, 'select requested_by from stock_follow_up');
    expect(by).toEqual([{ requested_by: `link:${here.alertId}` }]);
  });

  test('is good for nothing once it has expired, was changed, or was sealed for something else', async () => {
    const here = await world();
    const token = tokenOf(here, 'expedite_po');
    const weekAgo = new Date(Date.now() - 7 * 86_400_000 - 1_000);
    const changed = `${token.slice(0, -3)}${token.endsWith('AAA') ? 'BBB' : 'AAA'}`;
    const other = seal(api.sealingKeys, JSON.stringify({ alertId: here.alertId })).toString('base64url');
    for (const bad of [tokenOf(here, 'expedite_po', weekAgo), changed, other, 'x', 'A'.repeat(2_000)])
      for (const method of ['GET', 'POST'] as const) {
        const { status, text } = await page(method, bad);
        expect([status, text]).toEqual([404, expect.stringContaining('no longer good')]);
      }
    expect(await rows(here.merchant, 'select id from stock_follow_up')).toEqual([]);
  });

  test('writes a product’s name as text, never as markup', async () => {
    const here = await world();
    await rows(here.merchant, `update product set name = '<script>alert(1)</script>' returning id`);
    const { text } = await page('GET', tokenOf(here, 'expedite_po'));
    expect(text).not.toContain('<script>');
    expect(text).toContain('&#60;script&#62;');
  });
});
