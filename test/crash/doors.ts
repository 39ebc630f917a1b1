/**
 * The doors by which orders come in, each as those behind it behave: a client of the API repeats a
 * request under its Idempotency-Key until it is answered; an import repeats an invoice until it is
 * committed; a shop tells by webhook and is asked by the poller. What was answered must never be lost.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { replayInvoice } from '../../commands/replay/replay-invoice';
import { createOrderSchema } from '../../contracts/orders';
import { isFailure } from '../../domain/failure-types';
import type { RetailInvoice } from '../../domain/retail/online-retail';
import { retailOrder } from '../../domain/retail/retail-order';
import { DEMO_FLAWS } from '../../simulators/shopify';
import type { CrashEngine } from './crash-engine';
import type { CrashMerchant } from './shop-floor';

/** Longer than any part is away in a run, a Temporal outage of some minutes included. */
const PATIENCE_MS = 300_000;
/** What a client waits for an answer; the API itself gives up on Postgres after five seconds. */
const REQUEST_TIMEOUT_MS = 15_000;
const AGAIN_AFTER_MS = 250;
/** Each flaw comes once in so many orders of the shop, in turn. */
const FLAWED_EVERY = 4;

export type DoorName = 'api' | 'csv' | 'shopify';

export class Doors {
  /** External ids of the orders that were answered, by door. */
  readonly placed: Readonly<Record<DoorName, Set<string>>> = {
    api: new Set(),
    csv: new Set(),
    shopify: new Set(),
  };
  /** Requests and imports that had to be repeated. */
  repeats = 0;
  private shopOrders = 0;

  constructor(
    private readonly engine: CrashEngine,
    private readonly merchant: CrashMerchant,
    private readonly seed: number,
  ) {}

  /** An invoice of the file: two orders in three by the API, the rest by import. @throws when it stays refused. */
  async invoice(invoice: RetailInvoice, position: number): Promise<void> {
    const order = invoice.kind === 'order' && position % 3 !== 2 ? apiOrder(invoice) : null;
    if (order === null) return this.import(invoice);
    const answer = await this.request(`${this.engine.running.apiUrl}/v1/orders`, order, {
      authorization: `Bearer ${this.merchant.ordersKey}`,
      'idempotency-key': `crash-${this.seed}-${invoice.invoiceNo}`,
    });
    if (answer.status !== 201) throw new Error(`POST /v1/orders: ${answer.status} ${answer.text}`);
    this.placed.api.add(invoice.invoiceNo);
  }

  /** One more order in the simulated shop, now and then with something wrong. */
  async shopOrder(): Promise<void> {
    const number = this.shopOrders;
    this.shopOrders += 1;
    const flaw =
      number % FLAWED_EVERY === FLAWED_EVERY - 1
        ? DEMO_FLAWS[Math.floor(number / FLAWED_EVERY) % DEMO_FLAWS.length]
        : undefined;
    const demo = { seed: this.seed * 100_003 + number, ...(flaw === undefined ? {} : { flaw }) };
    const shop = this.engine.running.simulators['shop'] ?? '';
    const { status, text } = await this.request(`${shop}/__shop/orders`, { demo }, {});
    // Read from the text: a shop's ids may be larger than a number of JavaScript holds.
    const id = /"order":\{"id":(\d+)/.exec(text)?.[1];
    if (status !== 201 || id === undefined) throw new Error(`the shop answered ${status} ${text}`);
    this.placed.shopify.add(id);
  }

  private async import(invoice: RetailInvoice): Promise<void> {
    const replayed = await this.patiently(() => replayInvoice(this.engine.database, this.merchant, invoice));
    if (replayed.kind === 'order') this.placed.csv.add(invoice.invoiceNo);
  }

  private request(url: string, body: object, headers: Readonly<Record<string, string>>) {
    return this.patiently(async () => {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      const text = await answer.text();
      // 409: the request of before is still under way, or its process died holding the key.
      if (answer.status >= 500 || answer.status === 409 || answer.status === 429)
        throw new NotAnswered(`${answer.status} ${text}`);
      return { status: answer.status, text };
    });
  }

  /** Repeats what failed because somebody was away; anything else is thrown. */
  async patiently<T>(act: () => Promise<T>): Promise<T> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await act();
      } catch (error) {
        if (!isAway(error) || Date.now() > deadline) throw error;
        this.repeats += 1;
        await pause(AGAIN_AFTER_MS);
      }
    }
  }
}

class NotAnswered extends Error {}

/** A fetch whose connection breaks throws a TypeError of these words, before or after the answer began. */
export function isAway(error: unknown): boolean {
  if (isFailure(error)) return error.type === 'DatabaseUnavailable';
  if (error instanceof NotAnswered) return true;
  if (error instanceof TypeError) return ['fetch failed', 'terminated'].includes(error.message);
  return error instanceof Error && error.name === 'TimeoutError';
}

/** The invoice as a body for `POST /v1/orders`; null when the API would not take it. */
function apiOrder(invoice: RetailInvoice): object | null {
  const { version: _version, cancelled: _cancelled, ...order } = retailOrder(invoice);
  return createOrderSchema.safeParse(order).success ? order : null;
}
