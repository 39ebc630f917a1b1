/** A label is bought once, wherever its buyer dies and whatever the carrier leaves in doubt. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { uuidv7 } from 'uuidv7';
import { Database } from '../../db/client';
import { sealSecrets } from '../../db/sealed';
import { DEMO_API_KEY, type EasyPostSimulator, startEasyPostSimulator } from '../../simulators/easypost';
import { packNext, pickNext, plannedOrder } from '../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { type TestDatabase, testDatabase } from '../support/postgres';
import type { BuyerOrders } from './dying-buyer';
import { around, buyLabelOnce, IMPATIENT } from './label-world';

const KEYS = [{ id: 'test', key: randomBytes(32) }];
const still = { transit: { startsAt: 'handover', firstScanMs: 0, stepMs: 0 } } as const;

let urls: TestDatabase;
let database: Database;
let merchant: SeededMerchant;
let easypost: EasyPostSimulator;

beforeAll(async () => {
  urls = await testDatabase();
  database = new Database({ appUrl: urls.appUrl, systemUrl: urls.systemUrl });
  merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 100 }] });
  easypost = await startEasyPostSimulator({ settings: still });
  await database.withMerchants([merchant.merchantId], (tx) =>
    tx.run({
      text: `insert into carrier_account (id, organisation_id, provider, name, base_url, credentials_sealed, webhook_path_sha256)
        values ($1, $2, 'easypost', 'Demo carrier', $3, $4, $5)`,
      values: [
        uuidv7(),
        merchant.organisationId,
        easypost.url,
        sealSecrets(KEYS, { apiKey: DEMO_API_KEY }),
        randomBytes(32),
      ],
    }),
  );
});
afterEach(() => {
  easypost.faults.clear();
  easypost.changeSettings({ purchase: { delayMs: 0, answers: [] } });
});
afterAll(async () => {
  await easypost?.close();
  await database?.close();
  await urls?.drop();
});

async function packedParcel(): Promise<string> {
  await plannedOrder(database, merchant, [{ sku: 'A', quantity: 1 }]);
  await pickNext(database, merchant);
  return packNext(database, merchant);
}

const parcelOf = (parcelId: string) => ({ merchantId: merchant.merchantId, parcelId });
const buy = (parcelId: string, carrier?: Parameters<typeof buyLabelOnce>[3]) =>
  buyLabelOnce(database, KEYS, parcelOf(parcelId), carrier);

/** What the carrier knows to have happened for this parcel. */
const known = (kind: 'shipment_created' | 'label_bought', parcelId: string) =>
  easypost.journal
    .facts(kind)
    .filter(({ fact }) => String(fact['reference']).startsWith(`${parcelId}:label:`));

const labels = (parcelId: string) =>
  database.withMerchants([merchant.merchantId], (tx) =>
    tx.rows<{ state: string; tracking_number: string | null; failure: string | null }>({
      text: 'select state, tracking_number, failure from label where parcel_id = $1 order by step_key',
      values: [parcelId],
    }),
  );

/** The one label that the carrier sold is ours, and there is no other. */
async function expectOneLabel(parcelId: string, trackingNumber: string): Promise<void> {
  expect(known('label_bought', parcelId).map(({ fact }) => fact['trackingCode'])).toEqual([trackingNumber]);
  expect(await labels(parcelId)).toEqual([
    { state: 'purchased', tracking_number: trackingNumber, failure: null },
  ]);
}

/** Runs a buyer until it is dead. @throws when it ended by anything but the signal. */
async function buyerDies(parcelId: string, dies: BuyerOrders['dies']): Promise<void> {
  const orders: BuyerOrders = {
    appUrl: urls.appUrl,
    systemUrl: urls.systemUrl,
    key: (KEYS[0]?.key as Buffer).toString('base64'),
    parcel: parcelOf(parcelId),
    dies,
  };
  const script = path.join(__dirname, 'dying-buyer.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(orders)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += String(chunk);
  });
  const signal = await new Promise((resolve) => child.once('close', (_code, name) => resolve(name)));
  if (signal !== 'SIGKILL') throw new Error(`the buyer was not killed: ${said}`);
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
    const parcelId = await packedParcel();
    await buyerDies(parcelId, dies);
    expect(known('label_bought', parcelId)).toHaveLength(sold);
    const answer = await buy(parcelId);
    if (answer.outcome !== 'labelled') throw new Error(answer.outcome);
    await expectOneLabel(parcelId, answer.trackingNumber);
    expect(known('shipment_created', parcelId)).toHaveLength(created);
  });

  it('while the carrier was at work leaves a doubt that the next look ends, with one label', async () => {
    const parcelId = await packedParcel();
    easypost.changeSettings({ purchase: { delayMs: 1_500 } });
    await buyerDies(parcelId, { call: 'buyLabel', moment: 'during', afterMs: 400 });
    // The carrier is still at it: it refuses a second purchase and has no label to show yet.
    await expect(buy(parcelId)).rejects.toMatchObject({ type: 'PartnerOutcomeUnknown', nonRetryable: false });
    expect(await labels(parcelId)).toMatchObject([{ state: 'unknown' }]);
    for (;;) {
      const answer = await buy(parcelId).catch(() => null);
      if (answer === null) continue;
      if (answer.outcome !== 'labelled') throw new Error(answer.outcome);
      await expectOneLabel(parcelId, answer.trackingNumber);
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
    const parcelId = await packedParcel();
    easypost.faults.set([{ ...fault, match: { path: '^/v2/shipments/.*/buy$' }, times: 1 }]);
    const first = await buy(parcelId, IMPATIENT).catch(() => null);
    const answer = first ?? (await buy(parcelId));
    if (answer.outcome !== 'labelled') throw new Error(answer.outcome);
    await expectOneLabel(parcelId, answer.trackingNumber);
    expect(known('shipment_created', parcelId)).toHaveLength(1);
  });

  it.each([
    ['cannot be read', { kind: 'malformed_body' as const }],
    ['fails', { kind: 'server_error' as const }],
    ['is throttled', { kind: 'rate_limit' as const }],
  ])('stays in doubt when the look-up %s: the claim is not given up', async (_how, fault) => {
    const parcelId = await packedParcel();
    easypost.changeSettings({
      purchase: { answers: [{ code: 'SHIPMENT.POSTAGE.TIMED_OUT', acts: true }] },
    });
    easypost.faults.set([{ ...fault, match: { method: 'GET', path: '/v2/shipments/' }, times: 2 }]);
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      await expect(buy(parcelId)).rejects.toMatchObject({ nonRetryable: false });
      expect(await labels(parcelId)).toMatchObject([{ state: 'unknown' }]);
    }
    const answer = await buy(parcelId);
    if (answer.outcome !== 'labelled') throw new Error(answer.outcome);
    await expectOneLabel(parcelId, answer.trackingNumber);
  });

  it('stays in doubt when the account is refused meanwhile', async () => {
    const parcelId = await packedParcel();
    await expect(
      buy(
        parcelId,
        around('buyLabel', 'after', () => Promise.reject(new Error('died'))),
      ),
    ).rejects.toThrow();
    const account = (text: string, values: unknown[]) =>
      database.withMerchants([merchant.merchantId], (tx) => tx.run({ text, values }));
    await account('update carrier_account set credentials_sealed = $1', [
      sealSecrets(KEYS, { apiKey: 'revoked' }),
    ]);
    await expect(buy(parcelId)).rejects.toMatchObject({ type: 'PartnerOutcomeUnknown' });
    expect(await labels(parcelId)).toMatchObject([{ state: 'unknown' }]);
    await account('update carrier_account set credentials_sealed = $1', [
      sealSecrets(KEYS, { apiKey: DEMO_API_KEY }),
    ]);
    const answer = await buy(parcelId);
    if (answer.outcome !== 'labelled') throw new Error(answer.outcome);
    await expectOneLabel(parcelId, answer.trackingNumber);
  });

  it('is one label when two attempts create a shipment each, for only the one written down is bought', async () => {
    const parcelId = await packedParcel();
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
    await Promise.allSettled([buy(parcelId, together), buy(parcelId, together)]);
    const answer = await buy(parcelId);
    if (answer.outcome !== 'labelled') throw new Error(answer.outcome);
    expect(known('shipment_created', parcelId)).toHaveLength(2);
    await expectOneLabel(parcelId, answer.trackingNumber);
  });
});

describe('a refusal for good', () => {
  it('ends the claim, and the next one is a purchase of its own', async () => {
    const parcelId = await packedParcel();
    easypost.changeSettings({
      purchase: { answers: [{ code: 'INSUFFICIENT_FUNDS', status: 402, acts: false }] },
    });
    await expect(buy(parcelId)).rejects.toMatchObject({ type: 'PartnerRejected', nonRetryable: true });
    expect(await labels(parcelId)).toMatchObject([{ state: 'failed' }]);
    const answer = await buy(parcelId);
    expect(answer).toMatchObject({ outcome: 'labelled' });
    expect(known('label_bought', parcelId)).toHaveLength(1);
    expect((await labels(parcelId)).map(({ state }) => state)).toEqual(['failed', 'purchased']);
  });
});
