/**
 * Moves goods between places of one warehouse. From place to place on the shelves only units that nobody
 * was promised there move: a picker is on his way to the others. Into quarantine, to the damaged ones or
 * to the dock is a statement about the goods, so physical truth wins: what is promised there is taken
 * back, but for what somebody has in his hands. Goods that become sellable wake the orders that wait.
 * Keyed by its cause; the same one again changes nothing.
 */
import { businessNow } from '../../db/adjustment.repo';
import { readAllocations } from '../../db/allocation.repo';
import { audit } from '../../db/audit-log.repo';
import { type Bin, lockBins } from '../../db/bin.repo';
import type { Database, Tx } from '../../db/client';
import type { MovementKind } from '../../db/ledger.repo';
import type { Place } from '../../db/place.repo';
import { lockOrCreateStockBalances } from '../../db/stock.repo';
import { lockOrderTrees, readLosable, readLosableOfOrders } from '../../db/take-back.repo';
import { Failure } from '../../domain/failure-types';
import { runOnceIn } from '../run-once';
import { wakeBackorders } from '../wake-orders';
import { shelfKey } from './plan-adjustment';
import { HELD_PLACES, isHeld, postMovements } from './post-movements';
import { type ResolvedMove, resolveMoves } from './resolve-moves';
import { chooseLosers, ordersOf, sellableAfter, takeBackFrom } from './take-back';
import { OrdersNotLocked, withOrdersLocked } from './with-orders-locked';

export interface MoveLine {
  /** One of the two. */
  readonly productId?: string;
  readonly sku?: string;
  /** Default: goods without a lot. */
  readonly lotCode?: string;
  /** Whole base units, at least 1. */
  readonly quantity: number;
  readonly fromCode: string;
  readonly toCode: string;
  /** Numbers of the units, where they have some. */
  readonly serials?: readonly string[];
}

export interface MoveStock {
  readonly merchantId: string;
  /** Step key; once a merchant. */
  readonly causeId: string;
  readonly warehouseId: string;
  readonly reason: string;
  readonly actor: string;
  readonly requestId?: string;
  readonly kind?: Extract<MovementKind, 'move' | 'putaway' | 'put_back'>;
  readonly lines: readonly MoveLine[];
}

/**
 * @throws Failure NotFound for an unknown product, place or warehouse; InvalidInput when a place has fewer
 *   units that may be moved, with how many there are.
 */
export function moveStock(database: Database, request: MoveStock): Promise<{ readonly posted: boolean }> {
  const { merchantId, causeId } = request;
  return withOrdersLocked(database, merchantId, async (tx, orderIds) => {
    const { ran } = await runOnceIn(tx, merchantId, `move/${causeId}`, async () => {
      await moveIn(tx, request, orderIds);
      await record(tx, request);
      return {};
    });
    return { posted: ran };
  });
}

/** The ledger under this cause has what was where before and after. */
function record(tx: Tx, request: MoveStock): Promise<void> {
  const { merchantId, causeId, warehouseId, kind = 'move', reason, actor, requestId = null, lines } = request;
  const thing = { thingKind: 'stock_cause', thingId: causeId };
  const after = { warehouseId, lines };
  return audit(tx, { merchantId, actor, action: `stock.${kind}`, ...thing, reason, after, requestId });
}

async function moveIn(tx: Tx, request: MoveStock, orderIds: readonly string[]): Promise<void> {
  const { merchantId, warehouseId, causeId, kind = 'move', reason, actor } = request;
  if (orderIds.length > 0) await lockOrderTrees(tx, merchantId, orderIds);
  const moves = await resolveMoves(tx, request);
  const ofOrders = orderIds.length === 0 ? [] : await readLosableOfOrders(tx, merchantId, orderIds);
  const productIds = [...new Set(moves.map((move) => move.productId))];
  const keys = productIds.map((productId) => ({ merchantId, warehouseId, productId }));
  const stock = await lockOrCreateStockBalances(tx, [...keys, ...ofOrders]);
  const bins = await lockBins(tx, keys);
  const reservations = await readLosable(tx, merchantId, [warehouseId], productIds);
  const allocations = await readAllocations(tx, reservations);
  const picked = new Set(reservations.filter((each) => each.picked).map((each) => each.reservationId));
  const inHands = allocations.filter((each) => picked.has(each.reservationId));
  const leaving = checkMoves(moves, bins, (bin) =>
    inHands.reduce((sum, each) => sum + (shelfKey(each) === shelfKey(bin) ? each.quantity : 0), 0),
  );
  const losers = chooseLosers({
    merchantId,
    warehouseId,
    sellable: sellableAfter({ merchantId, warehouseId, moves: leaving }, stock, () => false),
    moves: leaving,
    bins,
    reservations,
    allocations,
  });
  const unlocked = ordersOf(losers).filter((id) => !orderIds.includes(id));
  if (unlocked.length > 0) throw new OrdersNotLocked(unlocked);
  const at = await businessNow(tx, merchantId);
  const free = losers.length > 0 ? await takeBackFrom(tx, merchantId, losers, ofOrders, at) : [];
  const lines = moves.map((move) => ({
    productId: move.productId,
    lotCode: move.lotCode,
    quantity: move.quantity,
    fromLocationId: move.from.id,
    toLocationId: move.to.id,
    ...(move.serials === undefined ? {} : { serials: move.serials }),
  }));
  await postMovements(tx, [{ merchantId, causeId, kind, reason, actor, occurredAt: at, lines }]);
  const freed = moves.filter((move) => keeps(move.from) && !keeps(move.to)).map((move) => move.productId);
  await wakeBackorders(tx, merchantId, [...freed, ...free]);
}

/** Whether goods there are kept from being sold. */
const keeps = (place: Place) => HELD_PLACES.has(place.kind);

/**
 * Sees that each place has what is moved from it.
 * @returns what leaves the sellable units, place by place, as losses.
 */
function checkMoves(
  moves: readonly ResolvedMove[],
  bins: readonly Bin[],
  inHandsAt: (bin: Bin) => number,
): {
  readonly productId: string;
  readonly locationId: string;
  readonly lotCode: string;
  readonly delta: number;
}[] {
  const taken = new Map<string, number>();
  return moves.flatMap((move) => {
    const { productId, lotCode, quantity, from, to } = move;
    const key = shelfKey({ locationId: from.id, productId, lotCode });
    const bin = bins.find((each) => shelfKey(each) === key);
    const before = taken.get(key) ?? 0;
    const statement = keeps(to) && !keeps(from);
    const movable =
      bin === undefined ? 0 : bin.onHand - (statement ? inHandsAt(bin) : bin.allocated) - before;
    if (bin === undefined || quantity > movable)
      throw new Failure('InvalidInput', `${from.code} has ${Math.max(0, movable)} units that may be moved`, {
        productId,
        lotCode,
        location: from.code,
        movable: Math.max(0, movable),
      });
    taken.set(key, before + quantity);
    return statement && !isHeld(bin) ? [{ productId, locationId: from.id, lotCode, delta: -quantity }] : [];
  });
}
