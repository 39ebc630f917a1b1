/**
 * The scan at the door: where cancel or ship wins. Under the locks of order, fulfilment order and parcel
 * it is decided once: the order is neither cancelled nor held, the label is bought, and its address is
 * the order's address of now. Then the parcel is gone, whatever the workflow has heard. The last parcel
 * of a fulfilment order makes the shipment; its workflow is told and posts stock and money once. A
 * second scan of a parcel changes nothing and says that it has left.
 */
import type { Database, Tx } from '../../db/client';
import { enqueue } from '../../db/outbox.repo';
import { findScan, insertScan } from '../../db/scan.repo';
import {
  findParcelByTracking,
  findShipTask,
  lockLabelAtDoor,
  lockParcelAtDoor,
  type ParcelAtDoor,
  readParts,
  setOrderShipped,
  shipParcel,
  shipPartWhenComplete,
} from '../../db/ship-scan.repo';
import { lockPerson } from '../../db/task.repo';
import { Failure } from '../../domain/failure-types';
import {
  type FulfilmentOrderState,
  foldOrderState,
  laterState,
  type OrderState,
  type ParcelState,
  rankOf,
} from '../../domain/order/states';
import { foldEarlierFacts } from '../receive-tracking';
import { eventIdUsed, type FloorCaller, recordedAnswer } from './scan-event';

export interface ShipScan {
  /** Our id of the parcel, or what is printed on its label. */
  readonly parcel: { readonly id: string } | { readonly trackingCode: string };
  readonly eventId: string;
}

export interface ShipScanAnswer {
  readonly parcelId: string;
  readonly orderId: string;
  readonly fulfilmentOrderId: string;
  /** False when it had left before. */
  readonly shippedNow: boolean;
  /** Every parcel of the fulfilment order has left. */
  readonly complete: boolean;
}

const DAY_MS = 24 * 60 * 60_000;
/** Three days past the carrier's promise a parcel counts as lost by most carriers' claim rules. */
const PAST_PROMISE_MS = 3 * DAY_MS;
/** Without a promise: two weeks, the slowest domestic service and its claims period. */
const WITHOUT_PROMISE_MS = 14 * DAY_MS;

/**
 * @throws Failure NotFound; IllegalTransition with the state when the order was cancelled or is held, the
 *   parcel has no label, or the label is for an address that the order no longer has (`reason: stale_label`).
 */
export function shipScan(database: Database, caller: FloorCaller, scan: ShipScan): Promise<ShipScanAnswer> {
  return database.withMerchants(caller.merchantIds, async (tx) => {
    if (!(await lockPerson(tx, caller.personId))) throw new Failure('NotFound', 'there is no such person');
    const parcelId =
      'id' in scan.parcel
        ? scan.parcel.id
        : await findParcelByTracking(tx, caller.merchantIds, scan.parcel.trackingCode);
    const parcel = parcelId === null ? null : await lockParcelAtDoor(tx, parcelId);
    if (parcel === null) throw new Failure('NotFound', 'there is no such parcel');
    const { merchantId } = parcel;
    const before = await findScan(tx, [merchantId], scan.eventId);
    if (before !== null) {
      const answer = recordedAnswer<ShipScanAnswer>(before, 'ship', null);
      if (answer.parcelId !== parcel.parcelId) throw eventIdUsed();
      return answer;
    }
    const answer = hasLeft(parcel) ? leftBefore(parcel) : await ship(tx, parcel, caller.personId);
    const taskId = await findShipTask(tx, merchantId, parcel.parcelId);
    if (taskId === null) return answer;
    const isNew = await insertScan(tx, {
      merchantId,
      eventId: scan.eventId,
      taskId,
      kind: 'ship',
      personId: caller.personId,
      outcome: answer,
    });
    if (!isNew) throw eventIdUsed();
    return answer;
  });
}

const hasLeft = (parcel: ParcelAtDoor) =>
  parcel.parcelState !== 'cancelled' &&
  rankOf('parcel', parcel.parcelState as ParcelState) >= rankOf('parcel', 'shipped');

function leftBefore(parcel: ParcelAtDoor): ShipScanAnswer {
  const { parcelId, orderId, fulfilmentOrderId } = parcel;
  const complete = ['shipped', 'delivered'].includes(parcel.fulfilmentOrderState);
  return { parcelId, orderId, fulfilmentOrderId, shippedNow: false, complete };
}

async function ship(tx: Tx, parcel: ParcelAtDoor, personId: string): Promise<ShipScanAnswer> {
  if (parcel.orderState === 'cancelled' || parcel.fulfilmentOrderState === 'cancelled')
    throw new Failure('IllegalTransition', 'the order was cancelled: keep the parcel here', {
      state: 'cancelled',
    });
  if (parcel.held)
    throw new Failure('IllegalTransition', 'the order is on hold: keep the parcel here', { state: 'held' });
  const label = await lockLabelAtDoor(tx, parcel.merchantId, parcel.parcelId);
  if (parcel.parcelState !== 'labelled' || label?.state !== 'purchased')
    throw new Failure('IllegalTransition', 'the parcel has no label yet', { state: parcel.parcelState });
  if (label.addressVersion !== parcel.addressVersion)
    throw new Failure(
      'IllegalTransition',
      'the address changed after the label was bought: it needs a new one',
      {
        state: parcel.parcelState,
        reason: 'stale_label',
      },
    );
  const taskId = await findShipTask(tx, parcel.merchantId, parcel.parcelId);
  if (taskId === null) throw new Failure('InvariantBroken', 'a labelled parcel has no ship task');
  await shipParcel(tx, parcel, label.id, taskId, personId);
  const complete = await shipPartWhenComplete(tx, parcel);
  if (complete) await tell(tx, parcel);
  await foldOrder(tx, parcel);
  // The driver's own scanner may have been faster than the door's: what the carrier said before counts now.
  await foldEarlierFacts(tx, parcel.merchantId, parcel.parcelId);
  const { parcelId, orderId, fulfilmentOrderId } = parcel;
  return { parcelId, orderId, fulfilmentOrderId, shippedNow: true, complete };
}

async function foldOrder(tx: Tx, parcel: ParcelAtDoor): Promise<void> {
  const parts = await readParts(tx, parcel.merchantId, parcel.orderId);
  const fold = foldOrderState(parts.states as FulfilmentOrderState[], true, parts.openDemand);
  const state = laterState('order', parcel.orderState as OrderState, fold);
  if (state !== 'shipped') return setOrderShipped(tx, parcel, state, null);
  const now = parcel.businessNow.getTime();
  const promised = parts.promisedAt === null ? 0 : parts.promisedAt.getTime() + PAST_PROMISE_MS;
  // A promise that passed before it left gives the carrier its days all the same.
  const deadline = promised > now ? promised : now + WITHOUT_PROMISE_MS;
  await setOrderShipped(tx, parcel, state, new Date(deadline));
}

async function tell(tx: Tx, parcel: ParcelAtDoor): Promise<void> {
  const { merchantId, orderId, fulfilmentOrderId, workflowId } = parcel;
  await enqueue(tx, [
    {
      merchantId,
      kind: 'workflow.signal',
      key: `shipped:${fulfilmentOrderId}`,
      orderId,
      payload: { workflowId, signal: 'shipped', args: [{ fulfilmentOrderId }] },
    },
  ]);
}
