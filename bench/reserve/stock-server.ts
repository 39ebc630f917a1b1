/**
 * A Postgres by itself with one merchant's stock in one warehouse: as many SKUs as a benchmark wants, each
 * with its units in one bin. Its settings are PostgreSQL's own but for the number of connections.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { uuidv7 } from 'uuidv7';
import { adjustStock } from '../../commands/stock/adjust-stock';
import { Database } from '../../db/client';
import { insertRows } from '../../db/insert-rows';
import { ensureRoles, migrate, roleUrls } from '../../db/migrate';
import { removePostgresData, startPostgres } from '../../provision/postgres';
import { closeGuard } from '../../provision/process-guard';
import { cpuTimes } from '../cpu-time';

const PASSWORDS = { app: 'bench', system: 'bench', check: 'bench' };
/** Twice 256 clients, and what the tools of a run need. */
const MAX_CONNECTIONS = 600;
/** Rows of one posting: well below the 65,535 parameters of a statement. */
const AT_ONCE = 1_000;

export interface StockServer {
  readonly appUrl: string;
  readonly systemUrl: string;
  readonly database: Database;
  readonly merchantId: string;
  readonly warehouseId: string;
  /** CPU seconds that the server has used. */
  cpuSeconds(): number;
  /** Adds products with this many units each; returns their ids. */
  addProducts(count: number, units: number): Promise<string[]>;
  /** One statement as the owner, who sees every row. */
  asOwner<Row extends Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  stop(): Promise<void>;
}

export async function startStockServer(): Promise<StockServer> {
  const dir = mkdtempSync(path.join(tmpdir(), 'quayside-bench-'));
  const dataDir = path.join(dir, 'postgres');
  const postgres = await startPostgres({ dataDir, maxConnections: MAX_CONNECTIONS, log: () => undefined });
  await ensureRoles(postgres.url, PASSWORDS);
  await migrate(postgres.url);
  const urls = roleUrls(postgres.url, PASSWORDS);
  const database = new Database({ appUrl: urls.app, systemUrl: urls.system, poolSize: 4 });
  const owner = new Client({ connectionString: postgres.url });
  await owner.connect();
  const site = await seedSite(database);
  let products = 0;
  return {
    appUrl: urls.app,
    systemUrl: urls.system,
    database,
    ...site,
    cpuSeconds: () =>
      [...cpuTimes(postgres.pid, () => 'postgres').values()].reduce((sum, each) => sum + each, 0),
    async addProducts(count, units) {
      const rows = Array.from({ length: count }, () => [
        uuidv7(),
        site.merchantId,
        `BENCH-${++products}`,
        'Benchmark',
      ]);
      for (let from = 0; from < rows.length; from += AT_ONCE) {
        const part = rows.slice(from, from + AT_ONCE);
        await database.withMerchants([site.merchantId], (tx) =>
          insertRows(tx, 'product', ['id', 'merchant_id', 'sku', 'name'], part),
        );
        await adjustStock(database, {
          merchantId: site.merchantId,
          causeId: `bench:opening:${part[0]?.[0]}`,
          kind: 'opening',
          warehouseId: site.warehouseId,
          reason: 'opening stock of a benchmark',
          actor: 'bench',
          lines: part.map(([id]) => ({ productId: id as string, locationCode: 'B-1', delta: units })),
        });
      }
      return rows.map(([id]) => id as string);
    },
    asOwner: async (text, values = []) => (await owner.query(text, [...values])).rows,
    async stop() {
      await owner.end();
      await database.close();
      await postgres.stop();
      await closeGuard();
      removePostgresData(dataDir);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function seedSite(
  database: Database,
): Promise<{ readonly merchantId: string; readonly warehouseId: string }> {
  const [organisationId, merchantId, warehouseId] = [uuidv7(), uuidv7(), uuidv7()];
  await database.withTenants({ merchantIds: [merchantId], organisationIds: [organisationId] }, async (tx) => {
    await insertRows(tx, 'organisation', ['id', 'name'], [[organisationId, 'Benchmark 3PL']]);
    await insertRows(
      tx,
      'merchant',
      ['id', 'organisation_id', 'slug', 'name', 'currency'],
      [[merchantId, organisationId, 'bench', 'Benchmark', 'USD']],
    );
    const site = {
      id: warehouseId,
      organisation_id: organisationId,
      code: 'BENCH',
      name: 'Benchmark warehouse',
      time_zone: 'America/New_York',
      line1: '1 Demo Dock Road',
      city: 'Newark',
      region: 'NJ',
      postal_code: '07114',
      country: 'US',
      phone: '+1 202 555 0101',
    };
    await insertRows(tx, 'warehouse', Object.keys(site), [Object.values(site)]);
    await insertRows(
      tx,
      'location',
      ['id', 'organisation_id', 'warehouse_id', 'code', 'zone', 'kind', 'aisle', 'bay', 'level'],
      [[uuidv7(), organisationId, warehouseId, 'B-1', 'PICK', 'bin', 1, 1, 1]],
    );
    await insertRows(tx, 'merchant_warehouse', ['merchant_id', 'warehouse_id'], [[merchantId, warehouseId]]);
  });
  return { merchantId, warehouseId };
}
