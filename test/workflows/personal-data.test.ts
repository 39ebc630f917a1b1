/**
 * Where a person's data is after a whole order, and that all of it can be blanked: each column that holds
 * some may be set to null or to other words by the application's role, so that erasing a person is one
 * transaction. A column that begins to hold personal data fails here until somebody says how it is erased.
 */
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { acceptOrder } from '../../commands/accept-order';
import { receiveCarrierMessage } from '../../commands/receive-carrier-message';
import { eventually, startTestEngine, type TestEngine } from '../support/engine';
import { FloorPerson } from '../support/floor';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { demoOrder, placeOrder } from '../support/order';

/** Words that nothing but this person's data has. */
const MARKS = ['Qwertina', 'qwertina', 'Zymurgy', '5550142', 'Fjordbank'];
const customer = { name: 'Qwertina Demo', email: 'qwertina@customer.example', phone: '+15035550142' };
const address = {
  name: 'Qwertina Demo',
  line1: '1 Zymurgy Street',
  city: 'Beverly Hills',
  region: 'CA',
  postalCode: '90210',
  country: 'US',
  phone: '+15035550142',
};

/** Columns with personal data, and what erasing puts there. */
const ERASABLE: Readonly<Record<string, string>> = {
  'customer.name': 'null',
  'customer.email': 'null',
  'customer.phone': 'null',
  'order_address.name': `''`,
  'order_address.line1': `''`,
  'order_address.phone': 'null',
  'sales_order.note': 'null',
  'sales_order.gift_message': 'null',
  'inbox.body': 'null',
  'carrier_inbox.body': 'null',
};

let engine: TestEngine;
let merchant: SeededMerchant;
let reader: Client;
beforeAll(async () => {
  engine = await startTestEngine();
  merchant = await seedMerchant(engine.database, { persons: 1, products: [{ sku: 'A', stock: 10 }] });
  reader = new Client({ connectionString: engine.urls.checkUrl });
  await reader.connect();
}, 60_000);
afterAll(async () => {
  await reader?.end();
  await engine?.close();
}, 60_000);

/** `table.column` of every text or JSON that has a word of the person. */
async function tracked(): Promise<string[]> {
  const { rows: columns } = await reader.query<{ table: string; column: string }>(
    `select c.table_name as "table", c.column_name as "column" from information_schema.columns c
      join pg_class k on k.oid = c.table_name::regclass and k.relkind in ('r', 'p')
      where c.table_schema = 'public' and c.data_type in ('text', 'json', 'jsonb', 'ARRAY', 'character varying')
        and not k.relispartition order by 1, 2`,
  );
  const found: string[] = [];
  for (const { table, column } of columns) {
    const { rowCount } = await reader.query(
      `select 1 from ${table} where ${column}::text like any($1::text[]) limit 1`,
      [MARKS.map((mark) => `%${mark}%`)],
    );
    if (rowCount !== 0) found.push(`${table}.${column}`);
  }
  return found;
}

test('after a whole order a person’s words are in these columns and in no other, and all can be blanked', async () => {
  const carrierAccountId = await engine.connectCarrier(merchant);
  const order = demoOrder([{ sku: 'A', quantity: 1 }], {
    customer,
    shipTo: address,
    note: 'Fjordbank: ring twice',
    giftMessage: 'For Qwertina',
  });
  const { orderId, workflowId } = await acceptOrder(engine.database, {
    merchantId: merchant.merchantId,
    connectionId: merchant.connectionId,
    order,
    source: 'test',
    eventKey: randomUUID(),
    raw: JSON.stringify({ customer, address }),
  });
  const floor = new FloorPerson(engine, merchant);
  await floor.pick();
  const { parcelId } = await floor.pack();
  await floor.ship(parcelId);
  const parcel = async () =>
    (
      await reader.query<{ tracking_number: string; state: string }>(
        'select tracking_number, state from parcel where id = $1',
        [parcelId],
      )
    ).rows[0];
  const trackingNumber = (await parcel())?.tracking_number as string;
  await receiveCarrierMessage(engine.database, {
    ...{ organisationId: merchant.organisationId, carrierAccountId, provider: 'easypost' },
    ...{ kind: 'tracking', eventId: randomUUID(), topic: 'tracker.updated' },
    facts: [{ trackingNumber, eventId: '1', status: 'delivered', occurredAt: new Date(), message: '' }],
    raw: JSON.stringify({ signed_by: 'Qwertina' }),
  } as Parameters<typeof receiveCarrierMessage>[1]);
  expect(await engine.client.workflow.getHandle(workflowId).result()).toEqual({ state: 'closed' });
  await eventually(
    async () => engine.mail.inbox().filter(({ to }) => to.includes('qwertina')).length >= 3,
    'the customer is told of it all',
  );
  expect(orderId).toBeTruthy();
  // What is wrong with an address is told without the address.
  const bad = await placeOrder(
    engine.database,
    merchant,
    demoOrder([{ sku: 'A', quantity: 1 }], {
      customer,
      shipTo: { ...address, line1: 'UNDELIVERABLE Zymurgy', postalCode: '9021' },
    }),
  );
  await eventually(async () => {
    const { rows } = await reader.query('select blocked_reason from sales_order where id = $1', [
      bad.orderId,
    ]);
    return rows[0]?.blocked_reason === 'address_invalid';
  }, 'the bad address is found');
  expect(await tracked()).toEqual(Object.keys(ERASABLE).sort());

  await engine.database.withTenants(
    { merchantIds: [merchant.merchantId], organisationIds: [merchant.organisationId] },
    async (tx) => {
      for (const [place, blank] of Object.entries(ERASABLE)) {
        const [table, column] = place.split('.');
        await tx.run({ text: `update ${table} set ${column} = ${blank}` });
      }
    },
  );
  expect(await tracked()).toEqual([]);
}, 60_000);
