/**
 * What an order's workflow is started with and told. Messages carry ids and small facts: the truth they
 * announce is committed in Postgres before they are sent, so each may come twice, late or out of order.
 */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';

export const ORDER_WORKFLOW_TYPE = 'orderWorkflow';

export interface OrderInput {
  readonly merchantId: string;
  readonly orderId: string;
  /** Of a run that takes the place of one that was lost: its intakes are not those of the lost one. */
  readonly restart?: string;
}

export interface OrderResult {
  readonly state: 'closed' | 'cancelled';
}

/** Something the order waited for may have changed: look again. `cause` is shown, never decided by. */
export const resumeSignal = defineSignal<[{ readonly cause: string }]>('resume');

/** The ship scan of a fulfilment order is committed. */
export const shippedSignal = defineSignal<[{ readonly fulfilmentOrderId: string }]>('shipped');

/** The floor could not find everything: the order is blocked by short_pick or was re-planned. */
export const shortedSignal =
  defineSignal<[{ readonly fulfilmentOrderId: string; readonly taskId: string }]>('shorted');

/** Every parcel of the order reached its last state. */
export const deliveredSignal = defineSignal<[]>('delivered');

/** The order is cancelled; stock and tasks were released in the transaction that said so. */
export const cancelledSignal = defineSignal<[]>('cancelled');

/** A flag of the order changed outside the workflow (held, blocked by a sender): show it. */
export const flaggedSignal =
  defineSignal<[{ readonly blockedReason: string | null; readonly held: boolean }]>('flagged');

export interface PackedInput {
  readonly fulfilmentOrderId: string;
  readonly parcelId: string;
}

export type PackedAnswer =
  | { readonly outcome: 'labelled'; readonly labelId: string; readonly trackingNumber: string }
  /** The label is not bought yet; the order says why and what to do. */
  | { readonly outcome: 'blocked'; readonly reason: string }
  | { readonly outcome: 'cancelled' };

/** A closed carton asks for its label. Its update id is the pack task's id, so a repeat gets the same answer. */
export const packedUpdate = defineUpdate<PackedAnswer, [PackedInput]>('packed');

export interface ChangeRequest {
  /** Who asks, for the audit log. */
  readonly actor: string;
  readonly reason: string;
}

export type ChangeAnswer =
  | { readonly outcome: 'done' }
  | { readonly outcome: 'refused'; readonly state: string };

/** For people who act from the Temporal UI; the same commands as the API's. */
export const cancelOrderUpdate = defineUpdate<ChangeAnswer, [ChangeRequest]>('cancelOrder');
export const retryOrderUpdate = defineUpdate<ChangeAnswer, [ChangeRequest]>('retryOrder');

export interface OrderView {
  readonly orderId: string;
  readonly step: string;
  readonly blockedReason: string | null;
  readonly held: boolean;
  readonly fulfilmentOrders: readonly { readonly id: string; readonly shipped: boolean }[];
}

/** What the workflow is at, for diagnosis; lists and details read Postgres. */
export const orderStateQuery = defineQuery<OrderView>('orderState');
