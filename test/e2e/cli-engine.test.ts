/**
 * `quayside up` and the commands around it, as processes on a data directory of their own: an engine
 * comes up from nothing, its stories end as told, it survives what happens to machines, and leaves
 * nothing behind. One engine for all, in the order of the file.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Client } from 'pg';
import { loadConfig } from '../../config';
import { removePostgresData } from '../../provision/postgres';
import { connectTemporal } from '../../temporal/client';
import { createPayloadCodec } from '../../temporal/payload-codec';
import {
  freePorts,
  newDataDir,
  quayside,
  type RunningCommand,
  startQuayside,
} from '../support/quayside-command';

// Building a bundle and starting six processes takes 10 s on an idle machine; it is shared with other tests.
const UP_WITHIN_MS = 180_000;
/** The watchdog gives each process 10 s to go by itself. */
const GONE_WITHIN_MS = 15_000;
jest.setTimeout(240_000);

// Carriers that need no half minute, for the stories that wait for a delivery.
const QUICK = {
  SIMULATOR_FIRST_SCAN_MS: '1000',
  SIMULATOR_TRANSIT_STEP_MS: '200',
  SIMULATOR_FLOOR_PACE_MS: '50',
};

const SHIPPED = ['shipped', 'delivered', 'closed'];

const dataDir = newDataDir();
let ports = '';
let engine: RunningCommand;
let lastRun: Running;

interface Running {
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly temporalUiUrl: string;
  readonly temporalAddress: string;
  readonly simulators: { readonly shop: string; readonly carrier: string };
  readonly metricsUrls: Readonly<Record<string, string>>;
  readonly environment: {
    readonly DATABASE_CHECK_URL: string;
    readonly QUAYSIDE_ENCRYPTION_KEYS: string;
    readonly API_PORT: string;
  };
}

const running = (): Running => JSON.parse(readFileSync(join(dataDir, 'running.json'), 'utf8')) as Running;

async function start(...args: string[]): Promise<void> {
  const given = args.length > 0 ? args : ['--rate', '0', '--ports', ports];
  engine = startQuayside(dataDir, ['up', ...given], QUICK);
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
    const answer = await fetch(`${running().apiUrl}/v1/orders?externalId=${externalId}`, {
      headers: { authorization: `Bearer ${running().apiKey}` },
    });
    const [order] = ((await answer.json()) as { items: Order[] }).items;
    if (order !== undefined && so(order)) return order;
    if (Date.now() > deadline) throw new Error(`the order is ${JSON.stringify(order)}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
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
  // Longer than the wait, which fails with all that was said.
}, UP_WITHIN_MS + 20_000);

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

/** How the parts of the demo are named for what is wrong with them, and what its order then waits for. */
const FLAWS: readonly (readonly [flaw: string, blockedReason: string | null])[] = [
  ['unmapped_sku', 'unmapped_sku'],
  ['unmapped_shipping_method', 'unmapped_shipping_method'],
  ['bad_address', 'address_invalid'],
  ['payment_pending', 'payment_pending'],
  ['out_of_stock', 'out_of_stock'],
  ['tracking_refused', 'channel_update_failed'],
  ['duplicate_webhook', null],
  ['carrier_timeout', null],
];

test('every problem that the demo plants is an order with its inbox row and its workflow', async () => {
  const { temporalAddress, environment } = running();
  const temporal = connectTemporal({
    address: temporalAddress,
    namespace: 'default',
    codec: createPayloadCodec(
      loadConfig({ QUAYSIDE_ENCRYPTION_KEYS: environment.QUAYSIDE_ENCRYPTION_KEYS })
        .QUAYSIDE_ENCRYPTION_KEYS ?? [],
    ),
  });
  const database = new Client({ connectionString: environment.DATABASE_CHECK_URL });
  await database.connect();
  try {
    for (const [flaw, reason] of FLAWS) {
      const order = await orderOf(await place(flaw), (one) =>
        reason === null ? SHIPPED.includes(one.state) : one.blockedReason === reason,
      );
      const { rows } = await database.query<{ workflow_id: string; inbox: string }>(
        `select 'order:' || merchant_id || ':' || connection_id || ':' || external_id as workflow_id,
           (select count(*) from inbox i where i.merchant_id = o.merchant_id and i.order_id = o.id) as inbox
         from sales_order o where id = $1`,
        [order.id],
      );
      const { status } = await temporal.workflow.getHandle(rows[0]?.workflow_id ?? '').describe();
      expect({ flaw, inbox: Number(rows[0]?.inbox) > 0, status: status.name }).toEqual({
        flaw,
        inbox: true,
        // The two that heal by themselves may be delivered by now.
        status: reason === null ? expect.stringMatching(/RUNNING|COMPLETED/) : 'RUNNING',
      });
    }
  } finally {
    await database.end();
    await temporal.connection.close();
  }
});

test('each process serves the metrics that it owns, with what happened in them', async () => {
  const { metricsUrls } = running();
  expect(Object.keys(metricsUrls).sort()).toEqual(['api', 'dispatcher', 'worker']);
  const counted: Record<string, Set<string>> = {};
  for (const [role, url] of Object.entries(metricsUrls)) {
    const text = await (await fetch(url)).text();
    // Every sample that isn't nought, without its number.
    const samples = [...text.matchAll(/^(quayside_[^ ]+) (\S+)$/gm)].filter(
      ([, , value]) => Number(value) !== 0,
    );
    counted[role] = new Set(samples.map(([, name]) => name as string));
  }
  for (const sample of [
    'quayside_orders{state="accepted"}',
    'quayside_orders_blocked{reason="payment_pending"}',
    'quayside_exceptions_open{reason="address_invalid"}',
    'quayside_exception_oldest_seconds{reason="address_invalid"}',
    'quayside_webhooks_total{partner="shopify",outcome="accepted"}',
    'quayside_webhooks_total{partner="easypost",outcome="updated"}',
    'quayside_http_request_seconds_count{method="POST",route="/webhooks/channels/{secret}",status="200"}',
  ])
    expect(counted['api']).toContain(sample);
  for (const sample of [
    'quayside_step_seconds_count{step="takeIn",outcome="done"}',
    'quayside_step_seconds_count{step="buyLabel",outcome="done"}',
    'quayside_step_seconds_count{step="postShipment",outcome="done"}',
    'quayside_step_seconds_count{step="closeOrder",outcome="done"}',
    'quayside_reservations_total{outcome="reserved"}',
    'quayside_reservations_total{outcome="out_of_stock"}',
    'quayside_partner_calls_total{partner="easypost",operation="createShipment",outcome="ok"}',
    'quayside_partner_calls_total{partner="easypost",operation="buyLabel",outcome="ok"}',
    'quayside_partner_calls_total{partner="easypost",operation="buyLabel",outcome="PartnerOutcomeUnknown"}',
    'quayside_partner_call_seconds_count{partner="easypost",operation="buyLabel"}',
  ])
    expect(counted['worker']).toContain(sample);
  for (const sample of [
    'quayside_partner_calls_total{partner="shopify",operation="pushTracking",outcome="ok"}',
    'quayside_partner_calls_total{partner="shopify",operation="pushTracking",outcome="PartnerRejected"}',
    'quayside_partner_calls_total{partner="smtp",operation="send",outcome="ok"}',
    'quayside_outbox_deliveries_total{kind="mail",outcome="sent"}',
  ])
    expect(counted['dispatcher']).toContain(sample);
  // Lag is nought when nothing waits, so its being there is all that can be asked.
  expect(await (await fetch(metricsUrls['dispatcher'] ?? '')).text()).toContain(
    'quayside_outbox_lag_seconds ',
  );
});

test('the logs tell of each order by its ids, and of nobody by name, address or number', async () => {
  const logs = join(dataDir, 'logs');
  const lines = readdirSync(logs).flatMap((file) => readFileSync(join(logs, file), 'utf8').split('\n'));
  const orders = JSON.parse(await run('orders', '--json')) as Order[];
  expect(orders.length).toBeGreaterThan(FLAWS.length);
  for (const { id } of orders) {
    const own = lines.filter((line) => line.includes(id)).map((line) => JSON.parse(line) as object);
    const ids = {
      orderId: id,
      traceId: id.replaceAll('-', ''),
      workflowId: expect.stringMatching(/^order:/),
    };
    expect(own).toContainEqual(expect.objectContaining({ role: 'api', ...ids, msg: 'order accepted' }));
    expect(own).toContainEqual(expect.objectContaining({ role: 'worker', ...ids, step: 'takeIn' }));
  }
  // As the shop's customers are called (simulators/shopify/demo-orders): looked for in their own records first.
  const personal = /Demo Customer \d|Demo Street|demo-[\w-]+@example\.com|\+?1 202 555/;
  const shop = await (await fetch(`${running().simulators.shop}/__shop/orders`)).text();
  expect(shop).toMatch(personal);
  expect(lines.filter((line) => personal.test(line))).toEqual([]);
});

test('a planted problem is a stuck order, listed by its cause with what frees it and where to look', async () => {
  const order = await orderOf(await place('bad_address'), (one) => one.blockedReason === 'address_invalid');
  const groups = JSON.parse(await run('stuck', '--json')) as Record<string, unknown>[];
  expect(groups).toContainEqual(
    expect.objectContaining({
      reason: 'address_invalid',
      orderIds: expect.arrayContaining([order.id]),
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
  await orderOf(externalId, (one) => SHIPPED.includes(one.state));
});

test('the books balance after all of it', async () => {
  expect(await run('check')).toContain('invariants hold.');
  expect(await run('rebuild', '--dry-run')).toContain('nothing differs');
});

test('SIGTERM stops everything, with exit code 0', async () => {
  lastRun = running();
  engine.child.kill('SIGTERM');
  expect(await engine.ended).toBe(0);
  expect(await untilGone()).toEqual([]);
});

test('without being asked for a port, a busy one is replaced and said; --no-demo, --workers and --verbose do as told', async () => {
  const port = Number(lastRun.environment.API_PORT);
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
  try {
    await start('--no-demo', '--workers', '2', '--verbose');
    expect(engine.said()).toMatch(/worker-2 is process \d+ and logs to .*worker-2\.log/);
    expect(engine.said()).toMatch(new RegExp(`port ${port} is busy; the API listens on \\d+ instead`));
    const { apiUrl, metricsUrls, simulators } = running();
    expect(apiUrl).not.toContain(`:${port}`);
    expect((await fetch(`${apiUrl}/readyz`)).status).toBe(200);
    expect(Object.keys(metricsUrls).sort()).toEqual(['api', 'dispatcher', 'worker', 'worker-2']);
    expect((await fetch(metricsUrls['worker-2'] ?? '')).status).toBe(200);
    expect(simulators).toEqual({});
    const story = await quayside(['demo', 'happy', '--data-dir', dataDir]);
    expect([story.code, story.stderr]).toEqual([2, expect.stringContaining('runs without the demo')]);
  } finally {
    other.close();
  }
  process.kill(-(engine.child.pid ?? 0), 'SIGINT');
  expect(await engine.ended).toBe(0);
  expect(await untilGone()).toEqual([]);
});
