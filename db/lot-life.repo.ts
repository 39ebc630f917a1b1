/** How long goods last: units of dated lots that are free to promise, and the rules on what must be left. */
import type { Tx } from './client';
import { distinct, type StockKey, stockJson, stockKey } from './stock.repo';

export interface DatedLot extends StockKey {
  /** 'YYYY-MM-DD', its last good day. */
  readonly expiresOn: string;
  /** On hand, not allocated, in places that are picked from. */
  readonly free: number;
}

/**
 * Free units by warehouse, product and date, without the lots that are held; what has no date is left
 * out. Read under the `stock_balance` locks of these keys, it stays true.
 */
export function readDatedLots(tx: Tx, keys: readonly StockKey[]): Promise<DatedLot[]> {
  if (keys.length === 0) return Promise.resolve([]);
  return tx.rows<DatedLot>({
    name: 'lots-dated',
    text: `
select k.merchant_id as "merchantId", k.warehouse_id as "warehouseId", k.product_id as "productId",
  l.expires_on as "expiresOn", sum(b.on_hand - b.allocated)::int as free
from json_to_recordset($1) as k(merchant_id uuid, warehouse_id uuid, product_id uuid)
join lot l on l.merchant_id = k.merchant_id and l.product_id = k.product_id and l.expires_on is not null and not l.held
join bin_balance b on b.merchant_id = k.merchant_id and b.warehouse_id = k.warehouse_id and b.product_id = k.product_id
  and b.lot_code = l.code and b.on_hand > b.allocated
join location p on p.id = b.location_id and p.kind not in ('dock', 'quarantine', 'damaged')
group by 1, 2, 3, 4 order by 1, 2, 3, 4`,
    values: [JSON.stringify(distinct(keys, stockKey).map(stockJson))],
  });
}

/**
 * First date that a lot of `k` may carry for whoever nothing is known of: not past on the warehouse's own
 * calendar, and as far from it as the rules want that are for every channel and customer.
 */
const SOONEST = `((business_now(k.merchant_id) at time zone w.time_zone)::date + coalesce((
  select max(r.min_days) from shelf_life_rule r where r.merchant_id = k.merchant_id and r.connection_id is null
    and r.customer_id is null and (r.product_id is null or r.product_id = k.product_id)), 0))`;

/** Free units that are too old to be promised to just anybody. Read under the `stock_balance` locks of these keys. */
export function readTooOld(
  tx: Tx,
  keys: readonly StockKey[],
): Promise<(StockKey & { readonly units: number })[]> {
  if (keys.length === 0) return Promise.resolve([]);
  return tx.rows({
    name: 'lots-too-old',
    text: `
select k.merchant_id as "merchantId", k.warehouse_id as "warehouseId", k.product_id as "productId",
  sum(b.on_hand - b.allocated)::int as units
from json_to_recordset($1) as k(merchant_id uuid, warehouse_id uuid, product_id uuid)
join warehouse w on w.id = k.warehouse_id
join lot l on l.merchant_id = k.merchant_id and l.product_id = k.product_id and l.expires_on < ${SOONEST} and not l.held
join bin_balance b on b.merchant_id = k.merchant_id and b.warehouse_id = k.warehouse_id and b.product_id = k.product_id
  and b.lot_code = l.code and b.on_hand > b.allocated
join location p on p.id = b.location_id and p.kind not in ('dock', 'quarantine', 'damaged')
group by 1, 2, 3`,
    values: [JSON.stringify(distinct(keys, stockKey).map(stockJson))],
  });
}

/** First date that a lot may carry for whoever nothing is known of, 'YYYY-MM-DD'. */
export function readSoonestDates(
  tx: Tx,
  keys: readonly StockKey[],
): Promise<(StockKey & { readonly soonest: string })[]> {
  if (keys.length === 0) return Promise.resolve([]);
  return tx.rows({
    name: 'lots-soonest',
    text: `
select k.merchant_id as "merchantId", k.warehouse_id as "warehouseId", k.product_id as "productId", ${SOONEST} as soonest
from json_to_recordset($1) as k(merchant_id uuid, warehouse_id uuid, product_id uuid)
join warehouse w on w.id = k.warehouse_id`,
    values: [JSON.stringify(distinct(keys, stockKey).map(stockJson))],
  });
}

export interface ShelfLifeRule {
  readonly merchantId: string;
  /** null: any. */
  readonly connectionId: string | null;
  readonly customerId: string | null;
  readonly productId: string | null;
  readonly minDays: number;
}

export function readShelfLifeRules(tx: Tx, merchantIds: readonly string[]): Promise<ShelfLifeRule[]> {
  return tx.rows<ShelfLifeRule>({
    name: 'shelf-life-rules',
    text: `select merchant_id as "merchantId", connection_id as "connectionId", customer_id as "customerId",
        product_id as "productId", min_days as "minDays"
      from shelf_life_rule where merchant_id = any($1::uuid[])`,
    values: [merchantIds],
  });
}

export interface ShelfLifeRuleRow extends ShelfLifeRule {
  readonly id: string;
  readonly createdAt: Date;
}

const RULE = `id, merchant_id as "merchantId", connection_id as "connectionId", customer_id as "customerId",
  product_id as "productId", min_days as "minDays", created_at as "createdAt"`;

export function listShelfLifeRules(
  tx: Tx,
  merchantIds: readonly string[],
  afterId: string | null,
  limit: number,
): Promise<ShelfLifeRuleRow[]> {
  return tx.rows<ShelfLifeRuleRow>({
    text: `select ${RULE} from shelf_life_rule where merchant_id = any($1::uuid[]) and ($2::uuid is null or id > $2)
      order by id limit $3`,
    values: [merchantIds, afterId, limit],
  });
}

/** Null when there is a rule for the same channel, customer and product. */
export async function insertShelfLifeRule(
  tx: Tx,
  rule: ShelfLifeRule & { readonly id: string },
): Promise<ShelfLifeRuleRow | null> {
  const [row] = await tx.rows<ShelfLifeRuleRow>({
    text: `insert into shelf_life_rule (id, merchant_id, connection_id, customer_id, product_id, min_days)
      values ($1, $2, $3, $4, $5, $6) on conflict do nothing returning ${RULE}`,
    values: [rule.id, rule.merchantId, rule.connectionId, rule.customerId, rule.productId, rule.minDays],
  });
  return row ?? null;
}

export async function deleteShelfLifeRule(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
): Promise<ShelfLifeRuleRow | null> {
  const [row] = await tx.rows<ShelfLifeRuleRow>({
    text: `delete from shelf_life_rule where merchant_id = any($1::uuid[]) and id = $2 returning ${RULE}`,
    values: [merchantIds, id],
  });
  return row ?? null;
}
