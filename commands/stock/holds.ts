/**
 * Stock kept for somebody for a limited time: `reserve`, `consume`, `release`, `expire`. Many callers
 * share a transaction: one batch is in flight a process, its balances are locked in the order of their
 * keys, decided with a running sum, and written with one set statement; each caller gets his own answer.
 * Every request has a step key: the same one again finds what it did. A hold that gives units up gives
 * them to the orders that wait for them, in the same transaction.
 *
 * Measured against what one would write first (`npm run bench -- reserve-hot`, `reserve-wide`, which print
 * them anew; the figures of docs/figures.md are from one run): see the table there.
 */
import { uuidv7 } from 'uuidv7';
import { type AuditEntry, audit } from '../../db/audit-log.repo';
import { queueAgain } from '../../db/backorder.repo';
import type { Database, Tx } from '../../db/client';
import { type HoldFacts, lockForHolds, readHolds } from '../../db/hold.repo';
import { readTooOld } from '../../db/lot-life.repo';
import {
  type EndingReservation,
  type NewReservation,
  StepTaken,
  writeReservations,
} from '../../db/reservation.repo';
import { type StockKey, stockKey } from '../../db/stock.repo';
import { groupBy } from '../../domain/group-by';
import {
  decideHolds,
  type HoldDecisions,
  type HoldLine,
  type HoldOutcome,
  type HoldRequest,
  type HoldRow,
  type ShortLine,
  unitsOf,
} from '../../domain/stock/decide-holds';
import { type Balance, RunningStock } from '../../domain/stock/running-stock';
import { Coalescer } from '../coalescer';
import { wakeBackorders } from '../wake-orders';
import { type HandedOver, handOver, type NamedUnit } from './hand-over';

interface Asked {
  readonly merchantId: string;
  /** Once a merchant: the same one again answers as it did. */
  readonly stepKey: string;
}

export interface ReserveStock extends Asked {
  readonly lines: readonly HoldLine[];
  readonly allOrNothing: boolean;
  /** How long, from the merchant's now. */
  readonly keepMs: number;
  /** Who asks for it, for the audit log; left out where the engine itself does. */
  readonly by?: { readonly actor: string; readonly requestId?: string };
}

export interface EndHold extends Asked {
  readonly holdId: string;
}

/** Somebody's deed, which is audited. */
export interface EndHoldByHand extends EndHold {
  readonly actor: string;
  readonly requestId?: string;
}

export interface HandOverHold extends EndHoldByHand {
  /** Numbers of the units that go, for goods that have them. */
  readonly serials?: readonly NamedUnit[];
}

type Command =
  | (ReserveStock & { readonly kind: 'reserve'; readonly holdId: string })
  | (EndHoldByHand & { readonly kind: 'release' })
  | (HandOverHold & { readonly kind: 'consume' })
  | (EndHold & { readonly kind: 'expire' });

export class Holds {
  private readonly coalescer: Coalescer<Command, HoldOutcome>;

  constructor(database: Database) {
    this.coalescer = new Coalescer((commands) => holdsOnce(database, commands));
  }

  /**
   * Keeps units for a while, under a new id.
   * @throws Failure DatabaseUnavailable: a retry with the same key finds what was committed.
   */
  reserve(request: ReserveStock): Promise<HoldOutcome> {
    return this.coalescer.submit({ ...request, kind: 'reserve', holdId: uuidv7() });
  }

  /** Gives the units back before their time. */
  release(request: EndHoldByHand): Promise<HoldOutcome> {
    return this.coalescer.submit({ ...request, kind: 'release' });
  }

  /** Ends a hold whose time is over; answers `not_due` before. */
  expire(request: EndHold): Promise<HoldOutcome> {
    return this.coalescer.submit({ ...request, kind: 'expire' });
  }

  /**
   * The goods are handed over at once: they leave the books with the hold, without the floor.
   * @throws Failure InvalidInput for named units that are not there and goods with numbers that are not
   *   named, IllegalTransition when only goods past their date are left.
   */
  consume(request: HandOverHold): Promise<HoldOutcome> {
    return this.coalescer.submit({ ...request, kind: 'consume' });
  }
}

/** Who loses a race for a step's key runs again, and finds it committed: it can't lose that race twice. */
async function holdsOnce(database: Database, commands: readonly Command[]): Promise<HoldOutcome[]> {
  const merchantIds = commands.map(({ merchantId }) => merchantId);
  const run = () => database.withMerchants(merchantIds, (tx) => holdsIn(tx, commands));
  return run().catch((error: unknown) => {
    if (error instanceof StepTaken) return run();
    throw error;
  });
}

const keyOf = (merchantId: string, each: Pick<StockKey, 'warehouseId' | 'productId'>) =>
  stockKey({ merchantId, ...each });

async function holdsIn(tx: Tx, commands: readonly Command[]): Promise<HoldOutcome[]> {
  const ending = commands.filter((command) => command.kind !== 'reserve');
  const before = await readHolds(tx, ending);
  const facts = await lockForHolds(tx, [...keysOf(commands), ...before], commands);
  const tooOld = await tooOldOf(tx, facts.balances);
  const stock = new RunningStock(facts.balances.map((row) => balanceOf(row, tooOld)));
  const holds = await readHolds(tx, ending);
  const recorded = new Map(facts.steps.map((step) => [`${step.merchant_id} ${step.key}`, step.outcome]));
  const clocks = new Map(facts.clocks.map((clock) => [clock.merchant_id, new Date(clock.now)]));
  const fresh: Command[] = [];
  const first = new Map<string, number>();
  for (const command of commands) {
    const key = stepOf(command);
    if (recorded.has(key) || first.has(key)) continue;
    first.set(key, fresh.length);
    fresh.push(command);
  }
  const decisions = decideHolds(
    fresh.map((command) => requestOf(command, clocks)),
    stock,
    holds,
    keyOf,
  );
  await write(tx, fresh, decisions, clocks);
  const repeated = await answerAgain(tx, facts.steps);
  return commands.map((command) => {
    const key = stepOf(command);
    return (repeated.get(key) ?? decisions.outcomes[first.get(key) ?? -1]) as HoldOutcome;
  });
}

/** The step of a hold that was made names it and what was short; the rest its rows say, which keep it. */
type RecordedStep =
  | { readonly kind: 'reserved'; readonly holdId: string; readonly short?: readonly ShortLine[] }
  | Exclude<HoldOutcome, { kind: 'reserved' }>;

function stepFor(outcome: HoldOutcome): RecordedStep {
  if (outcome.kind !== 'reserved') return outcome;
  const { kind, holdId, short } = outcome;
  return short.length === 0 ? { kind, holdId } : { kind, holdId, short };
}

async function answerAgain(tx: Tx, steps: HoldFacts['steps']): Promise<Map<string, HoldOutcome>> {
  const known = steps.map((step) => ({
    merchantId: step.merchant_id,
    key: `${step.merchant_id} ${step.key}`,
    outcome: step.outcome as RecordedStep,
  }));
  const made = known.flatMap(({ merchantId, outcome }) =>
    outcome.kind === 'reserved' ? [{ merchantId, holdId: outcome.holdId }] : [],
  );
  const rows = await readHolds(tx, made);
  return new Map<string, HoldOutcome>(
    known.map(({ merchantId, key, outcome }): [string, HoldOutcome] => {
      if (outcome.kind !== 'reserved') return [key, outcome];
      const own = rows.filter((row) => row.merchantId === merchantId && row.holdId === outcome.holdId);
      const expiresAt = (own[0] as HoldRow).expiresAt.toISOString();
      return [key, { ...outcome, short: outcome.short ?? [], expiresAt, units: own.map(unitsOf) }];
    }),
  );
}

type BalanceRow = HoldFacts['balances'][number];

const keyOfRow = ({ merchant_id, warehouse_id, product_id }: BalanceRow): StockKey => ({
  merchantId: merchant_id,
  warehouseId: warehouse_id,
  productId: product_id,
});

/** Units whose date is past, or nearer than anybody gets them; the sweep that holds expired lots comes later. */
async function tooOldOf(tx: Tx, balances: readonly BalanceRow[]): Promise<ReadonlyMap<string, number>> {
  const dated = balances.filter((row) => row.lot_tracked).map(keyOfRow);
  return new Map((await readTooOld(tx, dated)).map((row) => [stockKey(row), row.units]));
}

function balanceOf(row: BalanceRow, tooOld: ReadonlyMap<string, number>): [string, Balance] {
  const key = stockKey(keyOfRow(row));
  return [key, { onHand: row.on_hand, held: row.held + (tooOld.get(key) ?? 0), reserved: row.reserved }];
}

const stepOf = (command: Asked) => `${command.merchantId} ${command.stepKey}`;

function keysOf(commands: readonly Command[]): StockKey[] {
  return commands.flatMap((command) =>
    command.kind !== 'reserve'
      ? []
      : command.lines.flatMap(({ productId, warehouseIds }) =>
          warehouseIds.map((warehouseId) => ({ merchantId: command.merchantId, warehouseId, productId })),
        ),
  );
}

function requestOf(command: Command, clocks: ReadonlyMap<string, Date>): HoldRequest {
  const now = clocks.get(command.merchantId) as Date;
  if (command.kind !== 'reserve') return { ...command, now };
  return { ...command, expiresAt: new Date(now.getTime() + command.keepMs) };
}

async function write(
  tx: Tx,
  commands: readonly Command[],
  { outcomes, made, ended }: HoldDecisions,
  clocks: ReadonlyMap<string, Date>,
): Promise<void> {
  const newRows: NewReservation[] = [];
  const endedRows: EndingReservation[] = [];
  const handedOver: HandedOver[] = [];
  commands.forEach((command, index) => {
    const { merchantId, stepKey, holdId } = command;
    const now = clocks.get(merchantId) as Date;
    if (command.kind === 'reserve') {
      const expiresAt = new Date(now.getTime() + command.keepMs);
      for (const units of made.get(index) ?? [])
        newRows.push({
          id: uuidv7(),
          merchantId,
          ...units,
          stepKey,
          state: 'held',
          orderId: null,
          holdId,
          expiresAt,
        });
      return;
    }
    const end = ended.get(index);
    if (end === undefined) return;
    if (command.kind === 'consume') handedOver.push({ ...command, rows: end.rows });
    else {
      const state = end.state;
      endedRows.push(...end.rows.map((row) => ({ ...row, state })));
    }
  });
  await writeReservations(tx, {
    made: newRows,
    ended: endedRows,
    // What isn't due yet is asked again under the same key.
    steps: commands.flatMap(({ merchantId, stepKey }, index) =>
      outcomes[index]?.kind === 'not_due'
        ? []
        : [{ merchantId, key: stepKey, outcome: stepFor(outcomes[index] as HoldOutcome) }],
    ),
  });
  if (handedOver.length > 0) await handOver(tx, handedOver, clocks);
  await passOn(tx, endedRows);
  await audit(
    tx,
    commands.flatMap((command, index) => deedOf(command, made.get(index), ended.get(index)) ?? []),
  );
}

function deedOf(
  command: Command,
  made: ReturnType<HoldDecisions['made']['get']>,
  end: { readonly rows: readonly HoldRow[] } | undefined,
): AuditEntry | null {
  const { merchantId, holdId, kind } = command;
  const thing = { merchantId, thingKind: 'stock_hold', thingId: holdId };
  if (kind === 'reserve') {
    if (command.by === undefined || made === undefined || made.length === 0) return null;
    const { actor, requestId = null } = command.by;
    return { ...thing, actor, requestId, action: 'stock_hold.create', after: { state: 'held', units: made } };
  }
  if (end === undefined || kind === 'expire') return null;
  const { actor, requestId = null } = command;
  const units = end.rows.map(unitsOf);
  const [verb, state] = kind === 'consume' ? ['hand_over', 'consumed'] : ['release', 'released'];
  const change = { before: { state: 'held', units }, after: { state, units } };
  return { ...thing, actor, requestId, action: `stock_hold.${verb}`, ...change };
}

/** Units are passed on; an order that kept some while it waited for the rest waits for all of them again. */
async function passOn(tx: Tx, ended: readonly EndingReservation[]): Promise<void> {
  const kept = ended.flatMap((row) => (row.orderId === null ? [] : [{ ...row, orderId: row.orderId }]));
  await queueAgain(tx, kept);
  for (const [merchantId, rows] of groupBy(ended, (row) => row.merchantId)) {
    const former = kept.filter((row) => row.merchantId === merchantId);
    await wakeBackorders(
      tx,
      merchantId,
      rows.map((row) => row.productId),
      { former },
    );
  }
}
