/**
 * Idempotency keys of API requests. A row is written before the request's effect; it holds the digest
 * of what was asked and, once it is done, the answer. A row without an answer is at work, or was left
 * behind by a process that died: after its lease anybody with the same request may take it over.
 */
import type { Tx } from './client';

export interface IdempotencyRow {
  readonly request_sha256: Buffer;
  readonly status: number | null;
  readonly answer: unknown;
}

/**
 * Claims a key that nobody used. False when there is a row already. The claim needn't wait for the disk:
 * the effect's own commit writes everything before it, so a claim that a crash of Postgres lost had no
 * effect yet.
 */
export async function claimIdempotencyKey(
  tx: Tx,
  claim: { organisationId: string; apiKeyId: string; key: string; sha256: Buffer },
): Promise<boolean> {
  const written = await tx.run({
    name: 'idempotency-claim',
    text: `with lazily as (select set_config('synchronous_commit', 'off', true))
      insert into idempotency_key (organisation_id, api_key_id, key, request_sha256) select $1, $2, $3, $4 from lazily
      on conflict do nothing`,
    values: [claim.organisationId, claim.apiKeyId, claim.key, claim.sha256],
  });
  return written === 1;
}

export async function readIdempotencyKey(
  tx: Tx,
  apiKeyId: string,
  key: string,
): Promise<IdempotencyRow | null> {
  const [row] = await tx.rows<IdempotencyRow>({
    name: 'idempotency-read',
    text: 'select request_sha256, status, answer from idempotency_key where api_key_id = $1 and key = $2',
    values: [apiKeyId, key],
  });
  return row ?? null;
}

/** Takes over what a process left unanswered for longer than the lease. */
export async function takeOverIdempotencyKey(
  tx: Tx,
  apiKeyId: string,
  key: string,
  leaseMs: number,
): Promise<boolean> {
  const taken = await tx.run({
    text: `update idempotency_key set created_at = now() where api_key_id = $1 and key = $2 and status is null
      and created_at < now() - $3 * interval '1 millisecond'`,
    values: [apiKeyId, key, leaseMs],
  });
  return taken === 1;
}

/** Waits for whoever holds the row, and says what it came to; in the transaction of the effect. */
export async function lockIdempotencyKey(
  tx: Tx,
  apiKeyId: string,
  key: string,
): Promise<IdempotencyRow | null> {
  const [row] = await tx.rows<IdempotencyRow>({
    name: 'idempotency-lock',
    text: `select request_sha256, status, answer from idempotency_key where api_key_id = $1 and key = $2 for update`,
    values: [apiKeyId, key],
  });
  return row ?? null;
}

/** Records the answer unless there is one. */
export async function recordIdempotentAnswer(
  tx: Tx,
  apiKeyId: string,
  key: string,
  status: number,
  answer: unknown,
): Promise<void> {
  await tx.run({
    name: 'idempotency-record',
    text: `update idempotency_key set status = $3, answer = $4
      where api_key_id = $1 and key = $2 and status is null`,
    values: [apiKeyId, key, status, JSON.stringify(answer)],
  });
}

/** Gives back a key whose request failed on our side, so that the next attempt runs. */
export async function releaseIdempotencyKey(tx: Tx, apiKeyId: string, key: string): Promise<void> {
  await tx.run({
    text: 'delete from idempotency_key where api_key_id = $1 and key = $2 and status is null',
    values: [apiKeyId, key],
  });
}
