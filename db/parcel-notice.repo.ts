/** What a sales channel is told of a parcel: its tracking, and what is inside by the channel's own lines. */
import type { Tx } from './client';

export interface ParcelNotice {
  readonly orderId: string;
  readonly orderState: string;
  readonly externalOrderId: string;
  readonly test: boolean;
  readonly connectionId: string;
  readonly channel: string;
  readonly baseUrl: string;
  readonly credentialsSealed: Buffer | null;
  readonly sandbox: boolean;
  readonly tellsTracking: boolean;
  readonly disabled: boolean;
  readonly trackingNumber: string | null;
  readonly carrier: string | null;
}

export async function readParcelNotice(
  tx: Tx,
  merchantId: string,
  parcelId: string,
): Promise<ParcelNotice | null> {
  const [row] = await tx.rows<ParcelNotice>({
    text: `
select o.id as "orderId", o.state as "orderState", o.external_id as "externalOrderId", o.test, k.id as "connectionId", k.channel,
  k.base_url as "baseUrl", k.credentials_sealed as "credentialsSealed", k.sandbox, k.tells_tracking as "tellsTracking",
  k.disabled_at is not null as disabled, p.tracking_number as "trackingNumber", p.carrier
from parcel p
join sales_order o on o.merchant_id = p.merchant_id and o.id = p.order_id
join channel_connection k on k.merchant_id = o.merchant_id and k.id = o.connection_id
where p.merchant_id = $1 and p.id = $2`,
    values: [merchantId, parcelId],
  });
  return row ?? null;
}

/** Pieces of one product that belong to one order line, in parcels of an order that have left. */
export interface ShippedPieces {
  readonly parcelId: string;
  readonly externalLineId: string;
  readonly productId: string;
  readonly pieces: number;
  /** Pieces of this product that the whole line stands for. */
  readonly linePieces: number;
  /** Units of the line as the channel counts them, without cancelled ones. */
  readonly lineUnits: number;
}

/** In the order in which the parcels left. */
export function shippedPieces(tx: Tx, merchantId: string, orderId: string): Promise<ShippedPieces[]> {
  return tx.rows<ShippedPieces>({
    text: `
with planned as (
  select fl.order_line_id, fl.product_id, sum(fl.quantity)::integer as pieces
  from fulfilment_order f
  join fulfilment_order_line fl on fl.merchant_id = f.merchant_id and fl.fulfilment_order_id = f.id
  where f.merchant_id = $1 and f.order_id = $2 and f.state not in ('cancelled', 'rejected')
  group by fl.order_line_id, fl.product_id
), backordered as (
  select product_id, sum(quantity)::integer as pieces from backorder where merchant_id = $1 and order_id = $2 group by product_id
)
select p.id as "parcelId", l.external_line_id as "externalLineId", i.product_id as "productId", sum(i.quantity)::integer as pieces,
  n.pieces + coalesce(b.pieces, 0) as "linePieces", l.quantity - l.cancelled_quantity as "lineUnits"
from parcel p
join parcel_line i on i.merchant_id = p.merchant_id and i.parcel_id = p.id
join fulfilment_order_line fl on fl.merchant_id = i.merchant_id and fl.id = i.fulfilment_order_line_id
join sales_order_line l on l.merchant_id = fl.merchant_id and l.id = fl.order_line_id
join planned n on n.order_line_id = l.id and n.product_id = i.product_id
left join backordered b on b.product_id = i.product_id
where p.merchant_id = $1 and p.order_id = $2 and p.shipped_at is not null
group by p.id, p.shipped_at, l.id, l.external_line_id, i.product_id, n.pieces, b.pieces, l.quantity, l.cancelled_quantity
order by p.shipped_at, p.id`,
    values: [merchantId, orderId],
  });
}
