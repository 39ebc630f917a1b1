/**
 * What stands between one carrier account and everybody else: a breaker that stops asking an account that
 * keeps failing, and a bulkhead so that one slow account cannot take every slot of the worker. Per
 * process and account; an open breaker fails at once as PartnerUnavailable, which costs the order a retry
 * and the carrier nothing.
 */
import {
  BrokenCircuitError,
  BulkheadRejectedError,
  bulkhead,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhen,
  type IPolicy,
  wrap,
} from 'cockatiel';
import { Failure, isFailure } from '../../domain/failure-types';

/** Five failures in a row are no coincidence; ten seconds later one call tries again. */
const BREAKER_FAILURES = 5;
const BREAKER_OPEN_MS = 10_000;
/** Calls at once to one account, and how many may wait: carriers throttle well below this many. */
const CALLS_AT_ONCE = 24;
const CALLS_WAITING = 500;

/** Only what says that the partner itself is unwell counts; a refused parcel does not. */
const unwell = handleWhen(
  (error) => isFailure(error, 'PartnerUnavailable') || isFailure(error, 'PartnerOutcomeUnknown'),
);

export class CarrierGuard {
  private readonly policies = new Map<string, IPolicy>();

  /** Runs one call to the account. @throws Failure PartnerUnavailable when the account is cut off or full. */
  async call<T>(accountId: string, body: () => Promise<T>): Promise<T> {
    try {
      return await this.policyOf(accountId).execute(body);
    } catch (error) {
      if (error instanceof BrokenCircuitError || error instanceof BulkheadRejectedError) {
        throw new Failure(
          'PartnerUnavailable',
          'the carrier account is cut off after repeated failures',
          {},
          { cause: error },
        );
      }
      throw error;
    }
  }

  private policyOf(accountId: string): IPolicy {
    const known = this.policies.get(accountId);
    if (known) return known;
    const breaker = circuitBreaker(unwell, {
      halfOpenAfter: BREAKER_OPEN_MS,
      breaker: new ConsecutiveBreaker(BREAKER_FAILURES),
    });
    const policy = wrap(bulkhead(CALLS_AT_ONCE, CALLS_WAITING), breaker);
    this.policies.set(accountId, policy);
    return policy;
  }
}
