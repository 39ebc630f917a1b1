/**
 * Counts on bins with moves going on. The shelf is a model beside the books: every mover takes units off it
 * in the moment in which he books them, as a scan does, and a counter reads it some time between his begin
 * and his answer. At the start the books are wrong; in the end they are the shelf.
 */
import { randomUUID } from 'node:crypto';
import { moveStock } from '../../../commands/stock/move-stock';
import { Database } from '../../../db/client';
import { bookErrors, rowsOf, warehouseOf } from '../../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../../support/merchant';
import { type TestDatabase, testDatabase } from '../../support/postgres';
import { Counters } from './count-world';

const SKUS = ['A', 'B', 'C'];
const BINS = ['A-01-01', 'A-01-02', 'A-01-03'];
const OPENING = 60;
/** Units by which the books are wrong, by SKU at the first bin: they say OPENING. */
const WRONG: Readonly<Record<string, number>> = { A: -4, B: 3, C: 0 };
const MOVERS = 3;
const MOVES = 60;

let server: TestDatabase;
let database: Database;

beforeAll(async () => {
  server = await testDatabase();
  database = new Database({ appUrl: server.appUrl, systemUrl: server.systemUrl, poolSize: 12 });
});
afterAll(async () => {
  await database.close();
  await server.drop();
});

/** What lies where, and one turn at it at a time for each bin: nobody sees a bin while a hand is in it. */
class Shelf {
  private readonly units = new Map<string, number>();
  private turn: Promise<unknown> = Promise.resolve();

  constructor() {
    for (const sku of SKUS) this.add(sku, 'A-01-01', OPENING + (WRONG[sku] ?? 0));
  }

  at(sku: string, bin: string): number {
    return this.units.get(`${sku} ${bin}`) ?? 0;
  }

  add(sku: string, bin: string, units: number): void {
    this.units.set(`${sku} ${bin}`, this.at(sku, bin) + units);
  }

  /** A hand in the bins: what is booked and what is taken happen together. */
  touch<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => undefined);
    return done;
  }
}

const pick = <T>(from: readonly T[], random: () => number): T =>
  from[Math.floor(random() * from.length)] as T;

/** Park and Miller's generator: the same moves each time. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

async function keepMoving(merchant: SeededMerchant, shelf: Shelf, random: () => number): Promise<number> {
  let moved = 0;
  for (let n = 0; n < MOVES; n += 1) {
    const sku = pick(SKUS, random);
    const from = pick(BINS, random);
    const to = pick(
      BINS.filter((bin) => bin !== from),
      random,
    );
    await shelf.touch(async () => {
      const quantity = Math.min(1 + Math.floor(random() * 4), shelf.at(sku, from));
      if (quantity === 0) return;
      const done = await moveStock(database, {
        merchantId: merchant.merchantId,
        causeId: randomUUID(),
        warehouseId: warehouseOf(merchant).id,
        reason: 'test',
        actor: 'test',
        lines: [{ sku, quantity, fromCode: from, toCode: to }],
      }).catch(() => null); // The books have fewer there than the shelf: the mover leaves it.
      if (done === null) return;
      shelf.add(sku, from, -quantity);
      shelf.add(sku, to, quantity);
      moved += quantity;
    });
  }
  return moved;
}

async function keepCounting(counters: Counters, shelf: Shelf, n: number, until: () => boolean) {
  const seen = { counted: 0, again: 0 };
  for (;;) {
    const sheet = await counters.next(n);
    if (sheet === null) {
      if (until()) return seen;
      await counters.plan({ locationCodes: BINS }).catch(() => undefined);
      continue;
    }
    if (!(await counters.start(sheet, n).catch(() => null))) continue;
    let asked = sheet.products?.map(({ sku }) => sku) ?? SKUS;
    for (;;) {
      const lines: { code: string; quantity: number }[] = [];
      for (const sku of asked)
        await shelf.touch(async () => {
          lines.push({ code: sku, quantity: shelf.at(sku, sheet.locationCode) });
        });
      const answer = await counters.submit(sheet, lines, n);
      if (answer.outcome === 'counted') break;
      seen.again += 1;
      asked = [...answer.countAgain];
    }
    seen.counted += 1;
  }
}

it('ends with books that are the shelf, whatever moved while two people counted', async () => {
  const merchant = await seedMerchant(database, {
    products: SKUS.map((sku) => ({ sku, stock: OPENING })),
    persons: 2,
  });
  const counters = new Counters(database, merchant);
  const shelf = new Shelf();
  let moving = MOVERS;
  const movers = Array.from({ length: MOVERS }, async (_, n) => {
    const moved = await keepMoving(merchant, shelf, randomFrom(7 + n));
    moving -= 1;
    return moved;
  });
  const people = [0, 1].map((n) => keepCounting(counters, shelf, n, () => moving === 0));
  const moved = await Promise.all(movers);
  const seen = await Promise.all(people);
  expect(moved.every((units) => units > 0)).toBe(true);
  expect(seen.reduce((sum, each) => sum + each.again, 0)).toBeGreaterThan(0);
  // A last count in peace finds what the others left: nothing.
  const before = await rowsOf(database, merchant, "select id from stock_adjustment where kind = 'count'");
  await counters.plan({ locationCodes: BINS });
  await keepCounting(counters, shelf, 0, () => true);
  const after = await rowsOf(database, merchant, "select id from stock_adjustment where kind = 'count'");
  expect(after).toHaveLength(before.length);
  for (const sku of SKUS)
    for (const bin of BINS)
      expect([sku, bin, await counters.onBooks(sku, bin)]).toEqual([sku, bin, shelf.at(sku, bin)]);
  const total = await rowsOf<{ delta: number }>(
    database,
    merchant,
    `select sum(l.posted)::integer as delta from stock_adjustment_line l join stock_adjustment a on a.id = l.adjustment_id
       where a.kind = 'count'`,
  );
  expect(total).toEqual([{ delta: -1 }]);
  expect(await bookErrors(database, merchant)).toEqual([]);
}, 60_000);
