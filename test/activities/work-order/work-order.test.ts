import { randomUUID } from 'node:crypto';
import { runCheck } from '../../../checks/check';
import { rebuild } from '../../../checks/rebuild';
import { Intake } from '../../../commands/intake/intake';
import { adjustStock } from '../../../commands/stock/adjust-stock';
import { holdLot } from '../../../commands/stock/hold-lot';
import { Database } from '../../../db/client';
import { stepKey } from '../../../domain/step-key';
import { plannedOrder, rowsOf, warehouseOf } from '../../support/floor-steps';
import { demoOrder, placeOrder } from '../../support/order';
import { type TestDatabase, testDatabase } from '../../support/postgres';
import { openBench } from './bench';

let server: TestDatabase;
let database: Database;

beforeAll(async () => {
  server = await testDatabase();
  database = new Database({ appUrl: server.appUrl, systemUrl: server.systemUrl, poolSize: 8 });
});
afterAll(async () => {
  const report = await runCheck(server.checkUrl);
  await database.close();
  await server.drop();
  // The books of everything that these tests did, as `quayside check` reads them.
  expect(report.findings.filter(({ ok }) => !ok)).toEqual([]);
});

describe('a work order', () => {
  it('sets its parts apart once, so that no order gets them, however often it is asked', async () => {
    const bench = await openBench(database);
    const id = await bench.create();
    const outlooks = await Promise.all([1, 2, 3].map(() => bench.reserve(id)));
    for (const outlook of outlooks) expect(outlook).toMatchObject({ steps: [], ends: false, short: null });
    expect(await bench.stock()).toEqual({ CUP: [20, 12], SET: [0, 0], TRAY: [10, 6] });
    const { merchant } = bench;
    await expect(plannedOrder(database, merchant, [{ sku: 'CUP', quantity: 9 }])).rejects.toThrow(
      /out_of_stock/,
    );
    expect(await bench.standing(id)).toMatchObject({ state: 'reserved' });
    await bench.isRight();
  });

  it('posts each step once: parts down, kits up, whoever posts it how often and in whatever order', async () => {
    const bench = await openBench(database);
    const id = await bench.create();
    await bench.reserve(id);
    await bench.report(id, 2);
    await bench.report(id, 1);
    expect((await bench.reserve(id)).steps).toEqual([1, 2]);
    await bench.post(id, 2);
    await Promise.all([1, 1, 2].map((number) => bench.post(id, number)));
    expect(await bench.stock()).toEqual({ CUP: [14, 6], SET: [3, 0], TRAY: [7, 3] });
    expect(await bench.standing(id)).toMatchObject({ state: 'in_progress', built: 3 });
    expect(await bench.close(id)).toEqual({ outcome: 'goes_on' });
    await bench.isRight();
  });

  it('reported twice under one key is one step', async () => {
    const bench = await openBench(database);
    const id = await bench.create();
    await bench.reserve(id);
    const key = randomUUID();
    const numbers = await Promise.all([1, 2].map(() => bench.report(id, 2, { key })));
    expect(numbers).toEqual([{ number: 1 }, { number: 1 }]);
  });

  it('takes no report of more than is left, none before its parts are there, and none of what is no part', async () => {
    const bench = await openBench(database);
    const id = await bench.create();
    await expect(bench.report(id, 1)).rejects.toThrow(/planned/);
    await bench.reserve(id);
    await bench.report(id, 4);
    await expect(bench.report(id, 3)).rejects.toThrow(/2 are left/);
    const scrap = [{ sku: 'SET', quantity: 1, reason: 'fell' }];
    await expect(bench.report(id, 1, { scrap })).rejects.toThrow(/no component/);
  });

  it('ends by itself when all is made', async () => {
    const bench = await openBench(database);
    const id = await bench.create();
    await bench.reserve(id);
    await bench.report(id, 6);
    await bench.post(id, 1);
    expect(await bench.close(id)).toEqual({ outcome: 'ended', state: 'done', built: 6 });
    expect(await bench.stock()).toEqual({ CUP: [8, 0], SET: [6, 0], TRAY: [4, 0] });
    await bench.isRight();
  });

  it.each([
    ['before its parts are set apart', 0, 0, 'cancelled'],
    ['when they are', 1, 0, 'cancelled'],
    ['when a step is reported and not posted', 2, 2, 'cancelled'],
    ['when a step is posted', 3, 2, 'cancelled'],
  ] as const)(
    'cancelled %s leaves what is made, and nothing set apart',
    async (_when, point, made, state) => {
      const bench = await openBench(database);
      const id = await bench.create();
      if (point >= 1) await bench.reserve(id);
      if (point >= 2) await bench.report(id, 2);
      if (point >= 3) await bench.post(id, 1);
      await bench.end(id, 'cancelled');
      await bench.end(id, 'cancelled');
      await expect(bench.report(id, 1)).rejects.toThrow(/cancelled/);
      const outlook = await bench.reserve(id);
      expect(outlook.ends).toBe(true);
      for (const number of outlook.steps) await bench.post(id, number);
      const ended = { outcome: 'ended', state, built: made };
      expect(await bench.close(id)).toEqual(ended);
      expect(await bench.close(id)).toEqual(ended);
      expect(await bench.stock()).toEqual({
        CUP: [20 - 2 * made, 0],
        SET: [made, 0],
        TRAY: [10 - made, 0],
      });
      await bench.isRight();
    },
  );

  it('finished early is done with what is made', async () => {
    const bench = await openBench(database);
    const id = await bench.create();
    await bench.reserve(id);
    await bench.report(id, 2);
    await bench.end(id, 'done');
    expect(await bench.close(id)).toEqual({ outcome: 'goes_on' });
    await bench.post(id, 1);
    expect(await bench.close(id)).toEqual({ outcome: 'ended', state: 'done', built: 2 });
    await expect(bench.end(id, 'cancelled')).rejects.toThrow(/done/);
    await expect(bench.retry(id)).rejects.toThrow(/done/);
    await bench.isRight();
  });

  it('books what broke with its reason, and sets the rest apart anew', async () => {
    const bench = await openBench(database);
    const id = await bench.create();
    await bench.reserve(id);
    await bench.report(id, 1, { scrap: [{ sku: 'CUP', quantity: 3, reason: 'fell off the bench' }] });
    await bench.post(id, 1);
    expect(await bench.stock()).toEqual({ CUP: [15, 7], SET: [1, 0], TRAY: [9, 5] });
    await bench.reserve(id);
    expect(await bench.stock()).toEqual({ CUP: [15, 10], SET: [1, 0], TRAY: [9, 5] });
    expect(
      await rowsOf(database, bench.merchant, "select kind, reason from stock_cause where kind = 'kit'"),
    ).toEqual([{ kind: 'kit', reason: 'fell off the bench' }]);
    await bench.isRight();
  });

  it('with parts that are short reserves none, says which, and is woken when they come', async () => {
    const bench = await openBench(database, { CUP: 5 });
    const id = await bench.create();
    expect((await bench.reserve(id)).short?.message).toMatch(/12 × CUP/);
    expect(await bench.stock()).toEqual({ CUP: [5, 0], SET: [0, 0], TRAY: [10, 0] });
    expect(await bench.standing(id)).toMatchObject({ state: 'planned', blocked_reason: 'work_order_short' });
    const open = "select reason from exception where state = 'open'";
    expect(await rowsOf(database, bench.merchant, open)).toEqual([{ reason: 'work_order_short' }]);
    await bench.adjust('TRAY', 1);
    await bench.adjust('CUP', 7);
    expect(await bench.signals()).toEqual([{ cause: 'stock_arrived' }, { cause: 'stock_arrived' }]);
    expect((await bench.reserve(id)).short).toBeNull();
    expect(await bench.standing(id)).toMatchObject({ state: 'reserved', blocked_reason: null });
    expect(await rowsOf(database, bench.merchant, open)).toEqual([]);
    await bench.isRight();
  });

  it('gives what comes free to waiting orders first', async () => {
    const bench = await openBench(database, { CUP: 5 });
    const { merchant } = bench;
    const { orderId } = await placeOrder(database, merchant, demoOrder([{ sku: 'CUP', quantity: 8 }]));
    const request = { merchantId: merchant.merchantId, orderId, stepKey: stepKey(orderId, 'intake') };
    expect(await new Intake(database).run(request)).toMatchObject({ reason: 'out_of_stock' });
    const id = await bench.create({ quantity: 1 });
    await bench.reserve(id);
    await bench.end(id, 'cancelled');
    await bench.close(id);
    await bench.adjust('CUP', 3);
    const other = await bench.create({ quantity: 1 });
    expect((await bench.reserve(other)).short?.message).toMatch(/2 × CUP/);
  });

  it('whose parts a loss takes back is told, and waits for them again', async () => {
    const bench = await openBench(database);
    const id = await bench.create();
    await bench.reserve(id);
    await bench.adjust('CUP', -12);
    expect(await bench.signals()).toEqual([{ cause: 'stock_taken_back' }]);
    expect(await bench.stock()).toMatchObject({ CUP: [8, 0] });
    expect((await bench.reserve(id)).short?.message).toMatch(/12 × CUP/);
    await bench.isRight();
  });

  it('whose step can not be booked, for its parts are gone, waits for them and posts it then', async () => {
    const bench = await openBench(database, { CUP: 12 });
    const id = await bench.create();
    await bench.reserve(id);
    await bench.report(id, 3);
    await bench.adjust('CUP', -10);
    expect(await bench.post(id, 1)).toMatchObject({ outcome: 'short' });
    expect(await bench.standing(id)).toMatchObject({ built: 0, blocked_reason: 'work_order_short' });
    await bench.adjust('CUP', 4);
    expect(await bench.post(id, 1)).toEqual({ outcome: 'posted', built: 3 });
    expect(await bench.standing(id)).toMatchObject({ built: 3, blocked_reason: null });
    await bench.isRight();
  });

  it('takes the lot that expires first, and never one that is recalled', async () => {
    const bench = await openBench(database, { CUP: 0 });
    const { merchant } = bench;
    await adjustStock(database, {
      merchantId: merchant.merchantId,
      causeId: randomUUID(),
      kind: 'opening',
      warehouseId: warehouseOf(merchant).id,
      reason: 'test',
      actor: 'test',
      lines: [
        { sku: 'CUP', locationCode: 'A-01-01', lotCode: 'LATE', expiresOn: '2032-01-01', delta: 10 },
        { sku: 'CUP', locationCode: 'A-01-01', lotCode: 'SOON', expiresOn: '2031-01-01', delta: 10 },
        { sku: 'CUP', locationCode: 'A-01-01', lotCode: 'BAD', expiresOn: '2030-01-01', delta: 10 },
      ],
    });
    const productId = merchant.products.get('CUP') as string;
    const recall = { merchantId: merchant.merchantId, productId, lotCode: 'BAD', kind: 'recall' as const };
    await holdLot(database, { ...recall, reason: 'test', actor: 'test' });
    const id = await bench.create();
    await bench.reserve(id);
    await bench.report(id, 2);
    await bench.post(id, 1);
    expect(
      await rowsOf(
        database,
        merchant,
        'select lot_code, on_hand, allocated from bin_balance where product_id = $1 order by 1',
        [productId],
      ),
    ).toEqual([
      { lot_code: 'BAD', on_hand: 10, allocated: 0 },
      { lot_code: 'LATE', on_hand: 10, allocated: 2 },
      { lot_code: 'SOON', on_hand: 6, allocated: 6 },
    ]);
    await bench.isRight();
  });

  it('takes kits apart: the kit down, its parts up less what broke', async () => {
    const bench = await openBench(database, { SET: 4 });
    const id = await bench.create({ kind: 'disassemble', quantity: 3 });
    await bench.reserve(id);
    expect(await bench.stock()).toMatchObject({ SET: [4, 3] });
    await bench.report(id, 2, { scrap: [{ sku: 'CUP', quantity: 1, reason: 'glued' }] });
    await bench.post(id, 1);
    expect(await bench.stock()).toEqual({ CUP: [23, 0], SET: [2, 1], TRAY: [12, 0] });
    const scrap = [{ sku: 'TRAY', quantity: 2, reason: 'glued' }];
    await expect(bench.report(id, 1, { scrap })).rejects.toThrow(/more broke/);
    await bench.end(id, 'cancelled');
    await bench.close(id);
    expect(await bench.stock()).toMatchObject({ SET: [2, 0] });
    await bench.isRight();
  });

  it('refuses bundles, which are put together when they are ordered, and units with serial numbers', async () => {
    const bench = await openBench(database);
    await rowsOf(
      database,
      bench.merchant,
      "update product set is_bundle = true where sku = 'SET' returning id",
    );
    await expect(bench.create()).rejects.toThrow(/bundle/);
    await expect(bench.create({ sku: 'CUP', components: [{ sku: 'CUP', quantity: 1 }] })).rejects.toThrow(
      /other products/,
    );
    await expect(bench.create({ sku: 'NONE' })).rejects.toThrow(/no product NONE/);
  });

  it('is made right again by a rebuild when what it made is wrong', async () => {
    const bench = await openBench(database);
    const id = await bench.create();
    await bench.reserve(id);
    await bench.report(id, 2);
    await bench.post(id, 1);
    await rowsOf(database, bench.merchant, 'update work_order set built = 1 where id = $1 returning id', [
      id,
    ]);
    const { findings } = await runCheck(server.checkUrl);
    expect(findings.find(({ invariant }) => invariant === 'kits')).toMatchObject({ status: 'broken' });
    const { differences } = await rebuild(server);
    expect(differences).toEqual([
      expect.objectContaining({ table: 'work_order', was: '1 made', is: '2 made' }),
    ]);
  });
});
