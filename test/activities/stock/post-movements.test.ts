import { randomUUID } from 'node:crypto';
import { type Movement, postMovements } from '../../../commands/stock/post-movements';
import { Database } from '../../../db/client';
import { bookErrors, pickNext, plannedOrder, rowsOf, warehouseOf } from '../../support/floor-steps';
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

const post = (merchants: readonly SeededMerchant[], movements: readonly Movement[]) =>
  database.withMerchants(
    merchants.map((merchant) => merchant.merchantId),
    (tx) => postMovements(tx, movements),
  );

function move(
  merchant: SeededMerchant,
  from: string,
  to: string,
  quantity: number,
  change: Partial<Movement> = {},
): Movement {
  return {
    merchantId: merchant.merchantId,
    causeId: `${randomUUID()}:move:1`,
    kind: 'move',
    actor: 'test',
    occurredAt: new Date('2026-03-04T10:00:00Z'),
    lines: [
      {
        productId: merchant.products.get('A') ?? '',
        lotCode: '',
        quantity,
        fromLocationId: from,
        toLocationId: to,
      },
    ],
    ...change,
  };
}

const bin = (merchant: SeededMerchant, n: number) => warehouseOf(merchant).bins[n]?.id ?? '';

const stock = async (merchant: SeededMerchant) =>
  (
    await rowsOf<{ stock: number[] }>(
      database,
      merchant,
      'select json_build_array(on_hand, held, reserved) as stock from stock_balance',
    )
  )[0]?.stock;

describe('posting movements', () => {
  it('posts many causes of several merchants at once, and of those that are there nothing again', async () => {
    const merchants = [
      await seedMerchant(database, { products: [{ sku: 'A', stock: 10 }] }),
      await seedMerchant(database, { products: [{ sku: 'A', stock: 10 }] }),
    ];
    const movements = merchants.flatMap((merchant) => [
      move(merchant, bin(merchant, 0), bin(merchant, 1), 4, { causeId: 'x:move:1' }),
      move(merchant, bin(merchant, 0), warehouseOf(merchant).quarantineId, 3, { causeId: 'y:move:1' }),
    ]);
    expect((await post(merchants, movements)).posted).toHaveLength(4);
    const more = merchants.map((merchant) =>
      move(merchant, bin(merchant, 1), bin(merchant, 2), 1, { causeId: 'z:move:1' }),
    );
    const again = await post(merchants, [...movements, ...more]);
    expect(again.posted).toEqual(['z:move:1', 'z:move:1']);
    for (const merchant of merchants) {
      expect(await stock(merchant)).toEqual([10, 3, 0]);
      expect(await bookErrors(database, merchant)).toEqual([]);
    }
  });

  it('posts one cause once when forty post it at the same moment', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 10 }] });
    const movement = move(merchant, bin(merchant, 0), bin(merchant, 1), 7);
    const answers = await Promise.all(Array.from({ length: 40 }, () => post([merchant], [movement])));
    expect(answers.flatMap((answer) => answer.posted)).toEqual([movement.causeId]);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('books a retry in the month in which it happened, and makes months as they come', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 10 }] });
    const months = ['2010-12-31T23:59:59Z', '2011-01-01T00:00:00Z', '2031-07-15T12:00:00Z'];
    await Promise.all(
      months.map((month, n) =>
        post(
          [merchant],
          [
            move(merchant, bin(merchant, 0), bin(merchant, n === 1 ? 2 : 1), 1, {
              occurredAt: new Date(month),
            }),
          ],
        ),
      ),
    );
    const booked = await rowsOf<{ month: string }>(
      database,
      merchant,
      `select l.month from stock_ledger l join stock_cause c on c.id = l.cause_id and c.kind = 'move' order by 1`,
    );
    expect(booked.map((row) => row.month)).toEqual(['2010-12-01', '2011-01-01', '2031-07-01']);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('refuses as a whole what takes more than there is, and what would leave less than is reserved', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 10 }] });
    const good = move(merchant, bin(merchant, 0), bin(merchant, 1), 2);
    const tooMuch = move(merchant, bin(merchant, 0), bin(merchant, 1), 9);
    await expect(post([merchant], [good, tooMuch])).rejects.toMatchObject({ type: 'InvariantBroken' });
    await plannedOrder(database, merchant, [{ sku: 'A', quantity: 8 }]);
    const promised = move(merchant, bin(merchant, 0), warehouseOf(merchant).damagedId, 3);
    await expect(post([merchant], [promised])).rejects.toMatchObject({ type: 'InvariantBroken' });
    expect(await stock(merchant)).toEqual([10, 0, 8]);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('ends the reservations whose goods leave, once, with what they had in which bin', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 10 }] });
    const orderId = await plannedOrder(database, merchant, [{ sku: 'A', quantity: 4 }]);
    await pickNext(database, merchant);
    const [reservation] = await rowsOf<{ id: string }>(database, merchant, 'select id from reservation');
    const consume = [reservation?.id ?? ''];
    const ship = (causeId: string) =>
      move(merchant, warehouseOf(merchant).packingId, merchant.customerPlaceId, 4, {
        causeId,
        kind: 'ship',
        orderId,
        consume,
      });
    await Promise.all([post([merchant], [ship('f:ship:1')]), post([merchant], [ship('f:ship:1')])]);
    expect(await stock(merchant)).toEqual([6, 0, 0]);
    expect(await rowsOf(database, merchant, 'select state from reservation')).toEqual([
      { state: 'consumed' },
    ]);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('finds no place of another organisation, and nobody can change what was posted', async () => {
    const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 10 }] });
    const other = await seedMerchant(database);
    const away = move(merchant, bin(merchant, 0), bin(other, 0), 1);
    await expect(post([merchant], [away])).rejects.toMatchObject({ type: 'NotFound' });
    for (const statement of [
      'update stock_ledger set quantity = 1',
      'delete from stock_ledger',
      "update stock_cause set actor = 'x'",
    ])
      await expect(rowsOf(database, merchant, statement)).rejects.toThrow(/permission denied/);
  });
});
