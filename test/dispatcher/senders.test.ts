import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { uuidv7 } from 'uuidv7';
import { closeOrder } from '../../commands/close-order';
import { genericConnector } from '../../connectors/channels/generic';
import { guardOutgoingCalls } from '../../connectors/http';
import { createMailSender } from '../../connectors/messaging/mail';
import { reviveDead } from '../../db/outbox-claim.repo';
import { sealSecrets } from '../../db/sealed';
import { bury } from '../../dispatcher/bury';
import { type Sender, startOutboxSender } from '../../dispatcher/outbox-sender';
import { channelTrackingSender } from '../../dispatcher/senders/channel-tracking';
import { mailNotificationSender } from '../../dispatcher/senders/mail';
import { webhookSender } from '../../dispatcher/senders/webhook';
import { createGenericShop, type GenericShop } from '../../simulators/generic-shop';
import { type MailSimulator, startMailSimulator } from '../../simulators/mail';
import { createSimulatorServer, rawBodyOf, type Simulator } from '../../simulators/simulator-server';
import {
  type Engine,
  KEYS,
  message,
  one,
  order,
  outbox,
  quiet,
  run,
  shippedPart,
  startEngine,
  until,
  write,
} from './engine';

let engine: Engine;
let merchantId: string;
let mail: MailSimulator;
let shop: GenericShop;
let dispatcher: { close(): Promise<void> };
const shopSecret = `whsec_${randomBytes(24).toString('base64')}`;

/** A merchant's endpoint: remembers what it got and answers as told. */
let receiver: Simulator;
let answers: number[] = [];
const got: { id: string; body: string; headers: Record<string, string> }[] = [];

beforeAll(async () => {
  engine = await startEngine();
  merchantId = engine.merchant.merchantId;
  mail = await startMailSimulator();
  shop = await createGenericShop({ receivingSecret: shopSecret });
  receiver = await createSimulatorServer({
    name: 'receiver',
    routes: (app) => {
      app.post('/hook', (req, res) => {
        const headers = req.headers as Record<string, string>;
        got.push({ id: headers['webhook-id'] as string, body: rawBodyOf(req).toString('utf8'), headers });
        const status = answers.shift() ?? 204;
        if (status === 302) res.redirect('/elsewhere');
        else res.status(status).end();
      });
    },
  });
  guardOutgoingCalls([new URL(receiver.url).host, new URL(shop.url).host]);
  const { database } = engine;
  const never: Sender = () => new Promise(() => undefined);
  const soon = { delays: [30, 30], endless: false };
  dispatcher = startOutboxSender({
    database,
    log: quiet,
    bury: (dead, note) => bury(database, dead, note),
    pollMs: 20,
    lanePauseMs: 10,
    schedules: { webhook: soon, mail: soon, 'channel.tracking': soon },
    senders: {
      'workflow.start': async () => ({ outcome: 'sent' }),
      'workflow.signal': async () => ({ outcome: 'sent' }),
      'workflow.update': never,
      mail: mailNotificationSender(database, createMailSender({ url: mail.smtpUrl, timeoutMs: 1_000 })),
      webhook: webhookSender({ database, keys: KEYS, timeoutMs: 1_000 }),
      'channel.tracking': channelTrackingSender({
        database,
        keys: KEYS,
        connectors: { generic: genericConnector },
        timeoutMs: 1_000,
      }),
    },
  });
});
afterEach(() => {
  mail.faults.clear();
  shop.faults.clear();
  answers = [];
});
afterAll(async () => {
  await dispatcher.close();
  await Promise.all([mail.close(), shop.close(), receiver.close()]);
  guardOutgoingCalls([]);
  await engine.close();
});

const ended = (key: string) =>
  until(async () => {
    const [row] = await outbox(engine, `key = '${key}'`);
    return row !== undefined && ['done', 'dead'].includes(row.state) && row;
  });

describe('mail', () => {
  const confirmation = (orderId: string) => `mail:order_confirmed:${orderId}`;

  test('an accepted order is confirmed to its customer, once, with what he bought', async () => {
    const { orderId } = await order(engine);
    await ended(confirmation(orderId));
    const [received, ...others] = mail.inbox().filter((one) => one.messageId.includes(orderId));
    expect(others).toEqual([]);
    expect(received).toMatchObject({
      to: 'demo-1@example.com',
      from: 'orders@quayside.example',
      subject: 'Order #1001 is confirmed',
      deliveries: 1,
    });
    expect(received?.text).toContain('2 × Demo mug');
    expect(received?.text).toContain('Total: 25.00 USD');
    const row = await one<{ state: string; message_id: string }>(
      engine,
      'select state, message_id from notification where order_id = $1',
      [orderId],
    );
    expect(row).toEqual({ state: 'sent', message_id: received?.messageId });
  });

  test('after a lost answer the same message comes under the same id', async () => {
    mail.faults.set([{ kind: 'malformed_body', match: { operation: 'data' }, times: 1 }]);
    const { orderId } = await order(engine);
    expect((await ended(confirmation(orderId))).attempts).toBe(2);
    const received = mail.inbox().filter((one) => one.messageId.includes(orderId));
    expect(received).toHaveLength(1);
    expect(received[0]?.deliveries).toBe(2);
  });

  test('a shipped mail names the parcels of its own part alone', async () => {
    const { orderId } = await order(engine);
    const [first, second] = [
      await shippedPart(engine, orderId),
      await shippedPart(engine, orderId, { number: 2 }),
    ];
    const notificationId = uuidv7();
    const key = `order_shipped:${first.fulfilmentOrderId}`;
    await run(
      engine,
      "insert into notification (id, merchant_id, order_id, event, medium, key) values ($1, $2, $3, 'order_shipped', 'mail', $4)",
      [notificationId, merchantId, orderId, key],
    );
    await write(engine, [
      message(merchantId, { kind: 'mail', key: `mail:${key}`, lane: 'mail', payload: { notificationId } }),
    ]);
    await ended(`mail:${key}`);
    const received = mail.inbox().find((one) => one.messageId.includes(first.fulfilmentOrderId));
    expect(received?.text).toContain(`USPS ${first.trackingNumber}`);
    expect(received?.text).not.toContain(second.trackingNumber);
  });

  test.each([
    [
      'an erased person',
      'update customer set email = null where id = (select customer_id from sales_order where id = $1)',
    ],
    ['a test order', 'update sales_order set test = true where id = $1'],
  ])('%s gets no mail, and the notification says so', async (_who, change) => {
    const { orderId } = await order(engine);
    await ended(confirmation(orderId));
    await run(engine, change, [orderId]);
    const notificationId = uuidv7();
    const key = `order_delivered:${orderId}`;
    await run(
      engine,
      "insert into notification (id, merchant_id, order_id, event, medium, key) values ($1, $2, $3, 'order_delivered', 'mail', $4)",
      [notificationId, merchantId, orderId, key],
    );
    await write(engine, [
      message(merchantId, { kind: 'mail', key, lane: 'mail', payload: { notificationId } }),
    ]);
    await ended(key);
    expect(await one(engine, 'select state from notification where id = $1', [notificationId])).toEqual({
      state: 'skipped',
    });
    expect(mail.inbox().filter((one) => one.messageId.includes(`order_delivered=3A${orderId}`))).toEqual([]);
  });

  test('an address that the server refuses for good is an exception, not a retry', async () => {
    const { orderId } = await order(engine, {
      customer: { externalId: uuidv7(), name: 'X', email: 'refused@example.com' },
    });
    const row = await ended(confirmation(orderId));
    expect(row).toMatchObject({ state: 'dead', attempts: 1 });
    expect(row.last_error).not.toContain('refused@');
    expect(
      await one(engine, "select reason from exception where order_id = $1 and state = 'open'", [orderId]),
    ).toEqual({
      reason: 'outbox_dead',
    });
    expect(await one(engine, 'select state from notification where order_id = $1', [orderId])).toEqual({
      state: 'failed',
    });
  });
});

describe('webhooks', () => {
  const secrets = {
    current: `whsec_${randomBytes(24).toString('base64')}`,
    previous: `whsec_${randomBytes(24).toString('base64')}`,
  };
  async function endpoint(url = `${receiver.url}/hook`): Promise<string> {
    const id = uuidv7();
    await run(
      engine,
      'insert into webhook_endpoint (id, merchant_id, url, secrets_sealed) values ($1, $2, $3, $4)',
      [id, merchantId, url, sealSecrets(KEYS, secrets)],
    );
    return id;
  }
  const event = async (endpointId: string) => {
    const key = `webhook:${uuidv7()}`;
    const payload = { endpointId, type: 'order.shipped', data: { orderId: 'o-1' } };
    got.length = 0;
    await write(engine, [message(merchantId, { key, lane: endpointId, payload })]);
    return key;
  };

  test('are signed by every secret in force over exactly what is sent', async () => {
    await ended(await event(await endpoint()));
    const [hook] = got;
    for (const secret of Object.values(secrets)) {
      const verified = new Webhook(secret).verify(
        hook?.body as string,
        hook?.headers as Record<string, string>,
      );
      expect(verified).toMatchObject({ type: 'order.shipped', data: { orderId: 'o-1' } });
    }
  });

  test('keep their id over all attempts, and every attempt is logged', async () => {
    answers = [500, 302, 200];
    const endpointId = await endpoint();
    const row = await ended(await event(endpointId));
    expect(row).toMatchObject({ state: 'done', attempts: 3 });
    expect(got.map(({ id }) => id)).toEqual([row.id, row.id, row.id]);
    const log = await engine.database.withMerchants([merchantId], (tx) =>
      tx.rows({
        text: 'select attempt, status from webhook_delivery where endpoint_id = $1 order by attempt',
        values: [endpointId],
      }),
    );
    expect(log).toEqual([
      { attempt: 1, status: 500 },
      { attempt: 2, status: 302 },
      { attempt: 3, status: 200 },
    ]);
  });

  test('stop for good when the receiver is gone', async () => {
    answers = [410];
    const endpointId = await endpoint();
    expect(await ended(await event(endpointId))).toMatchObject({ state: 'done', attempts: 1 });
    const row = await one<{ disabled: boolean; disabled_reason: string }>(
      engine,
      'select disabled_at is not null as disabled, disabled_reason from webhook_endpoint where id = $1',
      [endpointId],
    );
    expect(row).toEqual({ disabled: true, disabled_reason: 'The receiver answered 410 Gone.' });
    await ended(await event(endpointId));
    expect(got).toEqual([]);
  });

  test('never reach an address inside, whatever the merchant typed', async () => {
    for (const url of [
      'http://169.254.169.254/latest',
      'https://127.0.0.1:1/',
      'https://localhost:1/',
      'https://[::1]/',
    ]) {
      expect(await ended(await event(await endpoint(url)))).toMatchObject({ state: 'dead', attempts: 1 });
    }
  });
});

describe('tracking updates', () => {
  async function shopOrder(): Promise<{
    orderId: string;
    connectionId: string;
    parcelId: string;
    key: string;
  }> {
    const connectionId = uuidv7();
    await run(
      engine,
      `insert into channel_connection (id, merchant_id, channel, name, base_url, credentials_sealed)
       values ($1, $2, 'generic', 'Demo shop', $3, $4)`,
      [connectionId, merchantId, `${shop.url}/events`, sealSecrets(KEYS, { signingSecret: shopSecret })],
    );
    const { orderId } = await order(engine);
    await run(engine, 'update sales_order set connection_id = $2 where id = $1', [orderId, connectionId]);
    const { parcelId } = await shippedPart(engine, orderId);
    return { orderId, connectionId, parcelId, key: `tracking:${parcelId}` };
  }
  const tell = ({ orderId, connectionId, parcelId, key }: Awaited<ReturnType<typeof shopOrder>>) =>
    write(engine, [
      message(merchantId, {
        kind: 'channel.tracking',
        key,
        orderId,
        lane: connectionId,
        payload: { parcelId },
      }),
    ]);
  const orderRow = (orderId: string) =>
    one<{ state: string; blocked_reason: string | null }>(
      engine,
      'select state, blocked_reason from sales_order where id = $1',
      [orderId],
    );
  const signals = async (orderId: string) =>
    (await outbox(engine, `order_id = '${orderId}' and kind = 'workflow.signal'`)).map(
      ({ key }) => key.split(':')[0],
    );

  test('tell the shop its own lines, and an order on its way is not woken for it', async () => {
    const shipped = await shopOrder();
    await tell(shipped);
    expect(await ended(shipped.key)).toMatchObject({ state: 'done' });
    const facts = JSON.stringify(shop.journal.facts());
    expect(facts).toContain('TRK');
    expect(await signals(shipped.orderId)).toEqual([]);
  });

  test('wake a delivered order that waits for its channel to close', async () => {
    const shipped = await shopOrder();
    await run(engine, "update sales_order set state = 'delivered' where id = $1", [shipped.orderId]);
    await tell(shipped);
    await ended(shipped.key);
    expect(await signals(shipped.orderId)).toEqual(['resume']);
    expect(await closeOrder(engine.database, { merchantId, orderId: shipped.orderId })).toEqual({
      outcome: 'closed',
    });
  });

  test('that the shop refuses block the order, name the shop, and free it once they are taken', async () => {
    shop.faults.set([{ kind: 'server_error', match: { path: '/events' } }]);
    const shipped = await shopOrder();
    await tell(shipped);
    expect(await ended(shipped.key)).toMatchObject({ state: 'dead', attempts: 3 });
    expect(await orderRow(shipped.orderId)).toEqual({
      state: 'shipped',
      blocked_reason: 'channel_update_failed',
    });
    expect(
      await one(engine, "select key, cause from exception where order_id = $1 and state = 'open'", [
        shipped.orderId,
      ]),
    ).toEqual({
      key: `channel_update_failed:${shipped.orderId}`,
      cause: `channel_update_failed:${shipped.connectionId}`,
    });
    expect(await signals(shipped.orderId)).toEqual(['flagged']);
    expect(await closeOrder(engine.database, { merchantId, orderId: shipped.orderId })).toMatchObject({
      outcome: 'waiting',
    });
    // What a person's retry does.
    shop.faults.clear();
    const revived = await engine.database.withMerchants([merchantId], (tx) =>
      reviveDead(tx, merchantId, shipped.orderId, 'channel.tracking'),
    );
    expect(revived).toBe(1);
    await until(async () => (await outbox(engine, `key = '${shipped.key}' and state = 'done'`)).length === 1);
    expect(await orderRow(shipped.orderId)).toEqual({ state: 'shipped', blocked_reason: null });
    expect(await one(engine, 'select state from exception where order_id = $1', [shipped.orderId])).toEqual({
      state: 'resolved',
    });
    expect(await signals(shipped.orderId)).toEqual(['flagged', 'flagged']);
  });

  test('leave an order that waits for something else its own reason', async () => {
    shop.faults.set([{ kind: 'server_error', match: { path: '/events' } }]);
    const shipped = await shopOrder();
    await run(
      engine,
      "update sales_order set blocked_reason = 'out_of_stock', blocked_since = now() where id = $1",
      [shipped.orderId],
    );
    await tell(shipped);
    await ended(shipped.key);
    expect((await orderRow(shipped.orderId)).blocked_reason).toBe('out_of_stock');
    expect(await one(engine, 'select reason from exception where order_id = $1', [shipped.orderId])).toEqual({
      reason: 'channel_update_failed',
    });
  });
});
