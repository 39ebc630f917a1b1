/**
 * A message that could not be read is read again because a person asks: its connector may have learnt
 * since. What still can't be read stays on the list; what can is applied like any other of its kind.
 */
import { resolveReread, settleReread } from '../commands/exception-actions';
import { receiveCarrierMessage } from '../commands/receive-carrier-message';
import { parseEasyPostWebhook } from '../connectors/carriers/easypost/webhook';
import { findCarrierMessage } from '../db/carrier-inbox.repo';
import type { ExceptionRow } from '../db/exception-read.repo';
import { findKeptMessage } from '../db/inbox-read.repo';
import { editorOf } from './answers';
import { applyChannelFact, channelWebhooks } from './channel-webhooks';
import { ProblemError } from './problem';
import type { RouteAnswer, RouteContext } from './route';

const NOT_KEPT = 'The message is not kept any more; resolve it.';

function unreadable(reason: string | undefined): ProblemError {
  return new ProblemError('illegal-transition', { detail: `It still can not be read: ${reason ?? ''}` });
}

/**
 * Reads a kept message again, for its connector may have learnt since. The order that comes of it is
 * deduplicated like any, so a crash before the exception is settled does no harm.
 */
export async function readAgain(
  context: RouteContext,
  row: ExceptionRow,
  reason: string,
): Promise<RouteAnswer> {
  const { merchant_id: merchantId } = row;
  const kept = await context.transaction((tx) => findKeptMessage(tx, merchantId, row.thing_id));
  const webhooks = kept === null ? null : channelWebhooks(kept.channel);
  if (kept === null || kept.body === null || webhooks === null) {
    throw new ProblemError('illegal-transition', { detail: NOT_KEPT });
  }
  const { topic, event_key: eventKey, body: raw, channel, connection_id: connectionId } = kept;
  const fact = webhooks.parse(webhooks.headersOf({ topic, eventKey }), Buffer.from(raw));
  if (fact.kind === 'unreadable') throw unreadable(fact.reason);
  const given = { merchantId, connectionId, channel, fact, raw };
  const { orderId } = await applyChannelFact(context.deps, context.requestId, given);
  if (fact.order !== null && orderId === null) {
    throw new ProblemError('illegal-transition', { detail: 'A value in it still can not be stored.' });
  }
  return context.commit(async (tx) => {
    await settleReread(tx, row, kept, orderId, reason, editorOf(context));
    return { body: { outcome: 'done' } };
  });
}

/** The same for a carrier's message; its facts are kept once each, so a crash in between does no harm. */
export async function readCarrierAgain(
  context: RouteContext,
  row: ExceptionRow,
  reason: string,
): Promise<RouteAnswer> {
  const kept = await context.transaction((tx) => findCarrierMessage(tx, row.thing_id));
  if (kept === null || kept.body === null) {
    throw new ProblemError('illegal-transition', { detail: NOT_KEPT });
  }
  const fact = parseEasyPostWebhook(Buffer.from(kept.body));
  if (fact.kind === 'unreadable') throw unreadable(fact.reason);
  await receiveCarrierMessage(context.deps.database, {
    ...fact,
    // Under the id that it was kept by: one that could not be read had none of its own.
    eventId: kept.event_key,
    organisationId: kept.organisation_id,
    carrierAccountId: kept.carrier_account_id,
    provider: kept.provider,
    raw: kept.body,
    again: true,
  });
  return context.commit(async (tx) => {
    await resolveReread(tx, row, reason, editorOf(context));
    return { body: { outcome: 'done' } };
  });
}
