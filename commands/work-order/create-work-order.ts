/**
 * Asks for kits to be made or taken apart. The recipe is the one of now, kept with the work order. Keyed
 * by the request; its workflow is started by an outbox row of the same transaction, and reserves.
 */
import { uuidv7 } from 'uuidv7';
import { businessNow } from '../../db/adjustment.repo';
import { audit } from '../../db/audit-log.repo';
import type { Database, Tx } from '../../db/client';
import { findPlaces } from '../../db/place.repo';
import { insertWorkOrder } from '../../db/work-order.repo';
import { findKitProducts, type KitProduct } from '../../db/work-order-read.repo';
import { Failure } from '../../domain/failure-types';
import type { WorkOrderKind } from '../../domain/stock/work-order';
import { runOnceIn } from '../run-once';
import { startWorkOrder } from './work-order-messages';

export interface CreateWorkOrder {
  readonly merchantId: string;
  /** Once a merchant. */
  readonly key: string;
  readonly warehouseId: string;
  readonly kind: WorkOrderKind;
  readonly sku: string;
  /** Kits. */
  readonly quantity: number;
  readonly components: readonly { readonly sku: string; readonly quantity: number }[];
  /** Where what comes out is put. */
  readonly locationCode: string;
  readonly reference: string | null;
  readonly reason: string;
  readonly actor: string;
  readonly requestId?: string | null;
}

/**
 * @throws Failure NotFound for an unknown SKU or place; InvalidInput for a bundle (it is never stocked), a kit
 *   that contains itself, units with serial numbers, or a place where nothing is sold from.
 */
export function createWorkOrder(
  database: Database,
  request: CreateWorkOrder,
): Promise<{ readonly workOrderId: string }> {
  const { merchantId } = request;
  return database.withMerchants([merchantId], async (tx) => {
    const { outcome } = await runOnceIn(tx, merchantId, `work-order/${request.key}`, async () => ({
      workOrderId: await createIn(tx, request),
    }));
    return outcome;
  });
}

async function createIn(tx: Tx, request: CreateWorkOrder): Promise<string> {
  const { merchantId, warehouseId, kind, sku, quantity, actor, reason, reference } = request;
  const skus = request.components.map((component) => component.sku);
  const products = await findKitProducts(tx, merchantId, [sku, ...skus]);
  const product = (named: string): KitProduct => {
    const found = products.find((each) => each.sku === named);
    if (found === undefined) throw new Failure('NotFound', `there is no product ${named}`);
    if (found.isBundle)
      throw new Failure('InvalidInput', `${named} is a bundle: it is put together when it is ordered`, {
        sku: named,
      });
    if (found.serialTracked)
      throw new Failure('InvalidInput', `units of ${named} have serial numbers: correct them by hand`, {
        sku: named,
      });
    return found;
  };
  const kit = product(sku);
  if (skus.includes(sku) || new Set(skus).size !== skus.length)
    throw new Failure('InvalidInput', 'a kit consists of other products, each named once', { sku });
  const [target] = await findPlaces(tx, warehouseId, { ids: [], codes: [request.locationCode] });
  if (target === undefined) throw new Failure('NotFound', `there is no place ${request.locationCode}`);
  if (target.kind !== 'bin')
    throw new Failure('InvalidInput', 'what comes out is put into a bin', { location: target.code });
  const id = uuidv7();
  const requestedAt = await businessNow(tx, merchantId);
  await insertWorkOrder(tx, {
    id,
    merchantId,
    warehouseId,
    kind,
    productId: kit.id,
    targetLocationId: target.id,
    planned: quantity,
    reference,
    reason,
    requestedBy: actor,
    requestedAt,
    components: request.components.map((each) => ({
      productId: product(each.sku).id,
      quantity: each.quantity,
    })),
  });
  const verb = kind === 'kit' ? 'Make' : 'Take apart';
  await startWorkOrder(tx, { merchantId, id, warehouseId }, `${verb} ${quantity} × ${sku}`);
  await audit(tx, {
    merchantId,
    actor,
    requestId: request.requestId ?? null,
    action: 'work_order.create',
    thingKind: 'work_order',
    thingId: id,
    reason,
    after: { kind, sku, quantity, warehouseId },
  });
  return id;
}
