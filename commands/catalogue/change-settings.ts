/** Shipping methods and cartons: what orders are shipped by and in. Audited; mapping a method wakes the orders that waited for it. */
import { uuidv7 } from 'uuidv7';
import type { NewCarton, NewShippingMethod } from '../../contracts/catalogue';
import { audit } from '../../db/audit-log.repo';
import { archiveCarton, type CartonRow, insertCarton } from '../../db/carton.repo';
import type { Tx } from '../../db/client';
import { connectionExists } from '../../db/connection.repo';
import {
  deleteShippingMethod,
  insertShippingMethod,
  type ShippingMethodRow,
} from '../../db/shipping-method.repo';
import { Failure } from '../../domain/failure-types';
import { bumpCatalogVersion, wakeBlocked } from '../wake-orders';
import type { Editor } from './change-product';

/**
 * @returns null when the method is mapped already on that channel.
 * @throws Failure InvalidInput for a connection that the merchant does not have.
 */
export async function mapShippingMethod(
  tx: Tx,
  merchantId: string,
  method: NewShippingMethod,
  editor: Editor,
): Promise<ShippingMethodRow | null> {
  await bumpCatalogVersion(tx, merchantId);
  if (method.connectionId !== null && !(await connectionExists(tx, merchantId, method.connectionId))) {
    throw new Failure('InvalidInput', 'the mapping points at nothing', {
      errors: [{ pointer: '/connectionId', message: 'there is no such connection' }],
    });
  }
  const row = await insertShippingMethod(tx, { ...method, id: uuidv7(), merchantId });
  if (row === null) return null;
  await wakeBlocked(tx, merchantId, 'unmapped_shipping_method', 'shipping_method_mapped');
  await audit(tx, {
    ...editor,
    merchantId,
    action: 'shipping_method.create',
    thingKind: 'shipping_method',
    thingId: row.id,
    after: { method: row.method, serviceLevel: row.service_level, services: row.services },
  });
  return row;
}

/** @throws Failure NotFound. */
export async function unmapShippingMethod(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
  editor: Editor,
): Promise<void> {
  const row = await deleteShippingMethod(tx, merchantIds, id);
  if (row === null) throw new Failure('NotFound', 'there is no such shipping method');
  await bumpCatalogVersion(tx, row.merchant_id);
  await audit(tx, {
    ...editor,
    merchantId: row.merchant_id,
    action: 'shipping_method.delete',
    thingKind: 'shipping_method',
    thingId: id,
    before: { method: row.method, serviceLevel: row.service_level },
  });
}

/** @returns null when the merchant has a carton of this code. */
export async function createCarton(
  tx: Tx,
  merchantId: string,
  carton: NewCarton,
  editor: Editor,
): Promise<CartonRow | null> {
  const row = await insertCarton(tx, { ...carton, id: uuidv7(), merchantId });
  if (row === null) return null;
  await audit(tx, {
    ...editor,
    merchantId,
    action: 'carton.create',
    thingKind: 'carton',
    thingId: row.id,
    after: { code: row.code },
  });
  return row;
}

/** @throws Failure NotFound. */
export async function retireCarton(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
  editor: Editor,
): Promise<void> {
  const row = await archiveCarton(tx, merchantIds, id);
  if (row === null) throw new Failure('NotFound', 'there is no such carton');
  await audit(tx, {
    ...editor,
    merchantId: row.merchant_id,
    action: 'carton.archive',
    thingKind: 'carton',
    thingId: id,
  });
}
