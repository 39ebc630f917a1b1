/** Rules of low-stock alerts and where their messages go, as people make and look at them. */
import type { Tx } from './client';

export interface AlertRuleRow {
  readonly id: string;
  readonly merchantId: string;
  readonly name: string;
  readonly productId: string | null;
  readonly sku: string | null;
  readonly warehouseId: string | null;
  readonly connectionId: string | null;
  readonly limitKind: 'units' | 'days_of_cover';
  readonly atMost: number;
  readonly windowDays: number;
  readonly clearAfterMinutes: number;
  readonly tellsWebhooks: boolean;
  readonly owner: string;
  readonly destinations: readonly {
    readonly id: string;
    readonly kind: 'mail' | 'chat';
    readonly hint: string;
  }[];
}

export type NewAlertRuleRow = Omit<AlertRuleRow, 'sku' | 'destinations'>;

export interface NewDestination {
  readonly id: string;
  readonly kind: 'mail' | 'chat';
  readonly addressSealed: Buffer;
  readonly hint: string;
}

/** Also has the merchant's stock looked at soon. */
export async function insertAlertRule(
  tx: Tx,
  rule: NewAlertRuleRow,
  destinations: readonly NewDestination[],
): Promise<void> {
  await tx.run({
    text: `insert into stock_alert_rule (id, merchant_id, name, product_id, warehouse_id, connection_id, limit_kind, at_most,
        window_days, clear_after_minutes, tells_webhooks, owner)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    values: [
      rule.id,
      rule.merchantId,
      rule.name,
      rule.productId,
      rule.warehouseId,
      rule.connectionId,
      rule.limitKind,
      rule.atMost,
      rule.windowDays,
      rule.clearAfterMinutes,
      rule.tellsWebhooks,
      rule.owner,
    ],
  });
  for (const { id, kind, addressSealed, hint } of destinations)
    await tx.run({
      text: `insert into stock_alert_destination (id, merchant_id, rule_id, kind, address_sealed, hint)
        values ($1, $2, $3, $4, $5, $6)`,
      values: [id, rule.merchantId, rule.id, kind, addressSealed, hint],
    });
  await tx.run({
    text: 'insert into stock_watch (merchant_id) values ($1) on conflict (merchant_id) do update set due_at = now()',
    values: [rule.merchantId],
  });
}

/** By id, from one on: the order in which they were made. */
export function listAlertRules(
  tx: Tx,
  merchantIds: readonly string[],
  after: string | null,
  limit: number,
  id: string | null = null,
): Promise<AlertRuleRow[]> {
  return tx.rows<AlertRuleRow>({
    text: `select r.id, r.merchant_id as "merchantId", r.name, r.product_id as "productId", p.sku, r.warehouse_id as "warehouseId",
        r.connection_id as "connectionId", r.limit_kind as "limitKind", r.at_most as "atMost", r.window_days as "windowDays",
        r.clear_after_minutes as "clearAfterMinutes", r.tells_webhooks as "tellsWebhooks", r.owner,
        (select coalesce(json_agg(json_build_object('id', d.id, 'kind', d.kind, 'hint', d.hint) order by d.id), '[]')
          from stock_alert_destination d where d.merchant_id = r.merchant_id and d.rule_id = r.id) as destinations
      from stock_alert_rule r left join product p on p.merchant_id = r.merchant_id and p.id = r.product_id
      where r.merchant_id = any($1::uuid[]) and r.retired_at is null and ($2::uuid is null or r.id > $2)
        and ($4::uuid is null or r.id = $4)
      order by r.id limit $3`,
    values: [merchantIds, after, limit, id],
  });
}

/**
 * Ends a rule, what it had open and where it told it; nobody is told, for nothing became well.
 * @returns its merchant; null when there is no such rule.
 */
export async function retireAlertRule(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
): Promise<string | null> {
  const [row] = await tx.rows<{ merchant_id: string }>({
    text: `update stock_alert_rule set retired_at = now(), version = version + 1
      where merchant_id = any($1::uuid[]) and id = $2 and retired_at is null returning merchant_id`,
    values: [merchantIds, id],
  });
  if (row === undefined) return null;
  const of = [row.merchant_id, id];
  await tx.run({
    text: `update stock_alert set cleared_at = business_now($1) where merchant_id = $1 and rule_id = $2 and cleared_at is null`,
    values: of,
  });
  await tx.run({
    text: 'delete from stock_alert_destination where merchant_id = $1 and rule_id = $2',
    values: of,
  });
  return row.merchant_id;
}

/** Where a message goes; null when its rule is gone. */
export async function readDestination(
  tx: Tx,
  merchantId: string,
  id: string,
): Promise<{ readonly kind: 'mail' | 'chat'; readonly addressSealed: Buffer } | null> {
  const [row] = await tx.rows<{ kind: 'mail' | 'chat'; addressSealed: Buffer }>({
    text: `select kind, address_sealed as "addressSealed" from stock_alert_destination where merchant_id = $1 and id = $2`,
    values: [merchantId, id],
  });
  return row ?? null;
}
