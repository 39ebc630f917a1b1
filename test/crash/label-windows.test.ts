/** A label is bought once, wherever its buyer dies and whatever the carrier leaves in doubt. */
import { sealSecrets } from '../../db/sealed';
import { DEMO_API_KEY } from '../../simulators/easypost';
import { diesBySignal } from './dies-by-signal';
import type { BuyerOrders } from './dying-buyer';
import { around, IMPATIENT, type LabelWorld, type ParcelToBuy, startLabelWorld } from './label-world';

let world: LabelWorld;

beforeAll(async () => {
  world = await startLabelWorld();
});
afterEach(() => {
  world.easypost.faults.clear();
  world.easypost.changeSettings({ purchase: { delayMs: 0, answers: [] } });
});
afterAll(() => world?.close());

const labels = ({ parcelId }: ParcelToBuy) =>
  world.rows<{ state: string; tracking_number: string | null; failure: string | null }>(
    'select state, tracking_number, failure from label where parcel_id = $1 order by step_key',
    [parcelId],
  );

/** The one label that the carrier sold is ours, and there is no other. */
async function expectOneLabel(parcel: ParcelToBuy, trackingNumber: string): Promise<void> {
  expect(world.known('label_bought', parcel).map((fact) => fact['trackingCode'])).toEqual([trackingNumber]);
  expect(await labels(parcel)).toEqual([
    { state: 'purchased', tracking_number: trackingNumber, failure: null },
  ]);
}

/** Runs a buyer until it is dead. */
function buyerDies(parcel: ParcelToBuy, dies: BuyerOrders['dies']): Promise<void> {
  const orders: BuyerOrders = {
    appUrl: world.urls.appUrl,
    systemUrl: world.urls.systemUrl,
    key: (world.keys[0]?.key as Buffer).toString('base64'),
    parcel,
    dies,
  };
  return diesBySignal('dying-buyer.ts', orders);
}

describe('a buyer killed', () => {
  it.each([
    ['after the claim, before anything was asked', { call: 'createShipment', moment: 'before' }, 0, 1],
    [
      'after the shipment was created, before its id was written down',
      { call: 'createShipment', moment: 'after' },
      0,
      1,
    ],
    ['before the purchase was sent', { call: 'buyLabel', moment: 'before' }, 0, 1],
    ['after the purchase, before its record', { call: 'buyLabel', moment: 'after' }, 1, 1],
    ['after its record, before anybody heard of it', { call: 'record', moment: 'after' }, 1, 1],
  ] as const)('%s leaves one shipment and one label at the carrier', async (_when, dies, sold, created) => {
    const parcel = await world.packedParcel();
    await buyerDies(parcel, dies);
    expect(world.known('label_bought', parcel)).toHaveLength(sold);
    const answer = await world.buy(parcel);
    if (answer.outcome !== 'labelled') throw new Error(answer.outcome);
    await expectOneLabel(parcel, answer.trackingNumber);
    expect(world.known('shipment_created', parcel)).toHaveLength(created);
  });

  it('while the carrier was at work leaves a doubt that the next look ends, with one label', async () => {
    const parcel = await world.packedParcel();
    world.easypost.changeSettings({ purchase: { delayMs: 1_500 } });
    await buyerDies(parcel, { call: 'buyLabel', moment: 'during', afterMs: 400 });
    // The carrier is still at it: it refuses a second purchase and has no label to show yet.
    await expect(world.buy(parcel)).rejects.toMatchObject({
      type: 'PartnerOutcomeUnknown',
      nonRetryable: false,
    });
    expect(await labels(parcel)).toMatchObject([{ state: 'unknown' }]);
    for (;;) {
      const answer = await world.buy(parcel).catch(() => null);
      if (answer === null) continue;
      if (answer.outcome !== 'labelled') throw new Error(answer.outcome);
      await expectOneLabel(parcel, answer.trackingNumber);
      break;
    }
  });
});

describe('a purchase in doubt', () => {
  it.each([
    ['its answer never came', { kind: 'success_then_timeout' }],
    ['its answer could not be read', { kind: 'malformed_body' }],
    ['the carrier failed before it', { kind: 'server_error' }],
    ['the connection broke', { kind: 'connection_reset' }],
  ] as const)('because %s is looked up and adopted, never made again', async (_why, fault) => {
    const parcel = await world.packedParcel();
    world.easypost.faults.set([{ ...fault, match: { path: '^/v2/shipments/.*/buy$' }, times: 1 }]);
    const first = await world.buy(parcel, IMPATIENT).catch(() => null);
    const answer = first ?? (await world.buy(parcel));
    if (answer.outcome !== 'labelled') throw new Error(answer.outcome);
    await expectOneLabel(parcel, answer.trackingNumber);
    expect(world.known('shipment_created', parcel)).toHaveLength(1);
  });

  it.each([
    ['cannot be read', { kind: 'malformed_body' as const }],
    ['fails', { kind: 'server_error' as const }],
    ['is throttled', { kind: 'rate_limit' as const }],
  ])('stays in doubt when the look-up %s: the claim is not given up', async (_how, fault) => {
    const parcel = await world.packedParcel();
    world.easypost.changeSettings({
      purchase: { answers: [{ code: 'SHIPMENT.POSTAGE.TIMED_OUT', acts: true }] },
    });
    world.easypost.faults.set([{ ...fault, match: { method: 'GET', path: '/v2/shipments/' }, times: 2 }]);
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      await expect(world.buy(parcel)).rejects.toMatchObject({ nonRetryable: false });
      expect(await labels(parcel)).toMatchObject([{ state: 'unknown' }]);
    }
    const answer = await world.buy(parcel);
    if (answer.outcome !== 'labelled') throw new Error(answer.outcome);
    await expectOneLabel(parcel, answer.trackingNumber);
  });

  it('stays in doubt when the account is refused meanwhile', async () => {
    const parcel = await world.packedParcel();
    await expect(
      world.buy(
        parcel,
        around('buyLabel', 'after', () => Promise.reject(new Error('died'))),
      ),
    ).rejects.toThrow();
    await world.rows('update carrier_account set credentials_sealed = $1', [
      sealSecrets(world.keys, { apiKey: 'revoked' }),
    ]);
    await expect(world.buy(parcel)).rejects.toMatchObject({ type: 'PartnerOutcomeUnknown' });
    expect(await labels(parcel)).toMatchObject([{ state: 'unknown' }]);
    await world.rows('update carrier_account set credentials_sealed = $1', [
      sealSecrets(world.keys, { apiKey: DEMO_API_KEY }),
    ]);
    const answer = await world.buy(parcel);
    if (answer.outcome !== 'labelled') throw new Error(answer.outcome);
    await expectOneLabel(parcel, answer.trackingNumber);
  });

  it('is one label when two attempts create a shipment each, for only the one written down is bought', async () => {
    const parcel = await world.packedParcel();
    let waiting = 0;
    let go: () => void = () => undefined;
    const both = new Promise<void>((resolve) => {
      go = resolve;
    });
    const together = around('createShipment', 'before', () => {
      waiting += 1;
      if (waiting === 2) go();
      return both;
    });
    await Promise.allSettled([world.buy(parcel, together), world.buy(parcel, together)]);
    const answer = await world.buy(parcel);
    if (answer.outcome !== 'labelled') throw new Error(answer.outcome);
    expect(world.known('shipment_created', parcel)).toHaveLength(2);
    await expectOneLabel(parcel, answer.trackingNumber);
  });
});

describe('a refusal for good', () => {
  it('ends the claim, and the next one is a purchase of its own', async () => {
    const parcel = await world.packedParcel();
    world.easypost.changeSettings({
      purchase: { answers: [{ code: 'INSUFFICIENT_FUNDS', status: 402, acts: false }] },
    });
    await expect(world.buy(parcel)).rejects.toMatchObject({ type: 'PartnerRejected', nonRetryable: true });
    expect(await labels(parcel)).toMatchObject([{ state: 'failed' }]);
    const answer = await world.buy(parcel);
    expect(answer).toMatchObject({ outcome: 'labelled' });
    expect(world.known('label_bought', parcel)).toHaveLength(1);
    expect((await labels(parcel)).map(({ state }) => state)).toEqual(['failed', 'purchased']);
  });
});
