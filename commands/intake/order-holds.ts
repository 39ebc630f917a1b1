/**
 * What the orders of a batch have been keeping: units that were held for them while they waited, or that
 * their checkouts held. An order plans with them as if they were free for it alone; planned, it gives the
 * holds up for its own reservations; short, it keeps for a while what it could use.
 */
import { uuidv7 } from 'uuidv7';
import type { HeldByOrder } from '../../db/hold.repo';
import type { IntakeOrderRow } from '../../db/intake.repo';
import type { EndingReservation, NewReservation } from '../../db/reservation.repo';
import { type StockKey, stockKey } from '../../db/stock.repo';
import { keepUnits, type UsableUnits } from '../../domain/stock/keep-units';
import type { RunningStock } from '../../domain/stock/running-stock';
import { KEEP_WHILE_WAITING_MS } from '../stock/feed-backorders';

export class OrderHolds {
  private rows: readonly HeldByOrder[] = [];
  private readonly taken = new Set<string>();

  constructor(private readonly stock: RunningStock) {}

  use(rows: readonly HeldByOrder[]): void {
    this.rows = rows;
  }

  /** Makes them free for this order. One that another order of the batch has used is gone. */
  giveBack(orderId: string): HeldByOrder[] {
    const own = this.rows.filter((row) => row.orderId === orderId && !this.taken.has(row.reservationId));
    for (const row of own) {
      this.taken.add(row.reservationId);
      this.stock.giveBack(stockKey(row), row.quantity);
    }
    return own;
  }

  /** The order waits for another reason than stock: everything stays as it was. */
  takeAgain(own: readonly HeldByOrder[]): void {
    for (const row of own) {
      this.taken.delete(row.reservationId);
      this.stock.take(stockKey(row), row.quantity);
    }
  }
}

/** The order's own reservations take the place of what it kept. */
export function endAll(order: IntakeOrderRow, own: readonly HeldByOrder[]): EndingReservation[] {
  return own.map((row) => ({ ...row, state: 'released', orderId: order.id }));
}

/** @param usable units that the order could use now and has taken from the running sum. */
export function keepWhileWaiting(
  order: IntakeOrderRow,
  stepKey: string,
  own: readonly HeldByOrder[],
  usable: readonly UsableUnits[],
): { readonly ended: EndingReservation[]; readonly made: NewReservation[] } {
  const { ended, made } = keepUnits(own, usable);
  const fresh = new Date(order.business_now.getTime() + KEEP_WHILE_WAITING_MS);
  return {
    ended: endAll(
      order,
      own.filter((row) => ended.includes(row.reservationId)),
    ),
    made: made.map(({ expiresAt, ...units }) => {
      const id = uuidv7();
      const key: StockKey = { merchantId: order.merchant_id, ...units };
      return {
        ...key,
        id,
        quantity: units.quantity,
        state: 'held',
        orderId: order.id,
        holdId: id,
        expiresAt: expiresAt ?? fresh,
        stepKey,
      };
    }),
  };
}
