import { receiveTracking } from '../../commands/receive-tracking';
import { eventually, startTestEngine, type TestEngine } from '../support/engine';
import { FloorPerson } from '../support/floor';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { demoOrder, placeOrder } from '../support/order';

let engine: TestEngine;
let merchant: SeededMerchant;
let floor: FloorPerson;
let carrierAccountId: string;

beforeAll(async () => {
  engine = await startTestEngine();
  merchant = await seedMerchant(engine.database, {
    persons: 1,
    products: [
      { sku: 'A', stock: 100, unitCostMinor: 250 },
      { sku: 'B', stock: 100, unitCostMinor: 100 },
    ],
  });
  carrierAccountId = await engine.connectCarrier(merchant);
  floor = new FloorPerson(engine, merchant);
}, 60_000);
afterAll(() => engine.close(), 60_000);

function rows<Row extends Record<string, unknown>>(text: string, values: unknown[] = []) {
  return engine.database.withMerchants([merchant.merchantId], (tx) => tx.rows<Row>({ text, values }));
}

async function deliver(parcelId: string): Promise<void> {
  const [parcel] = await rows<{ tracking_number: string }>(
    'select tracking_number from parcel where id = $1',
    [parcelId],
  );
  const trackingNumber = parcel?.tracking_number as string;
  const facts = [
    {
      trackingNumber,
      eventId: `${parcelId}-2`,
      status: 'delivered' as const,
      occurredAt: new Date(),
      message: '',
    },
    {
      trackingNumber,
      eventId: `${parcelId}-1`,
      status: 'in_transit' as const,
      occurredAt: new Date(),
      message: '',
    },
  ];
  await receiveTracking(engine.database, { carrierAccountId, source: 'webhook', facts });
}

describe('an order from accepted to closed', () => {
  it('moves stock, money, label and messages once, in at most 32 events and 8 workflow tasks', async () => {
    const placed = await placeOrder(
      engine.database,
      merchant,
      demoOrder([
        { sku: 'A', quantity: 2 },
        { sku: 'B', quantity: 1 },
      ]),
    );
    await floor.pick();
    const { parcelId, answer } = await floor.pack();
    expect(answer).toMatchObject({ outcome: 'labelled', trackingNumber: expect.any(String) });
    expect(await floor.ship(parcelId)).toMatchObject({ shippedNow: true, complete: true });
    await eventually(
      async () =>
        (
          await rows('select 1 from shipment where posted_at is not null and order_id = $1', [placed.orderId])
        )[0],
      'the shipment is posted',
    );
    await deliver(parcelId);
    const handle = engine.client.workflow.getHandle(placed.workflowId);
    expect(await handle.result()).toEqual({ state: 'closed' });

    const [order] = await rows('select state, blocked_reason, deadline_at from sales_order where id = $1', [
      placed.orderId,
    ]);
    expect(order).toEqual({ state: 'closed', blocked_reason: null, deadline_at: null });
    const [stock] = await rows('select on_hand, reserved from stock_balance where product_id = $1', [
      merchant.products.get('A'),
    ]);
    expect(stock).toEqual({ on_hand: 98, reserved: 0 });
    const facts = await rows<{ kind: string; amount: bigint | null }>(
      'select kind, sum(amount_minor)::bigint as amount from order_fact where order_id = $1 group by kind order by kind',
      [placed.orderId],
    );
    expect(Object.fromEntries(facts.map((fact) => [fact.kind, fact.amount]))).toMatchObject({
      cogs: 600n,
      revenue: 3000n,
    });
    const mails = await eventually(async () => {
      const all = engine.mail.inbox();
      return all.length >= 3 && all;
    }, 'three mails arrived');
    expect(new Set(mails.map((mail) => mail.messageId)).size).toBe(3);

    const history = await handle.fetchHistory();
    const events = history.events ?? [];
    const tasks = events.filter((event) => event.workflowTaskScheduledEventAttributes).length;
    expect({ events: events.length, tasks }).toEqual({
      events: expect.any(Number),
      tasks: expect.any(Number),
    });
    expect(events.length).toBeLessThanOrEqual(32);
    expect(tasks).toBeLessThanOrEqual(8);
  });

  it('is delivered by a carrier whose scanner was faster than the door', async () => {
    const placed = await placeOrder(engine.database, merchant, demoOrder([{ sku: 'A', quantity: 1 }]));
    await floor.pick();
    const { parcelId } = await floor.pack();
    await deliver(parcelId);
    const state = () => rows('select state from parcel where id = $1', [parcelId]);
    expect(await state()).toEqual([{ state: 'labelled' }]);
    await floor.ship(parcelId);
    expect(await state()).toEqual([{ state: 'delivered' }]);
    expect(await engine.client.workflow.getHandle(placed.workflowId).result()).toEqual({ state: 'closed' });
  });

  it('buys one label when the purchase succeeds and its answer never comes', async () => {
    const before = engine.easypost.journal.facts('label_bought').length;
    await placeOrder(engine.database, merchant, demoOrder([{ sku: 'A', quantity: 1 }]));
    await floor.pick();
    engine.easypost.changeSettings({
      purchase: { answers: [{ code: 'SHIPMENT.POSTAGE.TIMED_OUT', acts: true }] },
    });
    const { parcelId, answer } = await floor.pack();
    expect(answer).toMatchObject({ outcome: 'labelled' });
    expect(engine.easypost.journal.facts('label_bought')).toHaveLength(before + 1);
    const labels = await rows('select state from label where parcel_id = $1', [parcelId]);
    expect(labels).toEqual([{ state: 'purchased' }]);
    expect(await floor.ship(parcelId)).toMatchObject({ shippedNow: true });
  });
});
