import { tenancyFaults } from '../../checks/tenancy';
import { makeWorld, type World } from './world';

let world: World;
beforeAll(async () => {
  world = await makeWorld();
}, 60_000);
afterAll(() => world.drop());

const faults = async (...sql: string[]) => (await world.tampered(sql, tenancyFaults)).faults;

test('every table of the present schema keeps merchants apart', async () => {
  const { tables, faults: found } = await world.tampered([], tenancyFaults);
  expect(found).toEqual([]);
  expect(tables).toBeGreaterThan(50);
});

test('partitions are looked at like every table', async () => {
  const month = await world.tampered([], (tx) =>
    tx.rows<{ name: string }>({
      text: "select inhrelid::regclass::text as name from pg_inherits where inhparent = 'stock_ledger'::regclass limit 1",
    }),
  );
  const name = month[0]?.name as string;
  expect(await faults(`alter table ${name} no force row level security`)).toEqual([
    `${name}: row-level security is not forced`,
  ]);
});

const GOOD = `
create table planted (merchant_id uuid not null references merchant (id), id uuid not null, primary key (merchant_id, id));
alter table planted enable row level security;
alter table planted force row level security;
create policy tenant on planted to quayside_app
  using (merchant_id::text = current_setting('app.merchant_ids')) with check (merchant_id::text = current_setting('app.merchant_ids'));
grant select, insert on planted to quayside_app`;

test('a table that does it right is passed', async () => {
  expect(await faults(GOOD)).toEqual([]);
});

test.each([
  [
    'has no row-level security',
    'alter table planted disable row level security',
    'row-level security is not enabled',
  ],
  [
    'exempts its owner',
    'alter table planted no force row level security',
    'row-level security is not forced',
  ],
  ['has no policy', 'drop policy tenant on planted', 'it has no policy for quayside_app'],
  [
    'lets everything be written',
    'alter policy tenant on planted with check (true)',
    "its policy's WITH CHECK does not bind rows to the tenants of the transaction",
  ],
  [
    'lets everything be read',
    'alter policy tenant on planted using (true)',
    "its policy's USING does not bind rows to the tenants of the transaction",
  ],
  [
    'has a second, wider policy beside the right one',
    'create policy wide on planted to quayside_app using (true) with check (true)',
    "its policy's USING does not bind rows to the tenants of the transaction",
  ],
  [
    'is open to everybody by a public policy',
    'create policy wide on planted using (true) with check (true)',
    "its policy's USING does not bind rows to the tenants of the transaction",
  ],
  [
    'tells by a unique key whether a stranger’s row exists',
    'alter table planted add column code text unique',
    'unique key planted_code_key (code) does not begin with the tenant',
  ],
  [
    'tells it by an expression',
    'alter table planted add column code text; create unique index planted_code on planted (lower(code))',
    'unique key planted_code ((expression)) does not begin with the tenant',
  ],
  [
    'points at another merchant’s rows',
    'create unique index sales_order_alone on sales_order (id); alter table planted add column order_id uuid references sales_order (id)',
    'foreign key planted_order_id_fkey does not carry the merchant',
  ],
])('a table that %s is named', async (_what, change, says) => {
  expect((await faults(GOOD, change)).join('\n')).toContain(`planted: ${says}`);
});

test('a table without any tenant is named', async () => {
  expect(await faults('create table planted (id uuid primary key)')).toContain(
    'planted: it has no merchant and no organisation',
  );
});

test('a role that passes by the policies is named', async () => {
  expect(await faults('alter role quayside_app bypassrls')).toEqual(['quayside_app passes by the policies']);
});
