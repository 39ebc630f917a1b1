import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { testDatabase } from '../support/postgres';

const ROOT = join(__dirname, '../..');

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<unknown[]>({ text, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}

test('each test database is migrated, apart from every other, and reached by the four roles under their names', async () => {
  const [first, second] = await Promise.all([testDatabase(), testDatabase()]);
  await query(first.ownerUrl, 'create table only_here ()');
  expect(await query(second.ownerUrl, "select to_regclass('only_here')")).toEqual([null]);
  expect(await query(second.ownerUrl, "select to_regclass('merchant') is not null")).toEqual([true]);
  const names = await Promise.all(
    [first.ownerUrl, first.appUrl, first.systemUrl, first.checkUrl].map((url) =>
      query(url, 'select current_user'),
    ),
  );
  expect(names.flat()).toEqual(['quayside_owner', 'quayside_app', 'quayside_system', 'quayside_check']);
  // The owner is no superuser here either, so a migration that needs one fails in the tests.
  expect(
    await query(first.ownerUrl, 'select rolsuper or rolbypassrls from pg_roles where rolname = current_user'),
  ).toEqual([false]);
  await Promise.all([first.drop(), second.drop()]);
  await expect(query(first.ownerUrl, 'select 1')).rejects.toThrow('does not exist');
});

test('what is left out says why, once a reason, and counts as skipped', () => {
  const directory = mkdtempSync(join(tmpdir(), 'quayside-skip-'));
  const cases = `
    const { describeIf, itIf } = require(${JSON.stringify(join(ROOT, 'test/support/skip.ts'))});
    describeIf(false, 'no such tool')('a', () => { it('b', () => {}); it('c', () => {}); });
    itIf(false, 'no such tool')('d', () => {});
    itIf(true, 'not said')('e', () => {});`;
  writeFileSync(join(directory, 'skip.case.js'), cases);
  const reporter = join(ROOT, 'test/support/closing-line-reporter.js');
  const swc = { jsc: { parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } };
  const config = {
    rootDir: directory,
    roots: [directory],
    testMatch: ['**/*.case.js'],
    reporters: [reporter],
    transform: { '[.]ts$': [require.resolve('@swc/jest'), swc] },
  };
  writeFileSync(join(directory, 'jest.config.json'), JSON.stringify(config));
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [join(ROOT, 'bin/test.js'), '--config', join(directory, 'jest.config.json')],
    { encoding: 'utf8' },
  );
  rmSync(directory, { recursive: true, force: true });
  expect(stderr.match(/SKIPPED in .*skip\.case\.js: no such tool/g)).toHaveLength(1);
  expect(stderr).not.toContain('not said');
  expect(stdout.trim()).toBe('1 passed, 0 failed, 3 skipped');
});
