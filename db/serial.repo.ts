/** Units with a number of their own: where each is, and which ledger lines moved it. */
import type { Tx } from './client';

export interface SerialKey {
  readonly merchantId: string;
  readonly productId: string;
  readonly serial: string;
}

export interface SerialUnit extends SerialKey {
  readonly lotCode: string;
  readonly locationId: string;
  readonly locationCode: string;
  /** null: it has left. */
  readonly warehouseId: string | null;
}

export const serialKey = (key: SerialKey) => `${key.merchantId}/${key.productId}/${key.serial}`;
const serialJson = (key: SerialKey) => ({
  merchant_id: key.merchantId,
  product_id: key.productId,
  serial: key.serial,
});

/** Locks these units; one that was never seen is absent. */
export async function lockSerials(tx: Tx, keys: readonly SerialKey[]): Promise<Map<string, SerialUnit>> {
  if (keys.length === 0) return new Map();
  const rows = await tx.rows<SerialUnit>({
    name: 'serial-lock',
    text: `
select s.merchant_id as "merchantId", s.product_id as "productId", s.serial, s.lot_code as "lotCode", s.location_id as "locationId",
  l.code as "locationCode", l.warehouse_id as "warehouseId"
from json_to_recordset($1) as k(merchant_id uuid, product_id uuid, serial text)
join serial_unit s using (merchant_id, product_id, serial)
join location l on l.id = s.location_id
order by s.merchant_id, s.product_id, s.serial for no key update of s`,
    values: [JSON.stringify(keys.map(serialJson))],
  });
  return new Map(rows.map((row) => [serialKey(row), row]));
}

/**
 * Makes units known that come for the first time, at the place outside from which they come. Two that
 * bring in the same number wait for each other here.
 */
export async function insertSerials(
  tx: Tx,
  units: readonly (SerialKey & { readonly locationId: string })[],
): Promise<void> {
  if (units.length === 0) return;
  await tx.run({
    text: `insert into serial_unit (merchant_id, product_id, serial, location_id)
      select merchant_id, product_id, serial, location_id
      from json_to_recordset($1) as u(merchant_id uuid, product_id uuid, serial text, location_id uuid)
      order by 1, 2, 3 on conflict do nothing`,
    values: [JSON.stringify(units.map((unit) => ({ ...serialJson(unit), location_id: unit.locationId })))],
  });
}

export interface SerialMove extends SerialKey {
  readonly causeId: string;
  readonly line: number;
  readonly lotCode: string;
  readonly toLocationId: string;
  readonly reservationId: string | null;
}

/** Writes the moves to the ledger and puts each unit where its last one ends. In the order given. */
export async function writeSerialMoves(tx: Tx, moves: readonly SerialMove[]): Promise<void> {
  if (moves.length === 0) return;
  const last = new Map(moves.map((move) => [serialKey(move), move]));
  const json = (list: Iterable<SerialMove>) =>
    JSON.stringify(
      [...list].map((move, n) => ({
        ...serialJson(move),
        n,
        cause_id: move.causeId,
        line: move.line,
        lot_code: move.lotCode,
        location_id: move.toLocationId,
        reservation_id: move.reservationId,
      })),
    );
  await tx.run({
    text: `
insert into stock_ledger_serial (merchant_id, cause_id, line, month, product_id, serial)
select m.merchant_id, m.cause_id, m.line, c.month, m.product_id, m.serial
from json_to_recordset($1) as m(merchant_id uuid, cause_id text, line integer, product_id uuid, serial text, n integer)
join stock_cause c on c.merchant_id = m.merchant_id and c.id = m.cause_id order by m.n`,
    values: [json(moves)],
  });
  await tx.run({
    text: `
insert into serial_unit as s (merchant_id, product_id, serial, lot_code, location_id, reservation_id)
select merchant_id, product_id, serial, lot_code, location_id, reservation_id
from json_to_recordset($1) as m(merchant_id uuid, product_id uuid, serial text, lot_code text, location_id uuid, reservation_id uuid)
order by 1, 2, 3
on conflict (merchant_id, product_id, serial) do update
  set lot_code = excluded.lot_code, location_id = excluded.location_id, reservation_id = excluded.reservation_id`,
    values: [json(last.values())],
  });
}

export interface NamedAtPlace {
  readonly merchantId: string;
  readonly locationId: string;
  readonly productId: string;
  readonly lotCode: string;
}

/** Places that hold more units with a number than units: somebody moved one without naming it. */
export async function overfullOfSerials(
  tx: Tx,
  places: readonly NamedAtPlace[],
): Promise<NamedAtPlace | null> {
  if (places.length === 0) return null;
  const [row] = await tx.rows<NamedAtPlace>({
    name: 'serial-overfull',
    text: `
select k.merchant_id as "merchantId", k.location_id as "locationId", k.product_id as "productId", k.lot_code as "lotCode"
from json_to_recordset($1) as k(merchant_id uuid, location_id uuid, product_id uuid, lot_code text)
join bin_balance b using (merchant_id, location_id, product_id, lot_code)
where b.on_hand < (select count(*) from serial_unit s where s.merchant_id = k.merchant_id and s.location_id = k.location_id
  and s.product_id = k.product_id and s.lot_code = k.lot_code) limit 1`,
    values: [
      JSON.stringify(
        places.map((place) => ({
          merchant_id: place.merchantId,
          location_id: place.locationId,
          product_id: place.productId,
          lot_code: place.lotCode,
        })),
      ),
    ],
  });
  return row ?? null;
}

/** The unit of this number that is in a warehouse; null when there is none, or two products have it. */
export async function findSerial(tx: Tx, merchantId: string, serial: string): Promise<SerialUnit | null> {
  const rows = await tx.rows<SerialUnit>({
    name: 'serial-find',
    text: `
select s.merchant_id as "merchantId", s.product_id as "productId", s.serial, s.lot_code as "lotCode", s.location_id as "locationId",
  l.code as "locationCode", l.warehouse_id as "warehouseId"
from serial_unit s join location l on l.id = s.location_id and l.warehouse_id is not null
where s.merchant_id = $1 and s.serial = $2`,
    values: [merchantId, serial],
  });
  return rows.length === 1 ? (rows[0] ?? null) : null;
}

/** Writes down what was scanned into a tote. False when it is in one already. */
export async function insertPickedSerial(tx: Tx, taskLineId: string, unit: SerialKey): Promise<boolean> {
  const written = await tx.run({
    text: `
insert into picked_serial (merchant_id, task_line_id, product_id, serial)
select $1, $2, $3, $4 where not exists (select from picked_serial p
  join task_line l on l.merchant_id = p.merchant_id and l.id = p.task_line_id
  join task t on t.merchant_id = l.merchant_id and t.id = l.task_id and t.state in ('open', 'claimed')
  where p.merchant_id = $1 and p.product_id = $3 and p.serial = $4)
on conflict do nothing`,
    values: [unit.merchantId, taskLineId, unit.productId, unit.serial],
  });
  return written === 1;
}

/** What was scanned into the tote, by line of the task. */
export function readPickedSerials(
  tx: Tx,
  merchantId: string,
  taskId: string,
): Promise<{ readonly taskLineId: string; readonly serial: string }[]> {
  return tx.rows({
    name: 'serial-picked',
    text: `select p.task_line_id as "taskLineId", p.serial from picked_serial p
      join task_line l on l.merchant_id = p.merchant_id and l.id = p.task_line_id
      where p.merchant_id = $1 and l.task_id = $2 order by p.serial`,
    values: [merchantId, taskId],
  });
}

/** Units at a place that nobody has in a tote, the first by number. */
export async function serialsLeftAt(tx: Tx, place: NamedAtPlace, limit: number): Promise<string[]> {
  const rows = await tx.rows<{ serial: string }>({
    text: `
select s.serial from serial_unit s
where s.merchant_id = $1 and s.location_id = $2 and s.product_id = $3 and s.lot_code = $4
  and not exists (select from picked_serial p
    join task_line l on l.merchant_id = p.merchant_id and l.id = p.task_line_id
    join task t on t.merchant_id = l.merchant_id and t.id = l.task_id and t.state in ('open', 'claimed')
    where p.merchant_id = s.merchant_id and p.product_id = s.product_id and p.serial = s.serial)
order by s.serial limit $5`,
    values: [place.merchantId, place.locationId, place.productId, place.lotCode, limit],
  });
  return rows.map(({ serial }) => serial);
}

/** Units that were picked for these reservations and are still where that brought them. */
export function readReservedSerials(
  tx: Tx,
  refs: readonly { readonly merchantId: string; readonly reservationId: string }[],
): Promise<
  (SerialKey & { readonly reservationId: string; readonly locationId: string; readonly lotCode: string })[]
> {
  if (refs.length === 0) return Promise.resolve([]);
  return tx.rows({
    name: 'serial-reserved',
    text: `
select s.merchant_id as "merchantId", s.product_id as "productId", s.serial, s.reservation_id as "reservationId",
  s.location_id as "locationId", s.lot_code as "lotCode"
from json_to_recordset($1) as k(merchant_id uuid, reservation_id uuid)
join serial_unit s on s.merchant_id = k.merchant_id and s.reservation_id = k.reservation_id order by s.serial`,
    values: [
      JSON.stringify(refs.map((ref) => ({ merchant_id: ref.merchantId, reservation_id: ref.reservationId }))),
    ],
  });
}

export interface SerialRow {
  readonly serial: string;
  readonly lotCode: string;
  readonly locationCode: string;
  readonly locationKind: string;
  readonly warehouseId: string | null;
  readonly movements: readonly {
    readonly causeId: string;
    readonly kind: string;
    readonly orderId: string | null;
    readonly from: string;
    readonly to: string;
    readonly occurredAt: string;
  }[];
}

/** Units of a product by number, each with all its movements. */
export function listSerials(
  tx: Tx,
  merchantId: string,
  productId: string,
  serial: string | null,
  after: string | null,
  limit: number,
): Promise<SerialRow[]> {
  return tx.rows<SerialRow>({
    text: `
select s.serial, s.lot_code as "lotCode", p.code as "locationCode", p.kind as "locationKind", p.warehouse_id as "warehouseId",
  (select coalesce(json_agg(json_build_object('causeId', c.id, 'kind', c.kind, 'orderId', c.order_id, 'from', f.code, 'to', t.code,
      'occurredAt', c.occurred_at) order by m.seq), '[]')
   from stock_ledger_serial m
   join stock_ledger l on l.merchant_id = m.merchant_id and l.cause_id = m.cause_id and l.line = m.line and l.month = m.month
   join stock_cause c on c.merchant_id = m.merchant_id and c.id = m.cause_id
   join location f on f.id = l.from_location_id join location t on t.id = l.to_location_id
   where m.merchant_id = s.merchant_id and m.product_id = s.product_id and m.serial = s.serial) as movements
from serial_unit s join location p on p.id = s.location_id
where s.merchant_id = $1 and s.product_id = $2 and ($3::text is null or s.serial = $3) and ($4::text is null or s.serial > $4)
order by s.serial limit $5`,
    values: [merchantId, productId, serial, after, limit],
  });
}

/** Units of a transfer that are between the warehouses. */
export function serialsOnRoad(
  tx: Tx,
  merchantId: string,
  transferId: string,
  transitId: string,
): Promise<{ readonly productId: string; readonly lotCode: string; readonly serial: string }[]> {
  return tx.rows({
    text: `
select distinct s.product_id as "productId", s.lot_code as "lotCode", s.serial
from stock_ledger_serial m
join serial_unit s on s.merchant_id = m.merchant_id and s.product_id = m.product_id and s.serial = m.serial and s.location_id = $3
where m.merchant_id = $1 and starts_with(m.cause_id, 'transfer:' || $2 || ':out:') order by 1, 2, 3`,
    values: [merchantId, transferId, transitId],
  });
}
