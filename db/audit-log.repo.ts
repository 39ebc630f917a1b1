/** The audit log: who changed what, when and why, written in the transaction of the change. */
import { uuidv7 } from 'uuidv7';
import type { Tx } from './client';

export interface AuditEntry {
  readonly organisationId: string;
  /** null for what belongs to the organisation. */
  readonly merchantId: string | null;
  /** `person:<id>`, `key:<id>`, `channel:<connection>`, `workflow`, `cli`. */
  readonly actor: string;
  /** Verb and thing, e.g. `order.cancel`. */
  readonly action: string;
  readonly thingKind: string;
  readonly thingId: string;
  readonly reason?: string | null;
  /** Facts and salted digests, never a person's data. */
  readonly before?: unknown;
  readonly after?: unknown;
  readonly requestId?: string | null;
}

export async function audit(tx: Tx, entry: AuditEntry): Promise<void> {
  const json = (value: unknown) => (value === undefined ? null : JSON.stringify(value));
  await tx.run({
    name: 'audit-insert',
    text: `insert into audit_log (id, organisation_id, merchant_id, actor, action, thing_kind, thing_id, reason, before, after,
      request_id) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    values: [
      uuidv7(),
      entry.organisationId,
      entry.merchantId,
      entry.actor,
      entry.action,
      entry.thingKind,
      entry.thingId,
      entry.reason ?? null,
      json(entry.before),
      json(entry.after),
      entry.requestId ?? null,
    ],
  });
}
