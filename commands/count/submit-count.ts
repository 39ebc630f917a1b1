/**
 * A counter says what lies at his place. Under the locks of its balances each product's reading is compared
 * with the books of that very moment: what nobody moved since he began is a true reading, what moved is
 * asked for again, for nobody can say whether he saw it before or after. When all is read the sheet is
 * settled in the same transaction (settle-count). Keyed by the event id, like a scan. Orders are locked
 * before all else when the correction takes goods from them (with-orders-locked).
 */
import type { Database, Tx } from '../../db/client';
import { type LockedSheet, lockSheet, readDoubts, startSheet } from '../../db/count.repo';
import {
  type CountedProduct,
  type CountLine,
  findCountedProducts,
  NEVER_THERE,
  readPlaceContent,
  stopPicksAt,
  writeCountLines,
} from '../../db/count-place.repo';
import { findScan } from '../../db/scan.repo';
import { lockOrCreateStockBalances } from '../../db/stock.repo';
import { lockOrderTrees } from '../../db/take-back.repo';
import { Failure } from '../../domain/failure-types';
import { type FloorCaller, recordedAnswer } from '../floor/scan-event';
import { withOrdersLocked } from '../stock/with-orders-locked';
import { settleSheet } from './settle-count';
import { assertOwn, goodsKey, marksAt, recordAct } from './work-sheet';

export interface SubmitCount {
  readonly merchantId: string;
  readonly sheetId: string;
  readonly eventId: string;
  readonly requestId?: string;
  /** What is there. What is not named and was to be counted is not there. */
  readonly lines: readonly {
    /** SKU or GTIN. */
    readonly code: string;
    readonly lotCode?: string;
    /** Whole base units; 0 says that none is there. */
    readonly quantity: number;
  }[];
}

export interface SubmittedCount {
  readonly sheetId: string;
  /** `count_again`: goods of these SKUs moved meanwhile; the others are done. */
  readonly outcome: 'counted' | 'count_again';
  readonly countAgain: readonly string[];
}

interface ReadGoods {
  readonly product: CountedProduct;
  readonly lotCode: string;
  readonly quantity: number;
}

/**
 * @throws Failure NotFound; InvalidInput for an unknown code, goods that the sheet does not ask about, or
 *   goods tracked by lot without one; IllegalTransition when the sheet is not his or not begun.
 */
export function submitCount(
  database: Database,
  caller: FloorCaller,
  count: SubmitCount,
): Promise<SubmittedCount> {
  return withOrdersLocked(database, count.merchantId, async (tx, orderIds) => {
    if (orderIds.length > 0) await lockOrderTrees(tx, count.merchantId, orderIds);
    const sheet = await lockSheet(tx, count.sheetId);
    if (sheet === null) throw new Failure('NotFound', 'there is no such sheet');
    const before = await findScan(tx, [count.merchantId], count.eventId);
    if (before !== null) return recordedAnswer<SubmittedCount>(before, 'count', count.sheetId);
    assertOwn(sheet, caller);
    if (sheet.state !== 'started' || sheet.seen === null)
      throw new Failure('IllegalTransition', 'say at the place that you begin, then count', {
        state: sheet.state,
      });
    const answer = await read(tx, sheet, caller, count, orderIds);
    await recordAct(tx, sheet, caller, count.eventId, { kind: 'count', outcome: answer });
    return answer;
  });
}

async function read(
  tx: Tx,
  sheet: LockedSheet,
  caller: FloorCaller,
  count: SubmitCount,
  orderIds: readonly string[],
): Promise<SubmittedCount> {
  const { merchantId, sheetId, warehouseId, locationId, countId } = sheet;
  const goods = await resolve(tx, sheet, count);
  await stopPicksAt(tx, merchantId, locationId);
  const there = await readPlaceContent(tx, merchantId, locationId);
  const concerned = new Set([
    ...goods.map(({ product }) => product.id),
    ...(sheet.productIds ?? there.map(({ productId }) => productId)),
  ]);
  const keys = [...concerned].map((productId) => ({ merchantId, warehouseId, productId }));
  await lockOrCreateStockBalances(tx, keys);
  // From here on nothing of these products moves.
  const content = (await readPlaceContent(tx, merchantId, locationId)).filter((each) =>
    concerned.has(each.productId),
  );
  const moved = movedProducts(sheet, content);
  const products = await findCountedProducts(tx, merchantId, { ids: [...concerned], codes: [] });
  const doubts = await readDoubts(tx, merchantId, countId, locationId);
  const lines = readings(goods, content, doubts, products);
  await writeCountLines(
    tx,
    merchantId,
    sheetId,
    lines.filter((line) => !moved.has(line.productId)),
  );
  if (moved.size === 0) {
    await settleSheet(tx, sheet, { ...count, personId: caller.personId, products, doubts }, orderIds);
    return { sheetId, outcome: 'counted', countAgain: [] };
  }
  await startSheet(tx, sheet, {
    personId: caller.personId,
    seen: await marksAt(tx, sheet),
    productIds: [...moved],
  });
  const countAgain = products.flatMap((product) => (moved.has(product.id) ? [product.sku] : []));
  return { sheetId, outcome: 'count_again', countAgain };
}

async function resolve(tx: Tx, sheet: LockedSheet, count: SubmitCount): Promise<ReadGoods[]> {
  const found = await findCountedProducts(tx, sheet.merchantId, {
    ids: [],
    codes: count.lines.map((line) => line.code),
  });
  const named = count.lines.map(({ code, lotCode = '', quantity }): ReadGoods => {
    const product = found.find((each) => each.sku === code) ?? found.find((each) => each.gtin === code);
    if (product === undefined)
      throw new Failure('InvalidInput', `${code} is no product: set it aside and tell the office`, { code });
    if (sheet.productIds !== null && !sheet.productIds.includes(product.id))
      throw new Failure('InvalidInput', `${code} is not asked about here`, { code });
    if (product.lotTracked && lotCode === '' && quantity > 0)
      throw new Failure('InvalidInput', `${code} is tracked by lot: say which`, { code });
    return { product, lotCode, quantity };
  });
  const twice = named.find((goods, index) =>
    named.slice(0, index).some((other) => other.product === goods.product && other.lotCode === goods.lotCode),
  );
  if (twice !== undefined)
    throw new Failure('InvalidInput', `${twice.product.sku} is named twice: add up`, {
      sku: twice.product.sku,
    });
  return named;
}

/** Products of which something was taken from the place or put there since the counter began. */
function movedProducts(
  sheet: LockedSheet,
  content: readonly { readonly productId: string; readonly lotCode: string; readonly mark: string }[],
): Set<string> {
  const seen = sheet.seen ?? {};
  return new Set(
    content.filter((goods) => (seen[goodsKey(goods)] ?? NEVER_THERE) !== goods.mark).map((g) => g.productId),
  );
}

/** Each lot of each product that is there by the books or by the counter, once. */
function readings(
  goods: readonly ReadGoods[],
  content: Awaited<ReturnType<typeof readPlaceContent>>,
  doubts: readonly { readonly productId: string; readonly lotCode: string; readonly quantity: number }[],
  products: readonly CountedProduct[],
): CountLine[] {
  const lines = new Map<string, CountLine>();
  const add = (
    at: { readonly productId: string; readonly lotCode: string },
    units: { readonly recorded?: number; readonly doubtful?: number; readonly counted?: number },
  ) => {
    const known = lines.get(goodsKey(at));
    const { productId, lotCode } = at;
    const unitCostMinor = products.find((each) => each.id === productId)?.unitCostMinor ?? null;
    lines.set(goodsKey(at), {
      productId,
      lotCode,
      unitCostMinor,
      recorded: (known?.recorded ?? 0) + (units.recorded ?? 0) + (units.doubtful ?? 0),
      doubtful: (known?.doubtful ?? 0) + (units.doubtful ?? 0),
      counted: (known?.counted ?? 0) + (units.counted ?? 0),
    });
  };
  for (const each of content) if (each.onHand > 0) add(each, { recorded: each.onHand - each.inHands });
  for (const doubt of doubts)
    if (products.some((product) => product.id === doubt.productId)) add(doubt, { doubtful: doubt.quantity });
  for (const { product, lotCode, quantity } of goods)
    add({ productId: product.id, lotCode }, { counted: quantity });
  return [...lines.values()];
}
