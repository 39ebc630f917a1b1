/** `quayside channels` and the live view of stock as a person runs them, against the API of a test. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { adjustStock } from '../../commands/stock/adjust-stock';
import { makeChannelWorld } from '../api/channel-world';
import { type RunningApi, startApi } from '../api/running-api';
import { quayside } from '../support/cli';
import { type SeededMerchant, seedMerchant } from '../support/merchant';

let api: RunningApi;
let merchant: SeededMerchant;
let world: Awaited<ReturnType<typeof makeChannelWorld>>;
let env: Record<string, string>;

beforeAll(async () => {
  api = await startApi();
  merchant = await seedMerchant(api.database, { products: [{ sku: 'A', stock: 20 }] });
  world = await makeChannelWorld(api.database, merchant, 'A');
  const { key } = await api.makeKey(merchant.organisationId);
  env = { QUAYSIDE_API_URL: api.url, QUAYSIDE_API_KEY: key };
}, 60_000);
afterAll(() => api?.close());

const channels = (...args: string[]) => quayside(['channels', ...args], env);

test("a connection's rules and a listing's own decide what it should show", async () => {
  expect(await channels('set', world.shopConnectionId, '--buffer', '4', '--calls', '2')).toMatchObject({
    code: 0,
  });
  expect(await channels('rule', world.listingId, '--cap', '9')).toMatchObject({ code: 0 });
  const shown = await channels('listings', '--sku', 'A');
  expect(shown.stdout).toMatch(new RegExp(`${world.listingId} +A +item-1 +9 +not known +never`));
  expect(shown.stdout).toMatch(new RegExp(`${world.listingToDelete} +A +item-2 +16 `));
  await channels('pause', world.listingId);
  const paused = JSON.parse((await channels('listings', '--json')).stdout) as { wantedQuantity: number }[];
  expect(paused.map((one) => one.wantedQuantity).sort()).toEqual([0, 16]);
}, 60_000);

test('connections, drift and a read-back that is asked for are told', async () => {
  expect((await channels('status')).stdout).toMatch(/Demo shop +ok/);
  expect((await channels('drift')).stdout).toBe('nothing differed\n');
  expect((await channels('reconcile', world.shopConnectionId)).stdout).toContain('read back');
  expect((await channels('reconcile', world.listingId)).code).toBe(1);
}, 60_000);

test('the live view says what there is, then each change of it, until it is interrupted', async () => {
  const bin = path.resolve(__dirname, '../../bin/quayside.js');
  const view = spawn(process.execPath, [bin, 'stock', 'A', '--watch'], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(view, 'exit');
  try {
    let said = '';
    const heard = async (text: string) => {
      while (!said.includes(text)) said += String((await once(view.stdout, 'data'))[0]);
    };
    await heard('A W1: 20 available');
    await adjustStock(api.database, {
      merchantId: merchant.merchantId,
      causeId: 'test:live-view',
      kind: 'adjustment',
      warehouseId: merchant.warehouses[0]?.id as string,
      reason: 'counted',
      actor: 'test',
      lines: [{ sku: 'A', locationCode: 'A-01-01', delta: -3 }],
    });
    await heard('A W1: 17 available (17 on hand, 0 held, 0 reserved)');
  } finally {
    view.kill('SIGINT');
  }
  expect(await exit).toEqual([0, null]);
}, 60_000);
