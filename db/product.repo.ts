/** Products and the components of bundles. */
import type { Tx } from './client';

export interface ProductRow {
  readonly id: string;
  readonly merchant_id: string;
  readonly sku: string;
  readonly name: string;
  readonly ships: boolean;
  readonly is_bundle: boolean;
  readonly gtin: string | null;
  readonly weight_grams: number | null;
  readonly length_mm: number | null;
  readonly width_mm: number | null;
  readonly height_mm: number | null;
  readonly unit_cost_minor: bigint | null;
  readonly hs_code: string | null;
  readonly origin_country: string | null;
  readonly handling: readonly string[];
  readonly lot_tracked: boolean;
  readonly serial_tracked: boolean;
  readonly version: bigint;
  readonly archived_at: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

const COLUMNS = `p.id, p.merchant_id, p.sku, p.name, p.ships, p.is_bundle, p.gtin, p.weight_grams, p.length_mm, p.width_mm,
  p.height_mm, p.unit_cost_minor, p.hs_code, p.origin_country, p.handling, p.lot_tracked, p.serial_tracked, p.version, p.archived_at,
  p.created_at, p.updated_at`;

/** Columns that a change may set, by their name in a patch. */
export const PRODUCT_FIELDS = {
  name: 'name',
  ships: 'ships',
  gtin: 'gtin',
  weightGrams: 'weight_grams',
  lengthMm: 'length_mm',
  widthMm: 'width_mm',
  heightMm: 'height_mm',
  unitCostMinor: 'unit_cost_minor',
  hsCode: 'hs_code',
  originCountry: 'origin_country',
  handling: 'handling',
} as const;

export interface NewProductRow {
  readonly id: string;
  readonly merchantId: string;
  readonly sku: string;
  readonly isBundle: boolean;
  readonly lotTracked: boolean;
  readonly serialTracked: boolean;
  readonly fields: Readonly<Partial<Record<keyof typeof PRODUCT_FIELDS, unknown>>>;
}

/** Null when the merchant has this SKU already. */
export async function insertProduct(tx: Tx, product: NewProductRow): Promise<ProductRow | null> {
  const names = Object.keys(product.fields) as (keyof typeof PRODUCT_FIELDS)[];
  const columns = names.map((name) => PRODUCT_FIELDS[name]);
  const [row] = await tx.rows<ProductRow>({
    text: `insert into product as p (id, merchant_id, sku, is_bundle, lot_tracked, serial_tracked${columns.map((c) => `, ${c}`).join('')})
      values ($1, $2, $3, $4, $5, $6${columns.map((_, index) => `, $${index + 7}`).join('')})
      on conflict (merchant_id, sku) do nothing returning ${COLUMNS}`,
    values: [
      product.id,
      product.merchantId,
      product.sku,
      product.isBundle,
      product.lotTracked,
      product.serialTracked,
      ...names.map((name) => product.fields[name]),
    ],
  });
  return row ?? null;
}

export async function findProduct(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
): Promise<ProductRow | null> {
  const [row] = await tx.rows<ProductRow>({
    text: `select ${COLUMNS} from product p where p.merchant_id = any($1::uuid[]) and p.id = $2`,
    values: [merchantIds, id],
  });
  return row ?? null;
}

/** Locks the product until the transaction ends. */
export async function lockProduct(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
): Promise<ProductRow | null> {
  const [row] = await tx.rows<ProductRow>({
    text: `select ${COLUMNS} from product p where p.merchant_id = any($1::uuid[]) and p.id = $2 for no key update`,
    values: [merchantIds, id],
  });
  return row ?? null;
}

/** Sets what is named and counts the version up; `archived` sets or clears when it was retired. */
export async function updateProduct(
  tx: Tx,
  merchantId: string,
  id: string,
  fields: Readonly<Partial<Record<keyof typeof PRODUCT_FIELDS, unknown>>>,
  archived: boolean | undefined,
): Promise<ProductRow> {
  const names = Object.keys(fields) as (keyof typeof PRODUCT_FIELDS)[];
  const sets = names.map((name, index) => `${PRODUCT_FIELDS[name]} = $${index + 4}`);
  const [row] = await tx.rows<ProductRow>({
    text: `update product as p set version = version + 1, updated_at = now(),
        archived_at = case when $3::boolean is null then archived_at when $3 then coalesce(archived_at, now()) end
        ${sets.map((set) => `, ${set}`).join('')}
      where p.merchant_id = $1 and p.id = $2 returning ${COLUMNS}`,
    values: [merchantId, id, archived ?? null, ...names.map((name) => fields[name])],
  });
  return row as ProductRow;
}

/** Products by SKU, from a key on; `sku` narrows to that one. */
export function listProducts(
  tx: Tx,
  merchantIds: readonly string[],
  filter: { readonly sku?: string | undefined; readonly archived?: boolean | undefined },
  after: readonly [string, string] | null,
  limit: number,
): Promise<ProductRow[]> {
  return tx.rows<ProductRow>({
    text: `select ${COLUMNS} from product p
      where p.merchant_id = any($1::uuid[]) and ($2::text is null or p.sku = $2)
        and ($3::boolean is null or (p.archived_at is not null) = $3)
        and ($4::uuid is null or (p.merchant_id, p.sku) > ($4, $5::text))
      order by p.merchant_id, p.sku limit $6`,
    values: [
      merchantIds,
      filter.sku ?? null,
      filter.archived ?? null,
      after?.[0] ?? null,
      after?.[1] ?? null,
      limit,
    ],
  });
}

export interface ComponentRow {
  readonly product_id: string;
  readonly sku: string;
  readonly quantity: number;
}

export function listComponents(tx: Tx, merchantId: string, bundleId: string): Promise<ComponentRow[]> {
  return tx.rows<ComponentRow>({
    text: `select c.component_product_id as product_id, p.sku, c.quantity from bundle_component c
      join product p on p.merchant_id = c.merchant_id and p.id = c.component_product_id
      where c.merchant_id = $1 and c.bundle_product_id = $2 order by p.sku`,
    values: [merchantId, bundleId],
  });
}

/** Replaces all components of a bundle. */
export async function replaceComponents(
  tx: Tx,
  merchantId: string,
  bundleId: string,
  components: readonly { readonly productId: string; readonly quantity: number }[],
): Promise<void> {
  await tx.run({
    text: 'delete from bundle_component where merchant_id = $1 and bundle_product_id = $2',
    values: [merchantId, bundleId],
  });
  await tx.run({
    text: `insert into bundle_component (merchant_id, bundle_product_id, component_product_id, quantity)
      select $1, $2, "productId", quantity from json_to_recordset($3) as c("productId" uuid, quantity integer)`,
    values: [merchantId, bundleId, JSON.stringify(components)],
  });
}

/** Which of these are products of the merchant, with what a component must not be. */
export function readKinds(
  tx: Tx,
  merchantId: string,
  ids: readonly string[],
): Promise<{ id: string; is_bundle: boolean }[]> {
  return tx.rows({
    text: 'select id, is_bundle from product where merchant_id = $1 and id = any($2::uuid[])',
    values: [merchantId, ids],
  });
}

/** The SKU texts by which orders may mean this product: its own and its aliases. */
export async function namesOfProduct(tx: Tx, merchantId: string, id: string): Promise<string[]> {
  const rows = await tx.rows<{ name: string }>({
    text: `select sku as name from product where merchant_id = $1 and id = $2
      union select alias from sku_alias where merchant_id = $1 and product_id = $2`,
    values: [merchantId, id],
  });
  return rows.map(({ name }) => name);
}
