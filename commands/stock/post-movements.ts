/**
 * Posts what moved: ledger, balances, bins, and the reservations that go along or end, in the caller's
 * transaction and set-based, whatever the number of causes and merchants. A cause posts once; the same
 * one again changes nothing. On hand counts every place inside a warehouse; held are those of its units
 * that wait at the dock, are in quarantine, damaged, or of a held lot. A movement that takes more than
 * there is fails as a whole with `InvariantBroken`, which names the place.
 */

import {
  type Allocation,
  endReservationRows,
  type Reservation,
  type ReservationRef,
  readAllocations,
  readReservations,
  refKey,
  writeAllocations,
} from '../../db/allocation.repo';
import { addToBins, type Bin, type BinDelta, type BinKey, binKey, lockOrCreateBins } from '../../db/bin.repo';
import type { Tx } from '../../db/client';
import { appendToLedger } from '../../db/ledger.repo';
import { readPlaces } from '../../db/place.repo';
import {
  addToStock,
  lockOrCreateStockBalances,
  type StockBalance,
  type StockDelta,
  stockKey,
} from '../../db/stock.repo';
import { Failure } from '../../domain/failure-types';
import type { Movement } from './movement';
import { postSerials } from './post-serials';

export type { Movement, MovementLine } from './movement';

/** Kinds of places whose goods are on hand and not for sale; what is at the dock is not put away yet. */
export const HELD_PLACES: ReadonlySet<string> = new Set(['quarantine', 'damaged', 'dock']);

/** One side of a line inside a warehouse, and what it adds there. */
interface End extends BinKey {
  readonly warehouseId: string;
  readonly onHand: number;
}

/**
 * Posts the movements whose causes are new.
 * @returns ids of those causes.
 * @throws Failure NotFound for a location that the transaction can't see, InvariantBroken when a place
 *   holds less than is taken from it, or a reservation has less there than should travel.
 */
export async function postMovements(
  tx: Tx,
  movements: readonly Movement[],
): Promise<{ readonly posted: readonly string[] }> {
  const posted = await appendToLedger(tx, movements);
  if (posted.length === 0) return { posted: [] };
  const ends = await physicalEnds(tx, posted);
  const consumed = posted.flatMap((movement) =>
    (movement.consume ?? []).map((reservationId) => ({
      merchantId: movement.merchantId,
      reservationId,
      endedAt: movement.occurredAt,
    })),
  );
  const stock = await lockOrCreateStockBalances(tx, [...ends, ...(await readReservations(tx, consumed))]);
  // From here on nobody else changes these balances, reservations or allocations.
  const ending = (await readReservations(tx, consumed)).filter(isLive);
  const endingKeys = new Set(ending.map(refKey));
  const before = await readAllocations(tx, [...ending, ...posted.flatMap(travelling)]);
  const after = settleAllocations(posted, before, endingKeys);
  const warehouseOf = new Map(ending.map((each) => [refKey(each), each.warehouseId]));
  const bins = await lockOrCreateBins(tx, [
    ...ends,
    ...before.flatMap((each) => {
      const warehouseId = warehouseOf.get(refKey(each));
      return warehouseId === undefined ? [] : [{ ...each, warehouseId }];
    }),
  ]);

  const binDeltas: BinDelta[] = [
    ...ends.map((end) => ({ ...end, allocated: 0 })),
    ...before.map((each) => ({ ...each, onHand: 0, allocated: -each.quantity })),
    ...after.map((each) => ({ ...each, onHand: 0, allocated: each.quantity })),
  ];
  const stockDeltas: StockDelta[] = [
    ...ends.map((end) => ({ ...end, held: isHeld(bins.get(binKey(end))) ? end.onHand : 0, reserved: 0 })),
    ...ending.map((each) => ({ ...each, onHand: 0, held: 0, reserved: -each.quantity })),
  ];
  assertBinsAllow(bins, binDeltas);
  assertStockAllows(stock, stockDeltas);
  await addToStock(tx, stockDeltas);
  await addToBins(tx, binDeltas);
  await writeAllocations(
    tx,
    after.filter((each) => !endingKeys.has(refKey(each))),
  );
  await endReservationRows(
    tx,
    consumed.filter((each) => endingKeys.has(refKey(each))),
    'consumed',
  );
  await postSerials(
    tx,
    posted,
    ends.filter((end) => end.onHand < 0),
  );
  return { posted: posted.map((movement) => movement.causeId) };
}

const isLive = (reservation: Reservation) =>
  reservation.state === 'held' || reservation.state === 'allocated';

/** Whether what lies there is on hand and not for sale. */
export const isHeld = (bin: Pick<Bin, 'locationKind' | 'lotHeld'> | undefined) =>
  bin !== undefined && (HELD_PLACES.has(bin.locationKind) || bin.lotHeld);

async function physicalEnds(tx: Tx, movements: readonly Movement[]): Promise<End[]> {
  const lines = movements.flatMap((movement) =>
    movement.lines.map((line) => ({ ...line, merchantId: movement.merchantId })),
  );
  const places = await readPlaces(
    tx,
    lines.flatMap((line) => [line.fromLocationId, line.toLocationId]),
  );
  return lines.flatMap((line) =>
    [
      { locationId: line.fromLocationId, onHand: -line.quantity },
      { locationId: line.toLocationId, onHand: line.quantity },
    ].flatMap((side) => {
      const place = places.get(side.locationId);
      if (place === undefined)
        throw new Failure('NotFound', 'a location of the movement does not exist', {
          locationId: side.locationId,
        });
      if (place.warehouseId === null) return [];
      const { merchantId, productId, lotCode } = line;
      return [{ merchantId, productId, lotCode, warehouseId: place.warehouseId, ...side }];
    }),
  );
}

function travelling(movement: Movement): ReservationRef[] {
  return movement.lines.flatMap((line) =>
    line.reservationId === undefined
      ? []
      : [{ merchantId: movement.merchantId, reservationId: line.reservationId }],
  );
}

/** What the allocations are afterwards, with 0 for those that are no more: moved along, then ended. */
function settleAllocations(
  movements: readonly Movement[],
  before: readonly Allocation[],
  ending: ReadonlySet<string>,
): Allocation[] {
  const keyOf = (each: Omit<Allocation, 'quantity'>) => `${refKey(each)}/${binKey(each)}`;
  const now = new Map(before.map((each) => [keyOf(each), each]));
  const add = (at: Omit<Allocation, 'quantity'>, quantity: number) => {
    const held = now.get(keyOf(at))?.quantity ?? 0;
    if (held + quantity < 0)
      throw new Failure('InvariantBroken', 'a reservation has less in the bin than is taken along', {
        reservationId: at.reservationId,
        locationId: at.locationId,
        allocated: held,
        taken: -quantity,
      });
    now.set(keyOf(at), { ...at, quantity: held + quantity });
  };
  for (const movement of movements) {
    for (const line of movement.lines) {
      if (line.reservationId === undefined) continue;
      const { productId, lotCode, reservationId } = line;
      const at = { merchantId: movement.merchantId, reservationId, productId, lotCode };
      add({ ...at, locationId: line.fromLocationId }, -line.quantity);
      add({ ...at, locationId: line.toLocationId }, line.quantity);
    }
  }
  return [...now.values()].map((each) => (ending.has(refKey(each)) ? { ...each, quantity: 0 } : each));
}

function assertBinsAllow(bins: ReadonlyMap<string, Bin>, deltas: readonly BinDelta[]): void {
  for (const [key, change] of sumBy(deltas, binKey, (delta) => [delta.onHand, delta.allocated])) {
    const [onHand = 0, allocated = 0] = change;
    if (onHand === 0 && allocated === 0) continue;
    const bin = bins.get(key);
    if (bin === undefined) throw new Failure('InvariantBroken', 'a bin was not locked', { bin: key });
    const left = { onHand: bin.onHand + onHand, allocated: bin.allocated + allocated };
    if (left.onHand < 0 || left.allocated < 0 || left.allocated > left.onHand)
      throw new Failure('InvariantBroken', `${bin.locationCode} does not hold what is taken from it`, {
        locationId: bin.locationId,
        productId: bin.productId,
        lotCode: bin.lotCode,
        onHand: bin.onHand,
        allocated: bin.allocated,
        left,
      });
  }
}

function assertStockAllows(stock: ReadonlyMap<string, StockBalance>, deltas: readonly StockDelta[]): void {
  for (const [key, change] of sumBy(deltas, stockKey, (d) => [d.onHand, d.held, d.reserved])) {
    const [onHand = 0, held = 0, reserved = 0] = change;
    const balance = stock.get(key);
    if (balance === undefined) throw new Failure('InvariantBroken', 'stock was not locked', { stock: key });
    const sellable = balance.onHand + onHand - balance.held - held;
    if (balance.reserved + reserved > sellable)
      throw new Failure('InvariantBroken', 'less would be left than is reserved', {
        stock: key,
        sellable,
        reserved: balance.reserved + reserved,
      });
  }
}

function sumBy<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  numbersOf: (item: T) => readonly number[],
): Map<string, number[]> {
  const sums = new Map<string, number[]>();
  for (const item of items) {
    const sum = sums.get(keyOf(item));
    const numbers = numbersOf(item);
    sums.set(keyOf(item), sum === undefined ? [...numbers] : sum.map((n, i) => n + (numbers[i] ?? 0)));
  }
  return sums;
}
