/**
 * One HTTP exchange with a partner, and what its ending means. It keeps nothing between calls but a
 * pool of connections: retries, breakers and rate limits belong to the caller. Every ending but a
 * usable answer is a `Failure`, and the one distinction that matters is kept: did the partner perhaps
 * act? A connection that never came about means no; a silence, a broken answer or a 5xx after a write
 * was sent means perhaps (PartnerOutcomeUnknown), and the caller looks up before it does anything.
 * Redirects are never followed: a partner's API has none, and one could lead anywhere.
 */
import { Agent, type Dispatcher, request } from 'undici';
import type { ZodType, z } from 'zod';
import { parseExactJson } from '../contracts/exact-json';
import { Failure } from '../domain/failure-types';
import { createGuardedDispatcher } from './outgoing-guard';

/**
 * A TCP and TLS handshake takes well under a second; at 5 s the partner is as good as down, and known
 * not to have been reached, which a call's own time-out could not say.
 */
const CONNECT_TIMEOUT_MS = 5_000;
/** Far above any documented answer (a page of 250 orders is about 2 MB); protects the process's memory. */
const ANSWER_LIMIT_BYTES = 16 * 1024 * 1024;
/** Enough to read what the partner complains about. */
const EXCERPT_LENGTH = 500;

/** Errors before the first byte was sent: the partner can't have acted. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

let wayOut: Dispatcher = new Agent({ connect: { timeout: CONNECT_TIMEOUT_MS } });

/**
 * From now on this process calls public addresses by https only, and the listed `host:port` besides.
 * Called once, where the process is composed, with the list of its own configuration.
 */
export function guardOutgoingCalls(allowed: readonly string[]): void {
  wayOut = createGuardedDispatcher(allowed, CONNECT_TIMEOUT_MS);
}

export interface HttpCall {
  readonly url: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Milliseconds for the whole exchange, the body included. */
  readonly timeoutMs: number;
  /** True when the partner may act on it: then an unclear ending is PartnerOutcomeUnknown. */
  readonly write: boolean;
  /** Statuses outside 2xx that the caller reads itself (a 404 of a look-up, a 422 with codes). */
  readonly accept?: readonly number[];
  /** `text` leaves the body unparsed. Default `json`: integers beyond 2^53 become strings. */
  readonly expect?: 'json' | 'text';
  /** Another way out than the process's own. */
  readonly dispatcher?: Dispatcher;
}

export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** The parsed body; undefined when it is empty or `expect` is text. */
  readonly json: unknown;
}

/**
 * Sends one request and reads the whole answer.
 * @throws Failure PartnerUnavailable, PartnerOutcomeUnknown, PartnerRateLimited, PartnerUnauthorised or
 * PartnerRejected, with `status`, `body` (an excerpt) and `url` (without its query) among the details.
 */
export async function httpExchange(call: HttpCall): Promise<HttpAnswer> {
  const where = placeOf(call.url);
  const { status, headers, text } = await send(call, where);
  const answered = (status >= 200 && status < 300) || (call.accept ?? []).includes(status);
  if (!answered) throw failureOfStatus(call, where, status, headers, text);
  return {
    status,
    headers,
    text,
    json: call.expect === 'text' ? undefined : parseBody(call, where, status, text),
  };
}

/**
 * Reads an answer's JSON by a schema.
 * @throws Failure PartnerOutcomeUnknown after a write (the partner may well have acted), else
 * PartnerMalformed; the details name the fields, not their values.
 */
export function readShape<S extends ZodType>(
  schema: S,
  json: unknown,
  { write, what }: { readonly write: boolean; readonly what: string },
): z.output<S> {
  const read = schema.safeParse(json);
  if (read.success) return read.data;
  const fields = read.error.issues.slice(0, 10).map(({ path, message }) => `/${path.join('/')}: ${message}`);
  throw new Failure(
    write ? 'PartnerOutcomeUnknown' : 'PartnerMalformed',
    `${what} answered in a shape that its contract does not have`,
    { fields },
  );
}

async function send(call: HttpCall, where: string) {
  try {
    const answer = await request(call.url, {
      method: call.method,
      headers: call.headers ?? {},
      body: call.body ?? null,
      dispatcher: call.dispatcher ?? wayOut,
      signal: AbortSignal.timeout(call.timeoutMs),
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(answer.headers)) {
      if (value !== undefined) headers[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
    }
    return { status: answer.statusCode, headers, text: await readLimited(answer.body) };
  } catch (cause) {
    throw failureOfTransport(call, where, cause);
  }
}

async function readLimited(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_LIMIT_BYTES) throw new Error(`the answer is longer than ${ANSWER_LIMIT_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseBody(call: HttpCall, where: string, status: number, text: string): unknown {
  if (text === '') return undefined;
  try {
    return parseExactJson(text);
  } catch (cause) {
    throw unclear(
      call,
      `${where} answered ${status} with a body that is not JSON`,
      { status, body: excerpt(text) },
      cause,
    );
  }
}

function failureOfTransport(call: HttpCall, where: string, cause: unknown): Failure {
  // The guard's own refusal: nothing was sent.
  if (cause instanceof Failure) return cause;
  const code = codeOf(cause);
  if (code !== undefined && NOT_SENT.has(code)) {
    return new Failure('PartnerUnavailable', `${where} can't be reached (${code})`, { code }, { cause });
  }
  if (cause instanceof Error && cause.name === 'TimeoutError') {
    return unclear(
      call,
      `${where} did not answer within ${call.timeoutMs} ms`,
      { timeoutMs: call.timeoutMs },
      cause,
    );
  }
  const reason = code ?? (cause instanceof Error ? cause.message : 'unknown error');
  return unclear(call, `${where} broke off (${reason})`, { code: code ?? null }, cause);
}

function unclear(
  call: HttpCall,
  message: string,
  details: Record<string, unknown>,
  cause?: unknown,
): Failure {
  return new Failure(call.write ? 'PartnerOutcomeUnknown' : 'PartnerUnavailable', message, details, {
    cause,
  });
}

function failureOfStatus(
  call: HttpCall,
  where: string,
  status: number,
  headers: Readonly<Record<string, string>>,
  text: string,
): Failure {
  const details = { status, body: excerpt(text) };
  const retryAfterMs = parseRetryAfter(headers['retry-after'], Date.now());
  const options = retryAfterMs === undefined ? {} : { retryAfterMs };
  const message = `${where} answered ${status}`;
  if (status === 429) return new Failure('PartnerRateLimited', message, details, options);
  if (status === 401 || status === 403) return new Failure('PartnerUnauthorised', message, details);
  // With a time to come back at, a 503 is a refusal at the door and not an accident inside.
  if (status === 503 && retryAfterMs !== undefined) {
    return new Failure('PartnerUnavailable', message, details, options);
  }
  if (status >= 500 || status === 408) return unclear(call, message, details);
  return new Failure('PartnerRejected', message, details);
}

/**
 * Milliseconds from `now`, from the seconds (Shopify sends "2.0") or the HTTP date of a Retry-After
 * header (RFC 9110, 10.2.3); undefined when there is none or it can't be read.
 */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}(?:\.\d+)?$/.test(value.trim())) return Math.ceil(Number(value) * 1000);
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  return typeof code === 'string' ? code : codeOf(cause);
}

function excerpt(text: string): string {
  return text.length > EXCERPT_LENGTH ? `${text.slice(0, EXCERPT_LENGTH)}…` : text;
}

/** Host and path: a query may hold a secret or an e-mail address. */
function placeOf(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}
