/**
 * What is told to channels, customers and merchants is told once, though its dispatcher dies between the
 * receiver's yes and its own record of it: the lease runs out, the same message goes out again under the
 * same id, and the receiver knows it.
 */
import { randomBytes } from 'node:crypto';
import { uuidv7 } from 'uuidv7';
import { genericConnector } from '../../connectors/channels/generic';
import { shopifyConnector } from '../../connectors/channels/shopify';
import { guardOutgoingCalls } from '../../connectors/http';
import { createMailSender } from '../../connectors/messaging/mail';
import { sealSecrets } from '../../db/sealed';
import { bury } from '../../dispatcher/bury';
import { startOutboxSender } from '../../dispatcher/outbox-sender';
import { channelTrackingSender } from '../../dispatcher/senders/channel-tracking';
import { mailNotificationSender } from '../../dispatcher/senders/mail';
import { webhookSender } from '../../dispatcher/senders/webhook';
import { createGenericShop, type GenericShop } from '../../simulators/generic-shop';
import { type MailSimulator, startMailSimulator } from '../../simulators/mail';
import type { ShopifySimulator } from '../../simulators/shopify';
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
} from '../dispatcher/engine';
import { newOrder, startReceiver, startShop } from '../support/shopify-shop';
import { diesBySignal } from './dies-by-signal';
import type { DispatcherOrders } from './dying-dispatcher';

/** A dead dispatcher's messages come again this soon; longer than any send here takes. */
const LEASE_MS = 1_500;

let engine: Engine;
let merchantId: string;
let mail: MailSimulator;
let shopify: ShopifySimulator;
let generic: GenericShop;
let receiver: Awaited<ReturnType<typeof startReceiver>>;
const genericSecret = `whsec_${randomBytes(24).toString('base64')}`;

beforeAll(async () => {
  engine = await startEngine();
  merchantId = engine.merchant.merchantId;
  mail = await startMailSimulator();
  ({ shop: shopify } = await startShop());
  generic = await createGenericShop({ receivingSecret: genericSecret });
  receiver = await startReceiver();
  guardOutgoingCalls(hosts());
});
afterEach(() => {
  for (const partner of [mail, shopify, generic]) partner.faults.clear();
});
afterAll(async () => {
  guardOutgoingCalls([]);
  await Promise.all([mail.close(), shopify.close(), generic.close(), receiver.close()]);
  await engine.close();
});

const hosts = () => [shopify.url, generic.url, receiver.url].map((url) => new URL(url).host);

/** A dispatcher takes this message, and dies when the receiver has it. */
function dispatcherDies(dyingOf: string): Promise<void> {
  const { appUrl, systemUrl } = engine.urls;
  const orders: DispatcherOrders = {
    appUrl,
    systemUrl,
    smtpUrl: mail.smtpUrl,
    allowHosts: hosts(),
    dyingOf,
    leaseMs: LEASE_MS,
  };
  return diesBySignal('dying-dispatcher.ts', orders);
}

/** Another dispatcher runs until this message has ended. Returns its row. */
async function sentByAnother(key: string) {
  const { database } = engine;
  const done = async () => ({ outcome: 'sent' as const });
  const dispatcher = startOutboxSender({
    database,
    log: quiet,
    bury: (dead, note) => bury(database, dead, note),
    leaseMs: LEASE_MS,
    pollMs: 20,
    lanePauseMs: 10,
    schedules: { 'channel.tracking': { delays: [30, 30, 30], endless: false } },
    senders: {
      'workflow.start': done,
      'workflow.signal': done,
      'workflow.update': done,
      mail: mailNotificationSender(database, createMailSender({ url: mail.smtpUrl })),
      webhook: webhookSender({ database, keys: KEYS }),
      'channel.tracking': channelTrackingSender({
        database,
        keys: KEYS,
        connectors: { shopify: shopifyConnector, generic: genericConnector },
        timeoutMs: 500,
      }),
    },
  });
  try {
    return await until(async () => {
      const [row] = await outbox(engine, `key = '${key}'`);
      return row !== undefined && ['done', 'dead'].includes(row.state) && row;
    });
  } finally {
    await dispatcher.close();
  }
}

async function connect(channel: 'shopify' | 'generic'): Promise<string> {
  const id = uuidv7();
  const [baseUrl, secrets] =
    channel === 'shopify'
      ? [shopify.url, { accessToken: 'test-token' }]
      : [`${generic.url}/events`, { signingSecret: genericSecret }];
  await run(
    engine,
    `insert into channel_connection (id, merchant_id, channel, name, base_url, credentials_sealed)
     values ($1, $2, $3, 'Demo shop', $4, $5)`,
    [id, merchantId, channel, baseUrl, sealSecrets(KEYS, secrets)],
  );
  return id;
}

/** An order of the shop whose one parcel left, and the message that tells the shop. */
async function shippedOf(channel: 'shopify' | 'generic') {
  const placed = shopify.shop.place(newOrder());
  const externalLineId = String(placed.line_items[0]?.id);
  const connectionId = await connect(channel);
  const { orderId } = await order(engine, {
    externalId: String(placed.id),
    lines: [
      { externalLineId, sku: 'DEMO-1', title: 'Demo mug', quantity: 2, unitPriceMinor: '1250', ships: true },
    ],
  });
  await run(engine, 'update sales_order set connection_id = $2 where id = $1', [orderId, connectionId]);
  const { parcelId, trackingNumber } = await shippedPart(engine, orderId);
  const key = `tracking:${parcelId}`;
  await write(engine, [
    message(merchantId, {
      kind: 'channel.tracking',
      key,
      orderId,
      lane: connectionId,
      payload: { parcelId },
    }),
  ]);
  return { orderId, key, trackingNumber };
}

const toldShopify = (trackingNumber: string) =>
  shopify.journal.facts('fulfilment_created').filter(({ fact }) => fact['trackingNumber'] === trackingNumber);
const toldGeneric = (trackingNumber: string) =>
  generic.journal.facts('shipment_heard').filter(({ fact }) => fact['trackingNumber'] === trackingNumber);

describe('a dispatcher killed after', () => {
  it('the shop took the tracking leaves one fulfilment there: the next one reads it first', async () => {
    const { key, trackingNumber } = await shippedOf('shopify');
    await dispatcherDies(key);
    expect(toldShopify(trackingNumber)).toHaveLength(1);
    expect(await outbox(engine, `key = '${key}'`)).toMatchObject([{ state: 'leased', attempts: 1 }]);
    expect(await sentByAnother(key)).toMatchObject({ state: 'done', attempts: 2 });
    expect(toldShopify(trackingNumber)).toHaveLength(1);
  });

  it('a generic shop took the tracking sends the same event id again, and the shop counts it once', async () => {
    const { key, trackingNumber } = await shippedOf('generic');
    await dispatcherDies(key);
    expect(await sentByAnother(key)).toMatchObject({ state: 'done', attempts: 2 });
    expect(toldGeneric(trackingNumber)).toHaveLength(1);
    expect(generic.journal.facts('event_repeated')).toHaveLength(1);
  });

  it('the mail server took a mail sends it again under the same Message-ID: one mail in the inbox', async () => {
    const { orderId } = await order(engine);
    const key = `mail:order_confirmed:${orderId}`;
    await dispatcherDies(key);
    expect(await one(engine, 'select state from notification where order_id = $1', [orderId])).toEqual({
      state: 'pending',
    });
    expect(await sentByAnother(key)).toMatchObject({ state: 'done', attempts: 2 });
    const received = mail.inbox().filter(({ messageId }) => messageId.includes(orderId));
    expect(received).toMatchObject([{ deliveries: 2 }]);
    expect(
      await one(engine, 'select state, message_id from notification where order_id = $1', [orderId]),
    ).toEqual({ state: 'sent', message_id: received[0]?.messageId });
  });

  it('a merchant’s endpoint took an event sends it again under the same id', async () => {
    const endpointId = uuidv7();
    await run(
      engine,
      'insert into webhook_endpoint (id, merchant_id, url, secrets_sealed) values ($1, $2, $3, $4)',
      [endpointId, merchantId, receiver.url, sealSecrets(KEYS, { current: genericSecret })],
    );
    const key = `webhook:${uuidv7()}`;
    const payload = { endpointId, type: 'order.shipped', data: {} };
    await write(engine, [message(merchantId, { key, lane: endpointId, payload })]);
    await dispatcherDies(key);
    const row = await sentByAnother(key);
    expect(row).toMatchObject({ state: 'done', attempts: 2 });
    expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual([row.id, row.id]);
  });
});

describe('a tracking update in doubt', () => {
  it.each(['success_then_timeout', 'malformed_body', 'connection_reset', 'server_error'] as const)(
    'after %s is read again before it is written, and ends as one fulfilment',
    async (kind) => {
      const { orderId, key, trackingNumber } = await shippedOf('shopify');
      shopify.faults.set([{ kind, match: { operation: 'CreateFulfillment' }, times: 1 }]);
      expect(await sentByAnother(key)).toMatchObject({ state: 'done', attempts: 2 });
      expect(toldShopify(trackingNumber)).toHaveLength(1);
      expect(await one(engine, 'select blocked_reason from sales_order where id = $1', [orderId])).toEqual({
        blocked_reason: null,
      });
    },
  );
});
