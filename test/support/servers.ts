/**
 * The servers that tests talk to: real Postgres (without fsync: its data may be lost with the machine)
 * and a real Temporal development server. `QUAYSIDE_TEST_SERVERS` tells the test files where they are.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { ensureRoles, migrate } from '../../db/migrate';
import { startPostgres } from '../../provision/postgres';
import { closeGuard } from '../../provision/process-guard';
import { registerSearchAttributes, startTemporal } from '../../provision/temporal';
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

export async function startTestServers(): Promise<{ stop(): Promise<void> }> {
  const dir = mkdtempSync(path.join(tmpdir(), 'quayside-test-'));
  const log = (line: string) => {
    if (/download|install|fetch/i.test(line)) process.stderr.write(`${line}\n`);
  };
  const postgres = await startPostgres({
    dataDir: path.join(dir, 'postgres'),
    fsync: false,
    auth: 'trust',
    maxConnections: 400,
    log,
  });
  const temporal = await startTemporal({ dbFilename: path.join(dir, 'temporal.db'), log });
  await registerSearchAttributes(temporal.address, SEARCH_ATTRIBUTES);
  await makeTemplate(postgres.url);
  const servers: TestServers = {
    postgresUrl: postgres.url,
    temporalAddress: temporal.address,
    temporalNamespace: 'default',
  };
  process.env.QUAYSIDE_TEST_SERVERS = JSON.stringify(servers);
  return {
    async stop() {
      await temporal.stop();
      await postgres.stop();
      await closeGuard();
      rmSync(dir, { recursive: true, force: true });
    },
  };
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
