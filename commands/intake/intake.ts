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
import {
  type IntakeOrderRow,
  lockOrdersForIntake,
  readAddressChecks,
  readIntakeFacts,
  shareCatalogVersions,
} from '../../db/intake.repo';
import { writeIntake } from '../../db/intake-write.repo';
import { readDatedLots, readShelfLifeRules } from '../../db/lot-life.repo';
import { addReserved, lockStockBalances } from '../../db/stock.repo';
import { checkIntake } from '../../domain/order/check-intake';
import { Coalescer } from '../coalescer';
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
  planner.sellable.useBalances(await lockStockBalances(tx, balanceKeys));
  const lots = await readDatedLots(tx, balanceKeys);
  if (lots.length > 0)
    planner.sellable.useLots(lots, await readShelfLifeRules(tx, [...facts.merchants.keys()]));
  for (const entry of byPriority(checked)) planner.decide(entry);
  planner.useBins(await lockBins(tx, planner.binKeys()));
  const again = await changedMeanwhile(tx, planner.parkedMerchants(), facts);
  const { writes, outcomes, reserved, allocated, exceptions, resolved } = planner.finish(again);
  await writeIntake(tx, writes);
  await addReserved(tx, reserved);
  await addAllocated(tx, allocated);
  await openExceptions(tx, exceptions);
  await resolveExceptions(tx, [...facts.merchants.keys()], resolved, 'workflow', 'The order went on.');
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

/** VIPs and expedited orders first, then by age: who is served when a batch holds more demand than stock. */
function byPriority(checked: readonly Checked[]): Checked[] {
  return [...checked].sort(
    (a, b) =>
      b.order.priority - a.order.priority ||
      a.order.placed_at.getTime() - b.order.placed_at.getTime() ||
      (a.order.id < b.order.id ? -1 : 1),
  );
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
