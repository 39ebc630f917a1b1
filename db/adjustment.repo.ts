/** What an adjustment names: products by id or SKU, and the lots that come with it. */
import type { Tx } from './client';

export interface AdjustedProduct {
  readonly id: string;
  readonly sku: string;
  readonly lotTracked: boolean;
}

export function findProducts(
  tx: Tx,
  merchantId: string,
  by: { readonly ids: readonly string[]; readonly skus: readonly string[] },
): Promise<AdjustedProduct[]> {
  return tx.rows<AdjustedProduct>({
    text: `select id, sku, lot_tracked as "lotTracked" from product
      where merchant_id = $1 and (id = any($2::uuid[]) or sku = any($3::text[]))`,
    values: [merchantId, by.ids, by.skus],
  });
}

/** Makes lots known; one that is known keeps its date. */
export async function ensureLots(
  tx: Tx,
  merchantId: string,
  lots: readonly {
    readonly productId: string;
    readonly lotCode: string;
    readonly expiresOn: string | null;
  }[],
): Promise<void> {
  if (lots.length === 0) return;
  await tx.run({
    text: `insert into lot (merchant_id, product_id, code, expires_on)
      select $1, product_id, code, expires_on
      from json_to_recordset($2) as l(product_id uuid, code text, expires_on date)
      order by 2, 3 on conflict do nothing`,
    values: [
      merchantId,
      JSON.stringify(
        lots.map((lot) => ({ product_id: lot.productId, code: lot.lotCode, expires_on: lot.expiresOn })),
      ),
    ],
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
