/** Where goods are: the places that a movement goes from and to. */
import { uuidv7 } from 'uuidv7';
import type { Tx } from './client';

export interface Place {
  readonly id: string;
  /** null for the virtual ends: supplier, customer, adjustment, transit, assembly. */
  readonly warehouseId: string | null;
  readonly kind: string;
  readonly code: string;
}

const COLUMNS = 'id, warehouse_id as "warehouseId", kind, code';

/** Places by id; those that this transaction may not see are absent. */
export async function readPlaces(tx: Tx, locationIds: readonly string[]): Promise<Map<string, Place>> {
  if (locationIds.length === 0) return new Map();
  const rows = await tx.rows<Place>({
    name: 'places',
    text: `select ${COLUMNS} from location where id = any($1::uuid[])`,
    values: [[...new Set(locationIds)]],
  });
  return new Map(rows.map((row) => [row.id, row]));
}

/** Places of a warehouse by id or code; an archived one takes nothing new and is not found. */
export function findPlaces(
  tx: Tx,
  warehouseId: string,
  by: { readonly ids: readonly string[]; readonly codes: readonly string[] },
): Promise<Place[]> {
  return tx.rows<Place>({
    text: `select ${COLUMNS} from location
      where warehouse_id = $1 and archived_at is null and (id = any($2::uuid[]) or code = any($3::text[]))`,
    values: [warehouseId, by.ids, by.codes],
  });
}

/** The warehouse's first place of this kind by code, null when it has none. */
export async function placeOfKind(tx: Tx, warehouseId: string, kind: string): Promise<Place | null> {
  const [row] = await tx.rows<Place>({
    name: 'place-of-kind',
    text: `select ${COLUMNS} from location
      where warehouse_id = $1 and kind = $2 and archived_at is null order by code limit 1`,
    values: [warehouseId, kind],
  });
  return row ?? null;
}

/** The virtual end of movements from or to outside, or the road between warehouses, made when the organisation has none yet. */
export async function virtualPlace(
  tx: Tx,
  merchantId: string,
  kind: 'supplier' | 'customer' | 'adjustment' | 'transit' | 'assembly',
): Promise<string> {
  const find = () =>
    tx.rows<{ id: string }>({
      name: 'place-virtual',
      text: `select l.id from merchant m join location l on l.organisation_id = m.organisation_id
        where m.id = $1 and l.warehouse_id is null and l.kind = $2`,
      values: [merchantId, kind],
    });
  const [known] = await find();
  if (known) return known.id;
  await tx.run({
    text: `insert into location (id, organisation_id, code, kind)
      select $1, organisation_id, upper($3), $3 from merchant where id = $2 on conflict do nothing`,
    values: [uuidv7(), merchantId, kind],
  });
  const [made] = await find();
  return (made as { id: string }).id;
}

/** Whether this transaction may see the warehouse: foreign keys don't ask whose it is. */
export async function warehouseExists(tx: Tx, warehouseId: string): Promise<boolean> {
  const rows = await tx.rows({
    name: 'warehouse-exists',
    text: 'select from warehouse where id = $1',
    values: [warehouseId],
  });
  return rows.length === 1;
}
