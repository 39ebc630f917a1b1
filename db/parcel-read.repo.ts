/** Parcels and their labels, for reading. */
import type { Tx } from './client';

export interface ParcelRow {
  readonly id: string;
  readonly merchant_id: string;
  readonly order_id: string;
  readonly fulfilment_order_id: string;
  readonly number: number;
  readonly state: string;
  readonly state_since: Date;
  readonly weight_grams: number | null;
  readonly length_mm: number | null;
  readonly width_mm: number | null;
  readonly height_mm: number | null;
  readonly carrier: string | null;
  readonly service: string | null;
  readonly tracking_number: string | null;
  readonly promised_at: Date | null;
  readonly shipped_at: Date | null;
  readonly delivered_at: Date | null;
}

const COLUMNS = `id, merchant_id, order_id, fulfilment_order_id, number, state, state_since, weight_grams, length_mm,
  width_mm, height_mm, carrier, service, tracking_number, promised_at, shipped_at, delivered_at`;

export interface ParcelFilter {
  readonly orderId?: string | undefined;
  readonly trackingNumber?: string | undefined;
  readonly state?: string | undefined;
}

export function listParcels(
  tx: Tx,
  merchantIds: readonly string[],
  filter: ParcelFilter,
  afterId: string | null,
  limit: number,
): Promise<ParcelRow[]> {
  return tx.rows<ParcelRow>({
    text: `select ${COLUMNS} from parcel where merchant_id = any($1::uuid[]) and ($2::uuid is null or order_id = $2)
      and ($3::text is null or tracking_number = $3) and ($4::text is null or state = $4)
      and ($5::uuid is null or id > $5) order by id limit $6`,
    values: [
      merchantIds,
      filter.orderId ?? null,
      filter.trackingNumber ?? null,
      filter.state ?? null,
      afterId,
      limit,
    ],
  });
}

export async function findParcel(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
): Promise<ParcelRow | null> {
  const [row] = await tx.rows<ParcelRow>({
    text: `select ${COLUMNS} from parcel where merchant_id = any($1::uuid[]) and id = $2`,
    values: [merchantIds, id],
  });
  return row ?? null;
}

export interface LabelListRow {
  readonly id: string;
  readonly parcel_id: string;
  readonly state: string;
  readonly state_since: Date;
  readonly carrier: string | null;
  readonly service: string | null;
  readonly tracking_number: string | null;
  readonly label_url: string | null;
  readonly amount_minor: bigint | null;
  readonly currency: string | null;
  readonly address_version: number;
  readonly failure: string | null;
  readonly created_at: Date;
}

/** All labels that these parcels ever had, oldest first. */
export function listLabels(
  tx: Tx,
  merchantId: string,
  parcelIds: readonly string[],
): Promise<LabelListRow[]> {
  return tx.rows<LabelListRow>({
    text: `select id, parcel_id, state, state_since, carrier, service, tracking_number, label_url, amount_minor, currency,
        address_version, failure, created_at
      from label where merchant_id = $1 and parcel_id = any($2::uuid[]) order by created_at, id`,
    values: [merchantId, parcelIds],
  });
}

export interface ParcelLineRow {
  readonly product_id: string;
  readonly sku: string;
  readonly quantity: number;
}

export function listParcelLines(tx: Tx, merchantId: string, parcelId: string): Promise<ParcelLineRow[]> {
  return tx.rows<ParcelLineRow>({
    text: `select l.product_id, p.sku, l.quantity from parcel_line l
      join product p on p.merchant_id = l.merchant_id and p.id = l.product_id
      where l.merchant_id = $1 and l.parcel_id = $2 order by p.sku, l.fulfilment_order_line_id`,
    values: [merchantId, parcelId],
  });
}

export interface TrackingRow {
  readonly event_id: string;
  readonly status: string;
  readonly message: string;
  readonly occurred_at: Date;
  readonly received_at: Date;
  readonly source: string;
}

export function listTracking(tx: Tx, merchantId: string, parcelId: string): Promise<TrackingRow[]> {
  return tx.rows<TrackingRow>({
    text: `select event_id, status, message, occurred_at, received_at, source from tracking_event
      where merchant_id = $1 and parcel_id = $2 order by occurred_at, event_id`,
    values: [merchantId, parcelId],
  });
}
