/**
 * `quayside up` and the commands around it, as processes on a data directory of their own: an engine
 * comes up from nothing, its stories end as told, it survives what happens to machines, and leaves
 * nothing behind. One engine for all, in the order of the file.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { removePostgresData } from '../../provision/postgres';
import {
  freePorts,
  newDataDir,
  quayside,
  type RunningCommand,
  startQuayside,
} from '../support/quayside-command';

// Building a bundle and starting six processes takes 10 s on an idle machine; it is shared with other tests.
const UP_WITHIN_MS = 120_000;
/** The watchdog gives each process 10 s to go by itself. */
const GONE_WITHIN_MS = 15_000;
jest.setTimeout(240_000);

// Carriers that need no half minute, for the stories that wait for a delivery.
const QUICK = {
  SIMULATOR_FIRST_SCAN_MS: '1000',
  SIMULATOR_TRANSIT_STEP_MS: '200',
  SIMULATOR_FLOOR_PACE_MS: '50',
};

const dataDir = newDataDir();
let ports = '';
let engine: RunningCommand;

interface Running {
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly temporalUiUrl: string;
  readonly simulators: { readonly shop: string; readonly carrier: string };
}

const running = (): Running => JSON.parse(readFileSync(join(dataDir, 'running.json'), 'utf8')) as Running;

async function start(): Promise<void> {
  engine = startQuayside(dataDir, ['up', '--rate', '0', '--ports', ports], QUICK);
  await engine.says('Ctrl-C stops', UP_WITHIN_MS);
}

async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await quayside([...args, '--data-dir', dataDir], { timeoutMs: 200_000 });
  if (code !== 0) throw new Error(`quayside ${args.join(' ')} ended with ${code}: ${stderr}`);
  return stdout;
}

/** A customer of the demo shop orders; the shop's id, as text. */
async function place(flaw: string): Promise<string> {
  const answer = await fetch(`${running().simulators.shop}/__shop/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ demo: { seed: 7, flaw } }),
  });
  // The id is a number beyond 2^53, so it is read as text.
  const id = /"order":\{"id":(\d+)/.exec(await answer.text())?.[1];
  if (id === undefined) throw new Error('the shop answered no order');
  return id;
}

type Order = { id: string; externalId: string; state: string; blockedReason: string | null };

async function orderOf(externalId: string, so: (order: Order) => boolean): Promise<Order> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const orders = JSON.parse(await run('orders', '--json')) as Order[];
    const order = orders.find((one) => one.externalId === externalId);
    if (order !== undefined && so(order)) return order;
    if (Date.now() > deadline) throw new Error(`the order is ${JSON.stringify(order)}`);
  }
}

async function untilGone(): Promise<string[]> {
  const deadline = Date.now() + GONE_WITHIN_MS;
  while (engine.processes().length > 0 && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 100));
  return engine.processes();
}

beforeAll(async () => {
  ports = await freePorts();
  await start();
}, UP_WITHIN_MS);

afterAll(async () => {
  if (engine !== undefined && engine.child.exitCode === null) engine.child.kill('SIGKILL');
  if (engine !== undefined) await untilGone();
  removePostgresData(join(dataDir, 'postgres'));
  removePostgresData(dataDir);
});

test('one command brings up an engine that answers where it says it does', async () => {
  const { apiUrl, apiKey, temporalUiUrl } = running();
  for (const text of [apiUrl, apiKey, temporalUiUrl, 'BlockedReason%20IS%20NOT%20NULL'])
    expect(engine.said()).toContain(text);
  const ready = await fetch(`${apiUrl}/readyz`);
  expect(await ready.json()).toEqual({ ready: true, database: 'reachable', temporal: 'reachable' });
  expect((await fetch(`${apiUrl}/docs/`)).status).toBe(200);
  expect((await fetch(temporalUiUrl)).status).toBe(200);
});

test('the stories end as told, each sentence checked', async () => {
  const told = await run('demo', 'happy', 'unmapped-sku', 'out-of-stock', 'duplicate-webhook', '--json');
  expect(JSON.parse(told)).toMatchObject([
    { story: 'happy', ok: true },
    { story: 'unmapped-sku', ok: true },
    { story: 'out-of-stock', ok: true },
    { story: 'duplicate-webhook', ok: true },
  ]);
});

test('a planted problem is a stuck order, listed by its cause with what frees it and where to look', async () => {
  const order = await orderOf(await place('bad_address'), (one) => one.blockedReason === 'address_invalid');
  const groups = JSON.parse(await run('stuck', '--json')) as Record<string, unknown>[];
  expect(groups).toContainEqual(
    expect.objectContaining({
      reason: 'address_invalid',
      orderIds: [order.id],
      temporalUrl: expect.stringContaining('BlockedReason'),
    }),
  );
  const shown = await run('orders', 'show', order.id);
  expect(shown).toContain('waits for  address_invalid');
  expect(shown).toContain('timeline');
});

test('faults are set on a partner, seen, and cleared', async () => {
  await run('sim', 'set', 'carrier', 'rate_limit', '--probability', '0.5', '--times', '3');
  const partners = JSON.parse(await run('sim', '--json')) as { name: string; rules: unknown[] }[];
  expect(partners.find(({ name }) => name === 'carrier')?.rules).toMatchObject([
    { kind: 'rate_limit', probability: 0.5, times: 3 },
  ]);
  await run('sim', 'clear');
  expect(await run('sim')).not.toContain('rate_limit');
});

test('a key works from when it is made until it is revoked', async () => {
  const made = JSON.parse(
    await run('keys', 'create', '--name', 'a test', '--scopes', 'orders:read', '--json'),
  ) as { id: string; key: string };
  const asked = () =>
    fetch(`${running().apiUrl}/v1/orders`, { headers: { authorization: `Bearer ${made.key}` } });
  expect((await asked()).status).toBe(200);
  await run('keys', 'revoke', made.id);
  expect((await asked()).status).toBe(401);
  expect(await run('keys', 'list')).toMatch(new RegExp(`revoked.*${made.id}`));
});

test('a second engine on the same data directory is refused, and told which process has it', async () => {
  const second = startQuayside(dataDir, ['up', '--rate', '0']);
  expect(await second.ended).toBe(1);
  expect(second.said()).toContain(`in use by another Quayside (process ${engine.child.pid})`);
});

test('after a kill -9 nothing is left, and the next start goes on with the orders in flight', async () => {
  const externalId = await place('payment_pending');
  await orderOf(externalId, (one) => one.blockedReason === 'payment_pending');
  engine.child.kill('SIGKILL');
  expect(await untilGone()).toEqual([]);
  await start();
  const paid = await fetch(`${running().simulators.shop}/__shop/orders/${externalId}/pay`, {
    method: 'POST',
  });
  expect(paid.status).toBe(200);
  await orderOf(externalId, (one) => ['shipped', 'delivered', 'closed'].includes(one.state));
});

test('the books balance after all of it', async () => {
  expect(await run('check')).toContain('invariants hold.');
  expect(await run('rebuild', '--dry-run')).toContain('nothing differs');
});

test('SIGTERM stops everything, with exit code 0', async () => {
  engine.child.kill('SIGTERM');
  expect(await engine.ended).toBe(0);
  expect(await untilGone()).toEqual([]);
});
