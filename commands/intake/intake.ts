/**
 * Intake: check, map, route, reserve and create the warehouse's tasks, for a batch of orders in one
 * transaction. Keyed by the step key of each order; a rerun returns the recorded outcome. Orders are
 * locked first, then balances, then bins, always in the same order, so batches of several processes
 * wait for each other instead of deadlocking. Plans are made under those locks with a running sum, so
 * none has to be made twice; planning an order takes well under a millisecond. An order that is about
 * to be parked while its merchant's catalogue changes is looked at again in the next batch.
 */

import { addAllocated, lockBins } from '../../db/bin.repo';
import type { Database, Tx } from '../../db/client';
import { openExceptions, resolveExceptions } from '../../db/exception.repo';
import { readHoldsOfOrders } from '../../db/hold.repo';
import {
  type IntakeOrderRow,
  lockOrdersForIntake,
  readAddressChecks,
  readIntakeFacts,
  shareCatalogVersions,
} from '../../db/intake.repo';
import { type IntakeWrites, writeIntake } from '../../db/intake-write.repo';
import { readDatedLots, readShelfLifeRules } from '../../db/lot-life.repo';
import { type ReservationWrites, writeReservations } from '../../db/reservation.repo';
import {
  lockOrCreateStockBalances,
  lockStockBalances,
  type StockBalance,
  type StockKey,
  stockKey,
} from '../../db/stock.repo';
import { groupBy } from '../../domain/group-by';
import { checkIntake } from '../../domain/order/check-intake';
import { byQueue } from '../../domain/stock/hand-out';
import { RunningStock } from '../../domain/stock/running-stock';
import { Coalescer } from '../coalescer';
import { wakeBackorders, wakeOrders } from '../wake-orders';
import { addressDigest, IntakeFactIndex } from './facts';
import type { Checked, IntakeOutcome, IntakeRequest } from './outcome';
import { IntakePlanner } from './planner';

export type { IntakeOutcome, IntakeRequest } from './outcome';

export class Intake {
  private readonly coalescer: Coalescer<IntakeRequest, IntakeOutcome | 'again'>;

  constructor(database: Database) {
    this.coalescer = new Coalescer((requests) => intakeBatch(database, requests));
  }

  /**
   * @throws Failure NotFound when there is no such order, DatabaseUnavailable when Postgres is away
   *   (a retry with the same key finds what was committed).
   */
  async run(request: IntakeRequest): Promise<IntakeOutcome> {
    for (;;) {
      const outcome = await this.coalescer.submit(request);
      if (outcome !== 'again') return outcome;
    }
  }
}

function intakeBatch(
  database: Database,
  requests: readonly IntakeRequest[],
): Promise<(IntakeOutcome | 'again')[]> {
  const merchantIds = [...new Set(requests.map((request) => request.merchantId))];
  return database.withMerchants(merchantIds, (tx) => intakeIn(tx, requests));
}

async function intakeIn(tx: Tx, requests: readonly IntakeRequest[]): Promise<(IntakeOutcome | 'again')[]> {
  const keys = requests.map((r) => ({ merchant_id: r.merchantId, order_id: r.orderId, step_key: r.stepKey }));
  const orders = new Map((await lockOrdersForIntake(tx, keys)).map((order) => [order.id, order]));
  const facts = new IntakeFactIndex(await readIntakeFacts(tx, keys));
  const results = new Map<string, IntakeOutcome | 'again'>();
  const fresh: { request: IntakeRequest; order: IntakeOrderRow }[] = [];
  for (const request of requests) {
    const recorded = facts.steps.get(`${request.merchantId} ${request.stepKey}`);
    const order = orders.get(request.orderId);
    if (recorded !== undefined) results.set(request.stepKey, recorded as IntakeOutcome);
    else if (order) fresh.push({ request, order });
    // Its workflow was started by an outbox row of the order's own transaction, so this is a bug.
    else throw new Error(`order ${request.orderId} is not there`);
  }
  const checked = await checkAll(tx, fresh, facts);
  const planner = new IntakePlanner(facts);
  const balanceKeys = planner.balanceKeys(checked);
  const keepers = fresh.flatMap(({ order }) => keeper(order));
  const before = await readHoldsOfOrders(tx, keepers);
  const balances = await lockStockBalances(tx, [...balanceKeys, ...before]);
  planner.sellable.stock.use(balances);
  if (keepers.length > 0) planner.holds.use(await readHoldsOfOrders(tx, keepers));
  const lots = await readDatedLots(tx, balanceKeys);
  if (lots.length > 0)
    planner.sellable.useLots(lots, await readShelfLifeRules(tx, [...facts.merchants.keys()]));
  for (const entry of inQueueOrder(checked)) planner.decide(entry);
  planner.useBins(await lockBins(tx, planner.binKeys()));
  const again = await changedMeanwhile(tx, planner.parkedMerchants(), facts);
  const { writes, outcomes, reservations, allocated, exceptions, resolved } = planner.finish(again);
  await writeIntake(tx, writes);
  await writeReservations(tx, reservations);
  await addAllocated(tx, allocated);
  await openExceptions(tx, exceptions);
  await resolveExceptions(tx, [...facts.merchants.keys()], resolved, 'workflow', 'The order went on.');
  await passOnWhatIsFree(tx, reservations);
  await wakeForFirstStock(tx, writes.backorders, facts, balances);
  for (const [key, outcome] of outcomes) results.set(key, outcome);
  return requests.map((request) => results.get(request.stepKey) ?? 'again');
}

async function checkAll(
  tx: Tx,
  fresh: readonly { readonly request: IntakeRequest; readonly order: IntakeOrderRow }[],
  facts: IntakeFactIndex,
): Promise<Checked[]> {
  const digests = fresh.map(({ order }) => ({
    merchant_id: order.merchant_id,
    sha256: addressDigest(facts.address(order.id)),
  }));
  const verdicts = new Map(
    (await readAddressChecks(tx, digests)).map((row) => [`${row.merchant_id} ${row.sha256}`, row]),
  );
  return fresh.map(({ request, order }) => ({
    request,
    order,
    check: checkIntake(facts.orderToCheck(order, verdicts), facts.checkFactsOf(order.merchant_id)),
  }));
}

/** Who is served first when a batch holds more demand than stock: who would be in the queue. */
function inQueueOrder(checked: readonly Checked[]): Checked[] {
  const placeOf = ({ order }: Checked) => ({
    orderId: order.id,
    priority: order.priority,
    shipBy: order.channel_ship_by,
    placedAt: order.placed_at,
  });
  return [...checked].sort((a, b) => byQueue(placeOf(a), placeOf(b)));
}

/** Only an order that waited, or whose checkout held something, can have units kept for it. */
function keeper(order: IntakeOrderRow) {
  const may = order.blocked_reason !== null || order.hold_id !== null;
  return may ? [{ merchantId: order.merchant_id, orderId: order.id, holdId: order.hold_id }] : [];
}

/** Units that an order kept and does not need are for those who wait. */
async function passOnWhatIsFree(tx: Tx, { made, ended }: ReservationWrites): Promise<void> {
  const change = new Map<string, { readonly row: StockKey; units: number }>();
  const add = (row: StockKey, units: number) =>
    change.set(stockKey(row), { row, units: units + (change.get(stockKey(row))?.units ?? 0) });
  for (const row of ended) add(row, row.quantity);
  if (change.size === 0) return;
  for (const row of made) add(row, -row.quantity);
  const freed = [...change.values()].flatMap(({ row, units }) => (units > 0 ? [row] : []));
  for (const [merchantId, rows] of groupBy(freed, (row) => row.merchantId))
    await wakeBackorders(
      tx,
      merchantId,
      rows.map(({ productId }) => productId),
      { refused: true },
    );
}

/**
 * Where nothing of a product ever was there is no balance to lock, so its first units may have come while
 * an order was being parked for it. Making the balance waits for whoever makes it at the same time, and
 * from then on the lock tells them apart.
 */
async function wakeForFirstStock(
  tx: Tx,
  waiting: IntakeWrites['backorders'],
  facts: IntakeFactIndex,
  locked: ReadonlyMap<string, StockBalance>,
): Promise<void> {
  const missing = waiting
    .flatMap(({ merchant_id: merchantId, product_id: productId }) =>
      facts.warehousesOf(merchantId).map(({ id: warehouseId }) => ({ merchantId, warehouseId, productId })),
    )
    .filter((key) => !locked.has(stockKey(key)));
  const balances = new RunningStock(await lockOrCreateStockBalances(tx, missing));
  const came = new Set(
    missing
      .filter((key) => balances.free(stockKey(key)) > 0)
      .map(({ merchantId, productId }) => `${merchantId} ${productId}`),
  );
  for (const { merchant_id, order_id, product_id } of waiting)
    if (came.has(`${merchant_id} ${product_id}`))
      await wakeOrders(tx, merchant_id, [order_id], 'stock_arrived');
}

async function changedMeanwhile(
  tx: Tx,
  merchantIds: readonly string[],
  facts: IntakeFactIndex,
): Promise<ReadonlySet<string>> {
  if (merchantIds.length === 0) return new Set();
  const now = await shareCatalogVersions(tx, merchantIds);
  return new Set(
    now
      .filter((row) => row.catalog_version !== BigInt(facts.merchant(row.id).catalog_version))
      .map((row) => row.id),
  );
}
