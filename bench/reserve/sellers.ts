/**
 * Ways to sell a unit without selling it twice, each as a caller that sells one unit of a product and says
 * whether it got it: ours, and what one would write first. The others write no reservation and no step:
 * they are what ours is compared with, in their best form (prepared statements, one round trip where one
 * suffices, the tenant set once a connection instead of once a transaction).
 */

import { Client, DatabaseError } from 'pg';
import { uuidv7 } from 'uuidv7';
import { Holds } from '../../commands/stock/holds';
import { Database } from '../../db/client';

export const WAYS = [
  'coalesced',
  'one-a-transaction',
  'guarded-update',
  'row-lock',
  'serializable',
  'bucketed',
] as const;
export type Way = (typeof WAYS)[number];

export interface Shop {
  readonly appUrl: string;
  readonly systemUrl: string;
  readonly merchantId: string;
  readonly warehouseId: string;
}

export type Seller = (productId: string) => Promise<boolean>;

export interface Sellers {
  /** One for each caller. */
  readonly each: readonly Seller[];
  close(): Promise<void>;
}

const LOCK_NOT_AVAILABLE = '55P03';
/** Longer than any run. */
const KEEP_MS = 60 * 60_000;
/** As many as the hot row's writers could use on this machine; more cost the search for the last units more. */
export const BUCKETS = 16;

export async function openSellers(way: Way, shop: Shop, callers: number): Promise<Sellers> {
  if (way !== 'coalesced' && way !== 'one-a-transaction') return clients(STATEMENTS[way], shop, callers);
  const database = new Database({
    appUrl: shop.appUrl,
    systemUrl: shop.systemUrl,
    poolSize: way === 'coalesced' ? 4 : callers,
  });
  const shared = new Holds(database);
  const each = Array.from({ length: callers }, () => {
    const holds = way === 'coalesced' ? shared : new Holds(database);
    return async (productId: string) => {
      const request = {
        merchantId: shop.merchantId,
        stepKey: `bench:${uuidv7()}`,
        lines: [{ productId, quantity: 1, warehouseIds: [shop.warehouseId] }],
        allOrNothing: true,
        keepMs: KEEP_MS,
      };
      for (;;) {
        try {
          return (await holds.reserve(request)).kind === 'reserved';
        } catch (error) {
          // Behind 255 others on a slow machine the lock is not won in 5 s: the caller asks again.
          if (!(error instanceof DatabaseError) || error.code !== LOCK_NOT_AVAILABLE) throw error;
        }
      }
    };
  });
  return { each, close: () => database.close() };
}

type Sale = (client: Client, merchantId: string, warehouseId: string, productId: string) => Promise<boolean>;

async function clients(sale: Sale, shop: Shop, callers: number): Promise<Sellers> {
  const opened: Client[] = [];
  // One after the other: a server takes a few hundred connections at once badly.
  for (let n = 0; n < callers; n += 1) {
    const client = new Client({
      connectionString: shop.appUrl,
      options: `-c app.merchant_ids=${shop.merchantId} -c random_page_cost=1.1 -c plan_cache_mode=force_generic_plan`,
    });
    await client.connect();
    opened.push(client);
  }
  return {
    each: opened.map(
      (client) => (productId: string) => sale(client, shop.merchantId, shop.warehouseId, productId),
    ),
    close: async () => {
      for (const client of opened) await client.end();
    },
  };
}

const BALANCE = 'merchant_id = $1 and warehouse_id = $2 and product_id = $3';
const FREE = 'on_hand - held - reserved';
const TAKE = `update stock_balance set reserved = reserved + 1 where ${BALANCE}`;

const STATEMENTS: Readonly<Record<Exclude<Way, 'coalesced' | 'one-a-transaction'>, Sale>> = {
  'guarded-update': async (client, ...values) => {
    const { rowCount } = await client.query({ name: 'take', text: `${TAKE} and ${FREE} >= 1`, values });
    return rowCount === 1;
  },

  'row-lock': async (client, ...values) => {
    await client.query('begin');
    const { rows } = await client.query<{ free: number }>({
      name: 'lock',
      text: `select ${FREE} as free from stock_balance where ${BALANCE} for no key update`,
      values,
    });
    const sold = (rows[0]?.free ?? 0) >= 1;
    if (sold) await client.query({ name: 'take', text: TAKE, values });
    await client.query('commit');
    return sold;
  },

  serializable: async (client, ...values) => {
    for (;;) {
      try {
        await client.query('begin isolation level serializable');
        const { rows } = await client.query<{ free: number }>({
          name: 'read',
          text: `select ${FREE} as free from stock_balance where ${BALANCE}`,
          values,
        });
        const sold = (rows[0]?.free ?? 0) >= 1;
        if (sold) await client.query({ name: 'take', text: TAKE, values });
        await client.query('commit');
        return sold;
      } catch (error) {
        await client.query('rollback');
        const again = error instanceof DatabaseError && (error.code === '40001' || error.code === '40P01');
        if (!again) throw error;
      }
    }
  },

  bucketed: async (client, merchantId, warehouseId, productId) => {
    const first = Math.floor(Math.random() * BUCKETS);
    for (let n = 0; n < BUCKETS; n += 1) {
      const { rowCount } = await client.query({
        name: 'take-bucket',
        text: `update bench_bucket set free = free - 1 where ${BALANCE} and bucket = $4 and free >= 1`,
        values: [merchantId, warehouseId, productId, (first + n) % BUCKETS],
      });
      if (rowCount === 1) return true;
    }
    return false;
  },
};
