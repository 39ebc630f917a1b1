/**
 * Brings a database to the present schema. Roles are made by whoever may (a superuser or a role with
 * CREATEROLE); migrations run as the owner with `row_security = off`, so that a data migration that
 * forgot to name its merchants fails loudly instead of changing nothing.
 */
import path from 'node:path';
import knexFactory, { type Knex } from 'knex';
import { Client } from 'pg';

export interface RolePasswords {
  readonly app: string;
  readonly system: string;
  readonly check: string;
}

const ROLES = { app: 'quayside_app', system: 'quayside_system', check: 'quayside_check' } as const;

/** Creates the three login roles, or gives them these passwords. Safe to repeat and to race. */
export async function ensureRoles(adminUrl: string, passwords: RolePasswords): Promise<void> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    // Roles belong to the whole cluster: two installations starting at once would collide.
    await client.query("select pg_advisory_lock(hashtext('quayside roles'))");
    for (const [name, role] of Object.entries(ROLES) as [keyof RolePasswords, string][]) {
      const password = client.escapeLiteral(passwords[name]);
      const existing = await client.query('select 1 from pg_roles where rolname = $1', [role]);
      // PostgreSQL lets only a superuser name these attributes in ALTER ROLE, even to leave them as they
      // are, so an owner with CREATEROLE states them once and later changes nothing but the password.
      await client.query(
        existing.rowCount === 0
          ? `create role ${role} login nosuperuser nobypassrls nocreatedb nocreaterole password ${password}`
          : `alter role ${role} login password ${password}`,
      );
    }
  } finally {
    await client.end();
  }
}

/** The URLs under which the three roles reach the same database as `ownerUrl`. */
export function roleUrls(ownerUrl: string, passwords: RolePasswords): Record<keyof RolePasswords, string> {
  const urlFor = (name: keyof RolePasswords): string => {
    const url = new URL(ownerUrl);
    url.username = ROLES[name];
    url.password = encodeURIComponent(passwords[name]);
    return url.toString();
  };
  return { app: urlFor('app'), system: urlFor('system'), check: urlFor('check') };
}

/** Runs the migrations that are missing, in order, each in its transaction. */
export async function migrate(ownerUrl: string): Promise<readonly string[]> {
  const knex: Knex = knexFactory({
    client: 'pg',
    connection: ownerUrl,
    pool: {
      min: 0,
      max: 1,
      afterCreate: (connection: Client, done: (error: Error | null, connection: Client) => void) => {
        connection.query('set row_security = off', (error: Error | null) => done(error, connection));
      },
    },
    migrations: {
      directory: path.join(__dirname, 'migrations'),
      loadExtensions: ['.ts'],
      tableName: 'schema_migration',
    },
  });
  try {
    const [, names] = (await knex.migrate.latest()) as [number, string[]];
    return names;
  } finally {
    await knex.destroy();
  }
}
