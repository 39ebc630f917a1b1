/** A label that nobody will use is given back once, or a person is asked for its money. */
import { randomUUID } from 'node:crypto';
import { checkIn } from '../../checks/check';
import { requireAction, retryVoid } from '../../commands/exception-actions';
import { easyPostConnector } from '../../connectors/carriers/easypost';
import type { CarrierConnector } from '../../connectors/carriers/port';
import { Database } from '../../db/client';
import { requestVoid } from '../../db/label.repo';
import { startCarrierPoller } from '../../dispatcher/carrier-poller';
import { createLogger } from '../../telemetry';
import { eventually } from '../support/engine';
import { around, type LabelWorld, type ParcelToBuy, startLabelWorld } from './label-world';

const quiet = createLogger({ role: 'test', level: 'silent' });
let world: LabelWorld;

beforeAll(async () => {
  world = await startLabelWorld();
});
afterEach(() => {
  world.easypost.faults.clear();
  world.easypost.changeSettings({ refunds: { outcome: 'refunded', settleMs: 0, answers: [] } });
});
afterAll(() => world?.close());

/** A parcel whose label was bought and given up. */
async function givenUp(): Promise<ParcelToBuy & { readonly labelId: string }> {
  const parcel = await world.packedParcel();
  await world.buy(parcel);
  const [label] = await world.rows<{ id: string }>('select id from label where parcel_id = $1', [
    parcel.parcelId,
  ]);
  const labelId = label?.id as string;
  await world.database.withMerchants([parcel.merchantId], (tx) =>
    requestVoid(tx, parcel.merchantId, labelId),
  );
  return { ...parcel, labelId };
}

interface Standing {
  readonly state: string;
  readonly failure: string | null;
  readonly due: boolean;
}

async function standing(labelId: string): Promise<Standing> {
  const [row] = await world.rows<Standing>(
    'select state, failure, void_due_at is not null as due from label where id = $1',
    [labelId],
  );
  return row as Standing;
}

/** The label's turn comes, whatever its lease or pause says; resolves when the carrier was asked. */
async function askCarrier(labelId: string, connector: CarrierConnector = easyPostConnector): Promise<void> {
  await world.rows(
    "update label set void_due_at = now() where id = $1 and state in ('void_requested', 'void_rejected')",
    [labelId],
  );
  let asked = 0;
  const counting: CarrierConnector = {
    ...connector,
    voidLabel: (...args) => connector.voidLabel(...args).finally(() => (asked += 1)),
    getVoidState: (...args) => connector.getVoidState(...args).finally(() => (asked += 1)),
  };
  const poller = startCarrierPoller({
    database: world.database,
    keys: world.keys,
    connectors: { easypost: counting },
    log: quiet,
    intervalMs: 20,
  });
  await eventually(async () => asked > 0, 'the carrier is asked');
  // Ends the round under way, its record included.
  await poller.close();
}

async function voided(labelId: string): Promise<void> {
  await eventually(async () => {
    await askCarrier(labelId);
    return (await standing(labelId)).state === 'voided';
  }, 'the label is voided');
}

const exceptions = (labelId: string) =>
  world.rows<{ id: string; state: string; owner: string; message: string }>(
    "select id, state, owner, message from exception where key = 'label_not_voided:' || $1::text order by opened_at",
    [labelId],
  );

/** What the invariant of labels says, read as the checker. */
async function labelFaults(): Promise<readonly string[]> {
  const { checkUrl } = world.urls;
  const checker = new Database({ appUrl: checkUrl, systemUrl: checkUrl, poolSize: 1 });
  try {
    const { findings } = await checker.withSystem((tx) => checkIn(tx));
    return findings.filter(({ invariant }) => ['4', '5'].includes(invariant)).flatMap(({ detail }) => detail);
  } finally {
    await checker.close();
  }
}

it('a poller that dies after asking for the refund asks for no second one, and the label ends voided', async () => {
  const label = await givenUp();
  const dies = around('voidLabel', 'after', () => Promise.reject(new Error('killed')));
  await askCarrier(label.labelId, dies);
  expect(await standing(label.labelId)).toMatchObject({ state: 'void_requested', due: true });
  await voided(label.labelId);
  expect(world.known('refund_requested', label)).toHaveLength(1);
  expect(await exceptions(label.labelId)).toEqual([]);
});

it.each([
  [
    '200 with an error in it, though it acted',
    { answer: { code: 'REFUND.NO_RESPONSE', status: 200, acts: true } },
  ],
  [
    '200 with an error in it, and nothing done',
    { answer: { code: 'SOMETHING.NEW', status: 200, acts: false } },
  ],
  ['a time-out, though it acted', { answer: { code: 'REFUND.TIMED_OUT', acts: true } }],
  ['a body that cannot be read', { fault: 'malformed_body' as const }],
  ['a broken connection', { fault: 'connection_reset' as const }],
  ['a failure of its own', { fault: 'server_error' as const }],
])('a refund answered by %s is looked at again, asked for once, and ends voided', async (_how, given) => {
  const label = await givenUp();
  if ('answer' in given) world.easypost.changeSettings({ refunds: { answers: [given.answer] } });
  else
    world.easypost.faults.set([
      { kind: given.fault, match: { path: '^/v2/shipments/.*/refund$' }, times: 1 },
    ]);
  await askCarrier(label.labelId);
  expect((await standing(label.labelId)).state).not.toBe('voided');
  await voided(label.labelId);
  expect(world.known('refund_requested', label)).toHaveLength(1);
});

it('a refund that the carrier refuses asks a person at once, is asked for again, and tells him when it is granted', async () => {
  world.easypost.changeSettings({ refunds: { outcome: 'rejected' } });
  const label = await givenUp();
  await eventually(async () => {
    await askCarrier(label.labelId);
    return (await standing(label.labelId)).state === 'void_rejected';
  }, 'the void is refused');
  expect(await standing(label.labelId)).toMatchObject({ due: true });
  const [asked] = await exceptions(label.labelId);
  expect(asked).toMatchObject({ state: 'open', owner: 'operator', message: 'The carrier refused the void.' });
  world.easypost.changeSettings({ refunds: { outcome: 'refunded' } });
  await voided(label.labelId);
  expect(await exceptions(label.labelId)).toMatchObject([{ state: 'resolved' }]);
});

it('a label that the carrier never refunds stays on the stuck list until a person asks again or accepts the cost', async () => {
  world.easypost.changeSettings({ refunds: { outcome: 'not_applicable' } });
  const label = await givenUp();
  await askCarrier(label.labelId);
  expect(await standing(label.labelId)).toMatchObject({ state: 'void_rejected', due: false });
  const [open] = await exceptions(label.labelId);
  expect(open).toMatchObject({ state: 'open' });
  expect(await labelFaults()).toEqual([]);
  await world.database.withMerchants([label.merchantId], async (tx) => {
    const row = await requireAction(tx, [label.merchantId], open?.id as string, 'retry');
    await retryVoid(tx, row, 'the carrier says that it was a mistake', {
      actor: 'test',
      requestId: randomUUID(),
    });
  });
  expect(await standing(label.labelId)).toMatchObject({ state: 'void_requested', due: true });
});

it('a refund that can not be asked for at all is on the stuck list with its reason, not asked for ever in silence', async () => {
  const label = await givenUp();
  await world.rows("update label set external_shipment_id = 'shp_unknown' where id = $1", [label.labelId]);
  await askCarrier(label.labelId);
  expect(await standing(label.labelId)).toMatchObject({
    state: 'void_rejected',
    due: true,
    failure: expect.stringContaining('PartnerRejected'),
  });
  expect(await exceptions(label.labelId)).toMatchObject([{ state: 'open' }]);
});

it('a refund that is not settled in 35 days is given up, and a person is asked', async () => {
  world.easypost.changeSettings({ refunds: { settleMs: 60_000 } });
  const label = await givenUp();
  await world.rows("update label set created_at = now() - interval '36 days' where id = $1", [label.labelId]);
  await askCarrier(label.labelId);
  expect(await standing(label.labelId)).toMatchObject({ state: 'void_requested', due: false });
  expect(await exceptions(label.labelId)).toMatchObject([{ state: 'open' }]);
  expect(await labelFaults()).toEqual([]);
});
