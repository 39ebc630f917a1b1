/**
 * Corrects what the system believes of stock: opening balances, corrections, write-offs. Keyed by its
 * cause: the same one again posts nothing and answers as it did before. A loss larger than what is there
 * posts what is there, reports the rest and opens an exception for it. Physical truth wins: a loss that
 * leaves less than is reserved takes reservations back in the same transaction (take-back). A gain wakes
 * the orders that wait for the goods.
 */

import { businessNow } from '../../db/adjustment.repo';
import { readAllocations } from '../../db/allocation.repo';
import { lockBins } from '../../db/bin.repo';
import type { Database, Tx } from '../../db/client';
import { openExceptions } from '../../db/exception.repo';
import { ensureLots } from '../../db/lot-hold.repo';
import { virtualPlace } from '../../db/place.repo';
import { lockOrCreateStockBalances } from '../../db/stock.repo';
import { lockOrderTrees, readLosable, readLosableOfOrders } from '../../db/take-back.repo';
import { EXCEPTION_REASONS } from '../../domain/order/exception-reasons';
import type { AdjustmentReason } from '../../domain/stock/adjustment-reasons';
import { runOnceIn } from '../run-once';
import { wakeBackorders } from '../wake-orders';
import { auditAdjustment } from './audit-adjustment';
import { type PlannedAdjustment, planAdjustment, shelfKey } from './plan-adjustment';
import { HELD_PLACES, postMovements } from './post-movements';
import { type AdjustmentLine, type ResolvedLine, resolveLines } from './resolve-lines';
import { chooseLosers, ordersOf, sellableAfter, takeBackFrom } from './take-back';
import { OrdersNotLocked, withOrdersLocked } from './with-orders-locked';

export type { AdjustmentLine } from './resolve-lines';

export interface AdjustStock {
  readonly merchantId: string;
  /** Step key of what corrects the stock; once a merchant. */
  readonly causeId: string;
  readonly kind: 'opening' | 'adjustment' | 'write_off' | 'count';
  readonly warehouseId: string;
  readonly reason: string;
  readonly reasonCode?: AdjustmentReason;
  readonly actor: string;
  readonly requestId?: string;
  /** Business time; default the merchant's now. */
  readonly occurredAt?: Date;
  readonly lines: readonly AdjustmentLine[];
}

export interface AdjustedStock {
  /** False when this cause was posted before; the lines are those of then. */
  readonly posted: boolean;
  readonly lines: readonly {
    readonly productId: string;
    readonly requested: number;
    readonly posted: number;
  }[];
}

/**
 * @throws Failure NotFound for an unknown product, place or warehouse; InvalidInput for a gain without a
 *   place, a lot-tracked gain without a lot, or a place where goods don't rest.
 */
export async function adjustStock(database: Database, request: AdjustStock): Promise<AdjustedStock> {
  return withOrdersLocked(database, request.merchantId, async (tx, orderIds) => {
    const { merchantId, warehouseId, causeId } = request;
    const { outcome, ran } = await runOnceIn(tx, merchantId, `adjust/${causeId}`, async () => {
      const { lines } = await adjustIn(tx, request, orderIds);
      const thing = { action: 'stock.adjust', thingKind: 'stock_cause', thingId: causeId };
      await auditAdjustment(tx, { merchantId, warehouseId, by: request, ...thing, after: {}, lines });
      return { lines };
    });
    return { posted: ran, lines: outcome.lines };
  });
}

/**
 * The same in the caller's transaction.
 * @throws OrdersNotLocked when goods would be taken from orders other than `orderIds`.
 */
export async function adjustIn(
  tx: Tx,
  request: AdjustStock,
  orderIds: readonly string[],
): Promise<{ readonly lines: AdjustedStock['lines'] }> {
  const { merchantId, warehouseId } = request;
  if (orderIds.length > 0) await lockOrderTrees(tx, merchantId, orderIds);
  const lines = await resolveLines(tx, request);
  const ofOrders = orderIds.length === 0 ? [] : await readLosableOfOrders(tx, merchantId, orderIds);
  const productIds = [...new Set(lines.map((line) => line.product.id))];
  const keys = productIds.map((productId) => ({ merchantId, warehouseId, productId }));
  const stock = await lockOrCreateStockBalances(tx, [...keys, ...ofOrders]);
  const bins = await lockBins(tx, keys);
  const losing = lines.some((line) => line.delta < 0);
  const reservations = losing ? await readLosable(tx, merchantId, [warehouseId], productIds) : [];
  const allocations = await readAllocations(tx, reservations);

  const picked = new Set(reservations.filter((each) => each.picked).map((each) => each.reservationId));
  const inHands = new Map<string, number>();
  for (const each of allocations.filter(({ reservationId }) => picked.has(reservationId)))
    inHands.set(shelfKey(each), (inHands.get(shelfKey(each)) ?? 0) + each.quantity);
  const planned = planAdjustment(
    lines.map((line) => ({
      productId: line.product.id,
      delta: line.delta,
      locationId: line.place?.id ?? null,
      lotCode: line.lotCode,
      serials: line.serials,
      unitCostMinor: line.unitCostMinor,
    })),
    bins,
    inHands,
  );

  const moves = planned.flatMap((line) => line.moves);
  const held = new Set(bins.filter((b) => b.lotHeld || HELD_PLACES.has(b.locationKind)).map(shelfKey));
  const lost = moves.filter((move) => move.delta < 0);
  const losers = chooseLosers({
    merchantId,
    warehouseId,
    sellable: sellableAfter({ merchantId, warehouseId, moves: lost }, stock, (move) =>
      held.has(shelfKey(move)),
    ),
    moves: lost,
    bins,
    reservations,
    allocations,
  });
  const unlocked = ordersOf(losers).filter((id) => !orderIds.includes(id));
  if (unlocked.length > 0) throw new OrdersNotLocked(unlocked);
  const at = request.occurredAt ?? (await businessNow(tx, merchantId));
  const freed = losers.length > 0 ? await takeBackFrom(tx, merchantId, losers, ofOrders, at) : [];
  await post(tx, request, planned, lines, at);
  const gained = planned.filter((line) => line.posted > 0).map((line) => line.productId);
  await wakeBackorders(tx, merchantId, [...gained, ...freed]);
  return {
    lines: planned.map(({ productId, requested, posted }) => ({ productId, requested, posted })),
  };
}

async function post(
  tx: Tx,
  request: AdjustStock,
  planned: readonly PlannedAdjustment[],
  lines: readonly ResolvedLine[],
  occurredAt: Date,
): Promise<void> {
  const { merchantId, causeId, kind, reason, reasonCode, actor } = request;
  const outside = await virtualPlace(tx, merchantId, 'adjustment');
  await ensureLots(
    tx,
    merchantId,
    lines.flatMap((line) =>
      line.delta > 0 && line.lotCode !== null && line.lotCode !== ''
        ? [{ productId: line.product.id, lotCode: line.lotCode, expiresOn: line.expiresOn }]
        : [],
    ),
  );
  await postMovements(tx, [
    {
      merchantId,
      causeId,
      kind,
      reason,
      reasonCode,
      actor,
      occurredAt,
      lines: planned
        .flatMap((line) => line.moves)
        .map(({ productId, lotCode, locationId, delta, serials, unitCostMinor }) => ({
          productId,
          lotCode,
          quantity: Math.abs(delta),
          fromLocationId: delta > 0 ? outside : locationId,
          toLocationId: delta > 0 ? locationId : outside,
          unitCostMinor,
          ...(serials === undefined ? {} : { serials }),
        })),
    },
  ]);
  await reportShort(tx, request, planned, lines, occurredAt);
}

async function reportShort(
  tx: Tx,
  request: AdjustStock,
  planned: readonly PlannedAdjustment[],
  lines: readonly ResolvedLine[],
  openedAt: Date,
): Promise<void> {
  const row = EXCEPTION_REASONS.write_off_short;
  const skus = new Map(lines.map((line) => [line.product.id, line.product.sku]));
  await openExceptions(
    tx,
    planned.flatMap((line, index) => {
      if (line.posted === line.requested) return [];
      const sku = skus.get(line.productId) ?? line.productId;
      return [
        {
          merchantId: request.merchantId,
          reason: 'write_off_short',
          key: `write_off_short:${request.causeId}:${index + 1}`,
          cause: `write_off_short:${sku}`,
          orderId: null,
          thingKind: 'product',
          thingId: line.productId,
          owner: row.owner,
          message: `${sku}: ${-line.requested} were to be written off, ${-line.posted} were there.`,
          deadlineMinutes: row.deadlineMinutes,
          openedAt,
        },
      ];
    }),
  );
}
