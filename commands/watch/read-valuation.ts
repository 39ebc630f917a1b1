/**
 * What stock was worth at a moment, and what it cost to have it for a while, product by product from the
 * ledger. Reads only. Products are taken a few at a time, so that their whole past fits into memory.
 */
import type { Tx } from '../../db/client';
import {
  type CostMovementRow,
  listStockedProducts,
  readCostMovements,
  readDayEnds,
} from '../../db/stock-history.repo';
import { groupBy } from '../../domain/group-by';
import {
  addCosts,
  type CarryingCost,
  type CarryingRates,
  carryingCost,
  NO_COST,
  type StockDays,
  stockDays,
} from '../../domain/stock/carrying-cost';
import {
  addValues,
  NO_STOCK,
  type StockValue,
  type ValuationMethod,
  valueStock,
} from '../../domain/stock/valuation';

/** Of a busy product some 100,000 movements are read at once; fifty of those are half a gigabyte. */
const PRODUCTS_AT_ONCE = 50;

interface Chosen {
  readonly merchantId: string;
  /** null: all. */
  readonly skus: readonly string[] | null;
  /** Of those, the ones after this SKU. */
  readonly afterSku: string | null;
  readonly method: ValuationMethod;
}

export type ProductValue = StockValue & { readonly productId: string; readonly sku: string };

/** @param limit items that are given; `total` is over all that were chosen. */
export async function readValuation(
  tx: Tx,
  chosen: Chosen & { readonly at: Date },
  limit: number,
  withTotal: boolean,
): Promise<{ readonly items: readonly ProductValue[]; readonly total: StockValue | null }> {
  const items: ProductValue[] = [];
  let total = NO_STOCK;
  for await (const { product, movements } of histories(tx, chosen, chosen.at)) {
    const value = valueStock(chosen.method, movements);
    total = addValues(total, value);
    if (items.length < limit) items.push({ productId: product.id, sku: product.sku, ...value });
    else if (!withTotal) break;
  }
  return { items, total: withTotal ? total : null };
}

export type ProductCost = CarryingCost &
  StockDays & { readonly productId: string; readonly sku: string; readonly measured: boolean };

/** @param span days in the zone, both included. */
export async function readCarryingCost(
  tx: Tx,
  chosen: Chosen & { readonly rates: CarryingRates },
  span: { readonly zone: string; readonly from: string; readonly to: string },
  limit: number,
  withTotal: boolean,
): Promise<{ readonly items: readonly ProductCost[]; readonly total: CarryingCost | null }> {
  const ends = await readDayEnds(tx, span.zone, span.from, span.to);
  const items: ProductCost[] = [];
  let total = NO_COST;
  for await (const { product, movements } of histories(tx, chosen, new Date(ends.at(-1) ?? 0))) {
    const days = stockDays(chosen.method, movements, ends);
    const cost = carryingCost(chosen.rates, days, product.volumeMm3);
    total = addCosts(total, cost);
    const measured = product.volumeMm3 !== null;
    if (items.length < limit)
      items.push({ productId: product.id, sku: product.sku, measured, ...days, ...cost });
    else if (!withTotal) break;
  }
  return { items, total: withTotal ? total : null };
}

type Stocked = Awaited<ReturnType<typeof listStockedProducts>>[number];

async function* histories(
  tx: Tx,
  { merchantId, skus, afterSku }: Chosen,
  until: Date,
): AsyncGenerator<{ readonly product: Stocked; readonly movements: readonly CostMovementRow[] }> {
  let after = afterSku;
  for (;;) {
    const products = await listStockedProducts(tx, merchantId, { skus }, after, PRODUCTS_AT_ONCE);
    const rows = await readCostMovements(
      tx,
      merchantId,
      products.map(({ id }) => id),
      until,
    );
    const byProduct = groupBy(rows, (row) => row.productId);
    for (const product of products) yield { product, movements: byProduct.get(product.id) ?? [] };
    const last = products.at(-1);
    if (last === undefined || products.length < PRODUCTS_AT_ONCE) return;
    after = last.sku;
  }
}
