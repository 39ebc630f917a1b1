/**
 * Whatever is sent, the answer is never a 5xx and always a problem or what the route declares. Seeded:
 * a failure prints the seed and the request. `QUAYSIDE_FUZZ_RUNS` asks for more than a build's share.
 */
import fc from 'fast-check';
import { routes } from '../../api/routes';
import { buildWorld, EVERY_ROUTE, nowhere, type World } from './every-route';
import { type RunningApi, startApi } from './running-api';

const RUNS = Number(process.env['QUAYSIDE_FUZZ_RUNS'] ?? 2_000);
let api: RunningApi;
let world: World;
let key: string;

beforeAll(async () => {
  api = await startApi();
  const built = await buildWorld(api);
  world = built.world;
  ({ key } = await api.makeKey(built.merchant.organisationId));
}, 120_000);
afterAll(() => api?.close());

/** Values that have broken something somewhere. */
const nasty = fc.constantFrom<unknown>(
  null,
  true,
  0,
  -1,
  1.5,
  1e21,
  2 ** 53,
  -(2 ** 31),
  2 ** 31,
  2 ** 63,
  '',
  ' ',
  '0',
  '-1',
  '1e5',
  'NaN',
  'null',
  '\u0000',
  '\ud800',
  '\u202e',
  '💥'.repeat(50),
  'x'.repeat(5_000),
  "'; drop table product; --",
  '%s%n',
  '../../etc/passwd',
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  '9999-12-31T23:59:59Z',
  '0001-01-01T00:00:00Z',
  '-000001-01-01T00:00:00Z',
  '2026-02-30T00:00:00Z',
  '275760-09-13T00:00:00Z',
  '9'.repeat(40),
  '-' + '9'.repeat(15),
  [],
  {},
  [[]],
  [null],
  { a: { b: [] } },
);
const value = fc.oneof(
  { weight: 3, arbitrary: nasty },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
);

/** Replaces, adds or removes something at a random place of a good body. */
function mutate(body: unknown, picks: readonly number[], with_: unknown): unknown {
  if (picks.length === 0 || typeof body !== 'object' || body === null) return with_;
  const [pick, ...rest] = picks as [number, ...number[]];
  if (Array.isArray(body)) {
    if (body.length === 0 || pick % 5 === 0) return [...body, with_];
    const at = pick % body.length;
    return body.map((item, index) => (index === at ? mutate(item, rest, with_) : item));
  }
  const names = Object.keys(body);
  const name = names[pick % Math.max(1, names.length)];
  if (name === undefined || pick % 11 === 0) return { ...body, extra: with_ };
  if (pick % 13 === 0) return Object.fromEntries(Object.entries(body).filter(([each]) => each !== name));
  return { ...body, [name]: mutate((body as Record<string, unknown>)[name], rest, with_) };
}

const segment = fc.oneof(
  fc.constantFrom('x', '%00', '%ff', '..', '%2e%2e', ' ', '"', "'", '🙂', 'null'),
  fc.string(),
);
const attack = fc.record({
  route: fc.constantFrom(...routes),
  real: fc.boolean(),
  picks: fc.array(fc.nat(), { minLength: 0, maxLength: 4 }),
  with_: value,
  how: fc.constantFrom('body', 'body', 'body', 'body', 'query', 'path', 'header', 'raw'),
  text: segment,
  raw: fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((json) => Buffer.from(json)),
  ),
});

test('no request makes a 5xx', async () => {
  await fc.assert(
    fc.asyncProperty(attack, async ({ route, real, picks, with_, how, text, raw }) => {
      const request = (EVERY_ROUTE[route.operationId] as (w: World) => { path: string; body?: unknown })(
        real ? world : nowhere(),
      );
      const encoded = encodeURIComponent(text.replace(/\p{Surrogate}/gu, ''));
      let path = request.path;
      if (how === 'path') path = path.replace(/[0-9a-f-]{36}/, encoded.length > 0 ? encoded : 'x');
      if (how === 'query') {
        const name =
          ['cursor', 'limit', 'state', 'sku', 'orderId', 'placedFrom', 'reason', 'kind'][picks[0] ?? 0] ??
          'x';
        path += `?${name}=${encoded}`;
      }
      const headers: Record<string, string> = { 'quayside-merchant': world.slug };
      if (route.merchant === 'organisation') delete headers['quayside-merchant'];
      if (how === 'header') headers['if-match'] = encoded;
      const body =
        how === 'body' && request.body !== undefined ? mutate(request.body, picks, with_) : request.body;
      const reply = await api.ask(route.method.toUpperCase(), path, {
        key,
        headers,
        ...(how === 'raw' && route.method !== 'get' ? { raw: Buffer.from(raw) } : { body }),
      });
      if (reply.status >= 500) throw new Error(`${route.operationId} ${path}: ${reply.status} ${reply.text}`);
      if (reply.status >= 400) {
        if (!/^https:\/\/quayside\.example\/problems\//.test(reply.json?.type))
          throw new Error(`no problem: ${reply.text}`);
      } else if (route.answers[reply.status] === undefined) {
        throw new Error(`${route.operationId} answers ${reply.status}, which it does not declare`);
      }
    }),
    { numRuns: RUNS, seed: Number(process.env['QUAYSIDE_FUZZ_SEED'] ?? 20260302), endOnFailure: true },
  );
}, 600_000);
