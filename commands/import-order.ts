/**
 * One order of a file that a person imports: an order, or a parked message with a named reason. Keyed by
 * its content, so the same one again changes nothing and says what became of it the first time. All come
 * in by one connection of the merchant, made at the first import, which tells no shop of anything.
 */
import { createHash } from 'node:crypto';
import type { IncomingOrder } from '../contracts/incoming-order';
import type { Database } from '../db/client';
import { insertRows } from '../db/insert-rows';
import { readInboxEvent } from '../db/replay.repo';
import { receiveChannelFact } from './receive-channel-fact';

export interface ImportOrder {
  readonly merchantId: string;
  readonly connectionId: string;
  readonly order: IncomingOrder | null;
  /** Why there is no order. */
  readonly reason?: string;
  readonly raw: string;
}

export interface ImportedOrder {
  /** `known`: this very content was imported before. */
  readonly outcome: 'accepted' | 'updated' | 'parked' | 'ignored' | 'known';
  readonly orderId: string | null;
  readonly reason: string | null;
}

const CHANNEL = 'import';

/** The merchant's connection for imported files. */
export async function openImportConnection(database: Database, merchantId: string): Promise<string> {
  const hex = createHash('sha256').update(`import connection of ${merchantId}`).digest('hex').slice(0, 32);
  const uuid = `${hex.slice(0, 12)}8${hex.slice(13, 16)}8${hex.slice(17)}`;
  const connectionId = uuid.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  await database.withMerchants([merchantId], (tx) =>
    insertRows(
      tx,
      'channel_connection',
      ['id', 'merchant_id', 'channel', 'name', 'tells_tracking'],
      [[connectionId, merchantId, 'csv', 'Imported files', false]],
    ),
  );
  return connectionId;
}

/** @throws Failure DatabaseUnavailable when nothing was committed for sure. */
export async function importOrder(database: Database, request: ImportOrder): Promise<ImportedOrder> {
  const { merchantId, connectionId, order, raw } = request;
  const eventId = createHash('sha256').update(raw).digest('hex').slice(0, 32);
  const source = `${CHANNEL}:${connectionId}`;
  const known = await database.withMerchants([merchantId], (tx) =>
    readInboxEvent(tx, merchantId, source, eventId),
  );
  if (known !== null) return { outcome: 'known', orderId: known.orderId, reason: known.reason };
  const reason = request.reason ?? null;
  const received = await receiveChannelFact(database, {
    merchantId,
    connectionId,
    channel: CHANNEL,
    fact: {
      eventId,
      topic: 'import',
      kind: order === null ? 'unreadable' : 'order',
      order,
      externalOrderId: order?.externalId ?? null,
      ...(reason === null ? {} : { reason }),
    },
    raw,
  });
  const outcome = received.outcome === 'duplicate' ? 'known' : received.outcome;
  return { outcome, orderId: received.orderId, reason: order === null ? reason : null };
}
