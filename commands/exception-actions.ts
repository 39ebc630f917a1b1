/**
 * What a person does about an exception. The reason's row says what is allowed; everything is audited.
 * Retry asks whatever waits to look again (an order's workflow, a dead message); it does not close the
 * exception: the work that goes on does. Resolve closes it by hand and changes nothing else.
 */
import { audit } from '../db/audit-log.repo';
import type { Tx } from '../db/client';
import { resolveExceptions } from '../db/exception.repo';
import { type ExceptionRow, findException, reviveOutboxMessage } from '../db/exception-read.repo';
import { type KeptMessage, settleKeptMessage } from '../db/inbox-read.repo';
import { requestVoidAgain } from '../db/label.repo';
import { Failure } from '../domain/failure-types';
import {
  allowsAction,
  type ExceptionAction,
  exceptionReason,
  isExceptionReason,
} from '../domain/order/exception-reasons';
import type { Editor } from './catalogue/change-product';

/** Actions that the API offers for this exception. */
export function actionsOf(row: Pick<ExceptionRow, 'reason' | 'state'>): readonly ExceptionAction[] {
  if (row.state === 'resolved' || !isExceptionReason(row.reason)) return [];
  return exceptionReason(row.reason).actions;
}

/**
 * The exception, if this action is allowed on it.
 * @throws Failure NotFound; IllegalTransition when it is resolved or its reason doesn't allow that.
 */
export async function requireAction(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
  action: ExceptionAction,
): Promise<ExceptionRow> {
  const row = await findException(tx, merchantIds, id);
  if (row === null) throw new Failure('NotFound', 'there is no such exception');
  if (row.state === 'resolved') {
    throw new Failure('IllegalTransition', 'the exception is resolved', { state: row.state });
  }
  if (!isExceptionReason(row.reason) || !allowsAction(row.reason, action)) {
    throw new Failure('IllegalTransition', `${action} does not help against ${row.reason}`, {
      state: row.state,
    });
  }
  return row;
}

/** Closes an exception by hand. A second time changes nothing. */
export async function resolveByHand(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
  reason: string,
  editor: Editor,
): Promise<void> {
  const row = await requireAction(tx, merchantIds, id, 'resolve');
  await resolveExceptions(tx, [row.merchant_id], [row.key], editor.actor, reason);
  await record(tx, row, 'exception.resolve', reason, editor);
}

/**
 * Sends a dead message again.
 * @throws Failure IllegalTransition when it is not dead any more.
 */
export async function retryMessage(tx: Tx, row: ExceptionRow, reason: string, editor: Editor): Promise<void> {
  if (!(await reviveOutboxMessage(tx, row.merchant_id, row.thing_id))) {
    throw new Failure('IllegalTransition', 'the message is not dead', { state: 'pending' });
  }
  await resolveExceptions(tx, [row.merchant_id], [row.key], editor.actor, 'It is sent again.');
  await record(tx, row, 'exception.retry', reason, editor);
}

/**
 * Has the carrier asked for a refused void at once; the exception stays until it is refunded.
 * @throws Failure IllegalTransition when the label is voided or being voided.
 */
export async function retryVoid(tx: Tx, row: ExceptionRow, reason: string, editor: Editor): Promise<void> {
  if (!(await requestVoidAgain(tx, row.merchant_id, row.thing_id))) {
    throw new Failure('IllegalTransition', 'the carrier is at work on this void', {
      state: 'void_requested',
    });
  }
  await record(tx, row, 'exception.retry', reason, editor);
}

/** A message that could not be read was read after all. */
export async function settleReread(
  tx: Tx,
  row: ExceptionRow,
  message: KeptMessage,
  orderId: string | null,
  reason: string,
  editor: Editor,
): Promise<void> {
  await settleKeptMessage(tx, message, orderId);
  await resolveReread(tx, row, reason, editor);
}

/** The same where the message itself is settled already. */
export async function resolveReread(
  tx: Tx,
  row: ExceptionRow,
  reason: string,
  editor: Editor,
): Promise<void> {
  await resolveExceptions(tx, [row.merchant_id], [row.key], editor.actor, 'It could be read now.');
  await record(tx, row, 'exception.retry', reason, editor);
}

function record(tx: Tx, row: ExceptionRow, action: string, reason: string, editor: Editor): Promise<void> {
  return audit(tx, {
    ...editor,
    merchantId: row.merchant_id,
    action,
    thingKind: row.order_id === null ? 'exception' : 'order',
    thingId: row.order_id ?? row.id,
    reason,
    after: { exceptionId: row.id, reason: row.reason, cause: row.cause },
  });
}
