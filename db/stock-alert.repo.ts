/** Alerts and what was done about them, and the lease by which one process watches a merchant's stock. */
import type { Tx } from './client';

export interface WatchedRule {
  readonly id: string;
  readonly name: string;
  readonly productId: string | null;
  readonly warehouseId: string | null;
  readonly connectionId: string | null;
  readonly limitKind: 'units' | 'days_of_cover';
  readonly atMost: number;
  readonly windowDays: number;
  readonly clearAfterMinutes: number;
  readonly tellsWebhooks: boolean;
  readonly destinations: readonly { readonly id: string; readonly kind: 'mail' | 'chat' }[];
}

/** Locks the merchant's rules, so that who looks at the same stock meanwhile waits and sees what was found. */
export function lockRules(tx: Tx, merchantId: string): Promise<WatchedRule[]> {
  return tx.rows<WatchedRule>({
    text: `select r.id, r.name, r.product_id as "productId", r.warehouse_id as "warehouseId", r.connection_id as "connectionId",
        r.limit_kind as "limitKind", r.at_most as "atMost", r.window_days as "windowDays",
        r.clear_after_minutes as "clearAfterMinutes", r.tells_webhooks as "tellsWebhooks",
        (select coalesce(json_agg(json_build_object('id', d.id, 'kind', d.kind)), '[]') from stock_alert_destination d
          where d.merchant_id = r.merchant_id and d.rule_id = r.id) as destinations
      from stock_alert_rule r where r.merchant_id = $1 and r.retired_at is null
      order by r.id for no key update of r`,
    values: [merchantId],
  });
}

export interface OpenAlertRow {
  readonly id: string;
  readonly productId: string;
  readonly wellSince: Date | null;
}

export function readOpenAlerts(
  tx: Tx,
  merchantId: string,
  ruleId: string,
  productIds: readonly string[],
): Promise<OpenAlertRow[]> {
  return tx.rows<OpenAlertRow>({
    text: `select id, product_id as "productId", well_since as "wellSince" from stock_alert
      where merchant_id = $1 and rule_id = $2 and cleared_at is null and product_id = any($3::uuid[])`,
    values: [merchantId, ruleId, productIds],
  });
}

export interface NewAlert {
  readonly id: string;
  readonly ruleId: string;
  readonly productId: string;
  readonly level: number;
  readonly shipped: number;
  readonly countedDays: number;
  readonly windowFrom: string;
  readonly windowTo: string;
}

/** @returns ids of those that were not open already. */
export async function openAlerts(
  tx: Tx,
  merchantId: string,
  alerts: readonly NewAlert[],
  at: Date,
): Promise<string[]> {
  if (alerts.length === 0) return [];
  const rows = await tx.rows<{ id: string }>({
    text: `insert into stock_alert (id, merchant_id, rule_id, product_id, level, shipped, counted_days, window_from, window_to, opened_at)
      select id, $1, "ruleId", "productId", level, shipped, "countedDays", "windowFrom", "windowTo", $3
      from json_to_recordset($2) as a(id uuid, "ruleId" uuid, "productId" uuid, level integer, shipped integer,
        "countedDays" integer, "windowFrom" date, "windowTo" date)
      on conflict (merchant_id, rule_id, product_id) where cleared_at is null do nothing returning id`,
    values: [merchantId, JSON.stringify(alerts), at],
  });
  return rows.map(({ id }) => id);
}

/** Since when it is well; null: it is low again. */
export async function markWell(
  tx: Tx,
  merchantId: string,
  alertIds: readonly string[],
  since: Date | null,
): Promise<void> {
  if (alertIds.length === 0) return;
  await tx.run({
    text: 'update stock_alert set well_since = $3 where merchant_id = $1 and id = any($2::uuid[])',
    values: [merchantId, alertIds, since],
  });
}

export async function clearAlerts(
  tx: Tx,
  merchantId: string,
  alerts: readonly { readonly id: string; readonly level: number }[],
  at: Date,
): Promise<void> {
  if (alerts.length === 0) return;
  await tx.run({
    text: `update stock_alert a set cleared_at = $3, cleared_level = c.level, well_since = coalesce(a.well_since, $3)
      from json_to_recordset($2) as c(id uuid, level integer)
      where a.merchant_id = $1 and a.id = c.id and a.cleared_at is null`,
    values: [merchantId, JSON.stringify(alerts), at],
  });
}

/** Endpoints of the merchant's own that want to hear of such events. */
export async function endpointsFor(tx: Tx, merchantId: string, eventType: string): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>({
    text: `select id from webhook_endpoint where merchant_id = $1 and disabled_at is null
      and (event_types = '{}' or $2 = any(event_types)) order by id`,
    values: [merchantId, eventType],
  });
  return rows.map(({ id }) => id);
}

export interface AlertRow {
  readonly id: string;
  readonly merchantId: string;
  readonly merchantName: string;
  readonly mailFrom: string;
  readonly ruleId: string;
  readonly ruleName: string;
  readonly limitKind: 'units' | 'days_of_cover';
  readonly atMost: number;
  readonly warehouseId: string | null;
  readonly warehouseCode: string | null;
  readonly connectionId: string | null;
  readonly connectionName: string | null;
  readonly owner: string;
  readonly productId: string;
  readonly sku: string;
  readonly productName: string;
  readonly level: number;
  readonly shipped: number;
  readonly countedDays: number;
  readonly windowFrom: string;
  readonly windowTo: string;
  readonly openedAt: Date;
  readonly wellSince: Date | null;
  readonly clearedAt: Date | null;
  readonly clearedLevel: number | null;
  readonly keyAt: string;
}

/** The newest first. */
export function listAlerts(
  tx: Tx,
  merchantIds: readonly string[],
  filter: {
    readonly id?: string | undefined;
    readonly sku?: string | undefined;
    readonly open?: boolean | undefined;
  },
  after: readonly [string, string] | null,
  limit: number,
): Promise<AlertRow[]> {
  return tx.rows<AlertRow>({
    text: `select a.id, a.merchant_id as "merchantId", m.name as "merchantName", m.mail_from as "mailFrom", a.rule_id as "ruleId",
        r.name as "ruleName", r.limit_kind as "limitKind", r.at_most as "atMost", r.warehouse_id as "warehouseId",
        w.code as "warehouseCode", r.connection_id as "connectionId", c.name as "connectionName", r.owner,
        a.product_id as "productId", p.sku, p.name as "productName", a.level, a.shipped, a.counted_days as "countedDays",
        a.window_from as "windowFrom", a.window_to as "windowTo", a.opened_at as "openedAt", a.well_since as "wellSince",
        a.cleared_at as "clearedAt", a.cleared_level as "clearedLevel", a.opened_at::text as "keyAt"
      from stock_alert a
      join merchant m on m.id = a.merchant_id
      join stock_alert_rule r on r.merchant_id = a.merchant_id and r.id = a.rule_id
      join product p on p.merchant_id = a.merchant_id and p.id = a.product_id
      left join warehouse w on w.id = r.warehouse_id
      left join channel_connection c on c.merchant_id = r.merchant_id and c.id = r.connection_id
      where a.merchant_id = any($1::uuid[]) and ($2::uuid is null or a.id = $2) and ($3::text is null or p.sku = $3)
        and ($4::boolean is null or (a.cleared_at is null) = $4)
        and ($5::timestamptz is null or (a.opened_at, a.id) < ($5, $6::uuid))
      order by a.opened_at desc, a.id desc limit $7`,
    values: [
      merchantIds,
      filter.id ?? null,
      filter.sku ?? null,
      filter.open ?? null,
      after?.[0] ?? null,
      after?.[1] ?? null,
      limit,
    ],
  });
}

/** Until the transaction ends nobody else follows it up. */
export async function lockAlert(tx: Tx, merchantId: string, id: string): Promise<void> {
  await tx.run({
    text: 'select from stock_alert where merchant_id = $1 and id = $2 for no key update',
    values: [merchantId, id],
  });
}

export interface WatchTurn {
  readonly merchantId: string;
  /** Everything is to be looked at: it is time, or another process did so until now. */
  readonly due: boolean;
}

/**
 * Takes and renews this process's turns. Run as the system role.
 * @param leaseMs milliseconds.
 */
export async function takeWatchTurns(
  tx: Tx,
  owner: string,
  leaseMs: number,
  most: number,
): Promise<WatchTurn[]> {
  return tx.rows<WatchTurn>({
    text: `
with mine as (
  select merchant_id, lease_owner is distinct from $1::uuid as taken, due_at <= now() as due from stock_watch
  where lease_owner = $1::uuid or leased_until is null or leased_until < now()
  order by lease_owner = $1::uuid desc nulls last limit $3 for update skip locked
)
update stock_watch w set lease_owner = $1, leased_until = now() + $2 * interval '1 millisecond',
  -- What another one had begun may be half done.
  due_at = case when mine.taken then now() else w.due_at end
from mine where w.merchant_id = mine.merchant_id
returning w.merchant_id as "merchantId", mine.taken or mine.due as due`,
    values: [owner, leaseMs, most],
  });
}

/** When everything is looked at next. Run as the system role. */
export async function setWatchDue(tx: Tx, merchantId: string, owner: string, inMs: number): Promise<void> {
  await tx.run({
    text: `update stock_watch set due_at = now() + $3 * interval '1 millisecond' where merchant_id = $1 and lease_owner = $2`,
    values: [merchantId, owner, inMs],
  });
}

/** So that another process need not wait for the lease's end. Run as the system role. */
export async function endWatchTurns(tx: Tx, owner: string): Promise<void> {
  await tx.run({
    text: 'update stock_watch set leased_until = null where lease_owner = $1',
    values: [owner],
  });
}
