/**
 * Goods of a hold that are handed over at once: taken from the bins from which a picker would take them, or
 * where the named units are, and posted as shipped, in the transaction and under the locks of the hold.
 * What is past its date, or nearer to it than anybody gets it, stays.
 */
import { type Bin, lockBins } from '../../db/bin.repo';
import type { Tx } from '../../db/client';
import { readSoonestDates } from '../../db/lot-life.repo';
import { virtualPlace } from '../../db/place.repo';
import { lockSerials, type SerialUnit } from '../../db/serial.repo';
import { stockKey } from '../../db/stock.repo';
import { Failure } from '../../domain/failure-types';
import { groupBy } from '../../domain/group-by';
import { allocateBins } from '../../domain/stock/allocate-bins';
import type { HoldRow } from '../../domain/stock/decide-holds';
import { HELD_PLACES, type Movement, type MovementLine, postMovements } from './post-movements';

export interface NamedUnit {
  readonly productId: string;
  readonly serial: string;
}

export interface HandedOver {
  readonly merchantId: string;
  readonly stepKey: string;
  readonly actor: string;
  readonly serials?: readonly NamedUnit[];
  /** Live ones of the hold. */
  readonly rows: readonly HoldRow[];
}

/** A bin as it is while goods are taken from it one after the other. */
type Shelf = Bin & { readonly pickSequence: number; available: number };

/** @throws Failure as `Holds.consume` says. */
export async function handOver(
  tx: Tx,
  holds: readonly HandedOver[],
  clocks: ReadonlyMap<string, Date>,
): Promise<void> {
  const rows = holds.flatMap((hold) => hold.rows);
  const shelves = (await lockBins(tx, rows))
    .filter((bin) => !bin.lotHeld && !HELD_PLACES.has(bin.locationKind))
    .map((bin): Shelf => ({ ...bin, pickSequence: 0, available: bin.onHand - bin.allocated }));
  const dated = shelves.filter((bin) => bin.expiresOn !== null);
  const soonest = new Map((await readSoonestDates(tx, dated)).map((row) => [stockKey(row), row.soonest]));
  const movements: Movement[] = [];
  for (const hold of holds) {
    const { merchantId, stepKey, actor } = hold;
    const customer = await virtualPlace(tx, merchantId, 'customer');
    const named = await unitsNamed(tx, hold);
    const lines = hold.rows.flatMap((row) => {
      const here = shelves.filter((bin) => stockKey(bin) === stockKey(row));
      const byName = takeNamed(row, named, here);
      const open = row.quantity - byName.reduce((sum, line) => sum + line.quantity, 0);
      return [...byName, ...takeUnnamed(row, open, here, soonest.get(stockKey(row)) ?? null)];
    });
    const [left] = named.values();
    if (left) {
      const { productId, serial } = left;
      throw new Failure('InvalidInput', `${serial} is not among what is held`, { productId, serial });
    }
    movements.push({
      merchantId,
      causeId: stepKey,
      kind: 'ship',
      reason: 'handed over from a hold',
      actor,
      occurredAt: clocks.get(merchantId) as Date,
      lines: lines.map((line) => ({ ...line, toLocationId: customer })),
      consume: hold.rows.map((row) => row.reservationId),
    });
  }
  await postMovements(tx, movements);
}

type Taken = Omit<MovementLine, 'toLocationId'>;

async function unitsNamed(
  tx: Tx,
  { merchantId, serials = [] }: HandedOver,
): Promise<Map<string, SerialUnit>> {
  const units = await lockSerials(
    tx,
    serials.map((unit) => ({ ...unit, merchantId })),
  );
  for (const { productId, serial } of serials)
    if (![...units.values()].some((unit) => unit.productId === productId && unit.serial === serial))
      throw new Failure('InvalidInput', `${serial} is not there`, { productId, serial });
  return units;
}

/** Takes the units of this row out of `named`, each from where it lies. */
function takeNamed(row: HoldRow, named: Map<string, SerialUnit>, here: readonly Shelf[]): Taken[] {
  const found = [...named]
    .filter(([, unit]) => unit.productId === row.productId && unit.warehouseId === row.warehouseId)
    .slice(0, row.quantity)
    .map(([key, unit]) => {
      const shelf = here.find(
        (bin) => bin.locationId === unit.locationId && bin.lotCode === unit.lotCode && bin.available > 0,
      );
      if (shelf === undefined)
        throw new Failure('InvalidInput', `${unit.serial} is promised to somebody else or not for sale`, {
          productId: unit.productId,
          serial: unit.serial,
          location: unit.locationCode,
        });
      shelf.available -= 1;
      named.delete(key);
      return unit;
    });
  return [...groupBy(found, (unit) => `${unit.locationId} ${unit.lotCode}`).values()].map((units) => {
    const [{ productId, lotCode, locationId }] = units as [SerialUnit, ...SerialUnit[]];
    const serials = units.map(({ serial }) => serial);
    return { productId, lotCode, fromLocationId: locationId, quantity: units.length, serials };
  });
}

function takeUnnamed(row: HoldRow, units: number, here: readonly Shelf[], soonest: string | null): Taken[] {
  if (units === 0) return [];
  const { productId } = row;
  const demand = [{ lineId: '', productId, quantity: units }];
  const { allocations, short } = allocateBins(demand, here, soonest);
  if (short.length > 0) {
    if (allocateBins(demand, here).short.length === 0)
      throw new Failure('IllegalTransition', 'of what is held some is past its date', { productId, soonest });
    throw new Failure('InvariantBroken', 'bins hold less than their balance says', { productId });
  }
  return allocations.map(({ locationId, lotCode, quantity }) => {
    const shelf = here.find((bin) => bin.locationId === locationId && bin.lotCode === lotCode);
    if (shelf) shelf.available -= quantity;
    return { productId, lotCode, fromLocationId: locationId, quantity };
  });
}
