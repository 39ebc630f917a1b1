import { randomUUID } from 'node:crypto';
import { scanPick } from '../../../commands/floor/scan-pick';
import { settleShortPick } from '../../../commands/floor/settle-short-pick';
import { shortPick } from '../../../commands/floor/short-pick';
import { Intake } from '../../../commands/intake/intake';
import { Database } from '../../../db/client';
import { stepKey } from '../../../domain/step-key';
import { bookErrors, claim, packNext, plannedOrder, rowsOf, staff } from '../../support/floor-steps';
import { type MerchantSeed, type SeededMerchant, seedMerchant } from '../../support/merchant';
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

/** An order of 5 of which the picker finds `found`; the warehouse believes in 20. */
async function shortOrder(
  shortPickPolicy: MerchantSeed['shortPickPolicy'] & string,
  found: number,
): Promise<{ merchant: SeededMerchant; orderId: string; taskId: string }> {
  const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 20 }], shortPickPolicy });
  const orderId = await plannedOrder(database, merchant, [{ sku: 'A', quantity: 5 }]);
  const task = await claim(database, merchant, 'pick');
  const act = { taskId: task.taskId };
  if (found > 0)
    await scanPick(database, staff(merchant), {
      ...act,
      eventId: randomUUID(),
      code: 'A',
      locationCode: 'A-01-01',
      quantity: found,
    });
  const taskLineId = task.lines[0]?.taskLineId ?? '';
  await expect(
    shortPick(database, staff(merchant), { ...act, eventId: randomUUID(), taskLineId, found: found + 1 }),
  ).rejects.toThrow(/scan what you found/);
  const short = { ...act, eventId: randomUUID(), taskLineId, found };
  const answer = await shortPick(database, staff(merchant), short);
  expect(answer).toMatchObject({ taskState: 'shorted' });
  expect(await shortPick(database, staff(merchant), short)).toEqual(answer);
  return { merchant, orderId, taskId: task.taskId };
}

async function standing(merchant: SeededMerchant, orderId: string) {
  const [row] = await rowsOf(
    database,
    merchant,
    `select o.blocked_reason, f.state as part, fl.quantity, fl.shorted, ol.cancelled_quantity as cancelled,
       (select count(*)::int from task where order_id = o.id and kind = 'pack') as pack_tasks,
       (select json_agg(json_build_array(state, quantity) order by state) from reservation where order_id = o.id) as reservations,
       (select json_build_array(on_hand, held, reserved) from stock_balance) as stock,
       (select count(*)::int from task where kind = 'count' and state = 'open') as count_tasks,
       (select count(*)::int from outbox where key = 'shorted:' || t.id) as signals
     from sales_order o join fulfilment_order f on f.order_id = o.id and f.number = 1
     join fulfilment_order_line fl on fl.fulfilment_order_id = f.id join sales_order_line ol on ol.order_id = o.id
     join task t on t.fulfilment_order_id = f.id and t.kind = 'pick' where o.id = $1`,
    [orderId],
  );
  return row;
}

describe('a short pick', () => {
  it('blocks the order until a person decides, and keeps the missing units from being sold again', async () => {
    const { merchant, orderId } = await shortOrder('ask', 3);
    expect(await standing(merchant, orderId)).toEqual({
      blocked_reason: 'short_pick',
      part: 'picking',
      quantity: 5,
      shorted: 0,
      cancelled: 0,
      pack_tasks: 0,
      reservations: [
        ['allocated', 3],
        ['taken_back', 2],
      ],
      stock: [20, 2, 3],
      count_tasks: 1,
      signals: 1,
    });
    const open = await rowsOf(
      database,
      merchant,
      "select reason, key from exception where state = 'open' and order_id = $1",
      [orderId],
    );
    expect(open).toEqual([{ reason: 'short_pick', key: `short_pick:${orderId}` }]);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('goes on with the rest when a person ships it short, once, however often he says so', async () => {
    const { merchant, orderId } = await shortOrder('ask', 3);
    const decision = {
      merchantId: merchant.merchantId,
      orderId,
      decision: 'ship_short',
      actor: 'test',
    } as const;
    const answers = await Promise.all([1, 2, 3].map(() => settleShortPick(database, decision)));
    expect(answers.flatMap((answer) => answer.packTaskIds)).toHaveLength(1);
    expect(await standing(merchant, orderId)).toMatchObject({
      blocked_reason: null,
      part: 'picked',
      shorted: 2,
      cancelled: 2,
      pack_tasks: 1,
    });
    await packNext(database, merchant);
    expect(await standing(merchant, orderId)).toMatchObject({ part: 'packed' });
    const parcel = await rowsOf(database, merchant, 'select quantity from parcel_line');
    expect(parcel).toEqual([{ quantity: 3 }]);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('plans the missing units anew by the policy, and packs the rest meanwhile', async () => {
    const { merchant, orderId } = await shortOrder('backorder', 3);
    expect(await standing(merchant, orderId)).toMatchObject({
      blocked_reason: null,
      part: 'picked',
      shorted: 2,
      cancelled: 0,
      pack_tasks: 1,
      signals: 1,
    });
    const outcome = await new Intake(database).run({
      merchantId: merchant.merchantId,
      orderId,
      stepKey: stepKey(orderId, 'intake', 2),
    });
    expect(outcome).toMatchObject({ kind: 'planned', fulfilmentOrders: [{}] });
    expect(await standing(merchant, orderId)).toMatchObject({ stock: [20, 2, 5] });
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('ends the part of which nothing was found, so that all of it is planned anew', async () => {
    const { merchant, orderId } = await shortOrder('backorder', 0);
    expect(await standing(merchant, orderId)).toMatchObject({
      part: 'cancelled',
      pack_tasks: 0,
      reservations: [['taken_back', 5]],
      stock: [20, 5, 0],
    });
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('ships short by the policy, but asks when nothing is left to ship', async () => {
    const some = await shortOrder('ship_short', 4);
    expect(await standing(some.merchant, some.orderId)).toMatchObject({
      part: 'picked',
      cancelled: 1,
      pack_tasks: 1,
    });
    const none = await shortOrder('ship_short', 0);
    expect(await standing(none.merchant, none.orderId)).toMatchObject({
      blocked_reason: 'short_pick',
      part: 'picking',
      cancelled: 0,
    });
    await expect(
      settleShortPick(database, {
        merchantId: none.merchant.merchantId,
        orderId: none.orderId,
        decision: 'ship_short',
        actor: 'test',
      }),
    ).rejects.toMatchObject({ type: 'IllegalTransition' });
    expect(await bookErrors(database, none.merchant)).toEqual([]);
  });
});
