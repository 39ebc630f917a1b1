/** A workflow that was lost is started again by a person's retry, wherever it was, and the order ends as if nothing was. */

import { randomUUID } from 'node:crypto';
import { retryOrder, updatePayment } from '../../commands/change-order';
import { claimNextTask } from '../../commands/floor/claim-next-task';
import { closeCarton } from '../../commands/floor/close-carton';
import { scanPack } from '../../commands/floor/scan-pack';
import { receiveTracking } from '../../commands/receive-tracking';
import type { IncomingOrderInput } from '../../contracts/incoming-order';
import { openExceptions } from '../../db/exception.repo';
import { eventually, startTestEngine, type TestEngine } from '../support/engine';
import { FloorPerson } from '../support/floor';
import { rowsOf, staff, warehouseOf } from '../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { demoOrder, placeOrder } from '../support/order';
import { slate } from './slate';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
}, 60_000);
afterAll(() => engine.close(), 60_000);

async function world(change: Partial<IncomingOrderInput> = {}) {
  const merchant = await seedMerchant(engine.database, { persons: 1, products: [{ sku: 'A', stock: 10 }] });
  const carrierAccountId = await engine.connectCarrier(merchant);
  const order = demoOrder([{ sku: 'A', quantity: 2 }], change);
  const { orderId, workflowId } = await placeOrder(engine.database, merchant, order);
  await rows(merchant, "update outbox set due_at = now() where kind = 'workflow.start'");
  return { merchant, carrierAccountId, orderId, workflowId, floor: new FloorPerson(engine, merchant) };
}

const rows = <Row extends Record<string, unknown>>(
  merchant: SeededMerchant,
  text: string,
  values: unknown[] = [],
) => rowsOf<Row>(engine.database, merchant, text, values);

const becomes = (merchant: SeededMerchant, column: 'state' | 'blocked_reason', value: string | null) =>
  eventually(
    async () =>
      (await rows<Record<string, unknown>>(merchant, `select ${column} as is from sales_order`))[0]?.[
        'is'
      ] === value,
    `${column} is ${value}`,
  );

/** Its workflow is gone, as the watchdog would find within a minute. */
async function lose({ merchant, orderId, workflowId }: Awaited<ReturnType<typeof world>>): Promise<void> {
  await engine.client.workflow.getHandle(workflowId).terminate('lost');
  const { merchantId } = merchant;
  await engine.database.withMerchants([merchantId], (tx) =>
    openExceptions(tx, [
      {
        merchantId,
        reason: 'workflow_missing',
        key: `workflow_missing:${orderId}`,
        cause: 'workflow_missing',
        orderId,
        thingKind: 'order',
        thingId: orderId,
        owner: 'integrator',
        message: 'Lost.',
        deadlineMinutes: 15,
        openedAt: new Date(),
      },
    ]),
  );
}

const retry = ({ merchant, orderId }: Awaited<ReturnType<typeof world>>) =>
  retryOrder(engine.database, { merchantId: merchant.merchantId, orderId, actor: 'test', reason: 'lost' });

async function deliver({ merchant, carrierAccountId }: Awaited<ReturnType<typeof world>>): Promise<void> {
  const [parcel] = await rows<{ tracking_number: string }>(merchant, 'select tracking_number from parcel');
  const fact = { trackingNumber: parcel?.tracking_number as string, eventId: randomUUID(), message: '' };
  await receiveTracking(engine.database, {
    carrierAccountId,
    source: 'webhook',
    facts: [{ ...fact, status: 'delivered', occurredAt: new Date() }],
  });
}

/** Packs into one carton and leaves the asking for its label to somebody else. */
async function packSilently(merchant: SeededMerchant): Promise<string> {
  const person = staff(merchant);
  const warehouseId = warehouseOf(merchant).id;
  const task = await eventually(
    () => claimNextTask(engine.database, person, { warehouseId, kinds: ['pack'], eventId: randomUUID() }),
    'there is a pack task',
  );
  const { taskId } = task;
  await scanPack(engine.database, person, { taskId, eventId: randomUUID(), code: 'A', quantity: 2 });
  const carton = { taskId, eventId: randomUUID(), cartonCode: merchant.cartonCode, weightGrams: 700 };
  return (await closeCarton(engine.database, person, carton)).parcelId;
}

const labelled = (merchant: SeededMerchant) =>
  eventually(
    async () => (await rows(merchant, "select 1 from parcel where state = 'labelled'"))[0],
    'the parcel is labelled',
  );

const isReplaced = ({ workflowId }: Awaited<ReturnType<typeof world>>) =>
  eventually(
    async () => (await engine.client.workflow.getHandle(workflowId).describe()).status.name !== 'TERMINATED',
    'another run took its place',
  );

/** The order is closed by the workflow that took the lost one's place; everything was done once. */
async function expectClosedOnce(lost: Awaited<ReturnType<typeof world>>): Promise<void> {
  const { merchant, orderId, workflowId } = lost;
  await isReplaced(lost);
  expect(await engine.client.workflow.getHandle(workflowId).result()).toEqual({ state: 'closed' });
  expect(await slate(engine.database, merchant)).toMatchObject({
    stock: [[8, 0, 0]],
    reservations: 0,
    tasks: 0,
  });
  const once = await rows(
    merchant,
    `select (select count(*)::int from label where state = 'shipped') as labels,
       (select count(*)::int from stock_cause where order_id = $1 and kind = 'ship') as posted,
       (select count(*)::int from fulfilment_order where state <> 'cancelled') as parts`,
    [orderId],
  );
  expect(once).toEqual([{ labels: 1, posted: 1, parts: 1 }]);
}

it('lost while it waited for its payment: paid meanwhile, it is planned by the new run', async () => {
  const lost = await world({ payment: 'pending' });
  const { merchant, orderId } = lost;
  await becomes(merchant, 'blocked_reason', 'payment_pending');
  await lose(lost);
  const paid = { merchantId: merchant.merchantId, orderId, actor: 'test', payment: 'captured' };
  await updatePayment(engine.database, paid);
  await retry(lost);
  await becomes(merchant, 'state', 'planned');
});

it('lost before the label: the new run buys it, and the order goes its way', async () => {
  const lost = await world();
  await lost.floor.pick();
  await lose(lost);
  const parcelId = await packSilently(lost.merchant);
  await rows(
    lost.merchant,
    "update outbox set state = 'done', done_at = now() where kind = 'workflow.update'",
  );
  await retry(lost);
  await labelled(lost.merchant);
  await lost.floor.ship(parcelId);
  await deliver(lost);
  await expectClosedOnce(lost);
});

it('lost before the shipment was posted, told of it in vain: the new run posts it and closes the order', async () => {
  const lost = await world();
  await lost.floor.pick();
  const { parcelId } = await lost.floor.pack();
  await lose(lost);
  await lost.floor.ship(parcelId);
  await deliver(lost);
  await eventually(
    async () =>
      (await rows(lost.merchant, "select 1 from outbox where key like 'delivered:%' and state = 'done'"))[0],
    'nobody was there to be told',
  );
  await retry(lost);
  await expectClosedOnce(lost);
});

it('lost after it was planned and blocked before: what an earlier intake said does not hold up the new run', async () => {
  const lost = await world({ payment: 'pending' });
  const { merchant, orderId } = lost;
  await becomes(merchant, 'blocked_reason', 'payment_pending');
  const paid = { merchantId: merchant.merchantId, orderId, actor: 'test', payment: 'captured' };
  await updatePayment(engine.database, paid);
  await becomes(merchant, 'state', 'planned');
  await lose(lost);
  await retry(lost);
  // The lost run may have released the pick, and a floor that is quick would ask a run that is gone for a label.
  await isReplaced(lost);
  await lost.floor.pick();
  const { parcelId } = await lost.floor.pack();
  await lost.floor.ship(parcelId);
  await deliver(lost);
  await expectClosedOnce(lost);
});

it('a retry of an order whose workflow runs starts no second one', async () => {
  const running = await world({ payment: 'pending' });
  await becomes(running.merchant, 'blocked_reason', 'payment_pending');
  const before = await engine.client.workflow.getHandle(running.workflowId).describe();
  await retry(running);
  await retry(running);
  expect(await rows(running.merchant, "select 1 from outbox where kind = 'workflow.start'")).toHaveLength(1);
  const after = await engine.client.workflow.getHandle(running.workflowId).describe();
  expect(after.runId).toBe(before.runId);
});
