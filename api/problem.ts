/**
 * Every answer that is not a success, as RFC 9457 problems with a stable `type`. Nothing of the inside
 * gets out: a bug is `internal` with a trace id to look for in the logs, an error of Postgres is mapped
 * by its class and never quoted. `errors[].pointer` is an RFC 6901 pointer into the body sent.
 */
import { DatabaseError } from 'pg';
import type { ZodError } from 'zod';
import { Failure, type FailureType } from '../domain/failure-types';

export const PROBLEM_BASE = 'https://quayside.example/problems/';

export const PROBLEMS = {
  'malformed-body': { status: 400, title: 'The body is not the JSON that this API reads.' },
  'unknown-field': { status: 400, title: 'The body has fields that this resource does not have.' },
  'invalid-parameter': { status: 400, title: 'A parameter of the address or a header is invalid.' },
  'invalid-cursor': { status: 400, title: 'The cursor is none that this list gave out.' },
  'idempotency-key-missing': { status: 400, title: 'This request needs an Idempotency-Key header.' },
  'merchant-required': { status: 400, title: 'The key serves several merchants: name one.' },
  unauthenticated: { status: 401, title: 'The API key is missing, unknown, expired or revoked.' },
  'invalid-signature': { status: 401, title: 'The signature does not fit the body.' },
  forbidden: { status: 403, title: 'The API key lacks the scope for this.' },
  'not-found': { status: 404, title: 'There is no such thing.' },
  'method-not-allowed': { status: 405, title: 'This address does not take that method.' },
  'illegal-transition': { status: 409, title: 'The present state does not allow this.' },
  'idempotency-in-flight': { status: 409, title: 'The first request with this key is still at work.' },
  conflict: { status: 409, title: 'It collides with something that exists.' },
  'insufficient-stock': { status: 409, title: 'There is less than was asked for.' },
  'stale-version': { status: 412, title: 'It has changed since you read it.' },
  'body-too-large': { status: 413, title: 'The body is larger than 1 MiB.' },
  'unsupported-media-type': { status: 415, title: 'The body must be application/json in UTF-8.' },
  'invalid-body': { status: 422, title: 'A value of the body is invalid.' },
  'invalid-quantity': { status: 422, title: 'A quantity is not a whole number in its range.' },
  'invalid-money': { status: 422, title: 'An amount or currency is invalid.' },
  'invalid-reference': { status: 422, title: 'The body names something that does not exist.' },
  'invalid-scan': { status: 422, title: 'The scan does not fit the work.' },
  'order-not-processable': { status: 422, title: 'The order would be parked, and strict was asked for.' },
  'idempotency-key-reused': { status: 422, title: 'The key was used for another request.' },
  'rate-limited': { status: 429, title: 'Too many requests.' },
  internal: { status: 500, title: 'Something broke on our side.' },
  'partner-failed': { status: 502, title: 'A partner could not be reached or refused.' },
  unavailable: { status: 503, title: 'A part of the engine is away; nothing is lost, try again.' },
} as const satisfies Readonly<Record<string, { readonly status: number; readonly title: string }>>;

export type ProblemSlug = keyof typeof PROBLEMS;

export interface FieldError {
  /** RFC 6901; '' is the whole body. */
  readonly pointer: string;
  readonly message: string;
}

export interface ProblemOptions {
  readonly detail?: string;
  readonly errors?: readonly FieldError[];
  /** Further members, e.g. the state that forbids a transition. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** Thrown anywhere in the API; becomes the answer. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly status: number;
  constructor(
    readonly slug: ProblemSlug,
    readonly options: ProblemOptions = {},
  ) {
    super(
      options.detail ?? PROBLEMS[slug].title,
      options.cause === undefined ? {} : { cause: options.cause },
    );
    this.status = PROBLEMS[slug].status;
  }

  /** The body of the answer, without the trace id. */
  body(): Record<string, unknown> {
    const { title, status } = PROBLEMS[this.slug];
    const { detail, errors, members } = this.options;
    return {
      type: PROBLEM_BASE + this.slug,
      title,
      status,
      ...(detail === undefined ? {} : { detail }),
      ...(errors === undefined ? {} : { errors }),
      ...members,
    };
  }
}

/** Seconds that a caller waits out an outage of a part: a restarting Postgres is back well within it. */
const RETRY_AFTER_SECONDS = '2';

const FAILURES: Readonly<Record<FailureType, ProblemSlug>> = {
  PartnerUnavailable: 'partner-failed',
  PartnerRateLimited: 'partner-failed',
  PartnerOutcomeUnknown: 'partner-failed',
  PartnerRejected: 'partner-failed',
  PartnerMalformed: 'partner-failed',
  PartnerUnauthorised: 'partner-failed',
  AddressUndeliverable: 'invalid-body',
  NoServiceAvailable: 'conflict',
  ListingGone: 'conflict',
  StaleQuantity: 'conflict',
  NotFound: 'not-found',
  IllegalTransition: 'illegal-transition',
  InvalidInput: 'invalid-body',
  InvariantBroken: 'internal',
  DatabaseUnavailable: 'unavailable',
};

/** Details of a failure that a caller may see; the rest stays in the logs. */
const OPEN_DETAILS = ['state', 'errors', 'expected', 'reason', 'available', 'onHand'];

/** What went wrong, as the caller is told it. Anything that nobody foresaw is `internal`. */
export function toProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof Failure) return fromFailure(error);
  if (error instanceof DatabaseError) return fromDatabase(error);
  const httpStatus = (error as { status?: unknown; type?: unknown } | null)?.status;
  if (error instanceof Error && typeof httpStatus === 'number') return fromBodyReader(error, httpStatus);
  return new ProblemError('internal', { cause: error });
}

function fromFailure(failure: Failure): ProblemError {
  const slug = FAILURES[failure.type];
  // A failure whose details point at fields that a scan or count got wrong says so by `expected`.
  const precise =
    slug === 'invalid-body' && failure.details['expected'] !== undefined ? 'invalid-scan' : slug;
  if (slug === 'internal') return new ProblemError(slug, { cause: failure });
  const members = Object.fromEntries(
    OPEN_DETAILS.filter((name) => failure.details[name] !== undefined).map((name) => [
      name,
      failure.details[name],
    ]),
  );
  return new ProblemError(precise, {
    // Another merchant's thing must read exactly like one that never was.
    ...(slug === 'not-found' || slug === 'unavailable' ? {} : { detail: failure.message }),
    ...(slug === 'not-found' ? {} : { members }),
    ...(slug === 'unavailable' ? { headers: { 'Retry-After': RETRY_AFTER_SECONDS } } : {}),
    cause: failure,
  });
}

/** SQLSTATE: class 22 is a value that no column takes, 23505 a taken key, 23503 a reference to nothing. */
function fromDatabase(error: DatabaseError): ProblemError {
  const code = error.code ?? '';
  if (code.startsWith('22')) return new ProblemError('invalid-body', { cause: error });
  if (code === '23505') return new ProblemError('conflict', { cause: error });
  if (code === '23503') return new ProblemError('invalid-reference', { cause: error });
  // No room, too many connections, a lock that was not to be had, an operator at work.
  if (/^(53|57)/.test(code) || code === '55P03' || code === '25P03') {
    return new ProblemError('unavailable', {
      headers: { 'Retry-After': RETRY_AFTER_SECONDS },
      cause: error,
    });
  }
  return new ProblemError('internal', { cause: error });
}

/** Errors of Express's router and body reader carry a status. */
function fromBodyReader(error: Error, status: number): ProblemError {
  if (status === 413) return new ProblemError('body-too-large', { cause: error });
  if (status === 415) return new ProblemError('unsupported-media-type', { cause: error });
  if (status >= 400 && status < 500) {
    // A path that is no percent-encoding names nothing; a body that broke off is no JSON.
    const slug = error instanceof URIError ? 'not-found' : 'malformed-body';
    return new ProblemError(slug, { cause: error });
  }
  return new ProblemError('internal', { cause: error });
}

/** Escapes one step of a pointer (RFC 6901, section 3). */
function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replace(/~/g, '~0').replace(/\//g, '~1')}`).join('');
}

const isQuantity = (name: string) => /quantity$|^(delta|multiplier)$/i.test(name);
const isMoney = (name: string) => /Minor$|^currency$/.test(name);

/** What a schema found in a body: unknown fields before bad values, a quantity or an amount by its own name. */
export function bodyProblem(error: ZodError): ProblemError {
  const unknown = error.issues.filter((issue) => issue.code === 'unrecognized_keys');
  if (unknown.length > 0) {
    const errors = unknown.flatMap((issue) =>
      issue.keys.map((key) => ({ pointer: pointerOf([...issue.path, key]), message: 'unknown field' })),
    );
    return new ProblemError('unknown-field', { errors: errors.slice(0, 100) });
  }
  // A name of its own only where it is the whole story.
  const names = error.issues.map((issue) => String(issue.path.findLast((part) => typeof part === 'string')));
  const slug = names.every(isQuantity)
    ? 'invalid-quantity'
    : names.every(isMoney)
      ? 'invalid-money'
      : 'invalid-body';
  return new ProblemError(slug, { errors: fieldErrors(error) });
}

/** What a schema found in the path, the query or a header. */
export function parameterProblem(error: ZodError): ProblemError {
  return new ProblemError('invalid-parameter', { errors: fieldErrors(error) });
}

function fieldErrors(error: ZodError): FieldError[] {
  // A thousand lines with three faults each help nobody.
  return error.issues
    .slice(0, 100)
    .map((issue) => ({ pointer: pointerOf(issue.path), message: issue.message }));
}
