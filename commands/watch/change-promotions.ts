/** The promotion calendar and the rates of carrying cost, as people change them. Audited. */
import { uuidv7 } from 'uuidv7';
import type { NewPromotion } from '../../contracts/stock-watch';
import { audit } from '../../db/audit-log.repo';
import type { Tx } from '../../db/client';
import {
  deletePromotion,
  insertPromotion,
  type PromotionRow,
  readCarryingRates,
  saveCarryingRates,
} from '../../db/promotion.repo';
import { productIdOfSku } from '../../db/stock-read.repo';
import { Failure } from '../../domain/failure-types';
import type { CarryingRates } from '../../domain/stock/carrying-cost';
import type { Editor } from '../catalogue/change-product';

/** @throws Failure InvalidInput when there is no such SKU. */
export async function addPromotion(
  tx: Tx,
  merchantId: string,
  { name, sku, from, to }: NewPromotion,
  editor: Editor,
): Promise<PromotionRow> {
  const productId = sku === null ? null : await productIdOfSku(tx, merchantId, sku);
  if (sku !== null && productId === null)
    throw new Failure('InvalidInput', 'it names something that does not exist', {
      errors: [{ pointer: '/sku', message: 'there is no such product' }],
    });
  const row = await insertPromotion(tx, { id: uuidv7(), merchantId, name, productId, from, to });
  await record(tx, row, 'promotion.create', editor);
  return row;
}

/** @throws Failure NotFound. */
export async function removePromotion(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
  editor: Editor,
): Promise<void> {
  const row = await deletePromotion(tx, merchantIds, id);
  if (row === null) throw new Failure('NotFound', 'there is no such promotion');
  await record(tx, row, 'promotion.delete', editor);
}

export async function setCarryingRates(
  tx: Tx,
  merchantId: string,
  rates: CarryingRates,
  editor: Editor,
): Promise<void> {
  const before = await readCarryingRates(tx, merchantId);
  await saveCarryingRates(tx, merchantId, rates);
  const thing = { action: 'carrying_rates.update', thingKind: 'merchant', thingId: merchantId };
  await audit(tx, {
    ...editor,
    merchantId,
    ...thing,
    before: before === null ? null : textOf(before),
    after: textOf(rates),
  });
}

/** JSON has no bigint. */
const textOf = (rates: CarryingRates) =>
  Object.fromEntries(Object.entries(rates).map(([name, rate]) => [name, String(rate)]));

function record(
  tx: Tx,
  { id, merchantId, name, productId, from, to }: Omit<PromotionRow, 'sku'>,
  action: string,
  editor: Editor,
): Promise<void> {
  const after = { name, productId, from, to };
  return audit(tx, { ...editor, merchantId, action, thingKind: 'promotion', thingId: id, after });
}
