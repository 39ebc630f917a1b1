/**
 * Feeds the invoices of a file to the engine in the order of their time and waits until every order has
 * ended or waits for somebody. The merchant's clock goes from invoice to invoice; it does not pass the
 * deadline of an order that the engine is still at work on, for a day of the file takes a minute here and
 * every order would look late. What takes the engine moments, and the people of the file had minutes for,
 * has happened before the next invoice: an order has its stock or a place in the queue before the next one
 * comes, goods have left before they are credited or counted out, who kept goods for his time without getting
 * the rest lets the others have them, and who waits for goods that came free has looked for them. So the same file and stock come out the same every time, on whatever machine. Picking
 * and packing go on beside; orders are fed no faster than the engine takes them.
 */
import type { OrderStarter } from '../../api/order-starter';
import type { ReplayMerchant } from '../../commands/replay/open-replay-merchant';
import { replayInvoice } from '../../commands/replay/replay-invoice';
import type { Database, Tx } from '../../db/client';
import {
  advanceBusinessClock,
  type ReplayBacklog,
  readNextHoldEnd,
  readOrdersInHouse,
  readReplayBacklog,
  readReplayMovement,
  readUnansweredCalls,
  readUnplannedOrders,
} from '../../db/replay.repo';
import { expireHolds } from '../../dispatcher/hold-sweeper';
import { creditLines, type RetailInvoice, writeOffLines } from '../../domain/retail/online-retail';
import { pause } from '../../provision/processes';

/** Enough to keep every part of the engine busy; more would only wait in its queues. */
const MOST_AT_WORK = 120;
/** Orders that may be fed between two looks at the backlog. */
const BETWEEN_LOOKS = 20;
const LOOK_MS = 50;
/** An intake takes 50 to 300 ms, and every order waits for that of the one before. */
const GLANCE_MS = 10;
/** Whether anything moves is counted over all scans, which is too much for every look. */
const MOVEMENT_MS = 5_000;
/** An engine in which nothing at all moves for so long, restarts of its parts included, has a fault. */
const STANDSTILL_MS = 90_000;
/** What was blocked for a moment (a carrier that did not answer) has the time to go on by itself. */
const CALM_MS = 3_000;

export interface FeedOptions {
  readonly database: Database;
  readonly merchant: ReplayMerchant;
  readonly invoices: readonly RetailInvoice[];
  readonly starter: OrderStarter;
  readonly signal: AbortSignal;
  readonly onProgress: (invoicesFed: number, ordersAtWork: number) => void;
}

export interface Fed {
  /** Orders that stood still at the end without waiting for anybody; 0 when all is well. */
  readonly stuck: number;
}

export async function feedInvoices(options: FeedOptions): Promise<Fed> {
  const backlog = new Backlog(options);
  let clock = '';
  let fed = 0;
  for (const invoice of options.invoices) {
    if (options.signal.aborted) break;
    if (invoice.placedAt > clock) {
      clock = invoice.placedAt;
      await backlog.letClockReach(clock);
    }
    await backlog.letGoodsLeave([...creditLines(invoice), ...writeOffLines(invoice)].map(({ code }) => code));
    await feedOne(options, invoice, backlog);
    fed += 1;
    if (fed % BETWEEN_LOOKS === 0) await backlog.fallBelow(MOST_AT_WORK);
    options.onProgress(fed, backlog.atWork);
  }
  return { stuck: await backlog.drain(fed) };
}

async function feedOne(
  { database, merchant, starter }: FeedOptions,
  invoice: RetailInvoice,
  backlog: Backlog,
): Promise<void> {
  const replayed = await replayInvoice(database, merchant, invoice);
  const frees = replayed.kind === 'credit' ? replayed.restocked : writeOffLines(invoice).length > 0;
  if (frees) await backlog.letQueueLook();
  if (replayed.kind !== 'order') return;
  const { orderId, workflowId, startKey } = replayed.accepted;
  if (startKey !== null) {
    const { merchantId } = merchant;
    const number = invoice.invoiceNo;
    starter.start({ merchantId, orderId, workflowId, startKey, channel: 'csv', number, test: false });
  }
  await backlog.letOrderBePlanned();
}

class Backlog {
  atWork = 0;
  private allLookedAt = new Date(0);
  private mark = '';
  private markedAt = 0;
  private movedAt = Date.now();

  constructor(private readonly options: FeedOptions) {}

  async letClockReach(time: string): Promise<void> {
    const { signal } = this.options;
    const at = Date.parse(time);
    await this.until(({ firstDeadline }) => firstDeadline === null || firstDeadline.getTime() > at);
    if (signal.aborted) return;
    await this.letHoldsEndUntil(at);
    await this.setClock(time);
  }

  /** One after the other at their own times: what one of them gives up another may keep and not get the rest of. */
  private async letHoldsEndUntil(at: number): Promise<void> {
    const { database, merchant, signal } = this.options;
    const { merchantId } = merchant;
    for (let last = 0; !signal.aborted; ) {
      const until = await database.withMerchants([merchantId], (tx) => readNextHoldEnd(tx, merchantId));
      if (until === null || until.getTime() > at || until.getTime() <= last) return;
      last = until.getTime();
      await this.setClock(until.toISOString());
      while ((await expireHolds(database)) > 0 && !signal.aborted);
      await this.letQueueLook();
    }
  }

  private async setClock(time: string): Promise<void> {
    const { database, merchant } = this.options;
    await database.withMerchants([merchant.merchantId], (tx) =>
      advanceBusinessClock(tx, merchant.merchantId, time),
    );
  }

  letOrderBePlanned(): Promise<void> {
    return this.untilNone((tx, merchantId) => readUnplannedOrders(tx, merchantId));
  }

  /** Until these goods are out, as far as they go without more stock: they may be what is credited or lost. */
  async letGoodsLeave(skus: readonly string[]): Promise<void> {
    if (skus.length > 0) await this.untilNone((tx, merchantId) => readOrdersInHouse(tx, merchantId, skus));
  }

  async letQueueLook(): Promise<void> {
    await this.untilNone(async (tx, merchantId) => {
      const { orders, asOf } = await readUnansweredCalls(tx, merchantId, this.allLookedAt);
      if (orders === 0) this.allLookedAt = asOf;
      return orders;
    });
  }

  async fallBelow(most: number): Promise<void> {
    await this.until(({ atWork }) => atWork < most);
  }

  /** @returns how many orders stand still although they wait for nobody. */
  async drain(fed: number): Promise<number> {
    await this.letQueueLook();
    let calmSince: number | null = null;
    await this.until(({ atWork }) => {
      this.options.onProgress(fed, atWork);
      if (atWork > 0) calmSince = null;
      else calmSince ??= Date.now();
      return calmSince !== null && (fed === 0 || Date.now() - calmSince > CALM_MS);
    });
    return this.atWork;
  }

  /** Glances at one number until it is 0; while it is not, the backlog says whether anything moves. */
  private async untilNone(read: (tx: Tx, merchantId: string) => Promise<number>): Promise<void> {
    const { database, merchant, signal } = this.options;
    const { merchantId } = merchant;
    let lookedAt = Date.now();
    while (!signal.aborted) {
      const left = await database.withMerchants([merchantId], (tx) => read(tx, merchantId));
      if (left === 0) return;
      await pause(GLANCE_MS, signal);
      if (Date.now() - lookedAt < MOVEMENT_MS) continue;
      lookedAt = Date.now();
      await this.look();
      if (lookedAt - this.movedAt > STANDSTILL_MS) return;
    }
  }

  /** Looks again and again until `good`, or nothing moves any more, or the person wants no more. */
  private async until(good: (backlog: ReplayBacklog) => boolean): Promise<void> {
    const { signal } = this.options;
    while (!signal.aborted) {
      const backlog = await this.look();
      if (good(backlog) || Date.now() - this.movedAt > STANDSTILL_MS) return;
      await pause(LOOK_MS, signal);
    }
  }

  private async look(): Promise<ReplayBacklog> {
    const { database, merchant } = this.options;
    const { merchantId } = merchant;
    const now = Date.now();
    return database.withMerchants([merchantId], async (tx) => {
      const backlog = await readReplayBacklog(tx, merchantId);
      this.atWork = backlog.atWork;
      if (now - this.markedAt < MOVEMENT_MS) return backlog;
      const mark = await readReplayMovement(tx, merchantId);
      if (mark !== this.mark) this.movedAt = now;
      this.mark = mark;
      this.markedAt = now;
      return backlog;
    });
  }
}
