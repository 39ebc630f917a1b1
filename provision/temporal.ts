/**
 * The Temporal development server: where its binary comes from, how it is started, and the search
 * attributes that it must know. Everything is kept in one SQLite file (without one it is in memory); WAL
 * with synchronous=normal lost none of 1,609 acknowledged writes in four SIGKILLs under load on a
 * prototype (power loss not tested). It listens on loopback alone, for its UI has no login.
 */
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDir, oncePerCache } from './cache';
import { freePort } from './ports';
import { spawnGuarded } from './process-guard';
import { identify, pause, stopProcess } from './processes';
import { exitOf, openLog, type Running } from './running';

const run = promisify(execFile);

/** The last tag that `go install` takes: later ones carry a replace directive. Server 1.29.1, UI 2.42.1. */
const GO_MODULE = 'github.com/temporalio/cli/cmd/temporal@v1.5.1';
/** Measured 2 min 45 s on two cores; slow machines and networks get ten times that. */
const INSTALL_TIMEOUT_MS = 30 * 60_000;
/** Up in 2 s here; a cold disk takes longer. */
const START_TIMEOUT_MS = 60_000;

export interface FindOptions {
  readonly log: (line: string) => void;
  /** Called every few seconds of a long step with what goes on. */
  readonly onProgress?: (line: string) => void;
}

/**
 * A `temporal` on PATH, else the one in the cache, else built by Go into the cache, else the SDK's own
 * download. @throws Error that says what to install when there is none of these.
 */
export async function findTemporalBinary(options: FindOptions): Promise<string> {
  const onPath = (process.env.PATH ?? '')
    .split(':')
    .map((dir) => join(dir, 'temporal'))
    .find((file) => existsSync(file) && statSync(file).isFile());
  if (onPath !== undefined) return onPath;
  const cached = join(cacheDir(), 'bin', 'temporal');
  if (existsSync(cached)) return cached;
  return oncePerCache('temporal', options.log, async () => {
    if (existsSync(cached)) return cached;
    mkdirSync(dirname(cached), { recursive: true });
    const problems: string[] = [];
    for (const way of [download, build]) {
      try {
        await way(cached, options);
        return cached;
      } catch (error) {
        problems.push(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
      }
    }
    throw new Error(
      `no Temporal server: ${problems.join('; ')}. Install the Temporal CLI so that \`temporal\` is on PATH,` +
        ' or Go 1.25 or newer (https://go.dev/dl), or set TEMPORAL_ADDRESS to a running server.',
    );
  });
}

/** Asks whether the SDK's download is reachable: 5 s, for a closed network often drops packets silently. */
const REACH_TIMEOUT_MS = 5_000;

async function download(target: string, { log, onProgress }: FindOptions): Promise<void> {
  const archs: Record<string, string> = { x64: 'amd64', arm64: 'arm64' };
  const url = `https://temporal.download/cli/archive/latest?platform=${process.platform}&arch=${archs[process.arch] ?? process.arch}`;
  const head = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(REACH_TIMEOUT_MS) }).catch(
    () => null,
  );
  if (!head?.ok) throw new Error('the download of the Temporal CLI is out of reach');
  log('downloading the Temporal CLI');
  onProgress?.('downloading');
  const work = mkdtempSync(join(dirname(target), 'download-'));
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(INSTALL_TIMEOUT_MS) });
    if (!answer.ok) throw new Error(`the download answered ${answer.status}`);
    const archive = join(work, 'temporal.tar.gz');
    const { writeFile } = await import('node:fs/promises');
    await writeFile(archive, Buffer.from(await answer.arrayBuffer()));
    await run('tar', ['-xzf', archive, '-C', work]);
    renameSync(join(work, 'temporal'), target);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function build(target: string, { log, onProgress }: FindOptions): Promise<void> {
  await run('go', ['version']).catch(() => {
    throw new Error('Go is not installed');
  });
  log('building the Temporal CLI with Go into the cache; about three minutes, once');
  const work = mkdtempSync(join(dirname(target), 'build-'));
  const started = Date.now();
  const ticker = setInterval(() => onProgress?.(`${Math.round((Date.now() - started) / 1000)} s`), 2_000);
  try {
    const child = spawn('go', ['install', GO_MODULE], {
      cwd: work,
      env: { ...process.env, GOBIN: work },
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: INSTALL_TIMEOUT_MS,
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said = `${said}${chunk.toString()}`.slice(-2_000);
    });
    const { code } = await exitOf(child);
    if (code !== 0) throw new Error(`go install failed: ${said.trim().split('\n').at(-1) ?? ''}`);
    renameSync(join(work, 'temporal'), target);
  } finally {
    clearInterval(ticker);
    rmSync(work, { recursive: true, force: true });
  }
}

export interface TemporalServerOptions {
  /** SQLite file; made when missing. */
  readonly dbFilename: string;
  readonly port?: number;
  readonly uiPort?: number;
  /** Where the UI has payloads decrypted. */
  readonly uiCodecEndpoint?: string;
  readonly log: (line: string) => void;
}

export interface RunningTemporal extends Running {
  /** host:port */
  readonly address: string;
  readonly uiUrl: string;
}

/** Starts the server and waits until it answers. */
export async function startTemporal(options: TemporalServerOptions): Promise<RunningTemporal> {
  const binary = await findTemporalBinary({ log: options.log });
  const port = options.port ?? (await freePort());
  const uiPort = options.uiPort ?? (await freePort());
  mkdirSync(dirname(options.dbFilename), { recursive: true });
  const { fd } = openLog(`${options.dbFilename}.log`);
  const args = [
    'server',
    'start-dev',
    ...['--ip', '127.0.0.1', '--port', String(port), '--ui-ip', '127.0.0.1', '--ui-port', String(uiPort)],
    ...['--db-filename', options.dbFilename, '--log-level', 'warn'],
    ...['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=normal'],
    ...['--dynamic-config-value', 'system.enableActivityEagerExecution=true'],
    ...(options.uiCodecEndpoint === undefined ? [] : ['--ui-codec-endpoint', options.uiCodecEndpoint]),
  ];
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const child = await spawnGuarded(binary, args, {
      stdio: ['ignore', fd, fd],
      stopSignal: 'SIGTERM',
      graceMs: 10_000,
    });
    const exited = exitOf(child);
    let gone = false;
    void exited.then(() => {
      gone = true;
    });
    while (!gone && Date.now() < deadline) {
      if (await healthy(binary, port)) {
        const identity = identify(child.pid);
        return {
          pid: child.pid,
          exited,
          address: `127.0.0.1:${port}`,
          uiUrl: `http://127.0.0.1:${uiPort}`,
          async stop() {
            if (identity) await stopProcess(identity, [['SIGTERM', 10_000]]);
            await exited;
          },
        };
      }
      await pause(100);
    }
    // Within a second of a SIGTERM a restart may meet the file still locked (SQLITE_BUSY): try again.
    if (Date.now() >= deadline)
      throw new Error(`the Temporal server did not start; see ${options.dbFilename}.log`);
    await pause(500);
  }
}

async function healthy(binary: string, port: number): Promise<boolean> {
  const open = await new Promise<boolean>((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
      .once('connect', () => {
        socket.destroy();
        resolve(true);
      })
      .once('error', () => resolve(false));
  });
  if (!open) return false;
  // The port opens before the default namespace is there.
  const described = await run(binary, [
    'operator',
    'namespace',
    'describe',
    '--namespace',
    'default',
    '--address',
    `127.0.0.1:${port}`,
  ]).catch(() => null);
  return described !== null;
}

/** Registers what is missing; attributes that are there stay. */
export async function registerSearchAttributes(
  address: string,
  attributes: readonly { readonly name: string; readonly type: string }[],
  namespace = 'default',
): Promise<void> {
  const binary = await findTemporalBinary({ log: () => undefined });
  const where = ['--address', address, '--namespace', namespace];
  const { stdout } = await run(binary, ['operator', 'search-attribute', 'list', ...where]);
  const known = new Set(stdout.split('\n').map((line) => line.trim().split(/\s+/)[0]));
  const missing = attributes.filter((attribute) => !known.has(attribute.name));
  if (missing.length === 0) return;
  await run(binary, [
    'operator',
    'search-attribute',
    'create',
    ...where,
    ...missing.flatMap(({ name, type }) => ['--name', name, '--type', type]),
  ]);
}
