import { uuidv7 } from 'uuidv7';
import { blockOrder } from '../../commands/block-order';
import {
  isWakeDue,
  listOverdue,
  startDeadlineSweeper,
  wakeTechnicallyBlocked,
} from '../../dispatcher/deadline-sweeper';
import { type Engine, one, order, outbox, quiet, run, startEngine, until } from './engine';

let engine: Engine;
let merchantId: string;
beforeAll(async () => {
  engine = await startEngine();
  merchantId = engine.merchant.merchantId;
});
afterAll(() => engine.close());
afterEach(async () => {
  await run(engine, 'update merchant set business_now = null');
  await run(
    engine,
    "update sales_order set deadline_at = now() + interval '1 hour' where deadline_at is not null",
  );
  await run(
    engine,
    "update exception set state = 'resolved', resolved_at = now(), opened_at = opened_at - interval '1 year' where state <> 'resolved'",
  );
});

const late = (orderId: string) =>
  run(engine, "update sales_order set deadline_at = business_now($2) - interval '1 second' where id = $1", [
    orderId,
    merchantId,
  ]);
const openOf = (orderId: string) =>
  one<{ reason: string; owner: string }>(
    engine,
    "select reason, owner from exception where order_id = $1 and state = 'open'",
    [orderId],
  );

test('an order past its deadline is listed once, also by two sweepers at once and after a hand resolved it', async () => {
  const { orderId } = await order(engine);
  expect(await listOverdue(engine.database)).toBe(0);
  await late(orderId);
  await Promise.all([listOverdue(engine.database), listOverdue(engine.database)]);
  expect(await openOf(orderId)).toMatchObject({ reason: 'past_deadline', owner: 'operator' });
  expect(await listOverdue(engine.database)).toBe(0);
  await run(engine, "update exception set state = 'resolved', resolved_at = now() where order_id = $1", [
    orderId,
  ]);
  expect(await listOverdue(engine.database)).toBe(0);
  // The next deadline is another matter.
  await run(engine, 'update sales_order set deadline_at = now() where id = $1', [orderId]);
  await until(async () => (await listOverdue(engine.database)) === 1);
});

test('a merchant that lives in the time of its data is late by its own clock alone', async () => {
  const { orderId } = await order(engine);
  await run(engine, "update merchant set business_now = '2010-12-01T10:00:00Z'");
  await run(engine, "update sales_order set deadline_at = '2010-12-01T10:30:00Z' where id = $1", [orderId]);
  expect(await listOverdue(engine.database)).toBe(0);
  await run(engine, "update merchant set business_now = '2010-12-01T10:30:01Z'");
  expect(await listOverdue(engine.database)).toBe(1);
  const { opened_at } = await one<{ opened_at: Date }>(
    engine,
    'select opened_at from exception where order_id = $1',
    [orderId],
  );
  expect(opened_at.toISOString()).toBe('2010-12-01T10:30:01.000Z');
});

test('an order that somebody is asked about already is not listed a second time', async () => {
  const { orderId } = await order(engine);
  await blockOrder(engine.database, {
    merchantId,
    orderId,
    reason: 'out_of_stock',
    message: 'none left',
    subject: 'DEMO-1',
  });
  await late(orderId);
  expect(await listOverdue(engine.database)).toBe(0);
});

test('the sweeper lists within its round, and resolves by itself once the order has moved on', async () => {
  const { orderId } = await order(engine);
  const sweeper = startDeadlineSweeper({ database: engine.database, log: quiet, intervalMs: 30 });
  try {
    await late(orderId);
    await until(async () => (await openOf(orderId))?.reason === 'past_deadline');
    await run(engine, "update sales_order set deadline_at = now() + interval '1 hour' where id = $1", [
      orderId,
    ]);
    await until(async () => !(await openOf(orderId)));
  } finally {
    await sweeper.close();
  }
});

describe('an order blocked by something technical', () => {
  const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000);
  const wakes = async (orderId: string) =>
    (await outbox(engine, `order_id = '${orderId}' and key like 'resume:again:%'`)).length;

  test('is woken after a minute, once, whoever sweeps', async () => {
    const { orderId } = await order(engine);
    await blockOrder(engine.database, {
      merchantId,
      orderId,
      reason: 'carrier_unavailable',
      message: 'away',
      subject: 'a1',
    });
    await wakeTechnicallyBlocked(engine.database, inMinutes(0.9));
    expect(await wakes(orderId)).toBe(0);
    await Promise.all([1, 2, 3].map(() => wakeTechnicallyBlocked(engine.database, inMinutes(1.1))));
    expect(await wakes(orderId)).toBe(1);
    const { payload } = await one<{ payload: unknown }>(
      engine,
      "select payload from outbox where order_id = $1 and key like 'resume:again:%'",
      [orderId],
    );
    expect(payload).toMatchObject({ signal: 'resume', args: [{ cause: 'carrier_unavailable_again' }] });
  });

  test('is woken ever more rarely, at last four times an hour', () => {
    const waits: number[] = [];
    for (let woken = 0; woken < 7; woken += 1) {
      let seconds = 0;
      while (
        !isWakeDue(
          { exceptionId: uuidv7(), reason: 'carrier_unavailable', woken, lastWokenSeconds: seconds },
          new Date(),
        )
      )
        seconds += 30;
      waits.push(seconds / 60);
    }
    expect(waits).toEqual([1, 2, 4, 8, 15, 15, 15]);
  });

  test('is left alone while a person holds it, and when it waits for somebody', async () => {
    const [held, waiting] = [await order(engine), await order(engine)];
    await blockOrder(engine.database, {
      merchantId,
      orderId: held.orderId,
      reason: 'carrier_unavailable',
      message: 'away',
      subject: 'a1',
    });
    await run(engine, 'update sales_order set held = true where id = $1', [held.orderId]);
    await blockOrder(engine.database, {
      merchantId,
      orderId: waiting.orderId,
      reason: 'unmapped_sku',
      message: '?',
      subject: 'X',
    });
    await wakeTechnicallyBlocked(engine.database, inMinutes(60));
    expect(await wakes(held.orderId)).toBe(0);
    expect(await wakes(waiting.orderId)).toBe(0);
  });
});
