/** A step that can't be done parks its order under a name, is tried again when asked, and takes nobody along. */
import { Client as PostgresClient } from 'pg';
import { cancelOrder } from '../../commands/cancel-order';
import { retryOrder } from '../../commands/change-order';
import { isWakeDue } from '../../dispatcher/deadline-sweeper';
import { eventually, startTestEngine, type TestEngine } from '../support/engine';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { demoOrder, placeOrder } from '../support/order';

let engine: TestEngine;
let merchant: SeededMerchant;

beforeAll(async () => {
  engine = await startTestEngine();
}, 60_000);
beforeEach(async () => {
  merchant = await seedMerchant(engine.database, {
    products: [
      { sku: 'GOOD', stock: 10 },
      { sku: 'LOST', stock: 10 },
    ],
  });
});
afterAll(() => engine.close(), 60_000);

/** What no command of ours could do: the bins of a product no longer hold what its balance says. */
async function breakBooks(sku: string, units: number): Promise<void> {
  const owner = new PostgresClient({ connectionString: engine.urls.ownerUrl });
  await owner.connect();
  await owner.query(`select set_config('app.merchant_ids', $1, false)`, [merchant.merchantId]);
  await owner.query('alter table bin_balance no force row level security');
  const { rowCount } = await owner.query(
    'update bin_balance set on_hand = $3 where merchant_id = $1 and product_id = $2',
    [merchant.merchantId, merchant.products.get(sku), units],
  );
  await owner.query('alter table bin_balance force row level security');
  await owner.end();
  if (rowCount !== 1) throw new Error(`${rowCount} bins were changed`);
}

const place = (sku: string) => placeOrder(engine.database, merchant, demoOrder([{ sku, quantity: 2 }]));

async function order(orderId: string) {
  const [row] = await engine.database.withMerchants([merchant.merchantId], (tx) =>
    tx.rows<{
      state: string;
      blocked_reason: string | null;
      due: boolean;
      exceptions: string[] | null;
      message: string;
    }>({
      text: `select o.state, o.blocked_reason, o.deadline_at > now() as due, o.blocked_detail ->> 'message' as message,
          (select array_agg(e.reason || ' ' || e.state) from exception e where e.order_id = o.id) as exceptions
        from sales_order o where id = $1`,
      values: [orderId],
    }),
  );
  return row;
}

const events = async (workflowId: string) =>
  (await engine.client.workflow.getHandle(workflowId).fetchHistory()).events?.length ?? 0;

it('an intake that finds the books broken blocks its order by name, once, and plans it when they are mended', async () => {
  await breakBooks('LOST', 1);
  const { orderId, workflowId } = await place('LOST');
  await eventually(async () => (await order(orderId))?.blocked_reason === 'step_failed', 'it is blocked');
  expect(await order(orderId)).toMatchObject({
    state: 'accepted',
    due: true,
    exceptions: ['step_failed open'],
    message: 'InvariantBroken: bins hold less than their balance says',
  });
  // Nothing goes on by itself: no timer is set, so the history stays as it is.
  const history = await engine.client.workflow.getHandle(workflowId).fetchHistory();
  expect(history.events?.filter((event) => event.timerStartedEventAttributes)).toEqual([]);
  const before = await events(workflowId);

  const retry = { merchantId: merchant.merchantId, orderId, actor: 'test', reason: 'look again' };
  await retryOrder(engine.database, retry);
  await eventually(async () => (await events(workflowId)) > before + 3, 'it has tried again');
  expect(await order(orderId)).toMatchObject({
    blocked_reason: 'step_failed',
    exceptions: ['step_failed open'],
  });

  await breakBooks('LOST', 10);
  await retryOrder(engine.database, retry);
  await eventually(async () => (await order(orderId))?.state === 'planned', 'it is planned');
  await eventually(async () => (await order(orderId))?.blocked_reason === null, 'it is not blocked any more');
  expect(await order(orderId)).toMatchObject({ exceptions: ['step_failed resolved'] });
});

it('an order whose books are broken takes along none that is planned beside it, and can be cancelled', async () => {
  await breakBooks('LOST', 1);
  const [bad, ...good] = await Promise.all([
    place('LOST'),
    ...Array.from({ length: 4 }, () => place('GOOD')),
  ]);
  for (const { orderId } of good)
    await eventually(async () => (await order(orderId))?.state === 'planned', 'the others are planned');
  const { orderId, workflowId } = bad as typeof bad & object;
  await eventually(async () => (await order(orderId))?.blocked_reason === 'step_failed', 'it is blocked');
  await cancelOrder(engine.database, {
    merchantId: merchant.merchantId,
    orderId,
    actor: 'test',
    reason: 'test',
  });
  expect(await engine.client.workflow.getHandle(workflowId).result()).toEqual({ state: 'cancelled' });
  expect(await order(orderId)).toMatchObject({ state: 'cancelled', exceptions: ['step_failed resolved'] });
});

it('what only a person can mend is tried again five times, not for ever', () => {
  const exceptionId = '019aaaaa-0000-7000-8000-000000000000';
  const due = (reason: string, woken: number) =>
    isWakeDue({ exceptionId, reason, woken, lastWokenSeconds: 24 * 3600 }, new Date());
  expect([0, 4, 5, 50].map((woken) => due('step_failed', woken))).toEqual([true, true, false, false]);
  expect([0, 4, 5, 50].map((woken) => due('carrier_unavailable', woken))).toEqual([true, true, true, true]);
});
