import type { ChannelAccount, PolledOrder, TrackingUpdate } from '../../../connectors/channels/port';
import { shopifyConnector, shopifyCursorSince } from '../../../connectors/channels/shopify';
import { type Failure, isFailure } from '../../../domain/failure-types';
import type { RestOrder, ShopifySimulator } from '../../../simulators/shopify';
import { DEFAULT_LOCATION_ID } from '../../../simulators/shopify';
import { newOrder, startShop } from '../../support/shopify-shop';

let shop: ShopifySimulator;
let account: ChannelAccount;
let now: Date;

beforeEach(async () => {
  now = new Date('2026-11-02T10:00:00Z');
  ({ shop, account } = await startShop({ clock: () => now }));
});
afterEach(() => shop.close());

const later = (seconds: number) => {
  now = new Date(now.getTime() + seconds * 1000);
};

async function failure(attempt: Promise<unknown>): Promise<Failure> {
  const outcome = await attempt.then(
    () => 'no failure',
    (error: unknown) => error,
  );
  if (!isFailure(outcome)) throw new Error(`expected a Failure, got ${String(outcome)}`);
  return outcome;
}

function parcelOf(order: RestOrder, changes: Partial<TrackingUpdate> = {}): TrackingUpdate {
  return {
    externalOrderId: order.id,
    lines: order.line_items.map(({ id, quantity }) => ({ externalLineId: id, quantity })),
    trackingNumber: '9400100000000000000001',
    carrier: 'USPS',
    trackingUrl: 'https://tracking.example.com/9400100000000000000001',
    key: 'order-1:push_tracking:1',
    ...changes,
  };
}

const fulfilments = () => shop.journal.facts('fulfilment_created').map(({ fact }) => fact);

describe('polling orders', () => {
  async function pollAll(
    cursor: string | null,
  ): Promise<{ orders: PolledOrder[]; cursor: string; pages: number }> {
    const orders: PolledOrder[] = [];
    let at = cursor;
    for (let pages = 1; ; pages += 1) {
      const page = await shopifyConnector.pollOrders(account, at);
      orders.push(...page.orders);
      at = page.cursor;
      if (!page.more) return { orders, cursor: at, pages };
    }
  }

  it('brings every order once over several pages, oldest first, with ids above 2^53 intact', async () => {
    const placed = Array.from({ length: 23 }, () => {
      later(1);
      return shop.shop.place(newOrder()).id;
    });
    const { orders, pages } = await pollAll(null);
    expect(pages).toBe(3);
    expect(orders.map(({ order }) => order?.externalId)).toEqual(placed);
    expect(BigInt(placed[0] as string) > 2n ** 53n).toBe(true);
    expect(String(Number(placed[0])) === placed[0]).toBe(false);
  });

  it('maps an order completely', async () => {
    const order = shop.shop.place(newOrder({ note: 'ring twice', tags: 'vip, demo' }));
    const [polled] = (await pollAll(null)).orders;
    expect(polled?.order).toMatchObject({
      externalId: order.id,
      externalNumber: '#1001',
      placedAt: '2026-11-02T10:00:00Z',
      currency: 'USD',
      totalMinor: '4895',
      payment: 'captured',
      requestedShippingMethod: 'standard',
      shipTo: {
        name: 'Demo Customer 1',
        line1: '1 Demo Street',
        region: 'OH',
        postalCode: '43215',
        country: 'US',
      },
      tags: ['vip', 'demo'],
      note: 'ring twice',
      cancelled: false,
    });
    expect(polled?.order?.lines).toEqual([
      {
        externalLineId: order.line_items[0]?.id,
        sku: 'DEMO-MUG',
        title: 'Mug (demo)',
        quantity: 2,
        unitPriceMinor: '1250',
        ships: true,
      },
      expect.objectContaining({ sku: 'DEMO-TEE', quantity: 1 }),
    ]);
  });

  it('brings an order of 300 lines whole', async () => {
    const line = (index: number) => ({ sku: `S${index}`, title: 'Many (demo)', quantity: 1, price: '1.00' });
    shop.shop.place(newOrder({ line_items: Array.from({ length: 300 }, (_, index) => line(index)) }));
    const [polled] = (await pollAll(null)).orders;
    expect(polled?.order?.lines.map(({ sku }) => sku)).toEqual(
      Array.from({ length: 300 }, (_, index) => `S${index}`),
    );
  });

  it('finds again what changed in the very second of the cursor', async () => {
    const first = shop.shop.place(newOrder());
    const { cursor } = await pollAll(null);
    const second = shop.shop.place(newOrder());
    later(120);
    const third = shop.shop.place(newOrder());
    const found = (await pollAll(cursor)).orders.map(({ externalId }) => externalId);
    expect(found).toEqual([first.id, second.id, third.id]);
  });

  it('leaves out what changed well before the cursor', async () => {
    shop.shop.place(newOrder());
    later(3_600);
    const fresh = shop.shop.place(newOrder());
    const { cursor } = await pollAll(null);
    expect((await pollAll(cursor)).orders.map(({ externalId }) => externalId)).toEqual([fresh.id]);
    expect((await pollAll(shopifyCursorSince(now))).orders).toHaveLength(1);
  });

  it('gives what was paid or cancelled in the same second a later version', async () => {
    const order = shop.shop.place(newOrder({ financial_status: 'pending' }));
    const version = async () => (await pollAll(null)).orders[0]?.order?.version as string;
    const versions = [await version()];
    shop.shop.pay(order.id);
    versions.push(await version());
    shop.shop.cancel(order.id);
    versions.push(await version());
    expect([...versions].sort()).toEqual(versions);
    expect(new Set(versions).size).toBe(3);
  });

  it('keeps a cancelled order with what was bought', async () => {
    const order = shop.shop.place(newOrder());
    shop.shop.cancel(order.id);
    const [polled] = (await pollAll(null)).orders;
    expect(polled?.order).toMatchObject({
      cancelled: true,
      payment: 'refunded',
      lines: [{ quantity: 2 }, {}],
    });
  });

  it('says of a fulfilled order that nothing is left', async () => {
    const order = shop.shop.place(newOrder());
    await shopifyConnector.pushTracking(account, parcelOf(order));
    expect((await pollAll(null)).orders[0]).toMatchObject({ order: null, reason: 'nothing_left_to_fulfil' });
  });

  it('refuses a cursor of somebody else', async () => {
    expect((await failure(shopifyConnector.pollOrders(account, 'eyJ4IjoxfQ'))).type).toBe('InvalidInput');
  });
});

describe('pushing tracking', () => {
  it('creates one fulfilment that the shop then shows', async () => {
    const order = shop.shop.place(newOrder());
    const result = await shopifyConnector.pushTracking(account, parcelOf(order));
    expect(result.alreadyThere).toBe(false);
    expect(fulfilments()).toEqual([
      expect.objectContaining({
        orderId: order.id,
        trackingNumber: '9400100000000000000001',
        trackingCompany: 'USPS',
      }),
    ]);
    expect(shop.shop.order(order.id)?.fulfillment_status).toBe('fulfilled');
  });

  it('writes nothing when repeated, and names the same fulfilment', async () => {
    const order = shop.shop.place(newOrder());
    const first = await shopifyConnector.pushTracking(account, parcelOf(order));
    const second = await shopifyConnector.pushTracking(account, parcelOf(order));
    expect(second).toEqual({ externalFulfilmentId: first.externalFulfilmentId, alreadyThere: true });
    expect(fulfilments()).toHaveLength(1);
  });

  const ambiguous = ['success_then_timeout', 'malformed_body'] as const;
  it.each(ambiguous)('after %s the repetition finds the one fulfilment', async (kind) => {
    const order = shop.shop.place(newOrder());
    shop.faults.set([{ kind, match: { operation: 'CreateFulfillment' }, times: 1 }]);
    const doubtful = { ...account, timeoutMs: 300 };
    expect((await failure(shopifyConnector.pushTracking(doubtful, parcelOf(order)))).type).toBe(
      'PartnerOutcomeUnknown',
    );
    expect((await shopifyConnector.pushTracking(account, parcelOf(order))).alreadyThere).toBe(true);
    expect(fulfilments()).toHaveLength(1);
  });

  it('a reset before the shop acted leads to one fulfilment on repetition', async () => {
    const order = shop.shop.place(newOrder());
    shop.faults.set([{ kind: 'connection_reset', match: { operation: 'CreateFulfillment' }, times: 1 }]);
    expect((await failure(shopifyConnector.pushTracking(account, parcelOf(order)))).type).toBe(
      'PartnerOutcomeUnknown',
    );
    expect((await shopifyConnector.pushTracking(account, parcelOf(order))).alreadyThere).toBe(false);
    expect(fulfilments()).toHaveLength(1);
  });

  it('two pushes of the last units at once make one fulfilment, and both succeed', async () => {
    const order = shop.shop.place(newOrder());
    const push = () => shopifyConnector.pushTracking(account, parcelOf(order));
    const results = await Promise.all([push(), push(), push(), push()]);
    expect(fulfilments()).toHaveLength(1);
    expect(new Set(results.map(({ externalFulfilmentId }) => externalFulfilmentId)).size).toBe(1);
  });

  it('two parcels share an order, each with its own units', async () => {
    const order = shop.shop.place(newOrder());
    const [mug, tee] = order.line_items.map(({ id }) => id) as [string, string];
    const first = parcelOf(order, { trackingNumber: 'A', lines: [{ externalLineId: mug, quantity: 1 }] });
    const rest = [
      { externalLineId: mug, quantity: 1 },
      { externalLineId: tee, quantity: 1 },
    ];
    await shopifyConnector.pushTracking(account, first);
    await shopifyConnector.pushTracking(account, parcelOf(order, { trackingNumber: 'B', lines: rest }));
    expect(fulfilments().map(({ lines }) => lines)).toEqual([
      [{ id: mug, quantity: 1 }],
      [
        { id: mug, quantity: 1 },
        { id: tee, quantity: 1 },
      ],
    ]);
  });

  it('a parcel of two locations becomes one fulfilment each, also when doubt fell between them', async () => {
    const [mug, tee] = newOrder().line_items;
    if (!mug || !tee) throw new Error('the order of the test has two lines');
    const order = shop.shop.place(newOrder({ line_items: [mug, { ...tee, location_id: '77' }] }));
    // The second of the two creations is the one that gets lost.
    const push = () => shopifyConnector.pushTracking({ ...account, timeoutMs: 300 }, parcelOf(order));
    shop.faults.set([
      {
        kind: 'server_error',
        match: { operation: 'CreateFulfillment' },
        probability: 0.5,
        times: 1,
        seed: 4,
      },
    ]);
    await failure(push());
    expect(fulfilments()).toHaveLength(1);
    await push();
    expect((await push()).alreadyThere).toBe(true);
    expect(fulfilments()).toHaveLength(2);
  });

  it('a fulfilment order on hold refuses for good and says so; released, the same push succeeds', async () => {
    const order = shop.shop.place(newOrder({ tags: 'demo-flaw-tracking-refused' }));
    const refused = await failure(shopifyConnector.pushTracking(account, parcelOf(order)));
    expect(refused).toMatchObject({ type: 'PartnerRejected', retryable: false });
    expect(refused.details['fulfillmentOrders']).toEqual([expect.objectContaining({ status: 'ON_HOLD' })]);
    shop.shop.setHold(order.id, false);
    expect((await shopifyConnector.pushTracking(account, parcelOf(order))).alreadyThere).toBe(false);
  });

  it('an order the shop does not know is refused for good', async () => {
    const order = shop.shop.place(newOrder());
    const refused = await failure(
      shopifyConnector.pushTracking(account, parcelOf(order, { externalOrderId: '1' })),
    );
    expect(refused).toMatchObject({ type: 'PartnerRejected', details: { code: 'ORDER_NOT_FOUND' } });
  });
});

describe('setting quantities', () => {
  const level = { inventoryItemId: '42', locationId: DEFAULT_LOCATION_ID };
  const update = (quantity: number, changeFromQuantity: number | null) => ({
    externalInventoryItemId: '42',
    externalLocationId: DEFAULT_LOCATION_ID,
    quantity,
    changeFromQuantity,
  });
  const available = () => shop.shop.level('42', DEFAULT_LOCATION_ID)?.available;
  beforeEach(() => shop.shop.setLevel({ ...level, available: 10 }));

  it('replaces the quantity we know of', async () => {
    await shopifyConnector.setQuantities(account, [update(7, 10)], 'k1');
    expect(available()).toBe(7);
  });

  it('a quantity that changed meanwhile is StaleQuantity, and nothing is written', async () => {
    shop.shop.setLevel({ ...level, available: 9 });
    const stale = await failure(shopifyConnector.setQuantities(account, [update(7, 10)], 'k1'));
    expect(stale).toMatchObject({
      type: 'StaleQuantity',
      details: { items: [{ externalInventoryItemId: '42' }] },
    });
    expect(available()).toBe(9);
  });

  it('null opts out of the comparison', async () => {
    await shopifyConnector.setQuantities(account, [update(3, null)], 'k1');
    expect(available()).toBe(3);
  });

  it('a repetition after a lost answer is not stale, and sets nothing a second time', async () => {
    shop.faults.set([{ kind: 'success_then_timeout', match: { operation: 'SetQuantities' }, times: 1 }]);
    const lost = shopifyConnector.setQuantities({ ...account, timeoutMs: 300 }, [update(7, 10)], 'k1');
    expect((await failure(lost)).type).toBe('PartnerOutcomeUnknown');
    await shopifyConnector.setQuantities(account, [update(7, 10)], 'k1');
    expect(shop.journal.facts('quantity_set')).toHaveLength(1);
  });

  it('a key used for something else is refused', async () => {
    await shopifyConnector.setQuantities(account, [update(7, 10)], 'k1');
    expect((await failure(shopifyConnector.setQuantities(account, [update(6, 7)], 'k1'))).type).toBe(
      'PartnerRejected',
    );
  });

  it('an item the shop no longer stocks is ListingGone', async () => {
    const gone = { ...update(1, null), externalInventoryItemId: '43' };
    expect((await failure(shopifyConnector.setQuantities(account, [gone], 'k1'))).type).toBe('ListingGone');
  });
});

describe('limits and refusals', () => {
  it('a throttled call is PartnerRateLimited with the time the bucket needs', async () => {
    shop.faults.set([{ kind: 'rate_limit', latencyMs: 2_500, times: 1 }]);
    const limited = await failure(shopifyConnector.pollOrders(account, null));
    expect(limited).toMatchObject({ type: 'PartnerRateLimited', retryAfterMs: 2_500 });
  });

  it('an exhausted bucket throttles by itself and fills again', async () => {
    await shop.close();
    ({ shop, account } = await startShop({ clock: () => now, pointsPerSecond: 50 }));
    for (let index = 0; index < 40; index += 1) shop.shop.place(newOrder());
    const drained = async () => {
      for (let call = 0; call < 50; call += 1) await shopifyConnector.pollOrders(account, null);
    };
    const limited = await failure(drained());
    expect(limited.type).toBe('PartnerRateLimited');
    later((limited.retryAfterMs ?? 0) / 1000);
    expect((await shopifyConnector.pollOrders(account, null)).orders).toHaveLength(10);
  });

  it('a wrong token is PartnerUnauthorised', async () => {
    const wrong = { ...account, credentials: { accessToken: 'nope' } };
    expect((await failure(shopifyConnector.pollOrders(wrong, null))).type).toBe('PartnerUnauthorised');
    expect((await failure(shopifyConnector.pollOrders({ ...account, credentials: {} }, null))).type).toBe(
      'PartnerUnauthorised',
    );
  });

  it('a server error is PartnerUnavailable on a read and PartnerOutcomeUnknown on a write', async () => {
    const order = shop.shop.place(newOrder());
    shop.faults.set([{ kind: 'server_error', times: 1 }]);
    expect((await failure(shopifyConnector.pollOrders(account, null))).type).toBe('PartnerUnavailable');
    shop.faults.set([{ kind: 'server_error', match: { operation: 'CreateFulfillment' }, times: 1 }]);
    expect((await failure(shopifyConnector.pushTracking(account, parcelOf(order)))).type).toBe(
      'PartnerOutcomeUnknown',
    );
  });
});
