/**
 * A merchant to test with: organisation, warehouses with every kind of place, products, a connection, a
 * carton, floor staff and stock. Each call makes new ones, so tests of one database don't meet.
 */
import { uuidv7 } from 'uuidv7';
import { adjustStock } from '../../commands/stock/adjust-stock';
import type { Database, Tx } from '../../db/client';

export interface ProductSeed {
  readonly sku: string;
  readonly gtin?: string;
  readonly weightGrams?: number | null;
  readonly ships?: boolean;
  readonly isBundle?: boolean;
  readonly lotTracked?: boolean;
  readonly unitCostMinor?: number;
  /** Units in the first bin of each warehouse, or by warehouse code. */
  readonly stock?: number | Readonly<Record<string, number>>;
}

export interface WarehouseSeed {
  readonly code: string;
  readonly bins?: number;
  readonly wmsKind?: 'built_in' | 'external';
  readonly postalCode?: string;
}

export interface MerchantSeed {
  readonly organisationId?: string;
  readonly slug?: string;
  /** New ones, or those of another merchant of the same organisation. */
  readonly warehouses?: readonly (WarehouseSeed | SeededWarehouse)[];
  readonly products?: readonly ProductSeed[];
  readonly persons?: number;
  readonly shortPickPolicy?: 'ask' | 'backorder' | 'ship_short';
  readonly partialPolicy?: 'wait' | 'ship_available';
  readonly splitPolicy?: 'never' | 'allowed';
  readonly paymentPolicy?: 'none' | 'authorised' | 'captured';
}

export interface SeededWarehouse {
  readonly id: string;
  readonly code: string;
  readonly bins: readonly { readonly id: string; readonly code: string }[];
  readonly dockId: string;
  readonly stagingId: string;
  readonly packingId: string;
  readonly quarantineId: string;
  readonly damagedId: string;
}

export interface SeededMerchant {
  readonly organisationId: string;
  readonly merchantId: string;
  readonly slug: string;
  readonly connectionId: string;
  readonly cartonId: string;
  readonly cartonCode: string;
  readonly personIds: readonly string[];
  readonly warehouses: readonly SeededWarehouse[];
  /** Product ids by SKU. */
  readonly products: ReadonlyMap<string, string>;
  readonly customerPlaceId: string;
}

export async function seedMerchant(database: Database, seed: MerchantSeed = {}): Promise<SeededMerchant> {
  const merchantId = uuidv7();
  const organisationId = seed.organisationId ?? uuidv7();
  const tenants = { merchantIds: [merchantId], organisationIds: [organisationId] };
  const products = seed.products ?? [{ sku: 'DEMO-1', stock: 10 }];
  const seeded = await database.withTenants(tenants, (tx) =>
    insertMerchant(tx, { ...seed, organisationId, merchantId, products }),
  );
  for (const warehouse of seeded.warehouses) {
    const lines = products.flatMap((product) => {
      const units =
        typeof product.stock === 'number' ? product.stock : (product.stock?.[warehouse.code] ?? 0);
      const bin = warehouse.bins[0];
      return units > 0 && bin ? [{ sku: product.sku, locationId: bin.id, delta: units }] : [];
    });
    if (lines.length === 0) continue;
    await adjustStock(database, {
      merchantId,
      causeId: `opening:${warehouse.id}`,
      kind: 'opening',
      warehouseId: warehouse.id,
      reason: 'opening balance',
      actor: 'test',
      lines,
    });
  }
  return seeded;
}

async function insertMerchant(
  tx: Tx,
  seed: MerchantSeed & {
    readonly organisationId: string;
    readonly merchantId: string;
    readonly products: readonly ProductSeed[];
  },
): Promise<SeededMerchant> {
  const { organisationId, merchantId } = seed;
  const slug = seed.slug ?? `demo-${merchantId.slice(-12)}`;
  if (seed.organisationId === undefined || (await isNew(tx, organisationId)))
    await tx.run({
      text: 'insert into organisation (id, name) values ($1, $2)',
      values: [organisationId, 'Demo 3PL'],
    });
  await tx.run({
    text: `insert into merchant (id, organisation_id, slug, name, currency, short_pick_policy, partial_policy, split_policy,
      payment_policy) values ($1, $2, $3, 'Demo merchant', 'USD', $4, $5, $6, $7)`,
    values: [
      merchantId,
      organisationId,
      slug,
      seed.shortPickPolicy ?? 'ask',
      seed.partialPolicy ?? 'wait',
      seed.splitPolicy ?? 'allowed',
      seed.paymentPolicy ?? 'authorised',
    ],
  });
  const warehouses: SeededWarehouse[] = [];
  for (const warehouse of seed.warehouses ?? [{ code: 'W1' }])
    warehouses.push('id' in warehouse ? warehouse : await insertWarehouse(tx, organisationId, warehouse));
  for (const { id } of warehouses)
    await tx.run({
      text: 'insert into merchant_warehouse (merchant_id, warehouse_id) values ($1, $2)',
      values: [merchantId, id],
    });
  const customerPlaceId = await insertVirtualPlaces(tx, organisationId);
  const products = new Map<string, string>();
  for (const product of seed.products)
    products.set(product.sku, await insertProduct(tx, merchantId, product));
  const connectionId = uuidv7();
  await tx.run({
    text: `insert into channel_connection (id, merchant_id, channel, name) values ($1, $2, 'api', 'Demo channel')`,
    values: [connectionId, merchantId],
  });
  const cartonId = uuidv7();
  await tx.run({
    text: `insert into carton (id, merchant_id, code, length_mm, width_mm, height_mm, tare_grams, max_grams)
      values ($1, $2, 'BOX-M', 400, 300, 300, 200, 20000)`,
    values: [cartonId, merchantId],
  });
  await tx.run({
    text: `insert into shipping_method_map (id, merchant_id, method, service_level) values ($1, $2, '', 'standard')`,
    values: [uuidv7(), merchantId],
  });
  const personIds: string[] = [];
  for (let n = 1; n <= (seed.persons ?? 2); n += 1) {
    const id = uuidv7();
    personIds.push(id);
    await tx.run({
      text: `insert into person (id, organisation_id, name, role) values ($1, $2, $3, 'floor')`,
      values: [id, organisationId, `Demo picker ${n}`],
    });
  }
  return {
    organisationId,
    merchantId,
    slug,
    connectionId,
    cartonId,
    cartonCode: 'BOX-M',
    personIds,
    warehouses,
    products,
    customerPlaceId,
  };
}

async function isNew(tx: Tx, organisationId: string): Promise<boolean> {
  const rows = await tx.rows({ text: 'select from organisation where id = $1', values: [organisationId] });
  return rows.length === 0;
}

async function insertWarehouse(
  tx: Tx,
  organisationId: string,
  seed: WarehouseSeed,
): Promise<SeededWarehouse> {
  const id = uuidv7();
  await tx.run({
    text: `insert into warehouse (id, organisation_id, code, name, time_zone, line1, city, region, postal_code, country, phone,
      wms_kind) values ($1, $2, $3, $4, 'America/New_York', '1 Demo Street', 'Demo City', 'NJ', $5, 'US', '5550100', $6)`,
    values: [
      id,
      organisationId,
      seed.code,
      `Demo warehouse ${seed.code}`,
      seed.postalCode ?? '07030',
      seed.wmsKind ?? 'built_in',
    ],
  });
  const place = async (code: string, kind: string, bay: number | null = null): Promise<string> => {
    const placeId = uuidv7();
    await tx.run({
      text: `insert into location (id, organisation_id, warehouse_id, code, zone, kind, aisle, bay, level)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      values: [placeId, organisationId, id, code, kind === 'bin' ? 'A' : null, kind, bay && 1, bay, bay && 1],
    });
    return placeId;
  };
  const bins: { id: string; code: string }[] = [];
  for (let n = 1; n <= (seed.bins ?? 3); n += 1) {
    const code = `A-01-${String(n).padStart(2, '0')}`;
    bins.push({ id: await place(code, 'bin', n), code });
  }
  return {
    id,
    code: seed.code,
    bins,
    dockId: await place('DOCK-1', 'dock'),
    stagingId: await place('STAGE-1', 'staging'),
    packingId: await place('PACK-1', 'packing'),
    quarantineId: await place('QUAR-1', 'quarantine'),
    damagedId: await place('DAM-1', 'damaged'),
  };
}

async function insertVirtualPlaces(tx: Tx, organisationId: string): Promise<string> {
  for (const kind of ['supplier', 'customer', 'adjustment']) {
    await tx.run({
      text: `insert into location (id, organisation_id, code, kind) values ($1, $2, upper($3), $3) on conflict do nothing`,
      values: [uuidv7(), organisationId, kind],
    });
  }
  const [row] = await tx.rows<{ id: string }>({
    text: `select id from location where organisation_id = $1 and kind = 'customer'`,
    values: [organisationId],
  });
  return (row as { id: string }).id;
}

async function insertProduct(tx: Tx, merchantId: string, product: ProductSeed): Promise<string> {
  const id = uuidv7();
  await tx.run({
    text: `insert into product (id, merchant_id, sku, name, gtin, weight_grams, length_mm, width_mm, height_mm, ships, is_bundle,
      lot_tracked, unit_cost_minor) values ($1, $2, $3, $4, $5, $6, 100, 80, 40, $7, $8, $9, $10)`,
    values: [
      id,
      merchantId,
      product.sku,
      `Demo ${product.sku}`,
      product.gtin ?? null,
      product.weightGrams === undefined ? 250 : product.weightGrams,
      product.ships ?? true,
      product.isBundle ?? false,
      product.lotTracked ?? false,
      product.unitCostMinor ?? 500,
    ],
  });
  return id;
}
