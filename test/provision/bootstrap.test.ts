import { execFile, execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

// Several runs of npm, each a second or more on a busy machine.
jest.setTimeout(120_000);

const BOOTSTRAP = join(__dirname, '../../bin/bootstrap.js');

let directory: string;
let clone: string;

/** A clone whose one dependency and one development dependency come from tarballs: no network. */
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'quayside-bootstrap-'));
  clone = join(directory, 'clone');
  mkdirSync(clone);
  pack('part', '1.0.0');
  pack('tool', '1.0.0');
  describeClone('1.0.0');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function pack(name: string, version: string): void {
  const source = join(directory, `${name}-source`);
  mkdirSync(source, { recursive: true });
  writeFileSync(join(source, 'package.json'), JSON.stringify({ name, version }));
  npm(directory, 'pack', source);
}

/** As a checkout would: the lockfile is made elsewhere, for npm also rewrites its record of what is installed. */
function describeClone(partVersion: string): void {
  const dependencies = { part: `file:../part-${partVersion}.tgz` };
  const devDependencies = { tool: 'file:../tool-1.0.0.tgz' };
  const elsewhere = mkdtempSync(join(directory, 'elsewhere-'));
  writeFileSync(
    join(elsewhere, 'package.json'),
    JSON.stringify({ name: 'clone', dependencies, devDependencies }),
  );
  npm(elsewhere, 'install', '--package-lock-only');
  for (const file of ['package.json', 'package-lock.json'])
    copyFileSync(join(elsewhere, file), join(clone, file));
}

function npm(cwd: string, ...args: string[]): void {
  execFileSync('npm', [...args, '--offline', '--no-audit', '--no-fund'], { cwd, stdio: 'pipe' });
}

/** Runs the bootstrap as a command would; what it says on the way comes back. */
async function bootstrap(development = false, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const script = `require(${JSON.stringify(BOOTSTRAP)}).ensureInstalled(process.argv[1], { development: ${development} })`;
  const { stderr } = await promisify(execFile)(process.execPath, ['-e', script, clone], {
    env: { ...process.env, npm_config_offline: 'true', ...env },
  });
  return stderr;
}

const has = (name: string): boolean => existsSync(join(clone, 'node_modules', name, 'package.json'));

test('a fresh clone gets its packages, and a second command installs nothing', async () => {
  expect(await bootstrap()).toContain('Installing packages');
  expect(has('part')).toBe(true);
  expect(await bootstrap()).toBe('');
});

test('a lockfile that asks for another version is followed; one that only looks newer is not', async () => {
  await bootstrap();
  const tomorrow = new Date(Date.now() + 86_400_000);
  utimesSync(join(clone, 'package-lock.json'), tomorrow, tomorrow);
  expect(await bootstrap()).toBe('');
  pack('part', '2.0.0');
  describeClone('2.0.0');
  expect(await bootstrap()).toContain('Installing packages');
  expect(await bootstrap()).toBe('');
});

test('an installation without the development packages is enough to run, and completed for the tests', async () => {
  npm(clone, 'ci', '--omit=dev');
  expect(await bootstrap()).toBe('');
  expect(has('tool')).toBe(false);
  expect(await bootstrap(true, { NODE_ENV: 'production' })).toContain('Installing packages');
  expect(has('tool')).toBe(true);
});

test('an installation that was interrupted is done again', async () => {
  await bootstrap();
  rmSync(join(clone, 'node_modules', '.package-lock.json'));
  expect(await bootstrap()).toContain('Installing packages');
});

test('of commands started at once one installs and the others wait for it', async () => {
  const said = await Promise.all([bootstrap(), bootstrap(), bootstrap()]);
  expect(said.filter((text) => text.includes('Installing packages'))).toHaveLength(1);
  expect(has('part')).toBe(true);
});

test('when npm fails the command ends with what to do, and the next one may try again', async () => {
  // npm ci refuses a package.json that its lockfile doesn't match.
  const original = readFileSync(join(clone, 'package.json'), 'utf8');
  writeFileSync(join(clone, 'package.json'), original.replace('"tool"', '"toil"'));
  await expect(bootstrap()).rejects.toThrow(/npm ci failed. Run it in .*clone to see why/);
  writeFileSync(join(clone, 'package.json'), original);
  expect(await bootstrap()).toContain('Installing packages');
});
