/**
 * The least that a workflow with an order's shape can be: one regular and three local activities that do
 * nothing, an update that returns what the regular one gave, two signals and three upserts. What the
 * engine's orders are measured against.
 */
import type { SearchAttributeUpdatePair } from '@temporalio/common';
import {
  condition,
  defineSignal,
  defineUpdate,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import {
  BLOCKED_REASON,
  BLOCKED_SINCE,
  ORDER_STATUS,
  SHIP_BY,
  WAREHOUSE_ID,
} from '../../workflows/shared/search-attributes';
import type { bareActivities } from './activities';

type Activities = ReturnType<typeof bareActivities>;
const steps = proxyLocalActivities<Pick<Activities, 'intake' | 'ship' | 'close'>>({
  startToCloseTimeout: '10 seconds',
});
const outside = proxyActivities<Pick<Activities, 'label'>>({
  startToCloseTimeout: '45 seconds',
  heartbeatTimeout: '15 seconds',
});

export const packedUpdate = defineUpdate<string, [string]>('packed');
export const shippedSignal = defineSignal<[string]>('shipped');
export const deliveredSignal = defineSignal('delivered');

export async function bareWorkflow(id: string): Promise<string> {
  let planned = false;
  let shipped = false;
  let delivered = false;
  setHandler(packedUpdate, async (parcel) => {
    await condition(() => planned);
    return outside.label(parcel);
  });
  setHandler(shippedSignal, () => {
    shipped = true;
  });
  setHandler(deliveredSignal, () => {
    delivered = true;
  });
  await steps.intake(id);
  show('planned', [
    { key: SHIP_BY, value: new Date(0) },
    { key: WAREHOUSE_ID, value: 'bare' },
  ]);
  planned = true;
  await condition(() => shipped);
  await steps.ship(id);
  show('shipped');
  await condition(() => delivered);
  await steps.close(id);
  show('closed');
  return 'closed';
}

function show(status: string, more: SearchAttributeUpdatePair[] = []): void {
  upsertSearchAttributes([
    { key: ORDER_STATUS, value: status },
    { key: BLOCKED_REASON, value: null },
    { key: BLOCKED_SINCE, value: null },
    ...more,
  ]);
}
