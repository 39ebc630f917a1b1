/** What the demo and other tests rely on in the simulated EasyPost, and EasyPost's own client against it. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EasyPostClient from '@easypost/api';
import { easyPostConnector as easyPost } from '../../../../connectors/carriers/easypost';
import {
  DEMO_API_KEY,
  type EasyPostSimulator,
  startEasyPostSimulator,
} from '../../../../simulators/easypost';
import { accountOf, cannedServer, failureOf, json, shipmentRequest } from './support';

const opened: EasyPostSimulator[] = [];
async function simulate(...options: Parameters<typeof startEasyPostSimulator>) {
  const simulator = await startEasyPostSimulator(...options);
  opened.push(simulator);
  return simulator;
}
afterEach(async () => {
  for (const simulator of opened.splice(0)) await simulator.close();
});

async function buy(simulator: EasyPostSimulator, line1 = '12 Example Street') {
  const account = accountOf(simulator.url);
  const shipment = await easyPost.createShipment(account, shipmentRequest({ line1 }));
  const label = await easyPost.buyLabel(
    account,
    shipment.externalShipmentId,
    shipment.rates[0]?.externalRateId ?? '',
  );
  return { account, label, id: shipment.externalShipmentId };
}

async function until<T>(read: () => Promise<T>, done: (value: T) => boolean): Promise<T> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const value = await read();
    if (done(value) || Date.now() > deadline) return value;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('a parcel', () => {
  const atOnce = { transit: { firstScanMs: 0, stepMs: 0 } };

  test.each([
    [
      '12 Example Street',
      ['pre_transit', 'in_transit', 'in_transit', 'in_transit', 'out_for_delivery', 'delivered'],
    ],
    [
      '12 Example Street RETURN TO SENDER',
      ['pre_transit', 'in_transit', 'out_for_delivery', 'delivery_failed', 'returned_to_sender'],
    ],
    ['12 LOST PARCEL Street', ['pre_transit', 'in_transit', 'in_transit', 'lost']],
    ['12 DAMAGED PARCEL Street', ['pre_transit', 'in_transit', 'in_transit', 'damaged']],
    [
      '12 FAILED ATTEMPT Street',
      [
        'pre_transit',
        'in_transit',
        'in_transit',
        'out_for_delivery',
        'delivery_failed',
        'out_for_delivery',
        'delivered',
      ],
    ],
  ])('to %s is scanned %j, in this order, without delay where none is set', async (line1, statuses) => {
    const simulator = await simulate({ settings: atOnce });
    const { account, label } = await buy(simulator, line1);
    const facts = await easyPost.track(account, label.trackingNumber, label.carrier);
    expect(facts.map(({ status }) => status)).toEqual(statuses);
    expect(new Set(facts.map(({ occurredAt }) => occurredAt.getTime())).size).toBe(statuses.length);
  });

  test('moves step by step in a demo, and goes on after a restart', async () => {
    const stateFile = join(mkdtempSync(join(tmpdir(), 'easypost-')), 'state.jsonl');
    const settings = { transit: { firstScanMs: 20, stepMs: 20 } };
    const first = await simulate({ stateFile, settings });
    const { account, label, id } = await buy(first);
    await until(
      () => easyPost.track(account, label.trackingNumber, label.carrier),
      (facts) => facts.length > 2,
    );
    await first.close();
    opened.length = 0;
    const second = await simulate({ stateFile, settings });
    const again = accountOf(second.url);
    const facts = await until(
      () => easyPost.track(again, label.trackingNumber, label.carrier),
      (known) => known.at(-1)?.status === 'delivered',
    );
    expect(facts).toHaveLength(6);
    expect((await easyPost.getShipment(again, id)).label?.trackingNumber).toBe(label.trackingNumber);
    expect(second.journal.facts('label_bought')).toHaveLength(1);
    const other = await buy(second);
    expect(other.label.trackingNumber).not.toBe(label.trackingNumber);
  });

  test('waits for the driver where transit starts at the hand-over, and is taken once', async () => {
    const simulator = await simulate({
      settings: { transit: { startsAt: 'handover', firstScanMs: 0, stepMs: 0 } },
    });
    const { account, label } = await buy(simulator);
    const status = async () =>
      (await easyPost.track(account, label.trackingNumber, label.carrier)).at(-1)?.status;
    expect(await status()).toBe('pre_transit');
    const handOver = async () => {
      const answer = await fetch(`${simulator.url}/__handover`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ trackingCodes: [label.trackingNumber, 'unknown'] }),
      });
      return answer.json();
    };
    expect(await handOver()).toEqual({ handedOver: 1 });
    expect(await status()).toBe('delivered');
    expect(await handOver()).toEqual({ handedOver: 0 });
  });
});

describe('settings', () => {
  test('are changed one by one at run time, and refused as a whole when one is wrong', async () => {
    const simulator = await simulate();
    const put = (body: unknown) =>
      fetch(`${simulator.url}/__settings`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const before = simulator.settings();
    const answer = await put({ transit: { stepMs: 7 } });
    expect(await answer.json()).toEqual({ ...before, transit: { ...before.transit, stepMs: 7 } });
    expect((await put({ transit: { stepMs: -1 }, refunds: { settleMs: 1 } })).status).toBe(422);
    expect((await put({ transit: { speed: 'fast' } })).status).toBe(422);
    expect(simulator.settings().refunds).toEqual(before.refunds);
  });
});

describe('a label file', () => {
  test.each([
    ['PDF', 'application/pdf', '%PDF-'],
    ['PNG', 'image/png', '\x89PNG'],
    ['ZPL', 'application/zpl', '^XA'],
  ])('in %s is there for whoever has its address, and for nobody else', async (format, type, head) => {
    const simulator = await simulate();
    const account = accountOf(simulator.url);
    const wanted = { ...account, credentials: { ...account.credentials, labelFormat: format } };
    const { externalShipmentId: id, rates } = await easyPost.createShipment(wanted, shipmentRequest());
    const label = await easyPost.buyLabel(wanted, id, rates[0]?.externalRateId ?? '');
    const file = await fetch(label.labelUrl);
    expect(file.headers.get('content-type')).toContain(type);
    expect(
      Buffer.from(await file.arrayBuffer())
        .toString('latin1')
        .startsWith(head),
    ).toBe(true);
    const guessed = label.labelUrl.replace(/pl_[0-9a-f]+/, `pl_${'0'.repeat(32)}`);
    expect((await fetch(guessed)).status).toBe(404);
  });
});

describe('EasyPost’s own client', () => {
  const clientOf = (url: string, options: object = {}) =>
    new EasyPostClient(DEMO_API_KEY, { baseUrl: `${url}/v2/`, ...options });

  test('buys, tracks, refunds and is refused in the simulator as at EasyPost', async () => {
    const simulator = await simulate({ settings: { transit: { startsAt: 'handover' } } });
    const client = clientOf(simulator.url);
    const place = {
      street1: '12 Example Street',
      city: 'Springfield',
      state: 'IL',
      zip: '62701',
      country: 'US',
    };
    const address = await client.Address.createAndVerify(place);
    expect(address.verifications?.delivery?.success).toBe(true);
    const shipment = await client.Shipment.create({
      from_address: place,
      to_address: { id: address.id },
      parcel: { weight: 15.4 },
      reference: 'own-client',
    });
    const bought = await client.Shipment.buy(shipment.id, shipment.lowestRate());
    expect(bought.tracking_code).toBeTruthy();
    await expect(client.Shipment.buy(shipment.id, shipment.lowestRate())).rejects.toMatchObject({
      code: 'SHIPMENT.POSTAGE.EXISTS',
      statusCode: 422,
    });
    const tracker = await client.Tracker.create({ tracking_code: bought.tracking_code, carrier: 'USPS' });
    expect(tracker.status).toBe('pre_transit');
    expect((await client.Shipment.refund(shipment.id)).refund_status).toBe('submitted');
    await expect(client.Shipment.retrieve('shp_none')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      statusCode: 404,
    });
    await expect(
      new EasyPostClient('EZTKwrong', { baseUrl: `${simulator.url}/v2/` }).Parcel.retrieve('prcl_1'),
    ).rejects.toMatchObject({ statusCode: 401 });
    const rates = await client.Shipment.all({ page_size: 1 });
    expect(rates.shipments).toHaveLength(1);
  });

  // Why the engine does not use it; when one of these fails after an update, look again.
  test('loses what a purchase in doubt depends on', async () => {
    const endings: Record<string, unknown> = {};
    const ending = async (name: string, url: string) => {
      await clientOf(url)
        .Shipment.buy('shp_1', 'rate_1')
        .then(
          (value) => (endings[name] = `resolved ${value.id}`),
          (error: { name: string; statusCode?: number; constructor: { name: string } }) =>
            (endings[name] = error instanceof TypeError ? 'TypeError' : (error.statusCode ?? error.name)),
        );
    };
    const refused = await cannedServer(json(200, { error: { code: 'X', message: 'x', errors: [] } }));
    await ending('200 with an error', refused.url);
    expect((await failureOf(easyPost.buyLabel(accountOf(refused.url), 'shp_1', 'rate_1'))).type).toBe(
      'PartnerOutcomeUnknown',
    );
    const gateway = await cannedServer(json(502, { oops: true }));
    await ending('502', gateway.url);
    expect((await failureOf(easyPost.buyLabel(accountOf(gateway.url), 'shp_1', 'rate_1'))).type).toBe(
      'PartnerOutcomeUnknown',
    );
    expect(endings).toEqual({ '200 with an error': 'resolved undefined', '502': 'TypeError' });

    const lookedUp = await cannedServer(
      json(404, { error: { code: 'NOT_FOUND', message: 'x', errors: [] } }),
    );
    await clientOf(lookedUp.url)
      .Shipment.retrieve('order:beta:label:1')
      .catch(() => undefined);
    expect(await easyPost.findShipmentByReference(accountOf(lookedUp.url), 'order:beta:label:1')).toBeNull();
    expect(lookedUp.requests).toEqual([
      'GET /shipments/order:beta:label:1',
      'GET /v2/shipments/order%3Abeta%3Alabel%3A1',
    ]);

    let silentFor = 0;
    const silent = await cannedServer((_req, res) => {
      const since = performance.now();
      setTimeout(() => {
        silentFor = performance.now() - since;
        json(404, { error: { code: 'NOT_FOUND', message: 'x', errors: [] } })(undefined, res);
      }, 300);
    });
    await clientOf(silent.url, { timeout: 50 })
      .Shipment.retrieve('shp_1')
      .catch(() => undefined);
    expect(silentFor).toBeGreaterThanOrEqual(299);
    for (const server of [refused, gateway, lookedUp, silent]) await server.close();
  });
});
