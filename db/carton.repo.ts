/** Cartons that a merchant's parcels are packed in. */
import type { Tx } from './client';

export interface CartonRow {
  readonly id: string;
  readonly merchant_id: string;
  readonly code: string;
  readonly length_mm: number;
  readonly width_mm: number;
  readonly height_mm: number;
  readonly tare_grams: number;
  readonly max_grams: number;
  readonly cost_minor: bigint;
  readonly archived_at: Date | null;
}

const COLUMNS =
  'id, merchant_id, code, length_mm, width_mm, height_mm, tare_grams, max_grams, cost_minor, archived_at';

export interface NewCartonRow {
  readonly id: string;
  readonly merchantId: string;
  readonly code: string;
  readonly lengthMm: number;
  readonly widthMm: number;
  readonly heightMm: number;
  readonly tareGrams: number;
  readonly maxGrams: number;
  readonly costMinor: string;
}

/** Null when the merchant has a carton of this code. */
export async function insertCarton(tx: Tx, carton: NewCartonRow): Promise<CartonRow | null> {
  const [row] = await tx.rows<CartonRow>({
    text: `insert into carton (id, merchant_id, code, length_mm, width_mm, height_mm, tare_grams, max_grams, cost_minor)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (merchant_id, code) do nothing returning ${COLUMNS}`,
    values: [
      carton.id,
      carton.merchantId,
      carton.code,
      carton.lengthMm,
      carton.widthMm,
      carton.heightMm,
      carton.tareGrams,
      carton.maxGrams,
      carton.costMinor,
    ],
  });
  return row ?? null;
}

export function listCartons(
  tx: Tx,
  merchantIds: readonly string[],
  afterId: string | null,
  limit: number,
): Promise<CartonRow[]> {
  return tx.rows<CartonRow>({
    text: `select ${COLUMNS} from carton where merchant_id = any($1::uuid[]) and ($2::uuid is null or id > $2)
      order by id limit $3`,
    values: [merchantIds, afterId, limit],
  });
}

/** Retires a carton: nothing new is packed in it, what was keeps its facts. */
export async function archiveCarton(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
): Promise<CartonRow | null> {
  const [row] = await tx.rows<CartonRow>({
    text: `update carton set archived_at = coalesce(archived_at, now())
      where merchant_id = any($1::uuid[]) and id = $2 returning ${COLUMNS}`,
    values: [merchantIds, id],
  });
  return row ?? null;
}
