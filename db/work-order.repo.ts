/** Work orders: the head, its recipe, and the steps that people report. */
import type { Scrapped, WorkOrderKind, WorkOrderState } from '../domain/stock/work-order';
import type { Tx } from './client';

export interface NewWorkOrder {
  readonly id: string;
  readonly merchantId: string;
  readonly warehouseId: string;
  readonly kind: WorkOrderKind;
  readonly productId: string;
  readonly targetLocationId: string;
  readonly planned: number;
  readonly reference: string | null;
  readonly reason: string;
  readonly requestedBy: string;
  readonly requestedAt: Date;
  readonly components: readonly { readonly productId: string; readonly quantity: number }[];
}

export async function insertWorkOrder(tx: Tx, order: NewWorkOrder): Promise<void> {
  await tx.run({
    text: `
with w as (
  insert into work_order (id, merchant_id, warehouse_id, kind, product_id, target_location_id, planned, reference, reason,
    requested_by, requested_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
)
insert into work_order_component (merchant_id, work_order_id, product_id, quantity)
select $2, $1, product_id, quantity from json_to_recordset($12) as c(product_id uuid, quantity integer)`,
    values: [
      order.id,
      order.merchantId,
      order.warehouseId,
      order.kind,
      order.productId,
      order.targetLocationId,
      order.planned,
      order.reference,
      order.reason,
      order.requestedBy,
      order.requestedAt,
      JSON.stringify(
        order.components.map(({ productId, quantity }) => ({ product_id: productId, quantity })),
      ),
    ],
  });
}

export interface WorkOrderHead {
  readonly id: string;
  readonly merchantId: string;
  readonly warehouseId: string;
  readonly kind: WorkOrderKind;
  readonly productId: string;
  readonly sku: string;
  readonly lotTracked: boolean;
  readonly targetLocationId: string;
  readonly planned: number;
  readonly built: number;
  readonly state: WorkOrderState;
  readonly ending: 'done' | 'cancelled' | null;
  readonly blockedReason: string | null;
  readonly blockedSince: Date | null;
  /** Today where it is made, 'YYYY-MM-DD'. */
  readonly today: string;
  readonly businessNow: Date;
}

/** Locks the work order; balances come after it. Null when one may see none. */
export async function lockWorkOrder(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
): Promise<WorkOrderHead | null> {
  const [row] = await tx.rows<WorkOrderHead>({
    name: 'work-order-lock',
    text: `
select w.id, w.merchant_id as "merchantId", w.warehouse_id as "warehouseId", w.kind, w.product_id as "productId", p.sku,
  p.lot_tracked as "lotTracked",
  w.target_location_id as "targetLocationId", w.planned, w.built, w.state, w.ending, w.blocked_reason as "blockedReason",
  w.blocked_since as "blockedSince", (business_now(w.merchant_id) at time zone h.time_zone)::date as today,
  business_now(w.merchant_id) as "businessNow"
from work_order w join product p on p.merchant_id = w.merchant_id and p.id = w.product_id
join warehouse h on h.id = w.warehouse_id
where w.merchant_id = any($1::uuid[]) and w.id = $2 for no key update of w`,
    values: [merchantIds, id],
  });
  return row ?? null;
}

export interface ComponentRow {
  readonly productId: string;
  readonly sku: string;
  /** In one kit. */
  readonly quantity: number;
  readonly lotTracked: boolean;
}

export function readComponents(tx: Tx, merchantId: string, workOrderId: string): Promise<ComponentRow[]> {
  return tx.rows<ComponentRow>({
    text: `select c.product_id as "productId", p.sku, c.quantity, p.lot_tracked as "lotTracked"
      from work_order_component c join product p on p.merchant_id = c.merchant_id and p.id = c.product_id
      where c.merchant_id = $1 and c.work_order_id = $2 order by p.sku`,
    values: [merchantId, workOrderId],
  });
}

export interface StepLot {
  readonly productId: string;
  readonly lotCode: string;
  readonly expiresOn: string | null;
}

export interface StepRow {
  readonly number: number;
  readonly units: number;
  readonly scrap: readonly Scrapped[];
  readonly lots: readonly StepLot[];
  readonly reportedBy: string;
  readonly reportedAt: Date;
  readonly postedAt: Date | null;
}

/** In the order in which they were reported. True as long as the work order is locked. */
export function readSteps(tx: Tx, merchantId: string, workOrderId: string): Promise<StepRow[]> {
  return tx.rows<StepRow>({
    text: `select number, units, scrap, lots, reported_by as "reportedBy", reported_at as "reportedAt", posted_at as "postedAt"
      from work_order_step where merchant_id = $1 and work_order_id = $2 order by number`,
    values: [merchantId, workOrderId],
  });
}

export async function insertStep(
  tx: Tx,
  order: Pick<WorkOrderHead, 'merchantId' | 'id' | 'businessNow'>,
  step: Omit<StepRow, 'postedAt' | 'reportedAt'>,
): Promise<void> {
  await tx.run({
    text: `insert into work_order_step (merchant_id, work_order_id, number, units, scrap, lots, reported_by, reported_at)
      values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    values: [
      order.merchantId,
      order.id,
      step.number,
      step.units,
      JSON.stringify(step.scrap),
      JSON.stringify(step.lots),
      step.reportedBy,
      order.businessNow,
    ],
  });
}

/** The step's units are posted. */
export async function markStepPosted(
  tx: Tx,
  order: Pick<WorkOrderHead, 'merchantId' | 'id' | 'businessNow'>,
  step: Pick<StepRow, 'number' | 'units'>,
): Promise<void> {
  await tx.run({
    text: `
with s as (
  update work_order_step set posted_at = $5 where merchant_id = $1 and work_order_id = $2 and number = $3 and posted_at is null
)
update work_order set built = built + $4, state = 'in_progress' where merchant_id = $1 and id = $2`,
    values: [order.merchantId, order.id, step.number, step.units, order.businessNow],
  });
}

export interface WorkOrderChange {
  readonly state?: WorkOrderState;
  readonly ending?: 'done' | 'cancelled';
  readonly endedAt?: Date;
  /** null: not blocked any more. */
  readonly blocked?: { readonly reason: string; readonly since: Date } | null;
}

export async function updateWorkOrder(
  tx: Tx,
  order: Pick<WorkOrderHead, 'merchantId' | 'id'>,
  change: WorkOrderChange,
): Promise<void> {
  const { state = null, ending = null, endedAt = null, blocked } = change;
  await tx.run({
    text: `update work_order set state = coalesce($3, state), ending = coalesce($4, ending), ended_at = coalesce($5, ended_at),
        blocked_reason = case when $6 then $7 else blocked_reason end,
        blocked_since = case when $6 then $8::timestamptz else blocked_since end
      where merchant_id = $1 and id = $2`,
    values: [
      order.merchantId,
      order.id,
      state,
      ending,
      endedAt,
      blocked !== undefined,
      blocked?.reason ?? null,
      blocked?.since ?? null,
    ],
  });
}

/** Work orders that wait for stock of one of these products. */
export async function blockedWorkOrders(
  tx: Tx,
  merchantId: string,
  productIds: readonly string[],
): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>({
    name: 'work-order-blocked',
    text: `
select w.id from work_order w where w.merchant_id = $1 and w.blocked_reason is not null and case w.kind
  when 'kit' then exists (select from work_order_component c where c.merchant_id = w.merchant_id and c.work_order_id = w.id
    and c.product_id = any($2::uuid[]))
  else w.product_id = any($2::uuid[]) end order by w.id`,
    values: [merchantId, productIds],
  });
  return rows.map((row) => row.id);
}
