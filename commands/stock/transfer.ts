/**
 * Transfers between warehouses. Asking for one promises nothing; dispatching takes units that nobody was
 * promised from their places to the road, receiving takes them from the road to the dock or further,
 * and what never comes is closed as lost. Each posting has a cause of its own under the transfer's id, so
 * that repeating it changes nothing, and holds the transfer's row, so that no more comes than went. Goods
 * of a recalled lot may travel back, and arrive held.
 */
import { uuidv7 } from 'uuidv7';
import { businessNow } from '../../db/adjustment.repo';
import { audit } from '../../db/audit-log.repo';
import { type Bin, lockBins } from '../../db/bin.repo';
import type { Database, Tx } from '../../db/client';
import type { LedgerLine } from '../../db/ledger.repo';
import { placeOfKind, virtualPlace } from '../../db/place.repo';
import { serialsOnRoad } from '../../db/serial.repo';
import { lockOrCreateStockBalances, type StockBalance, stockKey } from '../../db/stock.repo';
import {
  addToTransfer,
  insertTransfer,
  lockTransfer,
  readTransferContents,
  readTransferLines,
  setTransferState,
  type TransferContent,
  type TransferHead,
} from '../../db/transfer.repo';
import { Failure } from '../../domain/failure-types';
import { runOnceIn } from '../run-once';
import { wakeBackorders } from '../wake-orders';
import { shelfKey } from './plan-adjustment';
import { HELD_PLACES, isHeld, type MovementLine, postMovements } from './post-movements';
import {
  assertDestination,
  assertQuantity,
  assertWarehouse,
  placeFinder,
  productFinder,
} from './resolve-moves';
import { assertNamed, nameLost } from './road-serials';

interface Goods {
  /** One of the two. */
  readonly productId?: string;
  readonly sku?: string;
  /** Whole base units, at least 1. */
  readonly quantity: number;
}

/** Goods that go by lot and, where they have some, by number. */
interface Units extends Goods {
  readonly lotCode?: string;
  readonly serials?: readonly string[];
}

export interface RequestTransfer {
  readonly merchantId: string;
  /** Once a merchant. */
  readonly key: string;
  readonly reference: string | null;
  readonly fromWarehouseId: string;
  readonly toWarehouseId: string;
  readonly expectedAt: Date | null;
  readonly reason: string;
  readonly actor: string;
  readonly requestId?: string;
  readonly lines: readonly Goods[];
}

/** @throws Failure NotFound for a product or warehouse; InvalidInput when both ends are one, or the reference is taken. */
export function requestTransfer(
  database: Database,
  request: RequestTransfer,
): Promise<{ readonly transferId: string }> {
  const { merchantId, key, lines, actor, requestId, reason, ...head } = request;
  return database.withMerchants([merchantId], async (tx) => {
    const { outcome } = await runOnceIn(tx, merchantId, `transfer/${key}`, async () => {
      if (head.fromWarehouseId === head.toWarehouseId)
        throw new Failure('InvalidInput', 'a transfer goes to another warehouse');
      for (const id of [head.fromWarehouseId, head.toWarehouseId]) await assertWarehouse(tx, id);
      const productOf = await productFinder(tx, merchantId, lines);
      const goods = lines.map((line) => {
        assertQuantity(line.quantity);
        return { productId: productOf(line), quantity: line.quantity };
      });
      const transferId = uuidv7();
      const requestedAt = await businessNow(tx, merchantId);
      const made = await insertTransfer(
        tx,
        { ...head, id: transferId, merchantId, reason, requestedBy: actor, requestedAt },
        goods,
      );
      if (!made)
        throw new Failure('InvalidInput', 'there is a transfer of this reference', {
          reference: head.reference,
        });
      const by = { merchantId, transferId, actor, requestId };
      await record(tx, by, 'request', reason, { lines: goods });
      return { transferId };
    });
    return outcome;
  });
}

interface Posting {
  readonly merchantIds: readonly string[];
  readonly transferId: string;
  /** Once a transfer. */
  readonly key: string;
  readonly actor: string;
  readonly requestId?: string;
}

export interface DispatchTransfer extends Posting {
  readonly lines: readonly (Units & { readonly fromCode: string })[];
}

/**
 * Goods leave for the other warehouse; may come several times, one a truck.
 * @throws Failure NotFound; IllegalTransition when the transfer has ended; InvalidInput when a place has
 *   fewer units that nobody was promised, or more would go than was asked for.
 */
export function dispatchTransfer(database: Database, request: DispatchTransfer): Promise<void> {
  return posting(database, request, 'out', async (tx, head) => {
    const { merchantId, fromWarehouseId } = head;
    const placeOf = await placeFinder(
      tx,
      fromWarehouseId,
      request.lines.map((line) => line.fromCode),
    );
    const productOf = await productFinder(tx, merchantId, request.lines);
    const transit = await virtualPlace(tx, merchantId, 'transit');
    const lines = request.lines.map((line): MovementLine => {
      assertQuantity(line.quantity);
      return {
        productId: productOf(line),
        lotCode: line.lotCode ?? '',
        quantity: line.quantity,
        fromLocationId: placeOf(line.fromCode).id,
        toLocationId: transit,
        ...(line.serials === undefined ? {} : { serials: line.serials }),
      };
    });
    assertAskedFor(lines, await readTransferLines(tx, merchantId, head.id));
    const keys = lines.map(({ productId }) => ({ merchantId, warehouseId: fromWarehouseId, productId }));
    const stock = await lockOrCreateStockBalances(tx, keys);
    assertFree(lines, await lockBins(tx, keys), stock);
    await addToTransfer(
      tx,
      merchantId,
      head.id,
      lines.map(({ productId, lotCode, quantity }) => ({
        productId,
        lotCode,
        dispatched: quantity,
        received: 0,
        lost: 0,
      })),
    );
    return { lines, state: 'in_transit' };
  });
}

export interface ReceiveTransfer extends Posting {
  /** `toCode` default: the warehouse's dock, where goods wait to be put away. */
  readonly lines: readonly (Units & { readonly toCode?: string })[];
}

/**
 * Goods arrive, all at once or by and by; the last unit ends the transfer.
 * @throws Failure NotFound; IllegalTransition when nothing is on the way; InvalidInput when more comes than
 *   is on the way: what is too much is counted in by an adjustment, by somebody who says why.
 */
export function receiveTransfer(database: Database, request: ReceiveTransfer): Promise<void> {
  return posting(database, request, 'in', async (tx, head) => {
    const { merchantId, toWarehouseId } = head;
    const dock = await placeOfKind(tx, toWarehouseId, 'dock');
    const placeOf = await placeFinder(
      tx,
      toWarehouseId,
      request.lines.flatMap((line) => line.toCode ?? []),
    );
    const productOf = await productFinder(tx, merchantId, request.lines);
    const transit = await virtualPlace(tx, merchantId, 'transit');
    const sold: string[] = [];
    const lines = request.lines.map((line): MovementLine => {
      assertQuantity(line.quantity);
      const place = line.toCode === undefined ? dock : placeOf(line.toCode);
      if (place === null)
        throw new Failure('InvalidInput', 'the warehouse has no dock: say where the goods are put');
      assertDestination(place);
      const productId = productOf(line);
      if (!HELD_PLACES.has(place.kind)) sold.push(productId);
      const { quantity, lotCode = '', serials } = line;
      const moved = { productId, lotCode, quantity, fromLocationId: transit, toLocationId: place.id };
      return serials === undefined ? moved : { ...moved, serials };
    });
    const contents = await readTransferContents(tx, merchantId, head.id);
    assertOnTheWay(lines, contents);
    assertNamed(lines, await serialsOnRoad(tx, merchantId, head.id, transit), contents);
    await addToTransfer(
      tx,
      merchantId,
      head.id,
      lines.map(({ productId, lotCode, quantity }) => ({
        productId,
        lotCode,
        dispatched: 0,
        received: quantity,
        lost: 0,
      })),
    );
    const came = lines.reduce((sum, line) => sum + line.quantity, 0);
    const onTheWay = contents.reduce((sum, each) => sum + each.outstanding, 0);
    const awaited = (await readTransferLines(tx, merchantId, head.id)).some((line) => line.awaited > 0);
    return { lines, state: came === onTheWay && !awaited ? 'received' : 'in_transit', sold };
  });
}

/**
 * Ends a transfer: what is on the way is written off as lost there, what has not left will not. One of
 * which nothing has left is cancelled.
 * @throws Failure NotFound; IllegalTransition when it has ended.
 */
export function closeTransfer(
  database: Database,
  request: Posting & { readonly reason: string },
): Promise<void> {
  return posting(database, request, 'close', async (tx, head) => {
    const { merchantId } = head;
    const contents = await readTransferContents(tx, merchantId, head.id);
    const [transit, outside] = [
      await virtualPlace(tx, merchantId, 'transit'),
      await virtualPlace(tx, merchantId, 'adjustment'),
    ];
    const missing = contents.filter((each) => each.outstanding > 0);
    if (missing.length > 0)
      await addToTransfer(
        tx,
        merchantId,
        head.id,
        missing.map((each) => ({ ...each, dispatched: 0, received: 0, lost: each.outstanding })),
      );
    const onRoad = await serialsOnRoad(tx, merchantId, head.id, transit);
    return {
      lines: missing.flatMap(({ productId, lotCode, outstanding: quantity }) =>
        nameLost({ productId, lotCode, quantity, fromLocationId: transit, toLocationId: outside }, onRoad),
      ),
      state: contents.length === 0 ? 'cancelled' : 'received',
      reason: request.reason,
    };
  });
}

interface Posted {
  readonly lines: readonly MovementLine[];
  readonly state: 'in_transit' | 'received' | 'cancelled';
  /** Products that are for sale now. */
  readonly sold?: readonly string[];
  readonly reason?: string;
}

/** One posting of a transfer, once: under its lock, with its ledger cause and its state. */
async function posting(
  database: Database,
  request: Posting,
  step: 'out' | 'in' | 'close',
  work: (tx: Tx, head: TransferHead) => Promise<Posted>,
): Promise<void> {
  await database.withMerchants(request.merchantIds, async (tx) => {
    const head = await lockTransfer(tx, request.merchantIds, request.transferId);
    if (head === null) throw new Failure('NotFound', 'there is no such transfer');
    const { merchantId } = head;
    // The ledger's cause; checks/rebuild reads the transfer and the step from it.
    const causeId = `transfer:${head.id}:${step}:${request.key}`;
    await runOnceIn(tx, merchantId, causeId, async () => {
      if (head.endedAt !== null || (step === 'in' && head.state === 'requested'))
        throw new Failure('IllegalTransition', `the transfer is ${head.state}`, { state: head.state });
      const { lines, state, sold = [], reason = head.reason } = await work(tx, head);
      const occurredAt = await businessNow(tx, merchantId);
      const { actor } = request;
      if (lines.length > 0)
        await postMovements(tx, [
          { merchantId, causeId, kind: 'transfer', reason, actor, occurredAt, lines },
        ]);
      await setTransferState(tx, head, state, occurredAt);
      if (sold.length > 0) await wakeBackorders(tx, merchantId, [...new Set(sold)]);
      const after = { state, units: lines.reduce((sum, line) => sum + line.quantity, 0) };
      await record(tx, { ...request, merchantId }, step, reason, after, { state: head.state });
      return {};
    });
  });
}

const contentKey = (each: { readonly productId: string; readonly lotCode: string }) =>
  `${each.productId}/${each.lotCode}`;

function sumBy(lines: readonly LedgerLine[], keyOf: (line: LedgerLine) => string): Map<string, number> {
  const sums = new Map<string, number>();
  for (const line of lines) sums.set(keyOf(line), (sums.get(keyOf(line)) ?? 0) + line.quantity);
  return sums;
}

function assertAskedFor(
  lines: readonly LedgerLine[],
  asked: readonly { readonly productId: string; readonly awaited: number }[],
): void {
  for (const [productId, units] of sumBy(lines, (line) => line.productId)) {
    const awaited = asked.find((each) => each.productId === productId)?.awaited ?? 0;
    if (units > awaited)
      throw new Failure('InvalidInput', `${awaited} units more were asked for`, { productId, awaited });
  }
}

function assertFree(
  lines: readonly LedgerLine[],
  bins: readonly Bin[],
  stock: ReadonlyMap<string, StockBalance>,
): void {
  const keyOf = (line: LedgerLine) => shelfKey({ ...line, locationId: line.fromLocationId });
  for (const [key, units] of sumBy(lines, keyOf)) {
    const bin = bins.find((each) => shelfKey(each) === key);
    const free = bin === undefined ? 0 : bin.onHand - bin.allocated;
    if (units > free)
      throw new Failure('InvalidInput', `a place has ${free} units that nobody was promised`, {
        free,
        location: bin?.locationCode ?? null,
      });
  }
  assertUnpromised(lines, bins, stock);
}

/** What is promised without a bin is promised all the same. */
function assertUnpromised(
  lines: readonly LedgerLine[],
  bins: readonly Bin[],
  stock: ReadonlyMap<string, StockBalance>,
): void {
  const sellable = lines.filter((line) => {
    const key = shelfKey({ ...line, locationId: line.fromLocationId });
    const bin = bins.find((each) => shelfKey(each) === key);
    return bin !== undefined && !isHeld(bin);
  });
  const left = new Map([...stock].map(([key, each]) => [key, each.onHand - each.held - each.reserved]));
  for (const [productId, units] of sumBy(sellable, (line) => line.productId)) {
    const [bin] = bins.filter((each) => each.productId === productId);
    const free = bin === undefined ? 0 : (left.get(stockKey(bin)) ?? 0);
    if (units > free)
      throw new Failure('InvalidInput', `${free} units are not promised to orders`, { productId, free });
  }
}

function assertOnTheWay(lines: readonly LedgerLine[], contents: readonly TransferContent[]): void {
  for (const [key, units] of sumBy(lines, contentKey)) {
    const content = contents.find((each) => contentKey(each) === key);
    const onTheWay = content?.outstanding ?? 0;
    if (units > onTheWay)
      throw new Failure('InvalidInput', `${onTheWay} units of this are on the way`, { onTheWay });
  }
}

function record(
  tx: Tx,
  of: Pick<Posting, 'transferId' | 'actor'> & {
    readonly merchantId: string;
    readonly requestId?: string | undefined;
  },
  step: string,
  reason: string,
  after: Readonly<Record<string, unknown>>,
  before: Readonly<Record<string, unknown>> | null = null,
): Promise<void> {
  const { merchantId, transferId, actor, requestId = null } = of;
  return audit(tx, {
    merchantId,
    actor,
    action: `stock_transfer.${step}`,
    thingKind: 'stock_transfer',
    thingId: transferId,
    reason,
    before,
    after,
    requestId,
  });
}
