/** What a short pick leaves on the lines of the fulfilment order and of the order. */
import type { Tx } from './client';

export interface ShortedLine {
  readonly fulfilmentOrderLineId: string;
  readonly quantity: number;
}

/** Marks units of fulfilment order lines as never to come: they are planned anew or given up. */
export async function addShorted(tx: Tx, merchantId: string, shorts: readonly ShortedLine[]): Promise<void> {
  await tx.run({
    text: `update fulfilment_order_line l set shorted = l.shorted + s.quantity
      from json_to_recordset($2) as s(id uuid, quantity integer) where l.merchant_id = $1 and l.id = s.id`,
    values: [merchantId, shortsJson(shorts)],
  });
}

/** Cancels the same units of the order's own lines. */
export async function cancelShorted(
  tx: Tx,
  merchantId: string,
  shorts: readonly ShortedLine[],
): Promise<void> {
  await tx.run({
    text: `update sales_order_line o set cancelled_quantity = o.cancelled_quantity + s.quantity
      from (select l.order_line_id, sum(s.quantity) as quantity
        from json_to_recordset($2) as s(id uuid, quantity integer)
        join fulfilment_order_line l on l.merchant_id = $1 and l.id = s.id group by 1) s
      where o.merchant_id = $1 and o.id = s.order_line_id`,
    values: [merchantId, shortsJson(shorts)],
  });
}

/**
 * Whether every one of these lines is an order line's own product in its own units. Components of a
 * bundle and case aliases are not: a missing part of those can't be cancelled by itself.
 */
export async function areWholeOrderUnits(
  tx: Tx,
  merchantId: string,
  shorts: readonly ShortedLine[],
): Promise<boolean> {
  const [row] = await tx.rows<{ odd: boolean }>({
    text: `select exists (
        select from json_to_recordset($2) as s(id uuid, quantity integer)
        join fulfilment_order_line l on l.merchant_id = $1 and l.id = s.id
        join sales_order_line o on o.merchant_id = $1 and o.id = l.order_line_id
        where o.product_id is distinct from l.product_id or o.cancelled_quantity + s.quantity > o.quantity
          or exists (select from sku_alias a where a.merchant_id = $1 and a.alias = o.sku and a.multiplier > 1)
      ) as odd`,
    values: [merchantId, shortsJson(shorts)],
  });
  return row?.odd === false;
}

export interface UnsettledShort {
  readonly taskId: string;
  readonly fulfilmentOrderLineId: string;
  readonly quantity: number;
}

/** Short units of the order's pick tasks that nobody has decided about. */
export function readUnsettledShorts(tx: Tx, merchantId: string, orderId: string): Promise<UnsettledShort[]> {
  return tx.rows<UnsettledShort>({
    text: `
select t.id as "taskId", l.id as "fulfilmentOrderLineId", (sum(tl.short_quantity) - l.shorted)::integer as quantity
from task t
join fulfilment_order f on f.merchant_id = t.merchant_id and f.id = t.fulfilment_order_id and f.state = 'picking'
join task_line tl on tl.merchant_id = t.merchant_id and tl.task_id = t.id
join fulfilment_order_line l on l.merchant_id = tl.merchant_id and l.id = tl.fulfilment_order_line_id
where t.merchant_id = $1 and t.order_id = $2 and t.kind = 'pick' and t.state = 'shorted'
group by t.id, l.id, l.shorted having sum(tl.short_quantity) > l.shorted order by t.id, l.id`,
    values: [merchantId, orderId],
  });
}

function shortsJson(shorts: readonly ShortedLine[]): string {
  return JSON.stringify(
    shorts.map((short) => ({ id: short.fulfilmentOrderLineId, quantity: short.quantity })),
  );
}
