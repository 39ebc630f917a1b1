import { changeListing } from '../../commands/channels/change-listings';
import { noteToldQuantities } from '../../commands/channels/told-quantities';
import type { StockSync } from '../../dispatcher/stock-sync';
import { DEFAULT_LOCATION_ID } from '../../simulators/shopify';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import {
  type ConnectedShop,
  changeStock,
  connectGeneric,
  connectShopify,
  type ListingGiven,
  list,
  startSync,
} from './channel-stock';
import { type Engine, startEngine, until } from './engine';

let engine: Engine;
let merchant: SeededMerchant;
let sync: StockSync | undefined;
const shops: ConnectedShop[] = [];

beforeAll(async () => {
  engine = await startEngine();
});
beforeEach(async () => {
  merchant = await seedMerchant(engine.database, {
    products: [
      { sku: 'DEMO-1', stock: 10 },
      { sku: 'DEMO-2', stock: 7 },
      { sku: 'DEMO-SET', isBundle: true },
    ],
  });
});
afterEach(async () => {
  await sync?.close();
  sync = undefined;
  await Promise.all(shops.splice(0).map((shop) => shop.close()));
});
afterAll(() => engine.close());

const shopify = async () => keep(await connectShopify(engine.database, merchant.merchantId));
const generic = async () => keep(await connectGeneric(engine.database, merchant.merchantId));
function keep(shop: ConnectedShop): ConnectedShop {
  shops.push(shop);
  return shop;
}
const listed = (shop: ConnectedShop, listings: readonly ListingGiven[]) =>
  list(engine.database, merchant.merchantId, shop, listings);
const stock = (sku: string, delta: number) => changeStock(engine.database, merchant, sku, delta);
function rows<Row extends Record<string, unknown>>(text: string, values: readonly unknown[] = []) {
  return engine.database.withMerchants([merchant.merchantId], (tx) => tx.rows<Row>({ text, values }));
}
const shows = (shop: ConnectedShop, item: string, quantity: number) =>
  until(() => shop.quantityOf(item) === quantity);

describe('publishing stock', () => {
  it.each([
    ['Shopify', shopify],
    ['a shop of webhooks', generic],
  ])('tells %s what can be promised, and every change of it', async (_name, connect) => {
    const shop = await connect();
    await listed(shop, [
      { item: '11', sku: 'DEMO-1', buffer: 2 },
      { item: '12', sku: 'DEMO-2', cap: 5 },
    ]);
    sync = startSync(engine.database);
    await shows(shop, '11', 8);
    await shows(shop, '12', 5);
    await stock('DEMO-1', -3);
    await shows(shop, '11', 5);
    await stock('DEMO-2', -6);
    await shows(shop, '12', 1);
  });

  it('shows of a bundle what its scarcest component allows, and tells it when a component changes', async () => {
    const shop = await shopify();
    const product = (sku: string) => merchant.products.get(sku) as string;
    for (const [sku, quantity] of [
      ['DEMO-1', 3],
      ['DEMO-2', 1],
    ] as const)
      await rows(
        'insert into bundle_component (merchant_id, bundle_product_id, component_product_id, quantity) values ($1, $2, $3, $4)',
        [merchant.merchantId, product('DEMO-SET'), product(sku), quantity],
      );
    await listed(shop, [{ item: '13', sku: 'DEMO-SET' }]);
    sync = startSync(engine.database);
    await shows(shop, '13', 3);
    await stock('DEMO-1', -2);
    await shows(shop, '13', 2);
  });

  it('tells a channel that was away one quantity a listing, however often it changed', async () => {
    const shop = await shopify();
    await listed(shop, [
      { item: '11', sku: 'DEMO-1' },
      { item: '12', sku: 'DEMO-2' },
    ]);
    sync = startSync(engine.database);
    await shows(shop, '11', 10);
    await shows(shop, '12', 7);
    const before = shop.simulator.journal.facts('quantity_set').length;
    shop.simulator.faults.set([{ kind: 'server_error' }]);
    for (let n = 0; n < 30; n += 1) await stock(n % 2 === 0 ? 'DEMO-1' : 'DEMO-2', 1);
    // Two more refusals are seconds apart, so the second comes after the last change was noticed.
    const refused = () => shop.simulator.faults.list()[0]?.struck ?? 0;
    const refusedSoFar = refused();
    await until(() => refused() >= refusedSoFar + 2, 30_000);
    shop.simulator.faults.clear();
    await shows(shop, '11', 25);
    await shows(shop, '12', 22);
    expect(shop.simulator.journal.facts('quantity_set').length - before).toBe(2);
  });

  it('ends with the right quantity when an answer is lost after the channel acted', async () => {
    const shop = await shopify();
    await listed(shop, [{ item: '11', sku: 'DEMO-1' }]);
    sync = startSync(engine.database, { timeoutMs: 200 });
    await shows(shop, '11', 10);
    shop.simulator.faults.set([
      { kind: 'success_then_timeout', times: 1, match: { operation: 'SetQuantities' } },
    ]);
    await stock('DEMO-1', -4);
    await shows(shop, '11', 6);
    // What it has was written by us, so it is no sale and may be raised at once.
    await stock('DEMO-1', 3);
    await shows(shop, '11', 9);
  });

  it('goes on with the others when a listing is gone, parks it with an exception, and tells it again once released', async () => {
    const shop = await shopify();
    const [gone] = await listed(shop, [
      { item: '11', sku: 'DEMO-1' },
      { item: '12', sku: 'DEMO-2' },
    ]);
    shop.remove('11');
    sync = startSync(engine.database);
    await shows(shop, '12', 7);
    const open = await until(async () => {
      const [row] = await rows<{ message: string }>(
        `select message from exception where reason = 'listing_parked' and thing_id = $1 and state <> 'resolved'`,
        [gone],
      );
      return row;
    });
    expect(open.message).toContain('DEMO-1');
    expect(await rows('select parked_reason from channel_listing where id = $1', [gone])).toEqual([
      { parked_reason: expect.stringContaining('gone') },
    ]);
    shop.change('11', 0);
    await engine.database.withMerchants([merchant.merchantId], (tx) =>
      changeListing(tx, [merchant.merchantId], gone as string, { parked: false }, null, {
        actor: 'test',
        requestId: 'test',
      }),
    );
    await shows(shop, '11', 10);
    expect(await rows(`select 1 from exception where state <> 'resolved'`)).toEqual([]);
  });
});

describe('a sale in the channel', () => {
  it('is not overwritten by a higher quantity of ours before its order has come', async () => {
    const shop = await shopify();
    await listed(shop, [{ item: '11', sku: 'DEMO-1' }]);
    sync = startSync(engine.database);
    await shows(shop, '11', 10);
    // A customer of the shop bought three; the order is still on its way when we receive one more.
    shop.change('11', 7);
    await stock('DEMO-1', 1);
    await until(async () => {
      const [row] = await rows<{ channel_quantity: number; settling: boolean }>(
        'select channel_quantity, raise_after > now() as settling from channel_listing',
      );
      return row?.channel_quantity === 7 && row.settling;
    });
    expect(shop.quantityOf('11')).toBe(7);
    // The order comes; then we know what is left.
    await stock('DEMO-1', -4);
    await until(async () => {
      const [row] = await rows<{ settling: boolean | null }>(
        'select raise_after > now() as settling from channel_listing',
      );
      return row?.settling !== true;
    });
    await stock('DEMO-1', 5);
    await shows(shop, '11', 12);
  });

  it('is believed when the channel tells it, but an echo of our own write changes nothing', async () => {
    const shop = await shopify();
    await listed(shop, [{ item: '11', sku: 'DEMO-1' }]);
    sync = startSync(engine.database);
    await shows(shop, '11', 10);
    const tell = (quantity: number) =>
      engine.database.withMerchants([merchant.merchantId], (tx) =>
        noteToldQuantities(tx, merchant.merchantId, shop.connectionId, [
          { externalInventoryItemId: '11', externalLocationId: DEFAULT_LOCATION_ID, quantity },
        ]),
      );
    await until(async () => {
      const [row] = await rows<{ channel_quantity: number }>('select channel_quantity from channel_listing');
      return row?.channel_quantity === 10;
    });
    const pushes = shop.pushes();
    const changes = await rows('select 1 from stock_change');
    expect(await tell(10)).toBe(0);
    expect(await rows('select 1 from stock_change')).toHaveLength(changes.length);
    // Long after our last push, what differs is news.
    await rows(`update channel_listing set pushed_at = now() - interval '1 hour'`);
    expect(await tell(9)).toBe(1);
    expect(await rows('select channel_quantity from channel_listing')).toEqual([{ channel_quantity: 9 }]);
    expect(shop.pushes()).toBe(pushes);
  });
});

describe('a read-back', () => {
  it('reports what a channel has otherwise than it acknowledged, and mends it', async () => {
    const shop = await generic();
    await listed(shop, [
      { item: 'A', sku: 'DEMO-1' },
      { item: 'B', sku: 'DEMO-2' },
    ]);
    sync = startSync(engine.database, { reconcileEveryMs: 200 });
    await shows(shop, 'A', 10);
    await shows(shop, 'B', 7);
    shop.change('A', 99);
    await shows(shop, 'A', 10);
    expect(await rows('select believed, found, wanted from channel_drift')).toEqual([
      { believed: 10, found: 99, wanted: 10 },
    ]);
    const [state] = await rows<{ reconciled_listings: number }>(
      'select reconciled_listings from channel_sync',
    );
    expect(state?.reconciled_listings).toBe(2);
  });
});

describe('several dispatchers', () => {
  it('never push one channel at the same time, and one takes over when the other is gone', async () => {
    const shop = await shopify();
    await listed(shop, [{ item: '11', sku: 'DEMO-1' }]);
    const first = startSync(engine.database);
    const second = startSync(engine.database);
    sync = second;
    try {
      await shows(shop, '11', 10);
      const owners = await rows<{ lease_owner: string }>('select lease_owner from channel_sync');
      expect(owners).toHaveLength(1);
      for (let n = 0; n < 20; n += 1) await stock('DEMO-1', 1);
      await shows(shop, '11', 30);
      const stale = shop.simulator.journal
        .facts('quantity_set')
        .filter(({ fact }) => fact['from'] !== fact['changeFromQuantity']);
      // The first push knows no quantity to replace.
      expect(stale.length).toBeLessThanOrEqual(1);
    } finally {
      await first.close();
    }
    await stock('DEMO-1', -5);
    await shows(shop, '11', 25);
  });
});
