/** Places inside a warehouse, as the API lists and makes them. */
import type { Tx } from './client';

export interface LocationRow {
  readonly id: string;
  readonly warehouse_id: string;
  readonly code: string;
  readonly zone: string | null;
  readonly kind: string;
  readonly aisle: number | null;
  readonly bay: number | null;
  readonly level: number | null;
  readonly archived_at: Date | null;
}

const COLUMNS = 'id, warehouse_id, code, zone, kind, aisle, bay, level, archived_at';

export function listLocations(
  tx: Tx,
  warehouseId: string,
  filter: { readonly kind?: string | undefined; readonly code?: string | undefined },
  afterCode: string | null,
  limit: number,
): Promise<LocationRow[]> {
  return tx.rows<LocationRow>({
    text: `select ${COLUMNS} from location where warehouse_id = $1 and ($2::text is null or kind = $2)
      and ($3::text is null or code = $3) and ($4::text is null or code > $4) order by code limit $5`,
    values: [warehouseId, filter.kind ?? null, filter.code ?? null, afterCode, limit],
  });
}

export interface NewLocationRow {
  readonly id: string;
  readonly organisationId: string;
  readonly warehouseId: string;
  readonly code: string;
  readonly zone: string | null;
  readonly kind: string;
  readonly aisle: number | null;
  readonly bay: number | null;
  readonly level: number | null;
}

/** Null when the warehouse has a place of this code. */
export async function insertLocation(tx: Tx, location: NewLocationRow): Promise<LocationRow | null> {
  const [row] = await tx.rows<LocationRow>({
    text: `insert into location (id, organisation_id, warehouse_id, code, zone, kind, aisle, bay, level)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
      on conflict (organisation_id, warehouse_id, code) where warehouse_id is not null do nothing returning ${COLUMNS}`,
    values: [
      location.id,
      location.organisationId,
      location.warehouseId,
      location.code,
      location.zone,
      location.kind,
      location.aisle,
      location.bay,
      location.level,
    ],
  });
  return row ?? null;
}
