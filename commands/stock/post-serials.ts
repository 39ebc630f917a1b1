/**
 * The units behind the quantities: moves that name serials put each where its goods went. A unit is at
 * one place, so it can be taken only from there, and come from outside only while it is outside. What a
 * place has beyond its units with a number are goods whose numbers nobody knows; those move unnamed, the
 * others never do.
 */
import type { Tx } from '../../db/client';
import {
  insertSerials,
  lockSerials,
  type NamedAtPlace,
  overfullOfSerials,
  type SerialKey,
  type SerialMove,
  type SerialUnit,
  serialKey,
  writeSerialMoves,
} from '../../db/serial.repo';
import { Failure } from '../../domain/failure-types';
import type { Movement, MovementLine } from './movement';

/**
 * Under the locks of the posting, after its balances are written.
 * @param left places inside warehouses from which something was taken.
 * @throws Failure InvalidInput for a unit that is not where it is taken from, one that is here already, one
 *   named twice, a wrong number of them, or a named one that moved without being named.
 */
export async function postSerials(
  tx: Tx,
  movements: readonly Movement[],
  left: readonly NamedAtPlace[],
): Promise<void> {
  const named = movements.flatMap((movement) =>
    movement.lines.flatMap((line, index) =>
      (line.serials ?? []).map((serial) => ({ movement, line, number: index + 1, serial })),
    ),
  );
  for (const { lines } of movements) for (const line of lines) assertCount(line);
  const inside = new Set(left.map((place) => place.locationId));
  const units = await lockUnits(
    tx,
    named.map(({ movement: { merchantId }, line: { productId, fromLocationId: locationId }, serial }) => ({
      merchantId,
      productId,
      serial,
      locationId,
    })),
    inside,
  );
  const at = new Map<string, Pick<SerialUnit, 'locationId' | 'locationCode' | 'lotCode' | 'warehouseId'>>(
    units,
  );
  const moves = named.map(({ movement, line, number, serial }): SerialMove => {
    const { merchantId, causeId } = movement;
    const { productId, lotCode, fromLocationId, toLocationId } = line;
    const key = serialKey({ merchantId, productId, serial });
    assertThere(at.get(key), line, serial, inside.has(fromLocationId));
    at.set(key, { locationId: toLocationId, locationCode: '', lotCode, warehouseId: null });
    const reservationId = line.reservationId ?? null;
    return { merchantId, causeId, line: number, productId, serial, lotCode, toLocationId, reservationId };
  });
  await writeSerialMoves(tx, moves);
  const overfull = await overfullOfSerials(tx, left);
  if (overfull !== null)
    throw new Failure('InvalidInput', 'units of this product have serial numbers: name those that move', {
      productId: overfull.productId,
      locationId: overfull.locationId,
    });
}

/** One that comes from outside for the first time is made known there first. */
async function lockUnits(
  tx: Tx,
  units: readonly (SerialKey & { readonly locationId: string })[],
  inside: ReadonlySet<string>,
): Promise<Map<string, SerialUnit>> {
  const known = await lockSerials(tx, units);
  const fresh = units.filter((unit) => !known.has(serialKey(unit)) && !inside.has(unit.locationId));
  if (fresh.length === 0) return known;
  await insertSerials(tx, fresh);
  return lockSerials(tx, units);
}

function assertCount(line: MovementLine): void {
  if (line.serials === undefined) return;
  if (new Set(line.serials).size !== line.serials.length)
    throw new Failure('InvalidInput', 'a serial number is named twice', { productId: line.productId });
  if (line.serials.length !== line.quantity)
    throw new Failure('InvalidInput', `${line.quantity} units move, ${line.serials.length} are named`, {
      productId: line.productId,
    });
}

/** @param inside whether it is taken from a place in a warehouse. */
function assertThere(
  unit: Pick<SerialUnit, 'locationId' | 'locationCode' | 'lotCode' | 'warehouseId'> | undefined,
  line: MovementLine,
  serial: string,
  inside: boolean,
): void {
  const details = { serial, location: unit?.locationCode ?? null };
  if (inside) {
    if (unit?.locationId !== line.fromLocationId || unit.lotCode !== line.lotCode)
      throw new Failure('InvalidInput', `${serial} is not there`, details);
  } else if (unit !== undefined && unit.warehouseId !== null)
    throw new Failure('InvalidInput', `${serial} is in a warehouse already`, details);
}
