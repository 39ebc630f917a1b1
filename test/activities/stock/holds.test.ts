import { randomUUID } from 'node:crypto';
import { cancelOrder } from '../../../commands/cancel-order';
import { Intake } from '../../../commands/intake/intake';
import { adjustStock } from '../../../commands/stock/adjust-stock';
import { Holds } from '../../../commands/stock/holds';
import { Database } from '../../../db/client';
import { expireHolds } from '../../../dispatcher/hold-sweeper';
import { stepKey } from '../../../domain/step-key';
import type { HoldOutcome } from '../../../domain/stock/decide-holds';
import { bookErrors, rowsOf, warehouseOf } from '../../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../../support/merchant';
import { demoOrder, placeOrder } from '../../support/order';
import { type TestDatabase, testDatabase } from '../../support/postgres';

const MINUTE = 60_000;
let server: TestDatabase;
let database: Database;
let holds: Holds;

beforeAll(async () => {
  server = await testDatabase();
  database = new Database({ appUrl: server.appUrl, systemUrl: server.systemUrl, poolSize: 10 });
  holds = new Holds(database);
});
afterAll(async () => {
  await database.close();
  await server.drop();
});

function ask(
  merchant: SeededMerchant,
  lines: readonly (readonly [sku: string, quantity: number])[],
  change: { readonly stepKey?: string; readonly allOrNothing?: boolean } = {},
) {
  return {
    merchantId: merchant.merchantId,
    stepKey: randomUUID() as string,
    allOrNothing: true,
    keepMs: 15 * MINUTE,
    lines: lines.map(([sku, quantity]) => ({
      productId: merchant.products.get(sku) as string,
      quantity,
      warehouseIds: merchant.warehouses.map(({ id }) => id),
    })),
    ...change,
  };
}

const idOf = (outcome: HoldOutcome) => (outcome.kind === 'reserved' ? outcome.holdId : '');
const endOf = (merchant: SeededMerchant, holdId: string, key: string = randomUUID()) => ({
  merchantId: merchant.merchantId,
  stepKey: key,
  holdId,
  actor: 'test',
});

const levels = async (merchant: SeededMerchant, sku = 'A') =>
  (
    await rowsOf<{ at: number[] }>(
      database,
      merchant,
      'select json_build_array(on_hand, reserved) as at from stock_balance where product_id = $1 order by warehouse_id',
      [merchant.products.get(sku)],
    )
  ).map(({ at }) => at);

const clock = (merchant: SeededMerchant, at: string) =>
  rowsOf(database, merchant, 'update merchant set business_now = $1 returning id', [at]);

describe('a hold of stock', () => {
  it('keeps units, and the same request again keeps no more and answers the same', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 5 }] });
    const request = ask(merchant, [['A', 2]], { stepKey: 'cart-1' });
    const answers = await Promise.all([1, 2, 3, 4].map(() => new Holds(database).reserve(request)));
    answers.push(await holds.reserve(request));
    expect(answers[0]).toMatchObject({ kind: 'reserved', short: [] });
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(await levels(merchant)).toEqual([[5, 2]]);
    const refused = ask(merchant, [['A', 4]]);
    const short = await holds.reserve(refused);
    expect(short).toMatchObject({ kind: 'short', short: [{ quantity: 4, free: 3 }] });
    expect(await holds.reserve(refused)).toEqual(short);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('is one for several keys at once, whatever each of them asks for', async () => {
    const merchant = await seedMerchant(database, {
      products: [
        { sku: 'A', stock: 5 },
        { sku: 'B', stock: 5 },
      ],
    });
    const answers = await Promise.all(
      ['A', 'B', 'A', 'B'].map((sku) =>
        new Holds(database).reserve(ask(merchant, [[sku, 1]], { stepKey: 'one key' })),
      ),
    );
    expect(new Set(answers.map(idOf)).size).toBe(1);
    const [a, b] = [await levels(merchant, 'A'), await levels(merchant, 'B')];
    expect((a[0]?.[1] ?? 0) + (b[0]?.[1] ?? 0)).toBe(1);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('is all or nothing where that is asked, else line by line', async () => {
    const merchant = await seedMerchant(database, {
      products: [
        { sku: 'A', stock: 5 },
        { sku: 'B', stock: 1 },
      ],
    });
    const lines = [['A', 2] as const, ['B', 2] as const, ['A', 3] as const];
    expect(await holds.reserve(ask(merchant, lines))).toMatchObject({ kind: 'short' });
    expect(await levels(merchant)).toEqual([[5, 0]]);
    expect(await holds.reserve(ask(merchant, lines, { allOrNothing: false }))).toMatchObject({
      kind: 'reserved',
      units: [{ quantity: 2 }, { quantity: 3 }],
      short: [{ productId: merchant.products.get('B'), quantity: 2, free: 1 }],
    });
    expect(await levels(merchant)).toEqual([[5, 5]]);
    expect(await levels(merchant, 'B')).toEqual([[1, 0]]);
  });

  it('comes from one warehouse that has it all, from several only when none has', async () => {
    const merchant = await seedMerchant(database, {
      warehouses: [{ code: 'W1' }, { code: 'W2' }],
      products: [{ sku: 'A', stock: { W1: 2, W2: 4 } }],
    });
    const first = await holds.reserve(ask(merchant, [['A', 3]]));
    expect(first).toMatchObject({ units: [{ warehouseId: merchant.warehouses[1]?.id, quantity: 3 }] });
    const second = await holds.reserve(ask(merchant, [['A', 3]]));
    expect(second).toMatchObject({ kind: 'reserved', units: [{ quantity: 2 }, { quantity: 1 }] });
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('ends once: released, handed over or expired, whoever races', async () => {
    for (let round = 0; round < 10; round += 1) {
      const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 3 }] });
      await clock(merchant, '2026-03-02T10:00:00Z');
      const holdId = idOf(await holds.reserve(ask(merchant, [['A', 2]])));
      await clock(merchant, '2026-03-02T10:15:00Z');
      const outcomes = await Promise.all([
        new Holds(database).release(endOf(merchant, holdId)),
        new Holds(database).expire(endOf(merchant, holdId)),
        new Holds(database).consume(endOf(merchant, holdId)),
        new Holds(database).release(endOf(merchant, holdId)),
      ]);
      expect(outcomes.filter(({ kind }) => kind === 'ended')).toHaveLength(1);
      const [winner] = outcomes.flatMap((outcome) => (outcome.kind === 'ended' ? [outcome.state] : []));
      for (const outcome of outcomes) if (outcome.kind === 'unchanged') expect(outcome.state).toBe(winner);
      expect(await levels(merchant)).toEqual([[winner === 'consumed' ? 1 : 3, 0]]);
      expect(await bookErrors(database, merchant)).toEqual([]);
    }
  });

  it('ends with its time by the merchant’s clock, not before', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 3 }] });
    await clock(merchant, '2026-03-02T10:00:00Z');
    const holdId = idOf(await holds.reserve(ask(merchant, [['A', 2]])));
    await clock(merchant, '2026-03-02T10:14:59Z');
    await expireHolds(database);
    const early = endOf(merchant, holdId, 'expiry');
    expect(await holds.expire(early)).toEqual({ kind: 'not_due' });
    expect(await levels(merchant)).toEqual([[3, 2]]);
    await clock(merchant, '2026-03-02T10:15:00Z');
    await Promise.all([expireHolds(database), expireHolds(database)]);
    expect(await levels(merchant)).toEqual([[3, 0]]);
    expect(await holds.expire(early)).toEqual({ kind: 'unchanged', state: 'expired' });
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('is handed over from the bins, in the ledger, and once', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 3 }] });
    const holdId = idOf(await holds.reserve(ask(merchant, [['A', 2]])));
    const request = endOf(merchant, holdId, 'counter-1');
    const first = await holds.consume(request);
    expect(first).toMatchObject({ kind: 'ended', state: 'consumed', units: [{ quantity: 2 }] });
    expect(await holds.consume(request)).toEqual(first);
    expect(await levels(merchant)).toEqual([[1, 0]]);
    expect(
      await rowsOf(
        database,
        merchant,
        `select c.kind, c.actor, l.quantity from stock_cause c join stock_ledger l on l.merchant_id = c.merchant_id
         and l.cause_id = c.id where c.id = 'counter-1'`,
      ),
    ).toEqual([{ kind: 'ship', actor: 'test', quantity: 2 }]);
    expect(
      await rowsOf(database, merchant, "select action from audit_log where thing_kind = 'stock_hold'"),
    ).toEqual([{ action: 'stock_hold.hand_over' }]);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('never deadlocks with others, whatever the order of its lines', async () => {
    const skus = ['A', 'B', 'C', 'D'];
    const own = await testDatabase();
    const crowd = new Database({ appUrl: own.appUrl, systemUrl: own.systemUrl, poolSize: 24 });
    const merchant = await seedMerchant(crowd, { products: skus.map((sku) => ({ sku, stock: 500 })) });
    const cart = (n: number) =>
      skus.map((_, at) => [skus[(n * 3 + at * (n % 2 ? 1 : 3)) % 4] as string, 1] as const);
    await Promise.all(
      Array.from({ length: 24 }, async (_, process) => {
        const checkouts = new Holds(crowd);
        for (let n = 0; n < 6; n += 1) {
          const made = await checkouts.reserve(ask(merchant, cart(process + n)));
          expect(made.kind).toBe('reserved');
          if (n % 2 === 0) await checkouts.release(endOf(merchant, idOf(made)));
        }
      }),
    );
    expect(await bookErrors(crowd, merchant)).toEqual([]);
    // Sessions report what they met when they end.
    await crowd.close();
    const after = new Database({ appUrl: own.appUrl, systemUrl: own.systemUrl, poolSize: 1 });
    const deadlocks = 'select deadlocks::int from pg_stat_database where datname = current_database()';
    expect(await rowsOf(after, merchant, deadlocks)).toEqual([{ deadlocks: 0 }]);
    await after.close();
    await own.drop();
  });

  it('of another merchant is unknown', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 3 }] });
    const stranger = await seedMerchant(database, { products: [{ sku: 'A', stock: 3 }] });
    const holdId = idOf(await holds.reserve(ask(merchant, [['A', 2]])));
    expect(await holds.release(endOf(stranger, holdId))).toEqual({ kind: 'unknown' });
    const foreign = { ...ask(stranger, [['A', 1]]), lines: ask(merchant, [['A', 1]]).lines };
    expect(await holds.reserve(foreign)).toMatchObject({ kind: 'short', short: [{ free: 0 }] });
    expect(await levels(merchant)).toEqual([[3, 2]]);
  });

  it('loses its units to a loss before any order does', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 4 }] });
    const { orderId } = await placeOrder(database, merchant, demoOrder([{ sku: 'A', quantity: 2 }]));
    const request = { merchantId: merchant.merchantId, orderId, stepKey: stepKey(orderId, 'intake') };
    expect(await new Intake(database).run(request)).toMatchObject({ kind: 'planned' });
    const holdId = idOf(await holds.reserve(ask(merchant, [['A', 2]])));
    await adjustStock(database, {
      merchantId: merchant.merchantId,
      causeId: randomUUID(),
      kind: 'write_off',
      warehouseId: warehouseOf(merchant).id,
      reason: 'broken',
      actor: 'test',
      lines: [{ sku: 'A', delta: -1 }],
    });
    expect(await levels(merchant)).toEqual([[3, 2]]);
    expect(await holds.release(endOf(merchant, holdId))).toEqual({ kind: 'unchanged', state: 'taken_back' });
    expect(await bookErrors(database, merchant)).toEqual([]);
  });
});

describe('an order that names a hold', () => {
  const order = async (merchant: SeededMerchant, holdId: string, quantity: number, stock = 'A') => {
    const { orderId } = await placeOrder(
      database,
      merchant,
      demoOrder([{ sku: stock, quantity }], { holdId }),
    );
    return { merchantId: merchant.merchantId, orderId, stepKey: stepKey(orderId, 'intake') };
  };

  it('takes it over, also the last units, and gives back what it does not need', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 5 }] });
    const holdId = idOf(await holds.reserve(ask(merchant, [['A', 5]])));
    const request = await order(merchant, holdId, 3);
    expect(await new Intake(database).run(request)).toMatchObject({ kind: 'planned', waiting: false });
    expect(await levels(merchant)).toEqual([[5, 3]]);
    expect(await holds.release(endOf(merchant, holdId))).toEqual({ kind: 'unchanged', state: 'ordered' });
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('has it alone: of two that name it one gets it, the other waits', async () => {
    for (const together of [true, false]) {
      const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 2 }] });
      const holdId = idOf(await holds.reserve(ask(merchant, [['A', 2]])));
      const requests = [await order(merchant, holdId, 2), await order(merchant, holdId, 2)];
      const shared = new Intake(database);
      const outcomes = await Promise.all(
        requests.map((request) => (together ? shared : new Intake(database)).run(request)),
      );
      expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['blocked', 'planned']);
      expect(await levels(merchant)).toEqual([[2, 2]]);
      expect(await bookErrors(database, merchant)).toEqual([]);
    }
  });

  it('plans like any other when the hold is gone, and gives it back when it is cancelled', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 3 }] });
    const gone = idOf(await holds.reserve(ask(merchant, [['A', 2]])));
    await holds.release(endOf(merchant, gone));
    expect(await new Intake(database).run(await order(merchant, gone, 1))).toMatchObject({ kind: 'planned' });
    const holdId = idOf(await holds.reserve(ask(merchant, [['A', 2]])));
    const { merchantId, orderId } = await order(merchant, holdId, 2);
    await cancelOrder(database, { merchantId, orderId, actor: 'test', reason: 'asked' });
    expect(await levels(merchant)).toEqual([[3, 1]]);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });
});
