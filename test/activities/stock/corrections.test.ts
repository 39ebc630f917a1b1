import { randomUUID } from 'node:crypto';
import { scanPick } from '../../../commands/floor/scan-pick';
import { type MoveLine, moveStock } from '../../../commands/stock/move-stock';
import {
  approveAdjustment,
  type RequestAdjustment,
  rejectAdjustment,
  requestAdjustment,
} from '../../../commands/stock/request-adjustment';
import {
  closeTransfer,
  dispatchTransfer,
  receiveTransfer,
  requestTransfer,
} from '../../../commands/stock/transfer';
import { Database } from '../../../db/client';
import { bookErrors, claim, plannedOrder, rowsOf, staff, warehouseOf } from '../../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../../support/merchant';
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

const stock = async (merchant: SeededMerchant, sku = 'A') =>
  (
    await rowsOf<{ stock: (number | string)[] }>(
      database,
      merchant,
      `select json_build_array(w.code, on_hand, held, reserved) as stock from stock_balance b
       join warehouse w on w.id = b.warehouse_id where product_id = $1 and (on_hand > 0 or reserved > 0) order by w.code`,
      [merchant.products.get(sku)],
    )
  ).map((row) => row.stock);

const bins = async (merchant: SeededMerchant) =>
  Object.fromEntries(
    (
      await rowsOf<{ code: string; units: number[] }>(
        database,
        merchant,
        `select w.code || ' ' || l.code as code, json_build_array(b.on_hand, b.allocated) as units from bin_balance b
         join location l on l.id = b.location_id join warehouse w on w.id = b.warehouse_id where b.on_hand > 0 order by 1`,
      )
    ).map(({ code, units }) => [code, units]),
  );

const limit = (merchant: SeededMerchant, units: number | null, minor: number | null = null) =>
  rowsOf(
    database,
    merchant,
    'update merchant set adjustment_limit_units = $1, adjustment_limit_minor = $2 returning id',
    [units, minor],
  );

describe('a correction', () => {
  const ask = (merchant: SeededMerchant, change: Partial<RequestAdjustment> = {}) =>
    requestAdjustment(database, {
      merchantId: merchant.merchantId,
      causeId: randomUUID(),
      kind: 'adjustment',
      warehouseId: warehouseOf(merchant).id,
      reason: 'counted anew',
      reasonCode: 'counted',
      actor: 'person:one',
      lines: [{ sku: 'A', delta: -3 }],
      ...change,
    });
  const decide = (merchant: SeededMerchant, adjustmentId: string, actor = 'person:two') => ({
    merchantIds: [merchant.merchantId],
    adjustmentId,
    reason: 'seen it',
    actor,
  });

  it('within the limit is posted at once; above it, by units or by worth, it waits and changes nothing', async () => {
    const merchant = await seedMerchant(database, {
      products: [{ sku: 'A', stock: 20, unitCostMinor: 500 }],
    });
    await limit(merchant, 3, 2000);
    expect(await ask(merchant)).toMatchObject({ state: 'posted', lines: [{ requested: -3, posted: -3 }] });
    const waiting = await ask(merchant, { lines: [{ sku: 'A', delta: -4 }] });
    expect(waiting).toMatchObject({ state: 'pending', lines: [{ requested: -4, posted: null }] });
    expect(await stock(merchant)).toEqual([['W1', 17, 0, 0]]);
    await limit(merchant, null, 1000);
    expect(await ask(merchant, { lines: [{ sku: 'A', delta: -2 }] })).toMatchObject({ state: 'posted' });
    expect(await ask(merchant)).toMatchObject({ state: 'pending' });
    const open = await rowsOf(
      database,
      merchant,
      "select key from exception where state = 'open' order by id",
    );
    expect(open).toHaveLength(2);
    expect(open[0]).toEqual({ key: `adjustment_approval:${waiting.adjustmentId}` });
  });

  it('is approved by somebody else than who asked, once, however many do at the same moment', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 20 }] });
    await limit(merchant, 0);
    const cause = { causeId: randomUUID() };
    const asked = await Promise.all([ask(merchant, cause), ask(merchant, cause), ask(merchant, cause)]);
    const { adjustmentId } = asked[0];
    expect(new Set(asked.map((each) => each.adjustmentId)).size).toBe(1);
    await expect(
      approveAdjustment(database, decide(merchant, adjustmentId, 'person:one')),
    ).rejects.toMatchObject({
      type: 'IllegalTransition',
    });
    const decided = await Promise.allSettled(
      Array.from({ length: 6 }, () => approveAdjustment(database, decide(merchant, adjustmentId))),
    );
    expect(decided.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await stock(merchant)).toEqual([['W1', 17, 0, 0]]);
    await expect(rejectAdjustment(database, decide(merchant, adjustmentId))).rejects.toMatchObject({
      type: 'IllegalTransition',
      details: { state: 'posted' },
    });
    const rows = await rowsOf(
      database,
      merchant,
      `select a.state, a.decided_by, l.posted, c.reason_code, c.actor from stock_adjustment a
       join stock_adjustment_line l on l.adjustment_id = a.id join stock_cause c on c.id = a.cause_id`,
    );
    expect(rows).toEqual([
      { state: 'posted', decided_by: 'person:two', posted: -3, reason_code: 'counted', actor: 'person:one' },
    ]);
    expect(await rowsOf(database, merchant, "select from exception where state = 'open'")).toEqual([]);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('that is rejected is never posted', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 20 }] });
    await limit(merchant, 0);
    const { adjustmentId } = await ask(merchant);
    await rejectAdjustment(database, decide(merchant, adjustmentId));
    await expect(approveAdjustment(database, decide(merchant, adjustmentId))).rejects.toMatchObject({
      details: { state: 'rejected' },
    });
    expect(await stock(merchant)).toEqual([['W1', 20, 0, 0]]);
  });

  it('takes reservations back when it is approved, not when it is asked for', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 5 }] });
    await limit(merchant, 1);
    await plannedOrder(database, merchant, [{ sku: 'A', quantity: 4 }]);
    const { adjustmentId } = await ask(merchant);
    expect(await stock(merchant)).toEqual([['W1', 5, 0, 4]]);
    await approveAdjustment(database, decide(merchant, adjustmentId));
    expect(await stock(merchant)).toEqual([['W1', 2, 0, 0]]);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('of a first stock has no limit, a second one has; a reason goes only its way', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A' }] });
    await limit(merchant, 10);
    const opening = {
      kind: 'opening',
      reasonCode: 'opening',
      lines: [{ sku: 'A', locationCode: 'A-01-01', delta: 5000 }],
    } as const;
    expect(await ask(merchant, opening)).toMatchObject({ state: 'posted' });
    expect(await ask(merchant, opening)).toMatchObject({ state: 'pending' });
    await expect(ask(merchant, { reasonCode: 'found' })).rejects.toMatchObject({ type: 'InvalidInput' });
    await expect(
      ask(merchant, { reasonCode: 'stolen', lines: [{ sku: 'A', locationCode: 'A-01-01', delta: 1 }] }),
    ).rejects.toMatchObject({ type: 'InvalidInput' });
  });
});

describe('moving goods', () => {
  const move = (merchant: SeededMerchant, lines: readonly MoveLine[], causeId: string = randomUUID()) =>
    moveStock(database, {
      merchantId: merchant.merchantId,
      causeId,
      warehouseId: warehouseOf(merchant).id,
      reason: 'tidied up',
      actor: 'test',
      lines,
    });

  it('happens once, and only with units that nobody was promised there', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 5 }] });
    await plannedOrder(database, merchant, [{ sku: 'A', quantity: 3 }]);
    const line = { sku: 'A', quantity: 2, fromCode: 'A-01-01', toCode: 'A-01-02' };
    const moved = await Promise.all([move(merchant, [line], 'once'), move(merchant, [line], 'once')]);
    expect(moved.map(({ posted }) => posted).sort()).toEqual([false, true]);
    await expect(move(merchant, [{ ...line, quantity: 1 }])).rejects.toMatchObject({
      type: 'InvalidInput',
      details: { movable: 0 },
    });
    expect(await bins(merchant)).toEqual({ 'W1 A-01-01': [3, 3], 'W1 A-01-02': [2, 0] });
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('to the damaged ones takes them from whom they were promised to, but not out of hands', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 6 }] });
    await plannedOrder(database, merchant, [{ sku: 'A', quantity: 2 }]);
    const task = await claim(database, merchant, 'pick');
    const scan = { taskId: task.taskId, code: 'A', locationCode: 'A-01-01', eventId: randomUUID() };
    await scanPick(database, staff(merchant), scan);
    const late = await plannedOrder(database, merchant, [{ sku: 'A', quantity: 4 }]);
    const broken = (quantity: number) =>
      move(merchant, [{ sku: 'A', quantity, fromCode: 'A-01-01', toCode: 'DAM-1' }]);
    await expect(broken(5)).rejects.toMatchObject({ details: { movable: 4 } });
    await broken(1);
    expect(await bins(merchant)).toEqual({ 'W1 A-01-01': [5, 2], 'W1 DAM-1': [1, 0] });
    expect(await stock(merchant)).toEqual([['W1', 6, 1, 2]]);
    expect(
      await rowsOf(database, merchant, "select order_id from reservation where state = 'taken_back'"),
    ).toEqual([{ order_id: late }]);
    // Repaired: back for sale, and who waits is told.
    await move(merchant, [{ sku: 'A', quantity: 1, fromCode: 'DAM-1', toCode: 'A-01-03' }]);
    expect(await stock(merchant)).toEqual([['W1', 6, 0, 2]]);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('never goes to a packing bench or to another warehouse', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 5 }] });
    const other = await seedMerchant(database);
    const to = (toCode: string) => move(merchant, [{ sku: 'A', quantity: 1, fromCode: 'A-01-01', toCode }]);
    await expect(to('PACK-1')).rejects.toMatchObject({ type: 'InvalidInput' });
    await expect(to('A-01-01')).rejects.toMatchObject({ type: 'InvalidInput' });
    await expect(to('NOWHERE')).rejects.toMatchObject({ type: 'NotFound' });
    await expect(
      moveStock(database, {
        merchantId: merchant.merchantId,
        causeId: randomUUID(),
        warehouseId: warehouseOf(other).id,
        reason: 'x',
        actor: 'test',
        lines: [{ sku: 'A', quantity: 1, fromCode: 'A-01-01', toCode: 'A-01-02' }],
      }),
    ).rejects.toMatchObject({ type: 'NotFound' });
  });
});

describe('a transfer', () => {
  const two = () =>
    seedMerchant(database, {
      warehouses: [{ code: 'W1' }, { code: 'W2' }],
      products: [{ sku: 'A', stock: { W1: 10 } }],
    });
  const ask = (merchant: SeededMerchant, quantity: number) =>
    requestTransfer(database, {
      merchantId: merchant.merchantId,
      key: randomUUID(),
      reference: null,
      fromWarehouseId: merchant.warehouses[0]?.id ?? '',
      toWarehouseId: merchant.warehouses[1]?.id ?? '',
      expectedAt: null,
      reason: 'rebalance',
      actor: 'test',
      lines: [{ sku: 'A', quantity }],
    });
  const of = (merchant: SeededMerchant, transferId: string, key: string = randomUUID()) => ({
    merchantIds: [merchant.merchantId],
    transferId,
    key,
    actor: 'test',
  });
  const send = (merchant: SeededMerchant, transferId: string, quantity: number, key?: string) =>
    dispatchTransfer(database, {
      ...of(merchant, transferId, key),
      lines: [{ sku: 'A', quantity, fromCode: 'A-01-01' }],
    });
  const take = (
    merchant: SeededMerchant,
    transferId: string,
    quantity: number,
    toCode?: string,
    key?: string,
  ) =>
    receiveTransfer(database, {
      ...of(merchant, transferId, key),
      lines: [{ sku: 'A', quantity, ...(toCode === undefined ? {} : { toCode }) }],
    });
  const head = async (merchant: SeededMerchant) =>
    (
      await rowsOf<{ head: unknown[] }>(
        database,
        merchant,
        `select json_build_array(t.state, l.awaited, c.dispatched, c.received, c.lost) as head from stock_transfer t
         join stock_transfer_line l on l.transfer_id = t.id left join stock_transfer_content c on c.transfer_id = t.id`,
      )
    )[0]?.head;

  it('takes goods off the shelf, along the road and in at the dock, each step once', async () => {
    const merchant = await two();
    const { transferId } = await ask(merchant, 6);
    expect(await stock(merchant)).toEqual([['W1', 10, 0, 0]]);
    await Promise.all([1, 2, 3].map(() => send(merchant, transferId, 4, 'truck-1')));
    expect(await stock(merchant)).toEqual([['W1', 6, 0, 0]]);
    expect(await head(merchant)).toEqual(['in_transit', 2, 4, 0, 0]);
    await Promise.all([1, 2, 3].map(() => take(merchant, transferId, 3, undefined, 'gate-1')));
    expect(await stock(merchant)).toEqual([
      ['W1', 6, 0, 0],
      ['W2', 3, 3, 0],
    ]);
    await take(merchant, transferId, 1, 'A-01-02');
    expect(await head(merchant)).toEqual(['in_transit', 2, 4, 4, 0]);
    await send(merchant, transferId, 2);
    await take(merchant, transferId, 2, 'A-01-02');
    expect(await head(merchant)).toEqual(['received', 0, 6, 6, 0]);
    expect(await stock(merchant)).toEqual([
      ['W1', 4, 0, 0],
      ['W2', 6, 3, 0],
    ]);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('never sends what is promised or was not asked for, never takes in what did not go', async () => {
    const merchant = await two();
    await plannedOrder(database, merchant, [{ sku: 'A', quantity: 7 }]);
    const { transferId } = await ask(merchant, 5);
    await expect(take(merchant, transferId, 1)).rejects.toMatchObject({ type: 'IllegalTransition' });
    await expect(send(merchant, transferId, 4)).rejects.toMatchObject({ details: { free: 3 } });
    await expect(send(merchant, transferId, 6)).rejects.toMatchObject({ details: { awaited: 5 } });
    await send(merchant, transferId, 3);
    await expect(take(merchant, transferId, 4)).rejects.toMatchObject({ details: { onTheWay: 3 } });
    await expect(take(merchant, transferId, 1, 'PACK-1')).rejects.toMatchObject({ type: 'InvalidInput' });
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('is closed with what got lost on the road, or cancelled when nothing went', async () => {
    const merchant = await two();
    const { transferId } = await ask(merchant, 6);
    await send(merchant, transferId, 5);
    await take(merchant, transferId, 3, 'A-01-01');
    await closeTransfer(database, { ...of(merchant, transferId), reason: 'fell off the truck' });
    expect(await head(merchant)).toEqual(['received', 0, 5, 3, 2]);
    await expect(send(merchant, transferId, 1)).rejects.toMatchObject({ details: { state: 'received' } });
    const [road] = await rowsOf(
      database,
      merchant,
      `select coalesce(sum(case when t.kind = 'transit' then l.quantity else -l.quantity end), 0)::int as units
       from stock_ledger l join location f on f.id = l.from_location_id join location t on t.id = l.to_location_id
       where 'transit' in (f.kind, t.kind)`,
    );
    expect(road).toEqual({ units: 0 });
    const second = await ask(merchant, 1);
    await closeTransfer(database, { ...of(merchant, second.transferId), reason: 'not needed' });
    expect(
      await rowsOf(database, merchant, 'select state from stock_transfer where id = $1', [second.transferId]),
    ).toEqual([{ state: 'cancelled' }]);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });
});
