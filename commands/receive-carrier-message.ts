/**
 * A verified message of a carrier: kept first, then applied, then settled, and only then answered. A
 * crash in between leaves it received and unanswered; the carrier sends it again and it is applied then,
 * which is safe because tracking facts are kept once each and folded. What can't be read is parked.
 */
import {
  type CarrierMessage,
  hurryVoid,
  keepCarrierMessage,
  settleCarrierMessage,
} from '../db/carrier-inbox.repo';
import type { Database, Tx } from '../db/client';
import { type CarrierFact, receiveTracking } from './receive-tracking';

export interface ReceiveCarrierMessage {
  readonly organisationId: string;
  readonly carrierAccountId: string;
  readonly provider: string;
  readonly eventId: string;
  readonly raw: string;
  readonly kind: 'tracking' | 'refund' | 'ignored' | 'unreadable';
  readonly facts: readonly CarrierFact[];
  readonly refund?: { readonly externalShipmentId: string | null; readonly trackingNumber: string };
  readonly reason?: string;
}

export type CarrierMessageOutcome = 'updated' | 'duplicate' | 'parked';

/** @throws Failure DatabaseUnavailable: the carrier sends again. */
export async function receiveCarrierMessage(
  database: Database,
  request: ReceiveCarrierMessage,
): Promise<CarrierMessageOutcome> {
  const { organisationId, carrierAccountId, kind } = request;
  const message: CarrierMessage = {
    organisationId,
    carrierAccountId,
    eventKey: request.eventId,
    topic: `${request.provider}.${kind}`,
    body: request.raw,
  };
  const inOrganisation = <T>(work: (tx: Tx) => Promise<T>) =>
    database.withTenants({ merchantIds: [], organisationIds: [organisationId] }, work);
  const known = await inOrganisation((tx) => keepCarrierMessage(tx, message));
  if (known !== null && known !== 'received') return 'duplicate';
  if (kind === 'tracking') {
    await receiveTracking(database, { carrierAccountId, source: 'webhook', facts: request.facts });
  } else if (kind === 'refund' && request.refund !== undefined) {
    const { refund } = request;
    await database.withSystem((tx) => hurryVoid(tx, carrierAccountId, refund));
  }
  const applied = kind === 'tracking' || kind === 'refund';
  await inOrganisation((tx) =>
    settleCarrierMessage(tx, message, applied ? 'processed' : 'parked', request.reason ?? null),
  );
  return applied ? 'updated' : 'parked';
}
