/**
 * The outbox: what must be told to somebody, committed with the fact it tells. One message a fact, by
 * its key. The dispatcher takes rows with SKIP LOCKED under a lease (a high-water mark would lose rows
 * that commit late), so a message is delivered at least once and receivers dedupe by its key or id.
 */
import { uuidv7 } from 'uuidv7';
import type { Tx } from './client';

export type OutboxKind =
  | 'workflow.start'
  | 'workflow.signal'
  | 'workflow.update'
  | 'channel.tracking'
  | 'mail'
  | 'webhook';

export interface OutboxMessage {
  readonly merchantId: string;
  readonly kind: OutboxKind;
  /** Unique within the merchant: the same fact again is the same message. */
  readonly key: string;
  readonly orderId: string | null;
  /** Connection, endpoint or account whose limit it counts against; '' for none. */
  readonly lane?: string;
  /** Ids and small facts only; a person's data is read when the message is sent. */
  readonly payload: Readonly<Record<string, unknown>>;
  /** Milliseconds until the dispatcher may take it: grace for a sender that delivers at once by itself. */
  readonly delayMs?: number;
}

/** Note of a signal whose workflow had ended; the watchdog looks for it. */
export const WORKFLOW_ENDED = 'its workflow has ended';

/** Payload of `workflow.start`. */
export interface WorkflowStart {
  readonly workflowId: string;
  readonly workflowType: string;
  readonly input: unknown;
}

/** Payload of `workflow.signal`. */
export interface WorkflowSignal {
  readonly workflowId: string;
  readonly signal: string;
  readonly args: readonly unknown[];
}

/** Payload of `workflow.update`. */
export interface WorkflowUpdate {
  readonly workflowId: string;
  readonly update: string;
  readonly updateId: string;
  readonly args: readonly unknown[];
}

/** Adds the messages that are not there yet. One statement for any number of them. */
export async function enqueue(tx: Tx, messages: readonly OutboxMessage[]): Promise<void> {
  if (messages.length === 0) return;
  await tx.run({
    name: 'outbox-enqueue',
    text: `
insert into outbox (id, merchant_id, kind, key, order_id, lane, payload, due_at)
select id, merchant_id, kind, key, order_id, lane, payload, now() + delay_ms * interval '1 millisecond'
from json_to_recordset($1) as m(id uuid, merchant_id uuid, kind text, key text, order_id uuid, lane text,
  payload jsonb, delay_ms integer)
on conflict (merchant_id, key) do nothing`,
    values: [
      JSON.stringify(
        messages.map((message) => ({
          id: uuidv7(),
          merchant_id: message.merchantId,
          kind: message.kind,
          key: message.key,
          order_id: message.orderId,
          lane: message.lane ?? '',
          payload: message.payload,
          delay_ms: message.delayMs ?? 0,
        })),
      ),
    ],
  });
}
