/** Messages of channels that were kept, for reading them again. */
import type { Tx } from './client';

export interface KeptMessage {
  readonly id: string;
  readonly merchant_id: string;
  readonly connection_id: string;
  readonly channel: string;
  readonly event_key: string;
  readonly topic: string;
  /** null once a person in it was erased. */
  readonly body: string | null;
  readonly state: string;
}

/** A message of a channel's connection (source `<channel>:<connection>`). */
export async function findKeptMessage(tx: Tx, merchantId: string, id: string): Promise<KeptMessage | null> {
  const [row] = await tx.rows<KeptMessage>({
    text: `select i.id, i.merchant_id, c.id as connection_id, c.channel, i.event_key, i.topic, i.body, i.state
      from inbox i join channel_connection c on c.merchant_id = i.merchant_id and i.source = c.channel || ':' || c.id
      where i.merchant_id = $1 and i.id::text = $2`,
    values: [merchantId, id],
  });
  return row ?? null;
}

/** Says what came of a parked message after all. */
export async function settleKeptMessage(tx: Tx, message: KeptMessage, orderId: string | null): Promise<void> {
  await tx.run({
    text: `update inbox set state = 'processed', reason = null, order_id = $3, processed_at = now()
      where merchant_id = $1 and id = $2`,
    values: [message.merchant_id, message.id, orderId],
  });
}
