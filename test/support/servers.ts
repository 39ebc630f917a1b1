/**
 * The servers that tests talk to: real Postgres (without fsync: its data may be lost with the machine)
 * and a real Temporal development server. `QUAYSIDE_TEST_SERVERS` tells the test files where they are.
 */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { ensureRoles, migrate } from '../../db/migrate';
import { type RunningPostgres, removePostgresData, startPostgres } from '../../provision/postgres';
import { closeGuard } from '../../provision/process-guard';
import { identify, isRunning, type ProcessIdentity } from '../../provision/processes';
import { type RunningTemporal, registerSearchAttributes, startTemporal } from '../../provision/temporal';
import { findTimeSkippingServer } from '../../provision/time-skipping';
import { SEARCH_ATTRIBUTES } from '../../workflows/shared/search-attributes';

export interface TestServers {
  /** Superuser's address of the maintenance database. */
  readonly postgresUrl: string;
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
}

export const TEST_PASSWORDS = { app: 'app', system: 'system', check: 'check' } as const;
export const OWNER = 'quayside_owner';
export const TEMPLATE = 'quayside_template';

/** Where this run's servers are. @throws Error when the run was started without the global set-up. */
export function testServers(): TestServers {
  const text = process.env.QUAYSIDE_TEST_SERVERS;
  if (text === undefined) throw new Error('no test servers: run the tests by jest.config.js');
  return JSON.parse(text) as TestServers;
}

/** Starts them side by side. On an error nothing of them stays: what runs ends with this process. */
export async function startTestServers(): Promise<{ stop(): Promise<void> }> {
  sweep();
  const dir = mkdtempSync(path.join(tmpdir(), RUN_PREFIX));
  writeFileSync(path.join(dir, 'owner.json'), JSON.stringify(identify(process.pid)));
  // Postgres runs under another account when the tests run as root; it must get in.
  chmodSync(dir, 0o755);
  try {
    const [postgres, temporal, timeSkipping] = await Promise.all([
      startTestPostgres(path.join(dir, 'postgres')),
      startTestTemporal(path.join(dir, 'temporal.db')),
      findTimeSkippingServer(say),
    ]);
    const servers: TestServers = {
      postgresUrl: postgres.url,
      temporalAddress: temporal.address,
      temporalNamespace: 'default',
    };
    process.env.QUAYSIDE_TEST_SERVERS = JSON.stringify(servers);
    process.env.QUAYSIDE_TEST_TIME_SKIPPING = JSON.stringify(timeSkipping);
    return {
      async stop() {
        await Promise.all([temporal.stop(), postgres.stop()]);
        await closeGuard();
        removePostgresData(path.join(dir, 'postgres'));
        rmSync(dir, { recursive: true, force: true });
      },
    };
  } catch (error) {
    removePostgresData(path.join(dir, 'postgres'));
    rmSync(dir, { recursive: true, force: true });
    throw error;
  }
}

const RUN_PREFIX = 'quayside-test-run-';

/** A run that was killed leaves 60 MB of data, though no process; the next one clears it away. */
function sweep(): void {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(RUN_PREFIX))) {
    const dir = path.join(tmpdir(), name);
    try {
      const owner = JSON.parse(readFileSync(path.join(dir, 'owner.json'), 'utf8')) as ProcessIdentity;
      if (isRunning(owner)) continue;
      removePostgresData(path.join(dir, 'postgres'));
      rmSync(dir, { recursive: true, force: true });
    } catch {
      // Another run is just making it, or clearing it away, or it belongs to somebody else.
    }
  }
}

/** Long steps of a first run (a download, a build) are said; the rest of the start is of no interest. */
function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function startTestPostgres(dataDir: string): Promise<RunningPostgres> {
  const postgres = await startPostgres({
    dataDir,
    fsync: false,
    auth: 'trust',
    maxConnections: 400,
    log: say,
  });
  await makeTemplate(postgres.url);
  return postgres;
}

async function startTestTemporal(dbFilename: string): Promise<RunningTemporal> {
  const temporal = await startTemporal({ dbFilename, uiPort: null, log: say });
  await registerSearchAttributes(temporal.address, SEARCH_ATTRIBUTES);
  return temporal;
}

async function makeTemplate(postgresUrl: string): Promise<void> {
  const admin = new Client({ connectionString: postgresUrl });
  await admin.connect();
  await ensureRoles(postgresUrl, TEST_PASSWORDS);
  await admin.query(`create role ${OWNER} login nosuperuser`);
  await admin.query(`create database ${TEMPLATE} owner ${OWNER}`);
  await migrate(databaseUrl(postgresUrl, TEMPLATE, OWNER));
  await admin.end();
}

/** The address of a database on the same server for a role; the server trusts loopback. */
export function databaseUrl(postgresUrl: string, database: string, role: string): string {
  const url = new URL(postgresUrl);
  url.pathname = `/${database}`;
  url.username = role;
  return url.toString();
}
