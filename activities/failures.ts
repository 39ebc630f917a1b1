/** How an expected failure looks to Temporal: its type stays plain, retrying stops where it cannot help. */
import { ApplicationFailure } from '@temporalio/common';
import { Failure } from '../domain/failure-types';

/** Runs the body; a `Failure` leaves as an ApplicationFailure of its type, anything else unchanged. */
export async function asApplicationFailure<T>(body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw ApplicationFailure.create({
      type: error.type,
      message: error.message,
      nonRetryable: !error.retryable,
      ...(error.retryAfterMs === undefined ? {} : { nextRetryDelay: error.retryAfterMs }),
      cause: error,
    });
  }
}
