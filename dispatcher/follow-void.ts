/**
 * Follows the void of a label that nobody will use to its end: asked for, read, asked for again after a
 * refusal (EasyPost takes up to 30 days), until it is voided or given up. As long as money is out and the
 * carrier does not want to give it back, a person is asked; a refund that comes after all tells him so. A
 * call that leaves its outcome open is repeated: asking reads first what was asked before.
 */
import type { CarrierAccount, CarrierConnector, VoidState } from '../connectors/carriers/port';
import type { Database, Tx } from '../db/client';
import { openExceptions, resolveExceptions } from '../db/exception.repo';
import { type LabelToVoid, recordVoid } from '../db/poll-claim.repo';
import { Failure } from '../domain/failure-types';
import { EXCEPTION_REASONS } from '../domain/order/exception-reasons';
import { rounds } from './dispatch-metrics';

const HOUR_MS = 3_600_000;
/** While the carrier is at work on a refund. */
const VOID_AGAIN_MS = 6 * HOUR_MS;
/** After a refusal: often the label was too fresh, and asked again the next day it is taken. */
const REJECTED_AGAIN_MS = 24 * HOUR_MS;
/** Carriers refund labels of the last 30 days; some more for one that was asked for late. */
const GIVE_UP_DAYS = 35;

interface VoidOutcome {
  readonly state: 'void_requested' | 'voided' | 'void_rejected';
  /** null when there is nothing more to ask. */
  readonly againInMs: number | null;
  readonly failure: string | null;
}

/** @throws Failure when the carrier is away or leaves it open: the label's lease brings it back. */
export async function followVoid(
  database: Database,
  { account, connector }: { readonly account: CarrierAccount; readonly connector: CarrierConnector },
  label: LabelToVoid,
): Promise<void> {
  const outcome = await ask(connector, account, label);
  await database.withSystem(async (tx) => {
    const recorded = await recordVoid(tx, label, { ...outcome, giveUpDays: GIVE_UP_DAYS });
    if (recorded === null) return;
    if (outcome.state === 'voided') await refunded(tx, label);
    else if (outcome.state === 'void_rejected' || recorded.givenUp) await tell(tx, label, outcome.failure);
  });
  if (outcome.state === 'voided') rounds.inc({ loop: 'carrier-poll', finding: 'voided' });
}

async function ask(
  connector: CarrierConnector,
  account: CarrierAccount,
  label: LabelToVoid,
): Promise<VoidOutcome> {
  try {
    // Asking again would hide a refusal behind a new request.
    return label.asked
      ? voidOutcome(await connector.getVoidState(account, label.externalShipmentId))
      : voidOutcome(await connector.voidLabel(account, label.externalShipmentId));
  } catch (error) {
    if (!(error instanceof Failure) || error.retryable) throw error;
    return {
      state: 'void_rejected',
      againInMs: REJECTED_AGAIN_MS,
      failure: `${error.type}: ${error.message}`.slice(0, 500),
    };
  }
}

/** What a carrier's word on a void means for our label, and when to ask again. */
function voidOutcome(said: VoidState): VoidOutcome {
  switch (said) {
    case 'voided':
      return { state: 'voided', againInMs: null, failure: null };
    case 'requested':
      return { state: 'void_requested', againInMs: VOID_AGAIN_MS, failure: null };
    case 'rejected':
      return {
        state: 'void_rejected',
        againInMs: REJECTED_AGAIN_MS,
        failure: 'The carrier refused the void.',
      };
    case 'not_applicable':
      return {
        state: 'void_rejected',
        againInMs: null,
        failure: 'The carrier says that there is nothing to void.',
      };
  }
}

const keyOf = (label: LabelToVoid) => `label_not_voided:${label.id}`;

function tell(tx: Tx, label: LabelToVoid, failure: string | null): Promise<void> {
  const row = EXCEPTION_REASONS.label_not_voided;
  return openExceptions(tx, [
    {
      merchantId: label.merchantId,
      reason: 'label_not_voided',
      key: keyOf(label),
      cause: `label_not_voided:${label.carrierAccountId}`,
      orderId: label.orderId,
      thingKind: 'label',
      thingId: label.id,
      owner: row.owner,
      message: failure ?? `The carrier has not settled the refund in ${GIVE_UP_DAYS} days.`,
      deadlineMinutes: row.deadlineMinutes,
      openedAt: label.businessNow,
    },
  ]);
}

async function refunded(tx: Tx, label: LabelToVoid): Promise<void> {
  const why = 'The carrier refunded the label.';
  await resolveExceptions(tx, [label.merchantId], [keyOf(label)], 'dispatcher', why);
}
