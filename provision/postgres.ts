/**
 * The embedded PostgreSQL: real programs from npm under our own launcher, because the package's own
 * one fails as root and orphans its server.
 *
 * Everything lies in the given data directory: `pgdata` (the cluster), `superuser-password`,
 * `postgres.log`, `claim.json` (who runs it). One exception: for root, with a data directory that no
 * unprivileged account can reach (under /root), the cluster goes to /var/lib/quayside/<hash of the
 * data directory> and `pgdata-location` names it. A cluster is made under a temporary name and
 * renamed, so one that exists is whole. A server that a killed owner left behind is stopped by the
 * next start; a directory whose owner lives is refused. A start retries while the remains of a
 * killed server (shared memory, a chosen port taken meanwhile) go away, then fails with the end of
 * the log in the message.
 */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { type Claim, claim } from './ownership';
import { freePort } from './ports';
import {
  type Account,
  canEnter,
  chooseAccount,
  findPostgresBinaries,
  makeReadable,
  type PostgresBinaries,
} from './postgres-binaries';
import { spawnGuarded } from './process-guard';
import { commandLine, identify, pause, type StopSteps, stopProcess } from './processes';
import { exitOf, logTail, openLog, type Running } from './running';

export interface PostgresOptions {
  /** Holds everything; made when missing. */
  readonly dataDir: string;
  /** Default: a free one. */
  readonly port?: number;
  /** False only for data that may be lost with the machine (tests): no write waits for the disk. */
  readonly fsync?: boolean;
  /** Default 200: the pools of one machine's roles, with room for the tools of a person. */
  readonly maxConnections?: number;
  /** `trust` lets every local process in: for tests. Counts when the cluster is made. */
  readonly auth?: 'scram-sha-256' | 'trust';
  readonly log: (line: string) => void;
}

export interface RunningPostgres extends Running {
  /** The superuser's address of the `postgres` database. */
  readonly url: string;
  readonly port: number;
}

// SIGINT is the fast shutdown: sessions end, a checkpoint is written, seconds at most on data of
// this size; 30 s leaves room for a slow disk. SIGQUIT gives up without one, at the price of a
// recovery at the next start, and only a hung kernel survives it.
const STOP_STEPS: StopSteps = [
  ['SIGINT', 30_000],
  ['SIGQUIT', 5_000],
];

// After a kill the old server's children need up to 0.2 s (measured) to let go of its shared memory.
const START_RETRY_MS = 10_000;

// A start after a crash replays the log first; 60 s is ten times what a day of the demo's took.
const READY_TIMEOUT_MS = 60_000;

/** Starts the server, making its cluster when there is none. Ready for connections on return. */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const dataDir = resolve(options.dataDir);
  mkdirSync(dataDir, { recursive: true });
  const { log } = options;
  const held = await claim(join(dataDir, 'claim.json'), {
    what: `the database in ${dataDir}`,
    stopSteps: STOP_STEPS,
    log,
  });
  try {
    const place = locateCluster(dataDir);
    const binaries = findPostgresBinaries(place.account);
    await makeCluster(dataDir, place, binaries, options);
    await clearPidFile(place.pgdata, log);
    return await startUntilReady({ dataDir, place, binaries, options, held });
  } catch (error) {
    held.release();
    throw error;
  }
}

/** Deletes all data of a stopped server, wherever its cluster lies. */
export function removePostgresData(dataDir: string): void {
  const location = join(resolve(dataDir), 'pgdata-location');
  if (existsSync(location))
    rmSync(dirname(readFileSync(location, 'utf8').trim()), { recursive: true, force: true });
  rmSync(resolve(dataDir), { recursive: true, force: true });
}

interface Cluster {
  readonly pgdata: string;
  readonly account: Account | null;
}

function locateCluster(dataDir: string): Cluster {
  const inside = join(dataDir, 'pgdata');
  const account = chooseAccount(inside);
  if (account === null || canEnter(dataDir, account)) return { pgdata: inside, account };
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  const pgdata = join('/var/lib/quayside', hash, 'pgdata');
  makeReadable(dirname(pgdata));
  writeFileSync(join(dataDir, 'pgdata-location'), `${pgdata}\n`);
  // For the person who finds it there and wonders whether it may go.
  writeFileSync(join(dirname(pgdata), 'belongs-to'), `${dataDir}\n`);
  return { pgdata, account: chooseAccount(pgdata) };
}

async function makeCluster(
  dataDir: string,
  { pgdata, account }: Cluster,
  binaries: PostgresBinaries,
  options: PostgresOptions,
): Promise<void> {
  if (existsSync(pgdata)) {
    const major = readFileSync(join(pgdata, 'PG_VERSION'), 'utf8').trim();
    if (major === binaries.major) return;
    throw new Error(
      `the database in ${dataDir} was made by PostgreSQL ${major}, installed is ${binaries.major};` +
        ' go back to the release that made it, or start anew with --fresh',
    );
  }
  const password = randomBytes(24).toString('base64url');
  const passwordFile = join(dataDir, 'superuser-password');
  const draft = `${pgdata}.new`;
  const draftPassword = `${pgdata}.password`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { mode: 0o700 });
  writeFileSync(draftPassword, password, { mode: 0o600 });
  if (account !== null) for (const path of [draft, draftPassword]) chownSync(path, account.uid, account.gid);
  const args = [
    '-D',
    draft,
    '-U',
    'postgres',
    `--auth=${options.auth ?? 'scram-sha-256'}`,
    `--pwfile=${draftPassword}`,
  ];
  args.push('--encoding=UTF8', '--locale-provider=builtin', '--locale=C.UTF-8');
  if (options.fsync === false) args.push('--no-sync');
  try {
    await promisify(execFile)(binaries.initdb, args, {
      ...(account ?? {}),
      cwd: '/',
      env: serverEnvironment(),
    });
    writeFileSync(passwordFile, password, { mode: 0o600 });
    renameSync(draft, pgdata);
  } finally {
    rmSync(draftPassword, { force: true });
    rmSync(draft, { recursive: true, force: true });
  }
}

/**
 * PostgreSQL handles its own stale postmaster.pid, except where the pid has been given to another
 * process since (usual in a container, where small numbers come back): that file is removed. A
 * server that really runs on this cluster without a claim of ours is stopped.
 */
async function clearPidFile(pgdata: string, log: (line: string) => void): Promise<void> {
  const pid = readPidFile(pgdata)?.pid;
  const running = pid === undefined ? null : identify(pid);
  if (running === null) return;
  if (commandLine(running.pid).includes(pgdata)) {
    log(`stopping a PostgreSQL that runs on ${pgdata} already (process ${running.pid})`);
    await stopProcess(running, STOP_STEPS);
  } else {
    rmSync(join(pgdata, 'postmaster.pid'), { force: true });
  }
}

interface Start {
  readonly dataDir: string;
  readonly place: Cluster;
  readonly binaries: PostgresBinaries;
  readonly options: PostgresOptions;
  readonly held: Claim;
}

async function startUntilReady(start: Start): Promise<RunningPostgres> {
  const deadline = Date.now() + START_RETRY_MS;
  for (;;) {
    const outcome = await startOnce(start, start.options.port ?? (await freePort()));
    if (!('failure' in outcome)) {
      // The claim goes with the server, so that a crashed one can be started again by the same owner.
      void outcome.exited.then(() => start.held.release());
      return outcome;
    }
    const passing =
      /pre-existing shared memory block|lock file "postmaster.pid" already exists/.test(outcome.failure) ||
      (start.options.port === undefined && outcome.failure.includes('could not bind'));
    if (!passing || Date.now() > deadline) throw new Error(`PostgreSQL does not start: ${outcome.failure}`);
    await pause(100);
  }
}

async function startOnce(start: Start, port: number): Promise<RunningPostgres | { failure: string }> {
  const { dataDir, place, binaries, options, held } = start;
  const logFile = join(dataDir, 'postgres.log');
  const { fd, offset } = openLog(logFile);
  const child = await spawnGuarded(binaries.postgres, serverArguments(place.pgdata, port, options), {
    ...(place.account ?? {}),
    cwd: '/',
    env: serverEnvironment(),
    stdio: ['ignore', fd, fd],
    stopSignal: 'SIGINT',
    graceMs: 10_000,
  }).finally(() => closeSync(fd));
  held.recordServer(child.pid);
  const exited = exitOf(child);
  let gone = false;
  void exited.then(() => {
    gone = true;
  });
  const identity = identify(child.pid);
  const stop = async (): Promise<void> => {
    if (identity !== null) await stopProcess(identity, STOP_STEPS);
    await exited;
  };
  const deadline = Date.now() + READY_TIMEOUT_MS;
  // What pg_ctl does: the eighth line of the pid file says "ready" when connections are accepted.
  while (!isReady(place.pgdata, child.pid)) {
    if (gone) return { failure: logTail(logFile, offset) };
    if (Date.now() > deadline) {
      await stop();
      throw new Error(
        `PostgreSQL is not ready after ${READY_TIMEOUT_MS / 1000} s: ${logTail(logFile, offset)}`,
      );
    }
    await pause(20);
  }
  return { url: superuserUrl(dataDir, port), port, pid: child.pid, exited, stop };
}

/**
 * A young engine's tables double within seconds, and a plan made while they were empty reads a merchant's
 * every row: with PostgreSQL's minute between two looks a whole order cost 121 ms of its CPU in the first
 * minutes, with five seconds 57 ms (auto_explain: 250,000 buffers for one notification).
 */
const AUTOVACUUM_NAPTIME_S = 5;

function serverArguments(pgdata: string, port: number, options: PostgresOptions): string[] {
  const settings: Record<string, string | number> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: options.maxConnections ?? 200,
    timezone: 'UTC',
    log_timezone: 'UTC',
    autovacuum_naptime: AUTOVACUUM_NAPTIME_S,
  };
  if (options.fsync === false)
    Object.assign(settings, { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' });
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return ['-D', pgdata, '-p', String(port), ...flags];
}

/** Nothing of our own environment, whose PG… variables would reach into the server. */
function serverEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH ?? '/usr/bin:/bin', LANG: 'C', TZ: 'UTC' };
}

function superuserUrl(dataDir: string, port: number): string {
  const password = readFileSync(join(dataDir, 'superuser-password'), 'utf8').trim();
  return `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
}

function isReady(pgdata: string, pid: number): boolean {
  const file = readPidFile(pgdata);
  return file?.pid === pid && file.status === 'ready';
}

function readPidFile(pgdata: string): { pid: number; status: string } | null {
  try {
    const lines = readFileSync(join(pgdata, 'postmaster.pid'), 'utf8').split('\n');
    return { pid: Number(lines[0]), status: (lines[7] ?? '').trim() };
  } catch {
    return null;
  }
}
