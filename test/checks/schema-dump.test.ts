import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Client } from 'pg';
import { dumpSchema } from '../../db/schema-dump';
import { type TestDatabase, testDatabase } from '../support/postgres';

let database: TestDatabase;
beforeEach(async () => {
  database = await testDatabase();
});
afterEach(() => database.drop());

test('db/schema.sql is what the migrations make', async () => {
  const kept = readFileSync(path.join(__dirname, '../../db/schema.sql'), 'utf8');
  expect(await dumpSchema(database.ownerUrl)).toBe(kept);
});

test('the months of the data make no other schema', async () => {
  const before = await dumpSchema(database.ownerUrl);
  const owner = new Client({ connectionString: database.ownerUrl });
  await owner.connect();
  await owner.query("select ensure_ledger_month('2010-12-01')");
  await owner.end();
  expect(await dumpSchema(database.ownerUrl)).toBe(before);
});

test.each([
  'alter table product add column colour text',
  "alter table product alter column name set default 'x'",
  'alter table product alter column gtin set not null',
  'alter table product add constraint short check (length(sku) < 99)',
  'create index product_name on product (name)',
  'drop index outbox_due',
  'alter table product no force row level security',
  'drop policy tenant on product',
  'alter policy tenant on product using (true)',
  'grant delete on product to quayside_app',
  'revoke select on product from quayside_check',
  'drop trigger outbox_wake on outbox',
  'alter table outbox set (fillfactor = 90)',
  'create view everything as select 1 as one',
  'create sequence numbers',
  "create or replace function business_now(of_merchant uuid) returns timestamptz language sql stable as 'select now()'",
  'grant execute on function ensure_ledger_month(date) to public',
])('a change shows: %s', async (change) => {
  const before = await dumpSchema(database.ownerUrl);
  const owner = new Client({ connectionString: database.ownerUrl });
  await owner.connect();
  await owner.query(change);
  await owner.end();
  expect(await dumpSchema(database.ownerUrl)).not.toBe(before);
});
