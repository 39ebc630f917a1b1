/**
 * `quayside replay online-retail` as a person runs it, on an engine of its own and a small file that is
 * visibly made up: what it reports is what a second, plainer telling of the file comes to, read from the
 * database, however often it runs. The real file's weeks run as a command (test/smoke/replay.ts).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Client } from 'pg';
import { removePostgresData } from '../../provision/postgres';
import {
  type Ended,
  freePorts,
  newDataDir,
  quayside,
  type RunningCommand,
  startQuayside,
} from '../support/quayside-command';
import { tellRetail } from '../support/retail-oracle';

const FILE = resolve(__dirname, '../fixtures/retail-demo.csv');
/** Little enough that orders wait, losses find nothing, and credits free who waits. */
const OPENING = 10;
// Building a bundle and starting six processes takes 10 s on an idle machine; it is shared with other tests,
// and a machine that has just built the Temporal server reads it from a cold disk.
const UP_WITHIN_MS = 180_000;
const GONE_WITHIN_MS = 15_000;
jest.setTimeout(240_000);

const told = tellRetail(FILE, '2011-03-01', '2011-03-08', OPENING);
const dataDir = newDataDir();
let engine: RunningCommand;
let superuser: Client;

type Report = Readonly<Record<string, number>>;

const replay = (...args: string[]): Promise<Ended> =>
  quayside(['replay', 'online-retail', ...args, '--data-dir', dataDir], { timeoutMs: 200_000 });

async function report(...args: string[]): Promise<Report> {
  const { code, stdout, stderr } = await replay(FILE, '--days', '7', '--json', ...args);
  if (code !== 0) throw new Error(`the replay ended with ${code}: ${stderr}\n${stdout}`);
  return JSON.parse(stdout) as Report;
}

/** All that the replayed merchant has, as text; what only clocks and looks change is left out. */
async function everything(): Promise<string> {
  const found: unknown[] = [];
  for (const table of [
    'sales_order',
    'replay_line',
    'stock_ledger',
    'stock_balance',
    'parcel',
    'order_fact',
  ]) {
    const { rows } = await superuser.query(
      `select to_jsonb(t)::text as row from ${table} t join merchant m on m.id = t.merchant_id
       where m.slug = 'retail-replay' order by 1`,
    );
    found.push(rows);
  }
  return JSON.stringify(found);
}

/** The report while these rows are as the statement leaves them; they are put back afterwards. */
async function reportWhile(changed: string, putBack: string): Promise<Report> {
  const { rowCount } = await superuser.query(changed);
  if (rowCount !== 1) throw new Error(`${changed}: ${rowCount} rows`);
  try {
    return await report();
  } finally {
    await superuser.query(putBack);
  }
}

beforeAll(async () => {
  engine = startQuayside(dataDir, ['up', '--rate', '0', '--ports', await freePorts()]);
  await engine.says('Ctrl-C stops', UP_WITHIN_MS);
  const { environment } = JSON.parse(readFileSync(join(dataDir, 'running.json'), 'utf8')) as {
    readonly environment: { readonly DATABASE_APP_URL: string };
  };
  const url = new URL(environment.DATABASE_APP_URL);
  url.username = 'postgres';
  url.password = readFileSync(join(dataDir, 'postgres', 'superuser-password'), 'utf8').trim();
  superuser = new Client(url.toString());
  await superuser.connect();
  // Longer than the wait, which fails with all that was said.
}, UP_WITHIN_MS + 20_000);

afterAll(async () => {
  await superuser?.end();
  engine?.child.kill('SIGTERM');
  const deadline = Date.now() + GONE_WITHIN_MS;
  while (engine !== undefined && engine.processes().length > 0 && Date.now() < deadline)
    await new Promise((wake) => setTimeout(wake, 100));
  removePostgresData(join(dataDir, 'postgres'));
  removePostgresData(dataDir);
});

test('a replay comes to what the file comes to when it is counted another way, and to that stock', async () => {
  const { shipped: shippedOrders, ...found } = await report('--opening-stock', String(OPENING), '--verify');
  expect(found).toMatchObject(told.counts);
  expect([shippedOrders, found.delivered, found['parked.out_of_stock']]).toEqual([9, 9, 2]);
  for (const name of ['lifecycleP50Ms', 'lifecycleP99Ms', 'ordersPerSecond'])
    expect([name, found[name]]).toEqual([name, expect.any(Number)]);
  expect(found).toMatchObject({
    'stock.shipped': told.shipped,
    'stock.restocked': told.restocked,
    'stock.writtenOff': told.writtenOff,
    'stock.writeOffRest': told.rest,
    'stock.skusOff': 0,
    'stock.oversold': 0,
    'backorders.waited': told.released.length + told.waiting.length,
    'backorders.released': told.released.length,
    'backorders.outOfTurn': 0,
  });
});

test('each shelf ends with what is left, and who waits was served in his turn', async () => {
  const { rows: shelves } = await superuser.query<{ sku: string; on_hand: number }>(
    `select p.sku, b.on_hand from stock_balance b join product p on p.merchant_id = b.merchant_id and p.id = b.product_id
     join merchant m on m.id = b.merchant_id where m.slug = 'retail-replay'`,
  );
  expect(Object.fromEntries(shelves.map(({ sku, on_hand }) => [sku, on_hand]))).toEqual(told.shelf);
  const { rows: orders } = await superuser.query<{ number: string; waits: boolean }>(
    `select o.external_id as number, o.blocked_reason is not null as waits from sales_order o
     left join reservation r on r.merchant_id = o.merchant_id and r.order_id = o.id
     where o.external_id = any($1) group by o.merchant_id, o.id
     order by waits, max(r.created_at) filter (where r.hold_id is not null and o.blocked_reason is null), o.placed_at`,
    [[...told.released, ...told.waiting]],
  );
  expect(orders.map(({ number }) => number)).toEqual([...told.released, ...told.waiting]);
  expect(orders.filter(({ waits }) => waits).map(({ number }) => number)).toEqual(told.waiting);
  const { rows: rests } = await superuser.query(
    `select message from exception where reason = 'write_off_short' and state = 'open'`,
  );
  expect(rests).toEqual([{ message: '90005: 25 were to be written off, 10 were there.' }]);
});

test('running it again changes nothing, plain or packed, and the invariants hold', async () => {
  const [before, first] = [await everything(), await report('--verify')];
  const packed = join(dataDir, 'retail-demo.csv.gz');
  writeFileSync(packed, gzipSync(readFileSync(FILE)));
  const again = await replay(packed, '--days', '7', '--opening-stock', 'ample', '--verify', '--json');
  expect([again.code, JSON.parse(again.stdout)]).toEqual([0, first]);
  expect(await everything()).toBe(before);
  const { code, stdout } = await quayside(['check', '--data-dir', dataDir]);
  expect([code, stdout]).toEqual([0, expect.stringContaining('invariants hold')]);
});

test('the counts come from the database: a row that is altered or gone changes them', async () => {
  const line = (set: string) =>
    `update sales_order_line l set ${set} from sales_order o where o.merchant_id = l.merchant_id and o.id = l.order_id
     and o.external_id = '900001' and l.external_line_id = '1'`;
  const altered = await reportWhile(
    line('quantity = 5, unit_price_minor = 300'),
    line('quantity = 4, unit_price_minor = 255'),
  );
  expect(altered).toMatchObject({
    ...told.counts,
    units: (told.counts.units ?? 0) + 1,
    revenuePence: (told.counts.revenuePence ?? 0) - 4 * 255 + 5 * 300,
  });
  const fact = `from order_fact where key = 'credit:C900007:1'`;
  await superuser.query(`create table kept_fact as select * ${fact}`);
  const gone = await reportWhile(`delete ${fact}`, 'insert into order_fact select * from kept_fact');
  expect(gone).toMatchObject({
    ...told.counts,
    rows: 29,
    creditLines: 7,
    creditUnits: (told.counts.creditUnits ?? 0) - 4,
    'credits.matched': 4,
    creditInvoices: 7,
    invoices: 20,
  });
  const balance = (units: string) =>
    `update stock_balance b set on_hand = on_hand ${units} from product p
     where p.merchant_id = b.merchant_id and p.id = b.product_id and p.sku = '90002' and p.unit_cost_minor < 100`;
  await superuser.query(balance('+ 1'));
  const off = await replay(FILE, '--days', '7', '--verify', '--json');
  await superuser.query(balance('- 1'));
  expect(off.code).toBe(1);
  expect(off.stderr).toContain('90002: 10 + 0 restocked - 3 shipped - 4 written off is 3, and 4 are there');
});

test('a file that is none, or another one, is refused with what is wrong before anything is replayed', async () => {
  const before = await everything();
  const file = (name: string, text: string | Buffer) => {
    const path = join(dataDir, name);
    writeFileSync(path, text);
    return path;
  };
  const head = readFileSync(FILE, 'utf8').split('\n', 1)[0] ?? '';
  const cases: readonly (readonly [string, ...string[]])[] = [
    ['no such file', join(dataDir, 'absent.csv')],
    ['once each: InvoiceNo', file('other.csv', 'a,b\n1,2\n')],
    ['row 1: quantity "1.5"', file('bad.csv', `${head}\n1,90001,DEMO,1.5,2011-03-01 08:00:00,1.0,,France\n`)],
    ["can't be read", file('cut.csv.gz', gzipSync(readFileSync(FILE)).subarray(0, 200))],
    ['it goes from 2011-03-01 to 2011-03-09', FILE, '--from', '2012-01-01'],
  ];
  const ended = await Promise.all(cases.map(([, ...args]) => replay(...args)));
  ended.forEach(({ code, stderr }, index) => {
    expect([code === 0, stderr]).toEqual([false, expect.stringContaining(cases[index]?.[0] ?? '')]);
  });
  expect(await everything()).toBe(before);
});
