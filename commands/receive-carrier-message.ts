/**
 * A verified message of a carrier: kept first, then applied, then settled, and only then answered. A
 * crash in between leaves it received and unanswered; the carrier sends it again and it is applied then,
 * which is safe because tracking facts are kept once each and folded. What can't be read is parked, and a
 * person of a merchant who ships by the account is asked: a shared account belongs to none of them.
 */
import {
  type CarrierMessage,
  findCarrierMerchant,
  hurryVoid,
  keepCarrierMessage,
  settleCarrierMessage,
} from '../db/carrier-inbox.repo';
import type { Database, Tx } from '../db/client';
import { openExceptions } from '../db/exception.repo';
import { EXCEPTION_REASONS } from '../domain/order/exception-reasons';
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
  /** A person has a parked message read again. */
  readonly again?: boolean;
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
  const done = request.again ? known === 'processed' : known !== null && known !== 'received';
  if (done) return 'duplicate';
  if (kind === 'tracking') {
    await receiveTracking(database, { carrierAccountId, source: 'webhook', facts: request.facts });
  } else if (kind === 'refund' && request.refund !== undefined) {
    const { refund } = request;
    await database.withSystem((tx) => hurryVoid(tx, carrierAccountId, refund));
  }
  if (kind === 'unreadable') {
    await quarantine(database, message, request.reason ?? 'unreadable');
    return 'parked';
  }
  const applied = kind === 'tracking' || kind === 'refund';
  await inOrganisation((tx) =>
    settleCarrierMessage(tx, message, applied ? 'processed' : 'parked', request.reason ?? null),
  );
  return applied ? 'updated' : 'parked';
}

/** Parked and on somebody's list, in one transaction. */
async function quarantine(database: Database, message: CarrierMessage, why: string): Promise<void> {
  const { organisationId, carrierAccountId } = message;
  const asked = await database.withSystem((tx) => findCarrierMerchant(tx, carrierAccountId));
  const tenants = {
    merchantIds: asked === null ? [] : [asked.merchantId],
    organisationIds: [organisationId],
  };
  await database.withTenants(tenants, async (tx) => {
    const id = await settleCarrierMessage(tx, message, 'parked', why);
    if (asked === null) return;
    const row = EXCEPTION_REASONS.carrier_message_unreadable;
    await openExceptions(tx, [
      {
        merchantId: asked.merchantId,
        reason: 'carrier_message_unreadable',
        key: `carrier_message_unreadable:${id}`,
        cause: `carrier_message_unreadable:${carrierAccountId}`,
        orderId: null,
        thingKind: 'carrier_inbox',
        thingId: id,
        owner: row.owner,
        message: `${message.topic}: ${why}.`,
        deadlineMinutes: row.deadlineMinutes,
        openedAt: asked.businessNow,
      },
    ]);
  });
}
