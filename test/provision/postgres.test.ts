import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { freePort } from '../../provision/ports';
import {
  type PostgresOptions,
  type RunningPostgres,
  removePostgresData,
  startPostgres,
} from '../../provision/postgres';
import { closeGuard } from '../../provision/process-guard';
import { identify, send, waitUntilGone } from '../../provision/processes';

// A cold start is 1.4 s on an idle machine; the suite shares two cores with others.
jest.setTimeout(60_000);

const log: string[] = [];
const started: RunningPostgres[] = [];
const directories: string[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
  for (const directory of directories.splice(0)) removePostgresData(directory);
  log.length = 0;
});
afterAll(closeGuard);

function dataDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'quayside-postgres-'));
  // As root the server's own account must get in, or its cluster would lie elsewhere.
  chmodSync(directory, 0o755);
  directories.push(directory);
  return directory;
}

async function start(options: Partial<PostgresOptions> & { dataDir: string }): Promise<RunningPostgres> {
  const server = await startPostgres({ fsync: false, log: (line) => log.push(line), ...options });
  started.push(server);
  return server;
}

async function query(url: string, text: string): Promise<unknown[][]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<unknown[]>({ text, rowMode: 'array' })).rows;
  } finally {
    await client.end();
  }
}

test('what was committed is there after a stop and a second start on the same directory', async () => {
  const dataDir = dataDirectory();
  const first = await start({ dataDir });
  await query(first.url, 'create table kept as select 42 as n');
  await first.stop();
  expect(identify(first.pid)).toBeNull();
  const second = await start({ dataDir });
  expect(await query(second.url, 'select n from kept')).toEqual([[42]]);
});

test('it listens on loopback only, in UTC and UTF-8, with the settings asked for', async () => {
  const port = await freePort();
  const server = await start({ dataDir: dataDirectory(), port, maxConnections: 37 });
  expect(server.port).toBe(port);
  const settings =
    "select name, setting from pg_settings where name = any('{listen_addresses,unix_socket_directories,max_connections,TimeZone,server_encoding,fsync}')";
  expect(Object.fromEntries(await query(server.url, settings))).toEqual({
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '37',
    TimeZone: 'UTC',
    server_encoding: 'UTF8',
    fsync: 'off',
  });
});

test('scram lets nobody in without the password, which only the owner can read; trust lets everybody', async () => {
  const dataDir = dataDirectory();
  const guarded = await start({ dataDir });
  const stranger = new URL(guarded.url);
  stranger.password = 'guess';
  await expect(query(stranger.href, 'select 1')).rejects.toThrow('password authentication failed');
  expect(statSync(join(dataDir, 'superuser-password')).mode & 0o077).toBe(0);

  const open = await start({ dataDir: dataDirectory(), auth: 'trust' });
  const anyone = new URL(open.url);
  anyone.password = 'guess';
  expect(await query(anyone.href, 'select 1')).toEqual([[1]]);
});

test('a directory that a living owner uses is refused, by name', async () => {
  const dataDir = dataDirectory();
  await start({ dataDir });
  await expect(start({ dataDir })).rejects.toThrow(`in use by another Quayside (process ${process.pid})`);
});

test('a server killed without warning starts again at once on the same port, with its data', async () => {
  const dataDir = dataDirectory();
  const first = await start({ dataDir, port: await freePort(), fsync: true });
  await query(first.url, 'create table kept as select 42 as n');
  send(first.pid, 'SIGKILL');
  await first.exited;
  const second = await start({ dataDir, port: first.port, fsync: true });
  expect(await query(second.url, 'select n from kept')).toEqual([[42]]);
});

test('a server whose owner was killed before its watchdog could act is stopped by the next start', async () => {
  const dataDir = dataDirectory();
  const { owner, pid } = await startInOtherProcess(dataDir);
  const others = childrenOf(owner.pid ?? 0).filter((child) => child !== pid);
  const orphan = identify(pid);
  const ownerIdentity = identify(owner.pid ?? 0);
  if (orphan === null || ownerIdentity === null) throw new Error('the other process is not up');
  try {
    for (const child of others) send(child, 'SIGSTOP');
    send(ownerIdentity.pid, 'SIGKILL');
    await waitUntilGone(ownerIdentity, 10_000);
    expect(identify(pid)).toEqual(orphan);

    const next = await start({ dataDir });
    expect(await query(next.url, 'select 1')).toEqual([[1]]);
    expect(identify(pid)).toBeNull();
    expect(log.join('\n')).toContain('left behind');
  } finally {
    for (const child of others) send(child, 'SIGKILL');
    send(pid, 'SIGKILL');
  }
});

test('a kill -9 of the owner takes the server along', async () => {
  const { owner, pid } = await startInOtherProcess(dataDirectory());
  const server = identify(pid);
  const watchdogs = childrenOf(owner.pid ?? 0)
    .filter((child) => child !== pid)
    .map(identify);
  if (server === null) throw new Error('the server is not up');
  owner.kill('SIGKILL');
  expect(await waitUntilGone(server, 15_000)).toBe(true);
  for (const watchdog of watchdogs)
    if (watchdog !== null) expect(await waitUntilGone(watchdog, 5_000)).toBe(true);
});

test('a stale pid file whose number another process has meanwhile does not stop the start', async () => {
  const dataDir = dataDirectory();
  const first = await start({ dataDir });
  const [[directory]] = (await query(first.url, 'show data_directory')) as [[string]];
  const pidFile = join(directory, 'postmaster.pid');
  const stale = readFileSync(pidFile, 'utf8').replace(String(first.pid), String(process.ppid));
  await first.stop();
  writeFileSync(pidFile, stale, { mode: 0o600 });
  expect(await query((await start({ dataDir })).url, 'select 1')).toEqual([[1]]);
});

test('an initdb that was interrupted leaves nothing that a later start takes for a database', async () => {
  const dataDir = dataDirectory();
  mkdirSync(join(dataDir, 'pgdata.new'));
  writeFileSync(join(dataDir, 'pgdata.new', 'PG_VERSION'), '18\n');
  expect(await query((await start({ dataDir })).url, 'select 1')).toEqual([[1]]);
  expect(readdirSync(dataDir)).not.toContain('pgdata.new');
});

test('a database of another major version is refused with what to do, and not touched', async () => {
  const dataDir = dataDirectory();
  mkdirSync(join(dataDir, 'pgdata'), { mode: 0o700 });
  writeFileSync(join(dataDir, 'pgdata', 'PG_VERSION'), '12\n');
  await expect(start({ dataDir })).rejects.toThrow(/made by PostgreSQL 12, installed is \d+;.*--fresh/);
  expect(readdirSync(join(dataDir, 'pgdata'))).toEqual(['PG_VERSION']);
});

test('a start that fails says why, from the server’s own log', async () => {
  const dataDir = dataDirectory();
  const first = await start({ dataDir });
  await expect(start({ dataDir: dataDirectory(), port: first.port })).rejects.toThrow(/could not bind/);
});

test('a directory closed to unprivileged accounts is served from elsewhere, and removed with it', async () => {
  const closed = dataDirectory();
  const dataDir = join(closed, 'data');
  mkdirSync(dataDir);
  // Only root needs another account, and mode 0700 keeps it out; for others this is a plain start.
  const isRoot = process.getuid?.() === 0;
  chmodSync(closed, 0o700);
  const server = await start({ dataDir });
  const [[directory]] = (await query(server.url, 'show data_directory')) as [[string]];
  expect(directory.startsWith(closed)).toBe(!isRoot);
  await server.stop();
  removePostgresData(dataDir);
  expect(() => statSync(directory)).toThrow('ENOENT');
  rmSync(closed, { recursive: true });
});

async function startInOtherProcess(dataDir: string): Promise<{ owner: ChildProcess; pid: number }> {
  const script = `
    const { startPostgres } = require(${JSON.stringify(join(__dirname, '../../provision/postgres'))});
    startPostgres({ dataDir: process.argv[1], fsync: false, log: () => {} })
      .then(({ pid }) => { console.log(pid); setInterval(() => {}, 1000); });`;
  const owner = spawn(process.execPath, ['--import', 'tsx', '-e', script, dataDir], {
    cwd: join(__dirname, '../..'),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const pid = await new Promise<number>((resolve, reject) => {
    owner.stdout.once('data', (line: Buffer) => resolve(Number(line.toString())));
    owner.once('exit', () => reject(new Error('the other process ended')));
  });
  return { owner, pid };
}

/** Direct children; `ps` says it on Linux and macOS alike. */
function childrenOf(parent: number): number[] {
  return execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([pid, ppid]) => (pid !== undefined && ppid === parent ? [pid] : []));
}
