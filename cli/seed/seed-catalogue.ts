/** What the demo merchant sells and packs in: products, bundles, aliases, cartons, shipping methods. */
import type { Tx } from '../../db/client';
import { DEMO_ALIASES, DEMO_BUNDLES, DEMO_PRODUCTS } from '../../simulators/demo-catalogue';
import { DEMO_IDS, demoId } from '../../simulators/demo-ids';
import { DEMO_CARTONS, DEMO_SHIPPING_METHODS } from './demo-sites';
import { insertRows } from './insert-rows';

const { merchantId } = DEMO_IDS;
const productId = (sku: string): string => demoId(`product ${sku}`);

export async function insertCatalogue(tx: Tx): Promise<void> {
  await insertProducts(tx);
  await insertNames(tx);
  await insertPacking(tx);
}

async function insertProducts(tx: Tx): Promise<void> {
  await insertRows(
    tx,
    'product',
    [
      'id',
      'merchant_id',
      'sku',
      'name',
      'is_bundle',
      'gtin',
      'weight_grams',
      'length_mm',
      'width_mm',
      'height_mm',
      'unit_cost_minor',
      'lot_tracked',
    ],
    [
      ...DEMO_PRODUCTS.map((one) => [
        productId(one.sku),
        merchantId,
        one.sku,
        one.name,
        false,
        one.gtin,
        one.weightGrams,
        ...one.sidesMm,
        one.costMinor,
        one.lotTracked,
      ]),
      ...DEMO_BUNDLES.map((one) => [
        productId(one.sku),
        merchantId,
        one.sku,
        one.name,
        true,
        ...Array<null>(6).fill(null),
        false,
      ]),
    ],
  );
}

/** What bundles are made of, and what channels call the products. */
async function insertNames(tx: Tx): Promise<void> {
  await insertRows(
    tx,
    'bundle_component',
    ['merchant_id', 'bundle_product_id', 'component_product_id', 'quantity'],
    DEMO_BUNDLES.flatMap(({ sku, components }) =>
      components.map((part) => [merchantId, productId(sku), productId(part.sku), part.quantity]),
    ),
  );
  await insertRows(
    tx,
    'sku_alias',
    ['id', 'merchant_id', 'alias', 'product_id', 'multiplier'],
    DEMO_ALIASES.map(({ alias, sku, multiplier }) => [
      demoId(`alias ${alias}`),
      merchantId,
      alias,
      productId(sku),
      multiplier,
    ]),
  );
}

async function insertPacking(tx: Tx): Promise<void> {
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
    DEMO_CARTONS.map((one) => [
      demoId(`carton ${one.code}`),
      merchantId,
      one.code,
      ...one.sidesMm,
      one.tareGrams,
      one.maxGrams,
      one.costMinor,
    ]),
  );
  await insertRows(
    tx,
    'shipping_method_map',
    ['id', 'merchant_id', 'method', 'service_level', 'services', 'max_days'],
    DEMO_SHIPPING_METHODS.flatMap(({ methods, serviceLevel, services, maxDays }) =>
      methods.map((method) => [
        demoId(`shipping method ${method}`),
        merchantId,
        method,
        serviceLevel,
        services,
        maxDays,
      ]),
    ),
  );
}
