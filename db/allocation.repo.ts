/**
 * Reservations, and the allocations that bind them to bins and lots. Whoever changes them holds the
 * `stock_balance` lock of their warehouse and product (stock.repo); those two, the order and the line
 * never change, so they may be read before the lock, state, quantity and allocations only after it.
 */
import type { Tx } from './client';

export interface ReservationRef {
  readonly merchantId: string;
  readonly reservationId: string;
}

export interface Reservation extends ReservationRef {
  readonly orderId: string;
  readonly fulfilmentOrderLineId: string;
  readonly warehouseId: string;
  readonly productId: string;
  readonly quantity: number;
  readonly state: string;
}

export interface Allocation extends ReservationRef {
  readonly locationId: string;
  readonly productId: string;
  readonly lotCode: string;
  readonly quantity: number;
}

/** How a reservation ends. */
export type ReservationEnd = 'consumed' | 'released' | 'expired' | 'taken_back';

export const refKey = (ref: ReservationRef) => `${ref.merchantId}/${ref.reservationId}`;

const refsJson = (refs: readonly ReservationRef[]) =>
  JSON.stringify(
    [...new Map(refs.map((ref) => [refKey(ref), ref])).values()].map((ref) => ({
      merchant_id: ref.merchantId,
      id: ref.reservationId,
    })),
  );

export async function readReservations(tx: Tx, refs: readonly ReservationRef[]): Promise<Reservation[]> {
  if (refs.length === 0) return [];
  return tx.rows<Reservation>({
    name: 'reservation-read',
    text: `
select r.merchant_id as "merchantId", r.id as "reservationId", r.order_id as "orderId",
  r.fulfilment_order_line_id as "fulfilmentOrderLineId", r.warehouse_id as "warehouseId", r.product_id as "productId",
  r.quantity, r.state
from json_to_recordset($1) as k(merchant_id uuid, id uuid) join reservation r using (merchant_id, id)`,
    values: [refsJson(refs)],
  });
}

export async function readAllocations(tx: Tx, refs: readonly ReservationRef[]): Promise<Allocation[]> {
  if (refs.length === 0) return [];
  return tx.rows<Allocation>({
    name: 'allocation-read',
    text: `
select a.merchant_id as "merchantId", a.reservation_id as "reservationId", a.location_id as "locationId",
  a.product_id as "productId", a.lot_code as "lotCode", a.quantity
from json_to_recordset($1) as k(merchant_id uuid, id uuid)
join allocation a on a.merchant_id = k.merchant_id and a.reservation_id = k.id`,
    values: [refsJson(refs)],
  });
}

/** Sets what these allocations are; one of quantity 0 is removed. */
export async function writeAllocations(tx: Tx, allocations: readonly Allocation[]): Promise<void> {
  if (allocations.length === 0) return;
  await tx.run({
    name: 'allocation-write',
    text: `
with a as (
  select * from json_to_recordset($1) as a(merchant_id uuid, reservation_id uuid, location_id uuid, product_id uuid,
    lot_code text, quantity integer)
), gone as (
  delete from allocation old using a
  where a.quantity = 0 and old.merchant_id = a.merchant_id and old.reservation_id = a.reservation_id
    and old.location_id = a.location_id and old.lot_code = a.lot_code
)
insert into allocation (merchant_id, reservation_id, location_id, product_id, lot_code, quantity)
select merchant_id, reservation_id, location_id, product_id, lot_code, quantity from a where quantity > 0
on conflict (merchant_id, reservation_id, location_id, lot_code) do update set quantity = excluded.quantity`,
    values: [
      JSON.stringify(
        allocations.map((each) => ({
          merchant_id: each.merchantId,
          reservation_id: each.reservationId,
          location_id: each.locationId,
          product_id: each.productId,
          lot_code: each.lotCode,
          quantity: each.quantity,
        })),
      ),
    ],
  });
}

/** Ends live reservations and removes their allocations. Balances are the caller's. */
export async function endReservationRows(
  tx: Tx,
  refs: readonly (ReservationRef & { readonly endedAt: Date })[],
  state: ReservationEnd,
): Promise<void> {
  if (refs.length === 0) return;
  await tx.run({
    name: 'reservation-end',
    text: `
with k as (select * from json_to_recordset($1) as k(merchant_id uuid, id uuid, ended_at timestamptz)),
gone as (
  delete from allocation a using k where a.merchant_id = k.merchant_id and a.reservation_id = k.id
)
update reservation r set state = $2, ended_at = k.ended_at from k
where r.merchant_id = k.merchant_id and r.id = k.id and r.state in ('held', 'allocated')`,
    values: [
      JSON.stringify(
        refs.map((ref) => ({ merchant_id: ref.merchantId, id: ref.reservationId, ended_at: ref.endedAt })),
      ),
      state,
    ],
  });
}

/**
 * Takes units from live reservations. One that loses all ends as taken back; one that loses some keeps
 * the rest, and what it lost stays visible as a reservation of its own that was taken back.
 */
export async function shrinkReservationRows(
  tx: Tx,
  losses: readonly (ReservationRef & {
    readonly quantity: number;
    readonly endedAt: Date;
    readonly lossId: string;
  })[],
): Promise<void> {
  if (losses.length === 0) return;
  await tx.run({
    text: `
with k as (
  select * from json_to_recordset($1) as k(merchant_id uuid, id uuid, quantity integer, ended_at timestamptz, loss_id uuid)
), lost as (
  insert into reservation (id, merchant_id, order_id, fulfilment_order_line_id, warehouse_id, product_id, quantity, state,
    step_key, created_at, ended_at)
  select k.loss_id, r.merchant_id, r.order_id, r.fulfilment_order_line_id, r.warehouse_id, r.product_id, k.quantity,
    'taken_back', r.step_key, r.created_at, k.ended_at
  from k join reservation r using (merchant_id, id) where r.quantity > k.quantity
)
update reservation r set
  quantity = case when r.quantity > k.quantity then r.quantity - k.quantity else r.quantity end,
  state = case when r.quantity > k.quantity then r.state else 'taken_back' end,
  ended_at = case when r.quantity > k.quantity then null else k.ended_at end
from k where r.merchant_id = k.merchant_id and r.id = k.id and r.state in ('held', 'allocated')`,
    values: [
      JSON.stringify(
        losses.map((loss) => ({
          merchant_id: loss.merchantId,
          id: loss.reservationId,
          quantity: loss.quantity,
          ended_at: loss.endedAt,
          loss_id: loss.lossId,
        })),
      ),
    ],
  });
}
