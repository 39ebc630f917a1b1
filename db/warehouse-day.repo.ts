/**
 * What is planned for a warehouse's day. Intake adds to it in the statement that writes its plans (see
 * intake-write); it is locked after every balance and bin, so that nobody waits for another in a circle.
 */
import type { Tx } from './client';

/** Gives back the capacity that these fulfilment orders took: they were cancelled in this transaction. */
export async function giveBackDays(
  tx: Tx,
  merchantId: string,
  fulfilmentOrderIds: readonly string[],
): Promise<void> {
  if (fulfilmentOrderIds.length === 0) return;
  await tx.run({
    text: `
with gone as (
  select w.organisation_id, f.warehouse_id, f.ship_day as day, count(distinct f.id)::int as orders, sum(l.quantity)::int as units
  from fulfilment_order f join warehouse w on w.id = f.warehouse_id
  join fulfilment_order_line l on l.merchant_id = f.merchant_id and l.fulfilment_order_id = f.id
  where f.merchant_id = $1 and f.id = any($2::uuid[]) and f.ship_day is not null
  group by 1, 2, 3
), locked as (
  select d.organisation_id, d.warehouse_id, d.day from warehouse_day d join gone using (organisation_id, warehouse_id, day)
  order by 1, 2, 3 for no key update of d
)
update warehouse_day d set orders = greatest(0, d.orders - gone.orders), units = greatest(0, d.units - gone.units)
from gone join locked using (organisation_id, warehouse_id, day)
where d.organisation_id = gone.organisation_id and d.warehouse_id = gone.warehouse_id and d.day = gone.day`,
    values: [merchantId, fulfilmentOrderIds],
  });
}
