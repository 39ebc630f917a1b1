/**
 * Feeds the invoices of a file to the engine in the order of their time and waits until every order has
 * ended or waits for somebody. The merchant's clock goes from invoice to invoice; it does not pass the
 * deadline of an order that the engine is still at work on, for a day of the file takes a minute here and
 * every order would look late. Orders are fed no faster than the engine takes them.
 */

import type { OrderStarter } from '../../api/order-starter';
import type { ReplayMerchant } from '../../commands/replay/open-replay-merchant';
import { replayInvoice } from '../../commands/replay/replay-invoice';
import type { Database } from '../../db/client';
import {
  advanceBusinessClock,
  type ReplayBacklog,
  readReplayBacklog,
  readReplayMovement,
} from '../../db/replay.repo';
import type { RetailInvoice } from '../../domain/retail/online-retail';
import { pause } from '../../provision/processes';

/** Enough to keep every part of the engine busy; more would only wait in its queues. */
const MOST_AT_WORK = 120;
/** Orders that may be fed between two looks at the backlog. */
const BETWEEN_LOOKS = 20;
const LOOK_MS = 50;
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
    await feedOne(options, invoice);
    fed += 1;
    if (fed % BETWEEN_LOOKS === 0) await backlog.fallBelow(MOST_AT_WORK);
    options.onProgress(fed, backlog.atWork);
  }
  return { stuck: await backlog.drain(fed) };
}

async function feedOne({ database, merchant, starter }: FeedOptions, invoice: RetailInvoice): Promise<void> {
  const replayed = await replayInvoice(database, merchant, invoice);
  if (replayed.kind !== 'order') return;
  const { orderId, workflowId, startKey } = replayed.accepted;
  if (startKey === null) return;
  const { merchantId } = merchant;
  const { invoiceNo } = invoice;
  starter.start({
    merchantId,
    orderId,
    workflowId,
    startKey,
    channel: 'csv',
    number: invoiceNo,
    test: false,
  });
}

class Backlog {
  atWork = 0;
  private mark = '';
  private markedAt = 0;
  private movedAt = Date.now();

  constructor(private readonly options: FeedOptions) {}

  async letClockReach(time: string): Promise<void> {
    const { database, merchant, signal } = this.options;
    const at = Date.parse(time);
    await this.until(({ firstDeadline }) => firstDeadline === null || firstDeadline.getTime() > at);
    if (signal.aborted) return;
    await database.withMerchants([merchant.merchantId], (tx) =>
      advanceBusinessClock(tx, merchant.merchantId, time),
    );
  }

  async fallBelow(most: number): Promise<void> {
    await this.until(({ atWork }) => atWork < most);
  }

  /** @returns how many orders stand still although they wait for nobody. */
  async drain(fed: number): Promise<number> {
    let calmSince: number | null = null;
    await this.until(({ atWork }) => {
      this.options.onProgress(fed, atWork);
      if (atWork > 0) calmSince = null;
      else calmSince ??= Date.now();
      return calmSince !== null && Date.now() - calmSince > CALM_MS;
    });
    return this.atWork;
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
