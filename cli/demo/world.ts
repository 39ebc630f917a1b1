/**
 * Where a story happens: the demo shop's customers, our API, and the partners' own records. Each story
 * makes orders of its own, under names nobody else uses, so stories run beside a busy demo and beside
 * each other. A wait ends with the fact it waits for or, after its limit, with a failure that says what
 * was there instead.
 */
import { randomInt } from 'node:crypto';
import { parseExactJson } from '../../contracts/exact-json';
import type { Product, RestOrder } from '../../simulators/shopify';
import { generateDemoOrder, type NewOrder } from '../../simulators/shopify';
import { type ApiClient, ask } from '../api-client';
import { CommandError } from '../command-error';
import type { OrderDetail, OrderSummary } from '../orders';
import type { Screen } from '../screen';

/** A story's step takes a second or two; a busy machine and a carrier's time-out are the slow ones. */
const WAIT_MS = 90_000;
const LOOK_EVERY_MS = 250;

/** The story did not go as it is told. */
export class StoryFailed extends Error {
  override readonly name = 'StoryFailed';
}

export interface PlacedOrder {
  /** The shop's id, as text. */
  readonly externalId: string;
  /** What people call it: #1001. */
  readonly number: string;
  readonly email: string;
}

interface Mail {
  readonly subject: string;
  readonly deliveries: number;
}

interface JournalFact {
  readonly kind: string;
  readonly fact: Readonly<Record<string, unknown>>;
}

export class World {
  /** Stamps what this story makes. */
  readonly mark = `${Date.now().toString(36)}${randomInt(36 ** 3).toString(36)}`.toUpperCase();
  private placed = 0;

  constructor(
    readonly api: ApiClient,
    private readonly screen: Screen,
  ) {}

  /** Something that was done or found, for the person who follows. */
  tell(sentence: string): void {
    this.screen.say(`  ✓ ${sentence}`);
  }

  /** @throws StoryFailed when it is not so. */
  expect(sentence: string, holds: boolean, instead = ''): void {
    if (!holds) throw new StoryFailed(`expected: ${sentence}${instead === '' ? '' : `; but ${instead}`}`);
    this.tell(sentence);
  }

  /** Waits until `probe` finds something, tells it and returns it. `found` may replace the sentence. */
  async until<T>(
    sentence: string,
    probe: () => Promise<T | null>,
    instead: () => Promise<string> = async () => 'it did not happen',
  ): Promise<T> {
    const started = Date.now();
    this.screen.setLive(`  … ${sentence}`);
    try {
      for (;;) {
        const found = await probe();
        if (found !== null) {
          this.screen.endLive();
          this.tell(`${sentence} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
          return found;
        }
        if (Date.now() - started > WAIT_MS)
          throw new StoryFailed(`waited ${WAIT_MS / 1000} s for: ${sentence}; but ${await instead()}`);
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      }
    } finally {
      this.screen.endLive();
    }
  }

  /** A customer orders in the demo shop; the order travels to us by webhook. */
  async order(change: (order: NewOrder) => NewOrder = (order) => order): Promise<PlacedOrder> {
    const email = `demo-story-${this.mark.toLowerCase()}-${++this.placed}@example.com`;
    const { products } = await this.shop<{ products: Product[] }>('GET', '/__shop/products');
    // Goods that every warehouse may have and nobody else's story uses up.
    const plain = products.filter(({ sku, stocked }) => stocked && /-(MUG|CAP|BOTTLE)-[A-Z]+$/.test(sku));
    const drawn = generateDemoOrder(randomInt(2 ** 31), plain);
    const order = change({ ...drawn, email, tags: 'demo, story', line_items: drawn.line_items.slice(0, 1) });
    const placed = await this.shop<{ order: RestOrder }>('POST', '/__shop/orders', { order });
    const { id, name } = placed.order;
    this.tell(
      `a customer orders in the demo shop: ${name}, ${order.line_items.map(({ quantity, sku }) => `${quantity} × ${sku}`).join(', ')}`,
    );
    return { externalId: String(id), number: name, email };
  }

  /** What happens in a partner of the demo: its own HTTP, by the name of the simulator. */
  async at<T>(partner: string, method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.partner(partner, path, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok)
      throw new StoryFailed(`the demo ${partner} refuses ${method} ${path}: ${text.slice(0, 300)}`);
    // Ids beyond 2^53 are bare numbers here and have to stay what they are.
    return (text === '' ? undefined : parseExactJson(text)) as T;
  }

  async shopOrder(placed: PlacedOrder): Promise<RestOrder> {
    return (await this.shop<{ order: RestOrder }>('GET', `/__shop/orders/${placed.externalId}`)).order;
  }

  /** What the customer or the shop's staff does with an order. */
  async inShop(placed: PlacedOrder, action: 'pay' | 'cancel'): Promise<void> {
    await this.shop('POST', `/__shop/orders/${placed.externalId}/${action}`);
    this.tell(action === 'pay' ? 'the customer pays in the shop' : 'the customer cancels in the shop');
  }

  /** Our orders of this one; more than one would be a doubled order. */
  ours(placed: PlacedOrder): Promise<OrderSummary[]> {
    return this.api.list<OrderSummary>('/v1/orders', { externalId: placed.externalId }, 10);
  }

  detail(id: string): Promise<OrderDetail> {
    return this.api.get<OrderDetail>(`/v1/orders/${id}`);
  }

  /** Waits until the order is here and, if asked, what else must be true of it. */
  async arrival(placed: PlacedOrder): Promise<OrderSummary> {
    return this.until('its webhook arrived; the order is accepted', async () => {
      const [order] = await this.ours(placed);
      return order ?? null;
    });
  }

  /** Waits until the order looks so. */
  async becomes(sentence: string, id: string, so: (order: OrderDetail) => boolean): Promise<OrderDetail> {
    return this.until(
      sentence,
      async () => {
        const order = await this.detail(id);
        return so(order) ? order : null;
      },
      async () => {
        const { state, blockedReason, held, exceptions } = await this.detail(id);
        const open = exceptions.filter((one) => one.state === 'open').map((one) => one.message);
        return `the order is ${state}${blockedReason === null ? '' : `, waiting for ${blockedReason}`}${held ? ', held' : ''}${open.length > 0 ? ` (${open.join(' ')})` : ''}`;
      },
    );
  }

  async mails(placed: PlacedOrder): Promise<Mail[]> {
    const answer = await this.partner('mail', `/inbox?to=${encodeURIComponent(placed.email)}`);
    return ((await answer.json()) as { mails: Mail[] }).mails;
  }

  async journal(partner: 'carrier' | 'shop', kind: string): Promise<JournalFact[]> {
    const answer = await this.partner(partner, `/__journal?kind=${kind}`);
    return ((await answer.json()) as { facts: JournalFact[] }).facts;
  }

  private shop<T>(method: string, path: string, body?: unknown): Promise<T> {
    return this.at<T>('shop', method, path, body);
  }

  private async partner(name: string, path: string, init: RequestInit = {}): Promise<Response> {
    const url = this.api.running?.simulators[name];
    if (url === undefined)
      throw new CommandError(
        `this engine runs without the simulated ${name}`,
        2,
        'stories need an engine with the demo: "npm start" without --no-demo',
      );
    return ask(`${url}${path}`, { ...init, headers: { accept: 'application/json', ...init.headers } });
  }
}
