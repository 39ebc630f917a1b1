/**
 * The last unit of an article on four channels: a Shopify shop and a webhook shop, which are told
 * quantities, and a web store and a phone desk, which ask and sell by our API. First one channel sells it
 * and the others' counts are watched; then all four sell it in the same moment. Exactly one may ship.
 */
import { randomInt } from 'node:crypto';
import type { IncomingOrderInput } from '../../contracts/incoming-order';
import { DEMO_IDS } from '../../simulators/demo-ids';
import { DEFAULT_LOCATION_ID } from '../../simulators/shopify';
import type { OrderSummary } from '../orders';
import { isShipped, receive, type Story, withSku } from './story';
import type { World } from './world';

/** Fine enough to tell tenths of a second apart. */
const LOOK_EVERY_MS = 10;

interface Article {
  readonly sku: string;
  /** What the shop calls it. */
  readonly itemId: string;
}

/** A place where the article is sold. */
interface Channel {
  readonly name: string;
  /** What it shows to whoever looks now. */
  shows(): Promise<number | null>;
  /** Somebody buys one. @returns the order's id in that channel. */
  sell(): Promise<string>;
}

export const lastUnit: Story = {
  name: 'last-unit',
  about: 'the last unit on four channels: one sells it, the others know; all sell it at once, one gets it',
  async tell(world) {
    const article = await offer(world);
    const channels = channelsOf(world, article);
    await receive(world, article.sku);
    await allShow(world, channels, 1, 'all four channels offer one');

    const [shopify, webhook, store, phone] = channels;
    const sold = Date.now();
    const first = await store.sell();
    const [atShopify, atWebhook, atPhone] = await Promise.all(
      [shopify, webhook, phone].map((channel) => untilShows(channel, 0, sold)),
    );
    world.tell(`the web store sells it; ${atPhone} ms later it is reserved, as the phone desk sees`);
    world.expect(
      `sold out after ${atShopify} ms at the Shopify shop, after ${atWebhook} ms at the webhook shop`,
      Math.max(atShopify ?? 0, atWebhook ?? 0) < 5_000,
    );
    const [order] = await ordersOf(world, [first]);
    await world.becomes('the web store’s order is shipped', order?.id ?? '', isShipped);

    await receive(world, article.sku);
    await allShow(world, channels, 1, 'there is one again');
    const ids = await Promise.all(channels.map(({ sell }) => sell()));
    world.tell('somebody buys it on each of the four channels in the same moment');
    await settle(world, channels, ids);
  },
};

/** A new article that both shops list and nobody has any of. */
async function offer(world: World): Promise<Article> {
  const article = { sku: `DEMO-LAST-${world.mark}`, itemId: String(randomInt(2 ** 40)) };
  const size = { weightGrams: 300, lengthMm: 120, widthMm: 100, heightMm: 80 };
  await world.api.send('POST', '/v1/products', {
    sku: article.sku,
    name: 'Demo article, the last of it',
    ...size,
  });
  const inventoryItemId = article.itemId;
  const product = {
    sku: article.sku,
    title: 'Demo article, the last of it',
    price: '12.00',
    inventoryItemId,
  };
  const level = { inventoryItemId, locationId: DEFAULT_LOCATION_ID, available: 0 };
  // The demo's other customers don't buy it: they draw from what is stocked.
  await world.at('shop', 'PUT', '/__shop/products', { products: [{ ...product, stocked: false }] });
  await world.at('shop', 'PUT', '/__shop/levels', { levels: [level] });
  await world.at('webhook-shop', 'PUT', '/__shop/levels', {
    levels: [{ itemId: article.sku, locationId: '', quantity: 0 }],
  });
  const list = (connectionId: string, externalItemId: string, externalLocationId: string) =>
    world.api.send('POST', '/v1/channel-listings', {
      connectionId,
      listings: [{ externalItemId, externalLocationId, sku: article.sku }],
    });
  await list(DEMO_IDS.shopifyConnectionId, article.itemId, DEFAULT_LOCATION_ID);
  await list(DEMO_IDS.genericConnectionId, article.sku, '');
  world.tell(`there is a new article, ${article.sku}, listed by two shops and sold by API besides`);
  return article;
}

/** A Shopify shop, a webhook shop, a web store, a phone desk. */
function channelsOf(world: World, { sku, itemId }: Article): readonly [Channel, Channel, Channel, Channel] {
  const available = async () => {
    const { items } = await world.api.get<{ items: { available: number }[] }>(
      `/v1/stock/levels?sku=${encodeURIComponent(sku)}`,
    );
    return items.reduce((sum, level) => sum + level.available, 0);
  };
  const byApi = (name: string): Channel => ({
    name,
    shows: available,
    async sell() {
      const { cancelled: _never, ...order } = orderOf(world, sku, name);
      await world.api.send('POST', '/v1/orders', order);
      return order.externalId;
    },
  });
  return [
    {
      name: 'Shopify shop',
      async shows() {
        const { levels } = await world.at<{ levels: { inventoryItemId: string; available: number }[] }>(
          'shop',
          'GET',
          '/__shop/levels',
        );
        return levels.find((level) => level.inventoryItemId === itemId)?.available ?? null;
      },
      sell: async () => (await world.order((order) => withSku(order, sku))).externalId,
    },
    {
      name: 'webhook shop',
      async shows() {
        const { levels } = await world.at<{ levels: { itemId: string; quantity: number }[] }>(
          'webhook-shop',
          'GET',
          '/__shop/levels',
        );
        return levels.find((level) => level.itemId === sku)?.quantity ?? null;
      },
      async sell() {
        const order = orderOf(world, sku, 'webhook shop');
        await world.at('webhook-shop', 'POST', '/__shop/orders', { order });
        return order.externalId;
      },
    },
    byApi('web store'),
    byApi('phone desk'),
  ];
}

function orderOf(world: World, sku: string, name: string): IncomingOrderInput {
  const line = {
    externalLineId: '1',
    sku,
    title: 'Demo article',
    quantity: 1,
    unitPriceMinor: '1200',
    ships: true,
  };
  return {
    externalId: `demo-${world.mark}-${name.replace(' ', '-')}-${randomInt(2 ** 31)}`,
    placedAt: new Date().toISOString(),
    currency: 'USD',
    totalMinor: '1200',
    payment: 'captured',
    customer: { name: 'Demo Customer', email: 'demo-last-unit@example.com' },
    shipTo: {
      name: 'Demo Customer',
      line1: '1 Demo Street',
      city: 'Beverly Hills',
      region: 'CA',
      postalCode: '90210',
      country: 'US',
    },
    lines: [line],
    tags: ['demo', 'story'],
    cancelled: false,
  };
}

async function untilShows(channel: Channel, wanted: number, since: number): Promise<number> {
  for (;;) {
    if ((await channel.shows()) === wanted) return Date.now() - since;
    if (Date.now() - since > 30_000) return Number.POSITIVE_INFINITY;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

async function allShow(
  world: World,
  channels: readonly Channel[],
  wanted: number,
  sentence: string,
): Promise<void> {
  await world.until(sentence, async () => {
    const shown = await Promise.all(channels.map(({ shows }) => shows()));
    return shown.every((each) => each === wanted) || null;
  });
}

/** Our orders of these, in their order, as far as they have come. */
async function ordersOf(world: World, externalIds: readonly string[]): Promise<OrderSummary[]> {
  const found = await Promise.all(
    externalIds.map((externalId) => world.api.list<OrderSummary>('/v1/orders', { externalId }, 2)),
  );
  return found.flat();
}

/** One order ships; the others wait for stock and are cancelled, as their channels would. */
async function settle(world: World, channels: readonly Channel[], ids: readonly string[]): Promise<void> {
  const orders = await world.until('all four orders are here', async () => {
    const found = await ordersOf(world, ids);
    return found.length === ids.length ? found : null;
  });
  const decided = await world.until('each has the unit or waits for one', async () => {
    const now = await Promise.all(orders.map(({ id }) => world.detail(id)));
    const settled = now.filter(
      (order) => order.fulfilmentOrders.length > 0 || order.blockedReason === 'out_of_stock',
    );
    return settled.length === now.length ? now : null;
  });
  const won = decided.filter(({ fulfilmentOrders }) => fulfilmentOrders.length > 0);
  const name = channels[decided.findIndex((order) => order === won[0])]?.name ?? '?';
  world.expect(
    `the ${name} got it, the three others wait for stock`,
    won.length === 1,
    `${won.length} got it`,
  );
  for (const order of decided)
    if (order !== won[0])
      await world.api.send('POST', `/v1/orders/${order.id}/cancel`, {
        reason: 'sold out in a story of the demo',
      });
  await world.becomes(`the order of the ${name} is shipped`, won[0]?.id ?? '', isShipped);
  await allShow(world, channels, 0, 'every channel shows none, and nothing was oversold');
}
