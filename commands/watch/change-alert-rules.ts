/** Rules of low-stock alerts, as people make and end them. Addresses are sealed: one is personal, or a secret. Audited. */
import { uuidv7 } from 'uuidv7';
import type { NewAlertRule } from '../../contracts/stock-alerts';
import { audit } from '../../db/audit-log.repo';
import { servingWarehouses } from '../../db/channel-listing-write.repo';
import type { Tx } from '../../db/client';
import { findChannelKind } from '../../db/connection.repo';
import { type SealingKeys, seal } from '../../db/sealed';
import {
  type AlertRuleRow,
  insertAlertRule,
  listAlertRules,
  type NewDestination,
  retireAlertRule,
} from '../../db/stock-alert-rule.repo';
import { productIdOfSku } from '../../db/stock-read.repo';
import { Failure } from '../../domain/failure-types';
import type { Editor } from '../catalogue/change-product';

/** @throws Failure InvalidInput with pointers to what does not exist. */
export async function addAlertRule(
  tx: Tx,
  keys: SealingKeys,
  merchantId: string,
  rule: NewAlertRule,
  editor: Editor,
): Promise<AlertRuleRow> {
  const { sku, destinations, warehouseId, connectionId, ...rest } = rule;
  const productId = sku === null ? null : await productIdOfSku(tx, merchantId, sku);
  const served = await servingWarehouses(tx, merchantId);
  const known = connectionId === null || (await findChannelKind(tx, merchantId, connectionId)) !== null;
  const errors = [
    ...(sku !== null && productId === null ? [{ pointer: '/sku', message: 'there is no such product' }] : []),
    ...(warehouseId !== null && !served.has(warehouseId)
      ? [{ pointer: '/warehouseId', message: 'no such warehouse serves the merchant' }]
      : []),
    ...(known ? [] : [{ pointer: '/connectionId', message: 'there is no such connection' }]),
  ];
  if (errors.length > 0)
    throw new Failure('InvalidInput', 'it names something that does not exist', { errors });
  const id = uuidv7();
  const sealed = destinations.map(
    (given): NewDestination => ({
      id: uuidv7(),
      kind: given.kind,
      addressSealed: seal(keys, given.kind === 'mail' ? given.to : given.url),
      hint: given.kind === 'mail' ? hintOfMail(given.to) : new URL(given.url).host,
    }),
  );
  await insertAlertRule(tx, { ...rest, id, merchantId, productId, warehouseId, connectionId }, sealed);
  await audit(tx, {
    ...editor,
    merchantId,
    action: 'stock_alert_rule.create',
    thingKind: 'stock_alert_rule',
    thingId: id,
    after: { ...rest, sku, warehouseId, connectionId, destinations: sealed.map(({ kind }) => kind) },
  });
  const [row] = await listAlertRules(tx, [merchantId], null, 1, id);
  return row as AlertRuleRow;
}

/** @throws Failure NotFound. */
export async function removeAlertRule(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
  editor: Editor,
): Promise<void> {
  const merchantId = await retireAlertRule(tx, merchantIds, id);
  if (merchantId === null) throw new Failure('NotFound', 'there is no such rule');
  const thing = { action: 'stock_alert_rule.delete', thingKind: 'stock_alert_rule', thingId: id };
  await audit(tx, { ...editor, merchantId, ...thing });
}

/** Enough to know it again, too little to write to it. */
function hintOfMail(address: string): string {
  const at = address.lastIndexOf('@');
  return `${address.slice(0, 1)}…${address.slice(at)}`;
}
