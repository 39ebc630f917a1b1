/**
 * Changes to what a merchant sells. Each runs in the caller's transaction, is audited there, and wakes
 * the orders that may have waited for it: a new SKU or alias, a bundle that got its components. The
 * catalogue's version is counted up first, so that an intake which is about to park an order for a
 * missing mapping either sees the mapping or is seen by the wake.
 */
import { uuidv7 } from 'uuidv7';
import type { NewAlias, NewProduct, ProductPatch } from '../../contracts/catalogue';
import { audit } from '../../db/audit-log.repo';
import type { Tx } from '../../db/client';
import { connectionExists } from '../../db/connection.repo';
import {
  findProduct,
  insertProduct,
  lockProduct,
  namesOfProduct,
  type ProductRow,
  readKinds,
  replaceComponents,
  updateProduct,
} from '../../db/product.repo';
import { type AliasRow, deleteAlias, findAlias, insertAlias } from '../../db/sku-alias.repo';
import { Failure } from '../../domain/failure-types';
import { changedFacts } from '../changed-facts';
import { bumpCatalogVersion, wakeBySku } from '../wake-orders';

export interface Editor {
  readonly actor: string;
  readonly requestId: string | null;
}

/** @returns null when the merchant has the SKU already. */
export async function createProduct(
  tx: Tx,
  merchantId: string,
  product: NewProduct,
  editor: Editor,
): Promise<ProductRow | null> {
  await bumpCatalogVersion(tx, merchantId);
  const { sku, isBundle, lotTracked, serialTracked, ...fields } = product;
  const row = await insertProduct(tx, {
    id: uuidv7(),
    merchantId,
    sku,
    isBundle,
    lotTracked,
    serialTracked,
    fields,
  });
  if (row === null) return null;
  await wakeBySku(tx, merchantId, [sku]);
  await audit(tx, {
    ...editor,
    merchantId,
    action: 'product.create',
    thingKind: 'product',
    thingId: row.id,
    after: { sku },
  });
  return row;
}

/**
 * @param ifVersion the version that the caller read, null for whatever it is.
 * @returns `stale` when it has changed since.
 * @throws Failure NotFound.
 */
export async function changeProduct(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
  { archived, ...fields }: ProductPatch,
  ifVersion: bigint | null,
  editor: Editor,
): Promise<ProductRow | 'stale'> {
  // The merchant's row before the product's, like every change of the catalogue.
  const found = await findProduct(tx, merchantIds, id);
  if (found === null) throw new Failure('NotFound', 'there is no such product');
  await bumpCatalogVersion(tx, found.merchant_id);
  const before = (await lockProduct(tx, merchantIds, id)) as ProductRow;
  if (ifVersion !== null && before.version !== ifVersion) return 'stale';
  const row = await updateProduct(tx, before.merchant_id, id, fields, archived);
  await wakeBySku(tx, row.merchant_id, await namesOfProduct(tx, row.merchant_id, id));
  await audit(tx, {
    ...editor,
    merchantId: row.merchant_id,
    action: 'product.change',
    thingKind: 'product',
    thingId: id,
    ...changedFacts(before, row),
  });
  return row;
}

/**
 * Replaces what a bundle is made of.
 * @throws Failure NotFound for the product; InvalidInput when it is no bundle, or a component is no
 * product of the merchant or itself a bundle.
 */
export async function setComponents(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
  components: readonly { readonly productId: string; readonly quantity: number }[],
  ifVersion: bigint | null,
  editor: Editor,
): Promise<ProductRow | 'stale'> {
  const found = await findProduct(tx, merchantIds, id);
  if (found === null) throw new Failure('NotFound', 'there is no such product');
  const merchantId = found.merchant_id;
  await bumpCatalogVersion(tx, merchantId);
  const bundle = (await lockProduct(tx, merchantIds, id)) as ProductRow;
  if (ifVersion !== null && bundle.version !== ifVersion) return 'stale';
  if (!bundle.is_bundle) throw new Failure('InvalidInput', 'the product is no bundle');
  const kinds = await readKinds(
    tx,
    merchantId,
    components.map(({ productId }) => productId),
  );
  const errors = components.flatMap(({ productId }, index) => {
    const kind = kinds.find((each) => each.id === productId);
    const pointer = `/components/${index}/productId`;
    if (kind === undefined) return [{ pointer, message: 'there is no such product' }];
    return kind.is_bundle ? [{ pointer, message: 'a bundle can not be part of a bundle' }] : [];
  });
  if (errors.length > 0) throw new Failure('InvalidInput', 'components are invalid', { errors });
  await replaceComponents(tx, merchantId, id, components);
  const row = await updateProduct(tx, merchantId, id, {}, undefined);
  await wakeBySku(tx, merchantId, await namesOfProduct(tx, merchantId, id));
  await audit(tx, {
    ...editor,
    merchantId,
    action: 'product.components',
    thingKind: 'product',
    thingId: id,
    after: { components },
  });
  return row;
}

/**
 * Gives a product another name; orders parked for that name go on by themselves.
 * @returns null when the name is taken on that channel.
 * @throws Failure InvalidInput for a product or connection that the merchant does not have.
 */
export async function createAlias(
  tx: Tx,
  merchantId: string,
  alias: NewAlias,
  editor: Editor,
): Promise<AliasRow | null> {
  await bumpCatalogVersion(tx, merchantId);
  const errors: { pointer: string; message: string }[] = [];
  if ((await findProduct(tx, [merchantId], alias.productId)) === null) {
    errors.push({ pointer: '/productId', message: 'there is no such product' });
  }
  if (alias.connectionId !== null && !(await connectionExists(tx, merchantId, alias.connectionId))) {
    errors.push({ pointer: '/connectionId', message: 'there is no such connection' });
  }
  if (errors.length > 0) throw new Failure('InvalidInput', 'the alias points at nothing', { errors });
  const id = uuidv7();
  if (!(await insertAlias(tx, { ...alias, id, merchantId }))) return null;
  await wakeBySku(tx, merchantId, [alias.alias]);
  await audit(tx, {
    ...editor,
    merchantId,
    action: 'sku_alias.create',
    thingKind: 'sku_alias',
    thingId: id,
    after: { alias: alias.alias, productId: alias.productId, multiplier: alias.multiplier },
  });
  return findAlias(tx, [merchantId], id);
}

/** @throws Failure NotFound. Orders that were mapped by it keep their mapping. */
export async function removeAlias(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
  editor: Editor,
): Promise<void> {
  const alias = await findAlias(tx, merchantIds, id);
  if (alias === null) throw new Failure('NotFound', 'there is no such alias');
  await bumpCatalogVersion(tx, alias.merchant_id);
  if (!(await deleteAlias(tx, alias.merchant_id, id))) {
    throw new Failure('NotFound', 'there is no such alias');
  }
  await audit(tx, {
    ...editor,
    merchantId: alias.merchant_id,
    action: 'sku_alias.delete',
    thingKind: 'sku_alias',
    thingId: id,
    before: { alias: alias.alias, productId: alias.product_id },
  });
}
