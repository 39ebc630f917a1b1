/** What of the stock of channels needs somebody: a listing that the channel refuses, a channel that takes nothing. */
import { parkListings } from '../../db/channel-listing.repo';
import type { Database } from '../../db/client';
import { openExceptions, resolveExceptions } from '../../db/exception.repo';
import { type ExceptionReason, exceptionReason } from '../../domain/order/exception-reasons';

interface Connection {
  readonly database: Database;
  readonly merchantId: string;
  readonly connectionId: string;
}

/** Parks these listings, each with an open exception; one that is parked already stays as it is. */
export async function parkWithException(
  { database, merchantId, connectionId }: Connection,
  dead: readonly { readonly id: string; readonly reason: string }[],
): Promise<void> {
  if (dead.length === 0) return;
  await database.withMerchants([merchantId], async (tx) => {
    const parked = await parkListings(tx, merchantId, dead);
    const reasons = new Map(dead.map(({ id, reason }) => [id, reason]));
    await openExceptions(
      tx,
      parked.map(({ id, sku, externalItemId }) => ({
        ...exception('listing_parked', merchantId, id),
        cause: `listing_parked:${connectionId}`,
        thingKind: 'channel_listing',
        message: `The channel refuses quantities of ${sku} (its item ${externalItemId}): ${reasons.get(id) ?? ''}`,
      })),
    );
  });
}

/** Says that a whole channel takes no quantities; open until `syncRecovered`. */
export function syncFailing(
  { database, merchantId, connectionId }: Connection,
  problem: string,
): Promise<void> {
  return database.withMerchants([merchantId], (tx) =>
    openExceptions(tx, [
      {
        ...exception('stock_sync_failing', merchantId, connectionId),
        cause: `stock_sync_failing:${connectionId}`,
        thingKind: 'channel_connection',
        message: `The channel takes no quantities. ${problem}`.slice(0, 500),
      },
    ]),
  );
}

export async function syncRecovered({ database, merchantId, connectionId }: Connection): Promise<void> {
  await database.withMerchants([merchantId], (tx) =>
    resolveExceptions(
      tx,
      [merchantId],
      [`stock_sync_failing:${connectionId}`],
      'system',
      'the channel takes quantities again',
    ),
  );
}

function exception(reason: ExceptionReason, merchantId: string, thingId: string) {
  const { owner, deadlineMinutes } = exceptionReason(reason);
  return {
    merchantId,
    reason,
    key: `${reason}:${thingId}`,
    orderId: null,
    thingId,
    owner,
    deadlineMinutes,
    // The channel's time, not the merchant's: nothing here happened in a replayed business day.
    openedAt: new Date(),
  };
}
