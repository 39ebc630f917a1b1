/** Channels that can't be told of everything at once: who is told first, and who must not wait for whom. */
import type { StockSync } from '../../dispatcher/stock-sync';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { type ConnectedShop, changeStock, connectShopify, list, startSync } from './channel-stock';
import { type Engine, startEngine, until } from './engine';

let engine: Engine;
let sync: StockSync | undefined;
const shops: ConnectedShop[] = [];

beforeAll(async () => {
  engine = await startEngine();
});
afterEach(async () => {
  await sync?.close();
  sync = undefined;
  await Promise.all(shops.splice(0).map((shop) => shop.close()));
});
afterAll(() => engine.close());

const skus = (count: number) => Array.from({ length: count }, (_, n) => `DEMO-${n + 1}`);

/** A shop with an item of each SKU; told so many quantities a second at most, where that is given. */
async function shopOf(count: number, quantitiesPerSecond?: number) {
  const merchant = await seedMerchant(engine.database, {
    products: skus(count).map((sku) => ({ sku, stock: 10 })),
  });
  const shop = await connectShopify(engine.database, merchant.merchantId);
  shops.push(shop);
  await list(
    engine.database,
    merchant.merchantId,
    shop,
    skus(count).map((sku) => ({ item: itemOf(sku), sku })),
  );
  if (quantitiesPerSecond !== undefined)
    await engine.database.withMerchants([merchant.merchantId], (tx) =>
      tx.run({
        text: `update channel_sync set calls_per_second = $2, quantities_per_call = 1 where merchant_id = $1`,
        values: [merchant.merchantId, quantitiesPerSecond],
      }),
    );
  return { merchant, shop };
}
const itemOf = (sku: string) => `1${sku.replace('DEMO-', '')}`;
const add = (merchant: SeededMerchant, sku: string, delta: number) =>
  changeStock(engine.database, merchant, sku, delta);

test("a channel's limit is kept, and what changed most is told first", async () => {
  const PER_SECOND = 4;
  const { merchant, shop } = await shopOf(4, PER_SECOND);
  sync = startSync(engine.database);
  const [hot = '', ...others] = skus(4).reverse();
  await until(() => skus(4).every((sku) => shop.quantityOf(itemOf(sku)) === 10));
  const before = shop.simulator.journal.facts('quantity_set').length;
  shop.simulator.faults.set([{ kind: 'server_error' }]);
  for (const sku of others) await add(merchant, sku, 1);
  // More than the others gain by waiting first, however slow the machine.
  for (let n = 0; n < 30; n += 1) await add(merchant, hot, 1);
  // What the log tells is in the pusher's set before the channel is back.
  await until(async () => {
    const [row] = await engine.database.withMerchants([merchant.merchantId], (tx) =>
      tx.rows<{ waiting: number }>({ text: 'select waiting from channel_sync' }),
    );
    return (row?.waiting ?? 0) >= 3;
  });
  shop.simulator.faults.clear();
  await until(
    () => shop.quantityOf(itemOf(hot)) === 40 && others.every((sku) => shop.quantityOf(itemOf(sku)) === 11),
  );
  const told = shop.simulator.journal.facts('quantity_set').slice(before);
  expect(told).toHaveLength(4);
  expect(String(told[0]?.fact['inventoryItemId'])).toContain(itemOf(hot));
  const [first, last] = [told[0], told.at(-1)].map((one) => Date.parse(one?.at ?? ''));
  // Three gaps; a call's own way may differ by a little.
  expect((last as number) - (first as number)).toBeGreaterThan((3 * 1000) / PER_SECOND - 200);
}, 60_000);

test('a shop that changes a hundred times as often and takes little keeps no other one waiting', async () => {
  const flooding = await shopOf(20, 0.25);
  const other = await shopOf(1);
  sync = startSync(engine.database);
  await until(() => other.shop.quantityOf('11') === 10);
  const flood = (async () => {
    for (let n = 0; n < 100; n += 10)
      await Promise.all(skus(10).map((sku) => add(flooding.merchant, sku, 1)));
  })();
  await add(other.merchant, 'DEMO-1', -1);
  await until(() => other.shop.quantityOf('11') === 9);
  await flood;
  await add(other.merchant, 'DEMO-1', -1);
  await until(() => other.shop.quantityOf('11') === 8);
  // It was told while most of what the other shop waits for was still to come.
  const untold = skus(20).filter((sku) => flooding.shop.quantityOf(itemOf(sku)) === 0);
  expect(untold.length).toBeGreaterThan(5);
}, 60_000);
