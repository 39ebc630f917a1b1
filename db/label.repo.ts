/** Labels: claimed before the carrier is called, followed to their end. */
import type { Tx } from './client';

export interface LabelRow {
  readonly id: string;
  readonly step_key: string;
  readonly state: string;
  readonly address_version: number;
  readonly external_shipment_id: string | null;
  readonly external_rate_id: string | null;
  readonly tracking_number: string | null;
  readonly service: string | null;
  readonly carrier: string | null;
  readonly carrier_account_id: string;
}

const COLUMNS = `id, step_key, state, address_version, external_shipment_id, external_rate_id, tracking_number, service,
  carrier, carrier_account_id`;

/** The parcel's live label, locked; null when it has none. */
export async function lockLiveLabel(tx: Tx, merchantId: string, parcelId: string): Promise<LabelRow | null> {
  const [row] = await tx.rows<LabelRow>({
    text: `select ${COLUMNS} from label where merchant_id = $1 and parcel_id = $2
      and state in ('claimed', 'unknown', 'purchased', 'shipped') for no key update`,
    values: [merchantId, parcelId],
  });
  return row ?? null;
}

export async function hasLiveLabel(tx: Tx, merchantId: string, orderId: string): Promise<boolean> {
  const [row] = await tx.rows<{ found: boolean }>({
    text: `select exists (select from label l join parcel p on p.merchant_id = l.merchant_id and p.id = l.parcel_id
      where p.merchant_id = $1 and p.order_id = $2 and l.state in ('claimed', 'unknown', 'purchased', 'shipped')) as found`,
    values: [merchantId, orderId],
  });
  return row?.found ?? false;
}

export async function insertClaim(
  tx: Tx,
  label: {
    readonly id: string;
    readonly merchantId: string;
    readonly parcelId: string;
    readonly carrierAccountId: string;
    readonly addressVersion: number;
  },
): Promise<LabelRow> {
  // The claim's number within its parcel keeps step keys apart: a second label after a void is a new step.
  const [row] = await tx.rows<LabelRow>({
    text: `insert into label (id, merchant_id, parcel_id, step_key, state, carrier_account_id, address_version)
      select $1, $2, $3::uuid, $3::text || ':label:' || (count(*) + 1), 'claimed', $4, $5
      from label where merchant_id = $2 and parcel_id = $3::uuid
      returning ${COLUMNS}`,
    values: [label.id, label.merchantId, label.parcelId, label.carrierAccountId, label.addressVersion],
  });
  return row as LabelRow;
}

/** Keeps the carrier's id, unless one is kept already. Returns the one that is. */
export async function recordShipment(
  tx: Tx,
  merchantId: string,
  labelId: string,
  externalId: string,
): Promise<string> {
  const [row] = await tx.rows<{ id: string }>({
    text: `update label set external_shipment_id = coalesce(external_shipment_id, $3)
      where merchant_id = $1 and id = $2 returning external_shipment_id as id`,
    values: [merchantId, labelId, externalId],
  });
  return row?.id ?? externalId;
}

export async function recordLabelState(
  tx: Tx,
  merchantId: string,
  labelId: string,
  state: 'unknown' | 'failed',
  failure: string,
): Promise<void> {
  await tx.run({
    text: `update label set state = $3, failure = $4, state_since = now()
      where merchant_id = $1 and id = $2 and state in ('claimed', 'unknown')`,
    values: [merchantId, labelId, state, failure],
  });
}

export interface Purchase {
  readonly externalShipmentId: string;
  readonly trackingNumber: string;
  readonly carrier: string;
  readonly service: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly labelUrl: string;
}

/** claimed or unknown becomes purchased, and the parcel is labelled; false when it was so already. */
export async function recordPurchase(
  tx: Tx,
  merchantId: string,
  labelId: string,
  parcelId: string,
  purchase: Purchase,
  at: Date,
): Promise<boolean> {
  const bought = await tx.run({
    text: `update label set state = 'purchased', state_since = now(), external_shipment_id = $3, tracking_number = $4,
        carrier = $5, service = $6, amount_minor = $7, currency = $8, label_url = $9, failure = null
      where merchant_id = $1 and id = $2 and state in ('claimed', 'unknown')`,
    values: [
      merchantId,
      labelId,
      purchase.externalShipmentId,
      purchase.trackingNumber,
      purchase.carrier,
      purchase.service,
      purchase.amountMinor.toString(),
      purchase.currency,
      purchase.labelUrl,
    ],
  });
  if (bought === 0) return false;
  await tx.run({
    text: `update parcel p set state = 'labelled', state_since = $4, carrier = l.carrier, service = l.service,
        tracking_number = l.tracking_number, carrier_account_id = l.carrier_account_id
      from label l where l.merchant_id = $1 and l.id = $2 and p.merchant_id = $1 and p.id = $3 and p.state = 'packed'`,
    values: [merchantId, labelId, parcelId, at],
  });
  return true;
}

/** A label that nobody will use any more: its refund is followed by the dispatcher. */
export async function requestVoid(tx: Tx, merchantId: string, labelId: string): Promise<void> {
  await tx.run({
    text: `update label set state = 'void_requested', state_since = now(), void_due_at = now()
      where merchant_id = $1 and id = $2 and state = 'purchased'`,
    values: [merchantId, labelId],
  });
}

/** A void that the carrier refused, or that was given up, is asked for at once; false when it is neither. */
export async function requestVoidAgain(tx: Tx, merchantId: string, labelId: string): Promise<boolean> {
  const changed = await tx.run({
    text: `update label set state = 'void_requested', state_since = now(), void_due_at = now(), void_asked_at = null
      where merchant_id = $1 and id = $2 and (state = 'void_rejected' or (state = 'void_requested' and void_due_at is null))`,
    values: [merchantId, labelId],
  });
  return changed === 1;
}
