/** A simulated Shopify shop for one test file, the connection to it, and a receiver of its webhooks. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ChannelAccount } from '../../connectors/channels/port';
import type { NewOrder } from '../../simulators/shopify';
import { createShopifySimulator, type ShopifySimulator } from '../../simulators/shopify';

export const SHOP_SECRET = 'the app secret of a test';

export async function startShop(
  options: { stateFile?: string; clock?: () => Date; pointsPerSecond?: number } = {},
): Promise<{ shop: ShopifySimulator; account: ChannelAccount }> {
  const shop = await createShopifySimulator({ accessToken: 'test-token', ...options });
  const account = {
    connectionId: 'test-connection',
    baseUrl: shop.url,
    credentials: { accessToken: 'test-token', webhookSecret: SHOP_SECRET },
    timeoutMs: 2_000,
  };
  return { shop, account };
}

export function newOrder(changes: Partial<NewOrder> = {}): NewOrder {
  return {
    email: 'demo-1@example.com',
    shipping_address: {
      name: 'Demo Customer 1',
      address1: '1 Demo Street',
      city: 'Columbus',
      province: 'Ohio',
      province_code: 'OH',
      zip: '43215',
      country: 'United States',
      country_code: 'US',
    },
    shipping_lines: [{ code: 'standard', title: 'Standard (demo)', price: '4.95' }],
    line_items: [
      { sku: 'DEMO-MUG', title: 'Mug (demo)', quantity: 2, price: '12.50' },
      { sku: 'DEMO-TEE', title: 'T-shirt (demo)', quantity: 1, price: '19.00' },
    ],
    ...changes,
  };
}

export interface ReceivedWebhook {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Takes webhooks and answers what `answer` says for each (200 unless told otherwise). */
export async function startReceiver(
  answer: (received: ReceivedWebhook, index: number) => number = () => 200,
) {
  const received: ReceivedWebhook[] = [];
  let open = 0;
  let most = 0;
  const server = createServer((req, res) => {
    open += 1;
    most = Math.max(most, open);
    res.once('close', () => {
      open -= 1;
    });
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const one = { headers: req.headers, body: Buffer.concat(chunks) };
      received.push(one);
      res.writeHead(answer(one, received.length - 1)).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/webhooks/secret`,
    received,
    /** The most requests that were open at once. */
    most: () => most,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
