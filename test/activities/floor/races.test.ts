import { randomUUID } from 'node:crypto';
import { cancelOrder } from '../../../commands/cancel-order';
import { claimNextTask } from '../../../commands/floor/claim-next-task';
import { shipScan } from '../../../commands/floor/ship-scan';
import { Database } from '../../../db/client';
import { isFailure } from '../../../domain/failure-types';
import {
  bookErrors,
  labelParcel,
  packNext,
  pickNext,
  plannedOrder,
  rowsOf,
  seedCarrierAccount,
  staff,
  warehouseOf,
} from '../../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../../support/merchant';
import { type TestDatabase, testDatabase } from '../../support/postgres';

let server: TestDatabase;
let database: Database;

beforeAll(async () => {
  server = await testDatabase();
  database = new Database({ appUrl: server.appUrl, systemUrl: server.systemUrl, poolSize: 16 });
});
afterAll(async () => {
  await database.close();
  await server.drop();
});

async function atTheDoor(merchant: SeededMerchant): Promise<{ orderId: string; parcelId: string }> {
  const orderId = await plannedOrder(database, merchant, [{ sku: 'A', quantity: 1 }]);
  await pickNext(database, merchant);
  const parcelId = await packNext(database, merchant);
  await labelParcel(database, merchant, parcelId);
  return { orderId, parcelId };
}

/** What a cancel at this stage has to be: one conditional write under the order's lock. */
function cancelAtTheDoor(merchant: SeededMerchant, orderId: string): Promise<boolean> {
  return database.withMerchants([merchant.merchantId], async (tx) => {
    await tx.rows({ text: 'select from sales_order where id = $1 for update', values: [orderId] });
    const cancelled = await tx.run({
      text: `update fulfilment_order set state = 'cancelled' where order_id = $1 and state = 'packed'
        and not exists (select from parcel p where p.order_id = $1 and p.state not in ('open', 'packed', 'labelled'))`,
      values: [orderId],
    });
    if (cancelled === 0) return false;
    await tx.run({
      text: `update sales_order set state = 'cancelled', deadline_at = null where id = $1`,
      values: [orderId],
    });
    return true;
  });
}

const stockMerchant = async (stock: number) => {
  const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock }], persons: 6 });
  await seedCarrierAccount(database, merchant);
  return merchant;
};

describe('who comes first wins, and exactly one', () => {
  it('either cancels or ships a parcel at the door, in every one of thirty races', async () => {
    const merchant = await stockMerchant(30);
    const orders = [];
    for (let n = 0; n < 30; n += 1) orders.push(await atTheDoor(merchant));
    const results = await Promise.all(
      orders.map(async ({ orderId, parcelId }, n) => {
        const scan = () =>
          shipScan(database, staff(merchant, n % 6), {
            parcel: { id: parcelId },
            eventId: randomUUID(),
          }).then(
            () => 'shipped',
            (error: unknown) => {
              if (!isFailure(error, 'IllegalTransition')) throw error;
              expect(error.details['state']).toBe('cancelled');
              return 'refused';
            },
          );
        const cancel = () => cancelAtTheDoor(merchant, orderId);
        const early = n % 2 === 1 ? cancel() : undefined;
        const scanning = scan();
        const [scanned, cancelled] = await Promise.all([scanning, early ?? cancel()]);
        expect([scanned, cancelled]).toEqual(cancelled ? ['refused', true] : ['shipped', false]);
        return cancelled;
      }),
    );
    const states = await rowsOf<{ state: string; n: number }>(
      database,
      merchant,
      'select state, count(*)::int as n from sales_order group by 1',
    );
    const shipped = states.find((row) => row.state === 'shipped')?.n ?? 0;
    expect(shipped).toBe(results.filter((cancelled) => !cancelled).length);
    const shipments = await rowsOf(database, merchant, 'select id from shipment');
    expect(shipments).toHaveLength(shipped);
  });

  it('either cancels an order or gives its pick to somebody, in every one of thirty races', async () => {
    const merchant = await stockMerchant(30);
    const orderIds = [];
    for (let n = 0; n < 30; n += 1)
      orderIds.push(await plannedOrder(database, merchant, [{ sku: 'A', quantity: 1 }]));
    const claims = Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        claimNextTask(database, staff(merchant, n % 6), {
          warehouseId: warehouseOf(merchant).id,
          kinds: ['pick'],
          eventId: randomUUID(),
          several: true,
        }),
      ),
    );
    const cancels = Promise.all(
      orderIds.map((orderId) =>
        cancelOrder(database, {
          merchantId: merchant.merchantId,
          orderId,
          actor: 'test',
          reason: 'test',
        }).then(
          () => orderId,
          (error: unknown) => {
            if (!isFailure(error, 'IllegalTransition')) throw error;
            return null;
          },
        ),
      ),
    );
    const claimed = (await claims).flatMap((task) => (task === null ? [] : [task.orderId]));
    const cancelled = (await cancels).flatMap((orderId) => (orderId === null ? [] : [orderId]));
    expect(claimed.filter((orderId) => cancelled.includes(orderId ?? ''))).toEqual([]);
    expect(claimed.length + cancelled.length).toBe(30);
    expect(await bookErrors(database, merchant)).toEqual([]);
  });

  it('keeps a parcel whose label is for an old address, one on hold, and one without a label', async () => {
    const merchant = await stockMerchant(10);
    const scan = (parcelId: string) =>
      shipScan(database, staff(merchant), { parcel: { id: parcelId }, eventId: randomUUID() });

    const moved = await atTheDoor(merchant);
    await rowsOf(
      database,
      merchant,
      'update sales_order set address_version = address_version + 1 where id = $1 returning id',
      [moved.orderId],
    );
    await expect(scan(moved.parcelId)).rejects.toMatchObject({
      type: 'IllegalTransition',
      details: { state: 'labelled', reason: 'stale_label' },
    });
    const held = await atTheDoor(merchant);
    await rowsOf(database, merchant, 'update sales_order set held = true where id = $1 returning id', [
      held.orderId,
    ]);
    await expect(scan(held.parcelId)).rejects.toMatchObject({ details: { state: 'held' } });

    await plannedOrder(database, merchant, [{ sku: 'A', quantity: 1 }]);
    await pickNext(database, merchant);
    const bare = await packNext(database, merchant);
    await expect(scan(bare)).rejects.toMatchObject({ details: { state: 'packed' } });
    expect(await rowsOf(database, merchant, 'select id from shipment')).toEqual([]);
  });
});
