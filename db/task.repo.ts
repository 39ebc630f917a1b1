/**
 * Tasks of the floor. A change locks the order, its fulfilment order and the task, in that order and in
 * one statement (row marks are taken in the order in which they are listed), so that it and a cancel
 * wait for each other. A claim takes the same locks but skips whatever somebody else holds.
 */
import type { Tx } from './client';

export interface LockedTask {
  readonly merchantId: string;
  readonly taskId: string;
  readonly kind: string;
  readonly state: string;
  readonly warehouseId: string;
  readonly timeZone: string;
  readonly parcelId: string | null;
  readonly claimedBy: string | null;
  readonly priority: number;
  readonly dueAt: Date | null;
  readonly orderId: string;
  readonly orderState: string;
  readonly held: boolean;
  readonly blockedReason: string | null;
  readonly workflowId: string;
  readonly fulfilmentOrderId: string;
  readonly fulfilmentOrderState: string;
  readonly shortPickPolicy: 'ask' | 'backorder' | 'ship_short';
  readonly businessNow: Date;
}

const LOCKED_COLUMNS = `t.merchant_id as "merchantId", t.id as "taskId", t.kind, t.state, t.warehouse_id as "warehouseId",
  w.time_zone as "timeZone", t.parcel_id as "parcelId", t.claimed_by as "claimedBy", t.priority, t.due_at as "dueAt",
  o.id as "orderId", o.state as "orderState", o.held, o.blocked_reason as "blockedReason",
  'order:' || o.merchant_id || ':' || o.connection_id || ':' || o.external_id as "workflowId",
  f.id as "fulfilmentOrderId", f.state as "fulfilmentOrderState", m.short_pick_policy as "shortPickPolicy",
  coalesce(m.business_now, now()) as "businessNow"`;
const LOCKED_JOINS = `
join sales_order o on o.merchant_id = t.merchant_id and o.id = t.order_id
join fulfilment_order f on f.merchant_id = t.merchant_id and f.id = t.fulfilment_order_id
join warehouse w on w.id = t.warehouse_id
join merchant m on m.id = t.merchant_id`;

/** Locks the task with its order and fulfilment order; null when there is none that one may see. */
export async function lockTask(tx: Tx, taskId: string): Promise<LockedTask | null> {
  const [row] = await tx.rows<LockedTask>({
    name: 'task-lock',
    text: `select ${LOCKED_COLUMNS} from task t ${LOCKED_JOINS} where t.id = $1 for no key update of o, f, t`,
    values: [taskId],
  });
  return row ?? null;
}

/**
 * Locks the first open task of this kind whose order may go on: by priority, then due, then age. Tasks
 * that somebody else holds at the moment, or whose order changes right now, are passed over.
 */
export async function lockNextTask(tx: Tx, warehouseId: string, kind: string): Promise<LockedTask | null> {
  const [row] = await tx.rows<LockedTask>({
    name: 'task-lock-next',
    text: `select ${LOCKED_COLUMNS} from task t ${LOCKED_JOINS}
where t.warehouse_id = $1 and t.kind = $2 and t.state = 'open'
  and not o.held and o.state not in ('closed', 'cancelled') and f.state not in ('cancelled', 'rejected')
order by t.priority desc, t.due_at, t.id
limit 1 for no key update of o, f, t skip locked`,
    values: [warehouseId, kind],
  });
  return row ?? null;
}

/** What the person has claimed and not finished, oldest first. */
export function readClaimed(
  tx: Tx,
  personId: string,
  warehouseId: string,
  kinds: readonly string[],
): Promise<{ readonly merchantId: string; readonly taskId: string }[]> {
  return tx.rows({
    name: 'task-claimed',
    text: `select merchant_id as "merchantId", id as "taskId" from task
      where claimed_by = $1 and state = 'claimed' and warehouse_id = $2 and kind = any($3::text[]) order by claimed_at, id`,
    values: [personId, warehouseId, kinds],
  });
}

/** Locks the person, so that one person's claims come one after the other; false when there is no such person. */
export async function lockPerson(tx: Tx, personId: string): Promise<boolean> {
  const rows = await tx.rows({
    name: 'person-lock',
    text: `select from person where id = $1 and erased_at is null and role in ('floor', 'operator') for no key update`,
    values: [personId],
  });
  return rows.length === 1;
}

/** Moves the task on; the technical time is when it happened, for labour minutes. */
export async function setTaskState(
  tx: Tx,
  task: { readonly merchantId: string; readonly taskId: string },
  state: 'claimed' | 'open' | 'done' | 'shorted',
  personId: string | null,
): Promise<void> {
  await tx.run({
    name: 'task-state',
    text: `update task set state = $3, claimed_by = coalesce($4, claimed_by),
        claimed_at = case $3 when 'claimed' then now() when 'open' then null else coalesce(claimed_at, now()) end,
        finished_at = case when $3 in ('done', 'shorted') then now() end
      where merchant_id = $1 and id = $2`,
    values: [task.merchantId, task.taskId, state, personId],
  });
}

/** Gives the task back to the queue. */
export async function reopenTask(
  tx: Tx,
  task: { readonly merchantId: string; readonly taskId: string },
): Promise<void> {
  await tx.run({
    text: `update task set state = 'open', claimed_by = null, claimed_at = null
      where merchant_id = $1 and id = $2 and state = 'claimed'`,
    values: [task.merchantId, task.taskId],
  });
}

export interface NewTask {
  readonly id: string;
  readonly merchantId: string;
  readonly warehouseId: string;
  readonly kind: 'pack' | 'put_back';
  readonly orderId: string | null;
  readonly fulfilmentOrderId: string | null;
  readonly priority: number;
  readonly dueAt: Date | null;
  readonly lines: readonly {
    readonly id: string;
    readonly fulfilmentOrderLineId: string | null;
    readonly productId: string;
    readonly locationId: string;
    readonly lotCode: string;
    readonly quantity: number;
  }[];
}

export async function insertTask(tx: Tx, task: NewTask): Promise<void> {
  await tx.run({
    name: 'task-insert',
    text: `
with t as (
  insert into task (id, merchant_id, warehouse_id, kind, order_id, fulfilment_order_id, priority, due_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8)
)
insert into task_line (id, merchant_id, task_id, line_no, fulfilment_order_line_id, product_id, location_id, lot_code, quantity)
select id, $2, $1, line_no, line_id, product_id, location_id, lot_code, quantity
from json_to_recordset($9) as l(id uuid, line_no integer, line_id uuid, product_id uuid, location_id uuid, lot_code text,
  quantity integer)`,
    values: [
      task.id,
      task.merchantId,
      task.warehouseId,
      task.kind,
      task.orderId,
      task.fulfilmentOrderId,
      task.priority,
      task.dueAt,
      JSON.stringify(
        task.lines.map((line, index) => ({
          id: line.id,
          line_no: index + 1,
          line_id: line.fulfilmentOrderLineId,
          product_id: line.productId,
          location_id: line.locationId,
          lot_code: line.lotCode,
          quantity: line.quantity,
        })),
      ),
    ],
  });
}
