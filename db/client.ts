/**
 * The two doors to Postgres. `withMerchants` opens a transaction as `quayside_app` that sees exactly the
 * merchants it names (and their organisations); the setting is transaction-local, so a pooled connection
 * never carries one tenant into another's request. `withSystem` opens one as `quayside_system`, which has
 * few tables. Serialisation failures and deadlocks are run again; a connection lost before COMMIT was
 * sent is run again too; lost while COMMIT was under way is `DatabaseUnavailable` with
 * `ambiguous: true`, and the caller reads back by its step key (runOnceIn does).
 */
import { DatabaseError, Pool, type PoolClient, type QueryResultRow, types } from 'pg';
import { Failure } from '../domain/failure-types';

/** Postgres sends bigint and numeric as text; bigint becomes a JS bigint here, once, and numeric stays text. */
const BIGINT_OID = 20;
/** A date has no time zone: it stays 'YYYY-MM-DD' instead of becoming an instant of the server's zone. */
const DATE_OID = 1082;
const DATES_OID = 1182;
/** '{2026-12-24,2026-12-25}'; dates need no quotes. */
const datesOf = (value: string) => value.slice(1, -1).split(',').filter(Boolean);
const typeParsers = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (oid === BIGINT_OID) return (value: string) => BigInt(value);
    if (oid === DATE_OID) return (value: string) => value;
    if (oid === DATES_OID) return datesOf;
    return types.getTypeParser(oid, format as 'text');
  }) as typeof types.getTypeParser,
};

/** Longer than any statement of ours takes; shorter than an activity's time-out of 10 s. */
const LOCK_TIMEOUT_MS = 5_000;
/** A transaction that waits for its own process this long belongs to a process that hangs. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 15_000;
/** An API request answers 503 rather than queue behind an outage. */
const CONNECT_TIMEOUT_MS = 5_000;
const ATTEMPTS = 4;
/**
 * Hot statements look up a few rows by keys that are in memory. At PostgreSQL's default of 4 the planner
 * read all of a table of 10,000 rows (4 ms) for what the index finds in 0.1 ms; a replayed day cost it
 * half as much time at 1.1.
 */
const RANDOM_PAGE_COST = 1.1;
/**
 * Named statements are planned once a connection: they look up keys, so one plan suits all values. Left
 * to itself PostgreSQL plans most of them anew each time, because behind row-level security it takes the
 * general plan for the dearer one; a whole order cost it 75 ms of CPU then and 54 ms with this. What has
 * no name (lists with filters that may be empty) is planned for its values.
 */
const NAMED_PLANS = 'force_generic_plan';
const PLAN_FOR_VALUES = 'set local plan_cache_mode = auto';

export interface Statement {
  /**
   * A prepared statement's name: for hot statements only, whose best plan is the same for all values. The
   * text must never vary under one name.
   */
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[];
}

/** An open transaction. */
export interface Tx {
  /** All rows of one statement. */
  rows<Row extends QueryResultRow>(statement: Statement): Promise<Row[]>;
  /** Number of rows that the statement wrote. */
  run(statement: Statement): Promise<number>;
}

export interface DatabaseOptions {
  readonly appUrl: string;
  readonly systemUrl: string;
  /** Connections of each role's pool. */
  readonly poolSize?: number;
  readonly onPoolError?: (error: Error) => void;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export class Database {
  private readonly app: Pool;
  private readonly system: Pool;
  /** A merchant never changes its organisation, so this never goes stale. */
  private readonly organisationOf = new Map<string, string>();

  constructor(options: DatabaseOptions) {
    const pool = (connectionString: string): Pool => {
      const created = new Pool({
        connectionString,
        max: options.poolSize ?? 10,
        connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
        types: typeParsers,
        options: `-c lock_timeout=${LOCK_TIMEOUT_MS} -c idle_in_transaction_session_timeout=${IDLE_IN_TRANSACTION_TIMEOUT_MS} -c random_page_cost=${RANDOM_PAGE_COST} -c plan_cache_mode=${NAMED_PLANS}`,
      });
      // An idle connection that the server closed is replaced; without a listener it would end the process.
      created.on('error', options.onPoolError ?? (() => undefined));
      return created;
    };
    this.app = pool(options.appUrl);
    this.system = pool(options.systemUrl);
  }

  /**
   * Runs `work` in a transaction that sees these merchants and their organisations.
   * @throws Failure NotFound when a merchant does not exist, DatabaseUnavailable when Postgres is away.
   */
  async withMerchants<T>(merchantIds: readonly string[], work: (tx: Tx) => Promise<T>): Promise<T> {
    const merchants = [...new Set(merchantIds)].sort();
    const organisations = await this.organisations(merchants);
    return this.withTenants({ merchantIds: merchants, organisationIds: organisations }, work);
  }

  /** Like `withMerchants`, for requests that know their organisations (and may act for no merchant). */
  withTenants<T>(
    tenants: { readonly merchantIds: readonly string[]; readonly organisationIds: readonly string[] },
    work: (tx: Tx) => Promise<T>,
  ): Promise<T> {
    for (const id of [...tenants.merchantIds, ...tenants.organisationIds]) {
      if (!UUID.test(id)) throw new Failure('InvalidInput', 'a tenant id is not a UUID');
    }
    const begin =
      `begin; set local app.merchant_ids = '${tenants.merchantIds.join(',')}';` +
      ` set local app.organisation_ids = '${tenants.organisationIds.join(',')}'`;
    return transaction(this.app, begin, work);
  }

  /** Runs `work` as the system role: its few tables, rows of every merchant. */
  withSystem<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return transaction(this.system, 'begin', work);
  }

  /** A connection of the system role for LISTEN; the caller releases it. */
  listenConnection(): Promise<PoolClient> {
    return this.system.connect();
  }

  async close(): Promise<void> {
    await Promise.all([this.app.end(), this.system.end()]);
  }

  private async organisations(merchantIds: readonly string[]): Promise<string[]> {
    const unknown = merchantIds.filter((id) => !this.organisationOf.has(id));
    if (unknown.length > 0) {
      const rows = await this.withSystem((tx) =>
        tx.rows<{ id: string; organisation_id: string }>({
          text: 'select id, organisation_id from merchant where id = any($1::uuid[])',
          values: [unknown],
        }),
      );
      for (const row of rows) this.organisationOf.set(row.id, row.organisation_id);
    }
    return [
      ...new Set(
        merchantIds.map((id) => {
          const organisation = this.organisationOf.get(id);
          if (organisation === undefined) throw new Failure('NotFound', `merchant ${id} does not exist`);
          return organisation;
        }),
      ),
    ];
  }
}

async function transaction<T>(pool: Pool, begin: string, work: (tx: Tx) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await attemptTransaction(pool, begin, work);
    } catch (error) {
      const again = error instanceof Retry && attempt < ATTEMPTS;
      if (!again) throw error instanceof Retry ? unavailable(error.cause, false) : error;
      // Spreads the losers of one deadlock apart; a restarting Postgres needs about 0.2 s.
      await new Promise((resolve) => setTimeout(resolve, attempt * 60 * (0.5 + Math.random())));
    }
  }
}

class Retry extends Error {
  constructor(override readonly cause: unknown) {
    super('run again');
  }
}

async function attemptTransaction<T>(pool: Pool, begin: string, work: (tx: Tx) => Promise<T>): Promise<T> {
  let client: PoolClient;
  try {
    client = await pool.connect();
  } catch (error) {
    throw new Retry(error);
  }
  let broken: Error | undefined;
  const onError = (error: Error) => {
    broken = error;
  };
  client.on('error', onError);
  let committing = false;
  try {
    await client.query(begin);
    const result = await work(transactionOn(client));
    committing = true;
    await client.query('commit');
    return result;
  } catch (error) {
    if (isConnectionLoss(error)) {
      broken ??= error as Error;
      if (committing) throw unavailable(error, true);
      throw new Retry(error);
    }
    await client.query('rollback').catch((rollbackError: Error) => {
      broken = rollbackError;
    });
    if (error instanceof DatabaseError && (error.code === '40001' || error.code === '40P01'))
      throw new Retry(error);
    throw error;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

function transactionOn(client: PoolClient): Tx {
  let plansForValues = false;
  const query = async (statement: Statement) => {
    const { name, text, values = [] } = statement;
    if (name !== undefined) return client.query({ name, text, values: [...values] });
    if (values.length > 0 && !plansForValues) {
      await client.query(PLAN_FOR_VALUES);
      plansForValues = true;
    }
    return client.query({ text, values: [...values] });
  };
  return {
    rows: async <Row extends QueryResultRow>(statement: Statement) => (await query(statement)).rows as Row[],
    run: async (statement) => (await query(statement)).rowCount ?? 0,
  };
}

function unavailable(cause: unknown, ambiguous: boolean): Failure {
  return new Failure('DatabaseUnavailable', 'the database did not answer', { ambiguous }, { cause });
}

/** Whether the connection, not the statement, failed: class 08, shutdowns, and sockets that broke. */
export function isConnectionLoss(error: unknown): boolean {
  if (error instanceof DatabaseError) {
    return (
      error.code !== undefined &&
      (error.code.startsWith('08') || /^57P0[123]$/.test(error.code) || error.code === '53300')
    );
  }
  if (!(error instanceof Error)) return false;
  const code = (error as NodeJS.ErrnoException).code;
  if (code !== undefined && ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT'].includes(code)) return true;
  return /Connection terminated|Client has encountered a connection error|not queryable/.test(error.message);
}
