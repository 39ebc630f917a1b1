/**
 * Every step of an order, and every undo, fails at each of its statements in turn: nothing of it stays.
 * Then its answer is lost after the commit and it is done again: nothing changes any more.
 */
import { randomUUID } from 'node:crypto';
import { checkIn } from '../../checks/check';
import { acceptOrder } from '../../commands/accept-order';
import { blockOrder } from '../../commands/block-order';
import { cancelOrder } from '../../commands/cancel-order';
import { correctAddress, updatePayment } from '../../commands/change-order';
import { closeOrder } from '../../commands/close-order';
import { claimNextTask } from '../../commands/floor/claim-next-task';
import { closeCarton } from '../../commands/floor/close-carton';
import { scanPack } from '../../commands/floor/scan-pack';
import { scanPick } from '../../commands/floor/scan-pick';
import { settleShortPick } from '../../commands/floor/settle-short-pick';
import { shipScan } from '../../commands/floor/ship-scan';
import { shortPick } from '../../commands/floor/short-pick';
import { holdOrder, releaseHold } from '../../commands/hold-order';
import { Intake } from '../../commands/intake/intake';
import { claimLabel, recordCarrierShipment, recordLabelPurchase } from '../../commands/label';
import { receiveTracking } from '../../commands/receive-tracking';
import { ShipStep } from '../../commands/ship-order';
import { adjustStock } from '../../commands/stock/adjust-stock';
import { Database } from '../../db/client';
import { stepKey } from '../../domain/step-key';
import { bookErrors, rowsOf, seedCarrierAccount, staff, warehouseOf } from '../support/floor-steps';
import { type MerchantSeed, type SeededMerchant, seedMerchant } from '../support/merchant';
import { demoOrder } from '../support/order';
import { type TestDatabase, testDatabase } from '../support/postgres';
import { failingAt, losingAnswers, type Rows, rowReader, StatementFailed } from './failing-database';
import { slate } from './slate';

let urls: TestDatabase;
let database: Database;
let reader: Awaited<ReturnType<typeof rowReader>>;

beforeAll(async () => {
  urls = await testDatabase();
  database = new Database({ appUrl: urls.appUrl, systemUrl: urls.systemUrl });
  reader = await rowReader(urls.checkUrl);
});
afterAll(async () => {
  await reader?.close();
  await database?.close();
  await urls?.drop();
});

type Step<T> = (on: Database) => Promise<T>;

/** Fails the step at its commit and at each of its statements: nothing of it stays. */
async function failEverywhere(name: string, step: Step<unknown>): Promise<void> {
  const before = await reader.read();
  const fails = async (at: number | 'commit') => {
    const failing = failingAt(database, at);
    const outcome = await step(failing.database).catch((error: unknown) => error);
    if (!failing.struck() || !(outcome instanceof StatementFailed))
      throw new Error(`${name} hid that it failed at ${at}: ${String(outcome)}`);
    return failing.statements();
  };
  const statements = await fails('commit');
  expect({ name, statements }).not.toEqual({ name, statements: 0 });
  for (let at = 1; at <= statements; at += 1) await fails(at);
  expect({ failed: name, ...changed(before, await reader.read()) }).toEqual({ failed: name });
}

/** Fails the step everywhere, does it without an answer, and repeats it: nothing changes. Returns the answer. */
async function everywhere<T>(name: string, step: Step<T>): Promise<T> {
  await failEverywhere(name, step);
  await expect(step(losingAnswers(database))).rejects.toMatchObject({ type: 'DatabaseUnavailable' });
  const done = await reader.read();
  const answer = await step(database);
  expect({ repeated: name, ...changed(done, await reader.read()) }).toEqual({ repeated: name });
  return answer;
}

function changed(before: Rows, after: Rows): Rows {
  return Object.fromEntries(Object.entries(after).filter(([table, rows]) => before[table] !== rows));
}

async function world(seed: MerchantSeed = {}, change: Parameters<typeof demoOrder>[1] = {}) {
  const merchant = await seedMerchant(database, { products: [{ sku: 'A', stock: 20 }], ...seed });
  await seedCarrierAccount(database, merchant);
  const { merchantId, connectionId } = merchant;
  const order = demoOrder([{ sku: 'A', quantity: 3 }], change);
  const eventKey = randomUUID();
  const accept: Step<{ orderId: string }> = (on) =>
    acceptOrder(on, { merchantId, connectionId, order, source: 'test', eventKey, raw: null });
  return { merchant, merchantId, accept };
}

const intakeOf =
  (merchant: SeededMerchant, orderId: string, n = 1) =>
  (on: Database) =>
    new Intake(on).run({ merchantId: merchant.merchantId, orderId, stepKey: stepKey(orderId, 'intake', n) });

async function faults(): Promise<readonly string[]> {
  const checker = new Database({ appUrl: urls.checkUrl, systemUrl: urls.checkUrl, poolSize: 1 });
  try {
    const { findings } = await checker.withSystem((tx) => checkIn(tx));
    return findings.flatMap(({ detail }) => detail);
  } finally {
    await checker.close();
  }
}

describe('wherever each of its steps fails', () => {
  it('an order that is planned, held and cancelled leaves a clean slate', async () => {
    const { merchant, merchantId, accept } = await world();
    const before = await slate(database, merchant);
    const { orderId } = await everywhere('accept', accept);
    const of = { merchantId, orderId, actor: 'test' };
    await everywhere('intake', intakeOf(merchant, orderId));
    expect(await slate(database, merchant)).toMatchObject({ reservations: 1, tasks: 1 });
    await everywhere('hold', (on) => holdOrder(on, { ...of, name: 'fraud' }));
    await everywhere('cancel', (on) => cancelOrder(on, { ...of, reason: 'test' }));
    expect(await slate(database, merchant)).toEqual(before);
    expect(await bookErrors(database, merchant)).toEqual([]);
    expect(await faults()).toEqual([]);
  });

  it('an order that is blocked, paid, planned and cancelled leaves a clean slate', async () => {
    const { merchant, merchantId, accept } = await world({}, { payment: 'pending' });
    const before = await slate(database, merchant);
    const { orderId } = await everywhere('accept', accept);
    const of = { merchantId, orderId, actor: 'test' };
    await everywhere('intake that parks', intakeOf(merchant, orderId));
    expect(await slate(database, merchant)).toMatchObject({ exceptions: 1, reservations: 0 });
    await everywhere('pay', (on) => updatePayment(on, { ...of, payment: 'captured' }));
    await everywhere('intake that plans', intakeOf(merchant, orderId, 2));
    await everywhere('cancel', (on) => cancelOrder(on, { ...of, reason: 'test' }));
    expect(await slate(database, merchant)).toEqual(before);
    expect(await faults()).toEqual([]);
  });

  it('an order that waits for stock and is cancelled waits for nothing any more', async () => {
    const { merchant, merchantId, accept } = await world({ products: [{ sku: 'A', stock: 2 }] });
    const before = await slate(database, merchant);
    const { orderId } = await everywhere('accept', accept);
    await everywhere('intake that finds too little', intakeOf(merchant, orderId));
    expect(await slate(database, merchant)).toMatchObject({ backorders: 1, exceptions: 1 });
    const of = { merchantId, orderId, actor: 'test', reason: 'test' };
    await everywhere('cancel', (on) => cancelOrder(on, of));
    expect(await slate(database, merchant)).toEqual(before);
    expect(await faults()).toEqual([]);
  });

  it('a parcel is picked, packed, labelled, shipped, posted, delivered and closed once', async () => {
    const { merchant, merchantId, accept } = await world();
    const { orderId } = await everywhere('accept', accept);
    await everywhere('intake', intakeOf(merchant, orderId));
    const parcelId = await packed(merchant);
    const of = { merchantId, parcelId };
    const trackingNumber = await labelled(of);
    await claimed(merchant, 'ship');
    const ship = { parcel: { id: parcelId }, eventId: randomUUID() };
    await everywhere('scan out', (on) => shipScan(on, staff(merchant), ship));
    const [part] = await rowsOf<{ id: string }>(database, merchant, 'select id from fulfilment_order');
    const fulfilmentOrderId = part?.id as string;
    await everywhere('post', (on) => new ShipStep(on).run({ merchantId, fulfilmentOrderId }));
    const [account] = await rowsOf<{ id: string }>(database, merchant, 'select id from carrier_account');
    const arrived = { trackingNumber, eventId: 'e1', occurredAt: new Date(), message: '' };
    await everywhere('track', (on) =>
      receiveTracking(on, {
        carrierAccountId: account?.id as string,
        source: 'webhook',
        facts: [{ ...arrived, status: 'delivered' }],
      }),
    );
    expect(await everywhere('close', (on) => closeOrder(on, { merchantId, orderId }))).toEqual({
      outcome: 'closed',
    });
    expect(await slate(database, merchant)).toMatchObject({
      stock: [[17, 0, 0]],
      reservations: 0,
      allocations: 0,
      tasks: 0,
      labels: 0,
      exceptions: 0,
    });
    expect(await bookErrors(database, merchant)).toEqual([]);
    expect(await faults()).toEqual([]);
  });

  it('a short pick, its decision and the loss behind it happen once each', async () => {
    const { merchant, merchantId, accept } = await world({ shortPickPolicy: 'ask' });
    const { orderId } = await everywhere('accept', accept);
    await everywhere('intake', intakeOf(merchant, orderId));
    const task = await claimed(merchant, 'pick');
    const [line] = task.lines;
    const { taskId } = task;
    const scan = { taskId, eventId: randomUUID(), code: 'A', locationCode: line?.locationCode as string };
    await everywhere('pick', (on) => scanPick(on, staff(merchant), { ...scan, quantity: 1 }));
    const short = { taskId, eventId: randomUUID(), taskLineId: line?.taskLineId as string, found: 1 };
    await everywhere('short', (on) => shortPick(on, staff(merchant), short));
    const decision = { merchantId, orderId, decision: 'backorder', actor: 'test' } as const;
    await everywhere('decide', (on) => settleShortPick(on, decision));
    const writeOff = {
      merchantId,
      causeId: `count:${taskId}`,
      kind: 'write_off',
      warehouseId: warehouseOf(merchant).id,
      reason: 'not found',
      actor: 'test',
      lines: [{ sku: 'A', delta: -2 }],
    } as const;
    await everywhere('write off', (on) => adjustStock(on, writeOff));
    expect(await bookErrors(database, merchant)).toEqual([]);
    expect(await faults()).toEqual([]);
  });

  it('what is a new fact each time it is done is done whole or not at all', async () => {
    const { merchantId, accept } = await world();
    const { orderId } = await accept(database);
    const hold = { merchantId, orderId, name: 'fraud', actor: 'test' };
    await everywhere('hold', (on) => holdOrder(on, hold));
    await failEverywhere('release', (on) => releaseHold(on, hold));
    const blocked = {
      merchantId,
      orderId,
      reason: 'carrier_unavailable',
      message: 'Test.',
      subject: '',
    } as const;
    await failEverywhere('block', (on) => blockOrder(on, blocked));
    const address = { ...demoOrder([{ sku: 'A', quantity: 1 }]).shipTo, line1: '2 Demo Street' };
    await failEverywhere('address', (on) =>
      correctAddress(on, { merchantId, orderId, actor: 'test', address }),
    );
  });
});

async function claimed(merchant: SeededMerchant, kind: 'pick' | 'pack' | 'ship') {
  const what = { warehouseId: warehouseOf(merchant).id, kinds: [kind], eventId: randomUUID() };
  const task = await everywhere(`claim ${kind}`, (on) => claimNextTask(on, staff(merchant), what));
  if (task === null) throw new Error(`no ${kind} task`);
  return task;
}

/** Picks and packs the merchant's one order into one carton. Returns the parcel. */
async function packed(merchant: SeededMerchant): Promise<string> {
  const person = staff(merchant);
  const pick = await claimed(merchant, 'pick');
  const from = { taskId: pick.taskId, locationCode: pick.lines[0]?.locationCode as string };
  const picked = { ...from, eventId: randomUUID(), code: 'A', quantity: 3 };
  await everywhere('pick', (on) => scanPick(on, person, picked));
  const { taskId } = await claimed(merchant, 'pack');
  const scan = { taskId, eventId: randomUUID(), code: 'A', quantity: 3 };
  await everywhere('pack', (on) => scanPack(on, person, scan));
  const carton = { taskId, eventId: randomUUID(), cartonCode: merchant.cartonCode, weightGrams: 900 };
  const { parcelId } = await everywhere('close the carton', (on) => closeCarton(on, person, carton));
  return parcelId;
}

/** Claims the parcel's label and records it as bought. Returns its tracking number. */
async function labelled(of: { readonly merchantId: string; readonly parcelId: string }): Promise<string> {
  const claim = await everywhere('claim the label', (on) => claimLabel(on, of));
  if (claim.kind !== 'claimed') throw new Error(claim.kind);
  const labelId = claim.label.id;
  await everywhere('write down the shipment', (on) => recordCarrierShipment(on, of, labelId, 'shp_demo'));
  const bought = {
    externalShipmentId: 'shp_demo',
    trackingNumber: `DEMO${randomUUID()}`,
    carrier: 'Demo',
    service: 'Ground',
    amountMinor: 500n,
    currency: 'USD',
    labelUrl: 'https://carrier.example/label.pdf',
  };
  await everywhere('record the label', (on) => recordLabelPurchase(on, of, labelId, bought));
  return bought.trackingNumber;
}
