/**
 * A full Temporal server on Postgres, on this machine, without Docker: its programs built by Go into the
 * cache when they are not there, its database on an embedded Postgres of its own. For the benchmarks, and
 * a recipe for whoever outgrows the development server.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Connection } from '@temporalio/client';
import { cacheDir, oncePerCache } from '../provision/cache';
import { isListening, isPortFree } from '../provision/ports';
import { type RunningPostgres, removePostgresData, startPostgres } from '../provision/postgres';
import { closeGuard, spawnGuarded } from '../provision/process-guard';
import { type CpuTimes, cpuTimes } from './cpu-time';
import { pause } from './engine';

/** The last release that Go 1.25 builds from the module proxy. */
const VERSION = 'v1.30.4';
const MODULE = `go.temporal.io/server@${VERSION}`;
/** 2 min 15 s on two idle cores; a slow machine with a slow network gets ten times that. */
const BUILD_TIMEOUT_MS = 30 * 60_000;
/** Up in 8 s on two idle cores. */
const READY_TIMEOUT_MS = 120_000;
/** What the server asks for at most, beside its own reserve. */
const CONNECTIONS = 20;

const run = promisify(execFile);
const say = (line: string) => process.stderr.write(`${line}\n`);

export interface TemporalOnPostgres {
  readonly address: string;
  cpu(): CpuTimes;
  stop(): Promise<void>;
}

/** @throws when there is no Go and the cache holds no server. */
export async function startTemporalOnPostgres(): Promise<TemporalOnPostgres> {
  const programs = await findPrograms();
  const dir = mkdtempSync(path.join(tmpdir(), 'quayside-bench-temporal-'));
  const dataDir = path.join(dir, 'postgres');
  const postgres = await startPostgres({ dataDir, log: () => undefined });
  let server: Awaited<ReturnType<typeof startServer>> | undefined;
  const stop = async (): Promise<void> => {
    if (server !== undefined) {
      const ended = new Promise<void>((resolve) => server?.child.once('exit', () => resolve()));
      if (server.child.exitCode === null && server.child.kill('SIGTERM')) await ended;
    }
    await postgres.stop();
    await closeGuard();
    removePostgresData(dataDir);
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await makeSchemas(programs, postgres);
    server = await startServer(programs, postgres, dir);
    const { child, address } = server;
    await makeNamespace(address);
    return {
      address,
      cpu: () =>
        new Map([
          ...cpuTimes(child.pid, () => 'temporal'),
          ...cpuTimes(postgres.pid, () => "temporal's postgres"),
        ]),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Programs {
  readonly server: string;
  readonly sql: string;
  /** Folder of the schema's versions. */
  readonly schema: string;
}

async function findPrograms(): Promise<Programs> {
  const folder = path.join(cacheDir(), 'bin', `temporal-server-${VERSION.slice(1)}`);
  const programs = { server: path.join(folder, 'server'), sql: path.join(folder, 'sql') };
  await oncePerCache(`temporal-server-${VERSION}`, say, async () => {
    if (Object.values(programs).every(existsSync)) return;
    say(`building the Temporal server ${VERSION}; this takes some minutes, once`);
    const building = `${folder}.building`;
    rmSync(building, { recursive: true, force: true });
    mkdirSync(building, { recursive: true });
    await run(
      'go',
      [
        'install',
        `go.temporal.io/server/cmd/server@${VERSION}`,
        `go.temporal.io/server/cmd/tools/sql@${VERSION}`,
      ],
      { env: { ...process.env, GOBIN: building }, timeout: BUILD_TIMEOUT_MS },
    );
    rmSync(folder, { recursive: true, force: true });
    renameSync(building, folder);
  });
  const { stdout } = await run('go', ['mod', 'download', '-json', MODULE], { timeout: BUILD_TIMEOUT_MS });
  const { Dir } = JSON.parse(stdout) as { readonly Dir: string };
  return { ...programs, schema: path.join(Dir, 'schema/postgresql/v12') };
}

const DATABASES = { temporal: 'temporal', temporal_visibility: 'visibility' } as const;

async function makeSchemas({ sql, schema }: Programs, postgres: RunningPostgres): Promise<void> {
  const { username, password } = new URL(postgres.url);
  for (const [database, folder] of Object.entries(DATABASES)) {
    const at = ['--plugin', 'postgres12_pgx', '--ep', '127.0.0.1', '-p', String(postgres.port)];
    const as = ['-u', username, '--pw', decodeURIComponent(password), '--db', database];
    await run(sql, [...at, ...as, 'create']);
    await run(sql, [...at, ...as, 'setup-schema', '-v', '0.0']);
    await run(sql, [...at, ...as, 'update-schema', '-d', path.join(schema, folder, 'versioned')]);
  }
}

async function startServer({ server }: Programs, postgres: RunningPostgres, dir: string) {
  const names = ['frontend', 'matching', 'history', 'worker'] as const;
  const free = await freeServerPorts(2 * names.length);
  const ports = names.map((name, at) => ({
    name,
    grpc: free[2 * at] as number,
    membership: free[2 * at + 1] as number,
  }));
  const frontend = ports[0] as (typeof ports)[number];
  mkdirSync(path.join(dir, 'config'));
  // The server reads this path from where it was started, not from its root.
  const dynamicConfig = path.join(dir, 'config', 'dynamic.yaml');
  writeFileSync(dynamicConfig, DYNAMIC);
  writeFileSync(
    path.join(dir, 'config', 'bench.yaml'),
    // JSON is YAML, and quotes what YAML would guess at.
    JSON.stringify(serverConfig(postgres, ports, dynamicConfig), null, 2),
  );
  const child = await spawnGuarded(server, ['--root', dir, '--config', 'config', '--env', 'bench', 'start'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    stopSignal: 'SIGTERM',
    graceMs: 10_000,
  });
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (!(await isListening(frontend.grpc))) {
    if (Date.now() > deadline || child.exitCode !== null)
      throw new Error('the Temporal server did not start');
    await pause(200);
  }
  return { child, address: `127.0.0.1:${frontend.grpc}` };
}

/** The server keeps its ports in its database as 16 bits with a sign, so none above 32767 will do. */
async function freeServerPorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let port = 17_233; ports.length < count; port += 1) if (await isPortFree(port)) ports.push(port);
  return ports;
}

/** One partition a queue: more only help beyond what one machine does. */
const DYNAMIC = `
matching.numTaskqueueReadPartitions: [{ value: 1 }]
matching.numTaskqueueWritePartitions: [{ value: 1 }]
system.enableActivityEagerExecution: [{ value: true }]
system.enableEagerWorkflowStart: [{ value: true }]
`;

function serverConfig(
  postgres: RunningPostgres,
  ports: readonly { readonly name: string; readonly grpc: number; readonly membership: number }[],
  dynamicConfig: string,
) {
  const { username, password } = new URL(postgres.url);
  const rpcAddress = `127.0.0.1:${ports[0]?.grpc}`;
  const store = (databaseName: string) => ({
    sql: {
      pluginName: 'postgres12_pgx',
      databaseName,
      connectAddr: `127.0.0.1:${postgres.port}`,
      connectProtocol: 'tcp',
      user: username,
      password: decodeURIComponent(password),
      maxConns: CONNECTIONS,
      maxIdleConns: CONNECTIONS,
      maxConnLifetime: '1h',
    },
  });
  return {
    log: { stdout: false, level: 'error' },
    persistence: {
      defaultStore: 'default',
      visibilityStore: 'visibility',
      numHistoryShards: 4,
      datastores: { default: store('temporal'), visibility: store('temporal_visibility') },
    },
    global: { membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' } },
    services: Object.fromEntries(
      ports.map(({ name, grpc, membership }) => [
        name,
        { rpc: { grpcPort: grpc, membershipPort: membership, bindOnIP: '127.0.0.1' } },
      ]),
    ),
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: {
        active: { enabled: true, initialFailoverVersion: 1, rpcName: 'frontend', rpcAddress },
      },
    },
    dcRedirectionPolicy: { policy: 'noop' },
    dynamicConfigClient: { filepath: dynamicConfig, pollInterval: '60s' },
  };
}

async function makeNamespace(address: string): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    try {
      const connection = await Connection.connect({ address, connectTimeout: '5s' });
      try {
        await connection.workflowService.registerNamespace({
          namespace: 'default',
          workflowExecutionRetentionPeriod: { seconds: DAY_SECONDS },
        });
        await untilKnown(connection, deadline);
        return;
      } finally {
        await connection.close();
      }
    } catch (error) {
      if (Date.now() > deadline) throw error;
      // Its services find each other within seconds.
      await pause(500);
    }
  }
}

/** protobuf's type for 64-bit integers; a number is accepted. */
const DAY_SECONDS = (24 * 3600) as unknown as never;

/** The frontend reads namespaces every few seconds. */
async function untilKnown(connection: Connection, deadline: number): Promise<void> {
  for (;;) {
    try {
      await connection.workflowService.listOpenWorkflowExecutions({ namespace: 'default' });
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await pause(500);
    }
  }
}
