import { randomUUID } from 'node:crypto';
import { cancelCount } from '../../../commands/count/cancel-count';
import { releaseSheet } from '../../../commands/count/work-sheet';
import { releaseTask } from '../../../commands/floor/release-task';
import { scanPick } from '../../../commands/floor/scan-pick';
import { shortPick } from '../../../commands/floor/short-pick';
import { moveStock } from '../../../commands/stock/move-stock';
import { approveAdjustment, rejectAdjustment } from '../../../commands/stock/request-adjustment';
import { Database } from '../../../db/client';
import { bookErrors, claim, plannedOrder, rowsOf, staff, warehouseOf } from '../../support/floor-steps';
import { type MerchantSeed, type SeededMerchant, seedMerchant } from '../../support/merchant';
import { type TestDatabase, testDatabase } from '../../support/postgres';
import { Counters } from './count-world';

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

async function site(seed: MerchantSeed = {}, settings: Readonly<Record<string, number>> = {}) {
  const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 20 }], ...seed });
  for (const [column, value] of Object.entries(settings))
    await rowsOf(database, merchant, `update merchant set ${column} = $1 returning id`, [value]);
  return { merchant, counters: new Counters(database, merchant) };
}

async function sheets(merchant: SeededMerchant, countId: string) {
  return rowsOf<{ state: string; round: number; person_id: string | null; adjustment_id: string | null }>(
    database,
    merchant,
    'select state, round, person_id, adjustment_id from count_sheet where count_id = $1 order by location_id, round',
    [countId],
  );
}

async function adjustments(merchant: SeededMerchant) {
  return rowsOf<{ id: string; state: string; kind: string; lines: { delta: number }[] }>(
    database,
    merchant,
    `select a.id, a.state, a.kind, (select json_agg(json_build_object('delta', l.delta) order by l.line) from stock_adjustment_line l
       where l.adjustment_id = a.id) as lines from stock_adjustment a order by a.requested_at, a.id`,
  );
}

const move = (merchant: SeededMerchant, quantity: number, from: string, to: string, sku = 'A') =>
  moveStock(database, {
    merchantId: merchant.merchantId,
    causeId: randomUUID(),
    warehouseId: warehouseOf(merchant).id,
    reason: 'test',
    actor: 'test',
    lines: [{ sku, quantity, fromCode: from, toCode: to }],
  });

describe('a count', () => {
  it('that finds what the books say posts nothing, and shows the counter no quantity', async () => {
    const { merchant, counters } = await site();
    const { countId } = await counters.plan();
    const sheet = await counters.begin();
    const { sheetId, merchantId, warehouseId } = sheet;
    const known = { sheetId, merchantId, countId, warehouseId, locationCode: 'A-01-01', round: 1 };
    expect(sheet).toEqual({ ...known, state: 'started', products: null });
    expect(await counters.submit(sheet, [{ code: 'A', quantity: 20 }])).toMatchObject({ outcome: 'counted' });
    expect(await sheets(merchant, countId)).toMatchObject([{ state: 'counted', adjustment_id: null }]);
    expect(await adjustments(merchant)).toEqual([]);
    expect(await rowsOf(database, merchant, 'select state from stock_count')).toEqual([{ state: 'done' }]);
  });

  it('beyond the tolerance is made again by somebody else, and posted once when he finds the same', async () => {
    const { merchant, counters } = await site();
    const { countId } = await counters.plan();
    await counters.look([{ code: 'A', quantity: 17 }]);
    expect(await counters.onBooks('A')).toBe(20);
    expect(await counters.next(0)).toBeNull();
    const { sheet } = await counters.look([{ code: 'A', quantity: 17 }], 1);
    expect(sheet).toMatchObject({ round: 2, products: [{ sku: 'A' }] });
    expect(await counters.onBooks('A')).toBe(17);
    expect(await adjustments(merchant)).toMatchObject([
      { state: 'posted', kind: 'count', lines: [{ delta: -3 }] },
    ]);
    expect((await sheets(merchant, countId)).map(({ round, state }) => [round, state])).toEqual([
      [1, 'counted'],
      [2, 'counted'],
    ]);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('is made again by the same person where nobody else is there, and the third look stands', async () => {
    const { counters } = await site({ persons: 1 });
    await counters.plan();
    await counters.look([{ code: 'A', quantity: 17 }]);
    await counters.look([{ code: 'A', quantity: 18 }]);
    expect(await counters.onBooks('A')).toBe(20);
    await counters.look([{ code: 'A', quantity: 16 }]);
    expect(await counters.onBooks('A')).toBe(16);
    expect(await counters.next()).toBeNull();
  });

  it('within the tolerance is posted at once', async () => {
    const { counters } = await site({}, { count_tolerance_units: 5, count_tolerance_percent: 10 });
    await counters.plan();
    await counters.look([{ code: 'A', quantity: 18 }]);
    expect(await counters.onBooks('A')).toBe(18);
    await counters.plan();
    await counters.look([{ code: 'A', quantity: 15 }]);
    expect(await counters.onBooks('A')).toBe(18);
  });

  it('takes goods that nobody expected, and says of a whole place that what is not named is not there', async () => {
    const { counters } = await site(
      { products: [{ sku: 'A', stock: 20 }, { sku: 'B' }] },
      { count_tolerance_units: 100 },
    );
    await counters.plan({ locationCodes: ['A-01-01'] });
    await counters.look([{ code: 'B', quantity: 4 }]);
    expect([await counters.onBooks('A'), await counters.onBooks('B')]).toEqual([0, 4]);
  });

  it('above the correction limit waits for a second person; approved twice at the same time it posts once', async () => {
    const { merchant, counters } = await site({}, { count_tolerance_units: 100, adjustment_limit_units: 2 });
    await counters.plan();
    await counters.look([{ code: 'A', quantity: 15 }]);
    expect(await counters.onBooks('A')).toBe(20);
    const [waiting] = await adjustments(merchant);
    expect(waiting).toMatchObject({ state: 'pending' });
    const decision = { merchantIds: [merchant.merchantId], adjustmentId: waiting?.id ?? '', reason: 'seen' };
    await expect(
      approveAdjustment(database, { ...decision, actor: `person:${merchant.personIds[0]}` }),
    ).rejects.toThrow(/somebody else/);
    const decided = await Promise.allSettled(
      ['key:1', 'key:2'].map((actor) => approveAdjustment(database, { ...decision, actor })),
    );
    expect(decided.map((each) => each.status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await counters.onBooks('A')).toBe(15);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('of a place whose correction waits is not begun until that is decided', async () => {
    const { merchant, counters } = await site({}, { count_tolerance_units: 100, adjustment_limit_units: 2 });
    await counters.plan();
    await counters.look([{ code: 'A', quantity: 15 }]);
    await counters.plan();
    expect(await counters.next()).toBeNull();
    const [waiting] = await adjustments(merchant);
    const decision = { merchantIds: [merchant.merchantId], adjustmentId: waiting?.id ?? '', reason: 'no' };
    await rejectAdjustment(database, { ...decision, actor: 'key:1' });
    await counters.look([{ code: 'A', quantity: 20 }]);
    expect(await counters.onBooks('A')).toBe(20);
  });

  it('submitted twice, also at the same time, is one reading with one answer', async () => {
    const { merchant, counters } = await site({}, { count_tolerance_units: 100 });
    await counters.plan();
    const sheet = await counters.begin();
    const eventId = randomUUID();
    const answers = await Promise.all(
      [1, 2, 3].map(() => counters.submit(sheet, [{ code: 'A', quantity: 16 }], 0, eventId)),
    );
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    await expect(counters.submit(sheet, [{ code: 'A', quantity: 12 }])).rejects.toThrow(/counted/);
    expect(await counters.onBooks('A')).toBe(16);
    expect(await adjustments(merchant)).toHaveLength(1);
  });

  it('asks again only for what moved between begin and answer, there and back again too', async () => {
    const { merchant, counters } = await site(
      {
        products: [
          { sku: 'A', stock: 20 },
          { sku: 'B', stock: 8 },
        ],
      },
      { count_tolerance_units: 100 },
    );
    await counters.plan({ locationCodes: ['A-01-01'] });
    const sheet = await counters.begin();
    await move(merchant, 5, 'A-01-01', 'A-01-02');
    await move(merchant, 5, 'A-01-02', 'A-01-01');
    const first = await counters.submit(sheet, [
      { code: 'A', quantity: 15 },
      { code: 'B', quantity: 7 },
    ]);
    expect(first).toMatchObject({ outcome: 'count_again', countAgain: ['A'] });
    expect([await counters.onBooks('A'), await counters.onBooks('B')]).toEqual([20, 8]);
    await expect(counters.submit(sheet, [{ code: 'B', quantity: 1 }])).rejects.toThrow(/not asked about/);
    const second = await counters.submit(sheet, [{ code: 'A', quantity: 20 }]);
    expect(second).toMatchObject({ outcome: 'counted' });
    expect([await counters.onBooks('A'), await counters.onBooks('B')]).toEqual([20, 7]);
  });

  it('knows what a picker has in his hands, and asks again when he takes or gives back meanwhile', async () => {
    const { merchant, counters } = await site({}, { count_tolerance_units: 100 });
    await plannedOrder(database, merchant, [{ sku: 'A', quantity: 5 }]);
    const task = await claim(database, merchant, 'pick', 1);
    const scan = (quantity: number) =>
      scanPick(database, staff(merchant, 1), {
        taskId: task.taskId,
        eventId: randomUUID(),
        code: 'A',
        locationCode: 'A-01-01',
        quantity,
      });
    await scan(2);
    await counters.plan();
    const sheet = await counters.begin();
    await scan(1);
    expect(await counters.submit(sheet, [{ code: 'A', quantity: 18 }])).toMatchObject({
      outcome: 'count_again',
    });
    await releaseTask(database, staff(merchant, 1), { taskId: task.taskId, eventId: randomUUID() });
    await claim(database, merchant, 'pick', 1);
    await scan(3);
    expect(await counters.submit(sheet, [{ code: 'A', quantity: 20 }])).toMatchObject({
      outcome: 'count_again',
    });
    expect(await counters.submit(sheet, [{ code: 'A', quantity: 17 }])).toMatchObject({ outcome: 'counted' });
    expect(await counters.onBooks('A')).toBe(20);
    await scan(2);
    expect(await counters.onBooks('A')).toBe(15);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('that finds less than is promised takes back what it leaves without goods', async () => {
    const { merchant, counters } = await site({}, { count_tolerance_units: 100 });
    await plannedOrder(database, merchant, [{ sku: 'A', quantity: 12 }]);
    await counters.plan();
    await counters.look([{ code: 'A', quantity: 10 }]);
    expect(await counters.onBooks('A')).toBe(10);
    expect(
      await rowsOf(database, merchant, 'select state, quantity from reservation order by created_at'),
    ).toEqual([{ state: 'taken_back', quantity: 12 }]);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('of goods with lots asks for the lot, and corrects each lot by itself', async () => {
    const { merchant, counters } = await site(
      { products: [{ sku: 'L', lotTracked: true }] },
      { count_tolerance_units: 100 },
    );
    await counters.plan({ locationCodes: ['A-01-01'], skus: ['L'] });
    const sheet = await counters.begin();
    await expect(counters.submit(sheet, [{ code: 'L', quantity: 3 }])).rejects.toThrow(/say which/);
    await counters.submit(sheet, [
      { code: 'L', lotCode: 'ONE', quantity: 3 },
      { code: 'L', lotCode: 'TWO', quantity: 2 },
    ]);
    expect(await counters.onBooks('L')).toBe(5);
    expect(
      await rowsOf(
        database,
        merchant,
        'select lot_code, on_hand from bin_balance where on_hand > 0 order by 1',
      ),
    ).toEqual([
      { lot_code: 'ONE', on_hand: 3 },
      { lot_code: 'TWO', on_hand: 2 },
    ]);
  });

  it('of units with serial numbers posts nothing by itself and asks a person', async () => {
    const { merchant, counters } = await site();
    await rowsOf(database, merchant, 'update product set serial_tracked = true returning id');
    await counters.plan();
    await counters.look([{ code: 'A', quantity: 19 }]);
    await counters.look([{ code: 'A', quantity: 19 }], 1);
    expect(await counters.onBooks('A')).toBe(20);
    expect(await rowsOf(database, merchant, "select reason from exception where state = 'open'")).toEqual([
      { reason: 'count_by_hand' },
    ]);
  });

  it('given back by its counter is there for the next one, and cancelled for nobody', async () => {
    const { merchant, counters } = await site();
    const { countId } = await counters.plan();
    const sheet = await counters.begin();
    await expect(counters.start(sheet, 1)).rejects.toThrow(/somebody else/);
    await releaseSheet(database, staff(merchant), { sheetId: sheet.sheetId, eventId: randomUUID() });
    expect(await counters.next(1)).toMatchObject({ sheetId: sheet.sheetId, state: 'open' });
    const cancel = { merchantIds: [merchant.merchantId], countId, reason: 'test', actor: 'test' };
    await cancelCount(database, cancel);
    await cancelCount(database, cancel);
    expect(await counters.next(1)).toBeNull();
    await expect(counters.submit(sheet, [], 1)).rejects.toThrow(/cancelled/);
  });
});

describe('after a short pick', () => {
  async function shorted(found: number) {
    const { merchant, counters } = await site(
      { shortPickPolicy: 'backorder' },
      { count_tolerance_units: 100 },
    );
    await plannedOrder(database, merchant, [{ sku: 'A', quantity: 5 }]);
    const task = await claim(database, merchant, 'pick', 1);
    const act = { taskId: task.taskId };
    await scanPick(database, staff(merchant, 1), {
      ...act,
      eventId: randomUUID(),
      code: 'A',
      locationCode: 'A-01-01',
      quantity: found,
    });
    const taskLineId = task.lines[0]?.taskLineId ?? '';
    await shortPick(database, staff(merchant, 1), { ...act, eventId: randomUUID(), taskLineId, found });
    return { merchant, counters };
  }

  it('the bin is counted by itself, and what was not found is written off when it is not there', async () => {
    const { merchant, counters } = await shorted(2);
    expect([await counters.onBooks('A'), await counters.onBooks('A', 'QUAR-1')]).toEqual([15, 3]);
    const { sheet } = await counters.look([{ code: 'A', quantity: 15 }]);
    expect(sheet).toMatchObject({ locationCode: 'A-01-01', products: [{ sku: 'A' }] });
    expect([await counters.onBooks('A'), await counters.onBooks('A', 'QUAR-1')]).toEqual([15, 0]);
    expect(await adjustments(merchant)).toMatchObject([{ state: 'posted', lines: [{ delta: -3 }] }]);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('what is found after all goes back to its bin and is for sale again', async () => {
    const { merchant, counters } = await shorted(2);
    await counters.look([{ code: 'A', quantity: 17 }]);
    expect([await counters.onBooks('A'), await counters.onBooks('A', 'QUAR-1')]).toEqual([17, 0]);
    expect(await adjustments(merchant)).toMatchObject([{ lines: [{ delta: -1 }] }]);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });
});
