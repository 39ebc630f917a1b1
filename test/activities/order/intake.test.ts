import { randomUUID } from 'node:crypto';
import { cancelOrder } from '../../../commands/cancel-order';
import { holdOrder, releaseHold } from '../../../commands/hold-order';
import { Intake, type IntakeOutcome } from '../../../commands/intake/intake';
import { adjustStock } from '../../../commands/stock/adjust-stock';
import { Database } from '../../../db/client';
import { stepKey } from '../../../domain/step-key';
import { type SeededMerchant, seedMerchant } from '../../support/merchant';
import { demoOrder, placeOrder } from '../../support/order';
import { type TestDatabase, testDatabase } from '../../support/postgres';

let server: TestDatabase;
let database: Database;

beforeAll(async () => {
  server = await testDatabase();
  database = new Database({ appUrl: server.appUrl, systemUrl: server.systemUrl, poolSize: 8 });
});
afterAll(async () => {
  await database.close();
  await server.drop();
});

async function rows<Row extends Record<string, unknown>>(
  merchant: SeededMerchant,
  text: string,
  values: unknown[] = [],
) {
  return database.withMerchants([merchant.merchantId], (tx) => tx.rows<Row>({ text, values }));
}

const takeIn = (intake: Intake, merchant: SeededMerchant, orderId: string, n = 1): Promise<IntakeOutcome> =>
  intake.run({ merchantId: merchant.merchantId, orderId, stepKey: stepKey(orderId, 'intake', n) });

async function place(merchant: SeededMerchant, lines: Parameters<typeof demoOrder>[0], change = {}) {
  return (await placeOrder(database, merchant, demoOrder(lines, change))).orderId;
}

async function balance(merchant: SeededMerchant, sku: string) {
  const [row] = await rows<{ on_hand: number; reserved: number; allocated: number; held_units: number }>(
    merchant,
    `select b.on_hand, b.reserved,
       (select coalesce(sum(allocated), 0)::int from bin_balance x where x.product_id = b.product_id) as allocated,
       (select coalesce(sum(quantity), 0)::int from reservation r where r.product_id = b.product_id
          and r.state in ('held', 'allocated')) as held_units
     from stock_balance b where b.product_id = $1`,
    [merchant.products.get(sku)],
  );
  return row;
}

describe('intake', () => {
  it('plans, reserves, binds bins and opens a pick task in one step', async () => {
    const merchant = await seedMerchant(database, {
      products: [
        { sku: 'A', stock: 10 },
        { sku: 'B', stock: 5 },
      ],
    });
    const orderId = await place(merchant, [
      { sku: 'A', quantity: 3 },
      { sku: 'B', quantity: 1 },
    ]);
    const outcome = await takeIn(new Intake(database), merchant, orderId);
    expect(outcome).toMatchObject({
      kind: 'planned',
      waiting: false,
      fulfilmentOrders: [{ wms: 'built_in' }],
    });
    expect(await balance(merchant, 'A')).toEqual({ on_hand: 10, reserved: 3, allocated: 3, held_units: 3 });
    const tasks = await rows(merchant, 'select kind, state from task where order_id = $1', [orderId]);
    expect(tasks).toEqual([{ kind: 'pick', state: 'open' }]);
    const [order] = await rows(
      merchant,
      'select state, blocked_reason, ship_by from sales_order where id = $1',
      [orderId],
    );
    expect(order).toMatchObject({ state: 'planned', blocked_reason: null, ship_by: expect.any(Date) });
  });

  it('answers a rerun with the recorded outcome and reserves nothing twice', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 10 }] });
    const orderId = await place(merchant, [{ sku: 'A', quantity: 4 }]);
    const first = await takeIn(new Intake(database), merchant, orderId);
    const again = await Promise.all([1, 2, 3].map(() => takeIn(new Intake(database), merchant, orderId)));
    for (const outcome of again) expect(outcome).toEqual(first);
    expect(await balance(merchant, 'A')).toMatchObject({ reserved: 4, held_units: 4 });
  });

  it('gives ten units to ten of a hundred orders, whichever of four processes asks', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 10 }] });
    const processes = [1, 2, 3, 4].map(() => new Intake(database));
    const orders = await Promise.all(
      Array.from({ length: 100 }, () => place(merchant, [{ sku: 'A', quantity: 1 }])),
    );
    const outcomes = await Promise.all(
      orders.map((orderId, index) => takeIn(processes[index % 4] as Intake, merchant, orderId)),
    );
    expect(outcomes.filter((outcome) => outcome.kind === 'planned')).toHaveLength(10);
    const blocked = outcomes.filter((outcome) => outcome.kind === 'blocked');
    expect(blocked).toHaveLength(90);
    expect(await balance(merchant, 'A')).toEqual({
      on_hand: 10,
      reserved: 10,
      allocated: 10,
      held_units: 10,
    });
    const waiting = await rows(merchant, 'select order_id from backorder');
    expect(waiting).toHaveLength(90);
  });

  it('sums lines of one SKU before it compares them with stock', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 10 }] });
    const orderId = await place(merchant, [
      { sku: 'A', quantity: 6 },
      { sku: 'A', quantity: 6 },
    ]);
    expect(await takeIn(new Intake(database), merchant, orderId)).toMatchObject({
      kind: 'blocked',
      reason: 'out_of_stock',
    });
    // What there is it keeps for a while.
    expect(await balance(merchant, 'A')).toMatchObject({ reserved: 10, allocated: 0 });
  });

  it('parks an order with an exception that says why, and takes it away when the order goes on', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 10 }] });
    const orderId = await place(merchant, [{ sku: 'A', quantity: 1 }], { payment: 'pending' });
    const intake = new Intake(database);
    expect(await takeIn(intake, merchant, orderId)).toMatchObject({
      kind: 'blocked',
      reason: 'payment_pending',
    });
    const open = "select reason, state from exception where order_id = $1 and state = 'open'";
    expect(await rows(merchant, open, [orderId])).toEqual([{ reason: 'payment_pending', state: 'open' }]);
    await rows(merchant, "update sales_order set payment = 'captured' where id = $1", [orderId]);
    expect(await takeIn(intake, merchant, orderId, 2)).toMatchObject({ kind: 'planned' });
    expect(await rows(merchant, open, [orderId])).toEqual([]);
  });

  it('ships what is there and lets the rest wait, where the merchant wants that', async () => {
    const merchant = await seedMerchant(database, {
      partialPolicy: 'ship_available',
      products: [{ sku: 'A', stock: 3 }],
    });
    const orderId = await place(merchant, [{ sku: 'A', quantity: 5 }]);
    const intake = new Intake(database);
    expect(await takeIn(intake, merchant, orderId)).toMatchObject({ kind: 'planned', waiting: true });
    expect(await rows(merchant, 'select quantity from backorder')).toEqual([{ quantity: 2 }]);
    await adjustStock(database, {
      merchantId: merchant.merchantId,
      causeId: `test:${randomUUID()}`,
      kind: 'adjustment',
      warehouseId: merchant.warehouses[0]?.id as string,
      reason: 'found',
      actor: 'test',
      lines: [{ sku: 'A', locationId: merchant.warehouses[0]?.bins[0]?.id as string, delta: 10 }],
    });
    const woken = await rows(
      merchant,
      "select payload ->> 'signal' as signal from outbox where kind = 'workflow.signal'",
    );
    expect(woken).toEqual([{ signal: 'resume' }]);
    expect(await takeIn(intake, merchant, orderId, 2)).toMatchObject({ kind: 'planned', waiting: false });
    expect(await balance(merchant, 'A')).toMatchObject({ on_hand: 13, reserved: 5 });
    expect(await rows(merchant, 'select quantity from backorder')).toEqual([]);
  });

  it('fulfils an order of services alone without the floor', async () => {
    const merchant = await seedMerchant(database);
    const orderId = await place(merchant, [{ sku: 'GIFT-CARD', quantity: 1, ships: false }]);
    expect(await takeIn(new Intake(database), merchant, orderId)).toEqual({ kind: 'delivered' });
  });

  it('asks the carrier about an address whose ZIP code lies in another state', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 1 }] });
    const order = demoOrder([{ sku: 'A', quantity: 1 }]);
    const { orderId } = await placeOrder(database, merchant, {
      ...order,
      shipTo: { ...order.shipTo, region: 'NY' },
    });
    expect(await takeIn(new Intake(database), merchant, orderId)).toEqual({ kind: 'check_address' });
  });
});

describe('before release', () => {
  it('cancels once, frees everything, and keeps nothing open', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 10 }] });
    const orderId = await place(merchant, [{ sku: 'A', quantity: 4 }]);
    await takeIn(new Intake(database), merchant, orderId);
    const request = { merchantId: merchant.merchantId, orderId, actor: 'test', reason: 'changed my mind' };
    const answers = await Promise.all([1, 2, 3].map(() => cancelOrder(database, request)));
    expect(answers).toEqual([{ outcome: 'done' }, { outcome: 'done' }, { outcome: 'done' }]);
    expect(await balance(merchant, 'A')).toEqual({ on_hand: 10, reserved: 0, allocated: 0, held_units: 0 });
    expect(await rows(merchant, "select 1 from task where state <> 'cancelled'")).toEqual([]);
    const signals = await rows(merchant, "select 1 from outbox where payload ->> 'signal' = 'cancelled'");
    expect(signals).toHaveLength(1);
  });

  it('refuses a cancel once a task is claimed, and names the state', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 10 }], persons: 1 });
    const orderId = await place(merchant, [{ sku: 'A', quantity: 4 }]);
    await takeIn(new Intake(database), merchant, orderId);
    await rows(merchant, "update task set state = 'claimed', claimed_by = $1 where order_id = $2", [
      merchant.personIds[0],
      orderId,
    ]);
    const cancel = cancelOrder(database, {
      merchantId: merchant.merchantId,
      orderId,
      actor: 'test',
      reason: 'late',
    });
    await expect(cancel).rejects.toMatchObject({ type: 'IllegalTransition', details: { state: 'planned' } });
    expect(await balance(merchant, 'A')).toMatchObject({ reserved: 4 });
  });

  it('holds by name: nothing is planned until the last hold is released', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 10 }] });
    const orderId = await place(merchant, [{ sku: 'A', quantity: 1 }]);
    const hold = (name: string) => ({ merchantId: merchant.merchantId, orderId, name, actor: 'test' });
    await holdOrder(database, hold('fraud'));
    await holdOrder(database, hold('address'));
    const intake = new Intake(database);
    expect(await takeIn(intake, merchant, orderId)).toEqual({ kind: 'held' });
    expect(await releaseHold(database, hold('fraud'))).toEqual({ held: true });
    await expect(releaseHold(database, hold('fraud'))).rejects.toMatchObject({ type: 'NotFound' });
    expect(await releaseHold(database, hold('address'))).toEqual({ held: false });
    expect(await takeIn(intake, merchant, orderId, 2)).toMatchObject({ kind: 'planned' });
  });
});

describe('accepting', () => {
  it('makes one order of the same order, however often and at once it comes', async () => {
    const merchant = await seedMerchant(database);
    const order = demoOrder([{ sku: 'DEMO-1', quantity: 1 }]);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => placeOrder(database, merchant, order)),
    );
    expect(answers.filter((answer) => answer.created)).toHaveLength(1);
    expect(new Set(answers.map((answer) => answer.orderId)).size).toBe(1);
    expect(await rows(merchant, 'select 1 from sales_order')).toHaveLength(1);
    expect(await rows(merchant, "select 1 from outbox where kind = 'workflow.start'")).toHaveLength(1);
  });

  it('meets the tombstone of a cancellation that came first', async () => {
    const merchant = await seedMerchant(database);
    await rows(
      merchant,
      `insert into order_tombstone (merchant_id, connection_id, external_id, reason) values ($1, $2, 'gone', 'test')`,
      [merchant.merchantId, merchant.connectionId],
    );
    const order = demoOrder([{ sku: 'DEMO-1', quantity: 1 }], { externalId: 'gone' });
    expect(await placeOrder(database, merchant, order)).toMatchObject({
      created: true,
      state: 'cancelled',
      startKey: null,
    });
    expect(await rows(merchant, 'select 1 from outbox')).toEqual([]);
  });
});
