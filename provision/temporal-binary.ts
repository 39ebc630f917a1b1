/**
 * Where the `temporal` program comes from, in this order: one on the PATH, the one in the cache, the
 * SDK's own download (needs an open internet), a build by Go. A program that can't be run or whose
 * server is older than what Quayside needs is passed over and said. What is fetched or built ends in
 * the cache under its final name only when it is whole, so an interrupted first start costs time and
 * nothing else. When all fail, the error names each way with the reason and what would help.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { cacheDir, oncePerCache } from './cache';
import { spawnGuarded } from './process-guard';
import { pause, send } from './processes';

export interface FindOptions {
  readonly log: (line: string) => void;
  /** Called during the long steps with how far they are: "412 of about 1300 packages". */
  readonly onProgress?: (line: string) => void;
  readonly env?: NodeJS.ProcessEnv;
}

// The last release of the CLI that `go install` accepts (later ones carry a `replace` directive).
const CLI_VERSION = 'v1.5.1';

// The server that this CLI contains. Worker deployment versions and update-with-start, as Quayside
// uses them, were tried against it and nothing older.
const OLDEST_SERVER = [1, 29] as const;

const OLDEST_GO = [1, 25] as const;

// What `go install -v` prints on an empty build cache; only the progress line depends on it.
const GO_PACKAGES = 1_300;

// 2 min 45 s on two idle cores; a slow machine with a slow network gets ten times that.
const GO_TIMEOUT_MS = 30 * 60_000;

// The archive is 60 MB: ten minutes is 100 kB/s. A closed network is given up sooner, when not a
// byte has come in 20 s.
const DOWNLOAD_TIMEOUT_MS = 10 * 60_000;
const FIRST_BYTE_TIMEOUT_MS = 20_000;

/** The path of a `temporal` program that can run the server, fetched or built when there is none. */
export async function findTemporalBinary(options: FindOptions): Promise<string> {
  const env = options.env ?? process.env;
  const cached = join(cacheDir(env), 'bin', 'temporal');
  const present = (await firstUsable(onPath(env), options.log)) ?? (await firstUsable([cached], options.log));
  if (present !== null) return present;
  return await oncePerCache(
    'temporal',
    options.log,
    async () => {
      // Whoever held the lock before has perhaps just made it.
      const made = await firstUsable([cached], options.log);
      if (made !== null) return made;
      mkdirSync(dirname(cached), { recursive: true });
      const reasons: string[] = [];
      for (const way of [download, build]) {
        const reason = await way(cached, { ...options, env });
        if (reason === null && (await firstUsable([cached], options.log)) !== null) return cached;
        reasons.push(reason ?? 'what came out does not run');
      }
      throw new Error(
        `there is no Temporal server, and none could be had:\n${reasons.map((reason) => `  - ${reason}`).join('\n')}\n` +
          'Install the Temporal CLI (https://docs.temporal.io/cli) so that "temporal" is on the PATH,' +
          ` or Go ${OLDEST_GO.join('.')} or newer, or set TEMPORAL_ADDRESS to a server of your own.`,
      );
    },
    env,
  );
}

/** The server version inside a `temporal` program, or null when it isn't one or doesn't run. */
export async function temporalServerVersion(path: string): Promise<string | null> {
  try {
    // 60 s: the program is 250 MB, and a cold, busy disk has to read most of it; passed over, it is built for minutes.
    const { stdout } = await promisify(execFile)(path, ['--version'], { timeout: 60_000 });
    return /\(Server (\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? null;
  } catch {
    return null;
  }
}

async function firstUsable(
  candidates: readonly string[],
  log: (line: string) => void,
): Promise<string | null> {
  for (const path of candidates) {
    if (!existsSync(path)) continue;
    const version = await temporalServerVersion(path);
    if (version !== null && atLeast(version, OLDEST_SERVER)) return path;
    log(
      version === null
        ? `${path} is not a Temporal CLI that runs here; passed over`
        : `${path} contains Temporal server ${version}, older than ${OLDEST_SERVER.join('.')}; passed over`,
    );
  }
  return null;
}

function onPath(env: NodeJS.ProcessEnv): string[] {
  return (env.PATH ?? '')
    .split(delimiter)
    .filter((directory) => directory !== '')
    .map((directory) => join(directory, 'temporal'))
    .filter((path) => {
      try {
        accessSync(path, constants.X_OK);
        return statSync(path).isFile();
      } catch {
        return false;
      }
    });
}

type Way = (target: string, options: FindOptions & { env: NodeJS.ProcessEnv }) => Promise<string | null>;

/**
 * Lets the SDK fetch the program the way its own test environment does. In a process of its own:
 * the SDK starts the server right away, and its native runtime would stay in ours.
 */
const download: Way = async (target, { log, onProgress, env }) => {
  const directory = `${target}.download`;
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  log(`fetching the Temporal CLI ${CLI_VERSION} (60 MB, once)`);
  const child = await spawnGuarded(process.execPath, ['-e', DOWNLOAD_SCRIPT, directory, CLI_VERSION], {
    cwd: join(__dirname, '..'),
    env: { ...env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'ignore', 'pipe'],
    stopSignal: 'SIGKILL',
    graceMs: 0,
  });
  const errors = lastLines(child.stderr);
  let gone = false;
  const exit = once(child, 'close').finally(() => {
    gone = true;
  });
  const started = Date.now();
  let stuck = false;
  while (!gone) {
    const bytes = sizeWithin(directory);
    onProgress?.(`${(bytes / 1e6).toFixed(1)} MB`);
    const elapsed = Date.now() - started;
    stuck = (bytes === 0 && elapsed > FIRST_BYTE_TIMEOUT_MS) || elapsed > DOWNLOAD_TIMEOUT_MS;
    if (stuck) send(-child.pid, 'SIGKILL');
    await Promise.race([exit, pause(500)]);
  }
  const program = readdirSync(directory).find(
    (name) => name.startsWith('temporal') && !name.endsWith('.downloading'),
  );
  try {
    if (program === undefined)
      return `the SDK's download: ${stuck ? 'no answer from the network' : errors()}`;
    renameSync(join(directory, program), target);
    return null;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

const DOWNLOAD_SCRIPT = `
  const [, directory, version] = process.argv;
  const { TestWorkflowEnvironment } = require('@temporalio/testing');
  const executable = { type: 'cached-download', downloadDir: directory, version };
  TestWorkflowEnvironment.createLocal({ server: { executable } }).then(
    (environment) => environment.teardown(),
    (error) => { console.error(String(error.message ?? error)); process.exitCode = 1; });`;

const build: Way = async (target, { log, onProgress, env }) => {
  const version = await goVersion(env);
  if (version === null) return 'a build by Go: there is no "go" on the PATH';
  if (!atLeast(version, OLDEST_GO))
    return `a build by Go: Go ${version} is older than ${OLDEST_GO.join('.')}`;
  const directory = `${target}.build`;
  rmSync(directory, { recursive: true, force: true });
  log(
    `building the Temporal CLI ${CLI_VERSION} with Go ${version} (about 3 minutes on two cores, 250 MB, once)`,
  );
  const child = await spawnGuarded(
    'go',
    ['install', '-v', `github.com/temporalio/cli/cmd/temporal@${CLI_VERSION}`],
    {
      cwd: '/',
      env: { ...env, GOBIN: directory },
      stdio: ['ignore', 'ignore', 'pipe'],
      stopSignal: 'SIGKILL',
      graceMs: 0,
    },
  );
  let done = 0;
  const errors = lastLines(child.stderr, () => {
    done += 1;
    onProgress?.(`${done} of about ${Math.max(GO_PACKAGES, done)} packages`);
  });
  const timer = setTimeout(() => send(-child.pid, 'SIGKILL'), GO_TIMEOUT_MS);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  try {
    if (code !== 0) return `a build by Go: ${errors()}`;
    renameSync(join(directory, 'temporal'), target);
    return null;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

async function goVersion(env: NodeJS.ProcessEnv): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)('go', ['version'], { env, timeout: 10_000 });
    return /go(\d+\.\d+(\.\d+)?)/.exec(stdout)?.[1] ?? null;
  } catch {
    return null;
  }
}

function atLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [actualMajor = 0, actualMinor = 0] = version.split('.').map(Number);
  return actualMajor > major || (actualMajor === major && actualMinor >= minor);
}

/** Reads a stream line by line and keeps the last few, which say why something failed. */
function lastLines(stream: NodeJS.ReadableStream | null, onLine?: () => void): () => string {
  const kept: string[] = [];
  if (stream !== null) {
    createInterface({ input: stream }).on('line', (line) => {
      kept.push(line);
      if (kept.length > 5) kept.shift();
      onLine?.();
    });
  }
  return () => kept.join(' / ') || 'it ended without a word';
}

function sizeWithin(directory: string): number {
  return readdirSync(directory).reduce(
    (sum, name) => sum + (statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}
