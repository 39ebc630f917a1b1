/** Stock as callers see and change it: its states, its past, corrections with their approval, transfers, recalls. */
import { adjustStock } from '../../commands/stock/adjust-stock';
import { postMovements } from '../../commands/stock/post-movements';
import { plannedOrder, warehouseOf } from '../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { type Reply, type RunningApi, startApi } from './running-api';

let api: RunningApi;
beforeAll(async () => {
  api = await startApi();
}, 60_000);
afterAll(() => api?.close());

interface Shop {
  readonly merchant: SeededMerchant;
  get(path: string): Promise<Reply>;
  post(path: string, body: unknown, idempotencyKey?: string): Promise<Reply>;
}

async function shop(): Promise<Shop> {
  const merchant = await seedMerchant(api.database, {
    warehouses: [{ code: 'W1' }, { code: 'W2' }],
    products: [
      { sku: 'A', stock: { W1: 20 } },
      { sku: 'B', unitCostMinor: 250 },
    ],
  });
  const { key } = await api.makeKey(merchant.organisationId);
  return {
    merchant,
    get: (path) => api.ask('GET', path, { key }),
    post: (path, body, idempotencyKey) =>
      api.ask('POST', path, { key, body, ...(idempotencyKey === undefined ? {} : { idempotencyKey }) }),
  };
}

const gain = (merchant: SeededMerchant, locationCode: string, delta: number, lotCode?: string) => ({
  warehouseId: warehouseOf(merchant).id,
  reason: 'counted',
  reasonCode: 'counted',
  lines: [{ sku: 'A', locationCode, delta, lotCode: lotCode ?? 'L0' }],
});

test('the states of many SKUs come in one call, each unit in one of them', async () => {
  const { merchant, get, post } = await shop();
  await plannedOrder(api.database, merchant, [{ sku: 'A', quantity: 3 }]);
  for (const [place, units, lot] of [
    ['QUAR-1', 1],
    ['DAM-1', 2],
    ['DOCK-1', 4],
    ['A-01-02', 5, 'BAD'],
  ] as const)
    expect((await post('/v1/stock/adjustments', gain(merchant, place, units, lot))).status).toBe(201);
  expect((await post('/v1/lots/recall', { sku: 'A', lotCode: 'BAD', reason: 'unsafe' })).json).toMatchObject({
    unitsHeld: 5,
    ordersTakenBack: [],
  });
  const transfer = await post('/v1/transfers', {
    fromWarehouseId: merchant.warehouses[0]?.id,
    toWarehouseId: merchant.warehouses[1]?.id,
    reason: 'rebalance',
    reference: 'T-1',
    lines: [{ sku: 'A', quantity: 7 }],
  });
  expect(transfer.json).toMatchObject({ state: 'requested', lines: [{ awaited: 7 }] });
  const sent = await post(`/v1/transfers/${transfer.json.id}/dispatch`, {
    lines: [{ sku: 'A', quantity: 6, fromLocationCode: 'A-01-01' }],
  });
  expect(sent.json).toMatchObject({ state: 'in_transit', contents: [{ outstanding: 6 }] });

  const { json } = await get('/v1/stock/levels?sku=A&sku=B&sku=GONE');
  const common = { merchantId: merchant.merchantId, productId: merchant.products.get('A'), sku: 'A' };
  const none = { quarantined: 0, damaged: 0, atDock: 0, recalled: 0, expired: 0 };
  expect(json).toEqual({
    items: [
      {
        ...common,
        ...none,
        warehouseId: merchant.warehouses[0]?.id,
        warehouseCode: 'W1',
        onHand: 26,
        held: 12,
        quarantined: 1,
        damaged: 2,
        atDock: 4,
        recalled: 5,
        reserved: 3,
        available: 11,
        inTransit: 0,
        incoming: 0,
      },
      {
        ...common,
        ...none,
        warehouseId: merchant.warehouses[1]?.id,
        warehouseCode: 'W2',
        onHand: 0,
        held: 0,
        reserved: 0,
        available: 0,
        inTransit: 6,
        incoming: 1,
      },
    ],
    unknown: ['GONE'],
  });
  expect((await get('/v1/stock/levels')).status).toBe(400);
  expect(
    (await get(`/v1/stock/levels?${'sku=A&'.repeat(10)}warehouseId=${merchant.warehouses[1]?.id}`)).json
      .items,
  ).toHaveLength(1);
});

test('the past is told as it was at that moment, wherever the goods were', async () => {
  const { merchant, get } = await shop();
  const { merchantId } = merchant;
  const [here, there] = merchant.warehouses;
  const productId = merchant.products.get('B') ?? '';
  const at = (day: number, hour: number) => new Date(Date.UTC(2026, 2, day, hour));
  await adjustStock(api.database, {
    merchantId,
    causeId: 'past-opening',
    kind: 'opening',
    warehouseId: here?.id ?? '',
    reason: 'opening',
    actor: 'test',
    occurredAt: at(1, 8),
    lines: [{ sku: 'B', locationCode: 'A-01-01', delta: 10 }],
  });
  const post = (causeId: string, occurredAt: Date, from: string, to: string, quantity: number) =>
    api.database.withMerchants([merchantId], (tx) =>
      postMovements(tx, [
        {
          merchantId,
          causeId,
          kind: 'move',
          actor: 'test',
          occurredAt,
          lines: [{ productId, lotCode: '', quantity, fromLocationId: from, toLocationId: to }],
        },
      ]),
    );
  const bin = here?.bins[0]?.id ?? '';
  await post('past-damage', at(3, 11), bin, here?.damagedId ?? '', 2);
  await post('past-over', at(3, 13), bin, there?.bins[0]?.id ?? '', 5);
  // Booked late for an earlier day: the past is by when it happened.
  await post('past-late', at(2, 9), bin, merchant.customerPlaceId, 1);

  const stock = async (time: string) =>
    (await get(`/v1/stock/as-of?sku=B&at=${encodeURIComponent(time)}`)).json.items.map(
      (item: Record<string, unknown>) => [item.warehouseCode, item.onHand, item.held, item.damaged],
    );
  expect(await stock('2026-03-01T07:59:59Z')).toEqual([]);
  expect(await stock('2026-03-01T09:00:00+01:00')).toEqual([['W1', 10, 0, 0]]);
  expect(await stock('2026-03-03T12:00:00Z')).toEqual([['W1', 9, 2, 2]]);
  expect(await stock('2026-04-01T00:00:00Z')).toEqual([
    ['W1', 4, 2, 2],
    ['W2', 5, 0, 0],
  ]);
  const now = (await get('/v1/stock/levels?sku=B')).json.items;
  expect(now.map((item: Record<string, unknown>) => [item.warehouseCode, item.onHand, item.held])).toEqual([
    ['W1', 4, 2],
    ['W2', 5, 0],
  ]);
  expect((await get('/v1/stock/as-of?sku=B&at=2026-03-03T12:00:00')).status).toBe(400);
});

test('a correction above the limit waits for another key with the right to approve', async () => {
  const { merchant, get, post } = await shop();
  const { key: owner } = await api.makeKey(merchant.organisationId);
  const patch = await api.ask('PATCH', `/v1/merchants/${merchant.merchantId}`, {
    key: owner,
    body: { adjustmentLimitUnits: 5, adjustmentLimitMinor: '100000' },
  });
  expect(patch.json).toMatchObject({ adjustmentLimitUnits: 5, adjustmentLimitMinor: '100000' });
  const body = { ...gain(merchant, 'A-01-01', 9), reasonCode: 'found' };
  const asked = await post('/v1/stock/adjustments', body, 'adjust-1');
  expect([asked.status, asked.json.state, asked.json.lines[0].posted]).toEqual([201, 'pending', null]);
  expect((await post('/v1/stock/adjustments', body, 'adjust-1')).json).toEqual(asked.json);
  const approve = `/v1/stock/adjustments/${asked.json.adjustmentId}/approve`;
  const own = await post(approve, { reason: 'mine' });
  expect([own.status, own.json.state]).toEqual([409, 'pending']);
  const approved = await api.ask('POST', approve, { key: owner, body: { reason: 'seen it' } });
  expect(approved.json).toMatchObject({
    state: 'posted',
    units: 9,
    valueMinor: '4500',
    lines: [{ sku: 'A', locationCode: 'A-01-01', delta: 9, posted: 9 }],
  });
  expect((await get('/v1/stock/adjustments?state=pending')).json.items).toEqual([]);
  const [entry] = (await get('/v1/stock/A/ledger')).json.items;
  expect(entry).toMatchObject({ causeId: asked.json.causeId, reasonCode: 'found', change: 9 });
  const wrong = await post('/v1/stock/adjustments', { ...body, reasonCode: 'stolen' });
  expect([wrong.status, wrong.json.detail]).toEqual([422, 'the reason stolen is none for 9 units']);
});

test('a move names how many units there are to move; a transfer of the same number is refused', async () => {
  const { merchant, post } = await shop();
  const move = {
    warehouseId: warehouseOf(merchant).id,
    reason: 'tidied',
    lines: [{ sku: 'A', quantity: 21, fromLocationCode: 'A-01-01', toLocationCode: 'A-01-02' }],
  };
  const refused = await post('/v1/stock/moves', move);
  expect([refused.status, refused.json.detail]).toEqual([422, 'A-01-01 has 20 units that may be moved']);
  const nowhere = await post('/v1/stock/moves', {
    ...move,
    lines: [{ ...move.lines[0], quantity: 1, toLocationCode: 'NOWHERE' }],
  });
  expect([nowhere.status, nowhere.json.type]).toEqual([422, expect.stringMatching(/invalid-reference$/)]);
  const transfer = {
    fromWarehouseId: merchant.warehouses[0]?.id,
    toWarehouseId: merchant.warehouses[1]?.id,
    reference: 'SAME',
    reason: 'rebalance',
    lines: [{ sku: 'A', quantity: 1 }],
  };
  expect((await post('/v1/transfers', transfer)).status).toBe(201);
  expect((await post('/v1/transfers', transfer)).status).toBe(422);
});

test('a recalled lot is listed with its holds, and let go again', async () => {
  const { merchant, get, post } = await shop();
  await post('/v1/stock/adjustments', gain(merchant, 'A-01-01', 5, 'X/1'));
  await post('/v1/lots/recall', { sku: 'A', lotCode: 'X/1', reason: 'unsafe' });
  const [lot] = (await get('/v1/lots?sku=A&held=true')).json.items;
  expect(lot).toMatchObject({
    lotCode: 'X/1',
    onHand: 5,
    held: true,
    holds: [{ kind: 'recall', reason: 'unsafe', liftedAt: null }],
  });
  expect((await get('/v1/lots/orders?sku=A&lotCode=X%2F1')).json.items).toEqual([]);
  expect((await post('/v1/lots/lift', { sku: 'A', lotCode: 'X/1', reason: 'tested' })).json).toEqual({
    unitsFreed: 5,
  });
  expect((await post('/v1/lots/lift', { sku: 'A', lotCode: 'X/1', reason: 'tested' })).status).toBe(409);
  expect((await post('/v1/lots/lift', { sku: 'A', lotCode: 'NEVER', reason: 'tested' })).status).toBe(422);
  expect((await get('/v1/lots?held=true')).json.items).toEqual([]);
});
