/**
 * The audit log: who did what to what, and why, written in the transaction of the deed. Rows are only
 * ever added; the sealer chains them afterwards by the transaction id that Postgres gives each row.
 * Nothing personal goes in: facts, ids and salted digests.
 */
import { uuidv7 } from 'uuidv7';
import type { Tx } from './client';

export interface AuditEntry {
  /** null for deeds that concern the whole organisation; then `organisationId` is needed. */
  readonly merchantId: string | null;
  /** Left out: the merchant's. */
  readonly organisationId?: string;
  /** `key:<id>`, `person:<id>`, `workflow:<id>` or `system`. */
  readonly actor: string;
  /** `<thing>.<verb>`, e.g. `order.cancel`. */
  readonly action: string;
  readonly thingKind: string;
  readonly thingId: string;
  readonly reason?: string | null;
  readonly before?: Readonly<Record<string, unknown>> | null;
  readonly after?: Readonly<Record<string, unknown>> | null;
  readonly requestId?: string | null;
}

/** Adds entries in the caller's transaction, which must see their merchants or organisations. */
export async function audit(tx: Tx, entries: AuditEntry | readonly AuditEntry[]): Promise<void> {
  const list = Array.isArray(entries) ? (entries as readonly AuditEntry[]) : [entries as AuditEntry];
  if (list.length === 0) return;
  await tx.run({
    name: 'audit-insert',
    text: `
insert into audit_log (id, organisation_id, merchant_id, actor, action, thing_kind, thing_id, reason, before, after, request_id)
select e.id, coalesce(e.organisation_id, (select m.organisation_id from merchant m where m.id = e.merchant_id)), e.merchant_id,
  e.actor, e.action, e.thing_kind, e.thing_id, e.reason, e.before, e.after, e.request_id
from json_to_recordset($1) as e(id uuid, organisation_id uuid, merchant_id uuid, actor text, action text, thing_kind text,
  thing_id text, reason text, before jsonb, after jsonb, request_id text)`,
    values: [
      JSON.stringify(
        list.map((entry) => ({
          id: uuidv7(),
          organisation_id: entry.organisationId ?? null,
          merchant_id: entry.merchantId,
          actor: entry.actor,
          action: entry.action,
          thing_kind: entry.thingKind,
          thing_id: entry.thingId,
          reason: entry.reason ?? null,
          before: entry.before ?? null,
          after: entry.after ?? null,
          request_id: entry.requestId ?? null,
        })),
      ),
    ],
  });
}
