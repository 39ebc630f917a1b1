import { cancelOrder } from '../../commands/cancel-order';
import { updatePayment } from '../../commands/change-order';
import { holdOrder, releaseHold } from '../../commands/hold-order';
import { adjustStock } from '../../commands/stock/adjust-stock';
import { cancelOrderUpdate, orderStateQuery } from '../../workflows/order/order.messages';
import { eventually, startTestEngine, type TestEngine } from '../support/engine';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { demoOrder, placeOrder } from '../support/order';

let engine: TestEngine;
let merchant: SeededMerchant;

beforeAll(async () => {
  engine = await startTestEngine();
  merchant = await seedMerchant(engine.database, { products: [{ sku: 'A', stock: 1000 }] });
  await engine.connectCarrier(merchant);
}, 60_000);
afterAll(() => engine.close(), 60_000);

async function order(orderId: string) {
  const [row] = await engine.database.withMerchants([merchant.merchantId], (tx) =>
    tx.rows<{ state: string; blocked_reason: string | null }>({
      text: 'select state, blocked_reason from sales_order where id = $1',
      values: [orderId],
    }),
  );
  return row;
}

const becomes = (orderId: string, state: string) =>
  eventually(async () => (await order(orderId))?.state === state, `order ${orderId} is ${state}`);

const isBlocked = (orderId: string, reason: string | null) =>
  eventually(
    async () => (await order(orderId))?.blocked_reason === reason,
    `order ${orderId} is blocked: ${reason}`,
  );

async function searchAttributes(workflowId: string) {
  const description = await engine.client.workflow.getHandle(workflowId).describe();
  return Object.fromEntries(
    description.typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]),
  );
}

describe('the order workflow', () => {
  it('starts from the outbox and plans the order', async () => {
    const { orderId, workflowId } = await placeOrder(
      engine.database,
      merchant,
      demoOrder([{ sku: 'A', quantity: 2 }]),
    );
    await becomes(orderId, 'planned');
    await eventually(
      async () => (await searchAttributes(workflowId))['OrderStatus'] === 'planned',
      'the search attributes say planned',
    );
    const attributes = await searchAttributes(workflowId);
    expect(attributes['MerchantId']).toBe(merchant.merchantId);
    expect(attributes['ShipBy']).toBeInstanceOf(Date);
    const view = await engine.client.workflow.getHandle(workflowId).query(orderStateQuery);
    expect(view).toMatchObject({ orderId, blockedReason: null, fulfilmentOrders: [{ shipped: false }] });
  });

  it('parks an unpaid order, shows why, and goes on by itself when it is paid', async () => {
    const unpaid = demoOrder([{ sku: 'A', quantity: 1 }], { payment: 'pending' });
    const { orderId, workflowId } = await placeOrder(engine.database, merchant, unpaid);
    await isBlocked(orderId, 'payment_pending');
    await eventually(
      async () => (await searchAttributes(workflowId))['BlockedReason'] === 'payment_pending',
      'the search attributes say why',
    );
    await updatePayment(engine.database, {
      merchantId: merchant.merchantId,
      orderId,
      actor: 'test',
      payment: 'captured',
    });
    await becomes(orderId, 'planned');
    expect(await order(orderId)).toMatchObject({ blocked_reason: null });
    await eventually(
      async () => (await searchAttributes(workflowId))['BlockedReason'] === undefined,
      'the search attributes no longer say blocked',
    );
  });

  it('ends as cancelled when the order is cancelled, from the API or from the Temporal UI', async () => {
    const first = await placeOrder(engine.database, merchant, demoOrder([{ sku: 'A', quantity: 1 }]));
    const second = await placeOrder(engine.database, merchant, demoOrder([{ sku: 'A', quantity: 1 }]));
    await becomes(first.orderId, 'planned');
    await becomes(second.orderId, 'planned');
    const request = { actor: 'test', reason: 'changed my mind' };
    await cancelOrder(engine.database, {
      merchantId: merchant.merchantId,
      orderId: first.orderId,
      ...request,
    });
    const handle = engine.client.workflow.getHandle(second.workflowId);
    expect(await handle.executeUpdate(cancelOrderUpdate, { args: [request] })).toEqual({ outcome: 'done' });
    for (const { workflowId } of [first, second]) {
      expect(await engine.client.workflow.getHandle(workflowId).result()).toEqual({ state: 'cancelled' });
    }
  });

  it('treats a cancelled workflow as a wish to cancel the order', async () => {
    const { orderId, workflowId } = await placeOrder(
      engine.database,
      merchant,
      demoOrder([{ sku: 'A', quantity: 1 }]),
    );
    await becomes(orderId, 'planned');
    await engine.client.workflow.getHandle(workflowId).cancel();
    expect(await engine.client.workflow.getHandle(workflowId).result()).toEqual({ state: 'cancelled' });
    expect(await order(orderId)).toMatchObject({ state: 'cancelled' });
  });

  it('waits while an order is held and goes on when the hold is released', async () => {
    const unpaid = demoOrder([{ sku: 'A', quantity: 1 }], { payment: 'pending' });
    const { orderId } = await placeOrder(engine.database, merchant, unpaid);
    await isBlocked(orderId, 'payment_pending');
    const hold = { merchantId: merchant.merchantId, orderId, name: 'fraud', actor: 'test' };
    await holdOrder(engine.database, hold);
    const payment = { merchantId: merchant.merchantId, orderId, actor: 'test', payment: 'captured' };
    await updatePayment(engine.database, payment);
    await releaseHold(engine.database, hold);
    await becomes(orderId, 'planned');
  });

  it('asks the carrier once about a doubtful address and parks the one it rejects', async () => {
    const doubtful = (line1: string) => {
      const order = demoOrder([{ sku: 'A', quantity: 1 }]);
      return { ...order, shipTo: { ...order.shipTo, line1, region: 'NY' } };
    };
    const good = await placeOrder(engine.database, merchant, doubtful('1 Demo Street'));
    const bad = await placeOrder(engine.database, merchant, doubtful('UNDELIVERABLE 1'));
    await becomes(good.orderId, 'planned');
    await isBlocked(bad.orderId, 'address_invalid');
    const again = await placeOrder(engine.database, merchant, doubtful('1 Demo Street'));
    await becomes(again.orderId, 'planned');
    const history = await engine.client.workflow.getHandle(again.workflowId).fetchHistory();
    const scheduled = history.events?.filter((event) => event.activityTaskScheduledEventAttributes);
    expect(scheduled).toEqual([]);
  });

  it('plans an order anew when a loss took its stock back, and again when stock comes', async () => {
    const own = await seedMerchant(engine.database, { products: [{ sku: 'L', stock: 3 }] });
    const { orderId } = await placeOrder(engine.database, own, demoOrder([{ sku: 'L', quantity: 3 }]));
    const read = async () => {
      const [row] = await engine.database.withMerchants([own.merchantId], (tx) =>
        tx.rows<{ state: string; blocked_reason: string | null; live: number }>({
          text: `select o.state, o.blocked_reason, (select count(*)::int from fulfilment_order f
            where f.order_id = o.id and f.state <> 'cancelled') as live from sales_order o where o.id = $1`,
          values: [orderId],
        }),
      );
      return row;
    };
    const adjust = (kind: 'write_off' | 'adjustment', delta: number) =>
      adjustStock(engine.database, {
        merchantId: own.merchantId,
        causeId: `test:${kind}:${delta}`,
        kind,
        warehouseId: own.warehouses[0]?.id as string,
        reason: 'test',
        actor: 'test',
        lines: [{ sku: 'L', locationId: own.warehouses[0]?.bins[0]?.id as string, delta }],
      });
    await eventually(async () => (await read())?.live === 1, 'it is planned');
    await adjust('write_off', -2);
    await eventually(async () => (await read())?.blocked_reason === 'out_of_stock', 'it waits for stock');
    expect(await read()).toMatchObject({ live: 0 });
    await adjust('adjustment', 5);
    await eventually(async () => (await read())?.live === 1, 'it is planned again');
    expect(await read()).toMatchObject({ blocked_reason: null });
  });
});
