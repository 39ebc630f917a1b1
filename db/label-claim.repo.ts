/** Everything that buying a parcel's label needs to know, read in one go. */
import type { Tx } from './client';

export interface ParcelToLabel {
  readonly order_id: string;
  readonly fulfilment_order_id: string;
  readonly warehouse_id: string;
  readonly parcel_state: string;
  readonly order_state: string;
  readonly held: boolean;
  readonly address_version: number;
  readonly services: string[];
  readonly max_days: number | null;
  readonly due_at: Date | null;
  readonly priority: number;
  readonly business_now: Date;
  readonly weight_grams: number;
  readonly length_mm: number;
  readonly width_mm: number;
  readonly height_mm: number;
  readonly ship_to: CarrierAddressRow;
  readonly ship_from: CarrierAddressRow;
}

export interface CarrierAddressRow {
  readonly name: string | null;
  readonly company: string | null;
  readonly line1: string | null;
  readonly line2: string | null;
  readonly city: string | null;
  readonly region: string | null;
  readonly postalCode: string | null;
  readonly country: string | null;
  readonly phone: string | null;
  readonly email: string | null;
}

/** Locks the order (cancel and address change wait behind the claim) and reads the parcel; null when it is not there. */
export async function readParcelToLabel(
  tx: Tx,
  merchantId: string,
  parcelId: string,
): Promise<ParcelToLabel | null> {
  const [row] = await tx.rows<ParcelToLabel>({
    name: 'label-parcel',
    text: `
select p.order_id, p.fulfilment_order_id, f.warehouse_id, p.state as parcel_state, o.state as order_state, o.held,
  o.address_version, o.services, o.max_days, f.ship_by as due_at, o.priority, business_now(o.merchant_id) as business_now,
  coalesce(p.weight_grams, 1) as weight_grams, coalesce(p.length_mm, 1) as length_mm, coalesce(p.width_mm, 1) as width_mm,
  coalesce(p.height_mm, 1) as height_mm,
  json_build_object('name', a.name, 'company', a.company, 'line1', a.line1, 'line2', a.line2, 'city', a.city,
    'region', a.region, 'postalCode', a.postal_code, 'country', a.country, 'phone', a.phone, 'email', a.email) as ship_to,
  json_build_object('name', m.name, 'company', w.name, 'line1', w.line1, 'line2', null, 'city', w.city, 'region', w.region,
    'postalCode', w.postal_code, 'country', w.country, 'phone', w.phone, 'email', null) as ship_from
from parcel p
join sales_order o on o.merchant_id = p.merchant_id and o.id = p.order_id
join fulfilment_order f on f.merchant_id = p.merchant_id and f.id = p.fulfilment_order_id
join warehouse w on w.id = f.warehouse_id
join merchant m on m.id = p.merchant_id
join order_address a on a.merchant_id = o.merchant_id and a.order_id = o.id and a.version = o.address_version
where p.merchant_id = $1 and p.id = $2 for no key update of o`,
    values: [merchantId, parcelId],
  });
  return row ?? null;
}

export interface CarrierAccountRow {
  readonly id: string;
  readonly provider: string;
  readonly base_url: string;
  readonly credentials_sealed: Buffer;
}

/** The merchant's own account before the organisation's; null when there is none. */
export async function findCarrierAccount(tx: Tx, merchantId: string): Promise<CarrierAccountRow | null> {
  const [row] = await tx.rows<CarrierAccountRow>({
    text: `select a.id, a.provider, a.base_url, a.credentials_sealed from carrier_account a
      join merchant m on m.organisation_id = a.organisation_id and m.id = $1
      where a.disabled_at is null and (a.merchant_id is null or a.merchant_id = $1)
      order by a.merchant_id nulls last, a.id limit 1`,
    values: [merchantId],
  });
  return row ?? null;
}

export async function readCarrierAccount(tx: Tx, accountId: string): Promise<CarrierAccountRow | null> {
  const [row] = await tx.rows<CarrierAccountRow>({
    text: 'select id, provider, base_url, credentials_sealed from carrier_account where id = $1',
    values: [accountId],
  });
  return row ?? null;
}
