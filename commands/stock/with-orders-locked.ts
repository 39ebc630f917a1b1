/**
 * Runs what may take goods from orders. Orders are locked before balances, but which ones lose is known
 * only under the balances' locks: the attempt that finds losers it has not locked rolls back, and the
 * next one locks them first.
 */
import type { Database, Tx } from '../../db/client';
import { Failure } from '../../domain/failure-types';

/** The take-back concerns orders that were not locked in time. */
export class OrdersNotLocked extends Error {
  constructor(readonly orderIds: readonly string[]) {
    super('lock the orders first');
  }
}

/** Each attempt locks all orders found before, so a further one needs a new reservation in between. */
const ATTEMPTS = 8;

/**
 * @param work throws OrdersNotLocked for orders that are not among `orderIds`; runs again from the start.
 * @param mend told of any other error before the work is given up; true: it was mended, run again.
 * @throws Failure DatabaseUnavailable when orders change faster than they can be locked.
 */
export async function withOrdersLocked<T>(
  database: Database,
  merchantId: string,
  work: (tx: Tx, orderIds: readonly string[]) => Promise<T>,
  mend: (error: unknown) => Promise<boolean> = async () => false,
): Promise<T> {
  const orderIds = new Set<string>();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await database.withMerchants([merchantId], (tx) => work(tx, [...orderIds]));
    } catch (error) {
      if (error instanceof OrdersNotLocked) for (const id of error.orderIds) orderIds.add(id);
      else if (!(await mend(error))) throw error;
      if (attempt === ATTEMPTS)
        throw new Failure('DatabaseUnavailable', 'reservations changed faster than they could be locked');
    }
  }
}
