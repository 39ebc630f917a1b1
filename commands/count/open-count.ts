/** Makes a count with a sheet for each place, in the caller's transaction. */
import { uuidv7 } from 'uuidv7';
import { businessNow } from '../../db/adjustment.repo';
import type { Tx } from '../../db/client';
import { type Doubt, insertCount, insertDoubts, insertSheets, type NewCount } from '../../db/count.repo';
import type { PlaceToCount } from '../../db/count-plan.repo';

export interface OpenCount
  extends Pick<NewCount, 'merchantId' | 'warehouseId' | 'origin' | 'class' | 'reason' | 'requestedBy'> {
  readonly places: readonly PlaceToCount[];
  /** Of their tasks; higher goes first. */
  readonly priority?: number;
  readonly doubts?: readonly Doubt[];
}

/** @returns the count's id. */
export async function openCount(tx: Tx, count: OpenCount): Promise<string> {
  const { merchantId, warehouseId, places, priority = 0, doubts = [], ...head } = count;
  const id = uuidv7();
  const requestedAt = await businessNow(tx, merchantId);
  await insertCount(tx, { id, merchantId, warehouseId, requestedAt, ...head });
  await insertSheets(
    tx,
    { merchantId, countId: id, warehouseId },
    places.map((place) => ({ ...place, id: uuidv7(), round: 1 })),
    priority,
  );
  if (doubts.length > 0) await insertDoubts(tx, merchantId, id, doubts);
  return id;
}
