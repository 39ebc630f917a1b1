/**
 * Lots and what holds them. `lot.held` changes only under the `stock_balance` locks of its product in
 * every warehouse that may have it, so who posts or plans there sees it before or after, never during.
 */
import { uuidv7 } from 'uuidv7';
import type { Tx } from './client';
import type { StockKey } from './stock.repo';

export interface LotKey {
  readonly merchantId: string;
  readonly productId: string;
  readonly lotCode: string;
}

export type HoldKind = 'recall' | 'expiry';

/**
 * A lot's date is past for the merchant as soon as it is on the calendar of the warehouse where the day
 * begins first: a few hours too early elsewhere, too late nowhere. `$1` is the merchant.
 */
const TODAY = `(select coalesce(max((business_now($1) at time zone w.time_zone)::date), (business_now($1) at time zone 'UTC')::date)
  from merchant_warehouse mw join warehouse w on w.id = mw.warehouse_id where mw.merchant_id = $1)`;

/** Every warehouse where the product is or may come to. */
export function lotStockKeys(tx: Tx, merchantId: string, productId: string): Promise<StockKey[]> {
  return tx.rows<StockKey>({
    text: `
select merchant_id as "merchantId", warehouse_id as "warehouseId", $2::uuid as "productId" from merchant_warehouse where merchant_id = $1
union
select merchant_id, warehouse_id, product_id from stock_balance where merchant_id = $1 and product_id = $2`,
    values: [merchantId, productId],
  });
}

export interface LotRow {
  readonly expiresOn: string | null;
  readonly held: boolean;
  /** Its date is past. */
  readonly expired: boolean;
}

/** The lot, made known when it is not: one may be recalled before it comes. */
export async function findOrMakeLot(tx: Tx, { merchantId, productId, lotCode }: LotKey): Promise<LotRow> {
  const values = [merchantId, productId, lotCode];
  await tx.run({
    text: 'insert into lot (merchant_id, product_id, code) values ($1, $2, $3) on conflict do nothing',
    values,
  });
  return (await findLot(tx, { merchantId, productId, lotCode })) as LotRow;
}

export async function findLot(tx: Tx, { merchantId, productId, lotCode }: LotKey): Promise<LotRow | null> {
  const [row] = await tx.rows<LotRow>({
    text: `select expires_on as "expiresOn", held, coalesce(expires_on < ${TODAY}, false) as expired
      from lot where merchant_id = $1 and product_id = $2 and code = $3`,
    values: [merchantId, productId, lotCode],
  });
  return row ?? null;
}

export interface HoldRow extends LotKey {
  readonly id: string;
  readonly kind: HoldKind;
  readonly placedAt: Date;
  readonly liftedAt: Date | null;
}

const HOLD = `id, merchant_id as "merchantId", product_id as "productId", lot_code as "lotCode", kind,
  placed_at as "placedAt", lifted_at as "liftedAt"`;

export function activeHolds(tx: Tx, { merchantId, productId, lotCode }: LotKey): Promise<HoldRow[]> {
  return tx.rows<HoldRow>({
    text: `select ${HOLD} from lot_hold
      where merchant_id = $1 and product_id = $2 and lot_code = $3 and lifted_at is null order by kind`,
    values: [merchantId, productId, lotCode],
  });
}

/** Places a hold and marks the lot. Returns the hold's id. */
export async function insertHold(
  tx: Tx,
  lot: LotKey,
  hold: { readonly kind: HoldKind; readonly reason: string; readonly actor: string; readonly at: Date },
): Promise<string> {
  const id = uuidv7();
  await tx.run({
    text: `
with h as (
  insert into lot_hold (id, merchant_id, product_id, lot_code, kind, reason, placed_by, placed_at)
  values ($4, $1, $2, $3, $5, $6, $7, $8)
)
update lot set held = true where merchant_id = $1 and product_id = $2 and code = $3`,
    values: [lot.merchantId, lot.productId, lot.lotCode, id, hold.kind, hold.reason, hold.actor, hold.at],
  });
  return id;
}

/** Ends a hold; the lot stays held while another one is active. */
export async function endHold(
  tx: Tx,
  hold: HoldRow,
  lift: { readonly reason: string; readonly actor: string; readonly at: Date },
): Promise<void> {
  await tx.run({
    text: `update lot_hold set lifted_at = $3, lifted_by = $4, lift_reason = $5
      where merchant_id = $1 and id = $2 and lifted_at is null`,
    values: [hold.merchantId, hold.id, lift.at, lift.actor, lift.reason],
  });
  await tx.run({
    text: `update lot l set held = exists (select from lot_hold h where h.merchant_id = l.merchant_id
        and h.product_id = l.product_id and h.lot_code = l.code and h.lifted_at is null)
      where merchant_id = $1 and product_id = $2 and code = $3`,
    values: [hold.merchantId, hold.productId, hold.lotCode],
  });
}

export async function setLotDate(tx: Tx, lot: LotKey, expiresOn: string | null): Promise<void> {
  await tx.run({
    text: 'update lot set expires_on = $4 where merchant_id = $1 and product_id = $2 and code = $3',
    values: [lot.merchantId, lot.productId, lot.lotCode, expiresOn],
  });
}

/** Makes lots known; one that is known keeps its date. One that comes past its date is held from the first. */
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
    text: `
with made as (
  insert into lot (merchant_id, product_id, code, expires_on, held)
  select $1, product_id, code, expires_on, coalesce(expires_on < ${TODAY}, false)
  from json_to_recordset($2) as l(product_id uuid, code text, expires_on date)
  order by 2, 3 on conflict do nothing returning *
)
insert into lot_hold (id, merchant_id, product_id, lot_code, kind, reason, placed_by, placed_at)
select gen_random_uuid(), merchant_id, product_id, code, 'expiry', 'past its date when it came', 'system', business_now($1)
from made where held`,
    values: [
      merchantId,
      JSON.stringify(
        lots.map((lot) => ({ product_id: lot.productId, code: lot.lotCode, expires_on: lot.expiresOn })),
      ),
    ],
  });
}

/** The merchant's lots whose date is past and that nothing holds yet. */
export function lotsPastDate(tx: Tx, merchantId: string, limit: number): Promise<LotKey[]> {
  return tx.rows<LotKey>({
    text: `select merchant_id as "merchantId", product_id as "productId", code as "lotCode" from lot
      where merchant_id = $1 and not held and expires_on < ${TODAY} order by expires_on, 2, 3 limit $2`,
    values: [merchantId, limit],
  });
}

/**
 * Merchants with a lot whose date is past somewhere on Earth (days begin at UTC+14) and that nothing
 * holds yet. As the system role.
 */
export async function merchantsWithOldLots(tx: Tx): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>({
    name: 'lots-old',
    text: `select distinct l.merchant_id as id from lot l join merchant m on m.id = l.merchant_id
      where l.expires_on < (coalesce(m.business_now, now()) at time zone 'Pacific/Kiritimati')::date and not l.held`,
  });
  return rows.map(({ id }) => id);
}
