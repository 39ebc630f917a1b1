/** The lines of a task: what to take from where, how much of it is done, how much was not there. */
import type { Tx } from './client';

export interface TaskLine {
  readonly taskLineId: string;
  readonly fulfilmentOrderLineId: string | null;
  readonly productId: string;
  readonly sku: string;
  readonly name: string;
  readonly gtin: string | null;
  readonly serialTracked: boolean;
  readonly weightGrams: number | null;
  readonly lengthMm: number | null;
  readonly widthMm: number | null;
  readonly heightMm: number | null;
  readonly locationId: string | null;
  readonly locationCode: string | null;
  readonly zone: string | null;
  readonly aisle: number | null;
  readonly bay: number | null;
  readonly level: number | null;
  readonly lotCode: string;
  /** 'YYYY-MM-DD'. */
  readonly expiresOn: string | null;
  readonly quantity: number;
  readonly done: number;
  readonly short: number;
}

/** The lines in their order. Read under the task's lock when they are to be changed. */
export function readTaskLines(tx: Tx, merchantId: string, taskId: string): Promise<TaskLine[]> {
  return tx.rows<TaskLine>({
    name: 'task-lines',
    text: `
select tl.id as "taskLineId", tl.fulfilment_order_line_id as "fulfilmentOrderLineId", tl.product_id as "productId", p.sku,
  p.name, p.gtin, p.serial_tracked as "serialTracked", p.weight_grams as "weightGrams", p.length_mm as "lengthMm", p.width_mm as "widthMm",
  p.height_mm as "heightMm", tl.location_id as "locationId", l.code as "locationCode", l.zone, l.aisle, l.bay, l.level,
  tl.lot_code as "lotCode", lot.expires_on as "expiresOn", tl.quantity, tl.done_quantity as done,
  tl.short_quantity as short
from task_line tl
join product p on p.merchant_id = tl.merchant_id and p.id = tl.product_id
left join location l on l.id = tl.location_id
left join lot on lot.merchant_id = tl.merchant_id and lot.product_id = tl.product_id and lot.code = tl.lot_code
where tl.merchant_id = $1 and tl.task_id = $2 order by tl.line_no`,
    values: [merchantId, taskId],
  });
}

/** Sets how much of each line is done and was short. */
export async function setLineProgress(
  tx: Tx,
  merchantId: string,
  lines: readonly { readonly taskLineId: string; readonly done: number; readonly short: number }[],
): Promise<void> {
  if (lines.length === 0) return;
  await tx.run({
    name: 'task-line-progress',
    text: `update task_line t set done_quantity = l.done, short_quantity = l.short
      from json_to_recordset($2) as l(id uuid, done integer, short integer)
      where t.merchant_id = $1 and t.id = l.id`,
    values: [
      merchantId,
      JSON.stringify(lines.map(({ taskLineId, done, short }) => ({ id: taskLineId, done, short }))),
    ],
  });
}

export interface ScannedAlias {
  readonly productId: string;
  /** Units of the product in one of what was scanned (a case of 12). */
  readonly multiplier: number;
}

/** The product that a code stands for as an alias on any channel; null when it is none, or two. */
export async function findAlias(tx: Tx, merchantId: string, code: string): Promise<ScannedAlias | null> {
  const rows = await tx.rows<ScannedAlias>({
    name: 'alias-find',
    text: `select distinct product_id as "productId", multiplier from sku_alias where merchant_id = $1 and alias = $2`,
    values: [merchantId, code],
  });
  return rows.length === 1 ? (rows[0] ?? null) : null;
}
