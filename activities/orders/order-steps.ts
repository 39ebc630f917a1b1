/**
 * The database steps of an order, run as local activities: nothing outside is called, time-outs are
 * short, and each is idempotent by its step key or by the rows that it settles against.
 */
import { type BlockOrder, blockOrder, type UnblockOrder, unblockOrder } from '../../commands/block-order';
import { cancelOrder } from '../../commands/cancel-order';
import { retryOrder } from '../../commands/change-order';
import { type CloseOutcome, type CloseRequest, closeOrder } from '../../commands/close-order';
import type { Intake, IntakeOutcome, IntakeRequest } from '../../commands/intake/intake';
import type { ShipOutcome, ShipRequest, ShipStep } from '../../commands/ship-order';
import type { Database } from '../../db/client';
import { isFailure } from '../../domain/failure-types';
import { metrics } from '../../telemetry';
import { asApplicationFailure } from '../failures';

export interface OrderStepDeps {
  readonly database: Database;
  readonly intake: Intake;
  readonly shipStep: ShipStep;
}

interface PersonsRequest {
  readonly merchantId: string;
  readonly orderId: string;
  readonly actor: string;
  readonly reason: string;
}

type Unblocked = Omit<UnblockOrder, 'by'>;

type Settled = { readonly outcome: 'done' } | { readonly outcome: 'refused'; readonly state: string };

/** A refusal is an answer, not a failure: it names the state that was met. */
async function settle(command: () => Promise<unknown>): Promise<Settled> {
  try {
    await command();
    return { outcome: 'done' };
  } catch (error) {
    if (!isFailure(error, 'IllegalTransition')) throw error;
    return { outcome: 'refused', state: String(error.details['state']) };
  }
}

/** Only plans count: an order that is blocked for another reason, held or cancelled asked for no stock. */
async function countReservation(run: () => Promise<IntakeOutcome>): Promise<IntakeOutcome> {
  const count = (outcome: string) => metrics.reservations.inc({ outcome });
  const outcome = await run().catch((error: unknown) => {
    count('failed');
    throw error;
  });
  if (outcome.kind === 'planned') {
    if (outcome.fulfilmentOrders.length > 0) count(outcome.waiting ? 'partly' : 'reserved');
    else if (outcome.waiting) count('out_of_stock');
  } else if (outcome.kind === 'blocked' && outcome.reason === 'out_of_stock') count('out_of_stock');
  return outcome;
}

export function orderSteps({ database, intake, shipStep }: OrderStepDeps) {
  return {
    /** Check, map, route, reserve, release to the built-in warehouse. Undone by `cancelOrder`. */
    takeIn: (request: IntakeRequest): Promise<IntakeOutcome> =>
      asApplicationFailure(() => countReservation(() => intake.run(request))),

    /** Posts stock, money and messages of a scanned-out fulfilment order; never undone, a return follows. */
    postShipment: (request: ShipRequest): Promise<ShipOutcome> =>
      asApplicationFailure(() => shipStep.run(request)),

    closeOrder: (request: CloseRequest): Promise<CloseOutcome> =>
      asApplicationFailure(() => closeOrder(database, request, shipStep)),

    /** Parks the order where a person sees it; the next successful step takes the flag away. */
    blockOrder: (request: BlockOrder): Promise<{ readonly since: string | null }> =>
      asApplicationFailure(() => blockOrder(database, request)),

    /** Takes the reason away once what it stood for is done. */
    unblockOrder: (request: Unblocked): Promise<void> =>
      asApplicationFailure(() => unblockOrder(database, { ...request, by: 'workflow' })),

    /** Releases everything the order holds, unless the floor has begun. */
    cancelOrder: (request: PersonsRequest): Promise<Settled> =>
      asApplicationFailure(() => settle(() => cancelOrder(database, request))),

    retryOrder: (request: PersonsRequest): Promise<Settled> =>
      asApplicationFailure(() => settle(() => retryOrder(database, request))),
  };
}
