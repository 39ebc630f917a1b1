/**
 * A merchant to put load on: one warehouse, twelve people on the floor, ample stock, and keys. It lives
 * in the demo's organisation, whose simulated carrier ships for it. Its orders have two lines for one
 * parcel and go to addresses that pass our own check, as those of customers who ordered before do.
 */
import { createHash, randomBytes } from 'node:crypto';
import { uuidv7 } from 'uuidv7';
import { adjustStock } from '../commands/stock/adjust-stock';
import { insertApiKey } from '../db/api-key.repo';
import type { Database, Tx } from '../db/client';
import { insertRows } from '../db/insert-rows';
import { DEMO_IDS } from '../simulators/demo-ids';
import { seededRandom } from '../simulators/fault-knobs';

export interface BenchMerchant {
  readonly merchantId: string;
  readonly slug: string;
  readonly warehouseId: string;
  readonly personIds: readonly string[];
  /** Places and reads orders. */
  readonly ordersKey: string;
  readonly floorKey: string;
}

const PERSONS = 12;
const PRODUCTS = 50;
const BINS = 50;
/** Enough for any run. */
const UNITS_EACH = 1_000_000;

/** @param organisationId exists; default the demo's. */
export async function makeBenchMerchant(
  database: Database,
  organisationId: string = DEMO_IDS.organisationId,
): Promise<BenchMerchant> {
  const merchantId = uuidv7();
  const merchant: BenchMerchant = {
    merchantId,
    slug: `bench-${merchantId.slice(-12)}`,
    warehouseId: uuidv7(),
    personIds: Array.from({ length: PERSONS }, () => uuidv7()),
    ordersKey: newKey(),
    floorKey: newKey(),
  };
  const tenants = { merchantIds: [merchantId], organisationIds: [organisationId] };
  await database.withTenants(tenants, async (tx) => {
    await insertMerchant(tx, merchant, organisationId);
    await insertSite(tx, merchant, organisationId);
    await insertTrade(tx, merchant);
    await insertPeople(tx, merchant, organisationId);
  });
  await adjustStock(database, {
    merchantId,
    causeId: 'bench:opening',
    kind: 'opening',
    warehouseId: merchant.warehouseId,
    reason: 'opening stock of a benchmark',
    actor: 'bench',
    lines: Array.from({ length: PRODUCTS }, (_, n) => ({
      sku: skuOf(n),
      locationCode: binOf(n % BINS),
      delta: UNITS_EACH,
    })),
  });
  return merchant;
}

const newKey = () => `qs_test_${randomBytes(32).toString('base64url')}`;
const skuOf = (n: number) => `BENCH-${String(n + 1).padStart(3, '0')}`;
const binOf = (n: number) => `B-${String(n + 1).padStart(3, '0')}`;

async function insertMerchant(tx: Tx, { merchantId, slug }: BenchMerchant, organisationId: string) {
  await insertRows(
    tx,
    'merchant',
    ['id', 'organisation_id', 'slug', 'name', 'currency', 'address_check'],
    [[merchantId, organisationId, slug, 'Benchmark', 'USD', 'local']],
  );
}

async function insertSite(tx: Tx, { merchantId, warehouseId }: BenchMerchant, organisationId: string) {
  const site = {
    id: warehouseId,
    organisation_id: organisationId,
    code: `BENCH-${warehouseId.slice(-6)}`,
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
  const places = [
    ...Array.from({ length: BINS }, (_, n) => [binOf(n), 'PICK', 'bin', 1, n + 1, 1]),
    ['DOCK', 'IN', 'dock', null, null, null],
    ['PACK', 'OUT', 'packing', null, null, null],
    ['STAGE', 'OUT', 'staging', null, null, null],
    ['QUARANTINE', 'QUALITY', 'quarantine', null, null, null],
    ['DAMAGED', 'QUALITY', 'damaged', null, null, null],
  ];
  await insertRows(
    tx,
    'location',
    ['id', 'organisation_id', 'warehouse_id', 'code', 'zone', 'kind', 'aisle', 'bay', 'level'],
    places.map((place) => [uuidv7(), organisationId, warehouseId, ...place]),
  );
  await insertRows(
    tx,
    'location',
    ['id', 'organisation_id', 'code', 'kind'],
    ['supplier', 'customer', 'adjustment'].map((kind) => [
      uuidv7(),
      organisationId,
      kind.toUpperCase(),
      kind,
    ]),
  );
  await insertRows(tx, 'merchant_warehouse', ['merchant_id', 'warehouse_id'], [[merchantId, warehouseId]]);
}

async function insertTrade(tx: Tx, { merchantId }: BenchMerchant) {
  await insertRows(
    tx,
    'product',
    [
      'id',
      'merchant_id',
      'sku',
      'name',
      'weight_grams',
      'length_mm',
      'width_mm',
      'height_mm',
      'unit_cost_minor',
    ],
    Array.from({ length: PRODUCTS }, (_, n) => [
      uuidv7(),
      merchantId,
      skuOf(n),
      skuOf(n),
      250,
      120,
      80,
      40,
      400,
    ]),
  );
  await insertRows(
    tx,
    'carton',
    [
      'id',
      'merchant_id',
      'code',
      'length_mm',
      'width_mm',
      'height_mm',
      'tare_grams',
      'max_grams',
      'cost_minor',
    ],
    [[uuidv7(), merchantId, 'BOX-M', 400, 300, 250, 240, 20_000, 80]],
  );
  await insertRows(
    tx,
    'shipping_method_map',
    ['id', 'merchant_id', 'method', 'service_level'],
    [[uuidv7(), merchantId, '', 'standard']],
  );
}

async function insertPeople(tx: Tx, merchant: BenchMerchant, organisationId: string) {
  const { merchantId, personIds, ordersKey, floorKey } = merchant;
  await insertRows(
    tx,
    'person',
    ['id', 'organisation_id', 'name', 'role'],
    personIds.map((id, n) => [id, organisationId, `Benchmark person ${n + 1}`, 'floor']),
  );
  const keys = [
    { key: ordersKey, name: 'Orders of the benchmark', scopes: ['orders:read', 'orders:write'] },
    { key: floorKey, name: 'Floor of the benchmark', scopes: ['floor'] },
  ];
  for (const { key, name, scopes } of keys) {
    await insertApiKey(tx, {
      id: uuidv7(),
      organisationId,
      name,
      prefix: key.slice(0, 16),
      sha256: createHash('sha256').update(key).digest(),
      scopes,
      merchantIds: [merchantId],
      personId: null,
      expiresAt: null,
    });
  }
}

/** The body of order number `n` for `POST /v1/orders`; the same for the same seed. */
export function benchOrder(seed: number, run: string, n: number) {
  const random = seededRandom(seed * 1_000_003 + n);
  const first = Math.floor(random() * PRODUCTS);
  const second = (first + 1 + Math.floor(random() * (PRODUCTS - 1))) % PRODUCTS;
  const customer = Math.floor(random() * 500);
  const email = `customer-${customer}@bench.example`;
  const name = `Benchmark Customer ${customer}`;
  return {
    externalId: `${run}-${n}`,
    externalNumber: `#${n}`,
    placedAt: new Date().toISOString(),
    currency: 'USD',
    totalMinor: '3000',
    payment: 'captured',
    requestedShippingMethod: null,
    customer: { externalId: String(customer), name, email, phone: null },
    shipTo: {
      name,
      line1: `${customer + 1} Demo Street`,
      city: 'Philadelphia',
      region: 'PA',
      postalCode: '19104',
      country: 'US',
      email,
    },
    lines: [first, second].map((product, index) => ({
      externalLineId: String(index + 1),
      sku: skuOf(product),
      title: skuOf(product),
      quantity: 1,
      unitPriceMinor: '1500',
      ships: true,
    })),
  };
}
