/** The label that a parcel leaves with. */
import type { Tx } from './client';

export interface BoughtLabel {
  readonly labelId: string;
  readonly trackingNumber: string;
  readonly carrier: string | null;
  readonly service: string | null;
  readonly labelUrl: string | null;
}

/** Null while none is bought. */
export async function readBoughtLabel(
  tx: Tx,
  merchantId: string,
  parcelId: string,
): Promise<BoughtLabel | null> {
  const [row] = await tx.rows<BoughtLabel>({
    name: 'label-bought',
    text: `select id as "labelId", tracking_number as "trackingNumber", carrier, service, label_url as "labelUrl" from label
      where merchant_id = $1 and parcel_id = $2 and state in ('purchased', 'shipped')`,
    values: [merchantId, parcelId],
  });
  return row ?? null;
}
