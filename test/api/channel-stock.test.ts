/** What people see and change of the stock that channels show. The pushing itself is test/dispatcher/stock-sync. */
import { seedMerchant } from '../support/merchant';
import { makeChannelWorld } from './channel-world';
import { type RunningApi, startApi } from './running-api';

let api: RunningApi;
beforeAll(async () => {
  api = await startApi();
}, 60_000);
afterAll(() => api?.close());

async function shop() {
  const merchant = await seedMerchant(api.database, {
    warehouses: [{ code: 'W1' }, { code: 'W2' }],
    products: [
      { sku: 'A', stock: { W1: 20, W2: 5 } },
      { sku: 'B', stock: { W1: 7 } },
    ],
  });
  const world = await makeChannelWorld(api.database, merchant, 'A');
  const { key } = await api.makeKey(merchant.organisationId);
  const changed = async () =>
    (
      await api.database.withMerchants([merchant.merchantId], (tx) =>
        tx.rows<{ n: number }>({
          text: 'select count(*)::int as n from stock_change where merchant_id = $1 and warehouse_id is null',
          values: [merchant.merchantId],
        }),
      )
    )[0]?.n ?? 0;
  return {
    merchant,
    world,
    changed,
    get: (path: string) => api.ask('GET', path, { key }),
    send: (method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown, ifMatch?: string) =>
      api.ask(method, path, {
        key,
        body,
        ...(ifMatch === undefined ? {} : { headers: { 'if-match': ifMatch } }),
      }),
  };
}

test("a listing shows its rules over its connection's, and what the channel should have by them", async () => {
  const { world, merchant, get, send } = await shop();
  const connection = `/v1/channel-stock/${world.shopConnectionId}`;
  expect((await send('PATCH', connection, { buffer: 3, sharePercent: 50 })).json).toMatchObject({
    buffer: 3,
    sharePercent: 50,
    enabled: true,
    reconciled: null,
  });
  const listings = async () => (await get('/v1/channel-listings?sku=A')).json.items;
  // (25 − 3) × 50 %
  expect((await listings()).map((one: { wantedQuantity: number }) => one.wantedQuantity)).toEqual([11, 11]);
  const ruled = await send('PATCH', `/v1/channel-listings/${world.listingId}`, {
    buffer: 0,
    sharePercent: 100,
    cap: 9,
  });
  expect(ruled.json).toMatchObject({ wantedQuantity: 9, cap: 9, channelQuantity: null, lastPush: null });
  const here = merchant.warehouses[1]?.id;
  await send('POST', '/v1/channel-listings', {
    connectionId: world.shopConnectionId,
    listings: [
      { externalItemId: 'case of two', sku: 'A', units: 2, warehouseId: here, buffer: 0, sharePercent: 100 },
    ],
  });
  const [ofCase] = (await listings()).filter(
    (one: { externalItemId: string }) => one.externalItemId === 'case of two',
  );
  expect(ofCase).toMatchObject({ units: 2, warehouseId: here, wantedQuantity: 2 });
  const paused = await send('PATCH', `/v1/channel-listings/${world.listingId}`, { paused: true });
  expect(paused.json).toMatchObject({ paused: true, wantedQuantity: 0 });
});

test('whatever changes what is shown is noted for the pusher, with the change', async () => {
  const { world, changed, send } = await shop();
  const before = await changed();
  await send('PATCH', `/v1/channel-listings/${world.listingId}`, { cap: 1 });
  const capped = await changed();
  await send('PATCH', `/v1/channel-stock/${world.shopConnectionId}`, { minDisplay: 2 });
  expect([capped - before, (await changed()) - capped]).toEqual([1, 1]);
});

test('a stale version changes nothing: 412', async () => {
  const { world, send } = await shop();
  const path = `/v1/channel-listings/${world.listingId}`;
  const first = await send('PATCH', path, { cap: 5 });
  const stale = await send('PATCH', path, { cap: 6 }, '"1"');
  expect([first.status, stale.status, stale.json.type]).toEqual([
    200,
    412,
    expect.stringContaining('stale-version'),
  ]);
  expect(
    (await send('PATCH', path, { minDisplay: 1 }, first.headers.get('etag') as string)).json,
  ).toMatchObject({
    cap: 5,
    minDisplay: 1,
  });
});

test('listings are saved all or none, and what does not exist is named', async () => {
  const { world, get, send } = await shop();
  const save = (listings: unknown[], connectionId: string = world.shopConnectionId) =>
    send('POST', '/v1/channel-listings', { connectionId, listings });
  const refused = await save([
    { externalItemId: 'b', sku: 'B' },
    { externalItemId: 'c', sku: 'NO-SUCH' },
  ]);
  expect([refused.status, refused.json.errors]).toEqual([
    422,
    [{ pointer: '/listings/1/sku', message: 'there is no such product' }],
  ]);
  expect((await get('/v1/channel-listings?sku=B')).json.items).toEqual([]);
  expect((await save([{ externalItemId: 'b', sku: 'B' }])).json.listings).toEqual([
    { id: expect.any(String), externalItemId: 'b', created: true },
  ]);
  expect((await save([{ externalItemId: 'b', sku: 'B', cap: 2 }])).json.listings).toMatchObject([
    { created: false },
  ]);
  expect(
    (
      await save([
        { externalItemId: 'x', sku: 'B' },
        { externalItemId: 'x', sku: 'A' },
      ])
    ).status,
  ).toBe(422);
  // An API client's own connection takes no quantities.
  expect((await save([{ externalItemId: 'x', sku: 'B' }], world.listingId)).status).toBe(422);
});

test('a deleted listing is gone, and reading back is asked for once and for all', async () => {
  const { world, get, send } = await shop();
  expect((await send('DELETE', `/v1/channel-listings/${world.listingToDelete}`)).status).toBe(204);
  expect((await send('DELETE', `/v1/channel-listings/${world.listingToDelete}`)).status).toBe(404);
  expect((await get('/v1/channel-listings')).json.items).toHaveLength(1);
  expect((await send('POST', `/v1/channel-stock/${world.shopConnectionId}/reconcile`)).status).toBe(204);
  expect((await send('POST', `/v1/channel-stock/${world.listingId}/reconcile`)).status).toBe(404);
});
