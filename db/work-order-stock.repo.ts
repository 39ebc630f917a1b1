/**
 * What is reserved for work orders, bound to bins from the start. Whoever changes it holds the locks of
 * the balances (stock.repo) and keeps balances and bins himself.
 */
import type { Allocation } from './allocation.repo';
import type { Tx } from './client';

export interface ReservedForWork {
  readonly reservationId: string;
  readonly productId: string;
  readonly quantity: number;
}

/** Live ones, the oldest first. */
export function readReservedForWork(
  tx: Tx,
  merchantId: string,
  workOrderId: string,
): Promise<ReservedForWork[]> {
  return tx.rows<ReservedForWork>({
    text: `select id as "reservationId", product_id as "productId", quantity from reservation
      where merchant_id = $1 and work_order_id = $2 and state = 'allocated' order by created_at, id`,
    values: [merchantId, workOrderId],
  });
}

export interface NewReservedForWork extends ReservedForWork {
  readonly stepKey: string;
}

export async function insertReservedForWork(
  tx: Tx,
  order: { readonly merchantId: string; readonly id: string; readonly warehouseId: string },
  reservations: readonly NewReservedForWork[],
  allocations: readonly Allocation[],
): Promise<void> {
  await tx.run({
    text: `
with made as (
  insert into reservation (id, merchant_id, work_order_id, warehouse_id, product_id, quantity, state, step_key)
  select id, $1, $2, $3, product_id, quantity, 'allocated', step_key
  from json_to_recordset($4) as r(id uuid, product_id uuid, quantity integer, step_key text)
)
insert into allocation (merchant_id, reservation_id, location_id, product_id, lot_code, quantity)
select $1, reservation_id, location_id, product_id, lot_code, quantity from json_to_recordset($5) as a(reservation_id uuid,
  location_id uuid, product_id uuid, lot_code text, quantity integer)`,
    values: [
      order.merchantId,
      order.id,
      order.warehouseId,
      JSON.stringify(
        reservations.map((each) => ({
          id: each.reservationId,
          product_id: each.productId,
          quantity: each.quantity,
          step_key: each.stepKey,
        })),
      ),
      JSON.stringify(
        allocations.map((each) => ({
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

/**
 * Takes what a step used from reservations. One of which all is used ends as consumed; one with a rest
 * keeps it, and what was used stays visible as a reservation of its own.
 */
export async function consumeForWork(
  tx: Tx,
  merchantId: string,
  used: readonly { readonly reservationId: string; readonly quantity: number; readonly partId: string }[],
  stepKey: string,
  endedAt: Date,
): Promise<void> {
  await tx.run({
    text: `
with k as (
  select * from json_to_recordset($2) as k(id uuid, quantity integer, part_id uuid)
), part as (
  insert into reservation (id, merchant_id, work_order_id, warehouse_id, product_id, quantity, state, step_key, created_at, ended_at)
  select k.part_id, r.merchant_id, r.work_order_id, r.warehouse_id, r.product_id, k.quantity, 'consumed', $3, r.created_at, $4
  from k join reservation r on r.merchant_id = $1 and r.id = k.id where r.quantity > k.quantity
)
update reservation r set quantity = case when r.quantity > k.quantity then r.quantity - k.quantity else r.quantity end,
  state = case when r.quantity > k.quantity then r.state else 'consumed' end,
  ended_at = case when r.quantity > k.quantity then null else $4 end
from k where r.merchant_id = $1 and r.id = k.id and r.state = 'allocated'`,
    values: [
      merchantId,
      JSON.stringify(
        used.map((each) => ({ id: each.reservationId, quantity: each.quantity, part_id: each.partId })),
      ),
      stepKey,
      endedAt,
    ],
  });
}
