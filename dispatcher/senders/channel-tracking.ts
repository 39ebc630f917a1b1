/**
 * Tells a sales channel that a parcel left. The connectors look for the same tracking number first, so a
 * repetition after doubt writes nothing twice. The end is written in one transaction with what follows:
 * the order's row is locked first, because whoever delivers or closes the order locks it too. So either
 * the close step sees this message done, or we see the order delivered and wake it.
 */

import { blockOrderIn, unblockOrderIn } from '../../commands/block-order';
import { flagOrder } from '../../commands/flag-order';
import { wakeOrders } from '../../commands/wake-orders';
import type { ChannelConnector, TrackingUpdate } from '../../connectors/channels/port';
import type { Database, Tx } from '../../db/client';
import { openExceptions } from '../../db/exception.repo';
import { lockOrder } from '../../db/order.repo';
import { type ClaimedMessage, countDead, settle } from '../../db/outbox-claim.repo';
import { type ParcelNotice, readParcelNotice, shippedPieces } from '../../db/parcel-notice.repo';
import { type SealingKeys, unsealSecrets } from '../../db/sealed';
import { Failure } from '../../domain/failure-types';
import { BLOCKED_REASONS } from '../../domain/order/exception-reasons';
import { unitsCompletedBy } from '../channel-units';
import type { Sender } from '../outbox-sender';

/** Shopify answers in well under a second; a push takes up to six exchanges within its lease of 90 s. */
const EXCHANGE_TIMEOUT_MS = 10_000;

export type ChannelConnectors = Readonly<Record<string, ChannelConnector>>;

export interface ChannelTrackingOptions {
  readonly database: Database;
  readonly keys: SealingKeys;
  /** By `channel_connection.channel`; a channel without one is told nothing. */
  readonly connectors: ChannelConnectors;
  readonly timeoutMs?: number;
}

export function channelTrackingSender(options: ChannelTrackingOptions): Sender {
  const { database } = options;
  return async (message) => {
    const { parcelId } = message.payload;
    if (typeof parcelId !== 'string') throw new Failure('InvalidInput', 'a tracking message names no parcel');
    const read = await database.withMerchants([message.merchantId], async (tx) => {
      const notice = await readParcelNotice(tx, message.merchantId, parcelId);
      const pieces = notice === null ? [] : await shippedPieces(tx, message.merchantId, notice.orderId);
      return { notice, lines: unitsCompletedBy(parcelId, pieces) };
    });
    const silent = whyNotTold(read.notice, read.lines.length, options.connectors);
    if (silent === null && read.notice !== null) await push(options, message, read.notice, read.lines);
    await database.withMerchants([message.merchantId], (tx) => conclude(tx, message, silent));
    return { outcome: 'settled' };
  };
}

function whyNotTold(
  notice: ParcelNotice | null,
  lines: number,
  connectors: ChannelConnectors,
): string | null {
  if (notice === null) return 'there is no such parcel';
  if (notice.disabled) return 'the connection is disabled';
  if (!notice.tellsTracking || connectors[notice.channel] === undefined)
    return 'this channel is told nothing';
  if (notice.test && !notice.sandbox) return 'a test order is not told to a live channel';
  return lines === 0 ? 'the parcel completes no line of the channel' : null;
}

async function push(
  { keys, connectors, timeoutMs }: ChannelTrackingOptions,
  message: ClaimedMessage,
  notice: ParcelNotice,
  lines: TrackingUpdate['lines'],
): Promise<void> {
  if (notice.trackingNumber === null || notice.carrier === null)
    throw new Failure('InvalidInput', 'the parcel has no tracking number');
  const account = {
    connectionId: notice.connectionId,
    baseUrl: notice.baseUrl,
    credentials: notice.credentialsSealed === null ? {} : unsealSecrets(keys, notice.credentialsSealed),
    timeoutMs: timeoutMs ?? EXCHANGE_TIMEOUT_MS,
  };
  await (connectors[notice.channel] as ChannelConnector).pushTracking(account, {
    externalOrderId: notice.externalOrderId,
    lines,
    trackingNumber: notice.trackingNumber,
    carrier: notice.carrier,
    trackingUrl: null,
    key: message.key,
  });
}

/** The channel has it: the message is done, and an order that was blocked by it or waits to close goes on. */
async function conclude(tx: Tx, message: ClaimedMessage, note: string | null): Promise<void> {
  const { merchantId, id, attempt, orderId } = message;
  const order = orderId === null ? null : await lockOrder(tx, merchantId, orderId);
  const ours = await settle(tx, [
    { merchantId, id, attempt, state: 'done', ...(note === null ? {} : { note }) },
  ]);
  // Somebody else took over an expired lease; what follows is his to do.
  if (ours === 0 || order === null || orderId === null) return;
  if ((await countDead(tx, merchantId, orderId, 'channel.tracking', id)) === 0) {
    await unblockOrderIn(tx, { merchantId, orderId, reason: 'channel_update_failed', by: 'dispatcher' });
    if (order.blocked_reason === 'channel_update_failed') await flagOrder(tx, order, 'channel', null);
  }
  if (order.state === 'delivered') await wakeOrders(tx, merchantId, [orderId], 'channel_told');
}

/**
 * The channel won't take it: the message is dead, the order says so and a person is asked. An order that
 * waits for something else keeps that as its reason; the exception stands beside it.
 */
export async function buryTracking(tx: Tx, message: ClaimedMessage, note: string): Promise<void> {
  const { merchantId, id, attempt, orderId, lane } = message;
  const order = orderId === null ? null : await lockOrder(tx, merchantId, orderId);
  const ours = await settle(tx, [{ merchantId, id, attempt, state: 'dead', note }]);
  if (ours === 0 || order === null || orderId === null) return;
  const reason = 'channel_update_failed';
  if (order.blocked_reason === null || order.blocked_reason === reason) {
    await blockOrderIn(tx, { merchantId, orderId, reason, message: note, subject: lane });
    await flagOrder(tx, order, 'channel', reason);
    return;
  }
  const row = BLOCKED_REASONS[reason];
  await openExceptions(tx, [
    {
      merchantId,
      reason,
      key: `${reason}:${orderId}`,
      cause: `${reason}:${lane}`,
      orderId,
      thingKind: 'order',
      thingId: orderId,
      owner: row.owner,
      message: note,
      deadlineMinutes: row.deadlineMinutes,
      openedAt: order.business_now,
    },
  ]);
}
