/** `quayside stock` as a person runs it, against the API and the database of a test. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningApi, startApi } from '../api/running-api';
import { quayside } from '../support/cli';
import { bookErrors, plannedOrder } from '../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../support/merchant';

let api: RunningApi;
let merchant: SeededMerchant;
let dir: string;
let env: Record<string, string>;

beforeAll(async () => {
  api = await startApi();
  merchant = await seedMerchant(api.database, {
    products: [{ sku: 'A' }, { sku: 'MILK', lotTracked: true }, { sku: '=1+1' }],
  });
  const { key } = await api.makeKey(merchant.organisationId);
  dir = mkdtempSync(join(tmpdir(), 'quayside-stock-'));
  env = {
    QUAYSIDE_API_URL: api.url,
    QUAYSIDE_API_KEY: key,
    DATABASE_APP_URL: api.urls.appUrl,
    DATABASE_SYSTEM_URL: api.urls.systemUrl,
  };
}, 60_000);
afterAll(async () => {
  rmSync(dir, { recursive: true, force: true });
  await api?.close();
});

const stock = (...args: string[]) => quayside(['stock', ...args], env);
function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}
const importing = (path: string, ...args: string[]) =>
  stock('import', path, '--merchant', merchant.slug, '--warehouse', 'W1', '--data-dir', dir, ...args);

const OPENING = `sku,quantity,location,lot,expires_on
A,10,A-01-01,,
MILK,6,A-01-02,L1,2030-01-31
=1+1,3,A-01-03,,
`;

test('a file with a fault posts nothing and names each fault; --partial posts the rest', async () => {
  const path = file(
    'faults.csv',
    `${OPENING}GONE,1,A-01-01,,\nMILK,1,A-01-01,,\nA,1,NOWHERE,,\nA,x,A-01-01,,\n`,
  );
  const refused = await importing(path);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('4 faults, nothing was posted');
  for (const said of [
    /5 +sku +there is no product GONE/,
    /6 +lot +MILK is tracked by lot/,
    /7 +location +there is no place NOWHERE/,
    /8 +quantity/,
  ])
    expect(refused.stderr).toMatch(said);
  expect((await stock('levels', 'A', '--json')).stdout).toBe('{"items":[],"unknown":[]}\n');
}, 60_000);

test('a file is posted as one, and once', async () => {
  const path = file('opening.csv', OPENING);
  const first = await importing(path, '--json');
  expect(JSON.parse(first.stdout)).toMatchObject({ state: 'posted', rows: 3, units: 19, postedUnits: 19 });
  const again = await importing(path, '--json');
  expect(JSON.parse(again.stdout)).toEqual(JSON.parse(first.stdout));
  const levels = await stock('levels', 'A', 'MILK');
  expect(levels.stdout).toMatch(/^A +W1 +10 +0 +10 /m);
  expect(levels.stdout).toMatch(/^MILK +W1 +6 +0 +6 /m);
  const lost = file('lost.csv', 'sku,quantity\nA,-4\nB,-1\n');
  const partial = await importing(lost, '--kind', 'write_off', '--partial');
  expect(partial.stdout).toContain('1 rows posted, -4 of -4 units');
  expect(partial.stdout).toMatch(/3 +sku +there is no product B/);
  expect(partial.code).toBe(1);
  const gains = await importing(
    file('gain.csv', 'sku,quantity,location\nA,4,A-01-01\n'),
    '--kind',
    'write_off',
  );
  expect(gains.stderr).toContain('the reason lost does not go that way');
  expect(await bookErrors(api.database, merchant)).toEqual([]);
}, 60_000);

test('what is exported opens in a spreadsheet and runs nothing there', async () => {
  const levels = await stock('export', 'levels');
  expect(levels.stdout).toContain('sku,warehouse,on_hand,held,reserved,available\r\n');
  expect(levels.stdout).toContain("'=1+1,W1,3,0,0,3\r\n");
  const ledger = await stock('export', 'ledger', '--sku', 'A');
  expect(ledger.stdout).toMatch(
    /,write_off,-4,4,,A-01-01,ADJUSTMENT,lost,imported from lost\.csv,,cli,csv:write_off:/,
  );
  expect((await stock('export', 'ledger')).code).toBe(2);
  expect((await stock('export', 'lots')).stdout).toContain('MILK,L1,2030-01-31,false,6,0,0\r\n');
  expect((await stock('export', 'adjustments')).stdout.split('\r\n').filter(Boolean)).toHaveLength(5);
}, 60_000);

test('a recall says what it stopped, and yesterday is told from the ledger', async () => {
  await plannedOrder(api.database, merchant, [{ sku: 'MILK', quantity: 2 }]);
  const recalled = await stock('recall', 'MILK', 'L1', '--reason', 'unsafe');
  expect(recalled.stdout).toBe(
    '6 units are held now, 1 orders lost theirs and are planned again, 0 orders had shipped from the lot\n',
  );
  expect((await stock('levels', 'MILK')).stdout).toMatch(/^MILK +W1 +6 +0 +0 +0 +0 +0 +6 /m);
  expect((await stock('lift', 'MILK', 'L1', '--reason', 'tested')).stdout).toBe(
    '6 units are for sale again\n',
  );
  const past = await stock('as-of', '2001-01-01T00:00:00Z', 'MILK', 'NONE');
  expect([past.code, past.stderr.includes('no such SKU: NONE')]).toEqual([1, true]);
  const now = await stock('as-of', new Date().toISOString(), 'MILK');
  expect(now.stdout).toMatch(/^MILK +W1 +6 +0$/m);
  expect((await stock('as-of', 'yesterday', 'MILK')).stderr).toContain('400');
}, 60_000);
