/**
 * Same key, same effect, same answer. The key's row is committed before the effect. A crash between
 * effect and answer leaves a row without one: the client's retry takes it over once its lease is out,
 * runs the handler again, and the handler's own once-guard (the effect's transaction locks this row, or
 * the command deduplicates by its key) makes the second run find the first one's work. Because of that
 * guard a lease that ran out under a slow first run is harmless: both get the same answer.
 *
 * Answers of the handler are kept whether they are successes or refusals; a failure on our side (5xx)
 * and a refusal before the handler (a bad body) are not, for the retry may fare better.
 */
import { createHash } from 'node:crypto';
import type { Database, Tx } from '../db/client';
import {
  claimIdempotencyKey,
  type IdempotencyRow,
  lockIdempotencyKey,
  readIdempotencyKey,
  recordIdempotentAnswer,
  releaseIdempotencyKey,
  takeOverIdempotencyKey,
} from '../db/idempotency-key.repo';
import { ProblemError } from './problem';
import type { Caller, RouteAnswer } from './route';

/** Longer than any handler takes (lock time-outs of 5 s, and 10 s for a label), so a live one is rarely doubled. */
const LEASE_MS = 15_000;
const KEY = /^[\x21-\x7e]{1,255}$/;

export interface Ticket {
  readonly caller: Caller;
  readonly key: string;
}

/** What an answer is kept as. */
interface KeptAnswer {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** @throws ProblemError idempotency-key-missing when there is none or it is no visible ASCII of 1 to 255. */
export function readIdempotencyHeader(header: string | undefined): string {
  if (header === undefined || !KEY.test(header)) {
    throw new ProblemError('idempotency-key-missing', {
      detail: 'Idempotency-Key: 1 to 255 visible ASCII characters, a new one for every new request.',
    });
  }
  return header;
}

/** The digest by which a key's reuse for something else is noticed. */
export function requestDigest(parts: readonly (string | Buffer)[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) {
    hash.update(String(part.length)).update('\0').update(part);
  }
  return hash.digest();
}

/**
 * Claims the key, or finds the answer that it has.
 * @returns null when the handler is to run.
 * @throws ProblemError idempotency-key-reused, idempotency-in-flight.
 */
export function openTicket(database: Database, ticket: Ticket, sha256: Buffer): Promise<RouteAnswer | null> {
  const { caller, key } = ticket;
  const { organisationId, apiKeyId } = caller;
  return inOrganisation(database, caller, async (tx) => {
    if (await claimIdempotencyKey(tx, { organisationId, apiKeyId, key, sha256 })) return null;
    const row = await readIdempotencyKey(tx, apiKeyId, key);
    // Released by a failed first attempt since; the next attempt claims it.
    if (row === null) throw inFlight();
    if (!row.request_sha256.equals(sha256)) throw new ProblemError('idempotency-key-reused');
    if (row.status !== null) return replay(row);
    if (await takeOverIdempotencyKey(tx, apiKeyId, key, LEASE_MS)) return null;
    throw inFlight();
  });
}

/** Runs the effect and records its answer in the same transaction; a second run finds the first one's answer. */
export async function commitTicket(
  tx: Tx,
  ticket: Ticket,
  work: (tx: Tx) => Promise<RouteAnswer>,
): Promise<RouteAnswer> {
  const row = await lockIdempotencyKey(tx, ticket.caller.apiKeyId, ticket.key);
  if (row !== null && row.status !== null) return replay(row);
  const answer = await work(tx);
  await record(tx, ticket, answer);
  return answer;
}

/** Records the answer of a handler whose effect has a once-guard of its own. */
export function closeTicket(database: Database, ticket: Ticket, answer: RouteAnswer): Promise<void> {
  return inOrganisation(database, ticket.caller, (tx) => record(tx, ticket, answer));
}

/** Lets the next attempt run: this one failed on our side. */
export function dropTicket(database: Database, ticket: Ticket): Promise<void> {
  return inOrganisation(database, ticket.caller, (tx) =>
    releaseIdempotencyKey(tx, ticket.caller.apiKeyId, ticket.key),
  );
}

function record(tx: Tx, ticket: Ticket, answer: RouteAnswer): Promise<void> {
  const kept: KeptAnswer = {
    ...(answer.replayBody === undefined && answer.body === undefined
      ? {}
      : { body: answer.replayBody ?? answer.body }),
    ...(answer.headers === undefined ? {} : { headers: answer.headers }),
  };
  return recordIdempotentAnswer(tx, ticket.caller.apiKeyId, ticket.key, answer.status ?? 200, kept);
}

function replay(row: IdempotencyRow): RouteAnswer {
  const kept = row.answer as KeptAnswer;
  return {
    status: row.status as number,
    ...kept,
    headers: { ...kept.headers, 'Idempotency-Replayed': 'true' },
  };
}

function inOrganisation<T>(database: Database, caller: Caller, work: (tx: Tx) => Promise<T>): Promise<T> {
  return database.withTenants({ merchantIds: [], organisationIds: [caller.organisationId] }, work);
}

function inFlight(): ProblemError {
  return new ProblemError('idempotency-in-flight', { headers: { 'Retry-After': '1' } });
}
