/** EasyPost's webhooks: whose they are, what they say, and that the same scan is always the same fact. */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import EasyPostClient from '@easypost/api';
import fc from 'fast-check';
import { easyPostConnector as easyPost } from '../../../../connectors/carriers/easypost';
import {
  parseEasyPostWebhook,
  signEasyPostWebhook,
  verifyEasyPostWebhook,
} from '../../../../connectors/carriers/easypost/webhook';
import type { CarrierWebhookFact } from '../../../../connectors/carriers/port';
import { startEasyPostSimulator } from '../../../../simulators/easypost';
import { itWithSharedData } from '../../../support/shared-data';
import { accountOf, cannedServer, json, shipmentRequest } from './support';

const secret = 'sécret of the demo';
const HEADER = 'x-hmac-signature';

const details = [
  { status: 'pre_transit', datetime: '2024-07-31T15:00:00Z', message: 'Label created' },
  { status: 'in_transit', datetime: '2024-07-31T19:27:00Z', message: 'Picked up' },
  { status: 'in_transit', datetime: '2024-08-01T14:42:13Z', message: 'On the way' },
  { status: 'in_transit', datetime: '2024-08-02T14:42:13Z', message: 'On the way' },
  { status: 'out_for_delivery', datetime: '2024-08-03T06:00:00Z', message: 'Out for delivery' },
  { status: 'delivered', datetime: '2024-08-03T11:00:00Z', message: 'Delivered' },
];

function event(description: string, result: unknown, id = 'evt_1'): Buffer {
  return Buffer.from(JSON.stringify({ id, description, object: 'Event', result }));
}

function tracker(entries: readonly unknown[], change: object = {}) {
  return {
    id: 'trk_1',
    object: 'Tracker',
    tracking_code: '94001',
    status: 'in_transit',
    tracking_details: entries,
    ...change,
  };
}

describe('a signature', () => {
  const body = Buffer.from('{"id":"evt_1","result":{"weight": 5, "name":"Größe"}}');
  const good = signEasyPostWebhook(body, secret);

  test('over the raw bytes by the secret is accepted, in any spelling of the header', () => {
    for (const name of ['x-hmac-signature', 'X-Hmac-Signature', 'X-HMAC-SIGNATURE']) {
      expect(verifyEasyPostWebhook(body, { [name]: good, host: 'x' }, secret)).toBe(true);
    }
  });

  test('is one EasyPost’s own client accepts, for the same secret in either Unicode form', () => {
    const client = new EasyPostClient('EZTKany');
    // Their client appends ".0" to whole weights before it compares, so the body here has none.
    const plain = Buffer.from('{"id":"evt_1","result":{"name":"Größe"}}');
    for (const form of ['NFC', 'NFD'] as const) {
      const signature = signEasyPostWebhook(plain, secret.normalize(form));
      const headers = { 'X-Hmac-Signature': signature };
      expect(client.Utils.validateWebhook(plain, headers, secret)).toMatchObject({ id: 'evt_1' });
      expect(verifyEasyPostWebhook(plain, headers, secret)).toBe(true);
    }
  });

  test.each([
    ['missing', {}],
    ['empty', { [HEADER]: '' }],
    ['short', { [HEADER]: good.slice(0, -1) }],
    ['long', { [HEADER]: `${good}0` }],
    ['without its prefix', { [HEADER]: good.slice('hmac-sha256-hex='.length) }],
    ['only a prefix', { [HEADER]: 'hmac-sha256-hex=' }],
    ['in capitals', { [HEADER]: good.toUpperCase() }],
    ['not hexadecimal', { [HEADER]: `hmac-sha256-hex=${'é'.repeat(64)}` }],
    ['by another secret', { [HEADER]: signEasyPostWebhook(body, 'another') }],
    ['of another body', { [HEADER]: signEasyPostWebhook(Buffer.from('{}'), secret) }],
    ['given twice', { [HEADER]: [good, good] }],
    ['given in two spellings', { [HEADER]: good, 'X-Hmac-Signature': good }],
  ])('that is %s is refused', (_name, headers) => {
    expect(verifyEasyPostWebhook(body, headers, secret)).toBe(false);
  });

  test('is refused when a single byte of the body differs, and for an empty secret', () => {
    for (let index = 0; index < body.length; index += 1) {
      const changed = Buffer.from(body);
      changed[index] = (changed[index] as number) ^ 1;
      expect(verifyEasyPostWebhook(changed, { [HEADER]: good }, secret)).toBe(false);
    }
    const unsigned = { [HEADER]: signEasyPostWebhook(body, '') };
    expect(verifyEasyPostWebhook(body, unsigned, '')).toBe(false);
  });

  test('never throws, whatever the header says', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.uint8Array(), (header, bytes) => {
        expect(verifyEasyPostWebhook(Buffer.from(bytes), { [HEADER]: header }, secret)).toBe(false);
      }),
    );
  });
});

describe('a tracker event', () => {
  const ids = (fact: CarrierWebhookFact) => fact.facts.map(({ eventId }) => eventId);
  const whole = parseEasyPostWebhook(event('tracker.updated', tracker(details)));

  test('is one fact a scan, oldest first', () => {
    expect(whole).toMatchObject({ kind: 'tracking', eventId: 'evt_1' });
    expect(whole.facts.map(({ status }) => status)).toEqual([
      'pre_transit',
      'in_transit',
      'in_transit',
      'in_transit',
      'out_for_delivery',
      'delivered',
    ]);
    expect(new Set(ids(whole)).size).toBe(6);
    expect(whole.facts[1]).toMatchObject({
      trackingNumber: '94001',
      occurredAt: new Date('2024-07-31T19:27:00Z'),
      message: 'Picked up',
    });
  });

  test('tells the same facts under the same ids in every order of its scans', () => {
    let permutations = 0;
    for (const order of permuted(details)) {
      permutations += 1;
      expect(parseEasyPostWebhook(event('tracker.updated', tracker(order))).facts).toEqual(whole.facts);
    }
    expect(permutations).toBe(720);
  });

  test('tells the same facts when they come one by one, twice, or with the time written another way', () => {
    const oneByOne = details.map((_detail, index) =>
      ids(
        parseEasyPostWebhook(event('tracker.created', tracker(details.slice(0, index + 1)), `evt_${index}`)),
      ),
    );
    expect(new Set(oneByOne.flat())).toEqual(new Set(ids(whole)));
    expect(parseEasyPostWebhook(event('tracker.updated', tracker([...details, ...details]))).facts).toEqual(
      whole.facts,
    );
    const offset = details.map((detail) => ({ ...detail, datetime: detail.datetime.replace('Z', '+00:00') }));
    expect(ids(parseEasyPostWebhook(event('tracker.updated', tracker(offset))))).toEqual(ids(whole));
  });

  test('tells other facts of another parcel, another time or another message', () => {
    const [first] = details;
    const variants = [
      tracker([first]),
      tracker([first], { id: 'trk_2' }),
      tracker([{ ...first, datetime: '2024-07-31T15:00:01Z' }]),
      tracker([{ ...first, message: 'Label printed' }]),
      tracker([{ ...first, status: 'in_transit' }]),
    ];
    const seen = variants.flatMap((variant) => ids(parseEasyPostWebhook(event('tracker.updated', variant))));
    expect(new Set(seen).size).toBe(variants.length);
  });

  test.each([
    ['pre_transit', 'label_created', 'pre_transit'],
    ['in_transit', 'arrived_at_facility', 'in_transit'],
    ['out_for_delivery', null, 'out_for_delivery'],
    ['available_for_pickup', 'arrived_at_pickup_location', 'out_for_delivery'],
    ['delivered', 'arrived_at_destination', 'delivered'],
    ['return_to_sender', 'return', 'returned_to_sender'],
    ['failure', 'delivery_exception', 'delivery_failed'],
    ['failure', 'lost', 'lost'],
    ['error', 'damaged', 'damaged'],
    ['cancelled', 'cancelled', 'unknown'],
    ['error', 'unknown', 'unknown'],
    ['unknown', 'unknown', 'unknown'],
    ['teleported', null, 'unknown'],
  ])('of status %s and detail %s means %s', (status, statusDetail, meaning) => {
    const scan = { status, status_detail: statusDetail, datetime: '2024-08-01T00:00:00Z', message: 'x' };
    expect(parseEasyPostWebhook(event('tracker.updated', tracker([scan]))).facts).toMatchObject([
      { status: meaning },
    ]);
  });

  test('without a history tells its state once, however often it is reported', () => {
    const bare = (updatedAt: string) =>
      parseEasyPostWebhook(
        event('tracker.updated', tracker([], { status: 'delivered', updated_at: updatedAt })),
      );
    expect(bare('2024-08-03T11:00:00Z').facts).toMatchObject([{ status: 'delivered' }]);
    expect(ids(bare('2024-08-03T11:00:00Z'))).toEqual(ids(bare('2024-08-04T11:00:00Z')));
    const silent = tracker([], { status: 'unknown', updated_at: '2024-08-03T11:00:00Z' });
    expect(parseEasyPostWebhook(event('tracker.updated', silent)).facts).toEqual([]);
  });
});

describe('an event', () => {
  test('of a refund names the shipment and how far its void is', () => {
    const refund = { id: 'rfnd_1', tracking_code: '94001', shipment_id: 'shp_1', status: 'refunded' };
    expect(parseEasyPostWebhook(event('refund.successful', refund))).toEqual({
      eventId: 'evt_1',
      kind: 'refund',
      facts: [],
      refund: { trackingNumber: '94001', externalShipmentId: 'shp_1', state: 'voided' },
    });
  });

  test('of another topic is ignored by name', () => {
    expect(parseEasyPostWebhook(event('batch.created', {}))).toEqual({
      eventId: 'evt_1',
      kind: 'ignored',
      facts: [],
      reason: 'batch.created',
    });
  });

  test.each([
    ['no JSON', Buffer.from('<h1>')],
    ['empty', Buffer.alloc(0)],
    ['not UTF-8', Buffer.from([0xff, 0xfe, 0x00])],
    ['null', Buffer.from('null')],
    ['a list', Buffer.from('[]')],
    ['without an id', Buffer.from('{"description":"tracker.updated"}')],
    ['a tracker without a number', event('tracker.updated', { id: 'trk_1' })],
    [
      'a scan without a time',
      event('tracker.updated', tracker([{ status: 'delivered', datetime: 'yesterday' }])),
    ],
    ['a refund in an unknown state', event('refund.successful', { tracking_code: 'x', status: 'maybe' })],
  ])('that is %s is unreadable, with a reason and a stable id', (_name, body) => {
    const fact = parseEasyPostWebhook(body);
    expect(fact).toMatchObject({ kind: 'unreadable', facts: [], reason: expect.stringMatching(/./) });
    expect(parseEasyPostWebhook(body).eventId).toBe(fact.eventId);
    expect(fact.eventId).not.toBe('');
  });

  test('never makes the parser throw', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void parseEasyPostWebhook(Buffer.from(bytes))));
    fc.assert(
      fc.property(
        fc.json(),
        fc.constantFrom('tracker.updated', 'refund.successful', 'x'),
        (text, topic) => void parseEasyPostWebhook(event(topic, JSON.parse(text))),
      ),
    );
  });

  itWithSharedData('as EasyPost sends it is read in full', 'easypost/event-body.json', (file) => {
    const fact = parseEasyPostWebhook(readFileSync(file));
    expect(fact).toMatchObject({ kind: 'tracking', eventId: 'evt_1' });
    expect(fact.facts).toHaveLength(7);
    expect(fact.facts.at(-1)).toMatchObject({ status: 'in_transit', trackingNumber: '1' });
  });
});

describe('webhooks of the simulator', () => {
  test('are signed, tell what polling tells, and a forged copy is known for what it is', async () => {
    const received: { headers: IncomingHttpHeaders; body: Buffer }[] = [];
    const receiver = createServer((req, res) => {
      const chunks: Buffer[] = [];
      req.on('data', (chunk: Buffer) => chunks.push(chunk));
      req.on('end', () => {
        const body = Buffer.concat(chunks);
        received.push({ headers: req.headers, body });
        res.statusCode = verifyEasyPostWebhook(body, req.headers, secret) ? 200 : 401;
        res.end();
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
    const simulator = await startEasyPostSimulator({
      settings: { transit: { firstScanMs: 0, stepMs: 0 } },
      webhooks: [{ url, secret }],
      webhookRetryDelaysMs: [],
    });
    simulator.faults.set([
      { kind: 'forge_signature', times: 1 },
      { kind: 'duplicate_webhook', match: { operation: 'tracker.updated' }, times: 1 },
    ]);
    const account = accountOf(simulator.url);
    const { externalShipmentId: id, rates } = await easyPost.createShipment(account, shipmentRequest());
    const label = await easyPost.buyLabel(account, id, rates[0]?.externalRateId ?? '');
    await simulator.webhooksIdle();

    const genuine = received.filter(({ body, headers }) => verifyEasyPostWebhook(body, headers, secret));
    expect(received.length - genuine.length).toBe(1);
    expect(simulator.journal.facts('forged_webhook_refused')).toHaveLength(1);
    const told = genuine.map(({ body }) => parseEasyPostWebhook(body));
    expect(told.map(({ kind }) => kind)).toEqual(['tracking', 'tracking', 'tracking']);
    expect(new Set(told.map(({ eventId }) => eventId)).size).toBe(2);
    const polled = await easyPost.track(account, label.trackingNumber, label.carrier);
    expect(polled.at(-1)?.status).toBe('delivered');
    const byId = new Map(told.flatMap(({ facts }) => facts).map((fact) => [fact.eventId, fact]));
    expect([...byId.values()].sort((a, b) => Number(a.occurredAt) - Number(b.occurredAt))).toEqual(polled);

    await simulator.close();
    await new Promise((resolve) => receiver.close(resolve));
  });
});

describe('polling', () => {
  test('of a tracker that answers nonsense is malformed', async () => {
    const partner = await cannedServer(json(200, { id: 'trk_1', tracking_details: 'none' }));
    await expect(easyPost.track(accountOf(partner.url), '94001', 'USPS')).rejects.toMatchObject({
      type: 'PartnerMalformed',
    });
    await partner.close();
  });
});

function* permuted<T>(items: readonly T[]): Generator<T[]> {
  if (items.length === 0) yield [];
  for (const [index, item] of items.entries()) {
    for (const rest of permuted(items.filter((_item, at) => at !== index))) yield [item, ...rest];
  }
}
