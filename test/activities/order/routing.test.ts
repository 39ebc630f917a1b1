/** Routing on a real database: rules and capacity at intake, the kept reasons, and warehouses that close. */
import { randomUUID } from 'node:crypto';
import { cancelOrder } from '../../../commands/cancel-order';
import { claimNextTask } from '../../../commands/floor/claim-next-task';
import { Intake, type IntakeOutcome } from '../../../commands/intake/intake';
import { createRule } from '../../../commands/routing/change-rules';
import { closeWarehouse, openWarehouse } from '../../../commands/routing/change-warehouse';
import { dryRunOrder } from '../../../commands/routing/dry-run';
import { rerouteAllClosed, rerouteClosed } from '../../../commands/routing/reroute-closed';
import { adjustStock } from '../../../commands/stock/adjust-stock';
import { newRuleSchema } from '../../../contracts/routing';
import { Database } from '../../../db/client';
import type { RuleConditions, RuleEffect } from '../../../domain/routing/rule';
import { stepKey } from '../../../domain/step-key';
import { type MerchantSeed, type SeededMerchant, seedMerchant } from '../../support/merchant';
import { demoOrder, placeOrder } from '../../support/order';
import { type TestDatabase, testDatabase } from '../../support/postgres';

let server: TestDatabase;
let database: Database;
let intake: Intake;

beforeAll(async () => {
  server = await testDatabase();
  database = new Database({ appUrl: server.appUrl, systemUrl: server.systemUrl, poolSize: 8 });
  intake = new Intake(database);
});
afterAll(async () => {
  await database.close();
  await server.drop();
});

/** New York is far from the order's ship-to, Los Angeles near. */
const sites = [
  { code: 'NEAR', postalCode: '90001' },
  { code: 'FAR', postalCode: '10001' },
];
const seed = (change: Partial<MerchantSeed> = {}) =>
  seedMerchant(database, {
    warehouses: sites,
    products: [
      { sku: 'A', stock: 10 },
      { sku: 'B', stock: 10 },
    ],
    ...change,
  });

function rows<Row extends Record<string, unknown>>(
  merchant: SeededMerchant,
  text: string,
  values: unknown[] = [],
) {
  return database.withMerchants([merchant.merchantId], (tx) => tx.rows<Row>({ text, values }));
}

const looks = new Map<string, number>();
function takeIn(merchant: SeededMerchant, orderId: string): Promise<IntakeOutcome> {
  const n = (looks.get(orderId) ?? 0) + 1;
  looks.set(orderId, n);
  return intake.run({ merchantId: merchant.merchantId, orderId, stepKey: stepKey(orderId, 'intake', n) });
}

async function place(merchant: SeededMerchant, quantities: Record<string, number>, change = {}) {
  const lines = Object.entries(quantities).map(([sku, quantity]) => ({ sku, quantity }));
  return (await placeOrder(database, merchant, demoOrder(lines, change))).orderId;
}

async function planned(merchant: SeededMerchant, quantities: Record<string, number>, change = {}) {
  const orderId = await place(merchant, quantities, change);
  await takeIn(merchant, orderId);
  return orderId;
}

/** Codes of the warehouses that ship it. */
async function partsOf(merchant: SeededMerchant, orderId: string): Promise<string[]> {
  const parts = await rows<{ code: string }>(
    merchant,
    `select w.code from fulfilment_order f join warehouse w on w.id = f.warehouse_id
      where f.order_id = $1 and f.state <> 'cancelled' order by 1`,
    [orderId],
  );
  return parts.map(({ code }) => code);
}

const idOf = (merchant: SeededMerchant, code: string) =>
  merchant.warehouses.find((warehouse) => warehouse.code === code)?.id as string;

function addRule(merchant: SeededMerchant, conditions: RuleConditions, ...effects: RuleEffect[]) {
  const rule = newRuleSchema.parse({ name: `rule ${randomUUID()}`, conditions, effects });
  return database.withMerchants([merchant.merchantId], (tx) =>
    createRule(tx, merchant.merchantId, rule, { actor: 'test', requestId: null }),
  );
}

const adminOf = ({ organisationId, merchantId }: SeededMerchant) => ({
  organisationId,
  merchantIds: [merchantId],
  allMerchants: true,
  actor: 'test',
  requestId: null,
});
const close = (merchant: SeededMerchant, code: string) =>
  database.withMerchants([merchant.merchantId], (tx) =>
    closeWarehouse(tx, idOf(merchant, code), 'flood', adminOf(merchant)),
  );
const open = (merchant: SeededMerchant, code: string) =>
  database.withMerchants([merchant.merchantId], (tx) =>
    openWarehouse(tx, idOf(merchant, code), 'dry again', adminOf(merchant)),
  );

const heard = new Set<string>();
/** Does what the workflows would: every order that is told to look looks, until nobody is told any more. */
async function settle(merchant: SeededMerchant): Promise<void> {
  for (let count = 0; count < 12; count += 1) {
    const told = await rows<{ id: string; order_id: string }>(
      merchant,
      `select id, order_id from outbox where payload ->> 'signal' = 'resume' order by id`,
    );
    const fresh = told.filter(({ id }) => !heard.has(id));
    if (fresh.length === 0) return;
    for (const { id, order_id } of fresh) {
      heard.add(id);
      await takeIn(merchant, order_id);
    }
  }
  throw new Error('orders wake each other for ever');
}

async function held(merchant: SeededMerchant) {
  const [row] = await rows<{ reserved: number; live: number; allocated: number; bins: number }>(
    merchant,
    `select (select coalesce(sum(reserved), 0)::int from stock_balance) as reserved,
      (select coalesce(sum(quantity), 0)::int from reservation where state in ('held', 'allocated')) as live,
      (select coalesce(sum(quantity), 0)::int from allocation) as allocated,
      (select coalesce(sum(allocated), 0)::int from bin_balance) as bins`,
  );
  return row;
}

async function traceOf(merchant: SeededMerchant, orderId: string) {
  const kept = await rows<{ outcome: string; trace: Record<string, unknown> }>(
    merchant,
    'select outcome, trace from routing_decision where order_id = $1 order by id',
    [orderId],
  );
  return kept;
}

describe('rules at intake', () => {
  test('an order goes where its rules say, and the plan keeps why', async () => {
    const merchant = await seed();
    const plain = await planned(merchant, { A: 1 });
    const rule = await addRule(
      merchant,
      { tags: ['gift'], countries: ['US'] },
      { kind: 'only', warehouseIds: [idOf(merchant, 'FAR')] },
    );
    const gift = await planned(merchant, { A: 1 }, { tags: ['gift'] });
    expect([await partsOf(merchant, plain), await partsOf(merchant, gift)]).toEqual([['NEAR'], ['FAR']]);
    const [decision] = await traceOf(merchant, gift);
    expect(decision).toMatchObject({
      outcome: 'plan',
      trace: {
        rules: [{ rule: rule.id, did: [{ kind: 'only', removed: [idOf(merchant, 'NEAR')] }] }],
        options: [{ warehouses: [idOf(merchant, 'FAR')] }],
        decidedBy: 'shipments',
        proof: 'exact',
      },
    });
    // Ids and small numbers: no address, no name, and room for millions of them.
    expect(JSON.stringify(decision?.trace)).not.toMatch(/Beverly|90210|Demo/);
    expect(JSON.stringify(decision?.trace).length).toBeLessThan(1_000);
  });

  test('only the cold part of an order is bound to the cold store', async () => {
    const merchant = await seed({
      products: [
        { sku: 'A', stock: { NEAR: 5 } },
        { sku: 'B', stock: 5 },
      ],
    });
    await rows(merchant, `update product set handling = '{cold}' where sku = 'B'`);
    await addRule(merchant, { handling: ['cold'] }, { kind: 'only', warehouseIds: [idOf(merchant, 'FAR')] });
    const orderId = await planned(merchant, { A: 1, B: 1 });
    expect(await partsOf(merchant, orderId)).toEqual(['FAR', 'NEAR']);
  });

  test('an order that no warehouse may ship is parked by name and goes on when the rules change', async () => {
    const merchant = await seed();
    const rule = await addRule(
      merchant,
      {},
      { kind: 'exclude', warehouseIds: merchant.warehouses.map(({ id }) => id) },
    );
    const orderId = await place(merchant, { A: 1 });
    expect(await takeIn(merchant, orderId)).toMatchObject({ kind: 'blocked', reason: 'no_warehouse' });
    expect(await traceOf(merchant, orderId)).toMatchObject([{ outcome: 'no_warehouse' }]);
    await rows(merchant, 'delete from routing_rule where id = $1', [rule.id]);
    await addRule(merchant, { tags: ['other'] }, { kind: 'ship_complete' });
    await settle(merchant);
    expect(await partsOf(merchant, orderId)).toEqual(['NEAR']);
    // The look that led to nothing is forgotten with the plan.
    expect(await traceOf(merchant, orderId)).toMatchObject([{ outcome: 'plan' }]);
  });

  test('orders that must not be served from where stock arrives pass it on and come to rest', async () => {
    const merchant = await seed({ products: [{ sku: 'A', stock: 0 }] });
    await addRule(merchant, { tags: ['far'] }, { kind: 'only', warehouseIds: [idOf(merchant, 'FAR')] });
    const first = await planned(merchant, { A: 2 }, { tags: ['far'], placedAt: '2026-03-01T10:00:00Z' });
    const second = await planned(merchant, { A: 2 }, { tags: ['far'], placedAt: '2026-03-01T11:00:00Z' });
    const third = await planned(merchant, { A: 2 }, { placedAt: '2026-03-01T12:00:00Z' });
    const arrive = (code: string, delta: number) =>
      adjustStock(database, {
        merchantId: merchant.merchantId,
        causeId: `test:${randomUUID()}`,
        kind: 'adjustment',
        warehouseId: idOf(merchant, code),
        reason: 'arrived',
        actor: 'test',
        lines: [{ sku: 'A', locationCode: 'A-01-01', delta }],
      });
    await arrive('NEAR', 2);
    await settle(merchant);
    expect(await partsOf(merchant, third)).toEqual(['NEAR']);
    await arrive('NEAR', 2);
    await settle(merchant);
    await arrive('FAR', 2);
    await settle(merchant);
    expect([await partsOf(merchant, first), await partsOf(merchant, second)]).toEqual([['FAR'], []]);
    expect(await held(merchant)).toMatchObject({ reserved: 4, live: 4 });
  });
});

describe('capacity of a day', () => {
  test('orders fill the near warehouse to its limit and then go to the far one; a cancelled one gives its place back', async () => {
    const merchant = await seed();
    await rows(merchant, 'update warehouse set orders_a_day = 3 where id = $1', [idOf(merchant, 'NEAR')]);
    const orders = await Promise.all(Array.from({ length: 5 }, () => place(merchant, { A: 1 })));
    await Promise.all(orders.map((orderId) => takeIn(merchant, orderId)));
    const went = (await Promise.all(orders.map((orderId) => partsOf(merchant, orderId)))).flat();
    expect(went.filter((code) => code === 'NEAR')).toHaveLength(3);
    expect(went.filter((code) => code === 'FAR')).toHaveLength(2);
    const near = orders[went.indexOf('NEAR')] as string;
    await cancelOrder(database, {
      merchantId: merchant.merchantId,
      orderId: near,
      actor: 'test',
      reason: 'asked',
    });
    expect(await partsOf(merchant, await planned(merchant, { A: 1 }))).toEqual(['NEAR']);
    expect(await partsOf(merchant, await planned(merchant, { A: 1 }))).toEqual(['FAR']);
  });

  test('a limit of units holds for all merchants that the warehouse serves', async () => {
    const merchant = await seed();
    await rows(merchant, 'update warehouse set units_a_day = 5 where id = $1', [idOf(merchant, 'NEAR')]);
    const other = await seedMerchant(database, {
      organisationId: merchant.organisationId,
      warehouses: merchant.warehouses,
      products: [{ sku: 'X', stock: 10 }],
    });
    expect(await partsOf(other, await planned(other, { X: 4 }))).toEqual(['NEAR']);
    expect(await partsOf(merchant, await planned(merchant, { A: 2 }))).toEqual(['FAR']);
    expect(await partsOf(merchant, await planned(merchant, { A: 1 }))).toEqual(['NEAR']);
  });
});

describe('a dry run', () => {
  test('says where an order goes, whether it is planned or not, and changes nothing', async () => {
    const merchant = await seed({ products: [{ sku: 'A', stock: 2 }] });
    const orderId = await place(merchant, { A: 2 });
    const run = () =>
      database.withMerchants([merchant.merchantId], (tx) => dryRunOrder(tx, merchant.merchantId, orderId));
    const before = await run();
    expect(before).toMatchObject({ kind: 'plan', shipments: [{ warehouseId: idOf(merchant, 'NEAR') }] });
    await takeIn(merchant, orderId);
    const balances = await rows(merchant, 'select * from stock_balance order by warehouse_id');
    // Its own two units are free for it, although they are all that there are.
    expect(await run()).toMatchObject({ kind: 'plan', shipments: [{ warehouseId: idOf(merchant, 'NEAR') }] });
    expect(await rows(merchant, 'select * from stock_balance order by warehouse_id')).toEqual(balances);
    expect(await traceOf(merchant, orderId)).toHaveLength(1);
  });
});

describe('a warehouse that closes', () => {
  test('what nobody has begun goes elsewhere, and nothing stays reserved behind', async () => {
    const merchant = await seed();
    const orders = [await planned(merchant, { A: 2 }), await planned(merchant, { A: 1, B: 1 })];
    expect(await close(merchant, 'NEAR')).toMatchObject({ work: { notBegun: 2, begun: 0 } });
    expect(await rerouteClosed(database, merchant.merchantId, idOf(merchant, 'NEAR'))).toBe(2);
    expect(await held(merchant)).toEqual({ reserved: 0, live: 0, allocated: 0, bins: 0 });
    expect(await rows(merchant, `select from task where state <> 'cancelled'`)).toEqual([]);
    await settle(merchant);
    for (const orderId of orders) expect(await partsOf(merchant, orderId)).toEqual(['FAR']);
    expect(await held(merchant)).toEqual({ reserved: 4, live: 4, allocated: 4, bins: 4 });
    expect(await rerouteClosed(database, merchant.merchantId, idOf(merchant, 'NEAR'))).toBe(0);
    expect(
      await rows(merchant, `select state, count(*)::int from fulfilment_order group by 1 order by 1`),
    ).toEqual([
      { state: 'cancelled', count: 2 },
      { state: 'released', count: 2 },
    ]);
  });

  test('what somebody has begun is finished there, the rest of the same order goes', async () => {
    const merchant = await seed({ products: [{ sku: 'A', stock: 5 }] });
    const begun = await planned(merchant, { A: 1 });
    const caller = {
      merchantIds: [merchant.merchantId],
      personId: merchant.personIds[0] as string,
    };
    await claimNextTask(database, caller, {
      warehouseId: idOf(merchant, 'NEAR'),
      kinds: ['pick'],
      eventId: randomUUID(),
    });
    const untouched = await planned(merchant, { A: 1 });
    expect(await close(merchant, 'NEAR')).toMatchObject({ work: { notBegun: 1, begun: 1 } });
    expect(await rerouteClosed(database, merchant.merchantId, idOf(merchant, 'NEAR'))).toBe(1);
    await settle(merchant);
    expect(await partsOf(merchant, begun)).toEqual(['NEAR']);
    expect(await partsOf(merchant, untouched)).toEqual(['FAR']);
  });

  test('with nowhere else to go orders wait for stock, and go on when it opens', async () => {
    const merchant = await seed({ products: [{ sku: 'A', stock: { NEAR: 5 } }] });
    const orderId = await planned(merchant, { A: 3 });
    await close(merchant, 'NEAR');
    await rerouteClosed(database, merchant.merchantId, idOf(merchant, 'NEAR'));
    await settle(merchant);
    const [order] = await rows(merchant, 'select blocked_reason from sales_order where id = $1', [orderId]);
    expect(order).toEqual({ blocked_reason: 'out_of_stock' });
    await open(merchant, 'NEAR');
    await settle(merchant);
    expect(await partsOf(merchant, orderId)).toEqual(['NEAR']);
  });

  test('a plan that was made on facts from before the closing is taken out by the next sweep', async () => {
    const merchant = await seed();
    await close(merchant, 'NEAR');
    await rows(merchant, 'update warehouse set closed_at = null where id = $1', [idOf(merchant, 'NEAR')]);
    const late = await planned(merchant, { A: 1 });
    await rows(merchant, 'update warehouse set closed_at = now() where id = $1', [idOf(merchant, 'NEAR')]);
    expect(await partsOf(merchant, late)).toEqual(['NEAR']);
    expect(await rerouteAllClosed(database)).toBe(1);
    await settle(merchant);
    expect(await partsOf(merchant, late)).toEqual(['FAR']);
    expect(await rerouteAllClosed(database)).toBe(0);
  });

  test('closing while orders are planned leaves each of them in one place, with its units', async () => {
    const merchant = await seed({ products: [{ sku: 'A', stock: 100 }] });
    const orders = await Promise.all(Array.from({ length: 30 }, () => place(merchant, { A: 1 })));
    const closing = (async () => {
      await close(merchant, 'NEAR');
      await rerouteClosed(database, merchant.merchantId, idOf(merchant, 'NEAR'));
    })();
    await Promise.all([...orders.map((orderId) => takeIn(merchant, orderId)), closing]);
    await rerouteAllClosed(database);
    await settle(merchant);
    for (const orderId of orders) expect(await partsOf(merchant, orderId)).toEqual(['FAR']);
    expect(await held(merchant)).toEqual({ reserved: 30, live: 30, allocated: 30, bins: 30 });
    const [day] = await rows(
      merchant,
      `select coalesce(sum(orders) filter (where warehouse_id = $1), 0)::int as near,
      sum(orders) filter (where warehouse_id = $2)::int as far from warehouse_day`,
      [idOf(merchant, 'NEAR'), idOf(merchant, 'FAR')],
    );
    expect(day).toEqual({ near: 0, far: 30 });
  });
});
