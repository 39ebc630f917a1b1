import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeGuard } from '../../provision/process-guard';
import { findTemporalBinary } from '../../provision/temporal-binary';

// The SDK's download has to be refused by the closed proxy below before Go's turn comes.
jest.setTimeout(60_000);

let directory: string;
let bin: string;
let env: NodeJS.ProcessEnv;
const log: string[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'quayside-binary-'));
  bin = join(directory, 'path');
  mkdirSync(bin);
  log.length = 0;
  // A proxy where nobody listens closes the network on every machine alike.
  const closed = 'http://127.0.0.1:9';
  env = {
    PATH: `${bin}:/usr/bin:/bin`,
    HOME: directory,
    QUAYSIDE_CACHE: join(directory, 'cache'),
    HTTPS_PROXY: closed,
  };
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));
afterAll(closeGuard);

const find = (onProgress?: (line: string) => void): Promise<string> =>
  findTemporalBinary({ log: (line) => log.push(line), env, ...(onProgress ? { onProgress } : {}) });

function program(path: string, script: string): string {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

const temporal = (path: string, server: string): string =>
  program(path, `echo "temporal version 1.0.0 (Server ${server}, UI 2.42.1)"`);

/** A Go that "builds" a program naming this server version, and writes down that it was asked. */
const go = (server: string, options: { fails?: boolean } = {}): string =>
  program(
    join(bin, 'go'),
    `if [ "$1" = version ]; then echo "go version go1.26.8 linux/amd64"; exit; fi
     echo "$@" >> ${directory}/builds
     echo "first/package" >&2; echo "second/package" >&2
     ${options.fails ? 'echo "no space left" >&2; exit 1' : ''}
     sleep 0.3; mkdir -p "$GOBIN"
     printf '#!/bin/sh\\necho "temporal version 0 (Server ${server}, UI 2)"\\n' > "$GOBIN/temporal"
     chmod 755 "$GOBIN/temporal"`,
  );

test('one on the PATH is taken before the cache', async () => {
  temporal(join(directory, 'cache', 'bin', 'temporal'), '1.29.1');
  const path = temporal(join(bin, 'temporal'), '1.30.0');
  expect(await find()).toBe(path);
});

test('one that is too old, or something else of that name, is passed over and said', async () => {
  const old = temporal(join(bin, 'temporal'), '1.28.9');
  const cached = temporal(join(directory, 'cache', 'bin', 'temporal'), '1.29.1');
  expect(await find()).toBe(cached);
  program(join(bin, 'temporal'), 'echo "I keep time"');
  expect(await find()).toBe(cached);
  expect(log).toEqual([
    `${old} contains Temporal server 1.28.9, older than 1.29; passed over`,
    `${old} is not a Temporal CLI that runs here; passed over`,
  ]);
});

test('two that need it at once have it built once, with progress, and find it in the cache afterwards', async () => {
  go('1.29.1');
  const progress: string[] = [];
  const cached = join(directory, 'cache', 'bin', 'temporal');
  expect(await Promise.all([find((line) => progress.push(line)), find()])).toEqual([cached, cached]);
  expect(readFileSync(join(directory, 'builds'), 'utf8').trim().split('\n')).toHaveLength(1);
  expect(progress.filter((line) => line.includes('packages'))).toEqual([
    '1 of about 1300 packages',
    '2 of about 1300 packages',
  ]);
  expect(await find()).toBe(cached);
  expect(readdirSync(join(directory, 'cache', 'bin'))).toEqual(['temporal']);
});

test('when nothing works the error names each way, its reason and what would help', async () => {
  go('1.29.1', { fails: true });
  const error = await find().then(
    () => null,
    (reason: Error) => reason.message,
  );
  expect(error).toMatch(/the SDK's download: .+\n.*a build by Go: .*no space left/);
  expect(error).toMatch(/docs\.temporal\.io\/cli.*TEMPORAL_ADDRESS/);
  expect(readdirSync(join(directory, 'cache', 'bin'))).toEqual([]);
});
