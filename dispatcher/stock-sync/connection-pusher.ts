/**
 * Keeps one channel's quantities right, for as long as its process holds the lease. What changed is a set
 * of listings, each at most once however often it changed: a channel that was away for an hour gets one
 * quantity a listing. A listing is in one call at a time, so that its quantities arrive in their order;
 * calls start no closer together than the channel's limit allows, and what comes in between shares the
 * next one. The set is only an index of what to look at: what must be told is whatever differs from what the channel
 * has, and a look at every listing when the lease begins (and now and then) finds it without the set.
 */
import { listingIdsAfter } from '../../db/channel-listing.repo';
import type { Failure } from '../../domain/failure-types';
import { mostUrgent, type WaitingListing } from '../../domain/stock/push-order';
import type { Logger } from '../../telemetry';
import { stockPushes, stockPushSeconds } from '../dispatch-metrics';
import { type PushTarget, pushQuantities } from './push-quantities';
import { type ReadBack, readBackPage, startReadBack } from './read-back';
import { syncFailing, syncRecovered } from './sync-exceptions';

/**
 * At most 25 calls a second: what changes within 40 ms shares a call, which at 2,000 changes a second
 * over five channels makes 0.06 calls a change and adds 20 ms on average to its way.
 */
const LEAST_GAP_MS = 40;
/**
 * Calls under way at once, of different listings: while one is written down the next one is already
 * under way, which on a busy machine is a third of the lag.
 */
const CALLS_AT_ONCE = 2;
/** A call ends within its time-out; then there is still time to write how. */
const LEASE_MARGIN_MS = 5_000;
const FIRST_PAUSE_MS = 1_000;
/** A channel that is back is noticed within a minute. */
const LONGEST_PAUSE_MS = 60_000;
/** A short outage ends by itself; one of this length is worth a person's look. */
const FAILING_MS = 5 * 60_000;
/** When our own database is away. */
const DATABASE_PAUSE_MS = 1_000;

export interface ConnectionPusherOptions extends PushTarget {
  readonly callsPerSecond: number;
  readonly quantitiesPerCall: number;
  readonly log: Logger;
}

export class ConnectionPusher {
  private readonly waiting = new Map<string, WaitingListing>();
  /** When listings that may not be raised yet are looked at again, milliseconds since the epoch. */
  private readonly later = new Map<string, number>();
  private readonly doubts = new Map<string, number>();
  /** Listings of the calls that have not ended. */
  private readonly underWay = new Set<string>();
  private readonly turns = new Set<Promise<void>>();
  /** The look at every listing: where it is; undefined when none is under way. */
  private sweepAfter: string | null | undefined = null;
  private readBack: ReadBack | null = null;
  private readBackIsNext = false;
  private readingBack = false;
  private leasedUntil: number;
  private nextCallAt = 0;
  private pausedUntil = 0;
  private failures = 0;
  private failingSince: number | null = null;
  private reported = false;
  private batchLimit: number;
  private lastError: string | null = null;
  private acknowledgedAt: number | null = null;
  private closed = false;
  private wakeUp: (() => void) | undefined;
  private readonly ended: Promise<void>;

  constructor(
    private options: ConnectionPusherOptions,
    leasedUntil: number,
  ) {
    this.leasedUntil = leasedUntil;
    this.batchLimit = options.quantitiesPerCall;
    this.ended = this.run();
  }

  /** Goes on until then, with what may have changed of its connection's settings. */
  renew(options: ConnectionPusherOptions, leasedUntil: number): void {
    this.options = options;
    this.leasedUntil = leasedUntil;
    this.batchLimit = Math.min(this.batchLimit, options.quantitiesPerCall);
    this.wake();
  }

  /** @param since milliseconds since the epoch, of the oldest of the changes. */
  note(listingId: string, changes: number, since: number): void {
    const known = this.waiting.get(listingId);
    this.waiting.set(
      listingId,
      known === undefined
        ? { listingId, changes, since }
        : { listingId, changes: known.changes + changes, since: Math.min(known.since, since) },
    );
    this.wake();
  }

  /** Looks at every listing, beside what changes meanwhile. */
  sweep(): void {
    this.sweepAfter ??= null;
    this.wake();
  }

  /** Asks the channel what it has of every listing, beside what changes meanwhile. */
  reconcile(): void {
    this.readBack ??= startReadBack();
    this.wake();
  }

  progress() {
    const { merchantId, connectionId } = this.options;
    const changed = [...this.waiting.values()].filter(({ changes }) => changes > 0);
    const waitingSince = changed.reduce(
      (oldest, { since }) => Math.min(oldest, since),
      Number.POSITIVE_INFINITY,
    );
    return {
      merchantId,
      connectionId,
      waiting: this.waiting.size,
      waitingSince: changed.length === 0 ? null : waitingSince,
      acknowledgedAt: this.acknowledgedAt,
      error: this.lastError,
    };
  }

  /** Lets the call under way end. */
  async close(): Promise<void> {
    this.closed = true;
    this.wake();
    await this.ended;
  }

  private wake(): void {
    this.wakeUp?.();
  }

  private async run(): Promise<void> {
    while (!this.closed) {
      const waitMs = this.waitMs();
      if (waitMs > 0) {
        await this.sleep(waitMs);
        continue;
      }
      const turn = this.turn()
        .catch((error: unknown) => {
          // Ours, not the channel's.
          this.pausedUntil = Date.now() + DATABASE_PAUSE_MS;
          const { merchantId, connectionId, log } = this.options;
          log.warn({ err: error, merchantId, connectionId }, 'a push failed and comes again');
        })
        .finally(() => {
          this.turns.delete(turn);
          this.wake();
        });
      this.turns.add(turn);
    }
    await Promise.all(this.turns);
  }

  private sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      // Timers take 31 bits; whatever ends a longer wait wakes us.
      const timer = setTimeout(resolve, Math.min(ms, 0x7fff_ffff));
      this.wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private waitMs(): number {
    const now = Date.now();
    for (const [listingId, at] of this.later) {
      if (at > now) continue;
      this.later.delete(listingId);
      if (!this.waiting.has(listingId)) this.waiting.set(listingId, { listingId, changes: 0, since: now });
    }
    const { timeoutMs } = this.options.account;
    if (this.leasedUntil - timeoutMs - LEASE_MARGIN_MS < now) return Number.POSITIVE_INFINITY;
    const due = this.hasWork() ? now : Math.min(Number.POSITIVE_INFINITY, ...this.later.values());
    return Math.max(due, this.nextCallAt, this.pausedUntil) - now;
  }

  /** Whether a turn could begin now. A read-back is alone, so that no push changes what it reads. */
  private hasWork(): boolean {
    if (this.turns.size >= CALLS_AT_ONCE || this.readingBack) return false;
    if (this.readBack !== null && this.readBackIsNext) return this.turns.size === 0;
    if (this.sweepAfter !== undefined) return this.turns.size === 0 || this.waiting.size > 0;
    for (const listingId of this.waiting.keys()) if (!this.underWay.has(listingId)) return true;
    return this.readBack !== null && this.turns.size === 0;
  }

  private async turn(): Promise<void> {
    const { readBack } = this;
    if (readBack !== null && this.turns.size === 0 && (this.readBackIsNext || this.waiting.size === 0)) {
      this.readBackIsNext = false;
      this.readingBack = true;
      try {
        return await this.continueReadBack(readBack);
      } finally {
        this.readingBack = false;
      }
    }
    this.readBackIsNext = true;
    const startedAt = Date.now();
    const free = [...this.waiting.values()].filter(({ listingId }) => !this.underWay.has(listingId));
    const batch = mostUrgent(free, this.batchLimit, startedAt);
    for (const { listingId } of batch) this.begin(listingId);
    const before = this.nextCallAt;
    const mine = this.pace(startedAt, 1);
    let calls = 0;
    try {
      batch.push(...(await this.sweepUpTo(this.batchLimit - batch.length)));
      if (batch.length > 0) calls = await this.push(batch, startedAt);
    } catch (error) {
      this.putBack(batch);
      throw error;
    } finally {
      for (const { listingId } of batch) this.underWay.delete(listingId);
      // A look that told nothing uses up nothing of the channel's limit.
      if (calls === 0 && this.nextCallAt === mine) this.nextCallAt = before;
    }
  }

  private begin(listingId: string): void {
    this.waiting.delete(listingId);
    this.underWay.add(listingId);
  }

  private async sweepUpTo(limit: number): Promise<WaitingListing[]> {
    const { database, merchantId, connectionId } = this.options;
    const after = this.sweepAfter;
    if (after === undefined || limit === 0) return [];
    const ids = await database.withMerchants([merchantId], (tx) =>
      listingIdsAfter(tx, merchantId, connectionId, after, limit),
    );
    this.sweepAfter = ids.length < limit ? undefined : ids.at(-1);
    const now = Date.now();
    const untouched = ids.filter((id) => !this.waiting.has(id) && !this.underWay.has(id));
    for (const id of untouched) this.begin(id);
    return untouched.map((listingId) => ({ listingId, changes: 0, since: now }));
  }

  /** @returns how many calls it took. */
  private async push(batch: readonly WaitingListing[], startedAt: number): Promise<number> {
    const outcome = await pushQuantities(this.options, batch, this.doubts);
    if (outcome.calls > 1) this.pace(startedAt, outcome.calls);
    const now = Date.now();
    for (const { changes, since } of outcome.acknowledged)
      if (changes > 0) stockPushSeconds.observe((now - since) / 1000);
    for (const { listingId, inMs } of outcome.later) this.later.set(listingId, now + inMs);
    this.putBack(outcome.again);
    if (outcome.unnamed) {
      // The next calls are halves of this one, until the item that it meant is alone.
      this.batchLimit = Math.max(1, Math.floor(Math.min(batch.length, this.batchLimit) / 2));
    } else if (outcome.failure === null) {
      this.batchLimit = Math.min(this.options.quantitiesPerCall, this.batchLimit * 2);
    }
    if (outcome.failure !== null) await this.failed(outcome.failure);
    else if (outcome.calls > 0) await this.succeeded(outcome.acknowledged.length > 0);
    return outcome.calls;
  }

  private async continueReadBack(readBack: ReadBack): Promise<void> {
    const startedAt = Date.now();
    const busy = new Set([...this.waiting.keys(), ...this.later.keys()]);
    const page = await readBackPage(this.options, readBack, busy);
    if (page.called) this.pace(startedAt, 1);
    for (const listingId of page.differing) this.note(listingId, 0, Date.now());
    if (page.failure !== null) {
      await this.failed(page.failure);
      return;
    }
    this.readBack = page.next;
  }

  /** Keeps the next call off for as long as the channel's limit asks. @returns until when. */
  private pace(startedAt: number, calls: number): number {
    const gap = Math.max(LEAST_GAP_MS, 1000 / this.options.callsPerSecond);
    this.nextCallAt = Math.max(this.nextCallAt, startedAt + gap * calls);
    return this.nextCallAt;
  }

  /** What changed again meanwhile stands already. */
  private putBack(batch: readonly WaitingListing[]): void {
    for (const { listingId, changes, since } of batch) this.note(listingId, changes, since);
  }

  private async succeeded(acknowledged: boolean): Promise<void> {
    stockPushes.inc({ outcome: acknowledged ? 'acknowledged' : 'refused' });
    if (acknowledged) this.acknowledgedAt = Date.now();
    this.failures = 0;
    this.failingSince = null;
    this.lastError = null;
    if (!this.reported) return;
    await syncRecovered(this.options);
    this.reported = false;
  }

  private async failed(failure: Failure): Promise<void> {
    const { merchantId, connectionId, log } = this.options;
    stockPushes.inc({ outcome: failure.type });
    const now = Date.now();
    const backoff = FIRST_PAUSE_MS * 2 ** Math.min(this.failures, 10);
    // A channel that says when to come again is well; a wait longer than what it asks for helps nobody.
    const limited = failure.type === 'PartnerRateLimited' && failure.retryAfterMs !== undefined;
    const pauseMs = limited ? (failure.retryAfterMs ?? 0) : Math.min(backoff, LONGEST_PAUSE_MS);
    this.pausedUntil = now + Math.max(pauseMs, failure.retryAfterMs ?? 0);
    this.lastError = `${failure.type}: ${failure.message}`;
    if (limited) return;
    this.failures += 1;
    this.failingSince ??= now;
    log.info({ merchantId, connectionId, failure: failure.type, pauseMs }, 'a channel took no quantities');
    const lasting = failure.type === 'PartnerUnauthorised' || now - this.failingSince > FAILING_MS;
    if (!lasting || this.reported) return;
    await syncFailing(this.options, this.lastError);
    this.reported = true;
  }
}
