/**
 * A correction as a row: posted at once where the merchant's limit allows, else it waits for a second
 * person. Keyed by its cause; the same one again answers what became of it. Whoever approves is somebody
 * else than who asked; what is posted then is what is there then. Each is posted once, by the row's
 * lock and by the ledger's cause. The first stock of a product in a warehouse has no limit, for there is
 * nothing yet that it could hide.
 */
import { uuidv7 } from 'uuidv7';
import { businessNow } from '../../db/adjustment.repo';
import type { Database, Tx } from '../../db/client';
import { openExceptions, resolveExceptions } from '../../db/exception.repo';
import {
  type AdjustmentHead,
  decideAdjustment,
  insertAdjustment,
  lockAdjustment,
  readAdjustmentLines,
  readLimits,
} from '../../db/stock-adjustment.repo';
import { Failure } from '../../domain/failure-types';
import { EXCEPTION_REASONS } from '../../domain/order/exception-reasons';
import { type AdjustmentReason, needsApproval, reasonAllows } from '../../domain/stock/adjustment-reasons';
import { runOnceIn } from '../run-once';
import { type AdjustedStock, type AdjustStock, adjustIn } from './adjust-stock';
import { type AdjustmentAudit, auditAdjustment } from './audit-adjustment';
import { type ResolvedLine, resolveLines } from './resolve-lines';
import { withOrdersLocked } from './with-orders-locked';

export interface RequestAdjustment extends AdjustStock {
  readonly reasonCode: AdjustmentReason;
}

export interface RequestedAdjustment {
  readonly adjustmentId: string;
  readonly state: 'pending' | 'posted';
  readonly lines: readonly {
    readonly productId: string;
    readonly requested: number;
    /** null while it waits. */
    readonly posted: number | null;
  }[];
}

/** @throws Failure as adjustStock does; InvalidInput when the reason does not go with a line's direction. */
export function requestAdjustment(
  database: Database,
  request: RequestAdjustment,
): Promise<RequestedAdjustment> {
  const { merchantId, causeId } = request;
  return withOrdersLocked(database, merchantId, async (tx, orderIds) => {
    const { outcome } = await runOnceIn(tx, merchantId, `adjust/${causeId}`, async () => ({
      ...(await requestAdjustmentIn(tx, request, orderIds)),
    }));
    return outcome;
  });
}

/**
 * The same in the caller's transaction, which sees to it that it is asked for once.
 * @throws OrdersNotLocked when goods would be taken from orders other than `orderIds`.
 */
export async function requestAdjustmentIn(
  tx: Tx,
  request: RequestAdjustment,
  orderIds: readonly string[],
): Promise<RequestedAdjustment> {
  const { merchantId, kind, reasonCode } = request;
  const lines = await resolveLines(tx, request);
  const wrong = lines.find((line) => !reasonAllows(reasonCode, line.delta));
  if (wrong)
    throw new Failure('InvalidInput', `the reason ${reasonCode} is none for ${wrong.delta} units`, {
      sku: wrong.product.sku,
    });
  if (kind === 'opening' && lines.some((line) => line.delta < 0))
    throw new Failure('InvalidInput', 'opening stock takes nothing away');
  const { waits, units, valueMinor } = await judge(tx, request, lines);
  const at = await businessNow(tx, merchantId);
  const posted = waits ? null : await adjustIn(tx, request, orderIds);
  const head: AdjustmentHead = {
    id: uuidv7(),
    merchantId,
    warehouseId: request.warehouseId,
    causeId: request.causeId,
    kind,
    reasonCode,
    reason: request.reason,
    state: waits ? 'pending' : 'posted',
    units,
    valueMinor,
    requestedBy: request.actor,
    requestedAt: at,
    decidedBy: waits ? null : request.actor,
    decidedAt: waits ? null : at,
    decisionReason: null,
  };
  await insertAdjustment(
    tx,
    head,
    lines.map((line, index) => ({
      productId: line.product.id,
      locationId: line.place?.id ?? null,
      lotCode: line.lotCode,
      expiresOn: line.expiresOn,
      delta: line.delta,
      unitCostMinor: line.unitCostMinor,
      posted: posted?.lines[index]?.posted ?? null,
    })),
  );
  if (waits) await askForApproval(tx, head);
  await record(tx, head, request, waits ? 'stock.adjust.request' : 'stock.adjust', posted?.lines ?? []);
  return {
    adjustmentId: head.id,
    state: waits ? 'pending' : 'posted',
    lines: lines.map((line, index) => ({
      productId: line.product.id,
      requested: line.delta,
      posted: posted?.lines[index]?.posted ?? null,
    })),
  };
}

async function judge(tx: Tx, request: RequestAdjustment, lines: readonly ResolvedLine[]) {
  const productIds = [...new Set(lines.map((line) => line.product.id))];
  const limits = await readLimits(tx, request.merchantId, request.warehouseId, productIds);
  const sum = (of: readonly ResolvedLine[]) => ({
    units: of.reduce((total, line) => total + BigInt(Math.abs(line.delta)), 0n),
    valueMinor: of.reduce<bigint | null>((total, { delta, product }) => {
      if (total === null || product.unitCostMinor === null) return null;
      return total + BigInt(Math.abs(delta)) * product.unitCostMinor;
    }, 0n),
  });
  const known = new Set(limits.known);
  const limited = request.kind === 'opening' ? lines.filter((line) => known.has(line.product.id)) : lines;
  const bound = sum(limited);
  return { ...sum(lines), waits: limited.length > 0 && needsApproval(limits, bound.units, bound.valueMinor) };
}

async function askForApproval(tx: Tx, head: AdjustmentHead): Promise<void> {
  const row = EXCEPTION_REASONS.adjustment_approval;
  await openExceptions(tx, [
    {
      merchantId: head.merchantId,
      reason: 'adjustment_approval',
      key: `adjustment_approval:${head.id}`,
      cause: 'adjustment_approval',
      orderId: null,
      thingKind: 'stock_adjustment',
      thingId: head.id,
      owner: row.owner,
      message: `A correction of ${head.units} units (${head.reasonCode}) waits for approval.`,
      deadlineMinutes: row.deadlineMinutes,
      openedAt: head.requestedAt,
    },
  ]);
}

export interface DecideAdjustment {
  readonly merchantIds: readonly string[];
  readonly adjustmentId: string;
  readonly reason: string;
  readonly actor: string;
  readonly requestId?: string;
}

/**
 * Posts a correction that waits.
 * @throws Failure NotFound; IllegalTransition with the state when it was decided, or when who asked approves.
 */
export async function approveAdjustment(
  database: Database,
  request: DecideAdjustment,
): Promise<{ readonly merchantId: string }> {
  const merchantId = await merchantOf(database, request);
  return withOrdersLocked(database, merchantId, async (tx, orderIds) => {
    const head = await lockPending(tx, request);
    if (head.requestedBy === request.actor)
      throw new Failure('IllegalTransition', 'somebody else than who asked for it has to approve it', {
        state: head.state,
      });
    const lines = await readAdjustmentLines(tx, merchantId, head.id);
    const { lines: done } = await adjustIn(
      tx,
      {
        merchantId,
        warehouseId: head.warehouseId,
        causeId: head.causeId,
        kind: head.kind,
        reason: head.reason,
        reasonCode: head.reasonCode as AdjustmentReason,
        actor: head.requestedBy,
        lines: lines.map((line) => ({
          productId: line.productId,
          delta: line.delta,
          ...(line.locationId === null ? {} : { locationId: line.locationId }),
          ...(line.lotCode === null ? {} : { lotCode: line.lotCode }),
          ...(line.expiresOn === null ? {} : { expiresOn: line.expiresOn }),
          ...(line.unitCostMinor === null ? {} : { unitCostMinor: line.unitCostMinor }),
        })),
      },
      orderIds,
    );
    await close(tx, head, request, 'posted', done);
    return { merchantId };
  });
}

/** @throws Failure NotFound; IllegalTransition with the state when it was decided. */
export async function rejectAdjustment(
  database: Database,
  request: DecideAdjustment,
): Promise<{ readonly merchantId: string }> {
  const merchantId = await merchantOf(database, request);
  return database.withMerchants([merchantId], async (tx) => {
    await close(tx, await lockPending(tx, request), request, 'rejected', []);
    return { merchantId };
  });
}

/** An adjustment never changes its merchant, so it may be looked up before it is locked. */
async function merchantOf(database: Database, request: DecideAdjustment): Promise<string> {
  const head = await database.withMerchants(request.merchantIds, (tx) =>
    lockAdjustment(tx, request.merchantIds, request.adjustmentId),
  );
  if (head === null) throw new Failure('NotFound', 'there is no such adjustment');
  return head.merchantId;
}

async function lockPending(tx: Tx, request: DecideAdjustment): Promise<AdjustmentHead> {
  const head = await lockAdjustment(tx, request.merchantIds, request.adjustmentId);
  if (head === null) throw new Failure('NotFound', 'there is no such adjustment');
  if (head.state !== 'pending')
    throw new Failure('IllegalTransition', `the adjustment is ${head.state}`, { state: head.state });
  return head;
}

async function close(
  tx: Tx,
  head: AdjustmentHead,
  request: DecideAdjustment,
  state: 'posted' | 'rejected',
  lines: readonly PostedLine[],
): Promise<void> {
  const { actor, reason } = request;
  const posted = lines.map((line) => line.posted);
  const at = await businessNow(tx, head.merchantId);
  await decideAdjustment(tx, head, { state, by: actor, at, reason, posted });
  await resolveExceptions(
    tx,
    [head.merchantId],
    [`adjustment_approval:${head.id}`],
    actor,
    `It was ${state}.`,
  );
  await record(tx, head, request, state === 'posted' ? 'stock.adjust.approve' : 'stock.adjust.reject', lines);
}

type PostedLine = AdjustedStock['lines'][number];

function record(
  tx: Tx,
  head: AdjustmentHead,
  by: AdjustmentAudit['by'],
  action: string,
  lines: readonly PostedLine[],
): Promise<void> {
  const { id, merchantId, warehouseId, causeId, reasonCode, units, valueMinor } = head;
  const value = valueMinor === null ? null : String(valueMinor);
  const after = { causeId, reasonCode, units: String(units), valueMinor: value };
  const thing = { thingKind: 'stock_adjustment', thingId: id };
  return auditAdjustment(tx, { merchantId, warehouseId, by, action, ...thing, after, lines });
}
