/** Work orders for lists, and the products that one may name. */
import type { Tx } from './client';

export interface KitProduct {
  readonly id: string;
  readonly sku: string;
  readonly isBundle: boolean;
  readonly serialTracked: boolean;
}

/** Products that are sold or used, by SKU. */
export function findKitProducts(tx: Tx, merchantId: string, skus: readonly string[]): Promise<KitProduct[]> {
  return tx.rows<KitProduct>({
    text: `select id, sku, is_bundle as "isBundle", serial_tracked as "serialTracked" from product
      where merchant_id = $1 and sku = any($2::text[]) and ships and archived_at is null`,
    values: [merchantId, skus],
  });
}

export interface WorkOrderRow {
  readonly id: string;
  readonly merchantId: string;
  readonly warehouseId: string;
  readonly warehouseCode: string;
  readonly kind: string;
  readonly sku: string;
  readonly locationCode: string;
  readonly planned: number;
  readonly built: number;
  readonly state: string;
  readonly ending: string | null;
  readonly blockedReason: string | null;
  readonly blockedSince: Date | null;
  readonly reference: string | null;
  readonly reason: string;
  readonly requestedBy: string;
  readonly requestedAt: Date;
  readonly endedAt: Date | null;
  readonly components: readonly { readonly sku: string; readonly quantity: number }[];
  readonly keyAt: string;
}

export function listWorkOrders(
  tx: Tx,
  merchantIds: readonly string[],
  filter: {
    readonly id?: string | undefined;
    readonly state?: string | undefined;
    readonly warehouseId?: string | undefined;
  },
  after: readonly [string, string] | null,
  limit: number,
): Promise<WorkOrderRow[]> {
  return tx.rows<WorkOrderRow>({
    text: `
select w.id, w.merchant_id as "merchantId", w.warehouse_id as "warehouseId", h.code as "warehouseCode", w.kind, p.sku,
  l.code as "locationCode", w.planned, w.built, w.state, w.ending, w.blocked_reason as "blockedReason",
  w.blocked_since as "blockedSince", w.reference, w.reason, w.requested_by as "requestedBy", w.requested_at as "requestedAt",
  w.ended_at as "endedAt", w.requested_at::text as "keyAt",
  (select json_agg(json_build_object('sku', q.sku, 'quantity', c.quantity) order by q.sku) from work_order_component c
    join product q on q.merchant_id = c.merchant_id and q.id = c.product_id
    where c.merchant_id = w.merchant_id and c.work_order_id = w.id) as components
from work_order w
join warehouse h on h.id = w.warehouse_id
join product p on p.merchant_id = w.merchant_id and p.id = w.product_id
join location l on l.id = w.target_location_id
where w.merchant_id = any($1::uuid[]) and ($2::uuid is null or w.id = $2) and ($3::text is null or w.state = $3)
  and ($4::uuid is null or w.warehouse_id = $4) and ($5::timestamptz is null or (w.requested_at, w.id) < ($5, $6::uuid))
order by w.requested_at desc, w.id desc limit $7`,
    values: [
      merchantIds,
      filter.id ?? null,
      filter.state ?? null,
      filter.warehouseId ?? null,
      after?.[0] ?? null,
      after?.[1] ?? null,
      limit,
    ],
  });
}

export interface WorkOrderDetail {
  readonly steps: readonly {
    readonly number: number;
    readonly units: number;
    readonly scrap: readonly { readonly sku: string; readonly quantity: number; readonly reason: string }[];
    readonly reportedBy: string;
    readonly reportedAt: Date;
    readonly postedAt: Date | null;
  }[];
  /** Where to take what is reserved for the rest. */
  readonly takeFrom: readonly {
    readonly sku: string;
    readonly locationCode: string;
    readonly lotCode: string;
    readonly quantity: number;
  }[];
}

export async function readWorkOrderDetail(
  tx: Tx,
  merchantId: string,
  workOrderId: string,
): Promise<WorkOrderDetail> {
  const values = [merchantId, workOrderId];
  const steps = await tx.rows<WorkOrderDetail['steps'][number]>({
    text: `
select s.number, s.units, s.reported_by as "reportedBy", s.reported_at as "reportedAt", s.posted_at as "postedAt",
  coalesce((select json_agg(json_build_object('sku', p.sku, 'quantity', x.quantity, 'reason', x.reason) order by p.sku)
    from jsonb_to_recordset(s.scrap) as x("productId" uuid, quantity integer, reason text)
    join product p on p.merchant_id = s.merchant_id and p.id = x."productId"), '[]') as scrap
from work_order_step s where s.merchant_id = $1 and s.work_order_id = $2 order by s.number`,
    values,
  });
  const takeFrom = await tx.rows<WorkOrderDetail['takeFrom'][number]>({
    text: `
select p.sku, l.code as "locationCode", a.lot_code as "lotCode", sum(a.quantity)::integer as quantity
from reservation r join allocation a on a.merchant_id = r.merchant_id and a.reservation_id = r.id
join product p on p.merchant_id = r.merchant_id and p.id = r.product_id join location l on l.id = a.location_id
where r.merchant_id = $1 and r.work_order_id = $2 and r.state = 'allocated'
group by p.sku, l.code, a.lot_code order by l.code, p.sku, a.lot_code`,
    values,
  });
  return { steps, takeFrom };
}
