/** Stock levels and the ledger behind them, for reading. */
import type { Tx } from './client';

export interface StockLevelRow {
  readonly merchant_id: string;
  readonly warehouse_id: string;
  readonly warehouse_code: string;
  readonly product_id: string;
  readonly sku: string;
  readonly on_hand: number;
  readonly held: number;
  readonly reserved: number;
}

/** Levels by merchant, warehouse and product, from a key on. */
export function listStockLevels(
  tx: Tx,
  merchantIds: readonly string[],
  filter: {
    readonly sku?: string | undefined;
    readonly productId?: string | undefined;
    readonly warehouseId?: string | undefined;
  },
  after: readonly [string, string, string] | null,
  limit: number,
): Promise<StockLevelRow[]> {
  return tx.rows<StockLevelRow>({
    text: `
select b.merchant_id, b.warehouse_id, w.code as warehouse_code, b.product_id, p.sku, b.on_hand, b.held, b.reserved
from stock_balance b
join product p on p.merchant_id = b.merchant_id and p.id = b.product_id
join warehouse w on w.id = b.warehouse_id
where b.merchant_id = any($1::uuid[]) and ($2::text is null or p.sku = $2) and ($3::uuid is null or b.product_id = $3)
  and ($4::uuid is null or b.warehouse_id = $4)
  and ($5::uuid is null or (b.merchant_id, b.warehouse_id, b.product_id) > ($5, $6::uuid, $7::uuid))
order by b.merchant_id, b.warehouse_id, b.product_id limit $8`,
    values: [
      merchantIds,
      filter.sku ?? null,
      filter.productId ?? null,
      filter.warehouseId ?? null,
      after?.[0] ?? null,
      after?.[1] ?? null,
      after?.[2] ?? null,
      limit,
    ],
  });
}

export interface LedgerRow {
  readonly cause_id: string;
  readonly line: number;
  readonly kind: string;
  readonly change: number;
  readonly quantity: number;
  readonly lot_code: string;
  readonly from_id: string;
  readonly from_code: string;
  readonly from_kind: string;
  readonly from_warehouse: string | null;
  readonly to_id: string;
  readonly to_code: string;
  readonly to_kind: string;
  readonly to_warehouse: string | null;
  readonly order_id: string | null;
  readonly reason_code: string | null;
  readonly reason: string | null;
  readonly actor: string;
  readonly occurred_at: Date;
  readonly recorded_at: Date;
  /** `recorded_at` with its microseconds, for the cursor. */
  readonly key_at: string;
}

/**
 * Movements of one product, the newest first. `change` is what each did to the units on hand in the
 * warehouse asked for, or in all of them: over all pages they add up to the balance.
 */
export function listLedger(
  tx: Tx,
  merchantId: string,
  productId: string,
  warehouseId: string | null,
  after: readonly [string, string, number] | null,
  limit: number,
): Promise<LedgerRow[]> {
  return tx.rows<LedgerRow>({
    text: `
select l.cause_id, l.line, c.kind, l.quantity, l.lot_code, c.order_id, c.reason_code, c.reason, c.actor, c.occurred_at, c.recorded_at,
  c.recorded_at::text as key_at,
  f.id as from_id, f.code as from_code, f.kind as from_kind, f.warehouse_id as from_warehouse,
  t.id as to_id, t.code as to_code, t.kind as to_kind, t.warehouse_id as to_warehouse,
  (l.quantity * (coalesce(t.warehouse_id = coalesce($3::uuid, t.warehouse_id), false)::int
    - coalesce(f.warehouse_id = coalesce($3::uuid, f.warehouse_id), false)::int)) as change
from stock_ledger l
join stock_cause c on c.merchant_id = l.merchant_id and c.id = l.cause_id and c.month = l.month
join location f on f.id = l.from_location_id
join location t on t.id = l.to_location_id
where l.merchant_id = $1 and l.product_id = $2
  and ($3::uuid is null or f.warehouse_id = $3 or t.warehouse_id = $3)
  and ($4::timestamptz is null or (c.recorded_at, l.cause_id, l.line) < ($4, $5::text, $6::int))
order by c.recorded_at desc, l.cause_id desc, l.line desc limit $7`,
    values: [
      merchantId,
      productId,
      warehouseId,
      after?.[0] ?? null,
      after?.[1] ?? null,
      after?.[2] ?? null,
      limit,
    ],
  });
}

/** The merchant's product of this SKU. */
export function productIdOfSku(tx: Tx, merchantId: string, sku: string): Promise<string | null> {
  return findProductId(tx, merchantId, { sku });
}

/** The merchant's product by its id or SKU; null when there is none. */
export async function findProductId(
  tx: Tx,
  merchantId: string,
  by: { readonly productId?: string | undefined; readonly sku?: string | undefined },
): Promise<string | null> {
  const [row] = await tx.rows<{ id: string }>({
    text: 'select id from product where merchant_id = $1 and (id = $2 or sku = $3)',
    values: [merchantId, by.productId ?? null, by.sku ?? null],
  });
  return row?.id ?? null;
}
