/**
 * Takes from reservations the units that were not in their bins: allocation, bin and balance fall with
 * them in the caller's transaction. The caller has locked the order.
 */
import { uuidv7 } from 'uuidv7';
import {
  type Allocation,
  readAllocations,
  refKey,
  shrinkReservationRows,
  writeAllocations,
} from '../../db/allocation.repo';
import { addAllocated, binKey, lockOrCreateBins } from '../../db/bin.repo';
import type { Tx } from '../../db/client';
import { addReserved, lockStockBalances } from '../../db/stock.repo';
import { Failure } from '../../domain/failure-types';

export interface LostUnits extends Allocation {
  readonly warehouseId: string;
}

/** @throws Failure InvariantBroken when a reservation has fewer units in the bin than are lost. */
export async function shrinkReservations(tx: Tx, losses: readonly LostUnits[], at: Date): Promise<void> {
  if (losses.length === 0) return;
  await lockStockBalances(tx, losses);
  await lockOrCreateBins(tx, losses);
  const allocations = await readAllocations(tx, losses);
  const left = losses.map((loss) => {
    const allocation = allocations.find(
      (each) => refKey(each) === refKey(loss) && binKey(each) === binKey(loss),
    );
    const quantity = (allocation?.quantity ?? 0) - loss.quantity;
    if (quantity < 0)
      throw new Failure('InvariantBroken', 'a reservation has less in the bin than is missing there', {
        reservationId: loss.reservationId,
      });
    return { ...loss, quantity };
  });
  const units = new Map<string, LostUnits>();
  for (const loss of losses) {
    const before = units.get(refKey(loss))?.quantity ?? 0;
    units.set(refKey(loss), { ...loss, quantity: before + loss.quantity });
  }
  const fallen = losses.map((loss) => ({ ...loss, delta: -loss.quantity }));
  await addReserved(tx, fallen);
  await addAllocated(tx, fallen);
  await writeAllocations(tx, left);
  await shrinkReservationRows(
    tx,
    [...units.values()].map((loss) => ({ ...loss, endedAt: at, lossId: uuidv7() })),
  );
}
