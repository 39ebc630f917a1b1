/** Value, pace, cost and alerts of stock as a person asks for them, from a file with costs to a follow-up. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evaluateAlerts } from '../../commands/watch/evaluate-alerts';
import { type RunningApi, startApi } from '../api/running-api';
import { quayside } from '../support/cli';
import { rowsOf } from '../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../support/merchant';

let api: RunningApi;
let merchant: SeededMerchant;
let key: string;
let dir: string;
beforeAll(async () => {
  api = await startApi();
  merchant = await seedMerchant(api.database, { products: [{ sku: 'A' }, { sku: 'B' }] });
  ({ key } = await api.makeKey(merchant.organisationId));
  dir = mkdtempSync(join(tmpdir(), 'quayside-value-'));
}, 60_000);
afterAll(async () => {
  rmSync(dir, { recursive: true, force: true });
  await api?.close();
});

const stock = (...args: string[]) =>
  quayside(['stock', ...args], {
    QUAYSIDE_API_URL: api.url,
    QUAYSIDE_API_KEY: key,
    DATABASE_APP_URL: api.urls.appUrl,
    DATABASE_SYSTEM_URL: api.urls.systemUrl,
  });

test('a file says what goods cost, and the commands say what they are worth and what to do when they run low', async () => {
  const file = join(dir, 'opening.csv');
  writeFileSync(file, 'sku,quantity,location,unit_cost_minor\nA,10,A-01-01,250\nB,4,A-01-02,1000\n');
  const imported = await stock('import', file, '--merchant', merchant.slug, '--warehouse', 'W1');
  expect([imported.code, imported.stderr]).toEqual([0, expect.stringContaining('2 rows')]);

  const worth = await stock('valuation');
  expect(worth.stdout).toMatch(/A +10 +25\.00 +25\.00 +0\.00 +0 +0/);
  expect(worth.stdout).toMatch(/all +14 +65\.00 +65\.00 +0\.00 +0 +0/);
  const one = JSON.parse((await stock('valuation', 'B', '--method', 'average', '--json')).stdout);
  expect(one).toMatchObject({ method: 'average', total: { units: 4, valueMinor: '4000' } });

  const pace = JSON.parse((await stock('velocity', 'A', '--json')).stdout);
  expect(pace.items).toMatchObject([{ sku: 'A', available: 10, shipped: 0, countedDays: 0 }]);
  expect(pace.items[0].leftOut).toHaveLength(28);
  expect(JSON.parse((await stock('slow-movers', '--json')).stdout).items).toEqual([]);

  const unpriced = await stock('carrying-cost');
  expect([unpriced.code, unpriced.stderr]).toEqual([1, expect.stringContaining('No rates')]);
  await rowsOf(
    api.database,
    merchant,
    'insert into carrying_rate values ($1, 0, 0, 50, 800, 300) returning merchant_id',
    [merchant.merchantId],
  );
  expect((await stock('carrying-cost')).stdout).toMatch(/all +0\.00 +0\.00 +0\.00 +0\.00 +0\.00/);

  await rowsOf(
    api.database,
    merchant,
    `insert into stock_alert_rule (id, merchant_id, name, limit_kind, at_most, window_days, clear_after_minutes, tells_webhooks,
      owner) values ($1, $2, 'Low', 'units', 4, 28, 15, true, 'buyer') returning id`,
    [randomUUID(), merchant.merchantId],
  );
  await evaluateAlerts(api.database, merchant.merchantId, null);
  const { items } = JSON.parse((await stock('alerts', '--json')).stdout);
  expect(items).toMatchObject([{ sku: 'B', state: 'open', level: 4 }]);
  const followed = await stock('follow-up', items[0].id, 'expedite_po', '--quantity', '40');
  expect(followed.stdout).toContain('expedite_po, draft, 40 units, buyer');
}, 120_000);
