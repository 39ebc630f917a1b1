/**
 * One process of buyers, who all want the same unit: some by a checkout's hold that shares a transaction
 * with others, some by one that has a transaction of its own, some by an order. Is told by messages what
 * to get ready and when to buy, and answers with who was told that he has it.
 */
import { DatabaseError } from 'pg';
import { Intake } from '../../commands/intake/intake';
import { Holds } from '../../commands/stock/holds';
import { Database } from '../../db/client';
import { isFailure } from '../../domain/failure-types';
import { stepKey } from '../../domain/step-key';
import type { SeededMerchant } from '../support/merchant';
import { demoOrder, placeOrder } from '../support/order';

export type Way = 'shared holds' | 'holds of their own' | 'orders';

export interface Race {
  readonly number: number;
  readonly sku: string;
  readonly productId: string;
  readonly ways: readonly Way[];
  /** Of this process; they take the ways in turn. */
  readonly buyers: number;
}

export interface Shop {
  readonly appUrl: string;
  readonly systemUrl: string;
  readonly merchant: Pick<SeededMerchant, 'merchantId' | 'connectionId' | 'warehouses'>;
}

/** What a parent sends. */
export type Word =
  | ({ readonly say: 'open' } & Shop)
  | ({ readonly say: 'get ready' } & Race)
  | { readonly say: 'buy'; readonly at: number }
  | { readonly say: 'close' };

/** Buyers by number, and the hold or order that has the unit. */
export interface Bought {
  readonly winners: readonly string[];
  readonly losers: number;
}

type Buyer = () => Promise<string | null>;

/** Of each pool; a unit's lock lets one in at a time, so more would only wait in the server instead. */
const CONNECTIONS = 10;
const KEEP_MS = 60 * 60_000;
const LOCK_NOT_AVAILABLE = '55P03';

let shop: Shop | undefined;
let database: Database | undefined;
let buyers: Buyer[] = [];

process.on('message', (word: Word) => {
  handle(word).then(
    (answer) => process.send?.(answer),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      process.exit(1);
    },
  );
});
// A parent that is gone needs nobody.
process.on('disconnect', () => process.exit());

async function handle(word: Word): Promise<Bought | 'done'> {
  switch (word.say) {
    case 'open':
      shop = word;
      database = new Database({ ...word, poolSize: CONNECTIONS });
      return 'done';
    case 'get ready':
      buyers = await gather(word, database as Database, shop as Shop);
      return 'done';
    case 'buy':
      return buy(word.at);
    case 'close':
      await database?.close();
      return 'done';
  }
}

async function buy(at: number): Promise<Bought> {
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, at - Date.now())));
  const told = await Promise.all(buyers.map((each) => each()));
  // Whoever asks again hears the same.
  const again = await Promise.all(buyers.map((each) => each()));
  if (JSON.stringify(again) !== JSON.stringify(told)) throw new Error('a buyer was told something else');
  const winners = told.flatMap((each) => each ?? []);
  return { winners, losers: told.length - winners.length };
}

async function gather(race: Race, db: Database, { merchant }: Shop): Promise<Buyer[]> {
  const shared = new Holds(db);
  const intake = new Intake(db);
  const made: Buyer[] = [];
  for (let n = 0; n < race.buyers; n += 1) {
    const way = race.ways[n % race.ways.length] as Way;
    if (way === 'orders') made.push(await byOrder(race, db, intake, merchant));
    else made.push(byHold(race, way === 'shared holds' ? shared : new Holds(db), merchant, n));
  }
  return made;
}

function byHold({ number, productId }: Race, holds: Holds, merchant: Shop['merchant'], n: number): Buyer {
  const request = {
    merchantId: merchant.merchantId,
    stepKey: `race ${number}:${process.pid}:${n}`,
    lines: [{ productId, quantity: 1, warehouseIds: merchant.warehouses.map(({ id }) => id) }],
    allOrNothing: true,
    keepMs: KEEP_MS,
  };
  return patiently(async () => {
    const outcome = await holds.reserve(request);
    return outcome.kind === 'reserved' ? outcome.holdId : null;
  });
}

async function byOrder(
  { sku }: Race,
  db: Database,
  intake: Intake,
  merchant: Shop['merchant'],
): Promise<Buyer> {
  const { merchantId } = merchant;
  const { orderId } = await placeOrder(db, merchant, demoOrder([{ sku, quantity: 1 }]));
  const request = { merchantId, orderId, stepKey: stepKey(orderId, 'intake') };
  return patiently(async () => ((await intake.run(request)).kind === 'planned' ? orderId : null));
}

/** Behind hundreds of others a lock or a connection may not come in 5 s: the buyer asks again. */
function patiently(ask: Buyer): Buyer {
  return async () => {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        const late = error instanceof DatabaseError && error.code === LOCK_NOT_AVAILABLE;
        if (!late && !isFailure(error, 'DatabaseUnavailable')) throw error;
      }
    }
  };
}
