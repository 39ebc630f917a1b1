/**
 * Whether asking what can be promised stays as quick while the ledger grows, and how long proving a
 * long one takes. Two databases of one server, one with a hundredth of the other's history, are asked in
 * turns, so that whatever else the machine does meets both. The question is the API's own: the states of
 * twenty SKUs, as the application's role.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { runCheck } from '../checks/check';
import { Database } from '../db/client';
import { ensureRoles, migrate, roleUrls } from '../db/migrate';
import { readStockStates } from '../db/stock-state.repo';
import { removePostgresData, startPostgres } from '../provision/postgres';
import { closeGuard } from '../provision/process-guard';
import { seededRandom } from '../simulators/fault-knobs';
import { type Figure, figure } from './figure';
import { type History, makeBalances, makeHistoryMerchant, skuOf, writeHistory } from './ledger-history';

const PASSWORDS = { app: 'bench', system: 'bench', check: 'bench' };
const SMALL = 100_000;
const LARGE = 10_000_000;
/** Lines a statement: its hash tables stay in memory. */
const CHUNK = 1_000_000;
/** Of each database; p99 then rests on forty of them. */
const QUESTIONS = 4_000;
const WARM_UP = 300;
const SKUS = 20;

export async function availabilityScale({ seed }: { readonly seed: number }): Promise<Figure[]> {
  const dir = mkdtempSync(path.join(tmpdir(), 'quayside-bench-'));
  const dataDir = path.join(dir, 'postgres');
  const postgres = await startPostgres({ dataDir, fsync: false, log: () => undefined });
  try {
    await ensureRoles(postgres.url, PASSWORDS);
    const small = await makeDatabase(postgres.url, 'small', SMALL);
    const large = await makeDatabase(postgres.url, 'large', LARGE);
    const { smallMs, largeMs } = await askInTurns(small, large, seed);
    const started = performance.now();
    const report = await runCheck(large.urls.check);
    const checkSeconds = (performance.now() - started) / 1000;
    if (!report.ok) throw new Error(`the books are broken: ${JSON.stringify(report.findings)}`);
    const p = (sorted: readonly number[], share: number) => sorted[Math.floor(sorted.length * share)] ?? 0;
    return [
      figure(
        {
          name: 'availability-scale p99, 10 million ledger rows against 100 thousand',
          value: p(largeMs, 0.99),
          unit: 'ms',
          baseline: p(smallMs, 0.99),
          goal: { atMost: 1.2 },
        },
        seed,
      ),
      figure(
        { name: 'availability-scale p50', value: p(largeMs, 0.5), unit: 'ms', baseline: p(smallMs, 0.5) },
        seed,
      ),
      figure(
        { name: 'check of 10 million ledger rows', value: checkSeconds, unit: 's', goal: { atMost: 60 } },
        seed,
      ),
    ];
  } finally {
    await postgres.stop();
    await closeGuard();
    removePostgresData(dataDir);
    rmSync(dir, { recursive: true, force: true });
  }
}

interface Filled {
  readonly urls: Record<'app' | 'system' | 'check', string>;
  readonly history: History;
}

async function makeDatabase(adminUrl: string, name: string, lines: number): Promise<Filled> {
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  const admin = new Client({ connectionString: adminUrl });
  await admin.connect();
  await admin.query(`create database ${name}`);
  await admin.end();
  await migrate(url.toString());
  const client = new Client({ connectionString: url.toString() });
  await client.connect();
  try {
    // For the making alone: sums of ten million lines are kept in memory.
    await client.query("set work_mem = '512MB'");
    const history = await makeHistoryMerchant(client);
    for (let at = 0; at < lines; at += CHUNK)
      await writeHistory(client, history, at, Math.min(lines, at + CHUNK));
    await makeBalances(client);
    return { urls: roleUrls(url.toString(), PASSWORDS), history };
  } finally {
    await client.end();
  }
}

async function askInTurns(small: Filled, large: Filled, seed: number) {
  const random = seededRandom(seed);
  const sides = [small, large].map(({ urls, history }) => ({
    history,
    database: new Database({ appUrl: urls.app, systemUrl: urls.system, poolSize: 1 }),
    ms: [] as number[],
  }));
  for (let n = 0; n < WARM_UP + QUESTIONS; n += 1) {
    const skus = Array.from({ length: SKUS }, () => skuOf(1 + Math.floor(random() * small.history.products)));
    // Who is asked first changes, for the second finds the processor's caches cold or warm by the first.
    for (const side of n % 2 === 0 ? sides : [...sides].reverse()) {
      const { merchantId, organisationId } = side.history;
      const started = performance.now();
      const rows = await side.database.withTenants(
        { merchantIds: [merchantId], organisationIds: [organisationId] },
        (tx) => readStockStates(tx, [merchantId], skus, null),
      );
      if (n >= WARM_UP) side.ms.push(performance.now() - started);
      if (rows.length < SKUS) throw new Error(`${rows.length} states of ${SKUS} SKUs`);
    }
  }
  for (const { database } of sides) await database.close();
  const [smallMs = [], largeMs = []] = sides.map(({ ms }) => ms.sort((a, b) => a - b));
  return { smallMs, largeMs };
}
