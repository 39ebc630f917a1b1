/** Exceptions: what needs somebody. One open exception a cause and thing; resolving leaves its history. */
import { uuidv7 } from 'uuidv7';
import type { Tx } from './client';

export interface NewException {
  readonly merchantId: string;
  readonly reason: string;
  /** Cause and thing together, e.g. `unmapped_sku:<order>`; at most one open a key. */
  readonly key: string;
  /** What many share, e.g. `unmapped_sku:BLUE-1`: the stuck list is grouped by it. */
  readonly cause: string;
  readonly orderId: string | null;
  readonly thingKind: string;
  readonly thingId: string;
  readonly owner: string;
  /** A plain sentence for whoever opens the stuck list; no personal data. */
  readonly message: string;
  /** Minutes until it is late; null when nothing is due. */
  readonly deadlineMinutes: number | null;
  /** When it began, in the merchant's business time. */
  readonly openedAt: Date;
}

/** Opens what is not open yet; an open one with the same key gets the new message and its attempt counted. */
export async function openExceptions(tx: Tx, exceptions: readonly NewException[]): Promise<void> {
  if (exceptions.length === 0) return;
  await tx.run({
    name: 'exception-open',
    text: `
insert into exception (id, merchant_id, reason, key, cause, order_id, thing_kind, thing_id, owner, message, opened_at, deadline_at)
select id, merchant_id, reason, key, cause, order_id, thing_kind, thing_id, owner, message, opened_at,
  opened_at + deadline_minutes * interval '1 minute'
from json_to_recordset($1) as e(id uuid, merchant_id uuid, reason text, key text, cause text, order_id uuid, thing_kind text,
  thing_id text, owner text, message text, opened_at timestamptz, deadline_minutes integer)
on conflict (merchant_id, key) where state <> 'resolved' do update
  set message = excluded.message, cause = excluded.cause,
      -- Whoever snoozed it meant the old cause.
      state = case when exception.cause = excluded.cause then exception.state else 'open' end,
      snoozed_until = case when exception.cause = excluded.cause then exception.snoozed_until end,
      snoozed_at = case when exception.cause = excluded.cause then exception.snoozed_at end,
      tried = exception.tried || jsonb_build_object('at', now(), 'message', excluded.message)`,
    values: [
      JSON.stringify(
        exceptions.map((e) => ({
          id: uuidv7(),
          merchant_id: e.merchantId,
          reason: e.reason,
          key: e.key,
          cause: e.cause,
          order_id: e.orderId,
          thing_kind: e.thingKind,
          thing_id: e.thingId,
          owner: e.owner,
          message: e.message,
          opened_at: e.openedAt,
          deadline_minutes: e.deadlineMinutes,
        })),
      ),
    ],
  });
}

/** Resolves every open exception of these keys. */
export async function resolveExceptions(
  tx: Tx,
  merchantIds: readonly string[],
  keys: readonly string[],
  by: string,
  resolution: string,
): Promise<number> {
  if (keys.length === 0) return 0;
  return tx.run({
    name: 'exception-resolve',
    text: `
update exception set state = 'resolved', resolved_at = now(), resolved_by = $3, resolution = $4
where merchant_id = any($1::uuid[]) and key = any($2::text[]) and state <> 'resolved'`,
    values: [merchantIds, keys, by, resolution],
  });
}

export async function isExceptionOpen(tx: Tx, merchantId: string, key: string): Promise<boolean> {
  const rows = await tx.rows({
    text: `select from exception where merchant_id = $1 and key = $2 and state <> 'resolved'`,
    values: [merchantId, key],
  });
  return rows.length > 0;
}
