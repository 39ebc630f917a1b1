/** What an adjustment names: products by id or SKU, and the merchant's time. */
import type { Tx } from './client';

export interface AdjustedProduct {
  readonly id: string;
  readonly sku: string;
  readonly lotTracked: boolean;
  readonly serialTracked: boolean;
  /** Minor units; null when nobody said. */
  readonly unitCostMinor: bigint | null;
}

export function findProducts(
  tx: Tx,
  merchantId: string,
  by: { readonly ids: readonly string[]; readonly skus: readonly string[] },
): Promise<AdjustedProduct[]> {
  return tx.rows<AdjustedProduct>({
    text: `select id, sku, lot_tracked as "lotTracked", serial_tracked as "serialTracked", unit_cost_minor as "unitCostMinor" from product
      where merchant_id = $1 and (id = any($2::uuid[]) or sku = any($3::text[]))`,
    values: [merchantId, by.ids, by.skus],
  });
}

export async function businessNow(tx: Tx, merchantId: string): Promise<Date> {
  const [row] = await tx.rows<{ at: Date }>({
    name: 'business-now',
    text: 'select business_now($1) as at',
    values: [merchantId],
  });
  return (row as { at: Date }).at;
}
