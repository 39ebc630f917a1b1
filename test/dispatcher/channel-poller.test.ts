import { randomBytes } from 'node:crypto';
import { shopifyConnector } from '../../connectors/channels/shopify';
import { parseExactJson } from '../../contracts/exact-json';
import { Database } from '../../db/client';
import { sealSecrets } from '../../db/sealed';
import { startChannelPoller } from '../../dispatcher/channel-poller';
import { createLogger } from '../../telemetry';
import { eventually } from '../support/engine';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { type TestDatabase, testDatabase } from '../support/postgres';
import { newOrder, startShop } from '../support/shopify-shop';

const keys = [{ id: 'test', key: randomBytes(32) }];
let server: TestDatabase;
let database: Database;
let merchant: SeededMerchant;
let shop: Awaited<ReturnType<typeof startShop>>;

beforeAll(async () => {
  server = await testDatabase();
  database = new Database({ appUrl: server.appUrl, systemUrl: server.systemUrl });
  merchant = await seedMerchant(database);
  shop = await startShop();
  await rows(
    `update channel_connection set channel = 'shopify', base_url = $2, credentials_sealed = $3, poll_due_at = now() where id = $1`,
    [merchant.connectionId, shop.account.baseUrl, sealSecrets(keys, shop.account.credentials)],
  );
});
afterAll(async () => {
  await shop.shop.close();
  await database.close();
  await server.drop();
});

function rows(text: string, values: unknown[] = []) {
  return database.withMerchants([merchant.merchantId], (tx) =>
    tx.rows<Record<string, unknown>>({ text, values }),
  );
}

const place = async () => {
  const answer = await fetch(`${shop.account.baseUrl}/__shop/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ order: newOrder() }),
  });
  const { order } = parseExactJson(await answer.text()) as { order: { id: string } };
  return String(order.id);
};

describe('polling a shop', () => {
  it('finds the order whose webhook was lost, and takes no fulfilled order for an unreadable one', async () => {
    const lost = await place();
    const poller = startChannelPoller({
      database,
      keys,
      connectors: { shopify: shopifyConnector },
      log: createLogger({ role: 'test', level: 'silent' }),
      intervalMs: 50,
      pollEveryMs: 50,
    });
    try {
      const [order] = await eventually(async () => {
        const found = await rows('select id, external_id from sales_order');
        return found.length > 0 && found;
      }, 'the poll found the order');
      expect(order?.['external_id']).toBe(lost);
      await shopifyConnector.pushTracking(shop.account, {
        externalOrderId: lost,
        lines: (await linesOf(order?.['id'])).map((line) => ({
          externalLineId: line.id,
          quantity: line.quantity,
        })),
        trackingNumber: 'DEMO-1',
        carrier: 'USPS',
        trackingUrl: null,
        key: 'test:tracking:1',
      });
      await eventually(
        async () => (await rows("select 1 from inbox where reason like 'nothing_left_to_fulfil%'"))[0],
        'the fulfilled order was polled again',
      );
      expect(await rows('select reason from exception')).toEqual([]);
      expect(await rows('select state from inbox where reason is not null')).toEqual([{ state: 'ignored' }]);
    } finally {
      await poller.close();
    }
  });
});

async function linesOf(orderId: unknown): Promise<{ id: string; quantity: number }[]> {
  const lines = await rows(
    'select external_line_id as id, quantity from sales_order_line where order_id = $1',
    [orderId],
  );
  return lines as { id: string; quantity: number }[];
}
