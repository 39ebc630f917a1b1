/** The stream of stock changes: what a listener hears, and that nothing is lost to him who comes again. */
import { randomUUID } from 'node:crypto';
import { adjustStock } from '../../commands/stock/adjust-stock';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { type RunningApi, startApi } from './running-api';

let api: RunningApi;
const closing = new AbortController();
beforeAll(async () => {
  api = await startApi({ closing: closing.signal });
}, 60_000);
afterAll(() => api?.close());

interface Heard {
  readonly event: string;
  readonly id: string | null;
  readonly data: { readonly sku?: string; readonly onHand?: number };
}

interface Listener {
  /** Waits for so many events since the last call. */
  next(count: number): Promise<Heard[]>;
  /** Resolves when the other side has ended the stream. */
  readonly ended: Promise<void>;
  stop(): void;
}

async function shop() {
  const merchant = await seedMerchant(api.database, {
    warehouses: [{ code: 'W1' }],
    products: [{ sku: 'A', stock: { W1: 10 } }, { sku: 'B' }],
  });
  const { key } = await api.makeKey(merchant.organisationId);
  return { merchant, key };
}

const add = (merchant: SeededMerchant, sku: string, delta: number) =>
  adjustStock(api.database, {
    merchantId: merchant.merchantId,
    causeId: randomUUID(),
    kind: 'adjustment',
    warehouseId: merchant.warehouses[0]?.id as string,
    reason: 'counted',
    actor: 'test',
    lines: [{ sku, locationCode: 'A-01-01', delta }],
  });

async function listen(key: string, query: string, lastEventId?: string): Promise<Listener> {
  const stop = new AbortController();
  const answer = await fetch(`${api.url}/v1/stock/stream${query}`, {
    headers: {
      authorization: `Bearer ${key}`,
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
    signal: stop.signal,
  });
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    200,
    expect.stringContaining('text/event-stream'),
  ]);
  const heard: Heard[] = [];
  let wake = () => undefined as void;
  const ended = (async () => {
    let text = '';
    for await (const part of answer.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(part).toString('utf8');
      for (let at = text.indexOf('\n\n'); at >= 0; at = text.indexOf('\n\n')) {
        const frame = text.slice(0, at);
        text = text.slice(at + 2);
        const of = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(frame)?.[1] ?? null;
        const event = of('event');
        if (event !== null) heard.push({ event, id: of('id'), data: JSON.parse(of('data') ?? 'null') });
      }
      wake();
    }
  })();
  ended.catch(() => undefined);
  return {
    ended,
    stop: () => stop.abort(),
    async next(count) {
      while (heard.length < count) await new Promise<void>((resolve) => (wake = resolve));
      return heard.splice(0, count);
    },
  };
}

const told = (events: readonly Heard[]) => events.map(({ event, data }) => [event, data.sku, data.onHand]);

test('a listener hears what there is and every change of it, within a second, and nothing of others', async () => {
  const [mine, other] = [await shop(), await shop()];
  const listener = await listen(mine.key, '?sku=A');
  expect(told(await listener.next(1))).toEqual([['stock', 'A', 10]]);
  await add(other.merchant, 'A', 7);
  await add(mine.merchant, 'B', 1);
  const before = Date.now();
  await add(mine.merchant, 'A', 5);
  expect(told(await listener.next(1))).toEqual([['stock', 'A', 15]]);
  expect(Date.now() - before).toBeLessThan(1_000);
  listener.stop();
});

test('who comes again hears what changed meanwhile, also of a transaction that committed late', async () => {
  const { merchant, key } = await shop();
  const { merchantId } = merchant;
  const first = await listen(key, '');
  await add(merchant, 'B', 3);
  const [heard] = await first.next(1);
  first.stop();
  let commit = () => undefined as void;
  const held = new Promise<void>((resolve) => (commit = resolve));
  const started = { resolve: () => undefined as void };
  const changed = new Promise<void>((resolve) => (started.resolve = resolve));
  const slow = api.database.withMerchants([merchantId], async (tx) => {
    await tx.run({
      text: 'update stock_balance set on_hand = on_hand + 1 where merchant_id = $1 and product_id = $2',
      values: [merchantId, merchant.products.get('A')],
    });
    started.resolve();
    await held;
  });
  await changed;
  await add(merchant, 'B', 4);
  const second = await listen(key, '', heard?.id as string);
  const [ofB] = await second.next(1);
  expect(told([ofB as Heard])).toEqual([['stock', 'B', 7]]);
  commit();
  await slow;
  const [ofA] = await second.next(1);
  expect(told([ofA as Heard])).toEqual([['stock', 'A', 11]]);
  second.stop();
  const third = await listen(key, '?seconds=0', ofA?.id as string);
  await third.ended;
  await add(merchant, 'B', 1);
  const fourth = await listen(key, '', ofA?.id as string);
  expect(told(await fourth.next(1))).toEqual([['stock', 'B', 8]]);
  fourth.stop();
});

test('a place that is too old, of another database or made up begins anew and says so', async () => {
  const { key } = await shop();
  const now = Date.now();
  for (const id of [
    '5',
    `${now}-9:3:`,
    `${now}-0:0:`,
    `${now}-3:9:7,5`,
    `${now - 900_000}-700:700:`,
    "1-1:1:'",
    `${now}-3:999999999999999999:`,
  ]) {
    const listener = await listen(key, '?seconds=0', id);
    await listener.ended;
    expect([id, told(await listener.next(1))]).toEqual([id, [['reset', undefined, undefined]]]);
  }
});

test('streams end when the process is about to', async () => {
  const { key } = await shop();
  const listener = await listen(key, '');
  closing.abort();
  await listener.ended;
});
