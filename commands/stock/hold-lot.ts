/**
 * Holds a lot everywhere at once and lets it go again: a recall by a person, or its date. In one
 * transaction its units count as held in every warehouse, and whoever had them reserved, picked or
 * packed loses them: what has not gone through the door does not go. Nothing is moved; the units lie
 * where they lay. A shipment that is through the door and not posted yet is posted first.
 * A lot that is held already is held once: repeating it changes nothing.
 */
import { businessNow } from '../../db/adjustment.repo';
import { type Allocation, readAllocations } from '../../db/allocation.repo';
import { audit } from '../../db/audit-log.repo';
import { type Bin, lockBins } from '../../db/bin.repo';
import type { Database, Tx } from '../../db/client';
import { openExceptions, resolveExceptions } from '../../db/exception.repo';
import {
  activeHolds,
  endHold,
  findLot,
  findOrMakeLot,
  type HoldKind,
  insertHold,
  type LotKey,
  lotStockKeys,
  lotsPastDate,
  merchantsWithOldLots,
  setLotDate,
} from '../../db/lot-hold.repo';
import { countOrdersShippedFrom } from '../../db/lot-read.repo';
import { addToStock, lockOrCreateStockBalances, type StockBalance, stockKey } from '../../db/stock.repo';
import {
  type LosableReservation,
  lockOrderTrees,
  readLosable,
  readLosableOfOrders,
} from '../../db/take-back.repo';
import { Failure } from '../../domain/failure-types';
import { EXCEPTION_REASONS } from '../../domain/order/exception-reasons';
import { ShipStep } from '../ship-order';
import { wakeBackorders } from '../wake-orders';
import { isHeld } from './post-movements';
import { chooseLosers, ordersOf, takeBackFrom } from './take-back';
import { OrdersNotLocked, withOrdersLocked } from './with-orders-locked';

interface LotDeed extends LotKey {
  readonly reason: string;
  readonly actor: string;
  readonly requestId?: string;
}

export interface HoldLot extends LotDeed {
  readonly kind: HoldKind;
}

export interface HeldLot {
  readonly holdId: string;
  /** Units that this made unsellable; 0 when it was held already. */
  readonly unitsHeld: number;
  /** Orders whose goods were taken back; they are planned again. */
  readonly ordersTakenBack: readonly string[];
  /** Orders that shipped from the lot, ever. */
  readonly ordersShipped: number;
}

/** Lots one sweep holds of one merchant; the rest come with the next one. */
const EXPIRED_AT_ONCE = 200;

/** Goods of the lot are through the door and their shipments are not posted. */
class ShipmentsNotPosted extends Error {
  constructor(readonly fulfilmentOrderIds: readonly string[]) {
    super('post the shipments first');
  }
}

/** @throws Failure NotFound when the merchant has no such product; a lot that never came may be held. */
export async function holdLot(database: Database, request: HoldLot): Promise<HeldLot> {
  const { merchantId } = request;
  const shipping = new ShipStep(database);
  return withOrdersLocked(
    database,
    merchantId,
    (tx, orderIds) => hold(tx, request, orderIds),
    async (error) => {
      if (!(error instanceof ShipmentsNotPosted)) return false;
      for (const fulfilmentOrderId of error.fulfilmentOrderIds)
        await shipping.run({ merchantId, fulfilmentOrderId });
      return true;
    },
  );
}

interface Locked {
  readonly stock: ReadonlyMap<string, StockBalance>;
  readonly bins: readonly Bin[];
}

async function hold(tx: Tx, request: HoldLot, orderIds: readonly string[]): Promise<HeldLot> {
  const { merchantId, productId, lotCode, kind, reason, actor } = request;
  if (orderIds.length > 0) await lockOrderTrees(tx, merchantId, orderIds);
  const ofOrders = orderIds.length === 0 ? [] : await readLosableOfOrders(tx, merchantId, orderIds);
  const keys = await lotStockKeys(tx, merchantId, productId);
  const stock = await lockOrCreateStockBalances(tx, [...keys, ...ofOrders]);
  const before = await findOrMakeLot(tx, request);
  const ordersShipped = await countOrdersShippedFrom(tx, request);
  const active = (await activeHolds(tx, request)).find((each) => each.kind === kind);
  if (active) return { holdId: active.id, unitsHeld: 0, ordersTakenBack: [], ordersShipped };
  const at = await businessNow(tx, merchantId);
  const holdId = await insertHold(tx, request, { kind, reason, actor, at });
  let unitsHeld = 0;
  let ordersTakenBack: string[] = [];
  if (!before.held) {
    const bins = await lockBins(tx, keys);
    const losers = await findLosers(tx, request, { stock, bins });
    const unlocked = ordersOf(losers).filter((id) => !orderIds.includes(id));
    if (unlocked.length > 0) throw new OrdersNotLocked(unlocked);
    const freed = losers.length > 0 ? await takeBackFrom(tx, merchantId, losers, ofOrders, at) : [];
    ordersTakenBack = ordersOf(losers);
    unitsHeld = await addHeld(tx, sellableOf(bins, lotCode), 1);
    await wakeBackorders(tx, merchantId, freed);
  }
  const held = { holdId, unitsHeld, ordersTakenBack, ordersShipped };
  await record(tx, request, `lot.${kind}`, { productId, lotCode, ...held });
  if (kind === 'recall') await report(tx, request, held, at);
  return held;
}

/** Bins whose units of the lot were for sale until now. */
const sellableOf = (bins: readonly Bin[], lotCode: string) =>
  bins.filter((bin) => bin.lotCode === lotCode && !isHeld({ ...bin, lotHeld: false }));

async function addHeld(tx: Tx, bins: readonly Bin[], sign: 1 | -1): Promise<number> {
  await addToStock(
    tx,
    bins.map((bin) => ({ ...bin, onHand: 0, held: sign * bin.onHand, reserved: 0 })),
  );
  return bins.reduce((sum, bin) => sum + bin.onHand, 0);
}

/** Everybody whose units are of the lot, and in each warehouse who can't be served from the rest. */
async function findLosers(tx: Tx, request: HoldLot, { stock, bins }: Locked): Promise<LosableReservation[]> {
  const { merchantId, productId, lotCode } = request;
  const recalled = sellableOf(bins, lotCode);
  const warehouseIds = [...new Set(recalled.map((bin) => bin.warehouseId))];
  const live = await readLosable(tx, merchantId, warehouseIds, [productId]);
  const allocations = await readAllocations(tx, live);
  assertNothingLeaves(live, allocations, lotCode);
  // Goods on a bench are as recalled as those on a shelf; what left is not in these books any more.
  const reservations = live.map((each) => ({ ...each, picked: each.left }));
  return warehouseIds.flatMap((warehouseId) => {
    const here = recalled.filter((bin) => bin.warehouseId === warehouseId);
    const balance = stock.get(stockKey({ merchantId, warehouseId, productId }));
    const units = here.reduce((sum, bin) => sum + bin.onHand, 0);
    return chooseLosers({
      merchantId,
      warehouseId,
      sellable: new Map([[productId, (balance ? balance.onHand - balance.held : 0) - units]]),
      moves: here.map((bin) => ({ ...bin, delta: -bin.onHand })),
      bins: bins.filter((bin) => bin.warehouseId === warehouseId),
      reservations: reservations.filter((each) => each.warehouseId === warehouseId),
      allocations,
    });
  });
}

function assertNothingLeaves(
  reservations: readonly LosableReservation[],
  allocations: readonly Allocation[],
  lotCode: string,
): void {
  const ofLot = new Set(
    allocations.filter((each) => each.lotCode === lotCode).map((each) => each.reservationId),
  );
  const leaving = reservations.filter((each) => each.left && ofLot.has(each.reservationId));
  if (leaving.length > 0)
    throw new ShipmentsNotPosted([...new Set(leaving.flatMap((each) => each.fulfilmentOrderId ?? []))]);
}

async function report(tx: Tx, request: HoldLot, held: HeldLot, at: Date): Promise<void> {
  const row = EXCEPTION_REASONS.lot_recalled;
  await openExceptions(tx, [
    {
      merchantId: request.merchantId,
      reason: 'lot_recalled',
      key: `lot_recalled:${held.holdId}`,
      cause: `lot_recalled:${request.lotCode}`,
      orderId: null,
      thingKind: 'lot_hold',
      thingId: held.holdId,
      owner: row.owner,
      message:
        `Lot ${request.lotCode} is recalled: ${held.unitsHeld} units are held, ` +
        `${held.ordersTakenBack.length} orders lost theirs, ${held.ordersShipped} orders had shipped from it.`,
      deadlineMinutes: row.deadlineMinutes,
      openedAt: at,
    },
  ]);
}

export interface LiftHold extends LotDeed {
  readonly kind: HoldKind;
}

export interface LiftedLot {
  /** Units that are for sale again; none while something else holds the lot. */
  readonly unitsFreed: number;
}

/**
 * Lets a lot go. One whose date passed meanwhile stays held by its date.
 * @throws Failure NotFound when there is no such lot; IllegalTransition when this does not hold it.
 */
export function liftHold(database: Database, request: LiftHold): Promise<LiftedLot> {
  return database.withMerchants([request.merchantId], (tx) => lift(tx, request));
}

async function lift(tx: Tx, request: LiftHold): Promise<LiftedLot> {
  const { merchantId, productId, lotCode, kind, reason, actor } = request;
  const keys = await lotStockKeys(tx, merchantId, productId);
  await lockOrCreateStockBalances(tx, keys);
  const lot = await findLot(tx, request);
  if (lot === null) throw new Failure('NotFound', 'there is no such lot');
  const holds = await activeHolds(tx, request);
  const own = holds.find((each) => each.kind === kind);
  if (own === undefined)
    throw new Failure('IllegalTransition', `no ${kind} holds this lot`, {
      state: lot.held ? 'held' : 'free',
    });
  const at = await businessNow(tx, merchantId);
  const bins = await lockBins(tx, keys);
  await endHold(tx, own, { reason, actor, at });
  const others = holds.length > 1;
  if (!others && lot.expired)
    await insertHold(tx, request, { kind: 'expiry', reason: 'past its date', actor: 'system', at });
  const free = !others && !lot.expired;
  const unitsFreed = free ? await addHeld(tx, sellableOf(bins, lotCode), -1) : 0;
  if (unitsFreed > 0) await wakeBackorders(tx, merchantId, [productId]);
  await resolveExceptions(tx, [merchantId], [`lot_recalled:${own.id}`], actor, 'The recall was lifted.');
  await record(tx, request, `lot.${kind}.lift`, { productId, lotCode, unitsFreed });
  return { unitsFreed };
}

/**
 * Corrects a lot's date; what that means for its hold follows at once.
 * @param expiresOn its last good day, 'YYYY-MM-DD'; null when it never expires.
 * @throws Failure NotFound.
 */
export async function correctLotDate(
  database: Database,
  request: LotDeed & { readonly expiresOn: string | null },
): Promise<void> {
  const { expiresOn, reason, actor, requestId: _requestId, ...key } = request;
  const lot = await database.withMerchants([key.merchantId], async (tx) => {
    await lockOrCreateStockBalances(tx, await lotStockKeys(tx, key.merchantId, key.productId));
    const before = await findLot(tx, key);
    if (before === null) throw new Failure('NotFound', 'there is no such lot');
    await setLotDate(tx, key, expiresOn);
    const { productId, lotCode } = key;
    await record(tx, request, 'lot.date', { productId, lotCode, expiresOn }, { expiresOn: before.expiresOn });
    const after = await findLot(tx, key);
    const byDate = (await activeHolds(tx, key)).some((each) => each.kind === 'expiry');
    return { expired: after?.expired === true, byDate };
  });
  // A crash in between leaves a lot for the sweep, or one held a while too long, never one sold too late.
  if (lot.expired && !lot.byDate)
    await holdLot(database, { ...key, kind: 'expiry', reason: 'past its date', actor });
  if (!lot.expired && lot.byDate) await liftHold(database, { ...key, kind: 'expiry', reason, actor });
}

/** Holds every lot whose date has passed. Returns how many it found. */
export async function expireLots(database: Database): Promise<number> {
  let found = 0;
  for (const merchantId of await database.withSystem((tx) => merchantsWithOldLots(tx))) {
    const lots = await database.withMerchants([merchantId], (tx) =>
      lotsPastDate(tx, merchantId, EXPIRED_AT_ONCE),
    );
    for (const lot of lots)
      await holdLot(database, { ...lot, kind: 'expiry', reason: 'past its date', actor: 'system' });
    found += lots.length;
  }
  return found;
}

function record(
  tx: Tx,
  request: LotDeed,
  action: string,
  after: Readonly<Record<string, unknown>>,
  before: Readonly<Record<string, unknown>> | null = null,
): Promise<void> {
  const { merchantId, actor, reason, productId, requestId = null } = request;
  const thing = { thingKind: 'lot', thingId: productId };
  return audit(tx, { merchantId, actor, action, ...thing, reason, before, after, requestId });
}
