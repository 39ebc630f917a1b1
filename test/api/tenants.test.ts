/**
 * Every route × every caller who is not its owner: nobody, a key without the scope, another
 * organisation, another merchant of the same organisation. What they get about others' things is what
 * they get about things that don't exist, byte for byte, and nothing of the owner's changes.
 */
import { Client } from 'pg';
import type { Route } from '../../api/route';
import { routes } from '../../api/routes';
import { SCOPES } from '../../contracts/scopes';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { buildWorld, EVERY_ROUTE, nowhere, type RouteRequest, type World } from './every-route';
import { type Reply, type RunningApi, startApi } from './running-api';

let api: RunningApi;
let owner: { world: World; merchant: SeededMerchant };
let ownerKey: string;
let strangerKey: string;
let neighbourKey: string;
let reader: Client;

beforeAll(async () => {
  api = await startApi();
  owner = await buildWorld(api);
  ownerKey = (await api.makeKey(owner.merchant.organisationId)).key;
  const stranger = await seedMerchant(api.database, { products: [{ sku: 'OTHER', stock: 5 }] });
  strangerKey = (await api.makeKey(stranger.organisationId)).key;
  const neighbour = await seedMerchant(api.database, {
    organisationId: owner.merchant.organisationId,
    warehouses: [{ code: 'N1' }],
  });
  neighbourKey = (await api.makeKey(owner.merchant.organisationId, { merchantIds: [neighbour.merchantId] }))
    .key;
  reader = new Client({ connectionString: api.urls.checkUrl });
  await reader.connect();
}, 120_000);
afterAll(async () => {
  await reader?.end();
  await api?.close();
});

const each = routes.map((route) => [`${route.method.toUpperCase()} ${route.path}`, route] as const);

function requestOf(route: Route, world: World): RouteRequest {
  const request = EVERY_ROUTE[route.operationId];
  if (request === undefined) throw new Error(`${route.operationId} is not in every-route.ts: add it`);
  return request(world);
}

function ask(route: Route, request: RouteRequest, key: string | null, headers: Record<string, string> = {}) {
  return api.ask(route.method.toUpperCase(), request.path, { key, body: request.body, headers });
}

/** What a caller can tell answers apart by; ids and times that are drawn anew differ anyway. */
function visible(reply: Reply) {
  const text = reply.text
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'ID')
    .replace(/"traceId":"[0-9a-f]+"/, '')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replace(/qs_live_[\w-]+/g, 'KEY')
    .replace(/(DEMO|NOTHING|NEW|alias|m|C|W|B)-(ID|[0-9a-f-]+)/g, 'NAME');
  const headers = ['etag', 'allow', 'idempotency-replayed'].map((name) => reply.headers.get(name));
  return { status: reply.status, text, headers };
}

/** All rows of the owner's merchant, as one digest a table. */
async function snapshot(): Promise<Record<string, string>> {
  const { rows: tables } = await reader.query<{ name: string }>(
    `select distinct table_name as name from information_schema.columns where column_name = 'merchant_id'
      and table_schema = 'public' and table_name not like 'stock_ledger_%' order by 1`,
  );
  const digests: Record<string, string> = {};
  for (const { name } of tables) {
    const { rows } = await reader.query(
      `select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) as digest from ${name} t where merchant_id = $1`,
      [owner.world.merchantId],
    );
    digests[name] = rows[0].digest;
  }
  return digests;
}

test('the sweep knows every route, and no route twice', () => {
  expect(Object.keys(EVERY_ROUTE).sort()).toEqual(routes.map(({ operationId }) => operationId).sort());
});

describe('without a key, or with one that lacks the scope', () => {
  test.each(each)('%s is 401 and 403', async (_name, route) => {
    const request = requestOf(route, owner.world);
    const before = await snapshot();
    const nobody = await ask(route, request, null);
    expect([nobody.status, nobody.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    const scopes = SCOPES.filter((scope) => scope !== route.scope);
    const { key } = await api.makeKey(owner.merchant.organisationId, { scopes });
    expect((await ask(route, request, key)).status).toBe(403);
    expect(await snapshot()).toEqual(before);
  });
});

/** Staff belong to the organisation: its merchants may know of them, others may not. */
const staffOf = ({ scanner, shorter, releaser, closer, shipper, claimer }: World) => ({
  scanner,
  shorter,
  releaser,
  closer,
  shipper,
  claimer,
});

describe.each([
  ['another organisation', () => strangerKey, nowhere],
  [
    'another merchant of the organisation',
    () => neighbourKey,
    () => ({ ...nowhere(), ...staffOf(owner.world) }),
  ],
])('%s', (_who, keyOf, nothingOf) => {
  test.each(each)('%s tells no more about others’ things than about nothing', async (_name, route) => {
    const before = await snapshot();
    const theirs = await ask(route, requestOf(route, owner.world), keyOf());
    const nothing = await ask(route, requestOf(route, nothingOf()), keyOf());
    expect(visible(theirs)).toEqual(visible(nothing));
    if (route.params !== undefined) expect([403, 404]).toContain(theirs.status);
    // Every seeded merchant has a carton of the same code.
    for (const [, thing] of Object.entries(owner.world).filter(([name]) => name !== 'cartonCode')) {
      const sent = JSON.stringify(requestOf(route, owner.world));
      if (!sent.includes(thing)) expect([thing, theirs.text.includes(thing)]).toEqual([thing, false]);
    }
    expect(await snapshot()).toEqual(before);
  });

  test.each(each.filter(([, route]) => route.merchant !== 'organisation'))(
    '%s for the owner’s merchant by header is 404',
    async (_name, route) => {
      for (const merchant of [owner.world.merchantId, owner.world.slug]) {
        const request = requestOf(route, owner.world);
        const theirs = await ask(route, request, keyOf(), { 'quayside-merchant': merchant });
        const nothing = await ask(route, request, keyOf(), { 'quayside-merchant': 'nobody' });
        expect(theirs.status).toBe(404);
        expect(visible(theirs)).toEqual(visible(nothing));
      }
    },
  );
});

describe('the owner', () => {
  test.each(each)('%s works, and answers what it declares', async (_name, route) => {
    const headers = route.merchant === 'organisation' ? {} : { 'quayside-merchant': owner.world.slug };
    const reply = await ask(
      route,
      requestOf(route, owner.world),
      ownerKey,
      headers as Record<string, string>,
    );
    expect([
      route.operationId,
      reply.status,
      reply.json?.detail ?? reply.json?.title,
      Object.keys(route.answers),
    ]).toEqual([
      route.operationId,
      expect.any(Number),
      undefined,
      expect.arrayContaining([String(reply.status)]),
    ]);
    const schema = route.answers[reply.status];
    if (schema === null) expect(reply.text).toBe('');
    else
      for (const body of bodiesOf(route, reply))
        expect(schema?.safeParse(body).error?.issues ?? []).toEqual([]);
  });
});

/** The body; of a stream, the data of each event. */
function bodiesOf(route: Route, reply: Reply): unknown[] {
  if (route.events !== true) return [reply.json];
  return [...reply.text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data ?? ''));
}
