import { Webhook } from 'standardwebhooks';
import { genericConnector } from '../../../connectors/channels/generic';
import { parseGenericWebhook, verifyGenericWebhook } from '../../../connectors/channels/generic/webhook';
import type { ChannelAccount } from '../../../connectors/channels/port';
import type { IncomingOrderInput } from '../../../contracts/incoming-order';
import { type Failure, isFailure } from '../../../domain/failure-types';
import { createGenericShop, type GenericShop } from '../../../simulators/generic-shop';
import { type ReceivedWebhook, startReceiver } from '../../support/shopify-shop';

const OURS = `whsec_${Buffer.from('what we send is signed by this').toString('base64')}`;
const THEIRS = `whsec_${Buffer.from('what we hear is signed by this').toString('base64')}`;

const order: IncomingOrderInput = {
  externalId: '9007199254740993',
  placedAt: '2026-11-02T10:00:00Z',
  currency: 'USD',
  totalMinor: '1250',
  payment: 'pending',
  customer: {},
  shipTo: { line1: '1 Demo Street' },
  lines: [
    {
      externalLineId: '1',
      sku: 'DEMO-MUG',
      title: 'Mug (demo)',
      quantity: 1,
      unitPriceMinor: '1250',
      ships: true,
    },
  ],
  tags: [],
  cancelled: false,
};

let shop: GenericShop;
let account: ChannelAccount;
beforeEach(async () => {
  shop = await createGenericShop({ receivingSecret: OURS });
  account = {
    connectionId: 'test-connection',
    baseUrl: `${shop.url}/events`,
    credentials: { signingSecret: OURS, webhookSecret: THEIRS },
    timeoutMs: 2_000,
  };
});
afterEach(() => shop.close());

async function failure(attempt: Promise<unknown>): Promise<Failure> {
  const outcome = await attempt.then(
    () => 'no failure',
    (error: unknown) => error,
  );
  if (!isFailure(outcome)) throw new Error(`expected a Failure, got ${String(outcome)}`);
  return outcome;
}

const signed = (body: string, at = new Date(), secret = THEIRS) => ({
  'webhook-id': 'msg_1',
  'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
  'webhook-signature': new Webhook(secret).sign('msg_1', at, body),
});
const event = (type: string, data: unknown) =>
  JSON.stringify({ type, timestamp: '2026-11-02T10:00:00Z', data });

describe('what the shop tells us', () => {
  const minutesAway = (minutes: number) => new Date(Date.now() + minutes * 60_000);

  it('is accepted when signed within five minutes, by either secret during rotation', () => {
    const body = Buffer.from('{}');
    expect(verifyGenericWebhook(body, signed('{}'), THEIRS)).toEqual({ valid: true });
    expect(verifyGenericWebhook(body, signed('{}', minutesAway(-4)), [OURS, THEIRS])).toEqual({
      valid: true,
    });
  });

  it.each<[string, ReturnType<typeof signed> | Record<string, string>, Buffer, string]>([
    ['a signature of somebody else', signed('{}', new Date(), OURS), Buffer.from('{}'), 'bad_signature'],
    ['another body', signed('{}'), Buffer.from('{ }'), 'bad_signature'],
    ['a time long past', signed('{}', minutesAway(-6)), Buffer.from('{}'), 'stale'],
    ['a time to come', signed('{}', minutesAway(6)), Buffer.from('{}'), 'stale'],
    ['another id', { ...signed('{}'), 'webhook-id': 'msg_2' }, Buffer.from('{}'), 'bad_signature'],
    [
      'a time that is none',
      { ...signed('{}'), 'webhook-timestamp': 'soon' },
      Buffer.from('{}'),
      'bad_signature',
    ],
    [
      'a signature without its value',
      { ...signed('{}'), 'webhook-signature': 'v1' },
      Buffer.from('{}'),
      'bad_signature',
    ],
    ['no signature', { ...signed('{}'), 'webhook-signature': '' }, Buffer.from('{}'), 'missing_headers'],
    ['no headers at all', {}, Buffer.from('{}'), 'missing_headers'],
    ['bytes that are no UTF-8', signed('\ufffd'), Buffer.from([0xff]), 'not_utf8'],
  ])('%s is refused and says why', (_what, headers, body, reason) => {
    expect(verifyGenericWebhook(body, headers, THEIRS)).toEqual({ valid: false, reason });
  });

  it('a secret that is none fits nothing and breaks nothing', () => {
    const verdict = { valid: false, reason: 'bad_signature' };
    for (const secret of ['', 'whsec_', 'whsec_***']) {
      expect(verifyGenericWebhook(Buffer.from('{}'), signed('{}'), secret)).toEqual(verdict);
    }
  });

  it.each([
    ['order.created', 'order'],
    ['order.updated', 'order'],
    ['order.paid', 'payment'],
    ['order.cancelled', 'order_cancelled'],
  ])('%s is %s with the whole order', (type, kind) => {
    const fact = parseGenericWebhook(signed(''), Buffer.from(event(type, order)));
    expect(fact).toMatchObject({ eventId: 'msg_1', topic: type, kind, externalOrderId: '9007199254740993' });
    expect(fact.order).toMatchObject({ totalMinor: '1250', cancelled: kind === 'order_cancelled' });
  });

  it.each<[string, string, string, RegExp]>([
    ['an unknown type', event('cart.filled', {}), 'ignored', /^unknown_topic: cart\.filled/],
    ['broken JSON', '{', 'unreadable', /^not_json: /],
    ['no event', '[]', 'unreadable', /^invalid_payload: /],
    [
      'an order without lines',
      event('order.created', { ...order, lines: [] }),
      'unreadable',
      /^invalid_payload: \/data\/lines/,
    ],
    [
      'an order with a field nobody knows',
      event('order.created', { ...order, x: 1 }),
      'unreadable',
      /^invalid_payload: /,
    ],
    [
      'an unreadable order that was cancelled',
      event('order.cancelled', { externalId: '7' }),
      'order_cancelled',
      /^invalid/,
    ],
  ])('%s is never thrown over', (_what, body, kind, reason) => {
    const fact = parseGenericWebhook(signed(''), Buffer.from(body));
    expect(fact).toMatchObject({ kind, order: null });
    expect(fact.reason).toMatch(reason);
  });

  it('comes from the simulated shop signed, retried with one id, and as we read it', async () => {
    const receiver = await startReceiver((_received, index) => (index < 2 ? 500 : 204));
    shop.setWebhook({ url: receiver.url, secret: THEIRS, retryScale: 0.000_01 });
    const placed = shop.place(order);
    await shop.webhooksIdle();
    await receiver.close();
    expect(receiver.received).toHaveLength(3);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    const { headers, body } = receiver.received[2] as ReceivedWebhook;
    expect(verifyGenericWebhook(body, headers, THEIRS)).toEqual({ valid: true });
    expect(parseGenericWebhook(headers, body).order).toEqual(placed);
  });

  it('duplicates keep their id, and a forgery is told apart', async () => {
    const receiver = await startReceiver(({ headers, body }) =>
      verifyGenericWebhook(body, headers, THEIRS).valid ? 200 : 401,
    );
    shop.setWebhook({ url: receiver.url, secret: THEIRS });
    shop.faults.set([{ kind: 'duplicate_webhook' }, { kind: 'forge_signature' }]);
    shop.place(order);
    await shop.webhooksIdle();
    await receiver.close();
    expect(receiver.received).toHaveLength(3);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(2);
    expect(shop.journal.facts('forged_webhook_accepted')).toHaveLength(0);
  });
});

describe('what we tell the shop', () => {
  const update = {
    externalOrderId: '9007199254740993',
    lines: [{ externalLineId: '1', quantity: 1 }],
    trackingNumber: 'T1',
    carrier: 'USPS',
    trackingUrl: null,
    key: 'order-1:push_tracking:1',
  };
  const quantity = (changeFromQuantity: number | null, to: number) => ({
    externalInventoryItemId: 'i',
    externalLocationId: 'l',
    quantity: to,
    changeFromQuantity,
  });

  it('a shipment is heard once, however often it is told', async () => {
    const { externalFulfilmentId } = await genericConnector.pushTracking(account, update);
    expect((await genericConnector.pushTracking(account, update)).externalFulfilmentId).toBe(
      externalFulfilmentId,
    );
    expect(shop.journal.facts('shipment_heard').map(({ fact }) => fact)).toEqual([
      {
        webhookId: externalFulfilmentId,
        orderId: '9007199254740993',
        trackingNumber: 'T1',
        carrier: 'USPS',
        trackingUrl: null,
        lines: [{ lineId: '1', quantity: 1 }],
      },
    ]);
  });

  it('after a success that looked like a time-out, the repetition leads to one shipment', async () => {
    shop.faults.set([{ kind: 'success_then_timeout', times: 1 }]);
    const lost = await failure(genericConnector.pushTracking({ ...account, timeoutMs: 300 }, update));
    expect(lost.type).toBe('PartnerOutcomeUnknown');
    await genericConnector.pushTracking(account, update);
    expect(shop.journal.facts('shipment_heard')).toHaveLength(1);
  });

  it('quantities are set by comparison; stale ones are StaleQuantity and change nothing', async () => {
    await genericConnector.setQuantities(account, [quantity(0, 5)], 'k1');
    const stale = await failure(genericConnector.setQuantities(account, [quantity(0, 9)], 'k2'));
    expect(stale.type).toBe('StaleQuantity');
    await genericConnector.setQuantities(account, [quantity(5, 6)], 'k3');
    expect(shop.journal.facts('quantity_set')).toHaveLength(2);
  });

  it('a secret the shop does not know is PartnerUnauthorised, and so is one that is none', async () => {
    const using = (signingSecret: string) => ({ ...account, credentials: { signingSecret } });
    for (const secret of [THEIRS, 'whsec_***', '']) {
      expect((await failure(genericConnector.pushTracking(using(secret), update))).type).toBe(
        'PartnerUnauthorised',
      );
    }
  });

  it('there is nothing to poll', async () => {
    expect(await genericConnector.pollOrders(account, null)).toEqual({ orders: [], cursor: '', more: false });
  });
});
