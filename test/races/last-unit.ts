/**
 * Races for a last unit: buyers of four processes want it at the same instant, in different ways. After
 * each race one of them has it, by what they were told and by the books, and all others were told no.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { Database } from '../../db/client';
import { bookErrors, rowsOf } from '../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { type TestDatabase, testDatabase } from '../support/postgres';
import type { Bought, Race, Way, Word } from './buyer-process';

/** Which ways meet in a race; races take them in turn. */
const MIXES: readonly (readonly Way[])[] = [
  ['shared holds'],
  ['holds of their own'],
  ['shared holds', 'holds of their own', 'shared holds', 'orders'],
];
/** Time for a message to reach every process before they begin. */
const SET_MS = 30;

export interface Races {
  readonly races: number;
  readonly processes: number;
  /** Of all processes together. */
  readonly buyers: number;
  readonly onProgress?: (races: number) => void;
}

export interface RaceResults {
  readonly races: number;
  /** In words; empty when each race had exactly one winner. */
  readonly faults: readonly string[];
}

export async function raceForLastUnits({
  races,
  processes,
  buyers,
  onProgress,
}: Races): Promise<RaceResults> {
  const server = await testDatabase();
  const database = new Database({ ...server, poolSize: 4 });
  const children: Child[] = [];
  try {
    const products = Array.from({ length: races }, (_, n) => ({ sku: `LAST-${n + 1}`, stock: 1 }));
    const merchant = await seedMerchant(database, { products, persons: 0 });
    for (let n = 0; n < processes; n += 1) children.push(new Child());
    await tellAll(children, { say: 'open', ...urlsOf(server), merchant });
    const faults: string[] = [];
    for (const [n, { sku }] of products.entries()) {
      const ways = MIXES[n % MIXES.length] as readonly Way[];
      const productId = merchant.products.get(sku) as string;
      const race: Race = { number: n + 1, sku, productId, ways, buyers: Math.ceil(buyers / processes) };
      faults.push(...(await run(race, children, database, merchant)));
      onProgress?.(n + 1);
    }
    const wrong = await bookErrors(database, merchant);
    return { races, faults: [...faults, ...wrong.map((each) => JSON.stringify(each))] };
  } finally {
    for (const child of children) await child.stop();
    await database.close();
    await server.drop();
  }
}

const urlsOf = ({ appUrl, systemUrl }: TestDatabase) => ({ appUrl, systemUrl });

async function run(
  race: Race,
  children: readonly Child[],
  database: Database,
  merchant: SeededMerchant,
): Promise<string[]> {
  await tellAll(children, { say: 'get ready', ...race });
  const bought = (await tellAll(children, { say: 'buy', at: Date.now() + SET_MS })) as Bought[];
  const winners = bought.flatMap((each) => each.winners);
  const asked = bought.reduce((sum, each) => sum + each.winners.length + each.losers, 0);
  const rows = await rowsOf<{ holder: string; quantity: number; on_hand: number; reserved: number }>(
    database,
    merchant,
    `select coalesce(r.order_id, r.hold_id) as holder, r.quantity, b.on_hand, b.reserved
     from stock_balance b left join reservation r on r.merchant_id = b.merchant_id and r.product_id = b.product_id
       and r.state in ('held', 'allocated')
     where b.product_id = $1`,
    [race.productId],
  );
  const name = `race ${race.number} (${race.ways.join(', ')})`;
  const is = JSON.stringify(rows);
  const should = JSON.stringify([{ holder: winners[0], quantity: 1, on_hand: 1, reserved: 1 }]);
  return [
    ...(asked === race.buyers * children.length ? [] : [`${name}: only ${asked} were answered`]),
    ...(winners.length === 1 ? [] : [`${name}: ${winners.length} were told that they have the unit`]),
    ...(is === should ? [] : [`${name}: the books say ${is}`]),
  ];
}

function tellAll(children: readonly Child[], word: Word): Promise<unknown[]> {
  return Promise.all(children.map((child) => child.tell(word)));
}

class Child {
  private readonly process: ChildProcess = fork(path.join(__dirname, 'buyer-process.ts'), {
    execArgv: ['--import', 'tsx'],
  });

  async tell(word: Word): Promise<unknown> {
    const ended = new AbortController();
    const { signal } = ended;
    try {
      const answer = Promise.race([
        once(this.process, 'message', { signal }).then(([message]) => message as unknown),
        once(this.process, 'exit', { signal }).then(([code]) => {
          throw new Error(`a process of buyers ended with ${code}`);
        }),
      ]);
      this.process.send(word);
      return await answer;
    } finally {
      ended.abort();
    }
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const exit = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await exit;
  }
}
