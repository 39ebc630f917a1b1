import { randomUUID } from 'node:crypto';
import { scanPick } from '../../../commands/floor/scan-pick';
import { shipScan } from '../../../commands/floor/ship-scan';
import { Intake } from '../../../commands/intake/intake';
import { claimLabel, recordLabelPurchase } from '../../../commands/label';
import { adjustStock } from '../../../commands/stock/adjust-stock';
import {
  correctLotDate,
  expireLots,
  type HoldLot,
  holdLot,
  liftHold,
} from '../../../commands/stock/hold-lot';
import { Database } from '../../../db/client';
import { stepKey } from '../../../domain/step-key';
import {
  bookErrors,
  claim,
  labelParcel,
  packNext,
  pickNext,
  plannedOrder,
  rowsOf,
  seedCarrierAccount,
  staff,
} from '../../support/floor-steps';
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

interface Put {
  readonly lotCode: string;
  readonly units: number;
  readonly bin?: string;
  readonly warehouse?: number;
  readonly expiresOn?: string;
}

async function put(merchant: SeededMerchant, puts: readonly Put[]): Promise<void> {
  for (const { lotCode, units, bin = 'A-01-01', warehouse = 0, expiresOn } of puts)
    await adjustStock(database, {
      merchantId: merchant.merchantId,
      causeId: randomUUID(),
      kind: 'opening',
      warehouseId: merchant.warehouses[warehouse]?.id ?? '',
      reason: 'opening',
      actor: 'test',
      lines: [
        {
          sku: 'A',
          locationCode: bin,
          lotCode,
          delta: units,
          ...(expiresOn === undefined ? {} : { expiresOn }),
        },
      ],
    });
}

const lotOf = (merchant: SeededMerchant, lotCode: string) => ({
  merchantId: merchant.merchantId,
  productId: merchant.products.get('A') ?? '',
  lotCode,
});
const recall = (merchant: SeededMerchant, lotCode: string, change: Partial<HoldLot> = {}) =>
  holdLot(database, {
    ...lotOf(merchant, lotCode),
    kind: 'recall',
    reason: 'contaminated',
    actor: 'test',
    ...change,
  });
const lift = (merchant: SeededMerchant, lotCode: string, kind: 'recall' | 'expiry' = 'recall') =>
  liftHold(database, { ...lotOf(merchant, lotCode), kind, reason: 'tested', actor: 'test' });

const shop = (warehouses = 1) =>
  seedMerchant(database, {
    warehouses: Array.from({ length: warehouses }, (_, n) => ({ code: `W${n + 1}` })),
    products: [
      { sku: 'A', lotTracked: true },
      { sku: 'B', stock: 9 },
    ],
    persons: 4,
  });

const stock = (merchant: SeededMerchant) =>
  rowsOf<{ row: (string | number)[] }>(
    database,
    merchant,
    `select json_build_array(w.code, b.on_hand, b.held, b.reserved) as row from stock_balance b
     join warehouse w on w.id = b.warehouse_id where b.product_id = $1 order by w.code`,
    [merchant.products.get('A')],
  ).then((rows) => rows.map(({ row }) => row));

const states = (merchant: SeededMerchant, what: 'task' | 'parcel' | 'label' | 'fulfilment_order') =>
  rowsOf<{ state: string }>(database, merchant, `select state from ${what} order by id`).then((rows) =>
    rows.map(({ state }) => state),
  );

const replan = (merchant: SeededMerchant, orderId: string) =>
  new Intake(database).run({
    merchantId: merchant.merchantId,
    orderId,
    stepKey: stepKey(orderId, 'intake', 2),
  });

describe('recalling a lot', () => {
  it('holds it in every warehouse at once, and twice is once', async () => {
    const merchant = await shop(2);
    await put(merchant, [
      { lotCode: 'X', units: 4 },
      { lotCode: 'X', units: 3, bin: 'QUAR-1' },
      { lotCode: 'Y', units: 2 },
      { lotCode: 'X', units: 5, warehouse: 1 },
    ]);
    const [first, second] = await Promise.all([recall(merchant, 'X'), recall(merchant, 'X')]);
    expect([first.unitsHeld, second.unitsHeld].sort()).toEqual([0, 9]);
    expect(first.holdId).toBe(second.holdId);
    expect(await stock(merchant)).toEqual([
      ['W1', 9, 7, 0],
      ['W2', 5, 5, 0],
    ]);
    expect(await bookErrors(database, merchant)).toEqual([]);
    const open = await rowsOf(database, merchant, 'select reason, message from exception');
    expect(open).toEqual([
      {
        reason: 'lot_recalled',
        message: 'Lot X is recalled: 9 units are held, 0 orders lost theirs, 0 orders had shipped from it.',
      },
    ]);
  });

  it('takes it from everybody who was promised it, and their orders are served from other lots', async () => {
    const merchant = await shop();
    await put(merchant, [
      { lotCode: 'X', units: 4, expiresOn: '2031-01-01' },
      { lotCode: 'Y', units: 6, bin: 'A-01-02', expiresOn: '2032-01-01' },
    ]);
    const ofX = await plannedOrder(database, merchant, [
      { sku: 'A', quantity: 3 },
      { sku: 'B', quantity: 1 },
    ]);
    const ofBoth = await plannedOrder(database, merchant, [{ sku: 'A', quantity: 2 }]);
    const ofY = await plannedOrder(database, merchant, [{ sku: 'A', quantity: 1 }]);
    const held = await recall(merchant, 'X');
    expect([...held.ordersTakenBack].sort()).toEqual([ofX, ofBoth].sort());
    expect(await stock(merchant)).toEqual([['W1', 10, 4, 1]]);
    expect(await bookErrors(database, merchant)).toEqual([]);
    expect(await replan(merchant, ofX)).toMatchObject({ kind: 'planned' });
    expect(await replan(merchant, ofBoth)).toMatchObject({ kind: 'planned' });
    const lots = await rowsOf(
      database,
      merchant,
      `select distinct lot_code from allocation where product_id = $1`,
      [merchant.products.get('A')],
    );
    expect(lots).toEqual([{ lot_code: 'Y' }]);
    expect(await stock(merchant)).toEqual([['W1', 10, 4, 6]]);
    expect(await bookErrors(database, merchant)).toEqual([]);
    expect(ofY).toBeTruthy();
  });

  it('also takes soft promises that the rest can not serve, the latest first', async () => {
    const merchant = await seedMerchant(database, {
      warehouses: [{ code: 'W1', wmsKind: 'external' }],
      products: [{ sku: 'A', lotTracked: true }],
    });
    await put(merchant, [
      { lotCode: 'X', units: 4 },
      { lotCode: 'Y', units: 3 },
    ]);
    const early = await plannedOrder(database, merchant, [{ sku: 'A', quantity: 3 }]);
    const late = await plannedOrder(database, merchant, [{ sku: 'A', quantity: 3 }]);
    const held = await recall(merchant, 'X');
    expect(held.ordersTakenBack).toEqual([late]);
    expect(early).not.toBe(late);
    expect(await stock(merchant)).toEqual([['W1', 7, 4, 3]]);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('stops what is picked, packed and labelled, gives the label back and asks to put the goods back', async () => {
    const merchant = await shop();
    await seedCarrierAccount(database, merchant);
    await put(merchant, [{ lotCode: 'X', units: 8 }]);
    const order = await plannedOrder(database, merchant, [
      { sku: 'A', quantity: 2 },
      { sku: 'B', quantity: 1 },
    ]);
    await pickNext(database, merchant);
    const parcelId = await packNext(database, merchant);
    await labelParcel(database, merchant, parcelId);
    await plannedOrder(database, merchant, [{ sku: 'A', quantity: 3 }]);
    const task = await claim(database, merchant, 'pick', 1);
    const scan = { taskId: task.taskId, code: 'A', locationCode: 'A-01-01', lotCode: 'X' };
    await scanPick(database, staff(merchant, 1), { ...scan, eventId: randomUUID() });

    const held = await recall(merchant, 'X');
    expect(held).toMatchObject({ unitsHeld: 8, ordersShipped: 0 });
    expect(held.ordersTakenBack).toHaveLength(2);
    expect(await stock(merchant)).toEqual([['W1', 8, 8, 0]]);
    expect(await states(merchant, 'fulfilment_order')).toEqual(['cancelled', 'cancelled']);
    expect(await states(merchant, 'parcel')).toEqual(['cancelled']);
    expect(await states(merchant, 'label')).toEqual(['void_requested']);
    await expect(
      shipScan(database, staff(merchant), { parcel: { id: parcelId }, eventId: randomUUID() }),
    ).rejects.toMatchObject({ type: 'IllegalTransition' });
    await expect(
      scanPick(database, staff(merchant, 1), { ...scan, eventId: randomUUID() }),
    ).rejects.toMatchObject({ type: 'IllegalTransition' });
    const putBack = await rowsOf(
      database,
      merchant,
      `select p.sku, l.code, tl.lot_code, tl.quantity from task t join task_line tl on tl.task_id = t.id
       join product p on p.id = tl.product_id join location l on l.id = tl.location_id
       where t.kind = 'put_back' and t.state = 'open' order by l.code, p.sku`,
    );
    expect(putBack).toEqual([
      { sku: 'A', code: 'A-01-01', lot_code: 'X', quantity: 1 },
      { sku: 'A', code: 'PACK-1', lot_code: 'X', quantity: 2 },
      { sku: 'B', code: 'PACK-1', lot_code: '', quantity: 1 },
    ]);
    expect(await bookErrors(database, merchant)).toEqual([]);
    expect(await replan(merchant, order)).toMatchObject({ kind: 'blocked', reason: 'out_of_stock' });
  });

  it('gives back a label that was being bought for it meanwhile', async () => {
    const merchant = await shop();
    await seedCarrierAccount(database, merchant);
    await put(merchant, [{ lotCode: 'X', units: 2 }]);
    await plannedOrder(database, merchant, [{ sku: 'A', quantity: 2 }]);
    await pickNext(database, merchant);
    const of = { merchantId: merchant.merchantId, parcelId: await packNext(database, merchant) };
    const claimed = await claimLabel(database, of);
    if (claimed.kind !== 'claimed') throw new Error(claimed.kind);
    await recall(merchant, 'X');
    const outcome = await recordLabelPurchase(database, of, claimed.label.id, {
      externalShipmentId: 'shp_demo',
      trackingNumber: 'DEMO-1',
      carrier: 'Demo',
      service: 'Ground',
      amountMinor: 500n,
      currency: 'USD',
      labelUrl: 'https://carrier.example/label.pdf',
    });
    expect(outcome).toEqual({ outcome: 'given_back' });
    expect(await states(merchant, 'label')).toEqual(['void_requested']);
    expect(await states(merchant, 'parcel')).toEqual(['cancelled']);
  });

  it('names the orders that have it, also one that is through the door and not posted yet', async () => {
    const merchant = await shop();
    await seedCarrierAccount(database, merchant);
    await put(merchant, [{ lotCode: 'X', units: 5 }]);
    const gone = await plannedOrder(database, merchant, [{ sku: 'A', quantity: 2 }]);
    await pickNext(database, merchant);
    const parcelId = await packNext(database, merchant);
    await labelParcel(database, merchant, parcelId);
    await shipScan(database, staff(merchant), { parcel: { id: parcelId }, eventId: randomUUID() });
    expect(await stock(merchant)).toEqual([['W1', 5, 0, 2]]);
    const held = await recall(merchant, 'X');
    expect(held).toMatchObject({ unitsHeld: 3, ordersTakenBack: [], ordersShipped: 1 });
    expect(await stock(merchant)).toEqual([['W1', 3, 3, 0]]);
    expect(gone).toBeTruthy();
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('reaches goods that come later, lets all go again when it is lifted, and wakes who waits', async () => {
    const merchant = await shop();
    await recall(merchant, 'X');
    await put(merchant, [{ lotCode: 'X', units: 3 }]);
    expect(await stock(merchant)).toEqual([['W1', 3, 3, 0]]);
    const { orderId } = await placeOrder(database, merchant, demoOrder([{ sku: 'A', quantity: 2 }]));
    const request = { merchantId: merchant.merchantId, orderId, stepKey: stepKey(orderId, 'intake') };
    expect(await new Intake(database).run(request)).toMatchObject({ kind: 'blocked' });
    expect(await lift(merchant, 'X')).toEqual({ unitsFreed: 3 });
    await expect(lift(merchant, 'X')).rejects.toMatchObject({ type: 'IllegalTransition' });
    // The order that waits is owed two of them from that moment on.
    expect(await stock(merchant)).toEqual([['W1', 3, 0, 2]]);
    const woken = await rowsOf(
      database,
      merchant,
      `select order_id from outbox where payload ->> 'signal' = 'resume' and order_id = $1`,
      [orderId],
    );
    expect(woken).toHaveLength(1);
    expect(
      await rowsOf(database, merchant, "select state from exception where reason = 'lot_recalled'"),
    ).toEqual([{ state: 'resolved' }]);
    // Recalled anew, it is a new hold.
    expect(await recall(merchant, 'X')).toMatchObject({ unitsHeld: 3 });
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('never lets a unit of it be promised while it races with plans, gains and picks', async () => {
    for (let round = 0; round < 6; round += 1) {
      const merchant = await shop(2);
      await put(merchant, [
        { lotCode: 'X', units: 20 },
        { lotCode: 'Y', units: 6 },
        { lotCode: 'X', units: 5, warehouse: 1 },
      ]);
      const engines = [new Intake(database), new Intake(database)];
      const orders = [];
      for (let n = 0; n < 12; n += 1)
        orders.push((await placeOrder(database, merchant, demoOrder([{ sku: 'A', quantity: 2 }]))).orderId);
      await Promise.all([
        ...orders.map((orderId, n) =>
          engines[n % 2]?.run({
            merchantId: merchant.merchantId,
            orderId,
            stepKey: stepKey(orderId, 'intake'),
          }),
        ),
        put(merchant, [
          { lotCode: 'X', units: 1 },
          { lotCode: 'X', units: 1, warehouse: 1 },
        ]),
        recall(merchant, 'X'),
        recall(merchant, 'X'),
      ]);
      const promised = await rowsOf(database, merchant, "select from allocation where lot_code = 'X'");
      expect(promised).toEqual([]);
      expect(await bookErrors(database, merchant)).toEqual([]);
    }
  });
});

describe('a lot past its date', () => {
  const clock = (merchant: SeededMerchant, at: string) =>
    rowsOf(database, merchant, 'update merchant set business_now = $1 returning id', [at]);

  it('is held by the sweep as soon as its day is over, and its orders are planned again', async () => {
    const merchant = await shop();
    await clock(merchant, '2026-03-02T17:00:00Z');
    await put(merchant, [
      { lotCode: 'OLD', units: 3, expiresOn: '2026-03-02' },
      { lotCode: 'NEW', units: 3, expiresOn: '2026-06-01', bin: 'A-01-02' },
    ]);
    const orderId = await plannedOrder(database, merchant, [{ sku: 'A', quantity: 2 }]);
    await expireLots(database);
    expect(await stock(merchant)).toEqual([['W1', 6, 0, 2]]);
    // Midnight in New York.
    await clock(merchant, '2026-03-03T05:00:00Z');
    await Promise.all([expireLots(database), expireLots(database)]);
    expect(await stock(merchant)).toEqual([['W1', 6, 3, 0]]);
    expect(await replan(merchant, orderId)).toMatchObject({ kind: 'planned' });
    expect(await stock(merchant)).toEqual([['W1', 6, 3, 2]]);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('is held from the first when it comes too late, and follows a corrected date both ways', async () => {
    const merchant = await shop();
    await clock(merchant, '2026-03-10T17:00:00Z');
    await put(merchant, [{ lotCode: 'OLD', units: 3, expiresOn: '2026-03-02' }]);
    expect(await stock(merchant)).toEqual([['W1', 3, 3, 0]]);
    const correct = (expiresOn: string | null) =>
      correctLotDate(database, { ...lotOf(merchant, 'OLD'), expiresOn, reason: 'misread', actor: 'test' });
    await correct('2026-08-02');
    expect(await stock(merchant)).toEqual([['W1', 3, 0, 0]]);
    await correct('2026-03-09');
    expect(await stock(merchant)).toEqual([['W1', 3, 3, 0]]);
    await correct(null);
    expect(await stock(merchant)).toEqual([['W1', 3, 0, 0]]);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('stays held by its date when its recall is lifted', async () => {
    const merchant = await shop();
    await clock(merchant, '2026-03-02T17:00:00Z');
    await put(merchant, [{ lotCode: 'OLD', units: 3, expiresOn: '2026-03-02' }]);
    await recall(merchant, 'OLD');
    await clock(merchant, '2026-03-04T17:00:00Z');
    expect(await lift(merchant, 'OLD')).toEqual({ unitsFreed: 0 });
    expect(await stock(merchant)).toEqual([['W1', 3, 3, 0]]);
    await expireLots(database);
    expect(
      await rowsOf(
        database,
        merchant,
        'select kind, lifted_at is null as active from lot_hold order by placed_at',
      ),
    ).toEqual([
      { kind: 'recall', active: false },
      { kind: 'expiry', active: true },
    ]);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });
});
