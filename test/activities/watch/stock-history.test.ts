/**
 * Pace, value and carrying cost read from a real ledger of random histories, posted in another order than
 * they happened, over months and a change to daylight saving, against slow oracles.
 */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { adjustStock } from '../../../commands/stock/adjust-stock';
import { postMovements } from '../../../commands/stock/post-movements';
import { approveAdjustment, requestAdjustment } from '../../../commands/stock/request-adjustment';
import { readCarryingCost, readValuation } from '../../../commands/watch/read-valuation';
import { readVelocity } from '../../../commands/watch/read-velocity';
import { Database } from '../../../db/client';
import { rowsOf, warehouseOf } from '../../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../../support/merchant';
import { demoOrder, placeOrder } from '../../support/order';
import { type TestDatabase, testDatabase } from '../../support/postgres';
import { averageOracle, fifoOracle, nearest, velocityOracle } from '../../support/stock-oracles';

let server: TestDatabase;
let database: Database;
beforeAll(async () => {
  server = await testDatabase();
  database = new Database({ appUrl: server.appUrl, systemUrl: server.systemUrl, poolSize: 4 });
});
afterAll(async () => {
  await database.close();
  await server.drop();
});

const ZONE = 'America/New_York';
const NOW = new Date('2026-03-20T16:00:00Z');
const FIRST = new Date('2026-01-20T00:00:00Z');
const UNIT_COST = 77n;

type Kind = 'come' | 'ship' | 'lose' | 'set_aside';
interface Deed {
  readonly kind: Kind;
  readonly units: number;
  readonly cost: bigint | null;
  readonly at: Date;
}

const deeds = fc.array(
  fc.record<Deed>({
    kind: fc.constantFrom<Kind>('come', 'come', 'ship', 'ship', 'ship', 'lose', 'set_aside'),
    units: fc.integer({ min: 1, max: 12 }),
    cost: fc.option(fc.bigInt({ min: 0n, max: 500n }), { freq: 3 }),
    at: fc.date({ min: FIRST, max: NOW, noInvalidDate: true }),
  }),
  { minLength: 50, maxLength: 50 },
);

/** What happened, as the test itself remembers it. */
interface Happened {
  readonly at: Date;
  readonly shelf: number;
  readonly owned: number;
  readonly cost: bigint | null;
  readonly sold: boolean;
}

const dayOf = (at: Date) => new Intl.DateTimeFormat('en-CA', { timeZone: ZONE }).format(at);

async function setUp(): Promise<SeededMerchant> {
  const merchant = await seedMerchant(database, {
    products: [{ sku: 'A', unitCostMinor: Number(UNIT_COST), stock: 0 }],
  });
  await database.withTenants(
    { merchantIds: [merchant.merchantId], organisationIds: [merchant.organisationId] },
    async (tx) => {
      await tx.run({
        text: 'update merchant set business_now = $2 where id = $1',
        values: [merchant.merchantId, NOW],
      });
      await tx.run({ text: 'update product set length_mm = null' });
      await tx.run({ text: 'update warehouse set time_zone = $1', values: [ZONE] });
    },
  );
  return merchant;
}

/** Posts what can be posted in the order given, whenever it happened. */
async function post(merchant: SeededMerchant, given: readonly Deed[]): Promise<Happened[]> {
  const { merchantId } = merchant;
  const warehouse = warehouseOf(merchant);
  const productId = merchant.products.get('A') as string;
  const [bin] = warehouse.bins;
  const happened: Happened[] = [];
  let shelf = 0;
  for (const { kind, units, cost, at } of given) {
    const common = { merchantId, causeId: randomUUID(), actor: 'test', occurredAt: at };
    const count = kind === 'come' ? units : Math.min(units, shelf);
    if (count === 0) continue;
    const move = (toLocationId: string, as: 'ship' | 'move') =>
      database.withMerchants([merchantId], (tx) =>
        postMovements(tx, [
          {
            ...common,
            kind: as,
            lines: [
              { productId, lotCode: '', quantity: count, fromLocationId: bin?.id as string, toLocationId },
            ],
          },
        ]),
      );
    const correct = (delta: number, unitCostMinor: bigint | null) =>
      adjustStock(database, {
        ...common,
        kind: 'adjustment',
        warehouseId: warehouse.id,
        reason: 'test',
        lines: [
          {
            sku: 'A',
            locationId: bin?.id as string,
            delta,
            ...(unitCostMinor === null ? {} : { unitCostMinor }),
          },
        ],
      });
    if (kind === 'come') await correct(count, cost);
    if (kind === 'lose') await correct(-count, null);
    if (kind === 'ship') await move(merchant.customerPlaceId, 'ship');
    if (kind === 'set_aside') await move(warehouse.quarantineId, 'move');
    const sign = kind === 'come' ? 1 : -1;
    shelf += sign * count;
    happened.push({
      at,
      shelf: sign * count,
      owned: kind === 'set_aside' ? 0 : sign * count,
      cost: kind === 'come' ? (cost ?? UNIT_COST) : null,
      sold: kind === 'ship',
    });
  }
  return happened;
}

const inTime = (happened: readonly Happened[]) =>
  happened
    .map((each, index) => ({ each, index }))
    .sort((a, b) => a.each.at.getTime() - b.each.at.getTime() || a.index - b.index)
    .map(({ each }) => each);

const ownedUntil = (happened: readonly Happened[], isPast: (at: Date) => boolean) =>
  inTime(happened)
    .filter(({ at, owned }) => owned !== 0 && isPast(at))
    .map(({ owned, cost }) => ({ units: owned, unitCostMinor: cost }));

const HISTORIES = fc.sample(deeds, { numRuns: 4, seed: 20_260_320 });

describe.each(HISTORIES.map((history, index) => [index + 1, history] as const))(
  'random history %#',
  (_index, history) => {
    let merchant: SeededMerchant;
    let happened: Happened[];
    beforeAll(async () => {
      merchant = await setUp();
      happened = await post(merchant, history);
    });

    test('is worth what unit by unit comes to, at any moment and by both methods', async () => {
      const { merchantId } = merchant;
      for (const at of [...history.slice(0, 6).map((deed) => deed.at), FIRST, NOW])
        for (const [method, oracle] of [
          ['fifo', fifoOracle],
          ['average', averageOracle],
        ] as const) {
          const { total } = await database.withMerchants([merchantId], (tx) =>
            readValuation(tx, { merchantId, skus: null, afterSku: null, method, at }, 10, true),
          );
          expect(total).toMatchObject(oracle(ownedUntil(happened, (time) => time <= at)));
          expect(total && total.leftMinor + total.valueMinor).toBe(total?.receivedMinor);
        }
    });

    test('sells at the pace that counting its days comes to, promotions and empty days left out', async () => {
      const { merchantId } = merchant;
      const productId = merchant.products.get('A') as string;
      await rowsOf(
        database,
        merchant,
        "insert into promotion (id, merchant_id, name, product_id, from_day, to_day) values ($1, $2, 'Demo', $3, '2026-03-03', '2026-03-05') returning id",
        [randomUUID(), merchantId, productId],
      );
      for (const days of [7, 28, 55]) {
        const { window, products } = await database.withMerchants([merchantId], (tx) =>
          readVelocity(tx, merchantId, [productId], { warehouseId: null, connectionId: null }, days),
        );
        expect(window).toMatchObject({ zone: ZONE, to: '2026-03-19' });
        const all = Array.from({ length: days }, (_, back) =>
          new Date(Date.parse('2026-03-19T12:00:00Z') - (days - 1 - back) * 86_400_000)
            .toISOString()
            .slice(0, 10),
        );
        const moves = happened.map((each) => ({ day: dayOf(each.at), units: each.shelf, sold: each.sold }));
        const before = moves
          .filter(({ day }) => day < window.from)
          .reduce((sum, { units }) => sum + units, 0);
        const inside = moves.filter(({ day }) => day >= window.from);
        expect(products[0]?.velocity).toEqual({
          from: window.from,
          to: window.to,
          ...velocityOracle(all, before, inside, ['2026-03-03', '2026-03-04', '2026-03-05']),
        });
      }
    });

    test('costs each day what lay there at its end, across the change to daylight saving', async () => {
      const { merchantId } = merchant;
      const rates = {
        storagePerCubicMetreMinor: 0n,
        storagePerUnitMinor: 40n,
        insuranceBasisPoints: 50,
        capitalBasisPoints: 900,
        obsolescenceBasisPoints: 400,
      };
      const days = Array.from({ length: 12 }, (_, index) => `2026-03-${String(index + 2).padStart(2, '0')}`);
      const span = { zone: ZONE, from: days[0] as string, to: days.at(-1) as string };
      const { total } = await database.withMerchants([merchantId], (tx) =>
        readCarryingCost(
          tx,
          { merchantId, skus: null, afterSku: null, method: 'fifo', rates },
          span,
          10,
          true,
        ),
      );
      const there = days.map((day) => fifoOracle(ownedUntil(happened, (time) => dayOf(time) <= day)));
      const units = there.reduce((sum, each) => sum + BigInt(each.units), 0n);
      const value = there.reduce((sum, each) => sum + each.valueMinor, 0n);
      expect(total).toMatchObject({
        storageMinor: nearest(units * 40n * 12n, 365n),
        insuranceMinor: nearest(value * 50n, 3_650_000n),
        capitalMinor: nearest(value * 900n, 3_650_000n),
        obsolescenceMinor: nearest(value * 400n, 3_650_000n),
      });
    });
  },
);

test('what stock was worth does not change with the cost of today', async () => {
  const merchant = await setUp();
  const { merchantId } = merchant;
  await post(merchant, [{ kind: 'come', units: 5, cost: null, at: FIRST }]);
  await rowsOf(database, merchant, 'update product set unit_cost_minor = 1000 returning id');
  await post(merchant, [{ kind: 'come', units: 2, cost: null, at: NOW }]);
  const { total } = await database.withMerchants([merchantId], (tx) =>
    readValuation(tx, { merchantId, skus: null, afterSku: null, method: 'fifo', at: NOW }, 10, true),
  );
  expect(total).toMatchObject({ units: 7, valueMinor: 5n * UNIT_COST + 2000n, unitsWithoutCost: 0 });
});

test('the pace of a channel or a warehouse is what its own orders shipped', async () => {
  const merchant = await setUp();
  const { merchantId } = merchant;
  const productId = merchant.products.get('A') as string;
  await post(merchant, [{ kind: 'come', units: 50, cost: null, at: new Date('2026-03-01T12:00:00Z') }]);
  const [other] = await rowsOf<{ id: string }>(
    database,
    merchant,
    "insert into channel_connection (id, merchant_id, channel, name) values ($1, $2, 'api', 'Other') returning id",
    [randomUUID(), merchantId],
  );
  const otherId = other?.id as string;
  for (const [connectionId, units] of [
    [merchant.connectionId, 3],
    [otherId, 8],
  ] as const) {
    const { orderId } = await placeOrder(
      database,
      { merchantId, connectionId },
      demoOrder([{ sku: 'A', quantity: units }]),
    );
    await database.withMerchants([merchantId], (tx) =>
      postMovements(tx, [
        {
          merchantId,
          causeId: randomUUID(),
          kind: 'ship',
          orderId,
          actor: 'test',
          occurredAt: new Date('2026-03-10T15:00:00Z'),
          lines: [
            {
              productId,
              lotCode: '',
              quantity: units,
              fromLocationId: warehouseOf(merchant).bins[0]?.id as string,
              toLocationId: merchant.customerPlaceId,
            },
          ],
        },
      ]),
    );
  }
  const shipped = async (warehouseId: string | null, connectionId: string | null) => {
    const { products } = await database.withMerchants([merchantId], (tx) =>
      readVelocity(tx, merchantId, [productId], { warehouseId, connectionId }, 14),
    );
    return products[0]?.velocity.shipped;
  };
  expect(await shipped(null, null)).toBe(11);
  expect(await shipped(null, merchant.connectionId)).toBe(3);
  expect(await shipped(null, otherId)).toBe(8);
  expect(await shipped(warehouseOf(merchant).id, null)).toBe(11);
  await expect(shipped(randomUUID(), null)).rejects.toThrow('no such warehouse');
});

test('a cost that somebody gave outlasts the wait for approval', async () => {
  const merchant = await setUp();
  const { merchantId } = merchant;
  await rowsOf(database, merchant, 'update merchant set adjustment_limit_units = 1 returning id');
  const { adjustmentId, state } = await requestAdjustment(database, {
    merchantId,
    causeId: randomUUID(),
    kind: 'adjustment',
    warehouseId: warehouseOf(merchant).id,
    reason: 'found',
    reasonCode: 'found',
    actor: 'one',
    lines: [{ sku: 'A', locationCode: 'A-01-01', delta: 4, unitCostMinor: 123n }],
  });
  expect(state).toBe('pending');
  const decision = { merchantIds: [merchantId], adjustmentId, reason: 'seen', actor: 'another' };
  await approveAdjustment(database, decision);
  const { total } = await database.withMerchants([merchantId], (tx) =>
    readValuation(tx, { merchantId, skus: null, afterSku: null, method: 'fifo', at: NOW }, 10, true),
  );
  expect(total).toMatchObject({ units: 4, valueMinor: 492n });
});
