/** Messages from partners, kept before they are answered. */
import type { Tx } from './client';

export interface InboxRow {
  readonly id: string;
  readonly merchantId: string;
  readonly source: string;
  readonly eventKey: string;
  readonly topic: string;
  readonly body: string | null;
  readonly state: 'processed' | 'ignored' | 'parked';
  readonly reason: string | null;
  readonly orderId: string | null;
}

/** Keeps the message; false when this delivery is here already. */
export async function insertInbox(tx: Tx, row: InboxRow): Promise<boolean> {
  const inserted = await tx.run({
    name: 'inbox-insert',
    text: `insert into inbox (id, merchant_id, source, event_key, topic, body, state, reason, order_id, processed_at)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, now()) on conflict (merchant_id, source, event_key) do nothing`,
    values: [
      row.id,
      row.merchantId,
      row.source,
      row.eventKey,
      row.topic,
      row.body,
      row.state,
      row.reason,
      row.orderId,
    ],
  });
  return inserted === 1;
}
