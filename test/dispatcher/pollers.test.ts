import { randomBytes } from 'node:crypto';
import { uuidv7 } from 'uuidv7';
import { easyPostConnector } from '../../connectors/carriers/easypost';
import type { CarrierAccount } from '../../connectors/carriers/port';
import { shopifyConnector } from '../../connectors/channels/shopify';
import { sealSecrets } from '../../db/sealed';
import { startCarrierPoller } from '../../dispatcher/carrier-poller';
import { startChannelPoller } from '../../dispatcher/channel-poller';
import { DEMO_API_KEY, type EasyPostSimulator, startEasyPostSimulator } from '../../simulators/easypost';
import type { ShopifySimulator } from '../../simulators/shopify';
import { newOrder, startShop } from '../support/shopify-shop';
import { type Engine, KEYS, one, order, quiet, run, shippedPart, startEngine, until } from './engine';

let engine: Engine;
let merchantId: string;
const running: { close(): Promise<void> }[] = [];
beforeAll(async () => {
  engine = await startEngine();
  merchantId = engine.merchant.merchantId;
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((loop) => loop.close()));
});
afterAll(() => engine.close());

const rows = <T extends object>(text: string, values: unknown[] = []) =>
  engine.database.withMerchants([merchantId], (tx) => tx.rows<T>({ text, values }));

describe('the channel poller', () => {
  let shop: ShopifySimulator;
  beforeAll(async () => {
    ({ shop } = await startShop());
  });
  afterAll(() => shop.close());
  afterEach(async () => {
    shop.faults.clear();
    await run(engine, 'update channel_connection set poll_due_at = null');
  });

  async function connect(baseUrl = shop.url): Promise<string> {
    const id = uuidv7();
    await run(
      engine,
      `insert into channel_connection (id, merchant_id, channel, name, base_url, credentials_sealed, poll_due_at)
       values ($1, $2, 'shopify', 'Demo shop', $3, $4, now())`,
      [id, merchantId, baseUrl, sealSecrets(KEYS, { accessToken: 'test-token' })],
    );
    return id;
  }
  const start = (pollEveryMs = 50) => {
    const poller = startChannelPoller({
      database: engine.database,
      keys: KEYS,
      connectors: { shopify: shopifyConnector },
      log: quiet,
      intervalMs: 20,
      pollEveryMs,
    });
    running.push(poller);
    return poller;
  };
  const ordersOf = (connectionId: string) =>
    rows<{ external_id: string; payment: string; state: string }>(
      'select external_id, payment, state from sales_order where connection_id = $1 order by external_id',
      [connectionId],
    );
  const connection = (id: string) =>
    one<{ poll_error: string | null; poll_due_at: Date }>(
      engine,
      'select poll_error, poll_due_at from channel_connection where id = $1',
      [id],
    );

  test('finds orders whose webhook was lost, and finding them again changes nothing', async () => {
    const placed = [shop.shop.place(newOrder()), shop.shop.place(newOrder())];
    const id = await connect();
    start();
    await until(async () => (await ordersOf(id)).length === 2);
    expect((await ordersOf(id)).map((found) => found.external_id).sort()).toEqual(
      placed.map((each) => String(each.id)).sort(),
    );
    const inbox = () => rows('select from inbox where source = $1', [`shopify:${id}`]);
    const before = (await inbox()).length;
    const { poll_due_at } = await connection(id);
    // Several more polls, over the same cursor.
    await until(async () => (await connection(id)).poll_due_at.getTime() > poll_due_at.getTime() + 300);
    expect((await inbox()).length).toBe(before);
    expect((await ordersOf(id)).length).toBe(2);
  });

  test('takes up what changed in the shop meanwhile: paid, cancelled', async () => {
    const [paid, cancelled] = [
      shop.shop.place(newOrder({ financial_status: 'pending' })),
      shop.shop.place(newOrder()),
    ];
    const id = await connect();
    start();
    const find = async (externalId: number | string) =>
      (await ordersOf(id)).find((found) => found.external_id === String(externalId));
    await until(
      async () => (await find(paid.id))?.payment === 'pending' && (await find(cancelled.id)) !== undefined,
    );
    shop.shop.pay(paid.id);
    shop.shop.cancel(cancelled.id);
    await until(async () => (await find(paid.id))?.payment === 'captured');
    await until(async () => (await find(cancelled.id))?.state === 'cancelled');
  });

  test('a shop that is away says so, is tried again, and holds up no other shop', async () => {
    const away = await connect('http://127.0.0.1:1');
    const well = await connect();
    start();
    const known = (await ordersOf(well)).length;
    shop.shop.place(newOrder());
    await until(async () => (await ordersOf(well)).length > known);
    const failed = await until(async () => {
      const row = await connection(away);
      return row.poll_error !== null && row;
    });
    expect(failed.poll_error).toContain('PartnerUnavailable');
    await until(async () => (await connection(away)).poll_due_at > failed.poll_due_at);
    await run(engine, 'update channel_connection set base_url = $2 where id = $1', [away, shop.url]);
    await until(async () => (await connection(away)).poll_error === null);
  });

  test('two dispatchers never poll one shop at the same time, and a killed one’s lease runs out', async () => {
    const id = await connect();
    await run(
      engine,
      "update channel_connection set poll_leased_until = now() + interval '400 ms' where id = $1",
      [id],
    );
    const started = Date.now();
    start(60_000);
    start(60_000);
    await until(async () => (await connection(id)).poll_due_at.getTime() > Date.now() + 30_000);
    expect(Date.now() - started).toBeGreaterThan(350);
  });
});

describe('the carrier poller', () => {
  let easypost: EasyPostSimulator;
  let account: CarrierAccount;
  beforeAll(async () => {
    easypost = await startEasyPostSimulator({
      settings: { transit: { startsAt: 'handover', firstScanMs: 0, stepMs: 0 }, refunds: { settleMs: 300 } },
    });
    account = {
      accountId: uuidv7(),
      baseUrl: easypost.url,
      credentials: { apiKey: DEMO_API_KEY },
      timeoutMs: 2_000,
    };
    await run(
      engine,
      `insert into carrier_account (id, organisation_id, provider, name, base_url, credentials_sealed, webhook_path_sha256)
       values ($1, $2, 'easypost', 'Demo carrier', $3, $4, $5)`,
      [
        account.accountId,
        engine.merchant.organisationId,
        easypost.url,
        sealSecrets(KEYS, account.credentials),
        randomBytes(32),
      ],
    );
  });
  afterAll(() => easypost.close());
  afterEach(() => easypost.faults.clear());

  const start = (trackEveryMs = 60_000) => {
    const poller = startCarrierPoller({
      database: engine.database,
      keys: KEYS,
      connectors: { easypost: easyPostConnector },
      log: quiet,
      intervalMs: 20,
      trackEveryMs,
    });
    running.push(poller);
  };

  /** A parcel of ours whose label was bought at the simulated carrier. */
  async function bought(labelState: string) {
    const { orderId } = await order(engine);
    const part = await shippedPart(engine, orderId);
    const place = { company: null, line2: null, country: 'US', phone: '5550100', email: null, name: 'Demo' };
    const shipment = await easyPostConnector.createShipment(account, {
      reference: `${part.parcelId}:label:1`,
      from: { ...place, line1: '1 Demo Street', city: 'Hoboken', region: 'NJ', postalCode: '07030' },
      to: { ...place, line1: '1 Demo Street', city: 'Columbus', region: 'OH', postalCode: '43215' },
      parcel: { weightGrams: 700, lengthMm: 300, widthMm: 200, heightMm: 100 },
    });
    const rate = shipment.rates[0]?.externalRateId as string;
    const label = await easyPostConnector.buyLabel(account, shipment.externalShipmentId, rate);
    await run(
      engine,
      'update parcel set tracking_number = $2, carrier = $3, carrier_account_id = $4 where id = $1',
      [part.parcelId, label.trackingNumber, label.carrier, account.accountId],
    );
    await run(
      engine,
      'update label set external_shipment_id = $2, carrier_account_id = $3, state = $4, tracking_number = $5 where id = $1',
      [part.labelId, shipment.externalShipmentId, account.accountId, labelState, label.trackingNumber],
    );
    return { ...part, orderId, trackingNumber: label.trackingNumber };
  }

  const parcel = (id: string) =>
    one<{ state: string; track_due_at: Date | null }>(
      engine,
      'select state, track_due_at from parcel where id = $1',
      [id],
    );
  const label = (id: string) =>
    one<{ state: string; void_due_at: Date | null }>(
      engine,
      'select state, void_due_at from label where id = $1',
      [id],
    );
  const trackNow = (id: string) => run(engine, 'update parcel set track_due_at = now() where id = $1', [id]);
  const voidNow = (id: string) =>
    run(engine, "update label set state = 'void_requested', void_due_at = now() where id = $1", [id]);

  test('finds where a parcel is when no webhook said so, and stops asking once it arrived', async () => {
    const { parcelId, trackingNumber, orderId } = await bought('shipped');
    start();
    await trackNow(parcelId);
    // Under its lease it is due in two minutes, once it was asked about in one.
    await until(async () => {
      const inMs = ((await parcel(parcelId)).track_due_at?.getTime() ?? 0) - Date.now();
      return inMs > 30_000 && inMs < 90_000;
    });
    expect((await parcel(parcelId)).state).toBe('shipped');
    easypost.handOver([trackingNumber]);
    await trackNow(parcelId);
    await until(async () => (await parcel(parcelId)).state === 'delivered');
    expect((await parcel(parcelId)).track_due_at).toBeNull();
    expect(await one(engine, 'select state from sales_order where id = $1', [orderId])).toEqual({
      state: 'delivered',
    });
  });

  test('asks for a void, follows it to its end, and records it', async () => {
    const { labelId } = await bought('purchased');
    start();
    await voidNow(labelId);
    // Requested first; settled by the carrier afterwards.
    await until(async () => ((await label(labelId)).void_due_at?.getTime() ?? 0) > Date.now() + 3_600_000);
    await until(() => easypost.journal.facts('refund_settled').length === 1);
    expect((await label(labelId)).state).toBe('void_requested');
    await run(engine, 'update label set void_due_at = now() where id = $1', [labelId]);
    await until(async () => (await label(labelId)).state === 'voided');
    expect((await label(labelId)).void_due_at).toBeNull();
    expect(easypost.journal.facts('refund_requested').length).toBe(1);
  });

  test('a void that the carrier refuses stays visible as refused and is asked for again', async () => {
    easypost.changeSettings({ refunds: { outcome: 'rejected' } });
    const { labelId } = await bought('purchased');
    start();
    await voidNow(labelId);
    await until(async () => {
      await run(engine, "update label set void_due_at = now() where id = $1 and state = 'void_requested'", [
        labelId,
      ]);
      return (await label(labelId)).state === 'void_rejected';
    });
    const { void_due_at } = await until(async () => {
      const row = await label(labelId);
      return (row.void_due_at?.getTime() ?? 0) > Date.now() + 3_600_000 && row;
    });
    expect(void_due_at?.getTime()).toBeLessThan(Date.now() + 25 * 3_600_000);
    easypost.changeSettings({ refunds: { outcome: 'refunded' } });
    await until(async () => {
      await run(engine, 'update label set void_due_at = now() where id = $1 and void_due_at is not null', [
        labelId,
      ]);
      return (await label(labelId)).state === 'voided';
    });
  });

  test('a carrier that is away is asked again after its lease, and nothing is lost', async () => {
    const { parcelId } = await bought('shipped');
    easypost.faults.set([{ kind: 'server_error', match: { path: '/v2/trackers' } }]);
    start();
    await trackNow(parcelId);
    const { track_due_at } = await until(async () => {
      const row = await parcel(parcelId);
      return (row.track_due_at?.getTime() ?? 0) > Date.now() + 60_000 && row;
    });
    expect(track_due_at?.getTime()).toBeLessThan(Date.now() + 130_000);
    expect((await parcel(parcelId)).state).toBe('shipped');
  });
});
