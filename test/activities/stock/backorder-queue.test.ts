import { randomUUID } from 'node:crypto';
import { cancelOrder } from '../../../commands/cancel-order';
import { Intake, type IntakeOutcome } from '../../../commands/intake/intake';
import { adjustStock } from '../../../commands/stock/adjust-stock';
import { Holds } from '../../../commands/stock/holds';
import { moveStock } from '../../../commands/stock/move-stock';
import { dispatchTransfer, receiveTransfer, requestTransfer } from '../../../commands/stock/transfer';
import { expireHolds } from '../../../dispatcher/hold-sweeper';
import { bookErrors, rowsOf, warehouseOf } from '../../support/floor-steps';
import type { SeededMerchant } from '../../support/merchant';
import { change, checkout, clock, database, has, look, place, shop, waiting } from './waiting-orders';

describe('the queue of orders that wait for stock', () => {
  it('has what comes before anybody else can see it', async () => {
    const merchant = await shop();
    const older = await waiting(merchant, [['P', 2]]);
    await change(merchant, 'P', 2);
    // The older order has not looked again yet, and the younger one is faster.
    const younger = await place(merchant, [['P', 1]]);
    expect(await look(merchant, younger)).toMatchObject({ kind: 'blocked', reason: 'out_of_stock' });
    expect(await look(merchant, older)).toMatchObject({ kind: 'planned' });
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('puts urgent orders first, then earlier promises, then older orders', async () => {
    const merchant = await shop();
    const at = (hour: number) => `2026-03-02T${String(hour).padStart(2, '0')}:00:00Z`;
    const late = await waiting(merchant, [['P', 1]], { placedAt: at(12) });
    const old = await waiting(merchant, [['P', 1]], { placedAt: at(9) });
    const promised = await waiting(merchant, [['P', 1]], { placedAt: at(14), shipBy: at(18) });
    const vip = await place(merchant, [['P', 1]], { placedAt: at(15) });
    await rowsOf(database, merchant, 'update sales_order set priority = 10 where id = $1 returning id', [
      vip,
    ]);
    await look(merchant, vip);
    for (const [units, first] of [vip, promised, old, late].entries()) {
      await change(merchant, 'P', 1);
      expect([...(await has(merchant)).keys()]).toHaveLength(units + 1);
      expect((await has(merchant)).has(first)).toBe(true);
    }
  });

  it('lets an urgent new order go before who waits, and a younger one of the same rank not', async () => {
    const merchant = await shop({ products: [{ sku: 'P', stock: 1 }, { sku: 'Q' }] });
    const older = await waiting(merchant, [['Q', 1]]);
    const vip = await place(merchant, [['P', 1]]);
    await rowsOf(database, merchant, 'update sales_order set priority = 10 where id = $1 returning id', [
      vip,
    ]);
    const younger = await place(merchant, [['P', 1]]);
    const intake = new Intake(database);
    const outcomes = await Promise.all([look(merchant, younger, intake), look(merchant, vip, intake)]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['blocked', 'planned']);
    expect((await has(merchant)).has(older)).toBe(false);
  });

  it.each([
    ['a gain', (merchant: SeededMerchant) => change(merchant, 'P', 1)],
    [
      'a cancelled order',
      async (merchant: SeededMerchant, owner: string) =>
        cancelOrder(database, {
          merchantId: merchant.merchantId,
          orderId: owner,
          actor: 'test',
          reason: 'asked',
        }),
    ],
    [
      'a released hold',
      (merchant: SeededMerchant, _owner: string, holdId: string) =>
        new Holds(database).release({
          merchantId: merchant.merchantId,
          holdId,
          stepKey: randomUUID(),
          actor: 'test',
        }),
    ],
    [
      'an expired hold',
      async (merchant: SeededMerchant) => {
        await clock(merchant, '2026-03-02T12:00:00Z');
        await expireHolds(database);
      },
    ],
    [
      'goods that are put away',
      async (merchant: SeededMerchant) => {
        const { merchantId } = merchant;
        const act = () => ({ merchantId, causeId: randomUUID(), reason: 'test', actor: 'test' });
        const warehouseId = warehouseOf(merchant).id;
        await adjustStock(database, {
          ...act(),
          kind: 'adjustment',
          warehouseId,
          lines: [{ sku: 'P', delta: 1, locationCode: 'DAM-1' }],
        });
        expect((await has(merchant)).size).toBe(1);
        const lines = [{ sku: 'P', quantity: 1, fromCode: 'DAM-1', toCode: 'A-01-01' }];
        await moveStock(database, { ...act(), warehouseId, lines });
      },
    ],
  ])('is fed by %s', async (_name, feed) => {
    const merchant = await shop({ products: [{ sku: 'P', stock: 2 }, { sku: 'Q' }] });
    await clock(merchant, '2026-03-02T10:00:00Z');
    const owner = await place(merchant, [['P', 1]]);
    expect(await look(merchant, owner)).toMatchObject({ kind: 'planned' });
    const held = await new Holds(database).reserve(checkout(merchant, 1));
    const first = await waiting(merchant, [['P', 1]]);
    await waiting(merchant, [['P', 1]]);
    await feed(merchant, owner, held.kind === 'reserved' ? held.holdId : '');
    expect((await has(merchant)).get(first)).toEqual({ P: 1 });
    const woken = await rowsOf(
      database,
      merchant,
      "select order_id from outbox where payload -> 'args' -> 0 ->> 'cause' = 'stock_arrived'",
    );
    expect(woken).toEqual([{ order_id: first }]);
    expect(await look(merchant, first)).toMatchObject({ kind: 'planned' });
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('is fed by a transfer that arrives', async () => {
    const merchant = await shop({
      warehouses: [{ code: 'W1' }, { code: 'W2' }],
      products: [{ sku: 'P', stock: { W2: 1 } }, { sku: 'Q' }],
    });
    const { merchantId } = merchant;
    const [to, from] = merchant.warehouses.map(({ id }) => id) as [string, string];
    const { transferId } = await requestTransfer(database, {
      merchantId,
      key: randomUUID(),
      reference: null,
      fromWarehouseId: from,
      toWarehouseId: to,
      expectedAt: null,
      reason: 'test',
      actor: 'test',
      lines: [{ sku: 'P', quantity: 1 }],
    });
    const posting = { merchantIds: [merchantId], transferId, actor: 'test' };
    const line = { sku: 'P', quantity: 1 };
    await dispatchTransfer(database, { ...posting, key: 'out', lines: [{ ...line, fromCode: 'A-01-01' }] });
    const order = await waiting(merchant, [['P', 1]]);
    await receiveTransfer(database, { ...posting, key: 'in', lines: [{ ...line, toCode: 'A-01-01' }] });
    expect((await has(merchant)).get(order)).toEqual({ P: 1 });
    expect(await look(merchant, order)).toMatchObject({ kind: 'planned' });
  });

  it('lets an order keep what it has while the rest is missing, for a day, and then the others first', async () => {
    const merchant = await shop({ products: [{ sku: 'P', stock: 1 }, { sku: 'Q' }] });
    await clock(merchant, '2026-03-02T10:00:00Z');
    const both = await waiting(merchant, [
      ['P', 1],
      ['Q', 1],
    ]);
    expect((await has(merchant)).get(both)).toEqual({ P: 1 });
    const single = await waiting(merchant, [['P', 1]]);
    // Looking again makes the time no longer.
    await clock(merchant, '2026-03-03T09:59:59Z');
    await look(merchant, both);
    await expireHolds(database);
    expect((await has(merchant)).get(both)).toEqual({ P: 1 });
    await clock(merchant, '2026-03-03T10:00:00Z');
    await expireHolds(database);
    expect((await has(merchant)).get(single)).toEqual({ P: 1 });
    expect(await look(merchant, single)).toMatchObject({ kind: 'planned' });
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('never lets two orders keep from each other what both need', async () => {
    const merchant = await shop({ products: [{ sku: 'P', stock: 1 }, { sku: 'Q', stock: 1 }, { sku: 'R' }] });
    await clock(merchant, '2026-03-02T10:00:00Z');
    // Each gets one of the two in its own way, and then wants the other's.
    const older = await waiting(merchant, [
      ['P', 1],
      ['R', 1],
    ]);
    const younger = await waiting(merchant, [
      ['Q', 1],
      ['R', 1],
    ]);
    await rowsOf(
      database,
      merchant,
      `update sales_order_line set sku = case order_id when $1 then 'Q' else 'P' end
       where order_id in ($1, $2) and sku = 'R' returning id`,
      [older, younger],
    );
    expect(await look(merchant, older)).toMatchObject({ kind: 'blocked' });
    expect(await look(merchant, younger)).toMatchObject({ kind: 'blocked' });
    expect(await has(merchant)).toEqual(
      new Map([
        [older, { P: 1 }],
        [younger, { Q: 1 }],
      ]),
    );
    await clock(merchant, '2026-03-03T10:00:00Z');
    await expireHolds(database);
    const outcomes: IntakeOutcome['kind'][] = [];
    for (let round = 0; round < 3; round += 1)
      for (const orderId of [older, younger]) outcomes.push((await look(merchant, orderId)).kind);
    expect(outcomes).toContain('planned');
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('has an order again that kept something and lost it on the shelf', async () => {
    const merchant = await shop({ products: [{ sku: 'P', stock: 1 }, { sku: 'Q' }] });
    const both = await waiting(merchant, [
      ['P', 1],
      ['Q', 1],
    ]);
    expect((await has(merchant)).get(both)).toEqual({ P: 1 });
    await change(merchant, 'P', -1);
    expect(await has(merchant)).toEqual(new Map());
    await change(merchant, 'P', 1);
    expect((await has(merchant)).get(both)).toEqual({ P: 1 });
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('has what is left of units that a loss took back', async () => {
    const merchant = await shop({ products: [{ sku: 'P', stock: 3 }, { sku: 'Q' }] });
    const held = await new Holds(database).reserve(checkout(merchant, 3));
    const order = await waiting(merchant, [['P', 2]]);
    expect(held.kind).toBe('reserved');
    await change(merchant, 'P', -1);
    expect((await has(merchant)).get(order)).toEqual({ P: 2 });
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('has what a hold gives up, also when another one takes as many of the rest at the same moment', async () => {
    const merchant = await shop({ products: [{ sku: 'P', stock: 6 }, { sku: 'Q' }] });
    await clock(merchant, '2026-03-02T10:00:00Z');
    const both = await waiting(merchant, [
      ['P', 1],
      ['Q', 1],
    ]);
    // It has had its time, and lets the others pass until units come free.
    await clock(merchant, '2026-03-03T10:00:00Z');
    await expireHolds(database);
    const holds = new Holds(database);
    const first = await holds.reserve(checkout(merchant, 3));
    expect(await has(merchant)).toEqual(new Map());
    const { merchantId } = merchant;
    const holdId = first.kind === 'reserved' ? first.holdId : '';
    await Promise.all([
      holds.release({ merchantId, holdId, stepKey: randomUUID(), actor: 'test' }),
      holds.reserve(checkout(merchant, 3)),
    ]);
    expect((await has(merchant)).get(both)).toEqual({ P: 1 });
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('is left by an order that is cancelled while it is being served', async () => {
    for (let round = 0; round < 10; round += 1) {
      const merchant = await shop();
      const leaving = await waiting(merchant, [['P', 1]]);
      const next = await waiting(merchant, [['P', 1]]);
      await Promise.all([
        change(merchant, 'P', 1),
        cancelOrder(database, {
          merchantId: merchant.merchantId,
          orderId: leaving,
          actor: 'test',
          reason: 'asked',
        }),
      ]);
      expect(await has(merchant)).toEqual(new Map([[next, { P: 1 }]]));
      expect(await bookErrors(database, merchant)).toEqual([]);
    }
  });

  it('never loses a first unit that comes while an order is being parked for it', async () => {
    for (let round = 0; round < 10; round += 1) {
      const merchant = await shop();
      const orderId = await place(merchant, [['P', 1]]);
      const [outcome] = await Promise.all([look(merchant, orderId), change(merchant, 'P', 1)]);
      const woken = await rowsOf(
        database,
        merchant,
        "select from outbox where payload -> 'args' -> 0 ->> 'cause' = 'stock_arrived' and order_id = $1",
        [orderId],
      );
      expect(outcome.kind === 'planned' || woken.length > 0).toBe(true);
      if (outcome.kind !== 'planned')
        expect(await look(merchant, orderId)).toMatchObject({ kind: 'planned' });
      expect(await bookErrors(database, merchant)).toEqual([]);
    }
  });
});
