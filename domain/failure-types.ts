/**
 * Every failure a step can end with, by the stable name that Temporal, the exceptions table and
 * the API show. `retryable` says whether the same call may succeed later without anybody's help.
 */
export const FAILURE_TYPES = {
  // Outside calls
  PartnerUnavailable: { retryable: true },
  PartnerRateLimited: { retryable: true },
  PartnerOutcomeUnknown: { retryable: true },
  PartnerRejected: { retryable: false },
  PartnerMalformed: { retryable: false },
  PartnerUnauthorised: { retryable: false },
  AddressUndeliverable: { retryable: false },
  NoServiceAvailable: { retryable: false },
  ListingGone: { retryable: false },
  StaleQuantity: { retryable: false },
  // Our own decisions
  NotFound: { retryable: false },
  IllegalTransition: { retryable: false },
  InvalidInput: { retryable: false },
  InvariantBroken: { retryable: false },
  // Infrastructure
  DatabaseUnavailable: { retryable: true },
} as const satisfies Record<string, { readonly retryable: boolean }>;

export type FailureType = keyof typeof FAILURE_TYPES;

/** An expected failure with a stable type; everything else that is thrown is a bug. */
export class Failure extends Error {
  override readonly name = 'Failure';
  constructor(
    readonly type: FailureType,
    message: string,
    readonly details: Readonly<Record<string, unknown>> = {},
    options?: { readonly cause?: unknown; readonly retryAfterMs?: number },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.retryAfterMs = options?.retryAfterMs;
  }
  /** Earliest time, in milliseconds from now, at which the partner wants to be asked again. */
  readonly retryAfterMs: number | undefined;

  get retryable(): boolean {
    return FAILURE_TYPES[this.type].retryable;
  }
}

export function isFailure(error: unknown, type?: FailureType): error is Failure {
  return error instanceof Failure && (type === undefined || error.type === type);
}
