/** Corrections as somebody asked for them, what was decided, and what was posted of each line. */
import type { Tx } from './client';

export interface AdjustmentHead {
  readonly id: string;
  readonly merchantId: string;
  readonly warehouseId: string;
  readonly causeId: string;
  readonly kind: 'opening' | 'adjustment' | 'write_off' | 'count';
  readonly reasonCode: string;
  readonly reason: string;
  readonly state: 'pending' | 'posted' | 'rejected';
  readonly units: bigint;
  readonly valueMinor: bigint | null;
  readonly requestedBy: string;
  readonly requestedAt: Date;
  readonly decidedBy: string | null;
  readonly decidedAt: Date | null;
  readonly decisionReason: string | null;
}

export interface AdjustmentLineRow {
  readonly productId: string;
  readonly locationId: string | null;
  readonly lotCode: string | null;
  readonly expiresOn: string | null;
  readonly delta: number;
  /** What one unit cost, as who asked said; null: the product's cost. */
  readonly unitCostMinor: bigint | null;
  /** null until it is posted. */
  readonly posted: number | null;
}

const HEAD = `a.id, a.merchant_id as "merchantId", a.warehouse_id as "warehouseId", a.cause_id as "causeId", a.kind,
  a.reason_code as "reasonCode", a.reason, a.state, a.units, a.value_minor as "valueMinor", a.requested_by as "requestedBy",
  a.requested_at as "requestedAt", a.decided_by as "decidedBy", a.decided_at as "decidedAt", a.decision_reason as "decisionReason"`;

/** The merchant's limits, and which of the products have been in this warehouse before. */
export async function readLimits(
  tx: Tx,
  merchantId: string,
  warehouseId: string,
  productIds: readonly string[],
): Promise<{
  readonly units: bigint | null;
  readonly minor: bigint | null;
  readonly known: readonly string[];
}> {
  const [row] = await tx.rows<{ units: number | null; minor: bigint | null; known: string[] }>({
    text: `select adjustment_limit_units as units, adjustment_limit_minor as minor, array(select distinct b.product_id
        from bin_balance b where b.merchant_id = $1 and b.warehouse_id = $2 and b.product_id = any($3::uuid[])) as known
      from merchant where id = $1`,
    values: [merchantId, warehouseId, productIds],
  });
  const { units, minor, known } = row as { units: number | null; minor: bigint | null; known: string[] };
  return { units: units === null ? null : BigInt(units), minor, known };
}

export async function insertAdjustment(
  tx: Tx,
  head: AdjustmentHead,
  lines: readonly AdjustmentLineRow[],
): Promise<void> {
  await tx.run({
    text: `insert into stock_adjustment (id, merchant_id, warehouse_id, cause_id, kind, reason_code, reason, state, units,
        value_minor, requested_by, requested_at, decided_by, decided_at)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    values: [
      head.id,
      head.merchantId,
      head.warehouseId,
      head.causeId,
      head.kind,
      head.reasonCode,
      head.reason,
      head.state,
      head.units,
      head.valueMinor,
      head.requestedBy,
      head.requestedAt,
      head.decidedBy,
      head.decidedAt,
    ],
  });
  await tx.run({
    text: `insert into stock_adjustment_line (merchant_id, adjustment_id, line, product_id, location_id, lot_code, expires_on,
        delta, posted, unit_cost_minor)
      select $1, $2, line, product_id, location_id, lot_code, expires_on, delta, posted, unit_cost_minor
      from json_to_recordset($3) as l(line integer, product_id uuid, location_id uuid, lot_code text, expires_on date,
        delta integer, posted integer, unit_cost_minor bigint)`,
    values: [
      head.merchantId,
      head.id,
      JSON.stringify(
        lines.map((each, index) => ({
          line: index + 1,
          product_id: each.productId,
          location_id: each.locationId,
          lot_code: each.lotCode,
          expires_on: each.expiresOn,
          delta: each.delta,
          posted: each.posted,
          unit_cost_minor: each.unitCostMinor?.toString() ?? null,
        })),
      ),
    ],
  });
}

/** Locks it for a decision; null when one may see none. */
export async function lockAdjustment(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
): Promise<AdjustmentHead | null> {
  const [row] = await tx.rows<AdjustmentHead>({
    text: `select ${HEAD} from stock_adjustment a where a.merchant_id = any($1::uuid[]) and a.id = $2 for no key update`,
    values: [merchantIds, id],
  });
  return row ?? null;
}

export function readAdjustmentLines(tx: Tx, merchantId: string, id: string): Promise<AdjustmentLineRow[]> {
  return tx.rows<AdjustmentLineRow>({
    text: `select product_id as "productId", location_id as "locationId", lot_code as "lotCode", expires_on as "expiresOn",
        delta, posted, unit_cost_minor as "unitCostMinor"
      from stock_adjustment_line where merchant_id = $1 and adjustment_id = $2 order by line`,
    values: [merchantId, id],
  });
}

export async function decideAdjustment(
  tx: Tx,
  head: Pick<AdjustmentHead, 'merchantId' | 'id'>,
  decision: {
    readonly state: 'posted' | 'rejected';
    readonly by: string;
    readonly at: Date;
    readonly reason: string;
    /** Units posted, line by line; none when it is rejected. */
    readonly posted: readonly number[];
  },
): Promise<void> {
  await tx.run({
    text: `update stock_adjustment set state = $3, decided_by = $4, decided_at = $5, decision_reason = $6
      where merchant_id = $1 and id = $2 and state = 'pending'`,
    values: [head.merchantId, head.id, decision.state, decision.by, decision.at, decision.reason],
  });
  if (decision.posted.length === 0) return;
  await tx.run({
    text: `update stock_adjustment_line l set posted = p.units from unnest($3::int[]) with ordinality as p(units, line)
      where l.merchant_id = $1 and l.adjustment_id = $2 and l.line = p.line`,
    values: [head.merchantId, head.id, decision.posted],
  });
}

export interface AdjustmentListRow extends AdjustmentHead {
  readonly warehouseCode: string;
  readonly keyAt: string;
  readonly lines: readonly (Omit<AdjustmentLineRow, 'unitCostMinor'> & {
    readonly sku: string;
    readonly locationCode: string | null;
    /** Minor units as text. */
    readonly unitCostMinor: string | null;
  })[];
}

/** Corrections with their lines, the newest first. */
export function listAdjustments(
  tx: Tx,
  merchantIds: readonly string[],
  filter: { readonly state?: string | undefined; readonly id?: string | undefined },
  after: readonly [string, string] | null,
  limit: number,
): Promise<AdjustmentListRow[]> {
  return tx.rows<AdjustmentListRow>({
    text: `
select ${HEAD}, a.requested_at::text as "keyAt", w.code as "warehouseCode",
  (select json_agg(json_build_object('productId', l.product_id, 'sku', p.sku, 'locationId', l.location_id, 'locationCode', c.code,
     'lotCode', l.lot_code, 'expiresOn', l.expires_on, 'delta', l.delta, 'posted', l.posted,
     'unitCostMinor', l.unit_cost_minor::text) order by l.line)
   from stock_adjustment_line l
   join product p on p.merchant_id = l.merchant_id and p.id = l.product_id
   left join location c on c.id = l.location_id
   where l.merchant_id = a.merchant_id and l.adjustment_id = a.id) as lines
from stock_adjustment a join warehouse w on w.id = a.warehouse_id
where a.merchant_id = any($1::uuid[]) and ($2::text is null or a.state = $2) and ($3::uuid is null or a.id = $3)
  and ($4::timestamptz is null or (a.requested_at, a.id) < ($4, $5::uuid))
order by a.requested_at desc, a.id desc limit $6`,
    values: [
      merchantIds,
      filter.state ?? null,
      filter.id ?? null,
      after?.[0] ?? null,
      after?.[1] ?? null,
      limit,
    ],
  });
}
