/** An order whose carrier does not say whether it sold a label: it waits in the open, and ends with one. */
import { wakeTechnicallyBlocked } from '../../dispatcher/deadline-sweeper';
import { eventually, startTestEngine, type TestEngine } from '../support/engine';
import { FloorPerson } from '../support/floor';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { demoOrder, placeOrder } from '../support/order';

let engine: TestEngine;
let merchant: SeededMerchant;
let floor: FloorPerson;

beforeAll(async () => {
  engine = await startTestEngine();
  merchant = await seedMerchant(engine.database, { persons: 1, products: [{ sku: 'A', stock: 100 }] });
  await engine.connectCarrier(merchant);
  floor = new FloorPerson(engine, merchant);
}, 60_000);
afterAll(() => engine.close(), 60_000);

const rows = <T extends object>(text: string, values: unknown[] = []) =>
  engine.database.withMerchants([merchant.merchantId], (tx) => tx.rows<T>({ text, values }));

/** More answers than a label's activity has attempts. */
const answers = (code: string) => Array.from({ length: 12 }, () => ({ code, acts: false }));

it.each(['SHIPMENT.PURCHASE.IN_PROGRESS', 'SHIPMENT.POSTAGE.NO_RESPONSE'])(
  'an order whose carrier answers %s for long is blocked with a deadline and an owner, and goes on with one label once it is known',
  async (code) => {
    const { orderId } = await placeOrder(engine.database, merchant, demoOrder([{ sku: 'A', quantity: 1 }]));
    await floor.pick();
    engine.easypost.changeSettings({ purchase: { answers: answers(code) } });
    const { parcelId, answer } = await floor.pack();
    expect(answer).toEqual({ outcome: 'blocked', reason: 'label_outcome_unknown' });

    const [order] = await rows<{ blocked_reason: string; minutes: number }>(
      `select blocked_reason, extract(epoch from deadline_at - now()) / 60 as minutes from sales_order where id = $1`,
      [orderId],
    );
    expect(order?.blocked_reason).toBe('label_outcome_unknown');
    expect(Number(order?.minutes)).toBeGreaterThan(25);
    expect(Number(order?.minutes)).toBeLessThanOrEqual(30);
    const exceptions = () =>
      rows('select reason, owner, state, deadline_at is not null as due from exception where order_id = $1', [
        orderId,
      ]);
    const open = { reason: 'label_outcome_unknown', owner: 'operator', due: true };
    expect(await exceptions()).toEqual([{ ...open, state: 'open' }]);
    expect(await rows('select state from label where parcel_id = $1', [parcelId])).toEqual([
      { state: 'unknown' },
    ]);

    engine.easypost.changeSettings({ purchase: { answers: [] } });
    // A minute passes for the sweeper alone.
    await wakeTechnicallyBlocked(engine.database, new Date(Date.now() + 90_000));
    await eventually(
      async () => (await rows("select 1 from parcel where id = $1 and state = 'labelled'", [parcelId]))[0],
      'the parcel is labelled',
    );
    const sold = engine.easypost.journal
      .facts('label_bought')
      .filter(({ fact }) => String(fact['reference']).startsWith(parcelId));
    expect(sold).toHaveLength(1);
    expect(await rows('select blocked_reason from sales_order where id = $1', [orderId])).toEqual([
      { blocked_reason: null },
    ]);
    expect(await exceptions()).toEqual([{ ...open, state: 'resolved' }]);
    await floor.ship(parcelId);
  },
  60_000,
);
