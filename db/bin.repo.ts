/**
 * What lies in each bin, by lot, and how much of it is promised to reservations. Locked after the
 * `stock_balance` rows of the same warehouse and product (stock.repo says why), in the order of keys.
 */
import type { Tx } from './client';
import { distinct, type StockKey, stockJson, stockKey } from './stock.repo';

export interface BinKey {
  readonly merchantId: string;
  readonly locationId: string;
  readonly productId: string;
  readonly lotCode: string;
}

export interface Bin extends BinKey {
  readonly warehouseId: string;
  readonly locationCode: string;
  readonly locationKind: string;
  readonly aisle: number | null;
  readonly bay: number | null;
  readonly level: number | null;
  /** 'YYYY-MM-DD', null without a lot or for a lot that keeps. */
  readonly expiresOn: string | null;
  readonly lotHeld: boolean;
  readonly onHand: number;
  readonly allocated: number;
}

export const binKey = (key: BinKey) => `${key.merchantId}/${key.locationId}/${key.productId}/${key.lotCode}`;
const binJson = (key: BinKey) => ({
  merchant_id: key.merchantId,
  location_id: key.locationId,
  product_id: key.productId,
  lot_code: key.lotCode,
});

interface BinRow {
  merchant_id: string;
  location_id: string;
  product_id: string;
  lot_code: string;
  warehouse_id: string;
  code: string;
  kind: string;
  aisle: number | null;
  bay: number | null;
  level: number | null;
  expires_on: string | null;
  lot_held: boolean;
  on_hand: number;
  allocated: number;
}

const BIN_COLUMNS = `b.merchant_id, b.location_id, b.product_id, b.lot_code, b.warehouse_id, p.code, p.kind, p.aisle,
  p.bay, p.level, l.expires_on, coalesce(l.held, false) as lot_held, b.on_hand, b.allocated`;
const BIN_JOINS = `join location p on p.id = b.location_id
left join lot l on l.merchant_id = b.merchant_id and l.product_id = b.product_id and l.code = b.lot_code
order by b.merchant_id, b.location_id, b.product_id, b.lot_code
for no key update of b`;

const toBin = (row: BinRow): Bin => ({
  merchantId: row.merchant_id,
  locationId: row.location_id,
  productId: row.product_id,
  lotCode: row.lot_code,
  warehouseId: row.warehouse_id,
  locationCode: row.code,
  locationKind: row.kind,
  aisle: row.aisle,
  bay: row.bay,
  level: row.level,
  expiresOn: row.expires_on,
  lotHeld: row.lot_held,
  onHand: row.on_hand,
  allocated: row.allocated,
});

/** Locks every bin that holds something of these products in these warehouses, empty ones left out. */
export async function lockBins(tx: Tx, keys: readonly StockKey[]): Promise<Bin[]> {
  if (keys.length === 0) return [];
  const rows = await tx.rows<BinRow>({
    name: 'bin-lock-products',
    text: `
select ${BIN_COLUMNS}
from json_to_recordset($1) as k(merchant_id uuid, warehouse_id uuid, product_id uuid)
join bin_balance b on b.merchant_id = k.merchant_id and b.warehouse_id = k.warehouse_id
  and b.product_id = k.product_id and b.on_hand > 0
${BIN_JOINS}`,
    values: [JSON.stringify(distinct(keys, stockKey).map(stockJson))],
  });
  return rows.map(toBin);
}

/** Locks exactly these bins; one that never held anything gets a row of zeros first. */
export async function lockOrCreateBins(
  tx: Tx,
  keys: readonly (BinKey & { readonly warehouseId: string })[],
): Promise<Map<string, Bin>> {
  const wanted = distinct(keys, binKey);
  if (wanted.length === 0) return new Map();
  const lock = async () => {
    const rows = await tx.rows<BinRow>({
      name: 'bin-lock',
      text: `
select ${BIN_COLUMNS}
from json_to_recordset($1) as k(merchant_id uuid, location_id uuid, product_id uuid, lot_code text)
join bin_balance b using (merchant_id, location_id, product_id, lot_code)
${BIN_JOINS}`,
      values: [JSON.stringify(wanted.map(binJson))],
    });
    return new Map(rows.map((row) => toBin(row)).map((bin) => [binKey(bin), bin]));
  };
  const locked = await lock();
  const missing = wanted.filter((key) => !locked.has(binKey(key)));
  if (missing.length === 0) return locked;
  await tx.run({
    name: 'bin-create',
    text: `
insert into bin_balance (merchant_id, location_id, product_id, lot_code, warehouse_id)
select merchant_id, location_id, product_id, lot_code, warehouse_id
from json_to_recordset($1) as k(merchant_id uuid, location_id uuid, product_id uuid, lot_code text, warehouse_id uuid)
order by 1, 2, 3, 4 on conflict do nothing`,
    values: [JSON.stringify(missing.map((key) => ({ ...binJson(key), warehouse_id: key.warehouseId })))],
  });
  return lock();
}

export interface BinDelta extends BinKey {
  readonly onHand: number;
  readonly allocated: number;
}

/** One set UPDATE of bins locked before; a key may come several times. Whoever counts there sees that goods moved. */
export async function addToBins(tx: Tx, deltas: readonly BinDelta[]): Promise<void> {
  const moving = deltas.filter((delta) => delta.onHand !== 0 || delta.allocated !== 0);
  if (moving.length === 0) return;
  await tx.run({
    name: 'bin-add',
    text: `
update bin_balance b
set on_hand = b.on_hand + d.on_hand, allocated = b.allocated + d.allocated, moved = b.moved + d.moved
from (select merchant_id, location_id, product_id, lot_code, sum(on_hand) as on_hand, sum(allocated) as allocated,
    count(*) filter (where on_hand <> 0) as moved
  from json_to_recordset($1) as d(merchant_id uuid, location_id uuid, product_id uuid, lot_code text, on_hand integer,
    allocated integer) group by 1, 2, 3, 4) d
where b.merchant_id = d.merchant_id and b.location_id = d.location_id and b.product_id = d.product_id
  and b.lot_code = d.lot_code`,
    values: [
      JSON.stringify(
        moving.map((delta) => ({ ...binJson(delta), on_hand: delta.onHand, allocated: delta.allocated })),
      ),
    ],
  });
}

/** Adds to what is allocated, of bins locked before. `delta` in base units, negative to give back. */
export function addAllocated(
  tx: Tx,
  deltas: readonly (BinKey & { readonly delta: number })[],
): Promise<void> {
  return addToBins(
    tx,
    deltas.map((each) => ({ ...each, onHand: 0, allocated: each.delta })),
  );
}
