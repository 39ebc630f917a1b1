/**
 * Asks sales channels for orders whose webhook was lost. A connection is polled by one dispatcher at a
 * time, under a lease; its cursor moves on after each page whose orders are all committed, so a crash
 * asks for the page again and the inbox finds what is there. An order that can't be read is parked, one
 * that changed is treated as its webhook would be. A connection that fails says so and is tried later.
 */
import { createHash } from 'node:crypto';
import { receiveChannelFact } from '../commands/receive-channel-fact';
import {
  type ChannelAccount,
  type ChannelConnector,
  NOTHING_LEFT,
  type PolledOrder,
} from '../connectors/channels/port';
import type { Database } from '../db/client';
import { type ConnectionToPoll, claimConnections, endPoll, keepCursor } from '../db/poll-claim.repo';
import { type SealingKeys, unsealSecrets } from '../db/sealed';
import { Failure } from '../domain/failure-types';
import type { Logger } from '../telemetry';
import { rounds } from './dispatch-metrics';
import { type Loop, startLoop } from './loop';
import type { ChannelConnectors } from './senders/channel-tracking';

/** How late a connection's turn may be noticed. */
const ROUND_MS = 2_000;
/** A lost webhook is found within a minute, at 1 call a minute and shop: a hundredth of Shopify's limit. */
const POLL_EVERY_MS = 60_000;
/** A page takes 10 s at most, and its orders a few seconds; each page renews it. */
const LEASE_MS = 60_000;
const EXCHANGE_TIMEOUT_MS = 10_000;
/** At once, so that one slow shop doesn't hold up the others. */
const CONNECTIONS = 8;
/** After this many pages others get their turn; a shop with more goes on at once in the next round. */
const PAGES = 20;

export interface ChannelPollerOptions {
  readonly database: Database;
  readonly keys: SealingKeys;
  readonly connectors: ChannelConnectors;
  readonly log: Logger;
  readonly intervalMs?: number;
  readonly pollEveryMs?: number;
}

export function startChannelPoller(options: ChannelPollerOptions): Loop {
  return startLoop({
    name: 'channel-poll',
    intervalMs: options.intervalMs ?? ROUND_MS,
    log: options.log,
    round: async () => {
      const due = await options.database.withSystem((tx) => claimConnections(tx, CONNECTIONS, LEASE_MS));
      await Promise.all(due.map((connection) => pollConnection(options, connection)));
      return due.length === CONNECTIONS;
    },
  });
}

async function pollConnection(options: ChannelPollerOptions, claimed: ConnectionToPoll): Promise<void> {
  const { database, log, pollEveryMs = POLL_EVERY_MS } = options;
  let connection = claimed;
  let nextInMs = pollEveryMs;
  let problem: string | null = null;
  try {
    const connector = options.connectors[connection.channel];
    if (connector === undefined)
      throw new Failure('InvalidInput', `no orders can be asked of ${connection.channel}`);
    const account = accountOf(options, connection);
    for (let page = 1; ; page += 1) {
      const renewed = await pollPage(options, connector, account, connection);
      if (renewed.connection === null) return; // The lease is somebody else's by now.
      connection = renewed.connection;
      if (!renewed.more) break;
      if (page === PAGES) {
        nextInMs = 0;
        break;
      }
    }
  } catch (error) {
    problem = error instanceof Failure ? `${error.type}: ${error.message}` : 'the poll failed';
    if (error instanceof Failure) nextInMs = Math.max(nextInMs, error.retryAfterMs ?? 0);
    rounds.inc({ loop: 'channel-poll', finding: 'failed' });
    log.warn({ err: error, connectionId: connection.id, merchantId: connection.merchantId }, 'a poll failed');
  }
  await database.withSystem((tx) => endPoll(tx, connection, nextInMs, problem));
}

async function pollPage(
  { database }: ChannelPollerOptions,
  connector: ChannelConnector,
  account: ChannelAccount,
  connection: ConnectionToPoll,
): Promise<{ readonly connection: ConnectionToPoll | null; readonly more: boolean }> {
  const page = await connector.pollOrders(account, connection.cursor);
  for (const polled of page.orders) {
    const received = await receiveChannelFact(database, {
      merchantId: connection.merchantId,
      connectionId: connection.id,
      channel: connection.channel,
      fact: factOf(polled),
      raw: polled.raw,
    });
    if (received.outcome !== 'duplicate') rounds.inc({ loop: 'channel-poll', finding: received.outcome });
  }
  const kept = await database.withSystem((tx) => keepCursor(tx, connection, page.cursor, LEASE_MS));
  return { connection: kept, more: page.more };
}

function kindOf({ order, reason }: PolledOrder) {
  if (order !== null) return 'order' as const;
  return reason === NOTHING_LEFT ? ('ignored' as const) : ('unreadable' as const);
}

/** The same version of an order is the same event, however often a cursor finds it. */
function factOf(polled: PolledOrder) {
  const version = polled.order?.version ?? createHash('sha256').update(polled.raw).digest('hex').slice(0, 32);
  return {
    eventId: `poll:${polled.externalId}:${version}`,
    topic: 'poll',
    kind: kindOf(polled),
    order: polled.order,
    externalOrderId: polled.externalId,
    ...(polled.reason === undefined ? {} : { reason: polled.reason }),
  };
}

function accountOf({ keys }: ChannelPollerOptions, connection: ConnectionToPoll): ChannelAccount {
  return {
    connectionId: connection.id,
    baseUrl: connection.baseUrl,
    credentials:
      connection.credentialsSealed === null ? {} : unsealSecrets(keys, connection.credentialsSealed),
    timeoutMs: EXCHANGE_TIMEOUT_MS,
  };
}
