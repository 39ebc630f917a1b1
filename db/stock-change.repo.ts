/**
 * The log of changed balances, for those who follow it. A cursor is a snapshot of Postgres as text
 * (`xmin:xmax:xip`): a read gives what became visible since that snapshot and the one it was made in, so
 * a transaction that committed late is neither missed nor given twice, and nobody waits for the longest
 * one that is still running. Rows older than the purge are gone; a cursor from before it is too old.
 */
import type { Tx } from './client';
import type { StockLevelRow } from './stock-read.repo';

/**
 * How long the log is kept, in seconds. A follower that was away for longer looks at everything instead,
 * which after a quarter of an hour at 2,000 changes a second is also the cheaper way.
 */
export const STOCK_CHANGES_KEPT_S = 900;

export interface ChangedProduct {
  readonly merchantId: string;
  readonly productId: string;
  readonly changes: number;
  /** Milliseconds since the epoch, of the oldest. */
  readonly since: number;
}

export interface ChangesSince {
  readonly cursor: string;
  readonly products: readonly ChangedProduct[];
}

/** Where a follower begins that has no past. */
export async function presentCursor(tx: Tx): Promise<string> {
  const [row] = await tx.rows<{ cursor: string }>({ text: 'select pg_current_snapshot()::text as cursor' });
  return (row as { cursor: string }).cursor;
}

/** Products whose stock, or whose listings, changed since the cursor, of every merchant. Run as the system role. */
export async function changedProducts(tx: Tx, cursor: string): Promise<ChangesSince> {
  const [row] = await tx.rows<{ cursor: string; products: [string, string, number, number][] | null }>({
    name: 'stock-change-products',
    text: `
select pg_current_snapshot()::text as cursor, (
  select json_agg(json_build_array(merchant_id, product_id, changes, since)) from (
    select merchant_id, product_id, count(*)::integer as changes, floor(extract(epoch from min(at)) * 1000)::bigint as since
    from stock_change where xid >= pg_snapshot_xmin($1::pg_snapshot) and not pg_visible_in_snapshot(xid, $1::pg_snapshot)
    group by merchant_id, product_id
  ) changed
) as products`,
    values: [cursor],
  });
  const { cursor: next, products } = row as NonNullable<typeof row>;
  return {
    cursor: next,
    products: (products ?? []).map(([merchantId, productId, changes, since]) => ({
      merchantId,
      productId,
      changes,
      since,
    })),
  };
}

export interface ChangedLevels {
  readonly cursor: string;
  readonly levels: readonly (StockLevelRow & { readonly at: string })[];
}

/**
 * Balances that changed since the cursor, as they are now, of the merchants that the transaction sees.
 * @returns null when the cursor is not one of this database.
 */
export async function changedLevels(
  tx: Tx,
  merchantIds: readonly string[],
  cursor: string,
  sku: string | null,
): Promise<ChangedLevels | null> {
  const [row] = await tx.rows<{ cursor: string; known: boolean; levels: ChangedLevels['levels'] }>({
    name: 'stock-change-levels',
    text: `
select pg_current_snapshot()::text as cursor, pg_snapshot_xmax($2::pg_snapshot) <= pg_snapshot_xmax(pg_current_snapshot()) as known,
  coalesce((select json_agg(level) from (
    select b.merchant_id, b.warehouse_id, w.code as warehouse_code, b.product_id, p.sku, b.on_hand, b.held, b.reserved, c.at
    from (
      select merchant_id, warehouse_id, product_id, max(at) as at from stock_change
      where xid >= pg_snapshot_xmin($2::pg_snapshot) and not pg_visible_in_snapshot(xid, $2::pg_snapshot)
        and warehouse_id is not null and merchant_id = any($1::uuid[])
      group by 1, 2, 3
    ) c
    join stock_balance b using (merchant_id, warehouse_id, product_id)
    join product p on p.merchant_id = b.merchant_id and p.id = b.product_id
    join warehouse w on w.id = b.warehouse_id
    where $3::text is null or p.sku = $3
    order by c.at
  ) level), '[]') as levels`,
    values: [merchantIds, cursor, sku],
  });
  if (row === undefined || !row.known) return null;
  return { cursor: row.cursor, levels: row.levels };
}

/** Removes what nobody needs any more, at most `limit` rows. Run as the system role. */
export function purgeStockChanges(tx: Tx, limit: number): Promise<number> {
  return tx.run({
    text: `delete from stock_change where ctid = any(array(
      select ctid from stock_change where at < now() - $1 * interval '1 second' limit $2))`,
    values: [STOCK_CHANGES_KEPT_S, limit],
  });
}
