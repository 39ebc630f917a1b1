/**
 * Balances of stock, one row a merchant × warehouse × product; the bins below them are in bin.repo. Whoever changes a
 * balance, a reservation or an allocation holds the lock on the `stock_balance` rows of its warehouse
 * and product, taken in the order of their keys; bins are locked after them, in the order of theirs.
 * So two transactions never wait for each other, and what was read under the lock stays true. A row
 * that is used for the first time is inserted under locks already held: that alone can deadlock, once
 * a row's lifetime, and the client runs it again.
 */
import type { Tx } from './client';

export interface StockKey {
  readonly merchantId: string;
  readonly warehouseId: string;
  readonly productId: string;
}

export interface StockBalance {
  readonly onHand: number;
  /** On hand and not to be sold: at the dock, in quarantine, damaged, or in a held lot. */
  readonly held: number;
  readonly reserved: number;
}

/** Key of the map that `lockStockBalances` returns. */
export const stockKey = (key: StockKey) => `${key.merchantId}/${key.warehouseId}/${key.productId}`;

export function distinct<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()];
}

export const stockJson = (key: StockKey) => ({
  merchant_id: key.merchantId,
  warehouse_id: key.warehouseId,
  product_id: key.productId,
});

/** Locks these rows in key order. A key without a row (nothing was ever there) is absent from the map. */
export async function lockStockBalances(
  tx: Tx,
  keys: readonly StockKey[],
): Promise<Map<string, StockBalance>> {
  if (keys.length === 0) return new Map();
  const wanted = distinct(keys, stockKey);
  const rows = await tx.rows<{
    merchant_id: string;
    warehouse_id: string;
    product_id: string;
    on_hand: number;
    held: number;
    reserved: number;
  }>({
    name: 'stock-lock',
    text: `
select b.merchant_id, b.warehouse_id, b.product_id, b.on_hand, b.held, b.reserved
from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as k(merchant_id, warehouse_id, product_id)
join stock_balance b using (merchant_id, warehouse_id, product_id)
order by b.merchant_id, b.warehouse_id, b.product_id
for no key update of b`,
    values: [
      wanted.map((key) => key.merchantId),
      wanted.map((key) => key.warehouseId),
      wanted.map((key) => key.productId),
    ],
  });
  return new Map(
    rows.map((row) => [
      stockKey({ merchantId: row.merchant_id, warehouseId: row.warehouse_id, productId: row.product_id }),
      { onHand: row.on_hand, held: row.held, reserved: row.reserved },
    ]),
  );
}

/** Like `lockStockBalances`, but a key without a row gets one of zeros first. */
export async function lockOrCreateStockBalances(
  tx: Tx,
  keys: readonly StockKey[],
): Promise<Map<string, StockBalance>> {
  const locked = await lockStockBalances(tx, keys);
  const missing = distinct(keys, stockKey).filter((key) => !locked.has(stockKey(key)));
  if (missing.length === 0) return locked;
  await tx.run({
    name: 'stock-create',
    text: `
insert into stock_balance (merchant_id, warehouse_id, product_id)
select merchant_id, warehouse_id, product_id
from json_to_recordset($1) as k(merchant_id uuid, warehouse_id uuid, product_id uuid)
order by 1, 2, 3 on conflict do nothing`,
    values: [JSON.stringify(missing.map(stockJson))],
  });
  return lockStockBalances(tx, keys);
}

export interface StockDelta extends StockKey {
  readonly onHand: number;
  readonly held: number;
  readonly reserved: number;
}

/** One set UPDATE of balances locked before; a key may come several times. */
export async function addToStock(tx: Tx, deltas: readonly StockDelta[]): Promise<void> {
  const moving = deltas.filter((delta) => delta.onHand !== 0 || delta.held !== 0 || delta.reserved !== 0);
  if (moving.length === 0) return;
  await tx.run({
    name: 'stock-add',
    text: `
update stock_balance b
set on_hand = b.on_hand + d.on_hand, held = b.held + d.held, reserved = b.reserved + d.reserved
from (select merchant_id, warehouse_id, product_id, sum(on_hand) as on_hand, sum(held) as held, sum(reserved) as reserved
  from json_to_recordset($1) as d(merchant_id uuid, warehouse_id uuid, product_id uuid, on_hand integer, held integer,
    reserved integer) group by 1, 2, 3) d
where b.merchant_id = d.merchant_id and b.warehouse_id = d.warehouse_id and b.product_id = d.product_id`,
    values: [
      JSON.stringify(
        moving.map((delta) => ({
          ...stockJson(delta),
          on_hand: delta.onHand,
          held: delta.held,
          reserved: delta.reserved,
        })),
      ),
    ],
  });
}

/** Adds to what is reserved, of rows locked before. `delta` in base units, negative to give back. */
export function addReserved(
  tx: Tx,
  deltas: readonly (StockKey & { readonly delta: number })[],
): Promise<void> {
  return addToStock(
    tx,
    deltas.map((each) => ({ ...each, onHand: 0, held: 0, reserved: each.delta })),
  );
}
