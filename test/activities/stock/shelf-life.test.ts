import { randomUUID } from 'node:crypto';
import { uuidv7 } from 'uuidv7';
import { cancelOrder } from '../../../commands/cancel-order';
import { Intake } from '../../../commands/intake/intake';
import { adjustStock } from '../../../commands/stock/adjust-stock';
import { Holds } from '../../../commands/stock/holds';
import { Database } from '../../../db/client';
import { stepKey } from '../../../domain/step-key';
import { bookErrors, rowsOf, warehouseOf } from '../../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../../support/merchant';
import { demoOrder, placeOrder } from '../../support/order';
import { type TestDatabase, testDatabase } from '../../support/postgres';

let server: TestDatabase;
let database: Database;

beforeAll(async () => {
  server = await testDatabase();
  database = new Database({ appUrl: server.appUrl, systemUrl: server.systemUrl, poolSize: 6 });
});
afterAll(async () => {
  await database.close();
  await server.drop();
});

/** Three lots of the seeded product, five units each, on noon of 2026-03-02 in New York. */
async function shop(wmsKind: 'built_in' | 'external' = 'built_in'): Promise<SeededMerchant> {
  const merchant = await seedMerchant(database, {
    warehouses: [{ code: 'W1', wmsKind }],
    products: [{ sku: 'MILK', lotTracked: true }],
  });
  await clock(merchant, '2026-03-02T17:00:00Z');
  const lot = (lotCode: string, expiresOn: string, bin: string) => ({
    sku: 'MILK',
    locationCode: bin,
    lotCode,
    expiresOn,
    delta: 5,
  });
  await adjustStock(database, {
    merchantId: merchant.merchantId,
    causeId: randomUUID(),
    kind: 'opening',
    warehouseId: warehouseOf(merchant).id,
    reason: 'opening',
    actor: 'test',
    lines: [
      lot('L-FRESH', '2026-04-30', 'A-01-01'),
      lot('L-MARCH', '2026-03-10', 'A-01-02'),
      lot('L-TODAY', '2026-03-02', 'A-01-03'),
    ],
  });
  return merchant;
}

const clock = (merchant: SeededMerchant, at: string) =>
  rowsOf(database, merchant, 'update merchant set business_now = $1 returning id', [at]);

async function order(merchant: SeededMerchant, quantity: number) {
  const { orderId } = await placeOrder(database, merchant, demoOrder([{ sku: 'MILK', quantity }]));
  return orderId;
}

const intake = (merchant: SeededMerchant, orderId: string, engine = new Intake(database)) =>
  engine.run({ merchantId: merchant.merchantId, orderId, stepKey: stepKey(orderId, 'intake') });

/** Gives up what it keeps while it waits. */
const cancel = (merchant: SeededMerchant, orderId: string) =>
  cancelOrder(database, { merchantId: merchant.merchantId, orderId, actor: 'test', reason: 'asked' });

const lotsOf = async (merchant: SeededMerchant, orderId: string) => {
  const rows = await rowsOf<{ lot: string; units: number }>(
    database,
    merchant,
    `select a.lot_code as lot, sum(a.quantity)::int as units from allocation a
     join reservation r on r.merchant_id = a.merchant_id and r.id = a.reservation_id
     where r.order_id = $1 group by 1 order by 1`,
    [orderId],
  );
  return Object.fromEntries(rows.map(({ lot, units }) => [lot, units]));
};

const rule = (
  merchant: SeededMerchant,
  minDays: number,
  whose: { connectionId?: string; customerId?: string | null } = {},
) =>
  rowsOf(
    database,
    merchant,
    `insert into shelf_life_rule (id, merchant_id, connection_id, customer_id, min_days) values ($1, $2, $3, $4, $5)
     returning id`,
    [uuidv7(), merchant.merchantId, whose.connectionId ?? null, whose.customerId ?? null, minDays],
  );

describe('goods with a date', () => {
  it('are taken in the order in which they expire, the last good day included', async () => {
    const merchant = await shop();
    const first = await order(merchant, 7);
    expect(await intake(merchant, first)).toMatchObject({ kind: 'planned' });
    expect(await lotsOf(merchant, first)).toEqual({ 'L-TODAY': 5, 'L-MARCH': 2 });
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it("are not promised once their date is past on the warehouse's own calendar", async () => {
    const merchant = await shop();
    // Still the 2nd in New York.
    await clock(merchant, '2026-03-03T04:59:00Z');
    const last = await order(merchant, 1);
    await intake(merchant, last);
    expect(await lotsOf(merchant, last)).toEqual({ 'L-TODAY': 1 });
    await clock(merchant, '2026-03-03T05:00:00Z');
    const many = await order(merchant, 11);
    expect(await intake(merchant, many)).toMatchObject({
      kind: 'blocked',
      reason: 'out_of_stock',
      message: 'MILK: 11 needed, 10 available.',
    });
    await cancel(merchant, many);
    const ten = await order(merchant, 10);
    expect(await intake(merchant, ten)).toMatchObject({ kind: 'planned' });
    expect(await lotsOf(merchant, ten)).toEqual({ 'L-FRESH': 5, 'L-MARCH': 5 });
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('go only to a channel or customer that they outlast by its days, by the strictest rule', async () => {
    const merchant = await shop();
    await rule(merchant, 3, { connectionId: merchant.connectionId });
    const week = await order(merchant, 6);
    await intake(merchant, week);
    expect(await lotsOf(merchant, week)).toEqual({ 'L-MARCH': 5, 'L-FRESH': 1 });
    const strict = await order(merchant, 1);
    const [customer] = await rowsOf<{ customer_id: string }>(
      database,
      merchant,
      'select customer_id from sales_order where id = $1',
      [strict],
    );
    await rule(merchant, 60, { customerId: customer?.customer_id ?? null });
    expect(await intake(merchant, strict)).toMatchObject({ kind: 'blocked', reason: 'out_of_stock' });
    const four = await order(merchant, 4);
    const five = await order(merchant, 5);
    // One batch: what the first takes is gone for the second, lot by lot.
    const engine = new Intake(database);
    const outcomes = await Promise.all([intake(merchant, four, engine), intake(merchant, five, engine)]);
    expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['blocked', 'planned']);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('are not promised to an outside warehouse beyond what is certainly fresh enough', async () => {
    const merchant = await shop('external');
    await rule(merchant, 30);
    const first = await order(merchant, 3);
    expect(await intake(merchant, first)).toMatchObject({ kind: 'planned' });
    const second = await order(merchant, 3);
    expect(await intake(merchant, second)).toMatchObject({ kind: 'blocked', reason: 'out_of_stock' });
    await cancel(merchant, second);
    const third = await order(merchant, 2);
    expect(await intake(merchant, third)).toMatchObject({ kind: 'planned' });
    expect(await bookErrors(database, merchant)).toEqual([]);
  });
});

describe('a checkout', () => {
  const checkout = (merchant: SeededMerchant, quantity: number) =>
    new Holds(database).reserve({
      merchantId: merchant.merchantId,
      stepKey: randomUUID(),
      lines: [
        {
          productId: merchant.products.get('MILK') as string,
          quantity,
          warehouseIds: [warehouseOf(merchant).id],
        },
      ],
      allOrNothing: true,
      keepMs: 3_600_000,
    });
  const handOver = (merchant: SeededMerchant, holdId: string) =>
    new Holds(database).consume({
      merchantId: merchant.merchantId,
      stepKey: randomUUID(),
      holdId,
      actor: 'test',
    });
  const idOf = (outcome: Awaited<ReturnType<typeof checkout>>) =>
    outcome.kind === 'reserved' ? outcome.holdId : '';
  const left = async (merchant: SeededMerchant) => {
    const rows = await rowsOf<{ lot: string; units: number }>(
      database,
      merchant,
      'select lot_code as lot, on_hand as units from bin_balance where on_hand > 0 order by 1',
    );
    return Object.fromEntries(rows.map(({ lot, units }) => [lot, units]));
  };

  it('is promised nothing that is past its date, nor nearer to it than anybody gets it', async () => {
    const merchant = await shop();
    expect(await checkout(merchant, 16)).toMatchObject({ kind: 'short', short: [{ free: 15 }] });
    // No sweep has held the lot yet: it is the 3rd in New York.
    await clock(merchant, '2026-03-03T05:00:00Z');
    expect(await checkout(merchant, 11)).toMatchObject({ kind: 'short', short: [{ free: 10 }] });
    await rule(merchant, 30, { connectionId: merchant.connectionId });
    expect(await checkout(merchant, 11)).toMatchObject({ kind: 'short', short: [{ free: 10 }] });
    await rule(merchant, 30);
    expect(await checkout(merchant, 6)).toMatchObject({ kind: 'short', short: [{ free: 5 }] });
    expect(await checkout(merchant, 5)).toMatchObject({ kind: 'reserved' });
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('is handed what expires first of what is still good', async () => {
    const merchant = await shop();
    const holdId = idOf(await checkout(merchant, 6));
    await clock(merchant, '2026-03-03T05:00:00Z');
    expect(await handOver(merchant, holdId)).toMatchObject({ kind: 'ended', state: 'consumed' });
    expect(await left(merchant)).toEqual({ 'L-FRESH': 4, 'L-TODAY': 5 });
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('is told so when only goods past their date are left, and keeps what it holds', async () => {
    const merchant = await shop();
    const holdId = idOf(await checkout(merchant, 15));
    await clock(merchant, '2026-03-03T05:00:00Z');
    await expect(handOver(merchant, holdId)).rejects.toMatchObject({ type: 'IllegalTransition' });
    expect(await left(merchant)).toEqual({ 'L-FRESH': 5, 'L-MARCH': 5, 'L-TODAY': 5 });
    expect(await bookErrors(database, merchant)).toEqual([]);
  });
});
