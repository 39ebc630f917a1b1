/** A label's purchase, whatever happens on the way; over HTTP against the simulator. */
import { easyPostConnector as easyPost } from '../../../../connectors/carriers/easypost';
import type { CarrierShipment } from '../../../../connectors/carriers/port';
import { type EasyPostSimulator, startEasyPostSimulator } from '../../../../simulators/easypost';
import { accountOf, cannedServer, cheapest, failureOf, json, shipmentRequest } from './support';

let simulator: EasyPostSimulator;
const still = { transit: { startsAt: 'handover', firstScanMs: 0, stepMs: 0 } } as const;
const account = (timeoutMs?: number) => accountOf(simulator.url, timeoutMs);

beforeAll(async () => {
  simulator = await startEasyPostSimulator({ settings: still });
});
afterAll(() => simulator.close());
afterEach(() => {
  simulator.faults.clear();
  simulator.changeSettings({
    ...still,
    purchase: { delayMs: 0, answers: [] },
    refunds: { outcome: 'refunded', settleMs: 0, answers: [] },
  });
});

function bought(shipment: CarrierShipment) {
  const facts = simulator.journal.facts('label_bought');
  return facts.filter(({ fact }) => fact['shipmentId'] === shipment.externalShipmentId);
}

async function boughtShipment() {
  const shipment = await easyPost.createShipment(account(), shipmentRequest());
  const label = await easyPost.buyLabel(account(), shipment.externalShipmentId, cheapest(shipment));
  return { shipment, label, id: shipment.externalShipmentId };
}

describe('a purchase', () => {
  test('is created under our reference, quotes canonical services in minor units, and buys the rate that was chosen', async () => {
    const request = shipmentRequest();
    const shipment = await easyPost.createShipment(account(), request);
    expect(shipment.label).toBeNull();
    expect(
      shipment.rates.map(({ service, amountMinor, currency }) => [service, amountMinor, currency]),
    ).toEqual(
      expect.arrayContaining([
        ['usps_ground_advantage', 593n, 'USD'],
        ['usps_priority', 690n, 'USD'],
        ['ups_ground', 908n, 'USD'],
        ['fedex_home_delivery', 941n, 'USD'],
      ]),
    );
    const label = await easyPost.buyLabel(account(), shipment.externalShipmentId, cheapest(shipment));
    expect(label).toMatchObject({ service: 'usps_ground_advantage', carrier: 'USPS', amountMinor: 593n });
    expect(bought(shipment)).toMatchObject([
      { fact: { reference: request.reference, trackingCode: label.trackingNumber, amountMinor: '593' } },
    ]);
    const file = await fetch(label.labelUrl);
    expect(file.headers.get('content-type')).toBe('application/pdf');
    expect(
      Buffer.from(await file.arrayBuffer())
        .subarray(0, 5)
        .toString(),
    ).toBe('%PDF-');
  });

  test('that succeeds and then times out is one label, found by id', async () => {
    const shipment = await easyPost.createShipment(account(), shipmentRequest());
    simulator.faults.set([
      { kind: 'success_then_timeout', match: { path: '^/v2/shipments/.*/buy$' }, times: 1 },
    ]);
    const failure = await failureOf(
      easyPost.buyLabel(account(200), shipment.externalShipmentId, cheapest(shipment)),
    );
    expect(failure.type).toBe('PartnerOutcomeUnknown');
    const found = await easyPost.getShipment(account(), shipment.externalShipmentId);
    expect(found.label?.trackingNumber).toBe(bought(shipment)[0]?.fact['trackingCode']);
    const again = await easyPost.buyLabel(account(), shipment.externalShipmentId, cheapest(shipment));
    expect(again).toEqual(found.label);
    expect(bought(shipment)).toHaveLength(1);
  });

  test('made twice adopts the label of the first, also when another rate is asked for', async () => {
    const { shipment, label, id } = await boughtShipment();
    const other = shipment.rates.find(({ externalRateId }) => externalRateId !== cheapest(shipment));
    const second = await easyPost.buyLabel(account(), id, other?.externalRateId ?? '');
    expect(second).toEqual(label);
    expect(bought(shipment)).toHaveLength(1);
  });

  test('made ten times at once is one label, and every caller learns of it or that it is unknown', async () => {
    simulator.changeSettings({ purchase: { delayMs: 100 } });
    const shipment = await easyPost.createShipment(account(), shipmentRequest());
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, () =>
        easyPost.buyLabel(account(), shipment.externalShipmentId, cheapest(shipment)),
      ),
    );
    expect(bought(shipment)).toHaveLength(1);
    const told = outcomes.map((outcome) =>
      outcome.status === 'fulfilled' ? outcome.value.trackingNumber : outcome.reason.type,
    );
    expect(new Set(told)).toEqual(
      new Set([bought(shipment)[0]?.fact['trackingCode'], 'PartnerOutcomeUnknown']),
    );
  });

  test.each([
    'SHIPMENT.PURCHASE.IN_PROGRESS',
    'SHIPMENT.POSTAGE.TIMED_OUT',
    'SHIPMENT.POSTAGE.NO_RESPONSE',
    'POSTAGE.TIMED_OUT',
  ])('answered %s is unknown, whether or not there is a label', async (code) => {
    for (const acts of [true, false]) {
      simulator.changeSettings({ purchase: { answers: [{ code, acts }] } });
      const shipment = await easyPost.createShipment(account(), shipmentRequest());
      const id = shipment.externalShipmentId;
      const failure = await failureOf(easyPost.buyLabel(account(), id, cheapest(shipment)));
      expect(failure).toMatchObject({ type: 'PartnerOutcomeUnknown', details: { code } });
      expect((await easyPost.getShipment(account(), id)).label !== null).toBe(acts);
      await easyPost.buyLabel(account(), id, cheapest(shipment));
      expect(bought(shipment)).toHaveLength(1);
    }
  });

  test('answered 200 with an error in its body is no success', async () => {
    simulator.changeSettings({ purchase: { answers: [{ code: 'SOMETHING.NEW', status: 200, acts: true }] } });
    const shipment = await easyPost.createShipment(account(), shipmentRequest());
    const id = shipment.externalShipmentId;
    const failure = await failureOf(easyPost.buyLabel(account(), id, cheapest(shipment)));
    expect(failure).toMatchObject({ type: 'PartnerOutcomeUnknown', details: { code: 'SOMETHING.NEW' } });
    expect((await easyPost.getShipment(account(), id)).label).not.toBeNull();
  });

  test.each([
    ['malformed_body', 'PartnerOutcomeUnknown', 1],
    ['connection_reset', 'PartnerOutcomeUnknown', 0],
    ['server_error', 'PartnerOutcomeUnknown', 0],
    ['rate_limit', 'PartnerRateLimited', 0],
  ] as const)('that meets %s is %s, and the next attempt ends with one label', async (kind, type, labels) => {
    const shipment = await easyPost.createShipment(account(), shipmentRequest());
    const id = shipment.externalShipmentId;
    simulator.faults.set([{ kind, match: { path: '^/v2/shipments/.*/buy$' }, times: 1, latencyMs: 3_000 }]);
    const failure = await failureOf(easyPost.buyLabel(account(), id, cheapest(shipment)));
    expect(failure.type).toBe(type);
    if (kind === 'rate_limit') expect(failure.retryAfterMs).toBe(3_000);
    expect(bought(shipment)).toHaveLength(labels);
    await easyPost.buyLabel(account(), id, cheapest(shipment));
    expect(bought(shipment)).toHaveLength(1);
  });

  test.each([
    ['a shipment without a label', { id: 'shp_1', rates: [] }],
    ['a label without a number', { id: 'shp_1', postage_label: { label_url: 'https://x.example' } }],
    ['a list', []],
    ['nothing', ''],
    ['a web page', '<h1>Welcome</h1>'],
  ])('answered with %s is unknown', async (_name, body) => {
    const partner = await cannedServer(json(200, body));
    const failure = await failureOf(easyPost.buyLabel(accountOf(partner.url), 'shp_1', 'rate_1'));
    expect(failure.type).toBe('PartnerOutcomeUnknown');
    await partner.close();
  });

  test.each([
    [422, 'SHIPMENT.MISSING_RATE', 'PartnerRejected'],
    [422, 'SHIPMENT.POSTAGE.FAILURE', 'PartnerRejected'],
    [402, 'INSUFFICIENT_FUNDS', 'PartnerRejected'],
    [422, 'ADDRESS.VERIFY.FAILURE', 'AddressUndeliverable'],
    [422, 'SHIPMENT.RATES.UNAVAILABLE', 'NoServiceAvailable'],
    [401, 'APIKEY.INACTIVE', 'PartnerUnauthorised'],
  ])('refused with %i %s ends as %s, with the code for whoever reads it', async (status, code, type) => {
    const partner = await cannedServer(
      json(status, { error: { code, message: 'no', errors: ['a sentence'] } }),
    );
    const failure = await failureOf(easyPost.buyLabel(accountOf(partner.url), 'shp_1', 'rate_1'));
    expect(failure.type).toBe(type);
    if (status !== 401) expect(failure.details).toMatchObject({ status, code });
    expect(partner.requests).toEqual(['POST /v2/shipments/shp_1/buy']);
    await partner.close();
  });

  test('whose label comes inside the answer is asked for a file with an address, and is unknown without one', async () => {
    const rate = { id: 'rate_1', carrier: 'USPS', service: 'Priority', rate: '6.90', currency: 'USD' };
    const shipment = (pdf: string | null) => ({
      id: 'shp_1',
      selected_rate: rate,
      tracking_code: '94001',
      postage_label: { label_url: null, label_pdf_url: pdf, label_file: 'JVBERi0=' },
    });
    let file: string | null = 'https://files.example/label.pdf';
    const partner = await cannedServer((req, res) =>
      json(200, shipment(req.url?.includes('/label') ? file : null))(req, res),
    );
    const label = await easyPost.buyLabel(accountOf(partner.url), 'shp_1', 'rate_1');
    expect(label).toMatchObject({ labelUrl: file, trackingNumber: '94001', amountMinor: 690n });
    expect(partner.requests).toEqual([
      'POST /v2/shipments/shp_1/buy',
      'GET /v2/shipments/shp_1/label?file_format=PDF',
    ]);
    file = null;
    const failure = await failureOf(easyPost.buyLabel(accountOf(partner.url), 'shp_1', 'rate_1'));
    expect(failure.type).toBe('PartnerOutcomeUnknown');
    await partner.close();
  });

  test('that finds a label and then cannot read it is unknown, never undone', async () => {
    const { shipment, id } = await boughtShipment();
    simulator.faults.set([
      { kind: 'server_error', match: { method: 'GET', path: `/v2/shipments/${id}` }, times: 1 },
    ]);
    const failure = await failureOf(easyPost.buyLabel(account(), id, cheapest(shipment)));
    expect(failure.type).toBe('PartnerOutcomeUnknown');
    simulator.faults.set([
      {
        kind: 'rate_limit',
        match: { method: 'GET', path: `/v2/shipments/${id}` },
        times: 1,
        latencyMs: 2_000,
      },
    ]);
    expect(await failureOf(easyPost.buyLabel(account(), id, cheapest(shipment)))).toMatchObject({
      type: 'PartnerOutcomeUnknown',
      retryAfterMs: 2_000,
    });
  });

  test('for an address that no carrier serves says so', async () => {
    const shipment = await easyPost.createShipment(account(), shipmentRequest({ line1: 'UNDELIVERABLE 12' }));
    const failure = await failureOf(
      easyPost.buyLabel(account(), shipment.externalShipmentId, cheapest(shipment)),
    );
    expect(failure).toMatchObject({
      type: 'AddressUndeliverable',
      details: { fieldCodes: ['E.ADDRESS.NOT_FOUND'] },
    });
    expect(bought(shipment)).toHaveLength(0);
  });
});
