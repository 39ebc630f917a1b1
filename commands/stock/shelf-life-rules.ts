/** Rules on how long goods have to last for a channel, customer or product. Audited; changing them wakes who waits for stock. */
import { uuidv7 } from 'uuidv7';
import type { NewShelfLifeRule } from '../../contracts/lots';
import { audit } from '../../db/audit-log.repo';
import type { Tx } from '../../db/client';
import { deleteShelfLifeRule, insertShelfLifeRule, type ShelfLifeRuleRow } from '../../db/lot-life.repo';
import { Failure } from '../../domain/failure-types';
import type { Editor } from '../catalogue/change-product';
import { wakeBlocked } from '../wake-orders';

/** @returns null when there is one for the same channel, customer and product. */
export async function addShelfLifeRule(
  tx: Tx,
  merchantId: string,
  rule: NewShelfLifeRule,
  editor: Editor,
): Promise<ShelfLifeRuleRow | null> {
  const row = await insertShelfLifeRule(tx, { ...rule, id: uuidv7(), merchantId });
  if (row !== null) await record(tx, row, 'shelf_life_rule.create', editor);
  return row;
}

/** Orders that waited for fresher goods look again. @throws Failure NotFound. */
export async function removeShelfLifeRule(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
  editor: Editor,
): Promise<void> {
  const row = await deleteShelfLifeRule(tx, merchantIds, id);
  if (row === null) throw new Failure('NotFound', 'there is no such rule');
  await record(tx, row, 'shelf_life_rule.delete', editor);
  await wakeBlocked(tx, row.merchantId, 'out_of_stock', 'shelf_life_changed');
}

function record(tx: Tx, row: ShelfLifeRuleRow, action: string, editor: Editor): Promise<void> {
  const { id, merchantId, connectionId, customerId, productId, minDays } = row;
  const after = { connectionId, customerId, productId, minDays };
  return audit(tx, { ...editor, merchantId, action, thingKind: 'shelf_life_rule', thingId: id, after });
}
