/**
 * Gives units that have come free to the orders that wait for them, in the transaction that frees them:
 * before anybody else can see them, they are held for the order at the head of the queue. So a younger
 * order's intake can't take what an older one is owed, however fast it is. What an order gets it keeps
 * for a limited time; its workflow is woken and plans with it.
 */
import { uuidv7 } from 'uuidv7';
import { businessNow } from '../../db/adjustment.repo';
import { lockFree, readQueue } from '../../db/backorder.repo';
import type { Tx } from '../../db/client';
import { type NewReservation, writeReservations } from '../../db/reservation.repo';
import { handOut } from '../../domain/stock/hand-out';

/**
 * How long a waiting order keeps units that don't suffice yet. A day spans the next delivery of a
 * warehouse that gets one a day; then the orders behind it are offered them.
 */
export const KEEP_WHILE_WAITING_MS = 24 * 60 * 60_000;
/** So many of the queue are looked at for one freeing; who is behind them gets the next one's. */
const QUEUE_PAGE = 500;

export interface FedOrder {
  readonly orderId: string;
  readonly workflowId: string;
}

/**
 * Call it under the locks of the balances that have more now, after they were changed.
 * @param had who kept units of which product until now: the others are served before them.
 * @returns the orders that got something.
 */
export async function feedBackorders(
  tx: Tx,
  merchantId: string,
  productIds: readonly string[],
  had: readonly { readonly orderId: string; readonly productId: string }[] = [],
): Promise<FedOrder[]> {
  const hadIt = new Set(had.map((each) => `${each.orderId} ${each.productId}`));
  const queue = (await readQueue(tx, merchantId, productIds, QUEUE_PAGE)).filter(
    (row) => !hadIt.has(`${row.orderId} ${row.productId}`),
  );
  if (queue.length === 0) return [];
  const waiting = queue.map((row) => ({ ...row, kept: new Map(Object.entries(row.kept)) }));
  const grants = handOut(waiting, await lockFree(tx, merchantId, productIds));
  if (grants.length === 0) return [];
  const now = await businessNow(tx, merchantId);
  await writeReservations(tx, {
    made: grants.map((grant): NewReservation => {
      const id = uuidv7();
      const expiresAt = new Date(now.getTime() + KEEP_WHILE_WAITING_MS);
      return { ...grant, id, merchantId, state: 'held', holdId: id, expiresAt, stepKey: `fed:${id}` };
    }),
  });
  const fed = new Set(grants.map((grant) => grant.orderId));
  return [...new Map(queue.map((row) => [row.orderId, row])).values()].filter((row) => fed.has(row.orderId));
}
