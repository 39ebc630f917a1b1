import { randomUUID } from 'node:crypto';
import { scanPick } from '../../../commands/floor/scan-pick';
import { Intake } from '../../../commands/intake/intake';
import { type AdjustmentLine, adjustStock } from '../../../commands/stock/adjust-stock';
import { Database } from '../../../db/client';
import { stepKey } from '../../../domain/step-key';
import { bookErrors, claim, plannedOrder, rowsOf, staff, warehouseOf } from '../../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../../support/merchant';
import { demoOrder, placeOrder } from '../../support/order';
import { type TestDatabase, testDatabase } from '../../support/postgres';

let server: TestDatabase;
let database: Database;

beforeAll(async () => {
  server = await testDatabase();
  database = new Database({ appUrl: server.appUrl, systemUrl: server.systemUrl, poolSize: 12 });
});
afterAll(async () => {
  await database.close();
  await server.drop();
});

const adjust = (
  merchant: SeededMerchant,
  lines: readonly AdjustmentLine[],
  causeId: string = randomUUID(),
  kind: 'adjustment' | 'write_off' = 'adjustment',
) =>
  adjustStock(database, {
    merchantId: merchant.merchantId,
    causeId,
    kind,
    warehouseId: warehouseOf(merchant).id,
    reason: 'counted',
    actor: 'test',
    lines,
  });

async function stock(merchant: SeededMerchant, sku = 'A') {
  const [row] = await rowsOf<{ stock: number[] }>(
    database,
    merchant,
    'select json_build_array(on_hand, held, reserved) as stock from stock_balance where product_id = $1',
    [merchant.products.get(sku)],
  );
  return row?.stock;
}

const parts = (merchant: SeededMerchant) =>
  rowsOf<{ order_id: string; state: string }>(
    database,
    merchant,
    'select order_id, state from fulfilment_order order by order_id, number',
  );

const woken = (merchant: SeededMerchant, cause: string) =>
  rowsOf<{ order_id: string }>(
    database,
    merchant,
    `select order_id from outbox where payload ->> 'signal' = 'resume' and payload -> 'args' -> 0 ->> 'cause' = $1`,
    [cause],
  ).then((rows) => rows.map((row) => row.order_id));

describe('adjusting stock', () => {
  it('posts a cause once, whoever repeats or races it', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 10 }] });
    const lines = [{ sku: 'A', locationCode: 'A-01-02', delta: 5 }];
    const answers = await Promise.all([1, 2, 3, 4].map(() => adjust(merchant, lines, 'count-1')));
    answers.push(await adjust(merchant, lines, 'count-1'));
    expect(answers.filter((answer) => answer.posted)).toHaveLength(1);
    for (const answer of answers) expect(answer.lines).toEqual(answers[0]?.lines);
    expect(await stock(merchant)).toEqual([15, 0, 0]);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('writes off what is there, reports the rest and opens an exception for it', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 10 }] });
    const answer = await adjust(merchant, [{ sku: 'A', delta: -12 }], 'loss-1', 'write_off');
    expect(answer.lines).toEqual([{ productId: merchant.products.get('A'), requested: -12, posted: -10 }]);
    expect(await stock(merchant)).toEqual([0, 0, 0]);
    const open = await rowsOf(database, merchant, 'select reason, key from exception');
    expect(open).toEqual([{ reason: 'write_off_short', key: 'write_off_short:loss-1:1' }]);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('keeps goods in quarantine, damaged and at the dock from being sold', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 4 }] });
    await adjust(merchant, [
      { sku: 'A', locationCode: 'QUAR-1', delta: 1 },
      { sku: 'A', locationCode: 'DAM-1', delta: 2 },
      { sku: 'A', locationCode: 'DOCK-1', delta: 3 },
    ]);
    expect(await stock(merchant)).toEqual([10, 6, 0]);
    const { orderId } = await placeOrder(database, merchant, demoOrder([{ sku: 'A', quantity: 5 }]));
    const request = { merchantId: merchant.merchantId, orderId, stepKey: stepKey(orderId, 'intake') };
    expect(await new Intake(database).run(request)).toMatchObject({
      kind: 'blocked',
      reason: 'out_of_stock',
    });
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('wakes the orders that wait for goods that come', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 1 }] });
    const { orderId } = await placeOrder(database, merchant, demoOrder([{ sku: 'A', quantity: 2 }]));
    const intake = new Intake(database);
    await intake.run({ merchantId: merchant.merchantId, orderId, stepKey: stepKey(orderId, 'intake') });
    await adjust(merchant, [{ sku: 'A', locationCode: 'A-01-01', delta: 1 }]);
    expect(await woken(merchant, 'stock_arrived')).toEqual([orderId]);
  });

  it('takes reservations back from the latest promise on, cancels their work and wakes their orders', async () => {
    const merchant = await seedMerchant(database, {
      products: [
        { sku: 'A', stock: 6 },
        { sku: 'B', stock: 5 },
      ],
    });
    const early = await plannedOrder(database, merchant, [{ sku: 'A', quantity: 3 }]);
    const late = await plannedOrder(database, merchant, [
      { sku: 'A', quantity: 3 },
      { sku: 'B', quantity: 2 },
    ]);
    await rowsOf(
      database,
      merchant,
      `update sales_order set ship_by = '2026-03-05' where id = $1 returning id`,
      [early],
    );
    await rowsOf(
      database,
      merchant,
      `update sales_order set ship_by = '2026-03-09' where id = $1 returning id`,
      [late],
    );
    const answer = await adjust(merchant, [{ sku: 'A', delta: -2 }]);
    expect(answer.lines).toMatchObject([{ posted: -2 }]);
    expect(await stock(merchant, 'A')).toEqual([4, 0, 3]);
    expect(await stock(merchant, 'B')).toEqual([5, 0, 0]);
    const reservations = await rowsOf(
      database,
      merchant,
      'select order_id, quantity, state from reservation order by order_id, quantity desc',
    );
    expect(reservations).toEqual([
      { order_id: early, quantity: 3, state: 'allocated' },
      { order_id: late, quantity: 3, state: 'taken_back' },
      { order_id: late, quantity: 2, state: 'released' },
    ]);
    expect(await parts(merchant)).toEqual([
      { order_id: early, state: 'released' },
      { order_id: late, state: 'cancelled' },
    ]);
    const tasks = await rowsOf(database, merchant, 'select order_id, state from task order by order_id');
    expect(tasks).toEqual([
      { order_id: early, state: 'open' },
      { order_id: late, state: 'cancelled' },
    ]);
    expect(await woken(merchant, 'stock_taken_back')).toEqual([late]);
    expect(await bookErrors(database, merchant)).toEqual([]);

    const request = { merchantId: merchant.merchantId, orderId: late, stepKey: stepKey(late, 'intake', 2) };
    expect(await new Intake(database).run(request)).toMatchObject({
      kind: 'blocked',
      reason: 'out_of_stock',
    });
  });

  it('never takes from a person what he has picked: that much less is posted', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 3 }] });
    await plannedOrder(database, merchant, [{ sku: 'A', quantity: 2 }]);
    const task = await claim(database, merchant, 'pick');
    const scan = { taskId: task.taskId, code: 'A', locationCode: 'A-01-01' };
    await scanPick(database, staff(merchant), { ...scan, eventId: randomUUID() });
    const answer = await adjust(merchant, [{ sku: 'A', delta: -3 }]);
    expect(answer.lines).toMatchObject([{ requested: -3, posted: -1 }]);
    expect(await stock(merchant)).toEqual([2, 0, 2]);
    await expect(
      scanPick(database, staff(merchant), { ...scan, eventId: randomUUID() }),
    ).resolves.toMatchObject({ taskState: 'done' });
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('keeps losses, picks and plans consistent while they race', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 40 }], persons: 4 });
    const orderIds = [];
    for (let n = 0; n < 20; n += 1)
      orderIds.push((await placeOrder(database, merchant, demoOrder([{ sku: 'A', quantity: 2 }]))).orderId);
    const intakes = [new Intake(database), new Intake(database)];
    const plans = orderIds.map((orderId, n) =>
      intakes[n % 2]?.run({ merchantId: merchant.merchantId, orderId, stepKey: stepKey(orderId, 'intake') }),
    );
    const losses = Array.from({ length: 10 }, () => adjust(merchant, [{ sku: 'A', delta: -2 }]));
    const answers = await Promise.all([...losses, ...plans]);
    expect(answers).toHaveLength(30);
    expect(await stock(merchant)).toMatchObject({ 0: 20, 1: 0 });
    const [row] = await rowsOf<{ reserved: number; live: number }>(
      database,
      merchant,
      `select reserved, (select count(*)::int from fulfilment_order where state = 'released') as live from stock_balance`,
    );
    expect(row?.reserved).toBeLessThanOrEqual(20);
    expect(row?.reserved).toBe((row?.live ?? 0) * 2);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('refuses a place where goods do not rest, an unknown one, and what belongs to another merchant', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 1 }] });
    const other = await seedMerchant(database);
    const gain = (line: Partial<AdjustmentLine>) => adjust(merchant, [{ sku: 'A', delta: 1, ...line }]);
    await expect(gain({ locationCode: 'PACK-1' })).rejects.toMatchObject({ type: 'InvalidInput' });
    await expect(gain({})).rejects.toMatchObject({ type: 'InvalidInput' });
    await expect(gain({ locationCode: 'NOWHERE' })).rejects.toMatchObject({ type: 'NotFound' });
    await expect(gain({ locationId: warehouseOf(other).bins[0]?.id ?? '' })).rejects.toMatchObject({
      type: 'NotFound',
    });
    await expect(
      adjustStock(database, {
        merchantId: merchant.merchantId,
        causeId: randomUUID(),
        kind: 'adjustment',
        warehouseId: warehouseOf(other).id,
        reason: 'test',
        actor: 'test',
        lines: [{ sku: 'A', delta: -1 }],
      }),
    ).rejects.toMatchObject({ type: 'NotFound' });
    expect(await stock(merchant)).toEqual([1, 0, 0]);
  });
});
