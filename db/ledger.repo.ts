/**
 * The stock ledger: immutable, double-sided, once a cause. A cause that is there already takes its
 * lines with it, so a movement that comes again posts nothing.
 */
import type { Tx } from './client';

export type MovementKind =
  | 'opening'
  | 'receipt'
  | 'putaway'
  | 'pick'
  | 'put_back'
  | 'move'
  | 'ship'
  | 'adjustment'
  | 'write_off'
  | 'return'
  | 'kit'
  | 'count'
  | 'transfer';

export interface LedgerLine {
  readonly productId: string;
  /** '' for goods without lots. */
  readonly lotCode: string;
  /** Whole base units, more than none. */
  readonly quantity: number;
  readonly fromLocationId: string;
  readonly toLocationId: string;
  /** What one of the units cost, in minor units, of goods that come in; left out: the product's cost of now. */
  readonly unitCostMinor?: bigint | undefined;
}

export interface LedgerCause {
  readonly merchantId: string;
  readonly causeId: string;
  readonly kind: MovementKind;
  readonly orderId?: string | undefined;
  readonly reason?: string | undefined;
  /** One of domain/stock/adjustment-reasons, for corrections. */
  readonly reasonCode?: string | undefined;
  readonly actor: string;
  /** Business time; the ledger's month is its month in UTC, also when a retry comes in the next one. */
  readonly occurredAt: Date;
  readonly lines: readonly LedgerLine[];
}

const monthOf = (at: Date) => `${at.toISOString().slice(0, 7)}-01`;
const causeKey = (merchantId: string, causeId: string) => `${merchantId}/${causeId}`;

/**
 * Appends the causes that are new, with their lines, in one statement and in key order.
 * @returns the causes that were new, in the order given.
 */
export async function appendToLedger<C extends LedgerCause>(tx: Tx, causes: readonly C[]): Promise<C[]> {
  if (causes.length === 0) return [];
  // Asked each time: a process that remembered would have to unlearn the month of a rolled-back
  // transaction, and asking costs a catalogue look-up.
  await tx.rows({
    name: 'ledger-months',
    text: 'select ensure_ledger_month(m) from unnest($1::date[]) as m order by m',
    values: [[...new Set(causes.map((cause) => monthOf(cause.occurredAt)))]],
  });
  const rows = await tx.rows<{ merchant_id: string; id: string }>({
    name: 'ledger-append',
    text: `
with new_cause as (
  insert into stock_cause (merchant_id, id, month, kind, order_id, reason, reason_code, actor, occurred_at)
  select merchant_id, id, month, kind, order_id, reason, reason_code, actor, occurred_at
  from json_to_recordset($1) as c(merchant_id uuid, id text, month date, kind text, order_id uuid, reason text,
    reason_code text, actor text, occurred_at timestamptz)
  order by merchant_id, id
  on conflict do nothing returning merchant_id, id, month, kind
), new_lines as (
  insert into stock_ledger (merchant_id, cause_id, line, month, product_id, lot_code, quantity, from_location_id, to_location_id,
    unit_cost_minor)
  select c.merchant_id, c.id, l.line, c.month, l.product_id, l.lot_code, l.quantity, l.from_location_id, l.to_location_id,
    case when l.unit_cost_minor is not null then l.unit_cost_minor
      -- Movements by which goods can come in; what a loss has here is never read.
      when c.kind in ('opening', 'receipt', 'adjustment', 'return', 'kit', 'count')
      then (select p.unit_cost_minor from product p where p.merchant_id = l.merchant_id and p.id = l.product_id) end
  from json_to_recordset($2) as l(merchant_id uuid, cause_id text, line integer, product_id uuid, lot_code text,
    quantity integer, from_location_id uuid, to_location_id uuid, unit_cost_minor bigint)
  join new_cause c on c.merchant_id = l.merchant_id and c.id = l.cause_id
)
select merchant_id, id from new_cause`,
    values: [JSON.stringify(causes.map(causeJson)), JSON.stringify(causes.flatMap(linesJson))],
  });
  const posted = new Set(rows.map((row) => causeKey(row.merchant_id, row.id)));
  return causes.filter((cause) => posted.has(causeKey(cause.merchantId, cause.causeId)));
}

function causeJson(cause: LedgerCause) {
  return {
    merchant_id: cause.merchantId,
    id: cause.causeId,
    month: monthOf(cause.occurredAt),
    kind: cause.kind,
    order_id: cause.orderId ?? null,
    reason: cause.reason ?? null,
    reason_code: cause.reasonCode ?? null,
    actor: cause.actor,
    occurred_at: cause.occurredAt,
  };
}

function linesJson(cause: LedgerCause) {
  return cause.lines.map((line, index) => ({
    merchant_id: cause.merchantId,
    cause_id: cause.causeId,
    line: index + 1,
    product_id: line.productId,
    lot_code: line.lotCode,
    quantity: line.quantity,
    from_location_id: line.fromLocationId,
    to_location_id: line.toLocationId,
    unit_cost_minor: line.unitCostMinor?.toString() ?? null,
  }));
}
