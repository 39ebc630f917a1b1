/** The books of lots, corrections and transfers: proved while others write, found out when tampered with, made again. */
import { randomUUID } from 'node:crypto';
import { checkIn, runCheck } from '../../checks/check';
import { rebuild } from '../../checks/rebuild';
import { Intake } from '../../commands/intake/intake';
import { adjustStock } from '../../commands/stock/adjust-stock';
import { holdLot, liftHold } from '../../commands/stock/hold-lot';
import { moveStock } from '../../commands/stock/move-stock';
import { requestAdjustment } from '../../commands/stock/request-adjustment';
import { dispatchTransfer, receiveTransfer, requestTransfer } from '../../commands/stock/transfer';
import { isFailure } from '../../domain/failure-types';
import { stepKey } from '../../domain/step-key';
import { seedMerchant } from '../support/merchant';
import { demoOrder, placeOrder } from '../support/order';
import { makeWorld, type World } from './world';

let world: World;
let shop: Awaited<ReturnType<typeof seedMerchant>>;
beforeAll(async () => {
  world = await makeWorld();
  shop = await seedMerchant(world.database, {
    warehouses: [{ code: 'W1' }, { code: 'W2' }],
    products: [{ sku: 'A', stock: { W1: 400, W2: 100 } }],
  });
}, 60_000);
afterAll(() => world.drop());

const here = () => shop.warehouses[0]?.id ?? '';
const there = () => shop.warehouses[1]?.id ?? '';
const lot = () => ({ merchantId: shop.merchantId, productId: shop.products.get('A') ?? '', lotCode: 'L1' });

/** What writers do at random: all of it moves stock, some of it takes it from others. */
const WRITES: readonly (() => Promise<unknown>)[] = [
  () => gain(3),
  () => gain(2, 'L1'),
  () => lose(-4),
  plan,
  plan,
  plan,
  () => holdLot(world.database, { ...lot(), kind: 'recall', reason: 'unsafe', actor: 'test' }),
  () => liftHold(world.database, { ...lot(), kind: 'recall', reason: 'safe', actor: 'test' }),
  () =>
    moveStock(world.database, {
      ...act(),
      warehouseId: here(),
      lines: [{ sku: 'A', quantity: 2, fromCode: 'A-01-01', toCode: 'DAM-1' }],
    }),
  () =>
    moveStock(world.database, {
      ...act(),
      warehouseId: here(),
      lines: [{ sku: 'A', quantity: 1, fromCode: 'DAM-1', toCode: 'A-01-02' }],
    }),
  transfer,
];

const EXPECTED: ReadonlySet<string> = new Set(['InvalidInput', 'IllegalTransition', 'NotFound']);

const act = () => ({ merchantId: shop.merchantId, causeId: randomUUID(), reason: 'test', actor: 'test' });

const gain = (delta: number, lotCode?: string) =>
  adjustStock(world.database, {
    ...act(),
    kind: 'adjustment',
    warehouseId: here(),
    lines: [{ sku: 'A', locationCode: 'A-01-01', delta, ...(lotCode === undefined ? {} : { lotCode }) }],
  });

const lose = (delta: number) =>
  requestAdjustment(world.database, {
    ...act(),
    kind: 'write_off',
    reasonCode: 'lost',
    warehouseId: here(),
    lines: [{ sku: 'A', delta }],
  });

async function plan(): Promise<void> {
  const { orderId } = await placeOrder(world.database, shop, demoOrder([{ sku: 'A', quantity: 3 }]));
  await new Intake(world.database).run({
    merchantId: shop.merchantId,
    orderId,
    stepKey: stepKey(orderId, 'intake'),
  });
}

async function transfer(units = 2): Promise<string> {
  const { transferId } = await requestTransfer(world.database, {
    merchantId: shop.merchantId,
    key: randomUUID(),
    reference: null,
    fromWarehouseId: here(),
    toWarehouseId: there(),
    expectedAt: null,
    reason: 'test',
    actor: 'test',
    lines: [{ sku: 'A', quantity: units }],
  });
  const posting = { merchantIds: [shop.merchantId], transferId, actor: 'test' };
  const line = { sku: 'A', quantity: units };
  await dispatchTransfer(world.database, {
    ...posting,
    key: 'out',
    lines: [{ ...line, fromCode: 'A-01-01' }],
  });
  await receiveTransfer(world.database, {
    ...posting,
    key: 'in',
    lines: [{ ...line, quantity: units - 1, toCode: 'A-01-01' }],
  });
  return transferId;
}

test('ledger and balances agree at every instant at which they are looked at, while eight writers write', async () => {
  let writing = true;
  let written = 0;
  const writer = async (seed: number): Promise<void> => {
    for (let n = seed; writing; n += 1) {
      try {
        await WRITES[(n * 7 + seed) % WRITES.length]?.();
        written += 1;
      } catch (error) {
        // Nothing is left to move, the lot has not come, or another writer lifted the recall.
        if (!isFailure(error) || !EXPECTED.has(error.type)) throw error;
      }
    }
  };
  const writers = Array.from({ length: 8 }, (_, seed) => writer(seed));
  const stock = new Set(['1', '2', '3']);
  for (let look = 0; look < 12; look += 1) {
    const before = written;
    const report = await runCheck(world.urls.checkUrl);
    expect(report.findings.filter(({ invariant, ok }) => stock.has(invariant) && !ok)).toEqual([]);
    while (written < before + 10) await new Promise((resolve) => setImmediate(resolve));
  }
  writing = false;
  await Promise.all(writers);
  expect(written).toBeGreaterThan(120);
}, 120_000);

describe('tampering', () => {
  beforeAll(async () => {
    await gain(5, 'L1');
    await gain(50);
    await lose(-1);
    await transfer(5);
  });

  test.each([
    [
      'a unit lost between warehouses',
      'update stock_transfer_content set received = received + 1 where outstanding > 0',
      'ledger and transfer differ',
    ],
    [
      'a correction that was never posted',
      "update stock_adjustment set state = 'rejected'",
      'a correction and the ledger differ',
    ],
    [
      'a correction posted otherwise',
      'update stock_adjustment_line set posted = posted - 1',
      'a correction and the ledger differ',
    ],
    ['a lot held by nobody', 'update lot set held = not held', 'a lot and its holds differ'],
  ])('%s is caught', async (_what, sql, says) => {
    const report = await world.tampered([sql], (tx) => checkIn(tx));
    expect(report.findings.find(({ invariant }) => invariant === '2')?.detail.join('\n')).toContain(says);
  });

  test('holds of lots and what is on the road are made again, and said', async () => {
    const run = (text: string) => world.database.withMerchants([shop.merchantId], (tx) => tx.run({ text }));
    const state = () =>
      world.database.withMerchants([shop.merchantId], (tx) =>
        tx.rows({
          text: `select (select json_agg(c order by c.transfer_id) from stock_transfer_content c) as contents,
            (select json_agg(l order by l.transfer_id) from stock_transfer_line l) as lines,
            (select json_agg(l) from lot l) as lots, (select json_agg(b order by b.warehouse_id) from stock_balance b) as stock`,
        }),
      );
    const before = await state();
    await run('update lot set held = not held');
    await run('update stock_transfer_content set received = 0, lost = 0');
    await run('update stock_transfer_line set awaited = requested');
    const { differences } = await rebuild(world.urls);
    expect(differences.map(({ table, fixed }) => [table, fixed])).toEqual(
      expect.arrayContaining([
        ['lot', true],
        ['stock_transfer_content', true],
      ]),
    );
    expect(await state()).toEqual(before);
    expect((await rebuild(world.urls)).differences).toEqual([]);
  });
});
