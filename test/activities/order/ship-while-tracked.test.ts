import { randomUUID } from 'node:crypto';
import { shipScan } from '../../../commands/floor/ship-scan';
import { ShipStep } from '../../../commands/ship-order';
import { Database } from '../../../db/client';
import { lockOrder } from '../../../db/order.repo';
import { lockParcel } from '../../../db/tracking.repo';
import {
  labelParcel,
  packNext,
  pickNext,
  plannedOrder,
  rowsOf,
  seedCarrierAccount,
  staff,
} from '../../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../../support/merchant';
import { type TestDatabase, testDatabase } from '../../support/postgres';

let urls: TestDatabase;
let database: Database;
let merchant: SeededMerchant;

beforeAll(async () => {
  urls = await testDatabase();
  database = new Database({ appUrl: urls.appUrl, systemUrl: urls.systemUrl, poolSize: 4 });
  merchant = await seedMerchant(database);
  await seedCarrierAccount(database, merchant);
});
afterAll(async () => {
  await database.close();
  await urls.drop();
});

it('a shipment is posted while a carrier fact and a person have its order locked, so they never wait for each other', async () => {
  const orderId = await plannedOrder(database, merchant, [{ sku: 'DEMO-1', quantity: 1 }]);
  await pickNext(database, merchant);
  const parcelId = await packNext(database, merchant);
  await labelParcel(database, merchant, parcelId);
  await shipScan(database, staff(merchant), { parcel: { id: parcelId }, eventId: randomUUID() });
  const [part] = await rowsOf<{ id: string }>(
    database,
    merchant,
    'select id from fulfilment_order where order_id = $1',
    [orderId],
  );
  const { merchantId } = merchant;
  const posted = await database.withMerchants([merchantId], async (tx) => {
    await lockOrder(tx, merchantId, orderId);
    await lockParcel(tx, merchantId, parcelId);
    // From a connection of its own; it gives up after the lock time-out where it has to wait.
    return new ShipStep(database).run({ merchantId, fulfilmentOrderId: part?.id ?? '' });
  });
  expect(posted).toMatchObject({ outcome: 'posted' });
}, 30_000);
