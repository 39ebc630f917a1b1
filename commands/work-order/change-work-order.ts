/**
 * What people tell a work order: this much is done, stop here, look again. Each is a conditional write under
 * the work order's lock, so a report and a cancel are before or after each other, never between; the
 * workflow is told by an outbox row and posts. What was reported before a cancel is posted: it is made.
 */
import { audit } from '../../db/audit-log.repo';
import type { Database, Tx } from '../../db/client';
import {
  insertStep,
  lockWorkOrder,
  readComponents,
  readSteps,
  updateWorkOrder,
  type WorkOrderHead,
} from '../../db/work-order.repo';
import { Failure } from '../../domain/failure-types';
import { flowOf, hasEnded, isWorkable } from '../../domain/stock/work-order';
import { runOnceIn } from '../run-once';
import { startWorkOrder, tellWorkOrders } from './work-order-messages';

interface Asked {
  readonly merchantIds: readonly string[];
  readonly workOrderId: string;
  readonly actor: string;
  readonly requestId?: string | null;
}

export interface ReportStep extends Asked {
  /** Once a merchant. */
  readonly key: string;
  /** Kits made or taken apart. */
  readonly units: number;
  /** Components that broke. */
  readonly scrap: readonly { readonly sku: string; readonly quantity: number; readonly reason: string }[];
  /** Lots of what comes out, where it is tracked by lot. */
  readonly lots: readonly {
    readonly sku: string;
    readonly lotCode: string;
    readonly expiresOn?: string | undefined;
  }[];
}

/**
 * @throws Failure NotFound; IllegalTransition when nothing is reserved for it, or it ends; InvalidInput for more
 *   than is left to make, or a lot that is missing.
 */
export function reportStep(database: Database, report: ReportStep): Promise<{ readonly number: number }> {
  return database.withMerchants(report.merchantIds, async (tx) => {
    const order = await lock(tx, report);
    const { outcome } = await runOnceIn(tx, order.merchantId, `work-order-step/${report.key}`, async () => ({
      number: await reportIn(tx, order, report),
    }));
    return outcome;
  });
}

async function reportIn(tx: Tx, order: WorkOrderHead, report: ReportStep): Promise<number> {
  const { merchantId, id } = order;
  if (!isWorkable(order.state, order.ending))
    throw new Failure('IllegalTransition', `the work order is ${order.ending ?? order.state}`, {
      state: order.state,
    });
  const components = await readComponents(tx, merchantId, id);
  const steps = await readSteps(tx, merchantId, id);
  const left = order.planned - steps.reduce((sum, step) => sum + step.units, 0);
  if (report.units > left)
    throw new Failure('InvalidInput', `${left} are left to make`, { units: report.units, left });
  const idOf = (sku: string) => {
    if (sku === order.sku) return order.productId;
    const component = components.find((each) => each.sku === sku);
    if (component === undefined) throw new Failure('InvalidInput', `${sku} is no part of it`, { sku });
    return component.productId;
  };
  const scrap = report.scrap.map(({ sku, ...rest }) => ({ productId: idOf(sku), ...rest }));
  const lots = report.lots.map(({ sku, lotCode, expiresOn = null }) => ({
    productId: idOf(sku),
    lotCode,
    expiresOn,
  }));
  const { made } = flowOf({ ...order, components }, { units: report.units, scrap });
  for (const { productId } of made) {
    const tracked = components.find((each) => each.productId === productId)?.lotTracked;
    if ((tracked ?? order.lotTracked) && !lots.some((lot) => lot.productId === productId))
      throw new Failure('InvalidInput', 'what comes out is tracked by lot: say which', { productId });
  }
  const number = steps.length + 1;
  await insertStep(tx, order, { number, units: report.units, scrap, lots, reportedBy: report.actor });
  await tellWorkOrders(tx, merchantId, [id], 'step_reported');
  await record(tx, order, report, 'work_order.step', { number, units: report.units, scrap: report.scrap });
  return number;
}

export interface EndWorkOrder extends Asked {
  /** `done`: what is made is enough. */
  readonly how: 'done' | 'cancelled';
  readonly reason: string;
}

/**
 * Stops it where it is: what is made stays, what is not used is for sale again. A second time changes nothing.
 * @throws Failure NotFound; IllegalTransition when it has ended, or is ending otherwise.
 */
export function endWorkOrder(database: Database, request: EndWorkOrder): Promise<void> {
  return database.withMerchants(request.merchantIds, async (tx) => {
    const order = await lock(tx, request);
    if (order.ending === request.how) return;
    if (hasEnded(order.state) || order.ending !== null)
      throw new Failure('IllegalTransition', `the work order is ${order.ending ?? order.state}`, {
        state: order.state,
      });
    await updateWorkOrder(tx, order, { ending: request.how });
    await tellWorkOrders(tx, order.merchantId, [order.id], request.how);
    const action = request.how === 'done' ? 'work_order.finish' : 'work_order.cancel';
    await record(tx, order, request, action, { built: order.built }, request.reason);
  });
}

/**
 * Has it look again, and starts its workflow anew where Temporal has none that runs.
 * @throws Failure NotFound; IllegalTransition when it has ended.
 */
export function retryWorkOrder(
  database: Database,
  request: Asked & { readonly reason: string },
): Promise<void> {
  return database.withMerchants(request.merchantIds, async (tx) => {
    const order = await lock(tx, request);
    if (hasEnded(order.state))
      throw new Failure('IllegalTransition', `the work order is ${order.state}`, { state: order.state });
    await startWorkOrder(tx, order, `${order.planned} × ${order.sku}, again`, true);
    await tellWorkOrders(tx, order.merchantId, [order.id], 'tried_again');
    await record(tx, order, request, 'work_order.retry', {}, request.reason);
  });
}

async function lock(tx: Tx, { merchantIds, workOrderId }: Asked): Promise<WorkOrderHead> {
  const order = await lockWorkOrder(tx, merchantIds, workOrderId);
  if (order === null) throw new Failure('NotFound', 'there is no such work order');
  return order;
}

function record(
  tx: Tx,
  order: WorkOrderHead,
  by: Asked,
  action: string,
  after: Readonly<Record<string, unknown>>,
  reason: string | null = null,
): Promise<void> {
  return audit(tx, {
    merchantId: order.merchantId,
    actor: by.actor,
    requestId: by.requestId ?? null,
    action,
    thingKind: 'work_order',
    thingId: order.id,
    reason,
    before: { state: order.state, built: order.built },
    after,
  });
}
