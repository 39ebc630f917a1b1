/**
 * The simulated shops of the benchmark as a process of their own: each a Shopify shop that stocks every
 * item and answers in 20 ms. What each heard of a quantity, and when, is its own journal's word; it is
 * handed over when asked.
 */
import { createShopifySimulator, DEFAULT_LOCATION_ID, type ShopifySimulator } from '../../simulators/shopify';

export interface ShopsTask {
  readonly accessToken: string;
  /** Points a second that each shop's plan restores. */
  readonly plans: readonly number[];
  readonly items: readonly string[];
  readonly latencyMs: number;
}

/** One quantity that a shop took. */
export type Heard = readonly [shop: number, item: string, quantity: number, at: number, call: string];

export type ShopsQuestion =
  | { readonly ask: 'heard' }
  /** Plans change: the shops go on with what they know. */
  | { readonly ask: 'quantities' };

export type ShopsAnswer =
  | { readonly urls: readonly string[] }
  | { readonly heard: readonly Heard[] }
  | { readonly quantities: readonly (readonly [shop: number, item: string, quantity: number])[] };

async function main(): Promise<void> {
  const task = JSON.parse(process.env.SHOPS_TASK ?? '{}') as ShopsTask;
  const shops = await Promise.all(
    task.plans.map((pointsPerSecond) =>
      createShopifySimulator({ accessToken: task.accessToken, pointsPerSecond }),
    ),
  );
  for (const { shop, faults } of shops) {
    for (const inventoryItemId of task.items)
      shop.setLevel({ inventoryItemId, locationId: DEFAULT_LOCATION_ID, available: 0 });
    faults.set([{ kind: 'latency', latencyMs: task.latencyMs }]);
  }
  const answer = (said: ShopsAnswer): void => void process.send?.(said);
  const given = shops.map(() => 0);
  process.on('message', (question: ShopsQuestion) => {
    if (question.ask === 'heard') answer({ heard: shops.flatMap((shop, at) => heardBy(shop, at, given)) });
    else
      answer({
        quantities: shops.flatMap(({ shop }, at) =>
          shop.levels().map(({ inventoryItemId, available }) => [at, inventoryItemId, available] as const),
        ),
      });
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'disconnect'] as const)
    process.once(
      signal,
      () => void Promise.all(shops.map((shop) => shop.close())).then(() => process.exit()),
    );
  answer({ urls: shops.map(({ url }) => url) });
}

/** What the shop heard since it was last asked. */
function heardBy({ journal }: ShopifySimulator, at: number, given: number[]): Heard[] {
  const facts = journal.facts('quantity_set');
  const since = facts.slice(given[at]);
  given[at] = facts.length;
  return since.map(({ at: time, fact }) => [
    at,
    String(fact['inventoryItemId']),
    Number(fact['to']),
    Date.parse(time),
    String(fact['key']),
  ]);
}

void main();
