/**
 * What a carrier says about a parcel, by webhook or poll. Events are kept once each; the parcel's state
 * is a fold of all of them, so late, repeated and reordered ones end in the same place. When the last
 * parcel of the last part arrives, the order is delivered in the same transaction, and its workflow and
 * its customer are told.
 */
import { uuidv7 } from 'uuidv7';
import type { Database, Tx } from '../db/client';
import { openExceptions } from '../db/exception.repo';
import { enqueue } from '../db/outbox.repo';
import { insertNotifications } from '../db/ship.repo';
import {
  findTrackedParcels,
  insertTrackingEvents,
  type LockedParcel,
  lockParcel,
  readOrderParts,
  readStatuses,
  setOrderState,
  setParcelState,
  setPartsDelivered,
} from '../db/tracking.repo';
import { EXCEPTION_REASONS } from '../domain/order/exception-reasons';
import {
  allDelivered,
  foldParcelState,
  parcelException,
  type TrackingMeaning,
} from '../domain/order/parcel-status';
import {
  type FulfilmentOrderState,
  foldOrderState,
  isTerminal,
  laterState,
  type OrderState,
  type ParcelState,
} from '../domain/order/states';

export interface CarrierFact {
  readonly trackingNumber: string;
  readonly eventId: string;
  readonly status: TrackingMeaning;
  readonly occurredAt: Date;
  readonly message: string;
}

export interface ReceiveTracking {
  readonly carrierAccountId: string;
  readonly source: 'webhook' | 'poll' | 'person';
  readonly facts: readonly CarrierFact[];
}

/** A delivered order only waits for its channel; a day is plenty. */
const CLOSE_DEADLINE_MS = 24 * 60 * 60_000;

/** @returns how many facts were new; facts of parcels that nobody knows are dropped, for the account may be shared. */
export async function receiveTracking(
  database: Database,
  request: ReceiveTracking,
): Promise<{ readonly added: number }> {
  const numbers = [...new Set(request.facts.map((fact) => fact.trackingNumber))];
  const parcels = await database.withSystem((tx) =>
    findTrackedParcels(tx, request.carrierAccountId, numbers),
  );
  let added = 0;
  for (const parcel of parcels) {
    const facts = request.facts.filter((fact) => fact.trackingNumber === parcel.tracking_number);
    added += await database.withMerchants([parcel.merchant_id], (tx) =>
      apply(tx, parcel.merchant_id, parcel.id, request.source, facts),
    );
  }
  return { added };
}

async function apply(
  tx: Tx,
  merchantId: string,
  parcelId: string,
  source: ReceiveTracking['source'],
  facts: readonly CarrierFact[],
): Promise<number> {
  const parcel = await lockParcel(tx, merchantId, parcelId);
  if (!parcel) return 0;
  const added = await insertTrackingEvents(
    tx,
    merchantId,
    parcelId,
    source,
    facts.map((fact) => ({
      event_id: fact.eventId,
      status: fact.status,
      message: fact.message,
      occurred_at: fact.occurredAt,
    })),
  );
  if (added > 0) await foldParcel(tx, merchantId, parcel);
  return added;
}

/** For the ship scan: facts that came before it changed nothing then. */
export async function foldEarlierFacts(tx: Tx, merchantId: string, parcelId: string): Promise<void> {
  if ((await readStatuses(tx, merchantId, parcelId)).length === 0) return;
  const parcel = await lockParcel(tx, merchantId, parcelId);
  if (parcel) await foldParcel(tx, merchantId, parcel);
}

/** Brings parcel, part and order to what all known facts say. */
async function foldParcel(tx: Tx, merchantId: string, parcel: LockedParcel): Promise<void> {
  const heard = (await readStatuses(tx, merchantId, parcel.id)) as TrackingMeaning[];
  const state = foldParcelState(parcel.state as ParcelState, heard);
  if (state === parcel.state) return;
  await setParcelState(
    tx,
    merchantId,
    parcel.id,
    state,
    parcel.business_now,
    isTerminal('parcel', state) || state === 'delivered',
  );
  await raise(tx, merchantId, parcel, state);
  await foldOrder(tx, merchantId, parcel);
}

async function raise(tx: Tx, merchantId: string, parcel: LockedParcel, state: ParcelState): Promise<void> {
  const reason = parcelException(state);
  if (reason === null) return;
  const row = EXCEPTION_REASONS[reason];
  await openExceptions(tx, [
    {
      merchantId,
      reason,
      key: `${reason}:${parcel.id}`,
      cause: `${reason}:${parcel.order_id}`,
      orderId: parcel.order_id,
      thingKind: 'parcel',
      thingId: parcel.id,
      owner: row.owner,
      message: row.sentence,
      deadlineMinutes: row.deadlineMinutes,
      openedAt: parcel.business_now,
    },
  ]);
}

async function foldOrder(tx: Tx, merchantId: string, parcel: LockedParcel): Promise<void> {
  const { parts, open_demand } = await readOrderParts(tx, merchantId, parcel.order_id);
  const delivered = parts.filter(
    (part) => part.state === 'shipped' && allDelivered(part.parcels as ParcelState[]),
  );
  await setPartsDelivered(
    tx,
    merchantId,
    delivered.map((part) => part.id),
    parcel.business_now,
  );
  const states = parts.map(
    (part) => (delivered.includes(part) ? 'delivered' : part.state) as FulfilmentOrderState,
  );
  const before = parcel.order_state as OrderState;
  const after = laterState('order', before, foldOrderState(states, parts.length > 0, open_demand));
  if (after === before) return;
  const deadline = new Date(parcel.business_now.getTime() + CLOSE_DEADLINE_MS);
  await setOrderState(tx, merchantId, parcel.order_id, after, parcel.business_now, deadline);
  if (after === 'delivered') await tellDelivered(tx, merchantId, parcel);
}

async function tellDelivered(tx: Tx, merchantId: string, parcel: LockedParcel): Promise<void> {
  const orderId = parcel.order_id;
  const notification = { id: uuidv7(), merchant_id: merchantId, order_id: orderId, event: 'order_delivered' };
  const added = parcel.has_email
    ? await insertNotifications(tx, [{ ...notification, key: `order_delivered:${orderId}` }])
    : [];
  await enqueue(tx, [
    {
      merchantId,
      kind: 'workflow.signal',
      key: `delivered:${orderId}`,
      orderId,
      payload: { workflowId: parcel.workflow_id, signal: 'delivered', args: [] },
    },
    ...added.map(({ id, key }) => ({
      merchantId,
      kind: 'mail' as const,
      key: `mail:${key}`,
      orderId,
      lane: 'mail',
      payload: { notificationId: id },
    })),
  ]);
}
