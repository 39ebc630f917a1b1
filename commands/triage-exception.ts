/**
 * Sorting the stuck list: whose an exception is, and that it may wait. Neither touches what is stuck, so
 * both are allowed for every reason; both are audited. A snoozed exception is back on the list when its
 * time is over, when a deadline passes that had not passed before, or when it is found stuck for another
 * cause; its order goes on by itself all the while.
 */
import { audit } from '../db/audit-log.repo';
import type { Tx } from '../db/client';
import { type ExceptionRow, findException } from '../db/exception-read.repo';
import { isPersonOf, setExceptionOwner, setSnooze } from '../db/exception-triage.repo';
import { Failure } from '../domain/failure-types';
import { type ExceptionOwner, exceptionReason, isExceptionReason } from '../domain/order/exception-reasons';
import type { Editor } from './catalogue/change-product';

/** Longer is not "not now" but "never"; that is decided by resolving or cancelling. */
const MOST_SNOOZE_DAYS = 30;
const DAY_MS = 24 * 60 * 60 * 1_000;

/** A person, a role, or whoever owns the reason by default. */
export type Assignee = { readonly personId: string } | { readonly role: ExceptionOwner } | 'default';

export interface Triage {
  readonly merchantIds: readonly string[];
  readonly id: string;
  readonly reason: string;
  readonly editor: Editor;
}

/**
 * A person gets it beside the role that owns it; a role gets it from whoever had it.
 * @throws Failure NotFound; IllegalTransition when it is resolved; InvalidInput for somebody who is not of
 *   the merchant's organisation or has left it.
 */
export async function assignException(tx: Tx, triage: Triage, to: Assignee): Promise<void> {
  const row = await unresolved(tx, triage);
  const key = { merchantId: row.merchant_id, id: row.id };
  const own = isExceptionReason(row.reason) ? exceptionReason(row.reason).owner : row.owner;
  const owner = to === 'default' ? own : 'role' in to ? to.role : row.owner;
  const assigneeId = to !== 'default' && 'personId' in to ? to.personId : null;
  if (assigneeId !== null && !(await isPersonOf(tx, row.merchant_id, assigneeId)))
    throw new Failure('InvalidInput', 'there is no such person in the organisation');
  if (!(await setExceptionOwner(tx, key, owner, assigneeId))) throw resolved();
  await record(tx, row, triage, 'exception.assign', {
    before: { owner: row.owner, assigneeId: row.assignee_id },
    after: { owner, assigneeId },
  });
}

/**
 * @param until real time, for it is a person who wants to be left alone; null puts it back at once.
 * @throws Failure NotFound; IllegalTransition when it is resolved; InvalidInput for the past or too far ahead.
 */
export async function snoozeException(tx: Tx, triage: Triage, until: Date | null): Promise<void> {
  const row = await unresolved(tx, triage);
  const ahead = until === null ? null : until.getTime() - Date.now();
  if (ahead !== null && (ahead <= 0 || ahead > MOST_SNOOZE_DAYS * DAY_MS))
    throw new Failure('InvalidInput', `until must lie ahead, by ${MOST_SNOOZE_DAYS} days at most`);
  if (!(await setSnooze(tx, { merchantId: row.merchant_id, id: row.id }, until))) throw resolved();
  await record(tx, row, triage, 'exception.snooze', {
    before: { until: row.snoozed_until?.toISOString() ?? null },
    after: { until: until?.toISOString() ?? null },
  });
}

const resolved = () => new Failure('IllegalTransition', 'the exception is resolved', { state: 'resolved' });

async function unresolved(tx: Tx, { merchantIds, id }: Triage): Promise<ExceptionRow> {
  const row = await findException(tx, merchantIds, id);
  if (row === null) throw new Failure('NotFound', 'there is no such exception');
  if (row.state === 'resolved') throw resolved();
  return row;
}

function record(
  tx: Tx,
  row: ExceptionRow,
  { reason, editor }: Triage,
  action: string,
  change: {
    readonly before: Readonly<Record<string, unknown>>;
    readonly after: Readonly<Record<string, unknown>>;
  },
): Promise<void> {
  return audit(tx, {
    ...editor,
    merchantId: row.merchant_id,
    action,
    thingKind: row.order_id === null ? 'exception' : 'order',
    thingId: row.order_id ?? row.id,
    reason,
    before: change.before,
    after: { exceptionId: row.id, reason: row.reason, cause: row.cause, ...change.after },
  });
}
