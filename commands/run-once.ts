/**
 * The step ledger. A database step's writes and its outcome are committed together under the step's
 * key; whoever comes again with the same key, after a crash or beside a slow first attempt, gets the
 * recorded outcome and changes nothing. Two at once: the second waits on the key's index entry and
 * then reads the first one's outcome.
 */
import type { Tx } from '../db/client';

/** JSON that survives the round trip through jsonb unchanged. */
export type Outcome = { readonly [key: string]: unknown };

/** Runs the step in the caller's transaction, or returns what it did before. */
export async function runOnceIn<T extends Outcome>(
  tx: Tx,
  merchantId: string,
  key: string,
  step: (tx: Tx) => Promise<T>,
): Promise<{ readonly outcome: T; readonly ran: boolean }> {
  const claimed = await tx.run({
    name: 'step-claim',
    text: "insert into step (merchant_id, key, outcome) values ($1, $2, 'null') on conflict do nothing",
    values: [merchantId, key],
  });
  if (claimed === 0) {
    const [row] = await tx.rows<{ outcome: T }>({
      name: 'step-read',
      text: 'select outcome from step where merchant_id = $1 and key = $2',
      values: [merchantId, key],
    });
    return { outcome: (row as { outcome: T }).outcome, ran: false };
  }
  const outcome = await step(tx);
  await tx.run({
    name: 'step-record',
    text: 'update step set outcome = $3 where merchant_id = $1 and key = $2',
    values: [merchantId, key, JSON.stringify(outcome)],
  });
  return { outcome, ran: true };
}
