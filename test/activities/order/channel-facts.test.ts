import { randomUUID } from 'node:crypto';
import { Intake } from '../../../commands/intake/intake';
import { type ChannelFact, receiveChannelFact } from '../../../commands/receive-channel-fact';
import type { IncomingOrder } from '../../../contracts/incoming-order';
import { Database } from '../../../db/client';
import { stepKey } from '../../../domain/step-key';
import { type SeededMerchant, seedMerchant } from '../../support/merchant';
import { demoOrder } from '../../support/order';
import { type TestDatabase, testDatabase } from '../../support/postgres';

let server: TestDatabase;
let database: Database;
let merchant: SeededMerchant;

beforeAll(async () => {
  server = await testDatabase();
  database = new Database({ appUrl: server.appUrl, systemUrl: server.systemUrl, poolSize: 8 });
});
beforeEach(async () => {
  merchant = await seedMerchant(database, { persons: 1, products: [{ sku: 'A', stock: 100 }] });
});
afterAll(async () => {
  await database.close();
  await server.drop();
});

function rows<Row extends Record<string, unknown>>(text: string, values: unknown[] = []) {
  return database.withMerchants([merchant.merchantId], (tx) => tx.rows<Row>({ text, values }));
}

const orderFact = (order: IncomingOrder, eventId: string = randomUUID()): ChannelFact => ({
  eventId,
  topic: 'orders/create',
  kind: 'order',
  order,
  externalOrderId: order.externalId,
});

const cancelFact = (externalOrderId: string): ChannelFact => ({
  eventId: randomUUID(),
  topic: 'orders/cancelled',
  kind: 'order_cancelled',
  order: null,
  externalOrderId,
});

const receive = (fact: ChannelFact) =>
  receiveChannelFact(database, {
    merchantId: merchant.merchantId,
    connectionId: merchant.connectionId,
    channel: 'shopify',
    fact,
    raw: '{}',
  });

const states = () => rows('select state, payment from sales_order');

describe('what a channel says', () => {
  it('makes one order of a delivery that comes ten times at once', async () => {
    const fact = orderFact(demoOrder([{ sku: 'A', quantity: 1 }]));
    const answers = await Promise.all(Array.from({ length: 10 }, () => receive(fact)));
    expect(answers.filter(({ outcome }) => outcome === 'accepted')).toHaveLength(1);
    expect(await rows('select 1 from inbox')).toHaveLength(1);
    expect(await states()).toEqual([{ state: 'accepted', payment: 'captured' }]);
  });

  it('changes nothing when an older version of the order comes late', async () => {
    const order = demoOrder([{ sku: 'A', quantity: 1 }], { version: '2026-01-02', payment: 'captured' });
    await receive(orderFact(order));
    const late = await receive(orderFact({ ...order, version: '2026-01-01', payment: 'pending' }));
    expect(late.outcome).toBe('duplicate');
    expect(await states()).toEqual([{ state: 'accepted', payment: 'captured' }]);
  });

  it('ends the same in whatever order creation, payment and cancellation arrive', async () => {
    const base = demoOrder([{ sku: 'A', quantity: 1 }], { version: '1', payment: 'pending' });
    const facts = (id: string) => [
      orderFact({ ...base, externalId: id }),
      orderFact({ ...base, externalId: id, version: '2', payment: 'captured' }),
      cancelFact(id),
    ];
    for (const order of [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ]) {
      const id = randomUUID();
      const all = facts(id);
      for (const index of order) await receive(all[index] as ChannelFact);
      const [row] = await rows('select state from sales_order where external_id = $1', [id]);
      expect({ order, state: row?.['state'] }).toEqual({ order, state: 'cancelled' });
    }
    expect(await rows("select 1 from reservation where state in ('held', 'allocated')")).toEqual([]);
  });

  it('keeps a cancellation that comes too late, with the state that it met', async () => {
    const order = demoOrder([{ sku: 'A', quantity: 1 }]);
    const { orderId } = await receive(orderFact(order));
    await new Intake(database).run({
      merchantId: merchant.merchantId,
      orderId: orderId as string,
      stepKey: stepKey(orderId as string, 'intake'),
    });
    await rows("update task set state = 'claimed', claimed_by = $1", [merchant.personIds[0]]);
    expect(await receive(cancelFact(order.externalId))).toMatchObject({ outcome: 'parked', orderId });
    const [message] = await rows("select reason from inbox where state = 'parked'");
    expect(message?.['reason']).toMatch(/^too late: /);
    expect(await states()).toEqual([{ state: 'planned', payment: 'captured' }]);
  });

  it('parks what cannot be read, with an exception that names the reason, and refuses nothing into nothing', async () => {
    const fact: ChannelFact = {
      eventId: 'e-1',
      topic: 'orders/create',
      kind: 'unreadable',
      order: null,
      externalOrderId: null,
      reason: 'invalid_money',
    };
    expect(await receive(fact)).toMatchObject({ outcome: 'parked' });
    expect(await receive(fact)).toMatchObject({ outcome: 'duplicate' });
    expect(await rows('select reason, message from exception')).toEqual([
      { reason: 'order_unreadable', message: 'invalid_money' },
    ]);
  });
});
