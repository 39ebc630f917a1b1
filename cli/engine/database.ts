/**
 * The engine's database: the embedded Postgres, or the one that `DATABASE_URL` names. Of the embedded one
 * the superuser makes an owner role and the database, once, and is not used again: migrations run as an
 * owner that is neither superuser nor able to bypass row-level security, as in production.
 */
import { Client } from 'pg';
import { ensureRoles, type RolePasswords, roleUrls } from '../../db/migrate';
import { type RunningPostgres, startPostgres } from '../../provision/postgres';
import { CommandError } from '../command-error';
import type { Secrets } from '../data-dir';
import { type KeptAlive, keepAlive } from './keep-alive';

export const OWNER = 'quayside_owner';
const DATABASE = 'quayside';

export interface EngineDatabase {
  readonly ownerUrl: string;
  readonly appUrl: string;
  readonly systemUrl: string;
  readonly checkUrl: string;
  /** null when it is not ours to stop. */
  readonly server: KeptAlive<RunningPostgres> | null;
}

/** The embedded server in `dataDir`, with its owner and database. */
export async function startOwnDatabase(
  dataDir: string,
  port: number,
  secrets: Secrets,
  log: (line: string) => void,
): Promise<EngineDatabase> {
  const server = await keepAlive('Postgres', () => startPostgres({ dataDir, port, log }), log);
  try {
    await createOwner(server.current().url, secrets.ownerPassword);
    const url = new URL(server.current().url);
    url.username = OWNER;
    url.password = secrets.ownerPassword;
    url.pathname = `/${DATABASE}`;
    return { ...urlsOf(url.toString(), secrets), server };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** The database of `DATABASE_URL`, whose user becomes the owner. */
export function useDatabase(ownerUrl: string, secrets: Secrets): EngineDatabase {
  return { ...urlsOf(ownerUrl, secrets), server: null };
}

/** Makes the three working roles and gives them the passwords of this data directory. */
export async function makeRoles(database: EngineDatabase, secrets: Secrets): Promise<void> {
  try {
    await ensureRoles(database.ownerUrl, passwordsOf(secrets));
  } catch (error) {
    if (database.server !== null) throw error;
    throw new CommandError(
      `the roles can't be made in the database of DATABASE_URL: ${error instanceof Error ? error.message : String(error)}`,
      1,
      'its user needs CREATEROLE and has to own the database (create role … createrole; create database … owner …)',
    );
  }
}

function passwordsOf(secrets: Secrets): RolePasswords {
  const { appPassword, systemPassword, checkPassword } = secrets;
  return { app: appPassword, system: systemPassword, check: checkPassword };
}

function urlsOf(ownerUrl: string, secrets: Secrets) {
  const { app, system, check } = roleUrls(ownerUrl, passwordsOf(secrets));
  return { ownerUrl, appUrl: app, systemUrl: system, checkUrl: check };
}

async function createOwner(superuserUrl: string, password: string): Promise<void> {
  const client = new Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    const secret = client.escapeLiteral(password);
    const role = await client.query('select 1 from pg_roles where rolname = $1', [OWNER]);
    if (role.rowCount === 0)
      await client.query(
        `create role ${OWNER} login createrole nosuperuser nobypassrls nocreatedb password ${secret}`,
      );
    else await client.query(`alter role ${OWNER} password ${secret}`);
    const database = await client.query('select 1 from pg_database where datname = $1', [DATABASE]);
    if (database.rowCount === 0) await client.query(`create database ${DATABASE} owner ${OWNER}`);
  } finally {
    await client.end();
  }
}
