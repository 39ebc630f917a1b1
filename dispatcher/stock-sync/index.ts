/**
 * Publishes stock to channels. A follower reads which products changed from `stock_change` and hands
 * them to the pushers of the connections that list them; each connection is pushed by one process at a
 * time, under a lease that it renews. Nothing here is a truth: a process that dies loses only its hints,
 * and whoever takes the lease looks at every listing first. Settings, bundles and waiting orders come by
 * the same log. The tables' side of it is in `db/channel-sync.repo.ts`.
 */
import { randomUUID } from 'node:crypto';
import type { ChannelConnector } from '../../connectors/channels/port';
import { listingsOfProducts } from '../../db/channel-listing.repo';
import {
  claimReconciles,
  leasedSyncs,
  recordProgress,
  releaseSyncs,
  renewLeases,
  type SyncConnection,
} from '../../db/channel-sync.repo';
import type { Database } from '../../db/client';
import { type SealingKeys, unsealSecrets } from '../../db/sealed';
import {
  type ChangedProduct,
  changedProducts,
  presentCursor,
  purgeStockChanges,
  STOCK_CHANGES_KEPT_S,
} from '../../db/stock-change.repo';
import type { Logger } from '../../telemetry';
import { type Loop, startLoop } from '../loop';
import { ConnectionPusher } from './connection-pusher';

/** Between two looks at the log while something changes; each is one statement of a few milliseconds. */
const BUSY_POLL_MS = 20;
/** While nothing does: a change waits half of this on average, and ten looks a second cost 0.2% of a core. */
const IDLE_POLL_MS = 100;
/** How long after the last change the log counts as busy. */
const BUSY_FOR_MS = 2_000;
/** Renewed far more often than it runs out, so that a slow moment of the database loses no lease. */
const LEASE_MS = 45_000;
const RENEW_MS = 2_000;
/** Connections that one process takes: each holds a few kilobytes and, while it calls, a socket. */
const MOST_CONNECTIONS = 2_000;
/** Shops answer within a second; a call that is slower is worth less than the next one. */
const EXCHANGE_TIMEOUT_MS = 10_000;
const RECONCILE_EVERY_MS = 3_600_000;
/** At once, so that read-backs of many shops don't all begin together. */
const RECONCILES_A_ROUND = 4;
/** Finds what no hint told of, should one ever be lost. */
const SWEEP_EVERY_MS = 600_000;
const PURGE_MS = 10_000;
/** Ten seconds' worth at 2,000 changes a second, with room to catch up. */
const PURGE_ROWS = 50_000;

export interface StockSyncOptions {
  readonly database: Database;
  readonly keys: SealingKeys;
  /** By `channel_connection.channel`; others are told nothing. */
  readonly connectors: Readonly<Record<string, ChannelConnector>>;
  readonly log: Logger;
  readonly reconcileEveryMs?: number;
  readonly timeoutMs?: number;
  readonly leaseMs?: number;
}

export interface StockSync {
  close(): Promise<void>;
}

export function startStockSync(options: StockSyncOptions): StockSync {
  const { database, log } = options;
  const owner = randomUUID();
  const pushers = new Map<string, ConnectionPusher>();
  const merchants = new Map<string, string>();
  const follower = new Follower(options, pushers, merchants);
  let sweptAt = Date.now();
  const leases = startLoop({
    name: 'stock-sync-leases',
    intervalMs: RENEW_MS,
    log,
    round: async () => {
      // Changes from here on are noticed, so the first look of a new pusher misses none.
      if (!(await follower.started())) return false;
      await takeTurns(options, owner, pushers, merchants);
      if (Date.now() - sweptAt > SWEEP_EVERY_MS) {
        sweptAt = Date.now();
        for (const pusher of pushers.values()) pusher.sweep();
      }
      return false;
    },
  });
  const purge = startLoop({
    name: 'stock-change-purge',
    intervalMs: PURGE_MS,
    log,
    round: async () => (await database.withSystem((tx) => purgeStockChanges(tx, PURGE_ROWS))) === PURGE_ROWS,
  });
  return {
    async close() {
      await Promise.all([leases.close(), purge.close(), follower.close()]);
      await Promise.all([...pushers.values()].map((pusher) => pusher.close()));
      await database.withSystem((tx) => releaseSyncs(tx, owner)).catch(() => undefined);
    },
  };
}

async function takeTurns(
  options: StockSyncOptions,
  owner: string,
  pushers: Map<string, ConnectionPusher>,
  merchants: Map<string, string>,
): Promise<void> {
  const { database, connectors, leaseMs = LEASE_MS } = options;
  // From before the request, by our clock: a lease never ends later here than there.
  const now = Date.now();
  const progress = [...pushers.values()].map((pusher) => pusher.progress());
  const { connections, toRead } = await database.withSystem(async (tx) => {
    await renewLeases(tx, owner, leaseMs, MOST_CONNECTIONS);
    const claimed = await leasedSyncs(tx, owner);
    await recordProgress(tx, owner, progress);
    const everyMs = options.reconcileEveryMs ?? RECONCILE_EVERY_MS;
    return { connections: claimed, toRead: await claimReconciles(tx, owner, everyMs, RECONCILES_A_ROUND) };
  });
  const ours = new Set<string>();
  for (const connection of connections) {
    const connector = connectors[connection.channel];
    if (connector === undefined) continue;
    const { connectionId } = connection;
    ours.add(connectionId);
    merchants.set(connectionId, connection.merchantId);
    const known = pushers.get(connectionId);
    const target = targetOf(options, connection, connector);
    const leasedUntil = now + connection.leasedForMs;
    if (known === undefined) pushers.set(connectionId, new ConnectionPusher(target, leasedUntil));
    else known.renew(target, leasedUntil);
  }
  for (const [connectionId, pusher] of pushers) {
    if (ours.has(connectionId)) continue;
    pushers.delete(connectionId);
    merchants.delete(connectionId);
    await pusher.close();
  }
  for (const connectionId of toRead) pushers.get(connectionId)?.reconcile();
}

function targetOf(options: StockSyncOptions, connection: SyncConnection, connector: ChannelConnector) {
  const { database, keys, log, timeoutMs = EXCHANGE_TIMEOUT_MS } = options;
  const { merchantId, connectionId, baseUrl, credentialsSealed } = connection;
  const most = connector.quantitiesPerCall;
  return {
    database,
    log,
    merchantId,
    connectionId,
    connector,
    callsPerSecond: connection.callsPerSecond ?? connector.callsPerSecond,
    quantitiesPerCall: Math.min(connection.quantitiesPerCall ?? most, most),
    account: {
      connectionId,
      baseUrl,
      credentials: credentialsSealed === null ? {} : unsealSecrets(keys, credentialsSealed),
      timeoutMs,
    },
  };
}

/** Follows the log and tells the pushers of this process. */
class Follower {
  private cursor: string | null = null;
  private readAt = 0;
  private changedAt = 0;
  private readonly loop: Loop;

  constructor(
    private readonly options: StockSyncOptions,
    private readonly pushers: ReadonlyMap<string, ConnectionPusher>,
    private readonly merchants: ReadonlyMap<string, string>,
  ) {
    this.loop = startLoop({
      name: 'stock-sync-follower',
      intervalMs: BUSY_POLL_MS,
      log: options.log,
      round: () => this.round(),
    });
  }

  /** Whether it knows where it stands. */
  async started(): Promise<boolean> {
    this.cursor ??= await this.begin();
    return true;
  }

  close(): Promise<void> {
    return this.loop.close();
  }

  private async begin(): Promise<string> {
    this.readAt = Date.now();
    return this.options.database.withSystem(presentCursor);
  }

  private async round(): Promise<boolean> {
    const now = Date.now();
    if (this.cursor === null || this.pushers.size === 0) return false;
    const idle = now - this.changedAt > BUSY_FOR_MS;
    if (idle && now - this.readAt < IDLE_POLL_MS) return false;
    // What was purged meanwhile is found by a look at everything.
    const tooLate = now - this.readAt > (STOCK_CHANGES_KEPT_S * 1000) / 2;
    const cursor = this.cursor;
    const since = await this.options.database.withSystem((tx) => changedProducts(tx, cursor));
    if (since.products.length > 0) {
      this.changedAt = now;
      await this.tell(since.products);
    }
    // Only now: had telling failed, the same changes would be read again.
    this.cursor = since.cursor;
    this.readAt = now;
    if (tooLate) for (const pusher of this.pushers.values()) pusher.sweep();
    return false;
  }

  private async tell(products: readonly ChangedProduct[]): Promise<void> {
    const served = new Set(this.merchants.values());
    const ours = products.filter(({ merchantId }) => served.has(merchantId));
    if (ours.length === 0) return;
    const listings = await this.options.database.withMerchants(
      ours.map(({ merchantId }) => merchantId),
      (tx) => listingsOfProducts(tx, ours),
    );
    const byProduct = new Map(ours.map((product) => [product.productId, product]));
    for (const { id, connectionId, changedProductId } of listings) {
      const change = byProduct.get(changedProductId);
      if (change !== undefined) this.pushers.get(connectionId)?.note(id, change.changes, change.since);
    }
  }
}
