/**
 * `npm run schema:dump`: migrates a throw-away database and writes its schema to db/schema.sql. With
 * `--check` it changes nothing, shows what differs and exits with 1. The database is made on the server
 * that DATABASE_URL names (a role that may create databases), else on an embedded one that lives as long
 * as this.
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { ensureRoles, migrate } from '../db/migrate';
import { dumpSchema } from '../db/schema-dump';
import { removePostgresData, startPostgres } from '../provision/postgres';
import { closeGuard } from '../provision/process-guard';

const FILE = path.join(__dirname, '..', 'db', 'schema.sql');

/** Runs `work` on a server and leaves nothing of it behind. */
async function withServer<T>(work: (url: string) => Promise<T>): Promise<T> {
  const given = process.env.DATABASE_URL;
  if (given !== undefined && given !== '') return work(given);
  const dataDir = mkdtempSync(path.join(tmpdir(), 'quayside-schema-'));
  const postgres = await startPostgres({ dataDir, fsync: false, auth: 'trust', log: () => undefined });
  try {
    return await work(postgres.url);
  } finally {
    await postgres.stop();
    await closeGuard();
    removePostgresData(dataDir);
  }
}

async function schemaOfMigrations(serverUrl: string): Promise<string> {
  const name = `quayside_schema_${randomBytes(6).toString('hex')}`;
  const admin = new Client({ connectionString: serverUrl });
  await admin.connect();
  try {
    await admin.query(`create database ${name}`);
    const url = new URL(serverUrl);
    url.pathname = name;
    // Roles belong to the server: an engine that uses it keeps its own passwords.
    const known = await admin.query("select from pg_roles where rolname = 'quayside_check'");
    if (known.rowCount === 0) {
      const password = randomBytes(16).toString('hex');
      await ensureRoles(serverUrl, { app: password, system: password, check: password });
    }
    await migrate(url.toString());
    return await dumpSchema(url.toString());
  } finally {
    await admin.query(`drop database if exists ${name} with (force)`);
    await admin.end();
  }
}

/** Writes the differing lines; diff(1) does it readably and is everywhere but on Windows. */
function showDifference(is: string): void {
  const made = path.join(mkdtempSync(path.join(tmpdir(), 'quayside-schema-')), 'schema.sql');
  writeFileSync(made, is);
  const shown = spawnSync('diff', ['-u', '--label', 'db/schema.sql', '--label', 'migrations', FILE, made]);
  process.stdout.write(shown.error ? `${FILE} differs from ${made}\n` : shown.stdout);
  if (!shown.error) rmSync(path.dirname(made), { recursive: true, force: true });
}

async function main(check: boolean): Promise<number> {
  const is = await withServer(schemaOfMigrations);
  const was = existsSync(FILE) ? readFileSync(FILE, 'utf8') : '';
  if (is === was) return 0;
  if (!check) {
    writeFileSync(FILE, is);
    process.stdout.write('db/schema.sql is made anew\n');
    return 0;
  }
  showDifference(is);
  process.stdout.write('db/schema.sql is not what the migrations make: run "npm run schema:dump"\n');
  return 1;
}

main(process.argv.includes('--check')).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  },
);
