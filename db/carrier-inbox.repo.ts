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

/** Says what came of a message. */
export async function settleCarrierMessage(
  tx: Tx,
  message: CarrierMessage,
  state: 'processed' | 'parked',
  reason: string | null,
): Promise<void> {
  await tx.run({
    name: 'carrier-inbox-settle',
    text: `update carrier_inbox set state = $4, reason = $5, processed_at = now()
      where organisation_id = $1 and carrier_account_id = $2 and event_key = $3`,
    values: [message.organisationId, message.carrierAccountId, message.eventKey, state, reason],
  });
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
