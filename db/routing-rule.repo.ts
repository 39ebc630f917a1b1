/** A merchant's routing rules. They are read by position, then by age (their ids are of version 7). */
import type { RuleConditions, RuleEffect } from '../domain/routing/rule';
import type { Tx } from './client';

export interface RoutingRuleRow {
  readonly id: string;
  readonly merchant_id: string;
  readonly position: number;
  readonly name: string;
  readonly conditions: RuleConditions;
  readonly effects: readonly RuleEffect[];
  readonly enabled: boolean;
  readonly version: bigint;
  readonly created_at: Date;
  readonly updated_at: Date;
}

const COLUMNS =
  'id, merchant_id, position, name, conditions, effects, enabled, version, created_at, updated_at';

export interface RuleFields {
  /** Left out: after all others. */
  readonly position?: number | undefined;
  readonly name: string;
  readonly conditions: RuleConditions;
  readonly effects: readonly RuleEffect[];
  readonly enabled: boolean;
}

/** Room to put a rule between two others. */
const APART = 10;

export async function insertRule(
  tx: Tx,
  rule: RuleFields & { readonly id: string; readonly merchantId: string },
): Promise<RoutingRuleRow> {
  const [row] = await tx.rows<RoutingRuleRow>({
    text: `insert into routing_rule (id, merchant_id, position, name, conditions, effects, enabled)
      values ($1, $2, coalesce($3, (select coalesce(max(position), 0) + ${APART} from routing_rule where merchant_id = $2)),
        $4, $5, $6, $7) returning ${COLUMNS}`,
    values: [
      rule.id,
      rule.merchantId,
      rule.position ?? null,
      rule.name,
      JSON.stringify(rule.conditions),
      JSON.stringify(rule.effects),
      rule.enabled,
    ],
  });
  return row as RoutingRuleRow;
}

/** @param after merchant, position and id of the last one seen. */
export function listRules(
  tx: Tx,
  merchantIds: readonly string[],
  after: readonly [string, number, string] | null,
  limit: number,
): Promise<RoutingRuleRow[]> {
  return tx.rows<RoutingRuleRow>({
    text: `select ${COLUMNS} from routing_rule where merchant_id = any($1::uuid[])
      and ($2::uuid is null or (merchant_id, position, id) > ($2, $3::integer, $4::uuid))
      order by merchant_id, position, id limit $5`,
    values: [merchantIds, after?.[0] ?? null, after?.[1] ?? null, after?.[2] ?? null, limit],
  });
}

export async function countRules(tx: Tx, merchantId: string): Promise<number> {
  const [row] = await tx.rows<{ count: number }>({
    text: 'select count(*)::int as count from routing_rule where merchant_id = $1',
    values: [merchantId],
  });
  return row?.count ?? 0;
}

/** Locks the rule until the transaction ends, unless it is only read. */
export async function findRule(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
  lock: 'read' | 'lock' = 'read',
): Promise<RoutingRuleRow | null> {
  const [row] = await tx.rows<RoutingRuleRow>({
    text: `select ${COLUMNS} from routing_rule where merchant_id = any($1::uuid[]) and id = $2
      ${lock === 'lock' ? 'for no key update' : ''}`,
    values: [merchantIds, id],
  });
  return row ?? null;
}

/** Writes all fields of a rule that is locked, and counts its version up. */
export async function updateRule(
  tx: Tx,
  merchantId: string,
  id: string,
  rule: Required<RuleFields>,
): Promise<RoutingRuleRow> {
  const [row] = await tx.rows<RoutingRuleRow>({
    text: `update routing_rule set position = $3, name = $4, conditions = $5, effects = $6, enabled = $7,
        version = version + 1, updated_at = now() where merchant_id = $1 and id = $2 returning ${COLUMNS}`,
    values: [
      merchantId,
      id,
      rule.position,
      rule.name,
      JSON.stringify(rule.conditions),
      JSON.stringify(rule.effects),
      rule.enabled,
    ],
  });
  return row as RoutingRuleRow;
}

/** What was removed, null when the merchants have no such rule. */
export async function deleteRule(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
): Promise<RoutingRuleRow | null> {
  const [row] = await tx.rows<RoutingRuleRow>({
    text: `delete from routing_rule where merchant_id = any($1::uuid[]) and id = $2 returning ${COLUMNS}`,
    values: [merchantIds, id],
  });
  return row ?? null;
}

/** Zones that rules of the merchant name. */
export async function zonesInRules(tx: Tx, merchantId: string): Promise<string[]> {
  const rows = await tx.rows<{ zone: string }>({
    text: `select distinct jsonb_array_elements_text(conditions -> 'zones') as zone from routing_rule
      where merchant_id = $1 and conditions ? 'zones'`,
    values: [merchantId],
  });
  return rows.map(({ zone }) => zone);
}
