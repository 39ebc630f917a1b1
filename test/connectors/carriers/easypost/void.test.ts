/** What happens to a label afterwards: its void, followed to the end, and the manifest; over HTTP. */
import { easyPostConnector as easyPost } from '../../../../connectors/carriers/easypost';
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

async function boughtShipment() {
  const shipment = await easyPost.createShipment(account(), shipmentRequest());
  const label = await easyPost.buyLabel(account(), shipment.externalShipmentId, cheapest(shipment));
  return { shipment, label, id: shipment.externalShipmentId };
}

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
    expect((await failureOf(easyPost.voidLabel(account(1_000), id))).type).toBe('PartnerOutcomeUnknown');
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
