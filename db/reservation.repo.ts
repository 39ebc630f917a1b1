/**
 * Making and ending reservations. A row and what it does to its balance are one statement, whose deltas
 * are summed from the rows themselves: neither can be written without the other. Their `stock_balance`
 * rows are locked before (stock.repo). Rows travel as arrays of columns: reading JSON cost the server
 * twice as much.
 */
import type { Allocation, ReservationEnd } from './allocation.repo';
import type { Tx } from './client';
import { type StockKey, stockKey } from './stock.repo';

interface MadeRow extends StockKey {
  readonly id: string;
  readonly quantity: number;
  readonly stepKey: string;
  readonly orderId: string | null;
}

export type NewReservation =
  | (MadeRow & {
      readonly state: 'held' | 'allocated';
      readonly orderId: string;
      readonly fulfilmentOrderLineId: string;
      readonly holdId?: never;
      readonly expiresAt?: never;
    })
  | (MadeRow & {
      readonly state: 'held';
      readonly holdId: string;
      readonly expiresAt: Date;
      readonly fulfilmentOrderLineId?: never;
    });

export interface EndingReservation extends StockKey {
  readonly reservationId: string;
  readonly quantity: number;
  readonly state: ReservationEnd;
  /** The order that has its units, or takes them over; null: none. */
  readonly orderId: string | null;
}

export interface NewStep {
  readonly merchantId: string;
  readonly key: string;
  readonly outcome: unknown;
}

export interface ReservationWrites {
  readonly made: readonly NewReservation[];
  /** Live ones without allocations, read under their lock. */
  readonly ended: readonly EndingReservation[];
  /** Of those made. Their bins are the caller's. */
  readonly allocations: readonly Allocation[];
  readonly steps: readonly NewStep[];
}

const WRITE = `
with made as (
  insert into reservation (merchant_id, id, order_id, fulfilment_order_line_id, warehouse_id, product_id, quantity, state,
    step_key, hold_id, expires_at)
  select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::integer[], $8::text[],
    $9::text[], $10::uuid[], $11::timestamptz[])
), ended as (
  update reservation r set state = e.state, ended_at = now(), order_id = coalesce(e.order_id, r.order_id)
  from unnest($12::uuid[], $13::uuid[], $14::text[], $15::uuid[]) as e(merchant_id, id, state, order_id)
  where r.merchant_id = e.merchant_id and r.id = e.id
), bound as (
  insert into allocation (merchant_id, reservation_id, location_id, product_id, lot_code, quantity)
  select * from unnest($23::uuid[], $24::uuid[], $25::uuid[], $26::uuid[], $27::text[], $28::integer[])
), balanced as (
  update stock_balance b set reserved = b.reserved + d.delta
  from unnest($16::uuid[], $17::uuid[], $18::uuid[], $19::integer[]) as d(merchant_id, warehouse_id, product_id, delta)
  where b.merchant_id = d.merchant_id and b.warehouse_id = d.warehouse_id and b.product_id = d.product_id
)
insert into step (merchant_id, key, outcome)
select * from unnest($20::uuid[], $21::text[], $22::jsonb[])
on conflict do nothing`;

/** Somebody else committed a step of this key meanwhile. Run again, the transaction finds its outcome. */
export class StepTaken extends Error {
  constructor() {
    super('a step of this key was committed meanwhile');
  }
}

/**
 * @throws StepTaken when the same key came twice at once for different balances; those of the same ones
 *   wait for each other's locks.
 */
export async function writeReservations(tx: Tx, writes: Partial<ReservationWrites>): Promise<void> {
  const { made = [], ended = [], allocations = [], steps = [] } = writes;
  if (made.length + ended.length + steps.length === 0) return;
  const deltas = new Map<string, { readonly key: StockKey; delta: number }>();
  const add = (key: StockKey, delta: number) => {
    const known = deltas.get(stockKey(key));
    if (known) known.delta += delta;
    else deltas.set(stockKey(key), { key, delta });
  };
  for (const row of made) add(row, row.quantity);
  for (const row of ended) add(row, -row.quantity);
  // Also where as many were made as ended: that it was written says that units came free there (lockFreed).
  const moved = [...deltas.values()];
  const recorded = await tx.run({
    name: 'reservation-write',
    text: WRITE,
    values: [
      plainArray(made.map((row) => row.merchantId)),
      plainArray(made.map((row) => row.id)),
      plainArray(made.map((row) => row.orderId)),
      plainArray(made.map((row) => row.fulfilmentOrderLineId ?? null)),
      plainArray(made.map((row) => row.warehouseId)),
      plainArray(made.map((row) => row.productId)),
      plainArray(made.map((row) => row.quantity)),
      plainArray(made.map((row) => row.state)),
      made.map((row) => row.stepKey),
      plainArray(made.map((row) => row.holdId ?? null)),
      plainArray(made.map((row) => row.expiresAt?.toISOString() ?? null)),
      plainArray(ended.map((row) => row.merchantId)),
      plainArray(ended.map((row) => row.reservationId)),
      plainArray(ended.map((row) => row.state)),
      plainArray(ended.map((row) => row.orderId)),
      plainArray(moved.map(({ key }) => key.merchantId)),
      plainArray(moved.map(({ key }) => key.warehouseId)),
      plainArray(moved.map(({ key }) => key.productId)),
      plainArray(moved.map(({ delta }) => delta)),
      plainArray(steps.map((step) => step.merchantId)),
      steps.map((step) => step.key),
      steps.map((step) => JSON.stringify(step.outcome)),
      plainArray(allocations.map((each) => each.merchantId)),
      plainArray(allocations.map((each) => each.reservationId)),
      plainArray(allocations.map((each) => each.locationId)),
      plainArray(allocations.map((each) => each.productId)),
      allocations.map((each) => each.lotCode),
      plainArray(allocations.map((each) => each.quantity)),
    ],
  });
  if (recorded !== steps.length) throw new StepTaken();
}

/** An array literal of values that need no quoting: ids, times, numbers and our own words. */
export const plainArray = (values: readonly (string | number | null)[]) =>
  `{${values.map((value) => value ?? 'null').join(',')}}`;
