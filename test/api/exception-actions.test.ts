/** What a person does about an exception over the API: retry, skip. Each is one decision, audited with its reason. */
import { randomUUID } from 'node:crypto';
import { blockOrder } from '../../commands/block-order';
import { closeOrder } from '../../commands/close-order';
import { scanPick } from '../../commands/floor/scan-pick';
import { shortPick } from '../../commands/floor/short-pick';
import { ShipStep } from '../../commands/ship-order';
import { openExceptions } from '../../db/exception.repo';
import { enqueue } from '../../db/outbox.repo';
import { claim, plannedOrder, rowsOf, staff } from '../support/floor-steps';
import { type MerchantSeed, type SeededMerchant, seedMerchant } from '../support/merchant';
import { demoOrder, placeOrder } from '../support/order';
import { type RunningApi, startApi } from './running-api';

let api: RunningApi;

beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

async function world(seed: MerchantSeed = {}) {
  const merchant = await seedMerchant(api.database, { products: [{ sku: 'A', stock: 20 }], ...seed });
  const { key } = await api.makeKey(merchant.organisationId);
  const act = (id: string, action: string, reason = 'decided by a test') =>
    api.ask('POST', `/v1/exceptions/${id}/${action}`, { key, body: { reason } });
  return { merchant, merchantId: merchant.merchantId, act };
}

const rows = <Row extends Record<string, unknown>>(
  merchant: SeededMerchant,
  text: string,
  values: unknown[] = [],
) => rowsOf<Row>(api.database, merchant, text, values);

async function exceptionOf(merchant: SeededMerchant, orderId: string, reason: string): Promise<string> {
  const text = 'select id from exception where order_id = $1 and reason = $2';
  const [row] = await rows<{ id: string }>(merchant, text, [orderId, reason]);
  return row?.id as string;
}

const exceptionState = (merchant: SeededMerchant, id: string) =>
  rows<{ state: string; resolved_by: string | null }>(
    merchant,
    'select state, resolved_by from exception where id = $1',
    [id],
  );

/** Signals to the order's workflow, the oldest first. */
async function signals(merchant: SeededMerchant, orderId: string): Promise<string[]> {
  const text = `select payload ->> 'signal' as name from outbox where order_id = $1 and kind = 'workflow.signal' order by created_at, id`;
  return (await rows<{ name: string }>(merchant, text, [orderId])).map(({ name }) => name);
}

const audited = (merchant: SeededMerchant, action: string) =>
  rows<{ reason: string; request_id: string | null; actor: string }>(
    merchant,
    'select reason, request_id, actor from audit_log where action = $1',
    [action],
  );

describe('a tracking update that its channel refuses for good', () => {
  /** A delivered order that waits for its channel alone. */
  async function refused() {
    const made = await world();
    const { merchant, merchantId } = made;
    const { orderId } = await placeOrder(api.database, merchant, demoOrder([{ sku: 'A', quantity: 1 }]));
    await api.database.withMerchants([merchantId], async (tx) => {
      await tx.run({ text: "update sales_order set state = 'delivered' where id = $1", values: [orderId] });
      await enqueue(tx, [
        { merchantId, kind: 'channel.tracking', key: `tracking:${randomUUID()}`, orderId, payload: {} },
      ]);
      await tx.run({
        text: "update outbox set state = 'dead', done_at = now() where order_id = $1 and kind = 'channel.tracking'",
        values: [orderId],
      });
    });
    const reason = 'channel_update_failed';
    await blockOrder(api.database, { merchantId, orderId, reason, message: 'It said no.', subject: 'shop' });
    return { ...made, orderId, exceptionId: await exceptionOf(merchant, orderId, reason) };
  }

  test('is skipped by a person: the order goes on and closes, and who skipped it and why is written down', async () => {
    const { merchant, merchantId, act, orderId, exceptionId } = await refused();
    const close = () => closeOrder(api.database, { merchantId, orderId }, new ShipStep(api.database));
    expect(await close()).toMatchObject({ outcome: 'waiting' });
    expect((await act(exceptionId, 'skip', 'the shop is gone')).status).toBe(200);
    expect(await exceptionState(merchant, exceptionId)).toMatchObject([{ state: 'resolved' }]);
    expect(
      await rows(merchant, 'select state, blocked_reason from sales_order where id = $1', [orderId]),
    ).toEqual([{ state: 'delivered', blocked_reason: null }]);
    expect(
      await rows(
        merchant,
        "select state, last_error from outbox where order_id = $1 and kind = 'channel.tracking'",
        [orderId],
      ),
    ).toEqual([{ state: 'done', last_error: expect.stringContaining('skipped by key:') }]);
    expect(await signals(merchant, orderId)).toEqual(['flagged', 'resume']);
    expect(await audited(merchant, 'exception.skip')).toEqual([
      {
        reason: 'the shop is gone',
        request_id: expect.any(String),
        actor: expect.stringContaining('key:'),
      },
    ]);
    expect(await close()).toEqual({ outcome: 'closed' });
  });

  test('is skipped once, and not while it is being sent again', async () => {
    const { merchant, act, orderId, exceptionId } = await refused();
    expect((await act(exceptionId, 'retry')).status).toBe(200);
    const sending = await act(exceptionId, 'skip');
    expect([sending.status, sending.json.type]).toEqual([409, expect.stringContaining('illegal-transition')]);
    await rows(
      merchant,
      "update outbox set state = 'dead' where order_id = $1 and kind = 'channel.tracking'",
      [orderId],
    );
    expect((await act(exceptionId, 'skip')).status).toBe(200);
    expect((await act(exceptionId, 'skip')).status).toBe(409);
  });
});

test('a dead mail that is skipped is never sent, and its notification says so', async () => {
  const { merchant, merchantId, act } = await world();
  const { orderId } = await placeOrder(api.database, merchant, demoOrder([{ sku: 'A', quantity: 1 }]));
  const [mail] = await rows<{ id: string }>(
    merchant,
    "update outbox set state = 'dead', done_at = now() where order_id = $1 and kind = 'mail' returning id",
    [orderId],
  );
  const thingId = mail?.id as string;
  const key = `outbox_dead:${thingId}`;
  await api.database.withMerchants([merchantId], (tx) =>
    openExceptions(tx, [
      {
        merchantId,
        reason: 'outbox_dead',
        key,
        cause: 'outbox_dead:mail',
        orderId,
        thingKind: 'outbox',
        thingId,
        owner: 'integrator',
        message: 'Refused.',
        deadlineMinutes: 60,
        openedAt: new Date(),
      },
    ]),
  );
  const exceptionId = await exceptionOf(merchant, orderId, 'outbox_dead');
  expect((await act(exceptionId, 'skip')).status).toBe(200);
  expect(await rows(merchant, 'select state from outbox where id = $1', [thingId])).toEqual([
    { state: 'done' },
  ]);
  expect(await rows(merchant, 'select state from notification where order_id = $1', [orderId])).toEqual([
    { state: 'skipped' },
  ]);
  expect(await exceptionState(merchant, exceptionId)).toMatchObject([{ state: 'resolved' }]);
});

describe('a short pick', () => {
  async function shorted(found: number) {
    const made = await world({ shortPickPolicy: 'ask' });
    const { merchant } = made;
    const orderId = await plannedOrder(api.database, merchant, [{ sku: 'A', quantity: 5 }]);
    const task = await claim(api.database, merchant, 'pick');
    const at = { taskId: task.taskId, code: 'A', locationCode: task.lines[0]?.locationCode as string };
    if (found > 0)
      await scanPick(api.database, staff(merchant), { ...at, eventId: randomUUID(), quantity: found });
    const taskLineId = task.lines[0]?.taskLineId as string;
    const short = { taskId: task.taskId, eventId: randomUUID(), taskLineId, found };
    await shortPick(api.database, staff(merchant), short);
    return { ...made, orderId, exceptionId: await exceptionOf(merchant, orderId, 'short_pick') };
  }
  const lines = (merchant: SeededMerchant, orderId: string) =>
    rows(
      merchant,
      `select l.shorted, o.cancelled_quantity as cancelled, f.state,
         (select blocked_reason from sales_order where id = $1) as blocked
       from fulfilment_order f join fulfilment_order_line l on l.fulfilment_order_id = f.id
       join sales_order_line o on o.id = l.order_line_id where f.order_id = $1`,
      [orderId],
    );

  test('that is retried is settled: what was found goes on, what was not is planned anew', async () => {
    const { merchant, act, orderId, exceptionId } = await shorted(3);
    expect((await act(exceptionId, 'retry')).status).toBe(200);
    expect(await lines(merchant, orderId)).toEqual([
      { shorted: 2, cancelled: 0, state: 'picked', blocked: null },
    ]);
    expect(await exceptionState(merchant, exceptionId)).toMatchObject([{ state: 'resolved' }]);
    expect(await signals(merchant, orderId)).toContain('resume');
    expect(await audited(merchant, 'order.short_pick.again')).toMatchObject([
      { reason: 'decided by a test' },
    ]);
  });

  test('that is retried after the merchant chose to ship short ships short', async () => {
    const { merchant, merchantId, act, orderId, exceptionId } = await shorted(3);
    await rows(merchant, "update merchant set short_pick_policy = 'ship_short' where id = $1", [merchantId]);
    expect((await act(exceptionId, 'retry')).status).toBe(200);
    expect(await lines(merchant, orderId)).toEqual([
      { shorted: 2, cancelled: 2, state: 'picked', blocked: null },
    ]);
  });

  test('that is skipped ships short, and can not be skipped when nothing was found', async () => {
    const some = await shorted(4);
    expect((await some.act(some.exceptionId, 'skip')).status).toBe(200);
    expect(await lines(some.merchant, some.orderId)).toEqual([
      { shorted: 1, cancelled: 1, state: 'picked', blocked: null },
    ]);
    const none = await shorted(0);
    const refused = await none.act(none.exceptionId, 'skip');
    expect([refused.status, refused.json.type]).toEqual([409, expect.stringContaining('illegal-transition')]);
    expect(await lines(none.merchant, none.orderId)).toMatchObject([{ shorted: 0, blocked: 'short_pick' }]);
    expect(await exceptionState(none.merchant, none.exceptionId)).toMatchObject([{ state: 'open' }]);
  });
});

test('what a reason does not allow is refused, and nothing is written down', async () => {
  const { merchant, merchantId, act } = await world();
  const { orderId } = await placeOrder(api.database, merchant, demoOrder([{ sku: 'A', quantity: 1 }]));
  const blocked = {
    merchantId,
    orderId,
    reason: 'payment_pending',
    message: 'Unpaid.',
    subject: '',
  } as const;
  await blockOrder(api.database, blocked);
  const exceptionId = await exceptionOf(merchant, orderId, 'payment_pending');
  expect((await act(exceptionId, 'skip')).status).toBe(409);
  expect(await exceptionState(merchant, exceptionId)).toMatchObject([{ state: 'open' }]);
  expect(await audited(merchant, 'exception.skip')).toEqual([]);
});
