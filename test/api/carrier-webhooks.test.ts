/**
 * Carriers' webhooks over HTTP with real signatures: what is refused, what is kept, and that a parcel's
 * state is the same whatever order and number the facts come in.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { uuidv7 } from 'uuidv7';
import { sha256Of } from '../../api/api-key';
import { signEasyPostWebhook } from '../../connectors/carriers/easypost/webhook';
import { sealSecrets } from '../../db/sealed';
import { labelParcel, packNext, pickNext, plannedOrder } from '../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { type RunningApi, startApi } from './running-api';

let api: RunningApi;
let merchant: SeededMerchant;
let key: string;
let reader: Client;

beforeAll(async () => {
  api = await startApi();
  merchant = await seedMerchant(api.database, { products: [{ sku: 'DEMO-1', stock: 100 }] });
  ({ key } = await api.makeKey(merchant.organisationId));
  reader = new Client({ connectionString: api.urls.checkUrl });
  await reader.connect();
}, 60_000);
afterAll(async () => {
  await reader?.end();
  await api?.close();
});

const count = async (sql: string, values: unknown[] = []) =>
  Number((await reader.query(`select count(*) as count from ${sql}`, values)).rows[0].count);

const hook = (path: string, raw: string | Buffer, headers: Record<string, string>) =>
  api.ask('POST', `/webhooks/${path}`, { raw, headers, idempotencyKey: null });

describe('EasyPost', () => {
  const secret = 'carrier secret';
  const path = randomBytes(32).toString('base64url');
  let parcelId: string;
  let orderId: string;
  let trackingNumber: string;

  beforeAll(async () => {
    await api.database.withTenants(
      { merchantIds: [merchant.merchantId], organisationIds: [merchant.organisationId] },
      (tx) =>
        tx.run({
          text: `insert into carrier_account (id, organisation_id, provider, name, base_url, credentials_sealed, webhook_path_sha256)
            values ($1, $2, 'easypost', 'Demo account', 'https://carrier.example', $3, $4)`,
          values: [
            uuidv7(),
            merchant.organisationId,
            sealSecrets(api.sealingKeys, { apiKey: 'demo', webhookSecret: secret }),
            sha256Of(path),
          ],
        }),
    );
    orderId = await plannedOrder(api.database, merchant, [{ sku: 'DEMO-1', quantity: 1 }]);
    await pickNext(api.database, merchant);
    parcelId = await packNext(api.database, merchant);
    trackingNumber = await labelParcel(api.database, merchant, parcelId);
    const body = { parcelId, personId: merchant.personIds[0] };
    expect((await api.ask('POST', '/v1/floor/ship-scans', { key, body })).status).toBe(200);
  }, 60_000);

  const tracker = (statuses: [string, string][], id = `evt_${randomUUID()}`) => ({
    id,
    description: 'tracker.updated',
    result: {
      id: 'trk_demo',
      tracking_code: trackingNumber,
      status: statuses.at(-1)?.[0],
      tracking_details: statuses.map(([status, datetime]) => ({ status, datetime, message: status })),
    },
  });
  const send = (body: object, headers: Record<string, string> = {}) => {
    const raw = JSON.stringify(body);
    const signature = signEasyPostWebhook(Buffer.from(raw), secret);
    return hook(`carriers/${path}`, raw, { 'x-hmac-signature': signature, ...headers });
  };
  const parcel = async () => (await api.ask('GET', `/v1/parcels/${parcelId}`, { key })).json;

  test('a forged or unsigned delivery is 401 and changes nothing', async () => {
    for (const headers of [
      { 'x-hmac-signature': '' },
      { 'x-hmac-signature': `hmac-sha256-hex=${'0'.repeat(64)}` },
    ]) {
      const reply = await send(tracker([['delivered', '2026-03-04T10:00:00Z']]), headers);
      expect(reply.status).toBe(401);
    }
    expect(await count('carrier_inbox')).toBe(0);
    expect((await parcel()).tracking).toEqual([]);
  });

  test('tracking moves the parcel forward and never back, however often and in whatever order it comes', async () => {
    const transit: [string, string] = ['in_transit', '2026-03-03T10:00:00Z'];
    const out: [string, string] = ['out_for_delivery', '2026-03-04T08:00:00Z'];
    const late = tracker([transit]);
    expect((await send(tracker([transit, out]))).json).toEqual({ outcome: 'updated' });
    expect((await parcel()).state).toBe('out_for_delivery');
    expect((await send(late)).status).toBe(200);
    expect((await send(late)).json).toEqual({ outcome: 'duplicate' });
    expect((await parcel()).state).toBe('out_for_delivery');
    await Promise.all(
      Array.from({ length: 5 }, () => send(tracker([transit, out, ['delivered', '2026-03-04T10:00:00Z']]))),
    );
    const seen = await parcel();
    expect(seen.state).toBe('delivered');
    expect(seen.tracking).toHaveLength(3);
  });

  test('what happened is on the order’s timeline, each fact once and in its order', async () => {
    const { json: order } = await api.ask('GET', `/v1/orders/${orderId}`, { key });
    expect(order.state).toBe('delivered');
    const told = order.timeline.map(({ kind, what }: { kind: string; what: string }) => `${kind}: ${what}`);
    for (const entry of [
      'order: accepted',
      'fulfilment: planned at W1',
      'scan: pick',
      'scan: ship',
      'order: shipped',
      'tracking: delivered',
      'order: delivered',
    ]) {
      expect([entry, told.filter((line: string) => line === entry).length]).toEqual([entry, 1]);
    }
    const times = order.timeline.map(({ at }: { at: string }) => at);
    expect(times).toEqual([...times].sort());
  });

  test('a parcel that nobody knows is 200 and kept, for the account may be shared', async () => {
    const event = tracker([['in_transit', '2026-03-03T10:00:00Z']]);
    event.result.tracking_code = 'UNKNOWN';
    expect((await send(event)).status).toBe(200);
    expect(await count(`carrier_inbox where event_key = $1 and state = 'processed'`, [event.id])).toBe(1);
  });

  test('an event that is none of ours is kept and 202, and nobody is asked', async () => {
    const body = { id: `evt_${randomUUID()}`, description: 'batch.created', result: {} };
    expect((await send(body)).status).toBe(202);
    expect(await count(`carrier_inbox where event_key = $1 and state = 'parked'`, [body.id])).toBe(1);
    expect(await count(`exception where reason = 'carrier_message_unreadable'`)).toBe(0);
  });

  const sendRaw = (raw: string | Buffer) =>
    hook(`carriers/${path}`, raw.toString(), {
      'x-hmac-signature': signEasyPostWebhook(Buffer.from(raw.toString()), secret),
    });
  const lists = async () =>
    (await api.ask('GET', '/v1/exceptions?reason=carrier_message_unreadable&limit=200', { key })).json.items;

  test.each([
    ['no JSON', () => '{"id": '],
    ['JSON of something else', () => '{"any": "thing"}'],
    [
      'a tracker without its parts',
      () => JSON.stringify({ id: `evt_${randomUUID()}`, description: 'tracker.updated', result: 7 }),
    ],
    [
      'a NUL in its id',
      () => JSON.stringify({ ...tracker([['in_transit', '2026-03-03T10:00:00Z']]), id: 'evt\0nul' }),
    ],
    [
      'a NUL in what it says',
      () => {
        const event = tracker([['in_transit', '2026-03-03T10:00:00Z']]);
        const [detail] = event.result.tracking_details;
        return JSON.stringify({
          ...event,
          result: { ...event.result, tracking_details: [{ ...detail, message: 'a\0b' }] },
        });
      },
    ],
  ])(
    'a genuine message with %s is kept, answered 202 once, and on the stuck list with its reason',
    async (_what, raw) => {
      const before = (await lists()).length;
      const body = raw();
      expect((await sendRaw(body)).status).toBe(202);
      // The carrier sends it again: nobody is asked twice.
      expect((await sendRaw(body)).status).toBe(200);
      const items = await lists();
      expect(items).toHaveLength(before + 1);
      const found = items.at(-1);
      expect(found).toMatchObject({
        merchantId: merchant.merchantId,
        thingKind: 'carrier_inbox',
        owner: 'integrator',
        actions: ['retry', 'resolve'],
        message: expect.stringMatching(/^easypost\.unreadable: .{5,}\.$/),
      });
      expect(
        await count(`carrier_inbox where id = $1 and state = 'parked' and body is not null`, [found.thingId]),
      ).toBe(1);
    },
  );

  test('a person has an unreadable message read again, or resolves it', async () => {
    const [first, second] = await lists();
    const act = (id: string, action: string) =>
      api.ask('POST', `/v1/exceptions/${id}/${action}`, { key, body: { reason: 'mended' } });
    const still = await act(first.id, 'retry');
    expect([still.status, still.json.detail]).toEqual([409, expect.stringMatching(/still can not be read/)]);
    // As if the connector had learnt to read it meanwhile.
    const event = tracker([['in_transit', '2026-03-03T09:00:00Z']]);
    await api.database.withTenants({ merchantIds: [], organisationIds: [merchant.organisationId] }, (tx) =>
      tx.run({
        text: 'update carrier_inbox set body = $2 where id = $1',
        values: [first.thingId, JSON.stringify(event)],
      }),
    );
    const tracked = (await parcel()).tracking.length;
    expect((await act(first.id, 'retry')).status).toBe(200);
    expect((await parcel()).tracking).toHaveLength(tracked + 1);
    expect(await count(`carrier_inbox where id = $1 and state = 'processed'`, [first.thingId])).toBe(1);
    expect((await act(second.id, 'resolve')).status).toBe(200);
    const left = (await lists()).map(({ id }: { id: string }) => id);
    expect(left).not.toContain(first.id);
    expect(left).not.toContain(second.id);
  });

  test('a delivery whose processing died is applied when it comes again', async () => {
    const event = tracker([['returned_to_sender', '2026-03-05T10:00:00Z']]);
    event.result.tracking_details = [
      { status: 'return_to_sender', datetime: '2026-03-05T10:00:00Z', message: 'back' },
    ];
    const { rows } = await reader.query(
      'select carrier_account_id, organisation_id from carrier_inbox limit 1',
    );
    await api.database.withTenants({ merchantIds: [], organisationIds: [merchant.organisationId] }, (tx) =>
      tx.run({
        text: `insert into carrier_inbox (id, organisation_id, carrier_account_id, event_key, topic, body)
            values ($1, $2, $3, $4, 'easypost.tracking', '')`,
        values: [uuidv7(), rows[0].organisation_id, rows[0].carrier_account_id, event.id],
      }),
    );
    expect((await send(event)).json).toEqual({ outcome: 'updated' });
    expect((await parcel()).state).toBe('returned_to_sender');
  });

  test('a refund makes the void due at once', async () => {
    await plannedOrder(api.database, merchant, [{ sku: 'DEMO-1', quantity: 1 }]);
    await pickNext(api.database, merchant);
    const other = await packNext(api.database, merchant);
    const number = await labelParcel(api.database, merchant, other);
    await api.database.withMerchants([merchant.merchantId], (tx) =>
      tx.run({
        text: `update label set state = 'void_requested', void_due_at = now() + interval '6 hours' where tracking_number = $1`,
        values: [number],
      }),
    );
    const event = {
      id: `evt_${randomUUID()}`,
      description: 'refund.successful',
      result: { tracking_code: number, status: 'refunded' },
    };
    expect((await send(event)).status).toBe(200);
    expect(await count('label where tracking_number = $1 and void_due_at <= now()', [number])).toBe(1);
  });
});
