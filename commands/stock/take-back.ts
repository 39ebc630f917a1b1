/**
 * Takes back the reservations that a loss leaves without goods, in the transaction of the loss. Who
 * loses is domain's decision (latest promise first); a fulfilment order that loses one reservation is
 * cancelled as a whole with its tasks, and its order is woken to be planned again. What people had taken
 * for it already becomes a task to put it back. Their orders must be locked before any balance: the
 * caller that finds one which is not starts again with it locked.
 */
import { uuidv7 } from 'uuidv7';
import { type Allocation, endReservationRows, readAllocations } from '../../db/allocation.repo';
import { queueAgain } from '../../db/backorder.repo';
import { addToBins, type Bin } from '../../db/bin.repo';
import type { Tx } from '../../db/client';
import { addReserved, type StockBalance, stockKey } from '../../db/stock.repo';
import {
  cancelFulfilmentOrders,
  type InHands,
  type LosableReservation,
  readInHands,
} from '../../db/take-back.repo';
import { insertTask } from '../../db/task.repo';
import { groupBy } from '../../domain/group-by';
import { takeBack } from '../../domain/stock/take-back';
import { wakeOrders } from '../wake-orders';
import { tellWorkOrders } from '../work-order/work-order-messages';
import { type BinMove, shelfKey } from './plan-adjustment';

export interface Loss {
  readonly merchantId: string;
  readonly warehouseId: string;
  /** Sellable units afterwards, by product. */
  readonly sellable: ReadonlyMap<string, number>;
  readonly moves: readonly BinMove[];
  readonly bins: readonly Bin[];
  readonly reservations: readonly LosableReservation[];
  readonly allocations: readonly Allocation[];
}

/** Orders behind these reservations, each once. */
export const ordersOf = (reservations: readonly LosableReservation[]): string[] => [
  ...new Set(reservations.flatMap((each) => each.orderId ?? [])),
];

/** Which reservations the loss leaves without goods: bin by bin, then of the warehouse as a whole. */
export function chooseLosers(loss: Loss): LosableReservation[] {
  const losers = new Map<string, LosableReservation>();
  const lostParts = new Set<string>();
  const live = () =>
    loss.reservations.filter(
      (each) =>
        !losers.has(each.reservationId) &&
        (each.fulfilmentOrderId === null || !lostParts.has(each.fulfilmentOrderId)),
    );
  const take = (sellable: number, candidates: readonly LosableReservation[]) => {
    for (const id of takeBack(sellable, candidates).reservationIds) {
      const loser = candidates.find((each) => each.reservationId === id);
      if (loser === undefined) continue;
      losers.set(id, loser);
      if (loser.fulfilmentOrderId !== null) lostParts.add(loser.fulfilmentOrderId);
    }
  };
  const lost = new Map<string, number>();
  for (const move of loss.moves) lost.set(shelfKey(move), (lost.get(shelfKey(move)) ?? 0) + move.delta);
  for (const bin of loss.bins) {
    const left = bin.onHand + (lost.get(shelfKey(bin)) ?? 0);
    const byReservation = new Map(live().map((each) => [each.reservationId, each]));
    take(
      left,
      loss.allocations.flatMap((allocation) => {
        const reservation = byReservation.get(allocation.reservationId);
        if (reservation === undefined || shelfKey(allocation) !== shelfKey(bin)) return [];
        return [{ ...reservation, quantity: allocation.quantity }];
      }),
    );
  }
  for (const [productId, sellable] of loss.sellable) {
    take(
      sellable,
      live().filter((each) => each.productId === productId),
    );
  }
  return [...losers.values()];
}

const TAKEN_BACK = { end: 'taken_back', cause: 'stock_taken_back' } as const;

/**
 * Ends the losers and everything else that their fulfilment orders had reserved, and wakes the orders.
 * @param ofOrders every live reservation of the locked orders.
 * @param why how the losers' reservations end, and what their orders are told.
 * @returns products of which units may have come free, for those who wait: the siblings' and what is left
 *   of the losers'. To be offered to them (wakeBackorders) when the loss itself is posted: before that some
 *   of the units are only there by the books.
 */
export async function takeBackFrom(
  tx: Tx,
  merchantId: string,
  losers: readonly LosableReservation[],
  ofOrders: readonly LosableReservation[],
  at: Date,
  why: { readonly end: 'taken_back' | 'released'; readonly cause: string } = TAKEN_BACK,
): Promise<string[]> {
  const parts = new Set(losers.flatMap((each) => each.fulfilmentOrderId ?? []));
  const lost = new Set(losers.map((each) => each.reservationId));
  const ending = [
    ...ofOrders.filter((each) => each.fulfilmentOrderId !== null && parts.has(each.fulfilmentOrderId)),
    ...losers.filter((each) => each.fulfilmentOrderId === null),
  ];
  const allocations = await readAllocations(tx, ending);
  await addReserved(
    tx,
    ending.map((each) => ({ ...each, delta: -each.quantity })),
  );
  await addToBins(
    tx,
    allocations.map((each) => ({ ...each, onHand: 0, allocated: -each.quantity })),
  );
  const ended = ending.map((each) => ({ ...each, endedAt: at }));
  const putBack = await readInHands(tx, merchantId, [...parts]);
  const isLoser = (each: { readonly reservationId: string }) => lost.has(each.reservationId);
  await endReservationRows(tx, ended.filter(isLoser), why.end);
  const siblings = ended.filter((each) => !isLoser(each));
  await endReservationRows(tx, siblings, 'released');
  const kept = losers.flatMap((each) =>
    each.orderId !== null && each.fulfilmentOrderId === null ? [{ ...each, orderId: each.orderId }] : [],
  );
  await queueAgain(tx, kept);
  await cancelFulfilmentOrders(tx, merchantId, [...parts]);
  await askToPutBack(tx, putBack);
  await tellWorkOrders(
    tx,
    merchantId,
    losers.flatMap((each) => each.workOrderId ?? []),
    why.cause,
  );
  const orders = ordersOf(losers);
  await wakeOrders(tx, merchantId, orders, why.cause);
  return [...new Set(ending.map((each) => each.productId))];
}

async function askToPutBack(tx: Tx, inHands: readonly InHands[]): Promise<void> {
  for (const [fulfilmentOrderId, units] of groupBy(inHands, (each) => each.fulfilmentOrderId)) {
    const [{ merchantId, warehouseId, orderId, priority }] = units as [InHands, ...InHands[]];
    await insertTask(tx, {
      id: uuidv7(),
      merchantId,
      warehouseId,
      kind: 'put_back',
      orderId,
      fulfilmentOrderId,
      priority,
      dueAt: null,
      lines: units.map(({ productId, locationId, lotCode, quantity }) => ({
        id: uuidv7(),
        fulfilmentOrderLineId: null,
        productId,
        locationId,
        lotCode,
        quantity,
      })),
    });
  }
}

/** Sellable units after the moves, of each product that loses any. */
export function sellableAfter(
  loss: Pick<Loss, 'merchantId' | 'warehouseId' | 'moves'>,
  stock: ReadonlyMap<string, StockBalance>,
  isHeldMove: (move: BinMove) => boolean,
): Map<string, number> {
  const sellable = new Map<string, number>();
  for (const move of loss.moves) {
    const { merchantId, warehouseId } = loss;
    const balance = stock.get(stockKey({ merchantId, warehouseId, productId: move.productId }));
    const before = sellable.get(move.productId) ?? (balance ? balance.onHand - balance.held : 0);
    sellable.set(move.productId, before + (isHeldMove(move) ? 0 : move.delta));
  }
  return sellable;
}
