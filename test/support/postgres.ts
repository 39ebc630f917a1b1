/** A migrated database of its own for a test file, made from the run's template in some 50 ms. */
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { databaseUrl, OWNER, TEMPLATE, testServers } from './servers';

export interface TestDatabase {
  readonly ownerUrl: string;
  readonly appUrl: string;
  readonly systemUrl: string;
  readonly checkUrl: string;
  drop(): Promise<void>;
}

/** Makes a database. Drop it when done: `afterAll(() => database.drop())`. */
export async function testDatabase(): Promise<TestDatabase> {
  const { postgresUrl } = testServers();
  const name = `test_${randomBytes(6).toString('hex')}`;
  const run = async (sql: string) => {
    const admin = new Client({ connectionString: postgresUrl });
    await admin.connect();
    try {
      // Two files that copy the template at the same instant would find it in use.
      await admin.query("select pg_advisory_lock(hashtext('test template'))");
      await admin.query(sql);
    } finally {
      await admin.end();
    }
  };
  await run(`create database ${name} template ${TEMPLATE} owner ${OWNER}`);
  return {
    ownerUrl: databaseUrl(postgresUrl, name, OWNER),
    appUrl: databaseUrl(postgresUrl, name, 'quayside_app'),
    systemUrl: databaseUrl(postgresUrl, name, 'quayside_system'),
    checkUrl: databaseUrl(postgresUrl, name, 'quayside_check'),
    drop: () => run(`drop database if exists ${name} with (force)`),
  };
}
