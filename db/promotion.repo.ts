/** The promotion calendar, and what a merchant says it costs to have stock. */
import type { CarryingRates } from '../domain/stock/carrying-cost';
import type { Tx } from './client';

export interface PromotionRow {
  readonly id: string;
  readonly merchantId: string;
  readonly name: string;
  readonly productId: string | null;
  readonly sku: string | null;
  /** 'YYYY-MM-DD', both included. */
  readonly from: string;
  readonly to: string;
}

const COLUMNS = `r.id, r.merchant_id as "merchantId", r.name, r.product_id as "productId", p.sku, r.from_day as "from", r.to_day as "to"`;
const JOINED = 'left join product p on p.merchant_id = r.merchant_id and p.id = r.product_id';

export async function insertPromotion(tx: Tx, promotion: Omit<PromotionRow, 'sku'>): Promise<PromotionRow> {
  const { id, merchantId, name, productId, from, to } = promotion;
  const [row] = await tx.rows<PromotionRow>({
    text: `with r as (
        insert into promotion (id, merchant_id, name, product_id, from_day, to_day) values ($1, $2, $3, $4, $5, $6) returning *
      ) select ${COLUMNS} from r ${JOINED}`,
    values: [id, merchantId, name, productId, from, to],
  });
  return row as PromotionRow;
}

export async function deletePromotion(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
): Promise<Omit<PromotionRow, 'sku'> | null> {
  const [row] = await tx.rows<Omit<PromotionRow, 'sku'>>({
    text: `delete from promotion r where r.merchant_id = any($1::uuid[]) and r.id = $2
      returning r.id, r.merchant_id as "merchantId", r.name, r.product_id as "productId", r.from_day as "from", r.to_day as "to"`,
    values: [merchantIds, id],
  });
  return row ?? null;
}

/** By id, from one on: the order in which they were made. */
export function listPromotions(
  tx: Tx,
  merchantIds: readonly string[],
  after: string | null,
  limit: number,
): Promise<PromotionRow[]> {
  return tx.rows<PromotionRow>({
    text: `select ${COLUMNS} from promotion r ${JOINED}
      where r.merchant_id = any($1::uuid[]) and ($2::uuid is null or r.id > $2) order by r.id limit $3`,
    values: [merchantIds, after, limit],
  });
}

/** Those that touch a span of days. */
export function promotionsWithin(
  tx: Tx,
  merchantId: string,
  from: string,
  to: string,
): Promise<{ readonly productId: string | null; readonly from: string; readonly to: string }[]> {
  return tx.rows({
    text: `select product_id as "productId", from_day as "from", to_day as "to" from promotion
      where merchant_id = $1 and to_day >= $2 and from_day <= $3`,
    values: [merchantId, from, to],
  });
}

/** null when nobody has said. */
export async function readCarryingRates(tx: Tx, merchantId: string): Promise<CarryingRates | null> {
  const [row] = await tx.rows<CarryingRates>({
    text: `select storage_per_cubic_metre_minor as "storagePerCubicMetreMinor", storage_per_unit_minor as "storagePerUnitMinor",
        insurance_basis_points as "insuranceBasisPoints", capital_basis_points as "capitalBasisPoints",
        obsolescence_basis_points as "obsolescenceBasisPoints"
      from carrying_rate where merchant_id = $1`,
    values: [merchantId],
  });
  return row ?? null;
}

export async function saveCarryingRates(tx: Tx, merchantId: string, rates: CarryingRates): Promise<void> {
  await tx.run({
    text: `insert into carrying_rate values ($1, $2, $3, $4, $5, $6)
      on conflict (merchant_id) do update set storage_per_cubic_metre_minor = excluded.storage_per_cubic_metre_minor,
        storage_per_unit_minor = excluded.storage_per_unit_minor, insurance_basis_points = excluded.insurance_basis_points,
        capital_basis_points = excluded.capital_basis_points, obsolescence_basis_points = excluded.obsolescence_basis_points`,
    values: [
      merchantId,
      rates.storagePerCubicMetreMinor,
      rates.storagePerUnitMinor,
      rates.insuranceBasisPoints,
      rates.capitalBasisPoints,
      rates.obsolescenceBasisPoints,
    ],
  });
}
