/**
 * What becomes of an order whose picker found too little. `backorder`: the missing units are planned
 * anew, elsewhere or when they come; the rest goes on. `ship_short`: they are cancelled and the rest
 * goes on. `ask`: the order is blocked until a person decides one of the two. The merchant's policy
 * decides first; what can't be shipped short (nothing was found, or a part of a bundle is missing) is
 * asked about.
 */

import { audit } from '../../db/audit-log.repo';
import type { Database, Tx } from '../../db/client';
import { advancePart, readPartLines } from '../../db/floor-stage.repo';
import { lockOrder } from '../../db/order.repo';
import { enqueue } from '../../db/outbox.repo';
import {
  addShorted,
  areWholeOrderUnits,
  cancelShorted,
  readUnsettledShorts,
  type ShortedLine,
} from '../../db/short-pick.repo';
import { type LockedTask, lockTask } from '../../db/task.repo';
import type { TaskLine } from '../../db/task-line.repo';
import { Failure } from '../../domain/failure-types';
import { blockOrderIn, unblockOrderIn } from '../block-order';
import type { LostUnits } from '../stock/shrink-reservations';
import { wakeOrders } from '../wake-orders';
import { startPacking } from './start-packing';

export type ShortPickDecision = 'backorder' | 'ship_short';

/** Applies the merchant's policy. @returns the pack task of the rest, null when there is none yet. */
export async function settleShorts(
  tx: Tx,
  task: LockedTask,
  lost: readonly LostUnits[],
  missing: readonly TaskLine[],
): Promise<string | null> {
  const shorts = missing.flatMap((line) =>
    line.fulfilmentOrderLineId === null
      ? []
      : [{ fulfilmentOrderLineId: line.fulfilmentOrderLineId, quantity: line.short }],
  );
  await enqueue(tx, [
    {
      merchantId: task.merchantId,
      kind: 'workflow.signal',
      key: `shorted:${task.taskId}`,
      orderId: task.orderId,
      payload: {
        workflowId: task.workflowId,
        signal: 'shorted',
        args: [{ fulfilmentOrderId: task.fulfilmentOrderId, taskId: task.taskId }],
      },
    },
  ]);
  const policy = task.shortPickPolicy;
  if (policy !== 'ask' && (await isPossible(tx, task, shorts, policy)))
    return decide(tx, task, shorts, policy);
  const found = missing.map((line) => `${line.sku}: ${line.short} of ${line.quantity} missing`).join('; ');
  await blockOrderIn(tx, {
    merchantId: task.merchantId,
    orderId: task.orderId,
    reason: 'short_pick',
    message: `${found}.`,
    subject: lost[0]?.productId ?? '',
  });
  return null;
}

export interface SettleShortPick {
  readonly merchantId: string;
  readonly orderId: string;
  readonly decision: ShortPickDecision;
  readonly actor: string;
  readonly reason?: string;
  readonly requestId?: string | null;
}

/**
 * A person's decision about an order that a short pick blocked. Repeating it changes nothing.
 * @throws Failure NotFound; IllegalTransition when it can't be shipped short.
 */
export function settleShortPick(
  database: Database,
  request: SettleShortPick,
): Promise<{ readonly packTaskIds: readonly string[] }> {
  return database.withMerchants([request.merchantId], (tx) => settleShortPickIn(tx, request));
}

/**
 * The same in the caller's transaction. `again` decides by the merchant's policy, which may have changed
 * since; where that asks, or what was found can't go alone, the missing units are planned anew.
 */
export async function settleShortPickIn(
  tx: Tx,
  request: Omit<SettleShortPick, 'decision'> & { readonly decision: ShortPickDecision | 'again' },
): Promise<{ readonly packTaskIds: readonly string[] }> {
  const { merchantId, orderId } = request;
  const order = await lockOrder(tx, merchantId, orderId);
  if (order === null) throw new Failure('NotFound', 'there is no such order');
  const unsettled = await readUnsettledShorts(tx, merchantId, orderId);
  const packTaskIds: string[] = [];
  for (const taskId of new Set(unsettled.map((short) => short.taskId))) {
    const task = await lockTask(tx, taskId);
    if (task === null) continue;
    const shorts = unsettled.filter((short) => short.taskId === taskId);
    const decision = request.decision === 'again' ? await decideAgain(tx, task, shorts) : request.decision;
    if (!(await isPossible(tx, task, shorts, decision)))
      throw new Failure(
        'IllegalTransition',
        'what was found of this order can not be shipped without the rest',
        { state: order.state },
      );
    const packTaskId = await decide(tx, task, shorts, decision);
    if (packTaskId !== null) packTaskIds.push(packTaskId);
  }
  if (unsettled.length === 0) return { packTaskIds };
  await unblockOrderIn(tx, { merchantId, orderId, reason: 'short_pick', by: request.actor });
  await wakeOrders(tx, merchantId, [orderId], 'short_pick_decided');
  await audit(tx, {
    organisationId: order.organisation_id,
    merchantId,
    actor: request.actor,
    action: `order.short_pick.${request.decision}`,
    thingKind: 'order',
    thingId: orderId,
    reason: request.reason ?? null,
    requestId: request.requestId ?? null,
    after: { packTaskIds },
  });
  return { packTaskIds };
}

async function decideAgain(
  tx: Tx,
  task: LockedTask,
  shorts: readonly ShortedLine[],
): Promise<ShortPickDecision> {
  const short = task.shortPickPolicy === 'ship_short' && (await isPossible(tx, task, shorts, 'ship_short'));
  return short ? 'ship_short' : 'backorder';
}

async function isPossible(
  tx: Tx,
  task: LockedTask,
  shorts: readonly ShortedLine[],
  decision: ShortPickDecision,
): Promise<boolean> {
  if (decision === 'backorder') return true;
  const rest = (await unitsToCome(tx, task)) - shorts.reduce((sum, short) => sum + short.quantity, 0);
  return rest > 0 && (await areWholeOrderUnits(tx, task.merchantId, shorts));
}

async function unitsToCome(tx: Tx, task: LockedTask): Promise<number> {
  const parts = await readPartLines(tx, task.merchantId, task.fulfilmentOrderId);
  return parts.reduce((sum, part) => sum + part.quantity - part.shorted, 0);
}

async function decide(
  tx: Tx,
  task: LockedTask,
  shorts: readonly ShortedLine[],
  decision: ShortPickDecision,
): Promise<string | null> {
  await addShorted(tx, task.merchantId, shorts);
  if (decision === 'ship_short') await cancelShorted(tx, task.merchantId, shorts);
  if ((await unitsToCome(tx, task)) > 0) return startPacking(tx, task);
  // Nothing of it was found: the part ends, and its order is planned anew.
  await advancePart(tx, task, ['released', 'accepted', 'picking'], 'cancelled');
  return null;
}
