import { randomUUID } from 'node:crypto';
import { closeOrder } from '../../../commands/close-order';
import { shipScan } from '../../../commands/floor/ship-scan';
import { receiveTracking } from '../../../commands/receive-tracking';
import { Database } from '../../../db/client';
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

it('an order whose delivery is heard before its shipment was posted is posted before it is closed', async () => {
  const orderId = await plannedOrder(database, merchant, [{ sku: 'DEMO-1', quantity: 1 }]);
  await pickNext(database, merchant);
  const parcelId = await packNext(database, merchant);
  const trackingNumber = await labelParcel(database, merchant, parcelId);
  await shipScan(database, staff(merchant), { parcel: { id: parcelId }, eventId: randomUUID() });
  const [parcel] = await rowsOf<{ account: string }>(
    database,
    merchant,
    'select carrier_account_id as account from parcel where id = $1',
    [parcelId],
  );
  const fact = { trackingNumber, eventId: randomUUID(), occurredAt: new Date(), message: '' };
  await receiveTracking(database, {
    carrierAccountId: parcel?.account ?? '',
    source: 'webhook',
    facts: [{ ...fact, status: 'delivered' }],
  });

  // The signal of the ship scan waits in the outbox for a dispatcher that died with it in its hands.
  expect(await closeOrder(database, { merchantId: merchant.merchantId, orderId })).toEqual({
    outcome: 'closed',
  });

  const [books] = await rowsOf<Record<string, unknown>>(
    database,
    merchant,
    `select (select state from sales_order where id = $1) as state,
       (select bool_and(posted_at is not null) from shipment where order_id = $1) as posted,
       (select array_agg(distinct state) from reservation where order_id = $1) as reservations,
       (select count(*)::integer from order_fact where order_id = $1 and kind = 'cogs') as costs`,
    [orderId],
  );
  expect(books).toEqual({ state: 'closed', posted: true, reservations: ['consumed'], costs: 1 });
}, 30_000);
