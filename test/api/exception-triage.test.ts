/** Sorting the stuck list over the API: whose an exception is, and that it may wait until something changes. */
import { randomUUID } from 'node:crypto';
import { openExceptions } from '../../db/exception.repo';
import { rowsOf } from '../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { type RunningApi, startApi } from './running-api';

let api: RunningApi;

beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const HOUR_MS = 60 * 60 * 1_000;
const inHours = (hours: number) => new Date(Date.now() + hours * HOUR_MS);

async function world() {
  const merchant = await seedMerchant(api.database, { persons: 1 });
  const { key } = await api.makeKey(merchant.organisationId);
  const thingId = randomUUID();
  const raise = (cause = 'parcel_lost:DEMO-1') =>
    api.database.withMerchants([merchant.merchantId], (tx) =>
      openExceptions(tx, [
        {
          merchantId: merchant.merchantId,
          reason: 'parcel_lost',
          key: `parcel_lost:${thingId}`,
          cause,
          orderId: null,
          thingKind: 'order',
          thingId,
          owner: 'operator',
          message: 'A demo exception.',
          deadlineMinutes: 120,
          openedAt: new Date(),
        },
      ]),
    );
  await raise();
  const [row] = await rows<{ id: string }>(merchant, 'select id from exception where thing_id = $1', [
    thingId,
  ]);
  const id = (row as { id: string }).id;
  const ask = (action: string, body: object) =>
    api.ask('POST', `/v1/exceptions/${id}/${action}`, {
      key,
      body: { reason: 'decided by a test', ...body },
    });
  const listed = async (query: string, path = '/v1/exceptions'): Promise<number> =>
    (await api.ask('GET', `${path}?${query}`, { key })).json.items.length;
  const shown = async () => (await api.ask('GET', `/v1/exceptions/${id}`, { key })).json;
  return { merchant, key, id, raise, ask, listed, shown };
}

const rows = <Row extends Record<string, unknown>>(
  merchant: SeededMerchant,
  text: string,
  values: unknown[] = [],
) => rowsOf<Row>(api.database, merchant, text, values);

async function personOf(merchant: SeededMerchant): Promise<string> {
  const [row] = await rows<{ id: string }>(merchant, 'select id from person limit 1');
  return (row as { id: string }).id;
}

const audited = (merchant: SeededMerchant) =>
  rows<{ action: string; reason: string; before: unknown; after: unknown }>(
    merchant,
    "select action, reason, before, after from audit_log where action like 'exception.%' order by at",
  );

describe('an exception that is given to somebody', () => {
  test('is his beside the role that owns it, is found by his name, and the audit log says who had it before', async () => {
    const { merchant, id, ask, listed, shown } = await world();
    const personId = await personOf(merchant);
    expect((await ask('assign', { to: { personId } })).status).toBe(200);
    expect(await shown()).toMatchObject({ owner: 'operator', assigneeId: personId, state: 'open' });
    expect(await listed(`assignee=${personId}`)).toBe(1);
    expect(await listed(`assignee=${personId}`, '/v1/exception-groups')).toBe(1);
    expect(await listed('assignee=none')).toBe(0);
    expect(await audited(merchant)).toEqual([
      {
        action: 'exception.assign',
        reason: 'decided by a test',
        before: { owner: 'operator', assigneeId: null },
        after: expect.objectContaining({ exceptionId: id, owner: 'operator', assigneeId: personId }),
      },
    ]);
  });

  test('goes to a role from whoever had it, and back to the one that owns its reason', async () => {
    const { merchant, ask, listed, shown } = await world();
    await ask('assign', { to: { personId: await personOf(merchant) } });
    expect((await ask('assign', { to: { role: 'integrator' } })).status).toBe(200);
    expect(await shown()).toMatchObject({ owner: 'integrator', assigneeId: null });
    expect([await listed('owner=integrator'), await listed('assignee=none')]).toEqual([1, 1]);
    expect((await ask('assign', { to: 'default' })).status).toBe(200);
    expect(await shown()).toMatchObject({ owner: 'operator', assigneeId: null });
  });

  test('is not given to a stranger, to somebody who left, or to a role that does not exist', async () => {
    const { merchant, ask, shown } = await world();
    const stranger = await personOf(await seedMerchant(api.database, { persons: 1 }));
    expect((await ask('assign', { to: { personId: stranger } })).status).toBe(422);
    const left = await personOf(merchant);
    await rows(merchant, 'update person set erased_at = now() where id = $1', [left]);
    expect((await ask('assign', { to: { personId: left } })).status).toBe(422);
    expect((await ask('assign', { to: { role: 'janitor' } })).status).toBe(422);
    expect(await shown()).toMatchObject({ owner: 'operator', assigneeId: null });
    expect(await audited(merchant)).toEqual([]);
  });
});

describe('an exception that is snoozed', () => {
  test('is off the list and its groups, and listed where one asks for what is snoozed', async () => {
    const { merchant, id, ask, listed, shown } = await world();
    const until = inHours(1).toISOString();
    expect((await ask('snooze', { until })).status).toBe(200);
    expect(await shown()).toMatchObject({ state: 'snoozed', snoozedUntil: until });
    expect([await listed(''), await listed('', '/v1/exception-groups')]).toEqual([0, 0]);
    expect([await listed('snoozed=true'), await listed('snoozed=true', '/v1/exception-groups')]).toEqual([
      1, 1,
    ]);
    expect([await listed('state=snoozed'), await listed('state=resolved')]).toEqual([1, 0]);
    expect(await audited(merchant)).toEqual([
      {
        action: 'exception.snooze',
        reason: 'decided by a test',
        before: { until: null },
        after: expect.objectContaining({ exceptionId: id, until }),
      },
    ]);
  });

  test('is back when its time is over, and at once when somebody ends it', async () => {
    const { merchant, id, ask, listed, shown } = await world();
    await ask('snooze', { until: inHours(1).toISOString() });
    await rows(merchant, "update exception set snoozed_until = now() - interval '1 second' where id = $1", [
      id,
    ]);
    expect(await shown()).toMatchObject({ state: 'open', snoozedUntil: null });
    expect([await listed(''), await listed('state=snoozed')]).toEqual([1, 0]);
    await ask('snooze', { until: inHours(1).toISOString() });
    expect((await ask('snooze', { until: null })).status).toBe(200);
    expect(await listed('')).toBe(1);
  });

  test("is back when its deadline passes by the merchant's clock, which one known before does not do", async () => {
    const { merchant, ask, listed } = await world();
    const setClock = (now: Date) =>
      rows(merchant, 'update merchant set business_now = $1 where id = $2', [now, merchant.merchantId]);
    await setClock(new Date());
    await ask('snooze', { until: inHours(24).toISOString() });
    expect(await listed('')).toBe(0);
    await setClock(inHours(3));
    expect(await listed('')).toBe(1);
    await ask('snooze', { until: inHours(24).toISOString() });
    expect(await listed('')).toBe(0);
  });

  test('is back when it is found stuck for another cause, and stays away for the same one', async () => {
    const { ask, raise, listed, shown } = await world();
    await ask('snooze', { until: inHours(1).toISOString() });
    await raise();
    expect(await listed('')).toBe(0);
    await raise('parcel_lost:DEMO-2');
    expect(await listed('')).toBe(1);
    expect(await shown()).toMatchObject({ state: 'open', snoozedUntil: null, cause: 'parcel_lost:DEMO-2' });
  });

  test('is not snoozed into the past or beyond 30 days', async () => {
    const { ask, listed } = await world();
    expect((await ask('snooze', { until: inHours(-1).toISOString() })).status).toBe(422);
    expect((await ask('snooze', { until: inHours(31 * 24).toISOString() })).status).toBe(422);
    expect(await listed('')).toBe(1);
  });
});

test('a resolved exception is neither given away nor snoozed, and another organisation does not find it', async () => {
  const { id, ask } = await world();
  const other = await seedMerchant(api.database, {});
  const { key } = await api.makeKey(other.organisationId);
  const body = { until: inHours(1).toISOString(), reason: 'theirs' };
  expect((await api.ask('POST', `/v1/exceptions/${id}/snooze`, { key, body })).status).toBe(404);
  expect((await ask('resolve', {})).status).toBe(200);
  const late = [
    await ask('assign', { to: 'default' }),
    await ask('snooze', { until: inHours(1).toISOString() }),
  ];
  expect(late.map(({ status, json }) => [status, json.state])).toEqual([
    [409, 'resolved'],
    [409, 'resolved'],
  ]);
});
