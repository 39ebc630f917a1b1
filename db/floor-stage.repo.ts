/**
 * How far the floor is with a fulfilment order, and what its order shows of it. Business time
 * throughout. An order on the floor is late when its promise is; one that was late when it got there
 * has four hours a stage before somebody looks. A blocked order keeps the deadline of what blocks it.
 */
import type { Tx } from './client';

interface Part {
  readonly merchantId: string;
  readonly orderId: string;
  readonly fulfilmentOrderId: string;
  readonly businessNow: Date;
}

/** Room for a stage of an order that is late already: half a shift. */
const STAGE_HOURS = 4;

/** Moves the fulfilment order on when it is in one of `from`. False when it is elsewhere. */
export async function advancePart(
  tx: Tx,
  part: Part,
  from: readonly string[],
  to: 'picking' | 'picked' | 'packing' | 'packed' | 'cancelled',
): Promise<boolean> {
  const changed = await tx.run({
    name: 'part-advance',
    text: `update fulfilment_order set state = $3, state_since = $4 where merchant_id = $1 and id = $2 and state = any($5::text[])`,
    values: [part.merchantId, part.fulfilmentOrderId, to, part.businessNow, from],
  });
  return changed === 1;
}

/** The order is on the floor: it shows so unless it is further, and its deadline starts anew. */
export async function touchOrderOnFloor(tx: Tx, part: Part): Promise<void> {
  await tx.run({
    name: 'order-on-floor',
    text: `
update sales_order set
  state = case when state in ('accepted', 'planned') then 'in_fulfilment' else state end,
  state_since = case when state in ('accepted', 'planned') then $3::timestamptz else state_since end,
  deadline_at = case when blocked_reason is null then greatest(ship_by, $3::timestamptz + $4 * interval '1 hour') else deadline_at end,
  version = version + 1
where merchant_id = $1 and id = $2 and state not in ('closed', 'cancelled')`,
    values: [part.merchantId, part.orderId, part.businessNow, STAGE_HOURS],
  });
}

export interface PartLine {
  readonly fulfilmentOrderLineId: string;
  readonly orderLineId: string;
  readonly productId: string;
  readonly quantity: number;
  readonly shorted: number;
  readonly reservationId: string | null;
}

/** The lines of a fulfilment order with their live reservations. */
export function readPartLines(tx: Tx, merchantId: string, fulfilmentOrderId: string): Promise<PartLine[]> {
  return tx.rows<PartLine>({
    name: 'part-lines',
    text: `
select l.id as "fulfilmentOrderLineId", l.order_line_id as "orderLineId", l.product_id as "productId", l.quantity, l.shorted,
  r.id as "reservationId"
from fulfilment_order_line l
left join reservation r on r.merchant_id = l.merchant_id and r.fulfilment_order_line_id = l.id
  and r.state in ('held', 'allocated')
where l.merchant_id = $1 and l.fulfilment_order_id = $2 order by l.id`,
    values: [merchantId, fulfilmentOrderId],
  });
}
