/**
 * Gives units that have come free to the orders that wait for them, in the transaction that frees them:
 * before anybody else can see them, they are held for the order at the head of the queue. So a younger
 * order's intake can't take what an older one is owed, however fast it is. What an order gets it keeps
 * for a limited time; its workflow is woken and plans with it.
 */
import { uuidv7 } from 'uuidv7';
import { businessNow } from '../../db/adjustment.repo';
import { lockFreed, type QueuedRow, readQueue } from '../../db/backorder.repo';
import type { Tx } from '../../db/client';
import { type NewReservation, writeReservations } from '../../db/reservation.repo';
import { groupBy } from '../../domain/group-by';
import { handOut, type WaitingOrder } from '../../domain/stock/hand-out';

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

export interface Freed {
  readonly productIds: readonly string[];
  /** Who kept units of it for their time until now: they let the others pass. */
  readonly former?: readonly { readonly orderId: string; readonly productId: string }[];
  /**
   * True when an order was offered the units and can't use them (rules, dates). They go on to those who
   * have not been, each once, until units come free in another way: then everybody is asked again.
   */
  readonly refused?: boolean;
  /** May be served from as of now, with all that it has. */
  readonly openedWarehouseId?: string;
}

/**
 * Call it under the locks of the balances that have more now, after they were changed.
 * @returns the orders that got something.
 */
export async function feedBackorders(
  tx: Tx,
  merchantId: string,
  { productIds, former = [], refused = false, openedWarehouseId }: Freed,
): Promise<FedOrder[]> {
  const rows = await readQueue(tx, merchantId, { productIds, refused, limit: QUEUE_PAGE });
  if (rows.length === 0) return [];
  const had = new Set(former.map((each) => `${each.orderId} ${each.productId}`));
  const queue = [...groupBy(rows, (row) => row.orderId)].map(([orderId, lines]) =>
    waitingOrder(orderId, lines, had),
  );
  const grants = handOut(queue, await lockFreed(tx, merchantId, productIds, openedWarehouseId ?? null));
  if (grants.length === 0) return [];
  const now = await businessNow(tx, merchantId);
  const expiresAt = new Date(now.getTime() + KEEP_WHILE_WAITING_MS);
  await writeReservations(tx, {
    made: grants.map((grant): NewReservation => {
      const id = uuidv7();
      return { ...grant, id, merchantId, state: 'held', holdId: id, expiresAt, stepKey: `fed:${id}` };
    }),
  });
  const workflows = new Map(rows.map((row) => [row.orderId, row.workflowId]));
  return [...new Set(grants.map(({ orderId }) => orderId))].map((orderId) => ({
    orderId,
    workflowId: workflows.get(orderId) as string,
  }));
}

function waitingOrder(orderId: string, rows: readonly QueuedRow[], had: ReadonlySet<string>): WaitingOrder {
  return {
    orderId,
    oneWarehouse: rows[0]?.oneWarehouse === true,
    lines: rows.map(({ productId, needed, kept, refused }) => ({
      productId,
      needed,
      refused,
      kept: new Map(Object.entries(kept)),
      letsPass: had.has(`${orderId} ${productId}`),
    })),
  };
}
