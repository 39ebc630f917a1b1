/** Technical rows go after their time, and what they guarded stays guarded. */
import { uuidv7 } from 'uuidv7';
import { KEPT_HOURS, startRetention, sweepOld } from '../../dispatcher/retention';
import { type Engine, message, one, order, quiet, run, startEngine, until, write } from './engine';

let engine: Engine;
let merchantId: string;
beforeAll(async () => {
  engine = await startEngine();
  merchantId = engine.merchant.merchantId;
});
afterAll(() => engine.close());

const count = async (table: string, where: string, values: unknown[] = []) =>
  (await one<{ n: number }>(engine, `select count(*)::integer as n from ${table} where ${where}`, values)).n;
const sweep = async () => {
  while ((await sweepOld(engine.database)) === 'more');
};
/** An order with everything that its life leaves, all of it `hours` old. */
async function aged(hours: number, state: string): Promise<string> {
  const { orderId } = await order(engine);
  const ago = `now() - interval '${hours} hours'`;
  await write(engine, [
    message(merchantId, { orderId }),
    message(merchantId, { orderId, kind: 'channel.tracking' }),
  ]);
  await run(
    engine,
    `update outbox set state = 'done', done_at = ${ago}, created_at = ${ago} where order_id = $1`,
    [orderId],
  );
  await run(
    engine,
    `update inbox set received_at = ${ago}, body = '{"name":"Demo"}', state = 'processed' where order_id = $1`,
    [orderId],
  );
  await run(
    engine,
    `insert into step (merchant_id, key, outcome, recorded_at) values ($1, $2, '{}', ${ago})`,
    [merchantId, `${orderId}:intake:1`],
  );
  await run(
    engine,
    `update sales_order set state = $2, deadline_at = case when $2 = 'accepted' then deadline_at end where id = $1`,
    [orderId, state],
  );
  return orderId;
}

test.each([
  ['closed', true],
  ['cancelled', true],
  ['accepted', false],
])('of an order that is %s, old messages and steps are gone: %s', async (state, gone) => {
  const orderId = await aged(24 * 365, state);
  await sweep();
  const left = gone ? 0 : 1;
  expect(await count('inbox', 'order_id = $1', [orderId])).toBe(left);
  expect(await count('step', 'key = $1', [`${orderId}:intake:1`])).toBe(left);
  expect(await count('outbox', `order_id = $1 and kind <> 'channel.tracking'`, [orderId])).toBe(gone ? 0 : 3);
  // What the shop was told is the order's own record.
  expect(await count('outbox', `order_id = $1 and kind = 'channel.tracking'`, [orderId])).toBe(1);
});

test('what is younger than its time stays, and a body goes before its row', async () => {
  const young = await aged(KEPT_HOURS.outbox - 1, 'closed');
  const older = await aged(KEPT_HOURS.inbox_body + 1, 'closed');
  await sweep();
  expect(await count('outbox', 'order_id = $1', [young])).toBeGreaterThan(1);
  expect(await count('inbox', 'order_id = $1 and body is not null', [young])).toBe(1);
  expect(await count('inbox', 'order_id = $1 and body is null', [older])).toBe(1);
});

test('what waits for somebody stays however old it is', async () => {
  await write(engine, [message(merchantId, { key: 'dead' }), message(merchantId, { key: 'pending' })]);
  await run(
    engine,
    `update outbox set state = case key when 'dead' then 'dead' else 'pending' end,
      created_at = '2001-01-01', done_at = '2001-01-01' where key in ('dead', 'pending')`,
  );
  await run(
    engine,
    `insert into inbox (id, merchant_id, source, event_key, topic, body, state, received_at)
      values ($1, $2, 'test', 'parked', 'orders/nonsense', '{}', 'parked', '2001-01-01')`,
    [uuidv7(), merchantId],
  );
  await sweep();
  expect(await count('outbox', `key in ('dead', 'pending')`)).toBe(2);
  expect(await count('inbox', `event_key = 'parked' and body is not null`)).toBe(1);
});

test('a message goes with the log of its attempts', async () => {
  const endpointId = uuidv7();
  await run(
    engine,
    `insert into webhook_endpoint (id, merchant_id, url, secrets_sealed) values ($1, $2, 'https://demo.example', '')`,
    [endpointId, merchantId],
  );
  await write(engine, [message(merchantId, { key: 'told' })]);
  const { id } = await one<{ id: string }>(
    engine,
    `update outbox set state = 'done', done_at = '2001-01-01', created_at = '2001-01-01' where key = 'told' returning id`,
  );
  await run(
    engine,
    `insert into webhook_delivery (id, merchant_id, endpoint_id, outbox_id, attempt, status) values ($1, $2, $3, $4, 1, 200)`,
    [uuidv7(), merchantId, endpointId, id],
  );
  await sweep();
  expect(await count('outbox', `key = 'told'`)).toBe(0);
  expect(await count('webhook_delivery', 'outbox_id = $1', [id])).toBe(0);
});

test('an order that comes again after its messages are gone is still one order', async () => {
  const orderId = await aged(24 * 365, 'closed');
  const { external_id: externalId } = await one<{ external_id: string }>(
    engine,
    'select external_id from sales_order where id = $1',
    [orderId],
  );
  await sweep();
  const again = await order(engine, { externalId });
  expect(again.orderId).toBe(orderId);
  expect(await count('sales_order', 'external_id = $1', [externalId])).toBe(1);
});

test('a cancellation that came before its order waits for it a month and no longer', async () => {
  const { connectionId } = engine.merchant;
  const stone = (externalId: string, days: number) =>
    run(
      engine,
      `insert into order_tombstone (merchant_id, connection_id, external_id, reason, created_at)
        values ($1, $2, $3, 'test', now() - $4 * interval '1 day')`,
      [merchantId, connectionId, externalId, days],
    );
  await stone('young', 29);
  await stone('old', 31);
  await sweep();
  const stateOf = async (externalId: string) => {
    const { orderId } = await order(engine, { externalId });
    return (await one<{ state: string }>(engine, 'select state from sales_order where id = $1', [orderId]))
      .state;
  };
  expect([await stateOf('young'), await stateOf('old')]).toEqual(['cancelled', 'accepted']);
});

test('a replayed merchant, who lives in the time of its data, keeps all', async () => {
  const orderId = await aged(24 * 365, 'closed');
  await run(engine, `update merchant set business_now = '2010-12-01'`);
  await sweep();
  await run(engine, 'update merchant set business_now = null');
  expect(await count('outbox', 'order_id = $1', [orderId])).toBe(4);
  expect(await count('step', 'key like $1', [`${orderId}%`])).toBe(1);
});

test('the loop goes on at once while a batch was full', async () => {
  for (let made = 0; made < 5; made += 1) await aged(24 * 365, 'closed');
  expect(await sweepOld(engine.database, 2)).toBe('more');
  const loop = startRetention({ database: engine.database, log: quiet });
  try {
    await until(async () => (await sweepOld(engine.database)) === 'done');
    expect(
      await count(
        'step',
        `recorded_at < now() - interval '91 days' and key like '%:intake:1'
      and exists (select from sales_order o where o.id::text = left(step.key, 36) and o.state = 'closed')`,
      ),
    ).toBe(0);
  } finally {
    await loop.close();
  }
});

test('answers to requests are kept for a day at least and go after two', async () => {
  const { organisationId } = engine.merchant;
  const keyId = uuidv7();
  await run(
    engine,
    "insert into api_key (id, organisation_id, name, prefix, key_sha256, scopes) values ($1, $2, 'Demo', 'qs_demo', sha256('x'), '{}')",
    [keyId, organisationId],
  );
  for (const hours of [25, 47, 49])
    await run(
      engine,
      `insert into idempotency_key (organisation_id, api_key_id, key, request_sha256, created_at)
       values ($1, $2, $3, sha256('x'), now() - $4 * interval '1 hour')`,
      [organisationId, keyId, `${hours}`, hours],
    );
  const sweeper = startRetention({ database: engine.database, log: quiet, intervalMs: 30 });
  const keys = () =>
    engine.database.withMerchants([merchantId], (tx) =>
      tx.rows<{ key: string }>({ text: 'select key from idempotency_key order by key' }),
    );
  try {
    await until(async () => (await keys()).length < 3);
    expect((await keys()).map(({ key }) => key)).toEqual(['25', '47']);
  } finally {
    await sweeper.close();
  }
});
