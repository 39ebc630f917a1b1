/** Whose an exception is, and for how long it stays off the list. A resolved one is left as it is. */
import type { Tx } from './client';

export interface ExceptionKey {
  readonly merchantId: string;
  readonly id: string;
}

/** Returns false when it is resolved. */
export async function setExceptionOwner(
  tx: Tx,
  { merchantId, id }: ExceptionKey,
  owner: string,
  assigneeId: string | null,
): Promise<boolean> {
  const set = await tx.run({
    text: `update exception set owner = $3, assignee_id = $4 where merchant_id = $1 and id = $2 and state <> 'resolved'`,
    values: [merchantId, id, owner, assigneeId],
  });
  return set === 1;
}

/**
 * @param until real time; null ends the snooze.
 * @returns false when it is resolved.
 */
export async function setSnooze(
  tx: Tx,
  { merchantId, id }: ExceptionKey,
  until: Date | null,
): Promise<boolean> {
  const set = await tx.run({
    text: `
update exception set state = case when $3::timestamptz is null then 'open' else 'snoozed' end, snoozed_until = $3,
  snoozed_at = case when $3::timestamptz is not null then business_now(merchant_id) end
where merchant_id = $1 and id = $2 and state <> 'resolved'`,
    values: [merchantId, id, until],
  });
  return set === 1;
}

/** Whether somebody is of the merchant's organisation and still works there. */
export async function isPersonOf(tx: Tx, merchantId: string, personId: string): Promise<boolean> {
  const rows = await tx.rows({
    text: `select from person p join merchant m on m.organisation_id = p.organisation_id
      where m.id = $1 and p.id = $2 and p.erased_at is null`,
    values: [merchantId, personId],
  });
  return rows.length > 0;
}
