import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Database } from '../../db/client';
import { quayside } from '../support/cli';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { type TestDatabase, testDatabase } from '../support/postgres';
import { itWithSharedData } from '../support/shared-data';

let urls: TestDatabase;
let database: Database;
let merchant: SeededMerchant;
let dataDir: string;

beforeAll(async () => {
  urls = await testDatabase();
  database = new Database({ appUrl: urls.appUrl, systemUrl: urls.systemUrl, poolSize: 2 });
  merchant = await seedMerchant(database);
  dataDir = mkdtempSync(join(tmpdir(), 'quayside-import-'));
});
afterAll(async () => {
  await database.close();
  await urls.drop();
  rmSync(dataDir, { recursive: true, force: true });
});

interface Outcome {
  readonly externalId: string;
  readonly outcome: string;
  readonly orderId: string | null;
  readonly reason: string | null;
}

async function importFiles(format: string, files: readonly string[]): Promise<Outcome[]> {
  const args = ['import', 'orders', '--format', format, '--merchant', merchant.slug, '--json'];
  const { code, stdout, stderr } = await quayside([...args, '--data-dir', dataDir, ...files], {
    DATABASE_APP_URL: urls.appUrl,
    DATABASE_SYSTEM_URL: urls.systemUrl,
  });
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Outcome[];
}

/** Everything that an import may write, as text, so that "changed nothing" is one comparison. */
async function everything(): Promise<string> {
  const tables = [
    'sales_order',
    'sales_order_line',
    'order_address',
    'customer',
    'inbox',
    'exception',
    'outbox',
  ];
  const rows = await database.withMerchants([merchant.merchantId], async (tx) => {
    const found: unknown[] = [];
    for (const table of tables)
      found.push(await tx.rows({ text: `select to_jsonb(t)::text as row from ${table} t order by 1` }));
    return found;
  });
  return JSON.stringify(rows);
}

function countOf(sql: string): Promise<number> {
  return database.withMerchants([merchant.merchantId], async (tx) => {
    const [row] = await tx.rows<{ n: bigint }>({ text: `select count(*) as n from ${sql}` });
    return Number(row?.n);
  });
}

itWithSharedData(
  'each order of the Shopify fixtures becomes an order or is parked with a reason, once however often it is imported',
  'shopify/fixtures/fixtures',
  async (folder) => {
    const files = readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .map((name) => join(folder, name));
    // Counted another way: a financial status is in no other kind of payload.
    const payloads = files.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/"financial_status"/g)]);
    const outcomes = await importFiles('shopify', files);
    expect(outcomes).toHaveLength(payloads.length);
    for (const { outcome, orderId, reason } of outcomes) {
      expect(outcome === 'parked' ? reason : orderId).toMatch(/\w{4,}/);
    }
    const parked = outcomes.filter(({ outcome }) => outcome === 'parked').length;
    expect(await countOf("inbox where state = 'parked' and reason is not null and body is not null")).toBe(
      parked,
    );
    expect(await countOf("exception where reason = 'order_unreadable' and state = 'open'")).toBe(parked);
    const orders = new Set(outcomes.flatMap(({ orderId }) => orderId ?? []));
    expect(await countOf('sales_order')).toBe(orders.size);

    const before = await everything();
    const again = await importFiles('shopify', files);
    expect(again.map(({ outcome }) => outcome)).toEqual(outcomes.map(() => 'known'));
    expect(await everything()).toBe(before);
  },
);

describe('a CSV file of orders', () => {
  const HEADER = 'order_id,placed_at,currency,sku,quantity,unit_price,name,line1,city,country,postal_code';
  const row = (id: string, sku: string, quantity: string, price: string) =>
    `${id},2026-01-02T10:00:00Z,USD,${sku},${quantity},${price},Demo Person,1 Demo Street,Demo City,US,07030`;
  const file = (name: string, text: string) => {
    const path = join(dataDir, name);
    writeFileSync(path, text);
    return path;
  };

  it('makes one order of the rows of one id, and parks what can not be read beside it', async () => {
    const text = `\uFEFF${[HEADER, row('A1', 'DEMO-1', '2', '2.50'), row('A2', 'DEMO-1', '-1', '1.00'), row('A1', 'DEMO-2', '1', '0.35'), row('A3', 'DEMO-1', '1', 'much')].join('\n')}\n`;
    const path = file('orders.csv', text);
    const outcomes = await importFiles('csv', [path]);
    expect(outcomes).toMatchObject([
      { externalId: 'A1', outcome: 'accepted', reason: null },
      { externalId: 'A2', outcome: 'parked', reason: expect.stringContaining('/lines/0/quantity') },
      { externalId: 'A3', outcome: 'parked', reason: expect.stringContaining('invalid_money') },
    ]);
    expect(await countOf("sales_order where external_id = 'A1' and total_minor = 535")).toBe(1);
    expect((await importFiles('csv', [path])).map(({ outcome }) => outcome)).toEqual([
      'known',
      'known',
      'known',
    ]);
  });

  it('is refused as a whole, naming the columns, when it is no such table', async () => {
    const before = await everything();
    const twice = file('twice.csv', `${HEADER},sku\n`);
    await expect(importFiles('csv', [twice])).rejects.toThrow('sku comes twice');
    const ragged = file('ragged.csv', `${HEADER}\n${row('B1', 'DEMO-1', '1', '1.00')}\nB2,2026\n`);
    await expect(importFiles('csv', [ragged])).rejects.toThrow(/line 3/);
    expect(await everything()).toBe(before);
  });
});
