/**
 * The database steps of a work order, run as local activities: each looks at the rows and does what is not
 * done, so a repeat, whenever it comes, changes nothing.
 */
import { failWorkOrder, type WorkOrderRef } from '../../commands/work-order/block-work-order';
import { endWorkOrder } from '../../commands/work-order/change-work-order';
import { type ClosedWorkOrder, closeWorkOrder } from '../../commands/work-order/close-work-order';
import { type PostedStep, type PostStep, postStep } from '../../commands/work-order/post-step';
import { reserveParts, type WorkOrderOutlook } from '../../commands/work-order/reserve-parts';
import type { Database } from '../../db/client';
import { isFailure } from '../../domain/failure-types';
import { asApplicationFailure } from '../failures';

interface PersonsWish extends WorkOrderRef {
  readonly actor: string;
  readonly reason: string;
}

export function workOrderSteps({ database }: { readonly database: Database }) {
  return {
    /** Sets apart what is missing for the rest. Undone by `closeWorkOrder`. */
    reserveParts: (ref: WorkOrderRef): Promise<WorkOrderOutlook> =>
      asApplicationFailure(() => reserveParts(database, ref)),

    /** Never undone: kits are made. Taking them apart is a work order of its own. */
    postWorkOrderStep: (step: PostStep): Promise<PostedStep> =>
      asApplicationFailure(() => postStep(database, step)),

    closeWorkOrder: (ref: WorkOrderRef): Promise<ClosedWorkOrder> =>
      asApplicationFailure(() => closeWorkOrder(database, ref)),

    failWorkOrder: (failure: WorkOrderRef & { readonly message: string }) =>
      asApplicationFailure(() => failWorkOrder(database, failure)),

    /** A wish from the Temporal UI; one that comes too late is none. */
    cancelWorkOrder: ({ merchantId, ...wish }: PersonsWish): Promise<void> =>
      asApplicationFailure(async () => {
        try {
          await endWorkOrder(database, { ...wish, merchantIds: [merchantId], how: 'cancelled' });
        } catch (error) {
          if (!isFailure(error, 'IllegalTransition')) throw error;
        }
      }),
  };
}
