/** Virtual bundles on real books: they are never stocked, and an order for one takes what it consists of. */
import { Intake } from '../../../commands/intake/intake';
import { Database } from '../../../db/client';
import { stepKey } from '../../../domain/step-key';
import { bookErrors, plannedOrder, rowsOf } from '../../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../../support/merchant';
import { demoOrder, placeOrder } from '../../support/order';
import { type TestDatabase, testDatabase } from '../../support/postgres';

let server: TestDatabase;
let database: Database;
let merchant: SeededMerchant;

beforeAll(async () => {
  server = await testDatabase();
  database = new Database({ appUrl: server.appUrl, systemUrl: server.systemUrl, poolSize: 4 });
  merchant = await seedMerchant(database, {
    products: [
      { sku: 'CUP', stock: 20 },
      { sku: 'TRAY', stock: 5 },
      { sku: 'PAIR', isBundle: true },
      { sku: 'TEA-TIME', isBundle: true },
    ],
  });
  // A pair is two cups; tea time is two pairs, a cup and a tray.
  for (const [bundle, component, quantity] of [
    ['PAIR', 'CUP', 2],
    ['TEA-TIME', 'PAIR', 2],
    ['TEA-TIME', 'CUP', 1],
    ['TEA-TIME', 'TRAY', 1],
  ] as const)
    await rowsOf(
      database,
      merchant,
      `insert into bundle_component (merchant_id, bundle_product_id, component_product_id, quantity)
         values ($1, $2, $3, $4) returning quantity`,
      [merchant.merchantId, merchant.products.get(bundle), merchant.products.get(component), quantity],
    );
});
afterAll(async () => {
  await database.close();
  await server.drop();
});

const reservations = (orderId: string) =>
  rowsOf(
    database,
    merchant,
    `select p.sku, sum(r.quantity)::integer as units from reservation r join product p on p.id = r.product_id
       where r.order_id = $1 and r.state = 'allocated' group by 1 order by 1`,
    [orderId],
  );

it('explode when they are ordered: the picker is sent for what is in them, nested ones too', async () => {
  const lines = [
    { sku: 'TEA-TIME', quantity: 2 },
    { sku: 'CUP', quantity: 1 },
  ];
  const orderId = await plannedOrder(database, merchant, lines);
  expect(await reservations(orderId)).toEqual([
    { sku: 'CUP', units: 11 },
    { sku: 'TRAY', units: 2 },
  ]);
  expect(
    await rowsOf(
      database,
      merchant,
      `select p.sku, sum(l.quantity)::integer as units from task t join task_line l on l.task_id = t.id
         join product p on p.id = l.product_id where t.order_id = $1 and t.kind = 'pick' group by 1 order by 1`,
      [orderId],
    ),
  ).toEqual([
    { sku: 'CUP', units: 11 },
    { sku: 'TRAY', units: 2 },
  ]);
  expect(await bookErrors(database, merchant)).toEqual([]);
});

it('wait as a whole when one component is short: nothing of them is taken from others', async () => {
  const { orderId } = await placeOrder(database, merchant, demoOrder([{ sku: 'TEA-TIME', quantity: 2 }]));
  const request = { merchantId: merchant.merchantId, orderId, stepKey: stepKey(orderId, 'intake') };
  expect(await new Intake(database).run(request)).toMatchObject({ kind: 'blocked', reason: 'out_of_stock' });
  expect(await reservations(orderId)).toEqual([]);
  expect(
    await rowsOf(
      database,
      merchant,
      `select p.sku from stock_balance b join product p on p.id = b.product_id where p.is_bundle`,
    ),
  ).toEqual([]);
});
