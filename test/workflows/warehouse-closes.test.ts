/** A warehouse closes while its orders wait for the floor: their workflows plan them anew, nobody else does. */
import { closeWarehouse, openWarehouse } from '../../commands/routing/change-warehouse';
import type { Tx } from '../../db/client';
import { eventually, startTestEngine, type TestEngine } from '../support/engine';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { demoOrder, placeOrder } from '../support/order';

let engine: TestEngine;
let merchant: SeededMerchant;

beforeAll(async () => {
  engine = await startTestEngine();
  merchant = await seedMerchant(engine.database, {
    warehouses: [
      { code: 'NEAR', postalCode: '90001' },
      { code: 'FAR', postalCode: '10001' },
    ],
    products: [
      { sku: 'BOTH', stock: 50 },
      { sku: 'NEAR-ONLY', stock: { NEAR: 50 } },
    ],
  });
}, 60_000);
afterAll(() => engine.close(), 60_000);

const idOf = (code: string) => merchant.warehouses.find((each) => each.code === code)?.id as string;

async function shipsFrom(orderId: string): Promise<string> {
  const parts = await engine.database.withMerchants([merchant.merchantId], (tx) =>
    tx.rows<{ code: string }>({
      text: `select w.code from fulfilment_order f join warehouse w on w.id = f.warehouse_id
        where f.order_id = $1 and f.state = 'released'`,
      values: [orderId],
    }),
  );
  return parts.map(({ code }) => code).join();
}

test('orders of a warehouse that closes go elsewhere by their own workflows, or wait until it opens', async () => {
  const place = (sku: string) => placeOrder(engine.database, merchant, demoOrder([{ sku, quantity: 2 }]));
  const moving = await Promise.all([place('BOTH'), place('BOTH'), place('BOTH')]);
  const staying = await place('NEAR-ONLY');
  for (const { orderId } of [...moving, staying])
    await eventually(async () => (await shipsFrom(orderId)) === 'NEAR', 'the order is planned near by');

  const admin = {
    organisationId: merchant.organisationId,
    merchantIds: [merchant.merchantId],
    allMerchants: true,
    actor: 'test',
    requestId: null,
  };
  const inMerchant = <T>(work: (tx: Tx) => Promise<T>) =>
    engine.database.withMerchants([merchant.merchantId], work);
  // No more than that: the dispatcher takes out what is there, the workflows plan it again.
  await inMerchant((tx) => closeWarehouse(tx, idOf('NEAR'), 'flood', admin));
  for (const { orderId } of moving)
    await eventually(async () => (await shipsFrom(orderId)) === 'FAR', 'the order is planned far away');
  const blocked = () =>
    inMerchant((tx) =>
      tx.rows<{ blocked_reason: string | null }>({
        text: 'select blocked_reason from sales_order where id = $1',
        values: [staying.orderId],
      }),
    );
  await eventually(
    async () => (await blocked())[0]?.blocked_reason === 'out_of_stock',
    'the order that only the closed one can serve waits',
  );

  await inMerchant((tx) => openWarehouse(tx, idOf('NEAR'), 'dry', admin));
  await eventually(async () => (await shipsFrom(staying.orderId)) === 'NEAR', 'it goes on when it opens');
  expect(await blocked()).toEqual([{ blocked_reason: null }]);
});
