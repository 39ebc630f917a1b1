import { randomUUID } from 'node:crypto';
import { claimNextTask } from '../../../commands/floor/claim-next-task';
import { closeCarton } from '../../../commands/floor/close-carton';
import { releaseTask } from '../../../commands/floor/release-task';
import { scanPack } from '../../../commands/floor/scan-pack';
import { scanPick } from '../../../commands/floor/scan-pick';
import { shipScan } from '../../../commands/floor/ship-scan';
import { holdOrder } from '../../../commands/hold-order';
import { Database } from '../../../db/client';
import {
  bookErrors,
  claim,
  labelParcel,
  pickNext,
  plannedOrder,
  rowsOf,
  seedCarrierAccount,
  staff,
  warehouseOf,
} from '../../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../../support/merchant';
import { type TestDatabase, testDatabase } from '../../support/postgres';

let server: TestDatabase;
let database: Database;

beforeAll(async () => {
  server = await testDatabase();
  database = new Database({ appUrl: server.appUrl, systemUrl: server.systemUrl, poolSize: 16 });
});
afterAll(async () => {
  await database.close();
  await server.drop();
});

const orderOf = async (merchant: SeededMerchant, orderId: string) =>
  (
    await rowsOf<{
      state: string;
      deadline_at: Date;
      blocked_reason: string | null;
      shipped_at: Date | null;
    }>(
      database,
      merchant,
      'select state, deadline_at, blocked_reason, shipped_at from sales_order where id = $1',
      [orderId],
    )
  )[0];

const partsOf = (merchant: SeededMerchant, orderId: string) =>
  rowsOf<{ id: string; state: string }>(
    database,
    merchant,
    'select id, state from fulfilment_order where order_id = $1 order by number',
    [orderId],
  );

const outboxOf = (merchant: SeededMerchant, orderId: string, like: string) =>
  rowsOf<{ key: string; kind: string; payload: unknown }>(
    database,
    merchant,
    'select key, kind, payload from outbox where order_id = $1 and key like $2 order by key',
    [orderId, like],
  );

describe('the floor', () => {
  it('takes an order from its pick to the door, and every scan twice changes nothing the second time', async () => {
    const merchant = await seedMerchant(database, {
      products: [
        { sku: 'A', stock: 10, weightGrams: 300 },
        { sku: 'B', stock: 5, weightGrams: 100 },
      ],
    });
    await seedCarrierAccount(database, merchant);
    const orderId = await plannedOrder(database, merchant, [
      { sku: 'A', quantity: 2 },
      { sku: 'B', quantity: 1 },
    ]);
    const person = staff(merchant);
    const pick = await claim(database, merchant, 'pick');
    expect(pick).toMatchObject({ orderId, kind: 'pick', state: 'claimed' });
    expect(await partsOf(merchant, orderId)).toMatchObject([{ state: 'picking' }]);
    expect(await orderOf(merchant, orderId)).toMatchObject({ state: 'in_fulfilment' });

    const picks = pick.lines.map((line) => ({
      taskId: pick.taskId,
      eventId: randomUUID(),
      code: line.sku,
      locationCode: line.locationCode ?? '',
      quantity: line.quantity,
    }));
    for (const scan of picks) {
      const [first, second] = [
        await scanPick(database, person, scan),
        await scanPick(database, person, scan),
      ];
      expect(second).toEqual(first);
    }
    expect(await partsOf(merchant, orderId)).toMatchObject([{ state: 'picked' }]);
    const packed = await rowsOf(
      database,
      merchant,
      `select sum(b.on_hand)::int as on_hand, sum(b.allocated)::int as allocated from bin_balance b where b.location_id = $1`,
      [warehouseOf(merchant).packingId],
    );
    expect(packed).toEqual([{ on_hand: 3, allocated: 3 }]);

    const pack = await claim(database, merchant, 'pack');
    expect(pack.carton).toMatchObject({ kind: 'carton', carton: { code: 'BOX-M' } });
    expect(await partsOf(merchant, orderId)).toMatchObject([{ state: 'packing' }]);
    for (const line of pack.lines) {
      const scan = { taskId: pack.taskId, eventId: randomUUID(), code: line.sku, quantity: line.quantity };
      expect(await scanPack(database, person, scan)).toEqual(await scanPack(database, person, scan));
    }
    const close = { taskId: pack.taskId, eventId: randomUUID(), cartonCode: 'BOX-M' };
    const closed = await closeCarton(database, person, close);
    expect(await closeCarton(database, person, close)).toEqual(closed);
    expect(closed).toMatchObject({ taskState: 'done', weightGrams: 900 });
    expect(await partsOf(merchant, orderId)).toMatchObject([{ state: 'packed' }]);
    expect(await outboxOf(merchant, orderId, 'packed:%')).toMatchObject([
      {
        key: `packed:${closed.parcelId}`,
        kind: 'workflow.update',
        payload: { update: 'packed', updateId: `${pack.taskId}:${closed.parcelId}` },
      },
    ]);

    const trackingCode = await labelParcel(database, merchant, closed.parcelId);
    const ship = await claim(database, merchant, 'ship');
    expect(ship).toMatchObject({ parcelId: closed.parcelId, trackingNumber: trackingCode });
    const scan = { parcel: { trackingCode }, eventId: randomUUID() };
    const shipped = await shipScan(database, person, scan);
    expect(shipped).toMatchObject({ orderId, shippedNow: true, complete: true });
    expect(await shipScan(database, person, scan)).toEqual(shipped);
    const again = await shipScan(database, person, {
      parcel: { id: closed.parcelId },
      eventId: randomUUID(),
    });
    expect(again).toMatchObject({ shippedNow: false, complete: true });
    expect(await orderOf(merchant, orderId)).toMatchObject({
      state: 'shipped',
      shipped_at: expect.any(Date),
      deadline_at: expect.any(Date),
    });
    expect(await partsOf(merchant, orderId)).toMatchObject([{ state: 'shipped' }]);
    const things = await rowsOf(
      database,
      merchant,
      `select p.state as parcel, l.state as label, t.state as task from parcel p
       join label l on l.parcel_id = p.id join task t on t.parcel_id = p.id where p.order_id = $1`,
      [orderId],
    );
    expect(things).toEqual([{ parcel: 'shipped', label: 'shipped', task: 'done' }]);
    expect(await rowsOf(database, merchant, 'select order_id from shipment')).toEqual([
      { order_id: orderId },
    ]);
    const [part] = await partsOf(merchant, orderId);
    expect(await outboxOf(merchant, orderId, 'shipped:%')).toMatchObject([
      {
        kind: 'workflow.signal',
        payload: { signal: 'shipped', args: [{ fulfilmentOrderId: part?.id }] },
      },
    ]);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('gives two hundred racing claims of forty tasks to one person each', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 100 }], persons: 20 });
    for (let n = 0; n < 40; n += 1) await plannedOrder(database, merchant, [{ sku: 'A', quantity: 1 }]);
    const claims = await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        claimNextTask(database, staff(merchant, n % 20), {
          warehouseId: warehouseOf(merchant).id,
          kinds: ['pick'],
          eventId: randomUUID(),
          several: true,
        }),
      ),
    );
    const taskIds = claims.flatMap((task) => (task === null ? [] : [task.taskId]));
    expect(taskIds).toHaveLength(40);
    expect(new Set(taskIds).size).toBe(40);
    const scans = await rowsOf(database, merchant, "select task_id from scan where kind = 'claim'");
    expect(scans).toHaveLength(40);
  });

  it('gives a person who has a task that one again, however often he asks at once', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 10 }] });
    for (let n = 0; n < 5; n += 1) await plannedOrder(database, merchant, [{ sku: 'A', quantity: 1 }]);
    const claims = await Promise.all(Array.from({ length: 8 }, () => claim(database, merchant, 'pick')));
    expect(new Set(claims.map((task) => task.taskId)).size).toBe(1);
    const claimed = await rowsOf(database, merchant, "select id from task where state = 'claimed'");
    expect(claimed).toHaveLength(1);
  });

  it('hands out urgent work first, and none of orders on hold', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 10 }] });
    const first = await plannedOrder(database, merchant, [{ sku: 'A', quantity: 1 }]);
    const held = await plannedOrder(database, merchant, [{ sku: 'A', quantity: 1 }]);
    const urgent = await plannedOrder(database, merchant, [{ sku: 'A', quantity: 1 }]);
    await rowsOf(database, merchant, 'update task set priority = 10 where order_id = any($1) returning id', [
      [urgent, held],
    ]);
    await holdOrder(database, {
      merchantId: merchant.merchantId,
      orderId: held,
      name: 'fraud',
      actor: 'test',
      note: null,
    });
    const claimed = [await pickNext(database, merchant), await pickNext(database, merchant)];
    expect(claimed.map((task) => task.orderId)).toEqual([urgent, first]);
    await expect(claim(database, merchant, 'pick')).rejects.toThrow('no pick task');
  });

  it('refuses the wrong item, bin, lot, an expired lot, too many and a bad check digit, and says what it expects', async () => {
    const merchant = await seedMerchant(database, {
      products: [
        { sku: 'A', gtin: '4006381333931', stock: 10 },
        { sku: 'B', stock: 10 },
      ],
    });
    await plannedOrder(database, merchant, [{ sku: 'A', quantity: 2 }]);
    const task = await claim(database, merchant, 'pick');
    const expected = { sku: 'A', locationCode: 'A-01-01', lotCode: null, quantity: 2 };
    const scan = (change: object) =>
      scanPick(database, staff(merchant), {
        taskId: task.taskId,
        eventId: randomUUID(),
        code: 'A',
        locationCode: 'A-01-01',
        ...change,
      });
    const refusals: [object, RegExp][] = [
      [{ code: 'B' }, /not an item of this task/],
      [{ code: '4006381333930' }, /check digit/],
      [{ locationCode: 'A-01-02' }, /not the bin/],
      [{ lotCode: 'L1' }, /not the lot/],
      [{ quantity: 3 }, /only 2/],
    ];
    for (const [change, message] of refusals)
      await expect(scan(change)).rejects.toMatchObject({
        type: 'InvalidInput',
        message: expect.stringMatching(message),
        details: { expected },
      });
    expect(await rowsOf(database, merchant, "select task_id from scan where kind = 'pick'")).toEqual([]);
    await expect(scan({ code: '4006381333931', quantity: 2 })).resolves.toMatchObject({ taskState: 'done' });

    await rowsOf(database, merchant, 'update product set lot_tracked = true returning id');
    await rowsOf(
      database,
      merchant,
      `insert into lot (merchant_id, product_id, code, expires_on) values ($1, $2, 'OLD', '2099-01-01') returning code`,
      [merchant.merchantId, merchant.products.get('B')],
    );
    await rowsOf(
      database,
      merchant,
      "update bin_balance set lot_code = 'OLD' where product_id = $1 returning 1",
      [merchant.products.get('B')],
    );
    await plannedOrder(database, merchant, [{ sku: 'B', quantity: 1 }]);
    const old = await claim(database, merchant, 'pick');
    // Its date passes on the picker's way.
    await rowsOf(database, merchant, "update lot set expires_on = '2001-01-01' returning code");
    await expect(
      scanPick(database, staff(merchant), {
        taskId: old.taskId,
        eventId: randomUUID(),
        code: 'B',
        locationCode: 'A-01-01',
        lotCode: 'OLD',
      }),
    ).rejects.toMatchObject({ type: 'InvalidInput', message: expect.stringMatching(/expired/) });
  });

  it('counts a case code by its units', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 24 }] });
    await rowsOf(
      database,
      merchant,
      `insert into sku_alias (id, merchant_id, alias, product_id, multiplier) values (gen_random_uuid(), $1, 'CASE-12', $2, 12)
       returning id`,
      [merchant.merchantId, merchant.products.get('A')],
    );
    await plannedOrder(database, merchant, [{ sku: 'A', quantity: 24 }]);
    const task = await claim(database, merchant, 'pick');
    const scan = () =>
      scanPick(database, staff(merchant), {
        taskId: task.taskId,
        eventId: randomUUID(),
        code: 'CASE-12',
        locationCode: 'A-01-01',
      });
    expect(await scan()).toMatchObject({ taskState: 'claimed', lines: [{ done: 12 }] });
    expect(await scan()).toMatchObject({ taskState: 'done', lines: [{ done: 24 }] });
  });

  it('lets only the person who has the task act on it, and another merchant not see it', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 10 }] });
    const stranger = await seedMerchant(database);
    await plannedOrder(database, merchant, [{ sku: 'A', quantity: 1 }]);
    const task = await claim(database, merchant, 'pick');
    const scan = { taskId: task.taskId, code: 'A', locationCode: 'A-01-01' };
    await expect(
      scanPick(database, staff(merchant, 1), { ...scan, eventId: randomUUID() }),
    ).rejects.toMatchObject({
      type: 'IllegalTransition',
      details: { state: 'claimed' },
    });
    await expect(
      scanPick(database, staff(stranger), { ...scan, eventId: randomUUID() }),
    ).rejects.toMatchObject({
      type: 'NotFound',
    });
  });

  it('gives a task back with what goes into which bin, and the next person starts from nothing', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 10 }] });
    const orderId = await plannedOrder(database, merchant, [{ sku: 'A', quantity: 3 }]);
    const task = await claim(database, merchant, 'pick');
    await scanPick(database, staff(merchant), {
      taskId: task.taskId,
      eventId: randomUUID(),
      code: 'A',
      locationCode: 'A-01-01',
      quantity: 2,
    });
    const act = { taskId: task.taskId, eventId: randomUUID() };
    const released = await releaseTask(database, staff(merchant), act);
    expect(released).toMatchObject({ putBack: [{ sku: 'A', locationCode: 'A-01-01', quantity: 2 }] });
    expect(await releaseTask(database, staff(merchant), act)).toEqual(released);
    const next = await pickNext(database, merchant, 1);
    expect(next).toMatchObject({ taskId: task.taskId, lines: [{ done: 0 }] });
    expect(await partsOf(merchant, orderId)).toMatchObject([{ state: 'picked' }]);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('ships a fulfilment order of two cartons once, with the last of them', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 10 }] });
    await seedCarrierAccount(database, merchant);
    const orderId = await plannedOrder(database, merchant, [{ sku: 'A', quantity: 2 }]);
    await pickNext(database, merchant);
    const pack = await claim(database, merchant, 'pack');
    const person = staff(merchant);
    const fill = async () => {
      await scanPack(database, person, { taskId: pack.taskId, eventId: randomUUID(), code: 'A' });
      const act = { taskId: pack.taskId, eventId: randomUUID(), cartonCode: 'BOX-M' };
      return (await closeCarton(database, person, act)).parcelId;
    };
    const first = await fill();
    await labelParcel(database, merchant, first);
    const early = await shipScan(database, person, { parcel: { id: first }, eventId: randomUUID() });
    expect(early).toMatchObject({ shippedNow: true, complete: false });
    expect(await orderOf(merchant, orderId)).toMatchObject({ state: 'in_fulfilment' });
    const second = await fill();
    expect(second).not.toBe(first);
    expect(await partsOf(merchant, orderId)).toMatchObject([{ state: 'packed' }]);
    await labelParcel(database, merchant, second);
    const scans = await Promise.all(
      Array.from({ length: 6 }, () =>
        shipScan(database, person, { parcel: { id: second }, eventId: randomUUID() }),
      ),
    );
    expect(scans.filter((scan) => scan.shippedNow)).toHaveLength(1);
    expect(scans.every((scan) => scan.complete)).toBe(true);
    expect(await orderOf(merchant, orderId)).toMatchObject({ state: 'shipped' });
    expect(await rowsOf(database, merchant, 'select id from shipment')).toHaveLength(1);
    expect(await outboxOf(merchant, orderId, 'shipped:%')).toHaveLength(1);
  });

  it('weighs what nobody has weighed, and refuses a carton that can not carry it', async () => {
    const merchant = await seedMerchant(database, {
      products: [{ sku: 'A', stock: 10, weightGrams: null }],
    });
    await plannedOrder(database, merchant, [{ sku: 'A', quantity: 1 }]);
    await pickNext(database, merchant);
    const pack = await claim(database, merchant, 'pack');
    const person = staff(merchant);
    const close = (change: object) =>
      closeCarton(database, person, {
        taskId: pack.taskId,
        eventId: randomUUID(),
        cartonCode: 'BOX-M',
        ...change,
      });
    await expect(close({})).rejects.toThrow(/nothing is in the carton/);
    await scanPack(database, person, { taskId: pack.taskId, eventId: randomUUID(), code: 'A' });
    await expect(close({})).rejects.toThrow(/weight of A is not known/);
    await expect(close({ cartonCode: 'NONE' })).rejects.toThrow(/no such carton/);
    await expect(close({ weightGrams: 20_001 })).rejects.toThrow(/carries 20000 g/);
    await expect(close({ weightGrams: 1_200 })).resolves.toMatchObject({
      weightGrams: 1_200,
      taskState: 'done',
    });
  });
});
