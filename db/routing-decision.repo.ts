/** Why orders went where they went, as intake wrote it, with the names of what its ids stand for. */
import type { RoutingTrace } from '../domain/routing/trace';
import type { Tx } from './client';

export interface DecisionRow {
  readonly id: string;
  readonly decided_at: Date;
  readonly outcome: string;
  readonly trace: RoutingTrace;
}

/** The newest first. */
export function listDecisions(tx: Tx, merchantId: string, orderId: string): Promise<DecisionRow[]> {
  return tx.rows<DecisionRow>({
    text: `select id, decided_at, outcome, trace from routing_decision where merchant_id = $1 and order_id = $2
      order by id desc`,
    values: [merchantId, orderId],
  });
}

export interface TraceNames {
  readonly currency: string;
  /** Codes by id. */
  readonly warehouses: Readonly<Record<string, string>>;
  /** Names by id; a rule that was removed has none. */
  readonly rules: Readonly<Record<string, string>>;
  /** SKUs by id. */
  readonly products: Readonly<Record<string, string>>;
}

export async function readTraceNames(
  tx: Tx,
  merchantId: string,
  of: {
    readonly warehouseIds: readonly string[];
    readonly ruleIds: readonly string[];
    readonly productIds: readonly string[];
  },
): Promise<TraceNames> {
  const [row] = await tx.rows<TraceNames>({
    text: `select m.currency,
      (select coalesce(json_object_agg(w.id, w.code), '{}') from warehouse w where w.id = any($2::uuid[])) as warehouses,
      (select coalesce(json_object_agg(r.id, r.name), '{}') from routing_rule r
        where r.merchant_id = m.id and r.id = any($3::uuid[])) as rules,
      (select coalesce(json_object_agg(p.id, p.sku), '{}') from product p
        where p.merchant_id = m.id and p.id = any($4::uuid[])) as products
      from merchant m where m.id = $1`,
    values: [merchantId, of.warehouseIds, of.ruleIds, of.productIds],
  });
  return row as TraceNames;
}
