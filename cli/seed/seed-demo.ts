/**
 * Makes the demo merchant, or brings an existing one up to date. Every id is derived from a fixed name
 * and every stock movement from a fixed cause, so a second run adds nothing and undoes nothing that a
 * person changed meanwhile. Only what the partners of this very run need is written again: the addresses
 * of the simulators, which move with their ports, and the sealed credentials. Rows are written as the
 * application role, under the same row-level security as everything else; stock goes through its command.
 */
import { lookup } from 'zipcodes';
import { adjustStock } from '../../commands/stock/adjust-stock';
import type { Database, Tx } from '../../db/client';
import { DEMO_PRODUCTS } from '../../simulators/demo-catalogue';
import { DEMO_IDS, DEMO_MERCHANT_SLUG, demoId, warehouseId } from '../../simulators/demo-ids';
import { seededRandom } from '../../simulators/fault-knobs';
import { DEMO_BINS, DEMO_LOCATIONS, DEMO_WAREHOUSES, type DemoWarehouse } from './demo-sites';
import { insertRows } from './insert-rows';
import { insertCatalogue } from './seed-catalogue';
import { insertPeopleAndKeys, type SeedPartners, upsertPartners } from './seed-partners';

export interface SeedDemo extends SeedPartners {
  readonly database: Database;
  /** Told after each part of the work. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** @returns whether the merchant was made now. */
export async function seedDemo(seed: SeedDemo): Promise<{ readonly created: boolean }> {
  const { organisationId, merchantId } = DEMO_IDS;
  const tenants = { merchantIds: [merchantId], organisationIds: [organisationId] };
  const total = 3 + DEMO_WAREHOUSES.length;
  let done = 0;
  const tick = () => seed.onProgress?.(++done, total);
  const created = await seed.database.withTenants(tenants, async (tx) => {
    const made = await insertMerchant(tx);
    await insertWarehouses(tx);
    return made;
  });
  tick();
  await seed.database.withTenants(tenants, insertCatalogue);
  tick();
  await seed.database.withTenants(tenants, async (tx) => {
    await upsertPartners(tx, seed);
    await insertPeopleAndKeys(tx, seed.credentials);
  });
  tick();
  for (const warehouse of DEMO_WAREHOUSES) {
    await openingStock(seed.database, warehouse);
    tick();
  }
  return { created };
}

async function insertMerchant(tx: Tx): Promise<boolean> {
  const { organisationId, merchantId } = DEMO_IDS;
  await tx.run({
    text: 'insert into organisation (id, name) values ($1, $2) on conflict do nothing',
    values: [organisationId, 'Demo 3PL'],
  });
  const made = await tx.run({
    text: `insert into merchant (id, organisation_id, slug, name, currency, mail_from)
      values ($1, $2, $3, 'Demo Goods', 'USD', 'orders@demo-goods.example') on conflict do nothing`,
    values: [merchantId, organisationId, DEMO_MERCHANT_SLUG],
  });
  await insertRows(
    tx,
    'location',
    ['id', 'organisation_id', 'code', 'kind'],
    [
      ...(['supplier', 'customer', 'adjustment'] as const).map((kind) => [
        demoId(`location ${kind}`),
        organisationId,
        kind.toUpperCase(),
        kind,
      ]),
    ],
  );
  return made === 1;
}

async function insertWarehouses(tx: Tx): Promise<void> {
  const { organisationId, merchantId } = DEMO_IDS;
  await insertRows(
    tx,
    'warehouse',
    [
      'id',
      'organisation_id',
      'code',
      'name',
      'time_zone',
      'line1',
      'city',
      'region',
      'postal_code',
      'country',
      'phone',
      'latitude',
      'longitude',
      'holiday_country',
    ],
    DEMO_WAREHOUSES.map((site) => {
      const place = lookup(site.postalCode);
      return [
        warehouseId(site),
        organisationId,
        site.code,
        site.name,
        site.timeZone,
        site.line1,
        site.city,
        site.region,
        site.postalCode,
        'US',
        site.phone,
        place?.latitude ?? null,
        place?.longitude ?? null,
        'US',
      ];
    }),
  );
  for (const site of DEMO_WAREHOUSES) {
    await insertRows(
      tx,
      'location',
      ['id', 'organisation_id', 'warehouse_id', 'code', 'zone', 'kind', 'aisle', 'bay', 'level'],
      DEMO_LOCATIONS.map(({ code, zone, kind, aisle, bay, level }) => [
        demoId(`location ${site.code} ${code}`),
        organisationId,
        warehouseId(site),
        code,
        zone,
        kind,
        aisle ?? null,
        bay ?? null,
        level ?? null,
      ]),
    );
  }
  await insertRows(
    tx,
    'merchant_warehouse',
    ['merchant_id', 'warehouse_id'],
    DEMO_WAREHOUSES.map((site) => [merchantId, warehouseId(site)]),
  );
}

/** Each article in one bin of each warehouse; every seventh is missing in one of them, so that some orders split. */
async function openingStock(database: Database, warehouse: DemoWarehouse): Promise<void> {
  const site = DEMO_WAREHOUSES.indexOf(warehouse);
  const random = seededRandom(site + 1);
  const lines = DEMO_PRODUCTS.map((product, index) => ({
    product,
    locationCode: DEMO_BINS[index % DEMO_BINS.length] ?? '',
    units: 300 + Math.floor(random() * 500),
    here: (index + site) % 7 !== 0,
  }));
  await adjustStock(database, {
    merchantId: DEMO_IDS.merchantId,
    causeId: `demo-opening:${warehouse.code}`,
    kind: 'opening',
    warehouseId: warehouseId(warehouse),
    reason: 'opening balance of the demo',
    actor: 'seed',
    lines: lines
      .filter(({ product, here }) => product.stocked && here)
      .map(({ product, locationCode, units }) => ({
        sku: product.sku,
        locationCode,
        delta: units,
        ...(product.lotTracked ? { lotCode: 'DEMO-LOT-1', expiresOn: '2031-12-31' } : {}),
      })),
  });
}
