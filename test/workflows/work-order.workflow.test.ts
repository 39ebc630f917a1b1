/** Work orders through the real engine: outbox, Temporal, worker; people act by the commands of the API. */
import { randomUUID } from 'node:crypto';
import { adjustStock } from '../../commands/stock/adjust-stock';
import { endWorkOrder, reportStep, retryWorkOrder } from '../../commands/work-order/change-work-order';
import { createWorkOrder } from '../../commands/work-order/create-work-order';
import { workOrderWorkflowId } from '../../commands/work-order/work-order-messages';
import { lookSignal, workOrderStateQuery } from '../../workflows/work-order/work-order.messages';
import { eventually, startTestEngine, type TestEngine } from '../support/engine';
import { bookErrors, rowsOf, warehouseOf } from '../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../support/merchant';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
}, 60_000);
afterAll(() => engine.close(), 60_000);

const seed = (cups = 20) =>
  seedMerchant(engine.database, { products: [{ sku: 'CUP', stock: cups }, { sku: 'SET' }] });

async function create(merchant: SeededMerchant, quantity = 5) {
  const { merchantId } = merchant;
  const { workOrderId } = await createWorkOrder(engine.database, {
    merchantId,
    key: randomUUID(),
    warehouseId: warehouseOf(merchant).id,
    kind: 'kit',
    sku: 'SET',
    quantity,
    components: [{ sku: 'CUP', quantity: 2 }],
    locationCode: 'A-01-02',
    reference: null,
    reason: 'test',
    actor: 'test',
  });
  const handle = engine.client.workflow.getHandle(workOrderWorkflowId(merchantId, workOrderId));
  const asked = { merchantIds: [merchantId], workOrderId, actor: 'test' };
  const stands = async () => {
    const [row] = await rowsOf<{ state: string; built: number; blocked_reason: string | null }>(
      engine.database,
      merchant,
      'select state, built, blocked_reason from work_order where id = $1',
      [workOrderId],
    );
    return row;
  };
  return {
    handle,
    workOrderId,
    report: (units: number) =>
      reportStep(engine.database, { ...asked, key: randomUUID(), units, scrap: [], lots: [] }),
    end: (how: 'done' | 'cancelled') => endWorkOrder(engine.database, { ...asked, how, reason: 'test' }),
    retry: () => retryWorkOrder(engine.database, { ...asked, reason: 'test' }),
    becomes: (want: { state?: string; built?: number; blocked_reason?: string | null }) =>
      eventually(
        async () => {
          const row = await stands();
          return Object.entries(want).every(([name, value]) => row?.[name as keyof typeof row] === value);
        },
        `the work order is ${JSON.stringify(want)}`,
      ),
  };
}

async function cups(merchant: SeededMerchant) {
  return rowsOf<{ on_hand: number; reserved: number }>(
    engine.database,
    merchant,
    `select b.on_hand, b.reserved from stock_balance b join product p on p.id = b.product_id where p.sku = 'CUP'`,
  );
}

async function attributes(handle: Awaited<ReturnType<typeof create>>['handle']) {
  const { typedSearchAttributes } = await handle.describe();
  return Object.fromEntries(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]));
}

describe('the work order workflow', () => {
  it('sets parts apart, posts what is reported step by step, and ends when all is made', async () => {
    const merchant = await seed();
    const work = await create(merchant);
    await work.becomes({ state: 'reserved' });
    expect(await cups(merchant)).toEqual([{ on_hand: 20, reserved: 10 }]);
    await work.report(2);
    await work.becomes({ state: 'in_progress', built: 2 });
    expect(await work.handle.query(workOrderStateQuery)).toMatchObject({ built: 2, planned: 5 });
    expect(await attributes(work.handle)).toMatchObject({
      MerchantId: merchant.merchantId,
      WarehouseId: warehouseOf(merchant).id,
      WorkOrderStatus: 'in_progress',
    });
    await Promise.all([work.report(1), work.report(2)]);
    expect(await work.handle.result()).toEqual({ state: 'done', built: 5 });
    expect(await cups(merchant)).toEqual([{ on_hand: 10, reserved: 0 }]);
    expect(await bookErrors(engine.database, merchant)).toEqual([]);
  });

  it('takes signals that come twice, early or for nothing, and posts nothing more', async () => {
    const merchant = await seed();
    const work = await create(merchant);
    await work.becomes({ state: 'reserved' });
    for (let n = 0; n < 5; n += 1) await work.handle.signal(lookSignal, { cause: 'test' });
    await work.report(5);
    for (let n = 0; n < 5; n += 1)
      await work.handle.signal(lookSignal, { cause: 'test' }).catch(() => undefined);
    expect(await work.handle.result()).toEqual({ state: 'done', built: 5 });
    expect(await cups(merchant)).toEqual([{ on_hand: 10, reserved: 0 }]);
  });

  it('shows what it waits for, and goes on by itself when stock arrives', async () => {
    const merchant = await seed(4);
    const work = await create(merchant);
    await work.becomes({ blocked_reason: 'work_order_short' });
    await eventually(
      async () => (await attributes(work.handle))['BlockedReason'] === 'work_order_short',
      'the search attributes say why',
    );
    await adjustStock(engine.database, {
      merchantId: merchant.merchantId,
      causeId: randomUUID(),
      kind: 'adjustment',
      warehouseId: warehouseOf(merchant).id,
      reason: 'test',
      actor: 'test',
      lines: [{ sku: 'CUP', locationCode: 'A-01-01', delta: 6 }],
    });
    await work.becomes({ state: 'reserved', blocked_reason: null });
    await work.report(5);
    expect(await work.handle.result()).toEqual({ state: 'done', built: 5 });
  });

  it('cancelled half-way keeps what is made and gives the rest back', async () => {
    const merchant = await seed();
    const work = await create(merchant);
    await work.becomes({ state: 'reserved' });
    await work.report(2);
    await work.end('cancelled');
    expect(await work.handle.result()).toEqual({ state: 'cancelled', built: 2 });
    expect(await cups(merchant)).toEqual([{ on_hand: 16, reserved: 0 }]);
    expect(await bookErrors(engine.database, merchant)).toEqual([]);
  });

  it('cancelled while it waits for parts ends, and its exception with it', async () => {
    const merchant = await seed(1);
    const work = await create(merchant);
    await work.becomes({ blocked_reason: 'work_order_short' });
    await work.end('cancelled');
    expect(await work.handle.result()).toEqual({ state: 'cancelled', built: 0 });
    expect(await rowsOf(engine.database, merchant, "select from exception where state = 'open'")).toEqual([]);
  });

  it('treats a cancelled workflow as a wish: what was reported is posted, then it ends', async () => {
    const merchant = await seed();
    const work = await create(merchant);
    await work.becomes({ state: 'reserved' });
    await work.report(1);
    await work.handle.cancel();
    expect(await work.handle.result()).toEqual({ state: 'cancelled', built: 1 });
    expect(await cups(merchant)).toEqual([{ on_hand: 18, reserved: 0 }]);
  });

  it('that was terminated is started again by a retry, and does what is not done', async () => {
    const merchant = await seed();
    const work = await create(merchant);
    await work.becomes({ state: 'reserved' });
    await work.handle.terminate('test');
    await work.report(2);
    await work.end('done');
    await work.retry();
    await work.becomes({ state: 'done', built: 2 });
    expect(await cups(merchant)).toEqual([{ on_hand: 16, reserved: 0 }]);
  });
});
