/** Shipments and checks of addresses: what costs nothing and may be repeated; over HTTP. */
import { easyPostConnector as easyPost } from '../../../../connectors/carriers/easypost';
import { type EasyPostSimulator, startEasyPostSimulator } from '../../../../simulators/easypost';
import { accountOf, cannedServer, cheapest, demoAddress, failureOf, json, shipmentRequest } from './support';

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
