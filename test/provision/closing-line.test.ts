import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'quayside-closing-'));
  const reporter = join(ROOT, 'test/support/closing-line-reporter.js');
  const config = {
    rootDir: directory,
    testMatch: ['**/*.case.js'],
    reporters: ['default', reporter],
    transform: {},
  };
  writeFileSync(join(directory, 'jest.config.json'), JSON.stringify(config));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** `npm test` on files of ours; what it prints on its standard output, and how it ends. */
function npmTest(
  files: Record<string, string>,
  ...args: string[]
): { lines: string[]; status: number | null } {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  const command = [join(ROOT, 'bin/test.js'), '--config', join(directory, 'jest.config.json'), ...args];
  const { stdout, status } = spawnSync(process.execPath, command, { encoding: 'utf8' });
  return { lines: stdout.trim().split('\n'), status };
}

test('the last line counts what passed, failed and was skipped, and the run ends as jest did', () => {
  const mixed = `test('a', () => {}); test('b', () => {}); test('c', () => expect(1).toBe(2)); test.skip('d', () => {}); test.todo('e')`;
  const run = npmTest({ 'mixed.case.js': mixed });
  expect(run.lines.at(-1)).toBe('2 passed, 1 failed, 2 skipped');
  expect(run.status).toBe(1);

  const green = npmTest({ 'mixed.case.js': `test('a', () => {})` });
  expect(green.lines.at(-1)).toBe('1 passed, 0 failed, 0 skipped');
  expect(green.status).toBe(0);
});

test('a file that breaks before its tests run counts as failed', () => {
  const run = npmTest({
    'broken.case.js': `throw new Error('broken')`,
    'good.case.js': `test('a', () => {})`,
  });
  expect(run.lines.at(-1)).toBe('1 passed, 1 failed, 0 skipped');
  expect(run.status).toBe(1);
});

test('a run that breaks off before it has results says so and fails', () => {
  const run = npmTest({}, '--globalSetup', join(directory, 'missing.js'));
  expect(run.lines.at(-1)).toBe('the run broke off before there were results');
  expect(run.status).not.toBe(0);
});
