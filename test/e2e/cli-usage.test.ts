/** What the command says when something is wrong: each sentence names the thing and what to do about it. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { freePort } from '../../provision/ports';
import { newDataDir, quayside, startQuayside } from '../support/quayside-command';

const directories: string[] = [];
function dataDirectory(): string {
  const dir = newDataDir();
  directories.push(dir);
  return dir;
}
afterAll(() => {
  for (const dir of directories) rmSync(dir, { recursive: true, force: true });
});

test.each([
  [['nonsense'], /unknown command 'nonsense'/],
  [['orders', '--nonsense'], /unknown option '--nonsense'/],
  [['orders', '--state', 'nonsense'], /no order state "nonsense"[\s\S]*accepted/],
  [['route'], /give either an order, --lines or --rules/],
  [['warehouses', 'close', 'EAST'], /required option '--reason <text>'/],
  [['counts', 'plan'], /required option '--warehouse <code>'/],
  [['work-orders', 'cancel', 'ID'], /required option '--reason <text>'/],
  [['demo', 'nonsense'], /no scenario "nonsense"[\s\S]*happy/],
  [['stock', 'follow-up', 'x', 'nonsense'], /no follow-up "nonsense"[\s\S]*pause_listings/],
  [['stock', 'velocity'], /missing required argument 'skus'/],
  [['stock', '--watch'], /missing required argument 'skus'/],
  [['channels', 'listings', '--limit', 'many'], /--limit takes a number/],
  [['channels', 'set', 'x'], /say what to change/],
  [['channels', 'rule', 'x', '--cap', 'lots'], /cap takes a number or "none"/],
  [['up', '--rate', 'many'], /--rate takes a number/],
  [['up', '--ports', 'nonsense=1'], /"nonsense=1" is not name=port[\s\S]*api/],
])('%j is wrong usage: exit code 2, and what there is', async (args, expected) => {
  const { code, stderr, stdout } = await quayside(args);
  expect(stderr).toMatch(expected);
  expect(stdout).toBe('');
  expect(code).toBe(2);
});

test('a command that needs an engine says that none runs, and how to start one', async () => {
  const dir = dataDirectory();
  const { code, stderr } = await quayside(['orders', '--data-dir', dir]);
  expect(stderr).toContain(`no engine runs on ${dir}`);
  expect(stderr).toContain('npm start');
  expect(code).toBe(1);
});

test('--fresh leaves alone what is no data directory of Quayside', async () => {
  const dir = dataDirectory();
  writeFileSync(join(dir, 'letters.txt'), 'keep me');
  const { code, stderr } = await quayside(['up', '--fresh', '--data-dir', dir]);
  expect(stderr).toContain(`${dir} is not empty and no data directory of Quayside`);
  expect(code).toBe(1);
  expect(existsSync(join(dir, 'letters.txt'))).toBe(true);
});

test('a busy port that was asked for is named with what to do, and nothing is started', async () => {
  const dir = dataDirectory();
  const port = await freePort();
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
  try {
    const up = startQuayside(dir, ['up', '--ports', `api=${port}`]);
    expect(await up.ended).toBe(1);
    expect(up.said()).toContain(`port ${port} for the API, asked for by --ports api=${port}, is busy`);
    expect(up.said()).toContain('stop what listens there');
    expect(up.processes()).toEqual([]);
    expect(existsSync(join(dir, 'postgres'))).toBe(false);
  } finally {
    other.close();
  }
});

test('doctor names what is missing and how to get it, and ends with 1', async () => {
  const port = await freePort();
  const env = { DATABASE_URL: `postgres://nobody@127.0.0.1:${port}/nothing` };
  const { code, stdout } = await quayside(['doctor', '--json'], { env });
  const findings = JSON.parse(stdout) as { what: string; verdict: string; remedy: string | null }[];
  expect(findings.find(({ what }) => what === 'Node')).toMatchObject({ verdict: 'ok', remedy: null });
  expect(findings.find(({ what }) => what === 'Postgres')).toMatchObject({
    verdict: 'missing',
    remedy: expect.stringContaining('DATABASE_URL'),
  });
  expect(code).toBe(1);
});
