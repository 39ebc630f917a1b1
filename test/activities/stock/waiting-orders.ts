/** Orders that wait for stock, on a database of their own: what the tests of the queue do and look at. */
import { randomUUID } from 'node:crypto';
import { Intake } from '../../../commands/intake/intake';
import { adjustStock } from '../../../commands/stock/adjust-stock';
import { Database } from '../../../db/client';
import { stepKey } from '../../../domain/step-key';
import { rowsOf, warehouseOf } from '../../support/floor-steps';
import { type MerchantSeed, type SeededMerchant, seedMerchant } from '../../support/merchant';
import { demoOrder, placeOrder } from '../../support/order';
import { type TestDatabase, testDatabase } from '../../support/postgres';

let server: TestDatabase;
export let database: Database;

beforeAll(async () => {
  server = await testDatabase();
  database = new Database({ appUrl: server.appUrl, systemUrl: server.systemUrl, poolSize: 16 });
});
afterAll(async () => {
  await database.close();
  await server.drop();
});

type Line = readonly [sku: string, quantity: number];

export async function place(merchant: SeededMerchant, lines: readonly Line[], change = {}): Promise<string> {
  const goods = lines.map(([sku, quantity]) => ({ sku, quantity }));
  return (await placeOrder(database, merchant, demoOrder(goods, change))).orderId;
}

let looks = 1;
export const look = (merchant: SeededMerchant, orderId: string, intake = new Intake(database)) =>
  intake.run({ merchantId: merchant.merchantId, orderId, stepKey: stepKey(orderId, 'intake', looks++) });

export async function waiting(
  merchant: SeededMerchant,
  lines: readonly Line[],
  change = {},
): Promise<string> {
  const orderId = await place(merchant, lines, change);
  expect(await look(merchant, orderId)).toMatchObject({ kind: 'blocked', reason: 'out_of_stock' });
  return orderId;
}

export const change = (merchant: SeededMerchant, sku: string, delta: number) =>
  adjustStock(database, {
    merchantId: merchant.merchantId,
    causeId: randomUUID(),
    kind: 'adjustment',
    warehouseId: warehouseOf(merchant).id,
    reason: 'counted',
    actor: 'test',
    lines: [{ sku, delta, ...(delta > 0 ? { locationCode: 'A-01-01' } : {}) }],
  });

/** Units that each order has reserved or keeps, by order and SKU. */
export async function has(merchant: SeededMerchant): Promise<Map<string, Record<string, number>>> {
  const rows = await rowsOf<{ order_id: string; units: Record<string, number> }>(
    database,
    merchant,
    `select order_id, json_object_agg(sku, units) as units from (
       select r.order_id, p.sku, sum(r.quantity)::int as units from reservation r
       join product p on p.merchant_id = r.merchant_id and p.id = r.product_id
       where r.order_id is not null and r.state in ('held', 'allocated') group by 1, 2) r group by 1`,
  );
  return new Map(rows.map((row) => [row.order_id, row.units]));
}

export const clock = (merchant: SeededMerchant, at: string) =>
  rowsOf(database, merchant, 'update merchant set business_now = $1 returning id', [at]);

export const shop = (seed: MerchantSeed = {}) =>
  seedMerchant(database, { products: [{ sku: 'P' }, { sku: 'Q' }], ...seed });

export const checkout = (merchant: SeededMerchant, quantity: number) => ({
  merchantId: merchant.merchantId,
  stepKey: randomUUID(),
  lines: [
    {
      productId: merchant.products.get('P') as string,
      quantity,
      warehouseIds: [warehouseOf(merchant).id],
    },
  ],
  allOrNothing: true,
  keepMs: 3_600_000,
});
