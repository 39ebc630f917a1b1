/** The step from picking to packing: the goods wait at the packing place, and its task opens. */
import { uuidv7 } from 'uuidv7';
import type { Tx } from '../../db/client';
import { advancePart, readPartLines } from '../../db/floor-stage.repo';
import { placeOfKind } from '../../db/place.repo';
import { insertTask, type LockedTask } from '../../db/task.repo';
import { Failure } from '../../domain/failure-types';

/** Everything that will come was picked: the goods wait at the packing place. Returns the pack task. */
export async function startPacking(tx: Tx, task: LockedTask): Promise<string> {
  const packing = await placeFor(tx, task, 'packing');
  const parts = await readPartLines(tx, task.merchantId, task.fulfilmentOrderId);
  await advancePart(tx, task, ['released', 'accepted', 'picking'], 'picked');
  const packTaskId = uuidv7();
  await insertTask(tx, {
    id: packTaskId,
    merchantId: task.merchantId,
    warehouseId: task.warehouseId,
    kind: 'pack',
    orderId: task.orderId,
    fulfilmentOrderId: task.fulfilmentOrderId,
    priority: task.priority,
    dueAt: task.dueAt,
    lines: parts
      .filter((part) => part.quantity > part.shorted)
      .map((part) => ({
        id: uuidv7(),
        fulfilmentOrderLineId: part.fulfilmentOrderLineId,
        productId: part.productId,
        locationId: packing,
        lotCode: '',
        quantity: part.quantity - part.shorted,
      })),
  });
  return packTaskId;
}

/** @throws Failure InvariantBroken when the warehouse has no such place. */
export async function placeFor(tx: Tx, task: LockedTask, kind: 'packing' | 'quarantine'): Promise<string> {
  const place = await placeOfKind(tx, task.warehouseId, kind);
  if (place === null)
    throw new Failure('InvariantBroken', `the warehouse has no place of kind ${kind}`, {
      warehouseId: task.warehouseId,
    });
  return place.id;
}
