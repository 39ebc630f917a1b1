/** Messages of carriers, kept before they are answered. The transaction sees the account's organisation. */
import { uuidv7 } from 'uuidv7';
import type { Tx } from './client';

export interface CarrierMessage {
  readonly organisationId: string;
  readonly carrierAccountId: string;
  readonly eventKey: string;
  readonly topic: string;
  readonly body: string;
}

/** Keeps the message; the state of the one that is there already, null for a new one. */
export async function keepCarrierMessage(tx: Tx, message: CarrierMessage): Promise<string | null> {
  const written = await tx.run({
    name: 'carrier-inbox-keep',
    text: `insert into carrier_inbox (id, organisation_id, carrier_account_id, event_key, topic, body)
      values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
    values: [
      uuidv7(),
      message.organisationId,
      message.carrierAccountId,
      message.eventKey,
      message.topic,
      message.body,
    ],
  });
  if (written === 1) return null;
  const [row] = await tx.rows<{ state: string }>({
    name: 'carrier-inbox-state',
    text: `select state from carrier_inbox where organisation_id = $1 and carrier_account_id = $2 and event_key = $3`,
    values: [message.organisationId, message.carrierAccountId, message.eventKey],
  });
  return row?.state ?? null;
}

/** Says what came of a message; returns its id. */
export async function settleCarrierMessage(
  tx: Tx,
  message: Pick<CarrierMessage, 'organisationId' | 'carrierAccountId' | 'eventKey'>,
  state: 'processed' | 'parked',
  reason: string | null,
): Promise<string> {
  const [row] = await tx.rows<{ id: string }>({
    name: 'carrier-inbox-settle',
    text: `update carrier_inbox set state = $4, reason = $5, processed_at = now()
      where organisation_id = $1 and carrier_account_id = $2 and event_key = $3 returning id`,
    values: [message.organisationId, message.carrierAccountId, message.eventKey, state, reason],
  });
  return (row as { id: string }).id;
}

export interface KeptCarrierMessage {
  readonly organisation_id: string;
  readonly carrier_account_id: string;
  readonly provider: string;
  readonly event_key: string;
  /** null once a person in it was erased. */
  readonly body: string | null;
}

/** A kept message of the caller's organisation. */
export async function findCarrierMessage(tx: Tx, id: string): Promise<KeptCarrierMessage | null> {
  const [row] = await tx.rows<KeptCarrierMessage>({
    text: `select i.organisation_id, i.carrier_account_id, a.provider, i.event_key, i.body
      from carrier_inbox i join carrier_account a on a.id = i.carrier_account_id where i.id = $1`,
    values: [id],
  });
  return row ?? null;
}

/**
 * Whose staff is asked about a message of this account, as the system role: an account's own merchant, of
 * one that is shared the merchant who bought a label of it last. null when the organisation has none.
 */
export async function findCarrierMerchant(
  tx: Tx,
  carrierAccountId: string,
): Promise<{ readonly merchantId: string; readonly businessNow: Date } | null> {
  const [row] = await tx.rows<{ merchantId: string; businessNow: Date }>({
    text: `select m.id as "merchantId", coalesce(m.business_now, now()) as "businessNow"
      from carrier_account a join merchant m on m.organisation_id = a.organisation_id
        and (a.merchant_id is null or m.id = a.merchant_id)
      where a.id = $1
      order by (select max(l.id::text) from label l where l.carrier_account_id = a.id and l.merchant_id = m.id) desc nulls last, m.id
      limit 1`,
    values: [carrierAccountId],
  });
  return row ?? null;
}

/**
 * Makes the void of a label due at once, as the system role: what the carrier said is asked again from
 * it, for a webhook is a hint. Returns how many labels it concerned.
 */
export function hurryVoid(
  tx: Tx,
  carrierAccountId: string,
  refund: { readonly externalShipmentId: string | null; readonly trackingNumber: string },
): Promise<number> {
  return tx.run({
    text: `update label set void_due_at = now() where carrier_account_id = $1 and state in ('void_requested', 'void_rejected')
      and (external_shipment_id = $2 or ($2::text is null and tracking_number = $3))`,
    values: [carrierAccountId, refund.externalShipmentId, refund.trackingNumber],
  });
}
