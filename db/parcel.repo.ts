/** Parcels, from the first unit that is put into the carton to the scan at the door. */
import { uuidv7 } from 'uuidv7';
import type { Tx } from './client';

interface Part {
  readonly merchantId: string;
  readonly orderId: string;
  readonly fulfilmentOrderId: string;
}

export interface PackedLine {
  readonly fulfilmentOrderLineId: string;
  readonly productId: string;
  readonly quantity: number;
}

/** The carton that is being filled, made when there is none. The task is locked, so there is one. */
export async function openParcel(tx: Tx, part: Part, at: Date): Promise<string> {
  const [open] = await tx.rows<{ id: string }>({
    name: 'parcel-open',
    text: `select id from parcel where merchant_id = $1 and fulfilment_order_id = $2 and state = 'open'`,
    values: [part.merchantId, part.fulfilmentOrderId],
  });
  if (open) return open.id;
  const id = uuidv7();
  await tx.run({
    name: 'parcel-insert',
    text: `insert into parcel (id, merchant_id, order_id, fulfilment_order_id, number, state_since)
      select $1, $2::uuid, $3, $4::uuid, coalesce(max(number), 0) + 1, $5
      from parcel where merchant_id = $2::uuid and fulfilment_order_id = $4::uuid`,
    values: [id, part.merchantId, part.orderId, part.fulfilmentOrderId, at],
  });
  return id;
}

/** Puts units into the parcel. */
export async function addToParcel(
  tx: Tx,
  merchantId: string,
  parcelId: string,
  lines: readonly PackedLine[],
): Promise<void> {
  await tx.run({
    name: 'parcel-line-add',
    text: `insert into parcel_line (merchant_id, parcel_id, fulfilment_order_line_id, product_id, quantity)
      select $1, $2, line_id, product_id, sum(quantity)
      from json_to_recordset($3) as l(line_id uuid, product_id uuid, quantity integer) group by 3, 4
      on conflict (merchant_id, parcel_id, fulfilment_order_line_id)
        do update set quantity = parcel_line.quantity + excluded.quantity`,
    values: [
      merchantId,
      parcelId,
      JSON.stringify(
        lines.map((line) => ({
          line_id: line.fulfilmentOrderLineId,
          product_id: line.productId,
          quantity: line.quantity,
        })),
      ),
    ],
  });
}

export interface FilledParcel {
  readonly parcelId: string;
  readonly number: number;
  /** Units of each line with the weight of one, null when nobody has weighed it. */
  readonly lines: readonly {
    readonly sku: string;
    readonly quantity: number;
    readonly weightGrams: number | null;
  }[];
}

/** The parcel that is being filled; null when nothing is in one. */
export async function readFilledParcel(
  tx: Tx,
  merchantId: string,
  fulfilmentOrderId: string,
): Promise<FilledParcel | null> {
  const [row] = await tx.rows<FilledParcel>({
    name: 'parcel-filled',
    text: `
select p.id as "parcelId", p.number, json_agg(json_build_object('sku', g.sku, 'quantity', l.quantity,
  'weightGrams', nullif(g.weight_grams, 0))) as lines
from parcel p
join parcel_line l on l.merchant_id = p.merchant_id and l.parcel_id = p.id
join product g on g.merchant_id = l.merchant_id and g.id = l.product_id
where p.merchant_id = $1 and p.fulfilment_order_id = $2 and p.state = 'open' group by p.id, p.number`,
    values: [merchantId, fulfilmentOrderId],
  });
  return row ?? null;
}

export interface CartonRow {
  readonly cartonId: string;
  readonly code: string;
  readonly lengthMm: number;
  readonly widthMm: number;
  readonly heightMm: number;
  readonly tareGrams: number;
  readonly maxGrams: number;
}

/** The merchant's cartons in use. */
export function readCartons(tx: Tx, merchantId: string): Promise<CartonRow[]> {
  return tx.rows<CartonRow>({
    name: 'cartons',
    text: `select id as "cartonId", code, length_mm as "lengthMm", width_mm as "widthMm", height_mm as "heightMm",
        tare_grams as "tareGrams", max_grams as "maxGrams"
      from carton where merchant_id = $1 and archived_at is null order by code`,
    values: [merchantId],
  });
}

export interface ParcelMeasures {
  readonly cartonId: string | null;
  readonly weightGrams: number;
  readonly lengthMm: number;
  readonly widthMm: number;
  readonly heightMm: number;
}

export async function packParcel(
  tx: Tx,
  merchantId: string,
  parcelId: string,
  measures: ParcelMeasures,
  at: Date,
): Promise<void> {
  await tx.run({
    name: 'parcel-pack',
    text: `update parcel set state = 'packed', state_since = $3, carton_id = $4, weight_grams = $5, length_mm = $6,
        width_mm = $7, height_mm = $8
      where merchant_id = $1 and id = $2 and state = 'open'`,
    values: [
      merchantId,
      parcelId,
      at,
      measures.cartonId,
      measures.weightGrams,
      measures.lengthMm,
      measures.widthMm,
      measures.heightMm,
    ],
  });
}
