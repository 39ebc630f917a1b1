/** A label's purchase, void and manifest, whatever happens on the way; over HTTP against the simulator. */
import { easyPostConnector as easyPost } from '../../../../connectors/carriers/easypost';
import type { CarrierShipment } from '../../../../connectors/carriers/port';
import { type EasyPostSimulator, startEasyPostSimulator } from '../../../../simulators/easypost';
import { accountOf, cannedServer, demoAddress, failureOf, json, shipmentRequest } from './support';

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

function cheapest(shipment: CarrierShipment): string {
  const [first] = [...shipment.rates].sort((a, b) => Number(a.amountMinor - b.amountMinor));
  if (first === undefined) throw new Error('no rates');
  return first.externalRateId;
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

describe('a creation', () => {
  test('in doubt is found by its reference, and creates no second shipment', async () => {
    const request = shipmentRequest();
    simulator.faults.set([
      { kind: 'success_then_timeout', match: { method: 'POST', path: '/v2/shipments' }, times: 1 },
    ]);
    expect((await failureOf(easyPost.createShipment(account(200), request))).type).toBe(
      'PartnerOutcomeUnknown',
    );
    const found = await easyPost.findShipmentByReference(account(), request.reference);
    const created = simulator.journal
      .facts('shipment_created')
      .filter(({ fact }) => fact['reference'] === request.reference);
    expect(created).toMatchObject([{ fact: { shipmentId: found?.externalShipmentId } }]);
    expect(found?.rates.length).toBeGreaterThan(0);
  });

  test('that never arrived is not found', async () => {
    expect(await easyPost.findShipmentByReference(account(), 'order:never:label:1')).toBeNull();
  });

  test('made twice is found as the newest one', async () => {
    const request = shipmentRequest();
    const older = await easyPost.createShipment(account(), request);
    const newer = await easyPost.createShipment(account(), request);
    await easyPost.buyLabel(account(), older.externalShipmentId, cheapest(older));
    const found = await easyPost.findShipmentByReference(account(), request.reference);
    expect(found?.externalShipmentId).toBe(newer.externalShipmentId);
  });

  test.each([
    'order:beta-shop:1:label:1',
    'order:a/b?c#d&e:label:1',
    'order:ünïcode 東京:label:1',
    'order:%2F:label:1',
  ])('under the reference %s is found by it', async (reference) => {
    const created = await easyPost.createShipment(account(), { ...shipmentRequest(), reference });
    const found = await easyPost.findShipmentByReference(account(), reference);
    expect(found?.externalShipmentId).toBe(created.externalShipmentId);
  });

  test('of another reference is never adopted', async () => {
    const partner = await cannedServer(
      json(200, { id: 'shp_1', reference: 'order:other:label:1', rates: [] }),
    );
    const failure = await failureOf(
      easyPost.findShipmentByReference(accountOf(partner.url), 'order:mine:label:1'),
    );
    expect(failure.type).toBe('PartnerMalformed');
    await partner.close();
  });

  test('of a parcel that nobody carries names the reason', async () => {
    const request = {
      ...shipmentRequest(),
      parcel: { weightGrams: 90_000, lengthMm: 1, widthMm: 1, heightMm: 1 },
    };
    const failure = await failureOf(easyPost.createShipment(account(), request));
    expect(failure.type).toBe('NoServiceAvailable');
    expect(JSON.stringify(failure.details)).toContain('too heavy');
  });

  test('without a weight is refused before anything is sent', async () => {
    const parcel = { weightGrams: 0, lengthMm: 1, widthMm: 1, heightMm: 1 };
    const failure = await failureOf(
      easyPost.createShipment(accountOf('http://127.0.0.1:1'), { ...shipmentRequest(), parcel }),
    );
    expect(failure.type).toBe('InvalidInput');
  });

  test('with a wrong or missing key is unauthorised, and with nobody there unavailable', async () => {
    const wrong = { ...account(), credentials: { apiKey: 'EZTKwrong' } };
    expect((await failureOf(easyPost.createShipment(wrong, shipmentRequest()))).type).toBe(
      'PartnerUnauthorised',
    );
    const none = { ...account(), credentials: {} };
    expect((await failureOf(easyPost.createShipment(none, shipmentRequest()))).type).toBe(
      'PartnerUnauthorised',
    );
    const nobody = accountOf('http://127.0.0.1:1');
    expect((await failureOf(easyPost.createShipment(nobody, shipmentRequest()))).type).toBe(
      'PartnerUnavailable',
    );
  });

  test('whose rates can not be read is malformed, and one bad rate among good ones is left out', async () => {
    const rate = (id: string, amount: string) => ({
      id,
      carrier: 'USPS',
      service: 'Priority',
      rate: amount,
      currency: 'USD',
    });
    const partner = await cannedServer(
      json(201, {
        id: 'shp_1',
        rates: [rate('rate_1', '7,50'), rate('rate_2', '6.90'), rate('rate_3', '-1.00')],
      }),
    );
    const shipment = await easyPost.createShipment(accountOf(partner.url), shipmentRequest());
    expect(shipment.rates.map(({ externalRateId }) => externalRateId)).toEqual(['rate_2']);
    await partner.close();
    const worse = await cannedServer(json(201, { id: 'shp_1', rates: [rate('rate_1', 'free')] }));
    expect((await failureOf(easyPost.createShipment(accountOf(worse.url), shipmentRequest()))).type).toBe(
      'PartnerMalformed',
    );
    await worse.close();
  });
});

describe('a void', () => {
  test('is followed from the request to its end', async () => {
    simulator.changeSettings({ refunds: { settleMs: 150 } });
    const { id } = await boughtShipment();
    expect(await easyPost.getVoidState(account(), id)).toBe('rejected');
    expect(await easyPost.voidLabel(account(), id)).toBe('requested');
    expect(await easyPost.voidLabel(account(), id)).toBe('requested');
    const deadline = Date.now() + 5_000;
    let state = await easyPost.getVoidState(account(), id);
    while (state === 'requested' && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      state = await easyPost.getVoidState(account(), id);
    }
    expect(state).toBe('voided');
    expect(await easyPost.voidLabel(account(), id)).toBe('voided');
    const asked = simulator.journal.facts('refund_requested').filter(({ fact }) => fact['shipmentId'] === id);
    expect(asked).toHaveLength(1);
  });

  test('that was rejected may be asked for again', async () => {
    simulator.changeSettings({ refunds: { outcome: 'rejected' } });
    const { id } = await boughtShipment();
    expect(await easyPost.voidLabel(account(), id)).toBe('rejected');
    simulator.changeSettings({ refunds: { outcome: 'refunded' } });
    expect(await easyPost.voidLabel(account(), id)).toBe('voided');
  });

  test('where the carrier bills on the first scan is not applicable, for good', async () => {
    simulator.changeSettings({ refunds: { outcome: 'not_applicable' } });
    const { id } = await boughtShipment();
    expect(await easyPost.voidLabel(account(), id)).toBe('not_applicable');
    simulator.changeSettings({ refunds: { outcome: 'refunded' } });
    expect(await easyPost.voidLabel(account(), id)).toBe('not_applicable');
  });

  test('of a shipment that was never bought asks for nothing', async () => {
    const shipment = await easyPost.createShipment(account(), shipmentRequest());
    expect(await easyPost.voidLabel(account(), shipment.externalShipmentId)).toBe('not_applicable');
  });

  test('of a parcel that was scanned is rejected, and the label stands', async () => {
    const { id, label } = await boughtShipment();
    expect(simulator.handOver([label.trackingNumber])).toBe(1);
    expect(await easyPost.voidLabel(account(), id)).toBe('rejected');
    expect((await easyPost.getShipment(account(), id)).label).toEqual(label);
  });

  test('answered 200 with an error, or not at all, is unknown, and is then found out', async () => {
    for (const acts of [true, false]) {
      const { id } = await boughtShipment();
      simulator.changeSettings({ refunds: { answers: [{ code: 'REFUND.FAILURE', status: 200, acts }] } });
      expect((await failureOf(easyPost.voidLabel(account(), id))).type).toBe('PartnerOutcomeUnknown');
      expect(await easyPost.getVoidState(account(), id)).toBe(acts ? 'voided' : 'rejected');
      expect(await easyPost.voidLabel(account(), id)).toBe('voided');
    }
    const { id } = await boughtShipment();
    simulator.faults.set([
      { kind: 'success_then_timeout', match: { path: '^/v2/shipments/.*/refund$' }, times: 1 },
    ]);
    expect((await failureOf(easyPost.voidLabel(account(300), id))).type).toBe('PartnerOutcomeUnknown');
    expect(await easyPost.voidLabel(account(), id)).toBe('voided');
    const asked = simulator.journal.facts('refund_requested').filter(({ fact }) => fact['shipmentId'] === id);
    expect(asked).toHaveLength(1);
  });

  test('in a state that EasyPost does not document is malformed, not guessed', async () => {
    const shipment = {
      id: 'shp_1',
      postage_label: { label_url: 'https://x.example' },
      refund_status: 'maybe',
    };
    const partner = await cannedServer(json(200, shipment));
    expect((await failureOf(easyPost.getVoidState(accountOf(partner.url), 'shp_1'))).type).toBe(
      'PartnerMalformed',
    );
    await partner.close();
  });

  test('keeps the carrier from moving the parcel', async () => {
    const { id, label } = await boughtShipment();
    expect(await easyPost.voidLabel(account(), id)).toBe('voided');
    expect(simulator.handOver([label.trackingNumber])).toBe(0);
  });
});

describe('a manifest', () => {
  test('covers the labels it was asked for, and is the same one when asked for again', async () => {
    const ids = [(await boughtShipment()).id, (await boughtShipment()).id];
    const first = await easyPost.createManifest(account(), ids);
    expect(await easyPost.createManifest(account(), ids)).toEqual(first);
    const forms = simulator.journal.facts('scan_form_created');
    expect(forms.filter(({ fact }) => fact['scanFormId'] === first.externalManifestId)).toMatchObject([
      { fact: { shipmentIds: ids } },
    ]);
    const file = await fetch(first.formUrl ?? '');
    expect(file.headers.get('content-type')).toBe('application/pdf');
  });

  test('of nothing, or of a shipment without a label, is refused', async () => {
    expect((await failureOf(easyPost.createManifest(account(), []))).type).toBe('InvalidInput');
    const shipment = await easyPost.createShipment(account(), shipmentRequest());
    const failure = await failureOf(easyPost.createManifest(account(), [shipment.externalShipmentId]));
    expect(failure).toMatchObject({
      type: 'PartnerRejected',
      details: { code: 'SCAN_FORM.BATCH.NOT_PURCHASED' },
    });
  });
});

describe('a check of an address', () => {
  test('passes, with the carrier’s spelling beside ours', async () => {
    const verdict = await easyPost.verifyAddress(account(), demoAddress);
    expect(verdict).toMatchObject({ deliverable: true, problems: [] });
    expect(verdict.suggestion).toMatchObject({ line1: '12 EXAMPLE STREET', name: 'Demo Recipient' });
  });

  test.each([
    [{ line1: '12 UNDELIVERABLE Street' }, ['Address not found']],
    [{ line1: 'invalid', city: '', postalCode: null }, ['Address not found', 'House number is missing']],
  ])('fails %j with sentences for a person', async (change, problems) => {
    const verdict = await easyPost.verifyAddress(account(), { ...demoAddress, ...change });
    expect(verdict).toMatchObject({ deliverable: false, problems, suggestion: null });
    expect(verdict.externalId).toMatch(/^adr_/);
  });

  test('sends no name, phone or e-mail', async () => {
    let sent = '';
    const partner = await cannedServer((req, res) => {
      req.on('data', (chunk: Buffer) => {
        sent += chunk.toString();
      });
      req.on('end', () => json(201, { id: 'adr_1', street1: null, verifications: {} })(req, res));
    });
    // An answer without a verification is no verdict.
    expect((await failureOf(easyPost.verifyAddress(accountOf(partner.url), demoAddress))).type).toBe(
      'PartnerMalformed',
    );
    await partner.close();
    expect(JSON.parse(sent)).toMatchObject({ verify: true, address: { street1: '12 Example Street' } });
    for (const personal of ['Demo Recipient', '5550100', 'customer.example'])
      expect(sent).not.toContain(personal);
  });

  test('that fails in passing may be made again: it is unavailable, not unknown', async () => {
    simulator.faults.set([{ kind: 'success_then_timeout', match: { path: '/v2/addresses' }, times: 1 }]);
    expect((await failureOf(easyPost.verifyAddress(account(200), demoAddress))).type).toBe(
      'PartnerUnavailable',
    );
    simulator.faults.set([{ kind: 'malformed_body', match: { path: '/v2/addresses' }, times: 1 }]);
    expect((await failureOf(easyPost.verifyAddress(account(), demoAddress))).type).toBe('PartnerUnavailable');
  });
});
