import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { shopifyOrderFromRest } from '../../../connectors/channels/shopify';
import { parseShopifyWebhook, verifyShopifyWebhook } from '../../../connectors/channels/shopify/webhook';

const SECRET = 'hush';
const sign = (body: Buffer, secret = SECRET) => createHmac('sha256', secret).update(body).digest('base64');
const signed = (body: Buffer, secret = SECRET) => ({ 'x-shopify-hmac-sha256': sign(body, secret) });

const line = (changes: object = {}) => ({
  id: 11,
  sku: 'DEMO-MUG',
  title: 'Mug (demo)',
  quantity: 3,
  price: '12.50',
  requires_shipping: true,
  gift_card: false,
  ...changes,
});
const payload = (changes: object = {}) => ({
  id: 1001,
  name: '#1001',
  created_at: '2026-11-02T05:00:00-05:00',
  updated_at: '2026-11-02T05:00:00-05:00',
  cancelled_at: null,
  currency: 'USD',
  total_price: '37.50',
  financial_status: 'paid',
  email: 'demo@example.com',
  line_items: [line()],
  ...changes,
});
const orderOf = (changes: object) => {
  const { order, reason } = shopifyOrderFromRest(payload(changes));
  if (order === null) throw new Error(`no order: ${reason}`);
  return order;
};
const parse = (topic: string, body: string | Buffer, id = 'w1') =>
  parseShopifyWebhook({ 'x-shopify-topic': topic, 'x-shopify-webhook-id': id }, Buffer.from(body));

describe('the signature', () => {
  it('is accepted over the very bytes that were signed, by either secret during rotation', () => {
    const body = Buffer.from('{"a": 1}');
    expect(verifyShopifyWebhook(body, signed(body), SECRET)).toBe(true);
    expect(verifyShopifyWebhook(body, signed(body, 'old'), [SECRET, 'old'])).toBe(true);
  });

  it('is refused, never thrown over, for any other body, secret or header', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), fc.string(), (first, second, junk) => {
        const body = Buffer.from(first);
        const other = Buffer.from(second);
        fc.pre(!body.equals(other));
        expect(verifyShopifyWebhook(other, signed(body), SECRET)).toBe(false);
        expect(verifyShopifyWebhook(body, signed(body, `${SECRET}x`), SECRET)).toBe(false);
        expect(verifyShopifyWebhook(body, { 'x-shopify-hmac-sha256': junk }, SECRET)).toBe(false);
      }),
    );
  });

  it('is refused when missing, short, in another encoding, doubled, or when there is no secret', () => {
    const body = Buffer.from('{}');
    const hex = createHmac('sha256', SECRET).update(body).digest('hex');
    for (const given of [undefined, '', sign(body).slice(0, 20), hex, [sign(body), sign(body)]]) {
      expect(verifyShopifyWebhook(body, { 'x-shopify-hmac-sha256': given }, SECRET)).toBe(false);
    }
    expect(verifyShopifyWebhook(body, signed(body, ''), '')).toBe(false);
    expect(verifyShopifyWebhook(body, signed(body, ''), [])).toBe(false);
  });
});

describe('what a webhook says', () => {
  it.each([
    ['orders/create', 'order'],
    ['orders/updated', 'order'],
    ['orders/paid', 'payment'],
    ['orders/cancelled', 'order'],
  ])('%s brings the order', (topic, kind) => {
    const fact = parse(topic, JSON.stringify(payload()));
    expect(fact).toMatchObject({
      eventId: 'w1',
      topic,
      externalOrderId: '1001',
      order: { externalId: '1001' },
    });
    expect(fact.kind).toBe(topic === 'orders/cancelled' ? 'order_cancelled' : kind);
  });

  it('a cancelled order is a cancellation whatever the topic, and keeps what was bought', () => {
    const cancelled = payload({
      cancelled_at: '2026-11-02T06:00:00-05:00',
      financial_status: 'voided',
      line_items: [line({ current_quantity: 0, fulfillable_quantity: 0 })],
    });
    expect(parse('orders/updated', JSON.stringify(cancelled))).toMatchObject({
      kind: 'order_cancelled',
      order: { cancelled: true, payment: 'voided', lines: [{ quantity: 3 }] },
    });
  });

  it('ids above 2^53 survive', () => {
    const body = JSON.stringify(payload())
      .replace('"id":1001,', '"id":9007199254740993,')
      .replace('"id":11,', '"id":9223372036854775807,');
    const { order, externalOrderId } = parse('orders/create', body);
    expect(externalOrderId).toBe('9007199254740993');
    expect(order?.lines[0]?.externalLineId).toBe('9223372036854775807');
  });

  it('a topic we do not know is ignored, with its name as reason', () => {
    expect(parse('products/update', '{}')).toMatchObject({
      kind: 'ignored',
      reason: 'unknown_topic: products/update',
    });
  });

  it('an order with nothing left is ignored, so the echo of our own fulfilment starts nothing', () => {
    const done = payload({ line_items: [line({ fulfillable_quantity: 0 })] });
    expect(parse('orders/updated', JSON.stringify(done))).toMatchObject({
      kind: 'ignored',
      reason: 'nothing_left_to_fulfil',
      externalOrderId: '1001',
    });
  });

  it.each<[string, string | Buffer, string]>([
    ['broken JSON', '{"id":', 'not_json'],
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'not_json'],
    ['no object', '[]', 'invalid_payload'],
    ['no lines', JSON.stringify({ ...payload(), line_items: undefined }), 'invalid_payload'],
    [
      'a fractional quantity',
      JSON.stringify(payload({ line_items: [line({ quantity: 1.5 })] })),
      'invalid_payload',
    ],
    [
      'a negative quantity',
      JSON.stringify(payload({ line_items: [line({ quantity: -1 })] })),
      'invalid_payload',
    ],
    ['too many decimals', JSON.stringify(payload({ currency: 'JPY', total_price: '1.50' })), 'invalid_money'],
    ['money that is none', JSON.stringify(payload({ total_price: '1e400' })), 'invalid_money'],
    ['a NUL', JSON.stringify(payload({ note: 'a\u0000b' })), 'unstorable_text'],
    ['half a surrogate pair', JSON.stringify(payload({ note: 'a\ud800b' })), 'unstorable_text'],
  ])('%s is unreadable with a named reason', (_what, body, reason) => {
    const fact = parse('orders/create', body);
    expect(fact).toMatchObject({ kind: 'unreadable', order: null });
    expect(fact.reason).toMatch(new RegExp(`^${reason}: .`));
  });

  it('text that only looks like an escape is no reason to refuse', () => {
    expect(parse('orders/create', JSON.stringify(payload({ note: 'C:\\u0000' }))).kind).toBe('order');
  });

  it('a cancellation is known even when the order can not be read', () => {
    const odd = JSON.stringify(payload({ currency: 5 }));
    expect(parse('orders/cancelled', odd)).toMatchObject({
      kind: 'order_cancelled',
      externalOrderId: '1001',
      order: null,
    });
  });

  it('without a webhook id the same delivery still has the same id', () => {
    const body = Buffer.from(JSON.stringify(payload()));
    const headers = { 'x-shopify-topic': 'orders/create' };
    const { eventId } = parseShopifyWebhook(headers, body);
    expect(eventId).toMatch(/^[0-9a-f]{64}$/);
    expect(parseShopifyWebhook(headers, body).eventId).toBe(eventId);
  });

  it('never throws, whatever the body', () => {
    const bodies = fc.oneof(
      fc.json().map((text) => Buffer.from(text)),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc
        .record(
          {
            id: fc.anything(),
            line_items: fc.anything(),
            currency: fc.anything(),
            total_price: fc.anything(),
          },
          { requiredKeys: [] },
        )
        .map((odd) => Buffer.from(safeJson({ ...payload(), ...odd }))),
    );
    fc.assert(
      fc.property(bodies, (body) => {
        expect(['order', 'ignored', 'unreadable']).toContain(parse('orders/create', body).kind);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('reading an order', () => {
  it.each([
    ['pending', 'pending'],
    ['partially_paid', 'pending'],
    ['authorized', 'authorised'],
    ['paid', 'captured'],
    ['partially_refunded', 'captured'],
    ['refunded', 'refunded'],
    ['voided', 'voided'],
    ['EXPIRED', 'voided'],
    ['a status of next year', 'pending'],
    [null, 'pending'],
  ])('financial status %s is payment %s', (financial_status, payment) => {
    expect(orderOf({ financial_status }).payment).toBe(payment);
  });

  it.each<[string, object, object, number]>([
    ['Shopify says what is fulfillable', { fulfillable_quantity: 1, current_quantity: 2 }, {}, 1],
    ['some were removed', { current_quantity: 2 }, {}, 2],
    ['some were refunded', {}, { refunds: [{ refund_line_items: [{ line_item_id: 11, quantity: 1 }] }] }, 2],
    [
      'some were fulfilled by somebody else',
      {},
      { fulfillments: [{ status: 'success', line_items: [{ id: 11, quantity: 2 }] }] },
      1,
    ],
    [
      'a fulfilment was cancelled',
      {},
      { fulfillments: [{ status: 'cancelled', line_items: [{ id: 11, quantity: 2 }] }] },
      3,
    ],
  ])('brings only what remains when %s', (_when, ofLine, ofOrder, quantity) => {
    expect(orderOf({ line_items: [line(ofLine)], ...ofOrder }).lines[0]?.quantity).toBe(quantity);
  });

  it('lines with nothing left are gone, the others stay', () => {
    const lines = [line({ fulfillable_quantity: 0 }), line({ id: 12, sku: 'DEMO-TEE' })];
    expect(orderOf({ line_items: lines }).lines.map(({ sku }) => sku)).toEqual(['DEMO-TEE']);
  });

  it('gift cards and services do not ship', () => {
    const lines = [
      line({ gift_card: true }),
      line({ requires_shipping: false }),
      line({ requires_shipping: null }),
    ];
    expect(orderOf({ line_items: lines }).lines.map(({ ships }) => ships)).toEqual([false, false, true]);
  });

  it('money is exact in currencies of 0, 2 and 3 decimals', () => {
    const totals = (currency: string, total_price: string) =>
      orderOf({ currency, total_price, line_items: [line({ price: '1' })] });
    expect(totals('JPY', '1200').totalMinor).toBe('1200');
    expect(totals('USD', '0.07').totalMinor).toBe('7');
    expect(totals('KWD', '1.005').totalMinor).toBe('1005');
    expect(totals('USD', '9999999999999.99').totalMinor).toBe('999999999999999');
  });

  it('a missing address makes an order without one, not an unreadable order', () => {
    expect(orderOf({ shipping_address: null }).shipTo).toMatchObject({ line1: null, country: null });
  });

  it('the version sorts by time, whatever zone Shopify writes, and then by how far the order came', () => {
    const version = (updated_at: string, changes: object = {}) =>
      orderOf({ updated_at, ...changes }).version as string;
    const inOrder = [
      version('2026-11-02T05:00:00-05:00', { financial_status: 'pending' }),
      version('2026-11-02T10:00:00Z'),
      version('2026-11-02T11:00:00+01:00', { cancelled_at: '2026-11-02T10:00:00Z' }),
      version('2026-11-02T10:00:01Z', { financial_status: 'pending' }),
    ];
    expect([...inOrder].sort()).toEqual(inOrder);
  });

  it('long texts for people are cut, a long SKU is not: the order is parked instead', () => {
    const long = 'x'.repeat(9_000);
    expect(orderOf({ note: long, tags: long }).note).toHaveLength(5_000);
    expect(shopifyOrderFromRest(payload({ line_items: [line({ sku: long })] })).reason).toMatch(
      /^invalid_payload: \/lines\/0\/sku/,
    );
  });

  it('the shipping method is the code, or the title where there is none', () => {
    const method = (code: string | null) => orderOf({ shipping_lines: [{ code, title: 'Standard (demo)' }] });
    expect(method('std').requestedShippingMethod).toBe('std');
    expect(method('').requestedShippingMethod).toBe('Standard (demo)');
    expect(orderOf({}).requestedShippingMethod).toBeNull();
  });

  it('a gift message among the attributes is found', () => {
    expect(orderOf({ note_attributes: [{ name: 'Gift message', value: 'Enjoy' }] }).giftMessage).toBe(
      'Enjoy',
    );
  });
});

/** JSON for values of any kind: what JSON can't say (bigint, cycles) becomes text. */
function safeJson(value: unknown): string {
  const seen = new Set<unknown>();
  return JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === 'bigint' || typeof item === 'symbol') return String(item);
    if (typeof item === 'object' && item !== null) {
      if (seen.has(item)) return 'again';
      seen.add(item);
    }
    return item;
  });
}
