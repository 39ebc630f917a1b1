/**
 * The order's workflow with each of its steps failing before and after its work, and cancelled at each of
 * its waits before the release to the floor. What was done is done once; what was cancelled leaves the
 * slate as clean as before; and every invariant that rows and partners can show holds at the end.
 */
import { isGrpcServiceError } from '@temporalio/client';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { runCheck } from '../../checks/check';
import { cancelOrder } from '../../commands/cancel-order';
import { retryOrder } from '../../commands/change-order';
import { claimNextTask } from '../../commands/floor/claim-next-task';
import { holdOrder } from '../../commands/hold-order';
import { receiveTracking } from '../../commands/receive-tracking';
import type { IncomingOrderInput } from '../../contracts/incoming-order';
import { cancelOrderUpdate } from '../../workflows/order/order.messages';
import { eventually, startTestEngine, type TestEngine } from '../support/engine';
import { FloorPerson } from '../support/floor';
import { rowsOf, staff, warehouseOf } from '../support/floor-steps';
import { type MerchantSeed, type SeededMerchant, seedMerchant } from '../support/merchant';
import { demoOrder, placeOrder } from '../support/order';
import { type Hook, type Moment, startFaultyWorker } from './faulty-worker';
import { slate } from './slate';

// Failing activities are what is wanted here; nobody needs to read of each.
Runtime.install({ logger: new DefaultLogger('ERROR') });

/** What happens at the moments of a merchant's activities. */
const hooks = new Map<string, Hook>();
let engine: TestEngine;

beforeAll(async () => {
  engine = await startTestEngine(undefined, (config) =>
    startFaultyWorker(config, async (...at) => hooks.get(at[2])?.(...at)),
  );
}, 60_000);
afterEach(() => {
  hooks.clear();
  engine.easypost.changeSettings({ purchase: { answers: [] } });
});
afterAll(() => engine.close(), 60_000);

async function world(seed: MerchantSeed = {}) {
  const merchant = await seedMerchant(engine.database, {
    persons: 1,
    products: [{ sku: 'A', stock: 10 }],
    ...seed,
  });
  const carrierAccountId = await engine.connectCarrier(merchant);
  return { merchant, carrierAccountId, before: await slate(engine.database, merchant) };
}

/** Accepts an order whose workflow the dispatcher starts at once, for nobody else here does. */
async function place(merchant: SeededMerchant, change: Partial<IncomingOrderInput> = {}) {
  const placed = await placeOrder(engine.database, merchant, demoOrder([{ sku: 'A', quantity: 2 }], change));
  await rowsOf(engine.database, merchant, "update outbox set due_at = now() where kind = 'workflow.start'");
  return placed;
}

/** An address that the local check can't judge: the carrier is asked. */
const doubtful = (): Partial<IncomingOrderInput> => {
  const { shipTo } = demoOrder([{ sku: 'A', quantity: 1 }]);
  return { shipTo: { ...shipTo, region: 'NY' } };
};

async function standing(merchant: SeededMerchant, orderId: string) {
  const [row] = await rowsOf<{ state: string; blocked_reason: string | null }>(
    engine.database,
    merchant,
    'select state, blocked_reason from sales_order where id = $1',
    [orderId],
  );
  return row;
}

const isBlocked = (merchant: SeededMerchant, orderId: string, reason: string) =>
  eventually(
    async () => (await standing(merchant, orderId))?.blocked_reason === reason,
    `blocked: ${reason}`,
  );
const isPlanned = (merchant: SeededMerchant, orderId: string) =>
  eventually(async () => (await standing(merchant, orderId))?.state === 'planned', 'it is planned');

/** The activity fails at this moment, so often. */
function failing(activity: string, moment: Moment, times: number): Hook {
  let left = times;
  return async (name, at) => {
    if (name !== activity || at !== moment || left === 0) return;
    left -= 1;
    throw new Error(`${activity} failed ${moment} its work`);
  };
}

/** Picks, packs, ships and delivers the merchant's one order. */
async function fulfil(merchant: SeededMerchant, carrierAccountId: string): Promise<string> {
  const floor = new FloorPerson(engine, merchant);
  await floor.pick();
  const { parcelId } = await floor.pack();
  await eventually(
    async () =>
      (
        await rowsOf(engine.database, merchant, "select 1 from parcel where id = $1 and state = 'labelled'", [
          parcelId,
        ])
      )[0],
    'the parcel is labelled',
  );
  await floor.ship(parcelId);
  await deliver(merchant, carrierAccountId, parcelId);
  return parcelId;
}

async function deliver(merchant: SeededMerchant, carrierAccountId: string, parcelId: string): Promise<void> {
  const [parcel] = await rowsOf<{ tracking_number: string }>(
    engine.database,
    merchant,
    'select tracking_number from parcel where id = $1',
    [parcelId],
  );
  const fact = {
    trackingNumber: parcel?.tracking_number as string,
    eventId: parcelId,
    occurredAt: new Date(),
  };
  const facts = [{ ...fact, status: 'delivered' as const, message: '' }];
  await receiveTracking(engine.database, { carrierAccountId, source: 'webhook', facts });
}

/** How the order's workflow ended; its start may still be in the outbox. */
async function resultOf(workflowId: string): Promise<unknown> {
  const handle = engine.client.workflow.getHandle(workflowId);
  await eventually(() => handle.describe().catch(() => null), 'the workflow is there');
  return handle.result();
}

const soldFor = (parcelId: string) =>
  engine.easypost.journal
    .facts('label_bought')
    .filter(({ fact }) => String(fact['reference']).startsWith(parcelId));

/** Everything that rows, the carrier and the mail server can show. */
async function faults(): Promise<readonly string[]> {
  const partners = { easypost: engine.easypost.url, mail: engine.mail.url };
  const { findings } = await runCheck(engine.urls.checkUrl, { partners });
  return findings.flatMap(({ detail }) => detail);
}

describe('a step that fails', () => {
  it.each([
    ['takeIn', 'before'],
    ['takeIn', 'after'],
    ['buyLabel', 'before'],
    ['buyLabel', 'after'],
    ['postShipment', 'before'],
    ['postShipment', 'after'],
    ['closeOrder', 'before'],
    ['closeOrder', 'after'],
  ] as const)('%s, %s its work, is done once, and the order ends as if nothing was', async (step, moment) => {
    const { merchant, carrierAccountId } = await world();
    hooks.set(merchant.merchantId, failing(step, moment, 2));
    const { workflowId, orderId } = await place(merchant);
    const parcelId = await fulfil(merchant, carrierAccountId);
    expect(await resultOf(workflowId)).toEqual({ state: 'closed' });
    expect(soldFor(parcelId)).toHaveLength(1);
    expect(await slate(engine.database, merchant)).toMatchObject({
      stock: [[8, 0, 0]],
      reservations: 0,
      tasks: 0,
      labels: 0,
      exceptions: 0,
    });
    const posted = 'select count(*)::int as n from stock_cause where order_id = $1 and kind = $2';
    expect(await rowsOf(engine.database, merchant, posted, [orderId, 'ship'])).toEqual([{ n: 1 }]);
  });

  it.each(['before', 'after'] as const)(
    'checkAddress, %s its work, asks the carrier again and plans the order',
    async (moment) => {
      const { merchant } = await world();
      hooks.set(merchant.merchantId, failing('checkAddress', moment, 1));
      const { orderId } = await place(merchant, doubtful());
      await isPlanned(merchant, orderId);
      expect(await slate(engine.database, merchant)).toMatchObject({ reservations: 1, exceptions: 0 });
    },
  );

  it.each(['before', 'after'] as const)(
    'blockOrder, %s its work, blocks once, and the retry frees it once',
    async (moment) => {
      const { merchant } = await world();
      const broken = failing('checkAddress', 'before', 4);
      const alsoBroken = failing('blockOrder', moment, 2);
      hooks.set(merchant.merchantId, async (...at) => {
        await broken(...at);
        await alsoBroken(...at);
      });
      const { orderId } = await place(merchant, doubtful());
      await isBlocked(merchant, orderId, 'carrier_unavailable');
      const count = "select count(*)::int as n from exception where reason = 'carrier_unavailable'";
      expect(await rowsOf(engine.database, merchant, count)).toEqual([{ n: 1 }]);
      const retry = { merchantId: merchant.merchantId, orderId, actor: 'test', reason: 'test' };
      // The retry must not come before the workflow waits for it; a waking that came first is one too.
      await retryOrder(engine.database, retry);
      await isPlanned(merchant, orderId);
    },
    60_000,
  );
});

/** Of gRPC. */
const FAILED_PRECONDITION = 9;

/** How an order is cancelled: by the API's command, by its workflow's update, by cancelling the workflow. */
const WAYS = {
  'by command': async (merchant: SeededMerchant, orderId: string) => {
    const request = { merchantId: merchant.merchantId, orderId, actor: 'test', reason: 'test' };
    await cancelOrder(engine.database, request);
  },
  'by update': async (_merchant: SeededMerchant, _orderId: string, workflowId: string) => {
    const args: [{ actor: string; reason: string }] = [{ actor: 'test', reason: 'test' }];
    const handle = engine.client.workflow.getHandle(workflowId);
    const answer = await handle.executeUpdate(cancelOrderUpdate, { args }).catch((error: unknown) => {
      // The server refuses an update whose workflow ends in the very task that accepts it. Its work is done.
      const cause = error instanceof Error ? error.cause : undefined;
      if (isGrpcServiceError(cause) && Number(cause.code) === FAILED_PRECONDITION) return { outcome: 'done' };
      throw error;
    });
    expect(answer).toEqual({ outcome: 'done' });
  },
  'by cancelling the workflow': async (_merchant: SeededMerchant, _orderId: string, workflowId: string) => {
    await engine.client.workflow.getHandle(workflowId).cancel();
  },
} as const;
const WAY_NAMES = Object.keys(WAYS) as (keyof typeof WAYS)[];

describe.each(WAY_NAMES)('an order cancelled %s', (way) => {
  const cancel = WAYS[way];

  it.each([
    ['takeIn', 'before', {}],
    ['takeIn', 'after', {}],
    ['checkAddress', 'before', doubtful()],
    ['checkAddress', 'after', doubtful()],
  ] as const)(
    'while it is at %s, %s its work, ends cancelled with a clean slate',
    async (step, moment, change) => {
      const { merchant, before } = await world();
      let cancelled: Promise<void> | undefined;
      let order: { orderId: string; workflowId: string } | undefined;
      hooks.set(merchant.merchantId, async (name, at) => {
        if (name !== step || at !== moment || cancelled !== undefined) return;
        const { orderId, workflowId } = await eventually(async () => order, 'the order is placed');
        cancelled = cancel(merchant, orderId, workflowId);
        // What is asked of a workflow at work is heard when its step ends; a command is there at once.
        if (way === 'by command') await cancelled;
      });
      order = await place(merchant, change);
      expect(await resultOf(order.workflowId)).toEqual({ state: 'cancelled' });
      await cancelled;
      expect(await slate(engine.database, merchant)).toEqual(before);
    },
  );

  it.each([
    ['its payment', {}, { payment: 'pending' as const }, 'payment_pending'],
    ['stock', { products: [{ sku: 'A', stock: 1 }] }, {}, 'out_of_stock'],
    ['a mapping', { products: [{ sku: 'B', stock: 1 }] }, {}, 'unmapped_sku'],
  ] as const)(
    'while it waits for %s, ends cancelled with a clean slate',
    async (_what, seed, change, reason) => {
      const { merchant, before } = await world(seed);
      const { orderId, workflowId } = await place(merchant, change);
      await isBlocked(merchant, orderId, reason);
      await cancel(merchant, orderId, workflowId);
      expect(await resultOf(workflowId)).toEqual({ state: 'cancelled' });
      expect(await slate(engine.database, merchant)).toEqual(before);
    },
  );

  it('while it is on hold, ends cancelled with a clean slate', async () => {
    const { merchant, before } = await world();
    const { orderId, workflowId } = await place(merchant);
    await isPlanned(merchant, orderId);
    await holdOrder(engine.database, {
      merchantId: merchant.merchantId,
      orderId,
      name: 'fraud',
      actor: 'test',
    });
    await cancel(merchant, orderId, workflowId);
    expect(await resultOf(workflowId)).toEqual({ state: 'cancelled' });
    expect(await slate(engine.database, merchant)).toEqual(before);
  });

  it('while nobody has claimed its task, ends cancelled with a clean slate, however often it is asked', async () => {
    const { merchant, before } = await world();
    const { orderId, workflowId } = await place(merchant);
    await isPlanned(merchant, orderId);
    await cancel(merchant, orderId, workflowId);
    expect(await resultOf(workflowId)).toEqual({ state: 'cancelled' });
    await WAYS['by command'](merchant, orderId);
    expect(await slate(engine.database, merchant)).toEqual(before);
  });
});

describe('an undo that fails', () => {
  it.each(['before', 'after'] as const)(
    'cancelOrder, %s its work, is done once and leaves a clean slate',
    async (moment) => {
      const { merchant, before } = await world();
      const { orderId, workflowId } = await place(merchant);
      await isPlanned(merchant, orderId);
      hooks.set(merchant.merchantId, failing('cancelOrder', moment, 2));
      await WAYS['by cancelling the workflow'](merchant, orderId, workflowId);
      expect(await resultOf(workflowId)).toEqual({ state: 'cancelled' });
      expect(await slate(engine.database, merchant)).toEqual(before);
      const audited =
        "select count(*)::int as n from audit_log where action = 'order.cancel' and thing_id = $1";
      expect(await rowsOf(engine.database, merchant, audited, [orderId])).toEqual([{ n: 1 }]);
    },
  );

  it('that comes too late is refused by the state, and the order ends shipped, not both', async () => {
    const { merchant, carrierAccountId } = await world();
    const { orderId, workflowId } = await place(merchant);
    await isPlanned(merchant, orderId);
    const eventId = '5c1c7e0a-6a2c-4a50-9d4e-000000000001';
    await claimNextTask(engine.database, staff(merchant), {
      warehouseId: warehouseOf(merchant).id,
      kinds: ['pick'],
      eventId,
    });
    const handle = engine.client.workflow.getHandle(workflowId);
    const args: [{ actor: string; reason: string }] = [{ actor: 'test', reason: 'test' }];
    expect(await handle.executeUpdate(cancelOrderUpdate, { args })).toMatchObject({ outcome: 'refused' });
    await handle.cancel();
    await expect(WAYS['by command'](merchant, orderId)).rejects.toMatchObject({ type: 'IllegalTransition' });
    await fulfil(merchant, carrierAccountId);
    expect(await handle.result()).toEqual({ state: 'closed' });
  });
});

test('after all of this every invariant holds, at the carrier and the mail server too', async () => {
  // What is open moves on by itself; mails of the last moment are sent.
  await eventually(async () => (await faults()).length === 0, `no faults: ${(await faults()).join('; ')}`);
});
