/**
 * A small engine's rows, made by the real commands: an order that was shipped, delivered and closed, one
 * on the floor, one that waits for stock, one that was cancelled, a work order under way, and an audit log with seals. A test
 * breaks them in a transaction of a superuser, because nobody else could, and it is rolled back.
 */
import { randomUUID } from 'node:crypto';
import { blockOrder } from '../../commands/block-order';
import { cancelOrder } from '../../commands/cancel-order';
import { closeOrder } from '../../commands/close-order';
import { shipScan } from '../../commands/floor/ship-scan';
import { Intake } from '../../commands/intake/intake';
import { receiveTracking } from '../../commands/receive-tracking';
import { ShipStep } from '../../commands/ship-order';
import { reportStep } from '../../commands/work-order/change-work-order';
import { createWorkOrder } from '../../commands/work-order/create-work-order';
import { postStep } from '../../commands/work-order/post-step';
import { reserveParts } from '../../commands/work-order/reserve-parts';
import { sealAudit } from '../../db/audit-seal.repo';
import { Database, type Tx } from '../../db/client';
import { stepKey } from '../../domain/step-key';
import {
  claim,
  labelParcel,
  packNext,
  pickNext,
  plannedOrder,
  seedCarrierAccount,
  staff,
} from '../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { demoOrder, placeOrder } from '../support/order';
import { type TestDatabase, testDatabase } from '../support/postgres';
import { databaseUrl, testServers } from '../support/servers';

export interface World {
  readonly merchant: SeededMerchant;
  readonly closed: string;
  readonly onFloor: string;
  readonly waiting: string;
  readonly cancelled: string;
  readonly workOrder: string;
  readonly trackingNumber: string;
  readonly urls: TestDatabase;
  readonly database: Database;
  /** Runs SQL as a superuser, whom no policy binds, then looks as the checking role; all is undone. */
  tampered<T>(sql: readonly string[], look: (tx: Tx) => Promise<T>): Promise<T>;
  drop(): Promise<void>;
}

export async function makeWorld(): Promise<World> {
  const urls = await testDatabase();
  const database = new Database({ appUrl: urls.appUrl, systemUrl: urls.systemUrl });
  const { postgresUrl } = testServers();
  const name = new URL(urls.appUrl).pathname.slice(1);
  const mighty = databaseUrl(postgresUrl, name, new URL(postgresUrl).username);
  const superuser = new Database({ appUrl: mighty, systemUrl: mighty, poolSize: 1 });
  return {
    ...(await fill(database)),
    urls,
    database,
    tampered: (sql, look) => undone(superuser, sql, look),
    async drop() {
      await database.close();
      await superuser.close();
      await urls.drop();
    },
  };
}

async function undone<T>(
  superuser: Database,
  sql: readonly string[],
  look: (tx: Tx) => Promise<T>,
): Promise<T> {
  let seen: { readonly value: T } | undefined;
  const undo = new Error('undone');
  try {
    await superuser.withSystem(async (tx) => {
      for (const text of sql) await tx.run({ text });
      await tx.run({ text: 'set local role quayside_check' });
      seen = { value: await look(tx) };
      throw undo;
    });
  } catch (error) {
    if (error !== undo) throw error;
  }
  return (seen as { readonly value: T }).value;
}

async function fill(database: Database): Promise<Omit<World, 'urls' | 'database' | 'tampered' | 'drop'>> {
  const merchant = await seedMerchant(database, {
    persons: 1,
    products: [
      { sku: 'A', stock: 100, unitCostMinor: 250 },
      { sku: 'B', stock: 5 },
      { sku: 'PART', stock: 20 },
      { sku: 'KIT' },
    ],
  });
  const { merchantId } = merchant;
  await seedCarrierAccount(database, merchant);
  const closed = await plannedOrder(database, merchant, [{ sku: 'A', quantity: 3 }]);
  await pickNext(database, merchant);
  const parcelId = await packNext(database, merchant);
  const trackingNumber = await labelParcel(database, merchant, parcelId);
  await claim(database, merchant, 'ship');
  await shipScan(database, staff(merchant), { parcel: { id: parcelId }, eventId: randomUUID() });
  const rows = <T extends object>(text: string, values: unknown[]) =>
    database.withMerchants([merchantId], (tx) => tx.rows<T>({ text, values }));
  const [part] = await rows<{ id: string }>('select id from fulfilment_order where order_id = $1', [closed]);
  await new ShipStep(database).run({ merchantId, fulfilmentOrderId: part?.id as string });
  const [account] = await rows<{ id: string }>('select carrier_account_id as id from parcel where id = $1', [
    parcelId,
  ]);
  const fact = {
    trackingNumber,
    eventId: 'e1',
    status: 'delivered' as const,
    occurredAt: new Date(),
    message: '',
  };
  await receiveTracking(database, {
    carrierAccountId: account?.id as string,
    source: 'webhook',
    facts: [fact],
  });
  await closeOrder(database, { merchantId, orderId: closed });
  const onFloor = await plannedOrder(database, merchant, [{ sku: 'A', quantity: 2 }]);
  await pickNext(database, merchant);
  const cancelled = await plannedOrder(database, merchant, [{ sku: 'B', quantity: 1 }]);
  await cancelOrder(database, { merchantId, orderId: cancelled, actor: 'test', reason: 'test' });
  const { orderId: waiting } = await placeOrder(database, merchant, demoOrder([{ sku: 'B', quantity: 9 }]));
  await new Intake(database).run({ merchantId, orderId: waiting, stepKey: stepKey(waiting, 'intake') });
  await blockOrder(database, {
    merchantId,
    orderId: waiting,
    reason: 'out_of_stock',
    message: 'not enough',
    subject: 'B',
  });
  const workOrder = await makeKits(database, merchant);
  await sealEverything(database);
  return { merchant, closed, onFloor, waiting, cancelled, workOrder, trackingNumber };
}

/** Three kits of two parts each, one of them made. */
async function makeKits(database: Database, merchant: SeededMerchant): Promise<string> {
  const { merchantId } = merchant;
  const { workOrderId } = await createWorkOrder(database, {
    merchantId,
    key: randomUUID(),
    warehouseId: merchant.warehouses[0]?.id as string,
    kind: 'kit',
    sku: 'KIT',
    quantity: 3,
    components: [{ sku: 'PART', quantity: 2 }],
    locationCode: 'A-01-02',
    reference: null,
    reason: 'test',
    actor: 'test',
  });
  const ref = { merchantId, workOrderId };
  await reserveParts(database, ref);
  const asked = { merchantIds: [merchantId], workOrderId, actor: 'test', key: randomUUID() };
  const { number } = await reportStep(database, { ...asked, units: 1, scrap: [], lots: [] });
  await postStep(database, { ...ref, number });
  return workOrderId;
}

/** Other files' transactions on the same server hold the sealer's horizon back for a moment. */
async function sealEverything(database: Database): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    await database.withSystem((tx) => sealAudit(tx, 1_000));
    const [row] = await database.withSystem((tx) =>
      tx.rows<{ unsealed: boolean }>({
        text: "select exists (select from audit_log where xid >= coalesce((select max(up_to_xid) from audit_seal), '0')) as unsealed",
      }),
    );
    if (row?.unsealed === false) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('the audit log could not be sealed within 10 s');
}
