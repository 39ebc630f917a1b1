/** What the benchmark runs on: Postgres with the stock, five shops that list all of it, and who publishes it. */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { uuidv7 } from 'uuidv7';
import { putListings } from '../../commands/channels/change-listings';
import { insertRows } from '../../db/insert-rows';
import { sealSecrets } from '../../db/sealed';
import { DEFAULT_LOCATION_ID } from '../../simulators/shopify';
import { type BenchChild, startChild } from '../child';
import { pause } from '../engine';
import { type StockServer, startStockServer } from '../reserve/stock-server';
import type { Shelf } from './sellers';
import type { Heard, ShopsAnswer, ShopsQuestion, ShopsTask } from './shops-process';
import type { SyncTask } from './sync-process';

const SHOP_ANSWERS_MS = 20;
/** Enough for any run. */
const UNITS_EACH = 1_000_000;
/** As many as one request of the API takes. */
const LISTINGS_AT_ONCE = 500;
const FIRST_PRODUCT_ITEM = 1_000_000;
/** 50,000 quantities in 200 calls and what a busy machine makes of it. */
const EQUAL_WITHIN_MS = 120_000;

/** What a channel allows, and what of it is given to stock. */
export interface Plan {
  readonly name: string;
  readonly pointsPerSecond: number;
  readonly callsPerSecond: number | null;
  readonly quantitiesPerCall: number | null;
}

export interface World {
  readonly shelf: Shelf;
  readonly server: StockServer;
  readonly connectionIds: readonly string[];
  /** What the shops heard since the last time. */
  heard(): Promise<readonly Heard[]>;
  /** Listings whose shop shows something else than can be promised. */
  differing(): Promise<number>;
  /** Waits until none differs. */
  settle(): Promise<void>;
  cpu(): ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

export const itemOf = (product: number): string => String(FIRST_PRODUCT_ITEM + product);
export const productOf = (item: string): number => Number(item) - FIRST_PRODUCT_ITEM;

export async function startWorld(products: number, plans: readonly Plan[]): Promise<World> {
  const server = await startStockServer();
  const children: BenchChild[] = [];
  const stop = async (): Promise<void> => {
    for (const child of children.reverse()) await child.stop();
    await server.stop();
  };
  try {
    const productIds = await server.addProducts(products, UNITS_EACH);
    const items = productIds.map((_, product) => itemOf(product));
    const accessToken = 'bench-token';
    const task: ShopsTask = {
      accessToken,
      plans: plans.map(({ pointsPerSecond }) => pointsPerSecond),
      items,
      latencyMs: SHOP_ANSWERS_MS,
    };
    const shops = startChild('channel-sync/shops-process.ts', 'shops', { SHOPS_TASK: JSON.stringify(task) });
    children.push(shops);
    const { urls } = (await answerOf(shops.process)) as Extract<ShopsAnswer, { urls: unknown }>;
    const key = randomBytes(32);
    const connectionIds: string[] = [];
    for (const [at, plan] of plans.entries())
      connectionIds.push(await connect(server, plan, urls[at] as string, accessToken, key, productIds));
    await server.asOwner('vacuum analyze');
    const syncTask: SyncTask = {
      appUrl: server.appUrl,
      systemUrl: server.systemUrl,
      key: key.toString('base64'),
    };
    const sync = startChild('channel-sync/sync-process.ts', 'sync', { SYNC_TASK: JSON.stringify(syncTask) });
    children.push(sync);
    await answerOf(sync.process);
    const { database, merchantId, warehouseId } = server;
    const left = productIds.map(() => UNITS_EACH);
    return worldOf(
      { database, merchantId, warehouseId, productIds, left },
      server,
      shops,
      sync,
      connectionIds,
      stop,
    );
  } catch (error) {
    await stop();
    throw error;
  }
}

function worldOf(
  shelf: Shelf,
  server: StockServer,
  shops: BenchChild,
  sync: BenchChild,
  connectionIds: readonly string[],
  stop: () => Promise<void>,
): World {
  const ask = async (question: ShopsQuestion): Promise<ShopsAnswer> => {
    const answer = answerOf(shops.process);
    shops.process.send(question);
    return (await answer) as ShopsAnswer;
  };
  const differing = async (): Promise<number> => {
    const { quantities } = (await ask({ ask: 'quantities' })) as Extract<
      ShopsAnswer,
      { quantities: unknown }
    >;
    return quantities.filter(([, item, quantity]) => shelf.left[productOf(item)] !== quantity).length;
  };
  return {
    shelf,
    server,
    connectionIds,
    heard: async () => ((await ask({ ask: 'heard' })) as Extract<ShopsAnswer, { heard: unknown }>).heard,
    differing,
    async settle() {
      const deadline = Date.now() + EQUAL_WITHIN_MS;
      while ((await differing()) > 0) {
        if (Date.now() > deadline) throw new Error('the shops never showed what can be promised');
        await pause(500);
      }
    },
    cpu: () =>
      new Map([...shops.cpu(), ...sync.cpu(), ['postgres', server.cpuSeconds()], ['sellers', ownSeconds()]]),
    stop,
  };
}

async function connect(
  server: StockServer,
  plan: Plan,
  url: string,
  accessToken: string,
  key: Buffer,
  productIds: readonly string[],
): Promise<string> {
  const { database, merchantId } = server;
  const id = uuidv7();
  await database.withMerchants([merchantId], async (tx) => {
    await insertRows(
      tx,
      'channel_connection',
      ['id', 'merchant_id', 'channel', 'name', 'base_url', 'credentials_sealed'],
      [[id, merchantId, 'shopify', plan.name, url, sealSecrets([{ id: 'bench', key }], { accessToken })]],
    );
    await insertRows(
      tx,
      'channel_sync',
      ['merchant_id', 'connection_id', 'calls_per_second', 'quantities_per_call'],
      [[merchantId, id, plan.callsPerSecond, plan.quantitiesPerCall]],
    );
  });
  for (let from = 0; from < productIds.length; from += LISTINGS_AT_ONCE) {
    const listings = productIds.slice(from, from + LISTINGS_AT_ONCE).map((productId, at) => ({
      productId,
      externalItemId: itemOf(from + at),
      externalLocationId: DEFAULT_LOCATION_ID,
      units: 1,
      warehouseId: null,
    }));
    await database.withMerchants([merchantId], (tx) =>
      putListings(tx, merchantId, { connectionId: id, listings }, { actor: 'bench', requestId: 'bench' }),
    );
  }
  return id;
}

/** The next thing that a child says; one that ends says nothing. */
function answerOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`a process of the benchmark ended with ${code}`));
    child.once('exit', ended);
    child.once('message', (said) => {
      child.off('exit', ended);
      resolve(said);
    });
  });
}

function ownSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
