/**
 * Proves a replay's stock by counting it a second way. Per SKU, what is there at the end must be what was
 * opened, plus what came back, less what was shipped and what was written off; shipped is counted from the
 * parcels' contents, what came back from the credits and the scans of those parcels, written off from the
 * file's lines and the rests that were reported. None of these reads the ledger, which is what they prove.
 * Beside it: nothing is sold that is not there, at any moment, and who waits is served in turn. Meant for
 * a merchant that nothing but replays has touched.
 */
import type { Tx } from '../db/client';
import * as rows from '../db/replay-books.repo';
import { groupBy } from '../domain/group-by';
import { goodsHadShipped } from '../domain/retail/online-retail';
import { type QueuedOrder, type StockEvent, servedOutOfTurn } from '../domain/stock/queue-turns';

export interface ReplayedMerchant {
  readonly merchantId: string;
  readonly connectionId: string;
  /** Prefix of the causes of its write-offs. */
  readonly source: string;
}

/** Flat, under names that a report may carry beside its own. Units unless said otherwise. */
export interface ReplayBooks {
  /** SKUs that were looked at. */
  readonly 'stock.skus': number;
  readonly 'stock.opening': number;
  readonly 'stock.restocked': number;
  readonly 'stock.shipped': number;
  readonly 'stock.writtenOff': number;
  /** Units of losses that were not there to be written off, and of how many lines. */
  readonly 'stock.writeOffRest': number;
  readonly 'stock.writeOffRestLines': number;
  readonly 'stock.end': number;
  /** SKUs whose end is not what it should be; 0 when the books are right. */
  readonly 'stock.skusOff': number;
  /** SKUs of which more was promised or shipped than was there at some moment; 0 when never oversold. */
  readonly 'stock.oversold': number;
  /** Orders that ever waited for stock, and those of them that got it. */
  readonly 'backorders.waited': number;
  readonly 'backorders.released': number;
  /** Orders served although one ahead of them could have been. */
  readonly 'backorders.outOfTurn': number;
}

export interface ProvenBooks {
  readonly books: ReplayBooks;
  /** What is wrong, in words; empty when nothing is. */
  readonly faults: readonly string[];
}

interface Account {
  opening: number;
  restocked: number;
  shipped: number;
  writtenOff: number;
  end: number;
  /** What happened to what lies there, in no order. */
  readonly moves: { readonly at: number; readonly units: number }[];
}

export async function proveReplayBooks(tx: Tx, merchant: ReplayedMerchant): Promise<ProvenBooks> {
  const { merchantId } = merchant;
  const accounts = new Accounts();
  const opened = await rows.readOpenedGoods(tx, merchantId);
  const shipped = await rows.readShippedGoods(tx, merchantId);
  const restocked = cameBack(await rows.readMatchedCredits(tx, merchantId), shipped);
  const losses = await rows.readLostGoods(tx, merchantId, merchant.source);
  const there = await rows.readGoodsThere(tx, merchantId);
  for (const each of opened) accounts.add('opening', each, 1);
  for (const each of shipped) accounts.add('shipped', each, -1);
  for (const each of restocked) accounts.add('restocked', each, 1);
  for (const { sku, asked, rest, at } of losses)
    if (at !== null) accounts.add('writtenOff', { sku, units: asked - rest, at }, -1);
  for (const { sku, onHand } of there) accounts.of(sku).end = onHand;

  const queue = await readQueue(tx, merchant, [...opened, ...restocked], losses);
  const off = accounts.off();
  const oversold = [...accounts.neverThere(), ...there.filter((g) => g.reserved > g.onHand - g.held)];
  const rests = losses.filter(({ rest }) => rest > 0);
  const sum = (part: 'opening' | 'restocked' | 'shipped' | 'writtenOff' | 'end') => accounts.total(part);
  return {
    books: {
      'stock.skus': accounts.size,
      'stock.opening': sum('opening'),
      'stock.restocked': sum('restocked'),
      'stock.shipped': sum('shipped'),
      'stock.writtenOff': sum('writtenOff'),
      'stock.writeOffRest': rests.reduce((units, { rest }) => units + rest, 0),
      'stock.writeOffRestLines': rests.length,
      'stock.end': sum('end'),
      'stock.skusOff': off.length,
      'stock.oversold': new Set(oversold.map(({ sku }) => sku)).size,
      'backorders.waited': queue.waited,
      'backorders.released': queue.released,
      'backorders.outOfTurn': queue.outOfTurn.length,
    },
    faults: [
      ...off.map(({ sentence }) => sentence),
      ...oversold.map(({ sku }) => `${sku}: more was promised or shipped than was there`),
      ...losses
        .filter(({ at, rest, reported }) => at === null || (rest > 0 && !reported))
        .map(({ sku, asked, rest }) => `${sku}: of ${asked} written off, a rest of ${rest} was not reported`),
      ...queue.outOfTurn,
    ],
  };
}

class Accounts {
  private readonly bySku = new Map<string, Account>();

  get size(): number {
    return this.bySku.size;
  }

  of(sku: string): Account {
    const known = this.bySku.get(sku);
    if (known) return known;
    const account = { opening: 0, restocked: 0, shipped: 0, writtenOff: 0, end: 0, moves: [] };
    this.bySku.set(sku, account);
    return account;
  }

  add(
    part: 'opening' | 'restocked' | 'shipped' | 'writtenOff',
    moved: { readonly sku: string; readonly units: number; readonly at: Date },
    sign: 1 | -1,
  ): void {
    const account = this.of(moved.sku);
    account[part] += moved.units;
    account.moves.push({ at: moved.at.getTime(), units: sign * moved.units });
  }

  total(part: 'opening' | 'restocked' | 'shipped' | 'writtenOff' | 'end'): number {
    return [...this.bySku.values()].reduce((sum, account) => sum + account[part], 0);
  }

  /** SKUs whose end is not what their movements come to. */
  off(): { readonly sku: string; readonly sentence: string }[] {
    return [...this.bySku].flatMap(([sku, { opening, restocked, shipped, writtenOff, end }]) => {
      const should = opening + restocked - shipped - writtenOff;
      if (should === end) return [];
      const sums = `${opening} + ${restocked} restocked - ${shipped} shipped - ${writtenOff} written off`;
      return [{ sku, sentence: `${sku}: ${sums} is ${should}, and ${end} are there` }];
    });
  }

  /** SKUs of which at some moment more had left than had ever come. */
  neverThere(): { readonly sku: string }[] {
    return [...this.bySku].flatMap(([sku, { moves }]) => {
      let left = 0;
      // What comes at an instant is there for what leaves at it.
      const inOrder = [...moves].sort((a, b) => a.at - b.at || b.units - a.units);
      return inOrder.some(({ units }) => {
        left += units;
        return left < 0;
      })
        ? [{ sku }]
        : [];
    });
  }
}

/** The matched credits whose goods had left the warehouse by then and had not come back. */
function cameBack(
  credits: readonly rows.CreditedGoods[],
  shipped: readonly rows.ShippedGoods[],
): rows.CreditedGoods[] {
  const keyOf = (each: rows.CreditedGoods | rows.ShippedGoods) => JSON.stringify([each.customerId, each.sku]);
  const parcels = groupBy(shipped, keyOf);
  const back = new Map<string, number>();
  return credits.filter((credit) => {
    const left = (parcels.get(keyOf(credit)) ?? [])
      .filter(({ at }) => at <= credit.at)
      .reduce((sum, { units }) => sum + units, 0);
    const restocked = back.get(keyOf(credit)) ?? 0;
    if (!goodsHadShipped({ shipped: left, restocked }, credit.units)) return false;
    back.set(keyOf(credit), restocked + credit.units);
    return true;
  });
}

interface Queue {
  readonly waited: number;
  readonly released: number;
  readonly outOfTurn: readonly string[];
}

async function readQueue(
  tx: Tx,
  { merchantId, connectionId }: ReplayedMerchant,
  came: readonly { readonly sku: string; readonly units: number; readonly at: Date }[],
  losses: readonly rows.LostGoods[],
): Promise<Queue> {
  const demand = await rows.readDemand(tx, merchantId, connectionId);
  const looks = await rows.readShortLooks(tx, merchantId);
  const reserved = await rows.readReservedGoods(tx, merchantId);
  const events: StockEvent[] = [
    ...looks.map(({ orderId, at }) => ({ at: at.getTime(), kind: 'waits' as const, orderId })),
    ...[...came, ...losses.flatMap(lossOf)].map(({ sku, units, at }) => ({
      at: at.getTime(),
      kind: 'came' as const,
      productId: sku,
      units,
    })),
    ...reserved.flatMap(({ orderId, sku, units, at, freeAt }) => {
      const taken = { kind: 'taken' as const, orderId, productId: sku };
      const back = freeAt === null ? [] : [{ ...taken, at: freeAt.getTime(), units: -units }];
      return [{ ...taken, at: at.getTime(), units }, ...back];
    }),
  ];
  const orders = queuedOrders(demand);
  const numbers = new Map(demand.map(({ orderId, number }) => [orderId, number]));
  const waited = new Set(looks.map(({ orderId }) => orderId));
  const still = new Set(demand.filter(({ waits }) => waits).map(({ orderId }) => orderId));
  return {
    waited: waited.size,
    released: [...waited].filter((orderId) => !still.has(orderId)).length,
    outOfTurn: servedOutOfTurn(orders, events).map(
      ({ served, passedOver }) =>
        `order ${numbers.get(served)} was served while ${numbers.get(passedOver)}, ahead of it, could have been`,
    ),
  };
}

function lossOf({ sku, asked, rest, at }: rows.LostGoods) {
  return at === null ? [] : [{ sku, units: rest - asked, at }];
}

function queuedOrders(lines: readonly rows.DemandLine[]): QueuedOrder[] {
  const orders = new Map<string, { order: Omit<QueuedOrder, 'demand'>; demand: Map<string, number> }>();
  for (const { orderId, priority, placedAt, sku, units } of lines) {
    const known = orders.get(orderId);
    if (known) known.demand.set(sku, units);
    else {
      const order = { orderId, priority, placedAt: placedAt.getTime() };
      orders.set(orderId, { order, demand: new Map([[sku, units]]) });
    }
  }
  return [...orders.values()].map(({ order, demand }) => ({ ...order, demand }));
}
