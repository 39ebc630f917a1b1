/**
 * The database as it fails: every transaction runs its first statements and breaks at the one after them,
 * or is committed and its answer is lost on the way back. And every row of it, to compare.
 */
import { Client } from 'pg';
import type { Database, Tx } from '../../db/client';
import { Failure } from '../../domain/failure-types';

export class StatementFailed extends Error {}

/** Every transaction fails at this statement of it, counted from 1, or at its commit. */
export interface Failing {
  readonly database: Database;
  /** The most statements that a transaction came to. */
  statements(): number;
  /** Whether any transaction failed. */
  struck(): boolean;
}

export function failingAt(database: Database, at: number | 'commit'): Failing {
  let most = 0;
  let struck = false;
  const fail = (): never => {
    struck = true;
    throw new StatementFailed(`failed at ${at}`);
  };
  const broken =
    <T>(work: (tx: Tx) => Promise<T>) =>
    async (tx: Tx): Promise<T> => {
      let statements = 0;
      const count = () => {
        statements += 1;
        most = Math.max(most, statements);
        if (statements === at) fail();
      };
      const done = await work({
        rows: async (statement) => {
          count();
          return tx.rows(statement);
        },
        run: async (statement) => {
          count();
          return tx.run(statement);
        },
      });
      return at === 'commit' ? fail() : done;
    };
  const inner = Object.create(database) as Database;
  inner.withMerchants = (ids, work) => database.withMerchants(ids, broken(work));
  inner.withTenants = (tenants, work) => database.withTenants(tenants, broken(work));
  return { database: inner, statements: () => most, struck: () => struck };
}

/** What is done is committed, and nobody hears of it: a connection that breaks at COMMIT. */
export function losingAnswers(database: Database): Database {
  const lost = async (answer: Promise<unknown>): Promise<never> => {
    await answer;
    throw new Failure('DatabaseUnavailable', 'the database did not answer', { ambiguous: true });
  };
  const inner = Object.create(database) as Database;
  inner.withMerchants = (ids, work) => lost(database.withMerchants(ids, work));
  inner.withTenants = (tenants, work) => lost(database.withTenants(tenants, work));
  return inner;
}

/** A digest of every table's rows, by table. */
export type Rows = Readonly<Record<string, string>>;

/** Reads all tables as the checker. `close` it. */
export async function rowReader(
  checkUrl: string,
): Promise<{ read(): Promise<Rows>; close(): Promise<void> }> {
  const client = new Client({ connectionString: checkUrl });
  await client.connect();
  const { rows: tables } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition
       and has_table_privilege(c.oid, 'select') order by 1`,
  );
  const digests = tables.map(
    ({ name }) =>
      `select '${name}' as name, count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') as rows from "${name}" t`,
  );
  return {
    read: async () => {
      const { rows } = await client.query<{ name: string; rows: string }>(digests.join(' union all '));
      return Object.fromEntries(rows.map((row) => [row.name, row.rows]));
    },
    close: () => client.end(),
  };
}
