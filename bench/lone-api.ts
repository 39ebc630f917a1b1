/** Postgres and one API process, nothing else: Temporal is away, so that what is accepted stays where it is. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { uuidv7 } from 'uuidv7';
import { Database } from '../db/client';
import { ensureRoles, migrate, roleUrls } from '../db/migrate';
import { freePort, isListening } from '../provision/ports';
import { removePostgresData, startPostgres } from '../provision/postgres';
import { closeGuard, spawnGuarded } from '../provision/process-guard';
import { type BenchMerchant, makeBenchMerchant } from './bench-merchant';
import { pause } from './engine';

const BIN = path.resolve(__dirname, '../bin/quayside.js');
const PASSWORDS = { app: 'bench', system: 'bench', check: 'bench' };
const READY_TIMEOUT_MS = 60_000;

export interface LoneApi {
  readonly url: string;
  readonly merchant: BenchMerchant;
  stop(): Promise<void>;
}

export async function startLoneApi(): Promise<LoneApi> {
  const dir = mkdtempSync(path.join(tmpdir(), 'quayside-bench-'));
  const dataDir = path.join(dir, 'postgres');
  const postgres = await startPostgres({ dataDir, log: () => undefined });
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const one of stops.reverse()) await one();
    await postgres.stop();
    await closeGuard();
    removePostgresData(dataDir);
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await ensureRoles(postgres.url, PASSWORDS);
    await migrate(postgres.url);
    const urls = roleUrls(postgres.url, PASSWORDS);
    const merchant = await seed(urls);
    const port = await freePort();
    const api = await spawnGuarded(process.execPath, [BIN, 'api'], {
      env: {
        ...process.env,
        DATABASE_APP_URL: urls.app,
        DATABASE_SYSTEM_URL: urls.system,
        // Nobody listens there.
        TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}`,
        API_PORT: String(port),
        QUAYSIDE_ENCRYPTION_KEYS: `bench:${randomBytes(32).toString('base64')}`,
        LOG_LEVEL: 'error',
      },
      stdio: ['ignore', 'ignore', 'inherit'],
      stopSignal: 'SIGTERM',
      graceMs: 10_000,
    });
    const ended = new Promise<void>((resolve) => api.once('exit', () => resolve()));
    stops.push(async () => {
      api.kill('SIGTERM');
      await ended;
    });
    const deadline = Date.now() + READY_TIMEOUT_MS;
    while (!(await isListening(port))) {
      if (Date.now() > deadline || api.exitCode !== null) throw new Error('the API did not start');
      await pause(100);
    }
    return { url: `http://127.0.0.1:${port}`, merchant, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function seed(urls: { readonly app: string; readonly system: string }): Promise<BenchMerchant> {
  const database = new Database({ appUrl: urls.app, systemUrl: urls.system, poolSize: 2 });
  try {
    const organisationId = uuidv7();
    await database.withTenants({ merchantIds: [], organisationIds: [organisationId] }, (tx) =>
      tx.run({
        text: 'insert into organisation (id, name) values ($1, $2)',
        values: [organisationId, 'Benchmark 3PL'],
      }),
    );
    return await makeBenchMerchant(database, organisationId);
  } finally {
    await database.close();
  }
}
