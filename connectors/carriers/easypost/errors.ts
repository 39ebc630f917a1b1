/**
 * What EasyPost's error codes mean for us. It answers most refusals with 422 and a code, some with
 * 400, 402 or 404, and has been seen to answer 200 with an error in the body; the code decides, not the
 * status. A code that says "the carrier did not answer" is an unknown outcome and never a refusal:
 * taking it for one would buy a second label. Messages are EasyPost's words about its own
 * fields; the field errors behind them may repeat an address, so only their codes are kept.
 */
import { z } from 'zod';
import { Failure, type FailureType } from '../../../domain/failure-types';

/** `errors` holds objects or plain strings (docs.easypost.com/docs/errors). */
const errorBodySchema = z.object({
  error: z.object({
    code: z.string().min(1).max(200),
    message: z.unknown().optional(),
    errors: z.array(z.unknown()).optional(),
  }),
});

export interface EasyPostError {
  readonly code: string;
  readonly message: string;
  /** Codes of the field errors, e.g. E.ADDRESS.NOT_FOUND. */
  readonly fieldCodes: readonly string[];
}

/** The error that a body carries, null when it carries none. */
export function readErrorBody(json: unknown): EasyPostError | null {
  const read = errorBodySchema.safeParse(json);
  if (!read.success) return null;
  const { code, message, errors = [] } = read.data.error;
  const fieldCodes = errors
    .map((entry) => (typeof entry === 'object' && entry !== null ? (entry as { code?: unknown }).code : null))
    .filter((entry): entry is string => typeof entry === 'string');
  return { code, message: typeof message === 'string' ? message.slice(0, 300) : code, fieldCodes };
}

export const POSTAGE_EXISTS = 'SHIPMENT.POSTAGE.EXISTS';

/**
 * Ends of codes, first match wins. EasyPost writes some of them with and some without the object in
 * front (`SHIPMENT.POSTAGE.TIMED_OUT`, `REFUND.NO_RESPONSE`).
 */
const MEANING: readonly (readonly [ending: string, type: FailureType])[] = [
  ['PURCHASE.IN_PROGRESS', 'PartnerOutcomeUnknown'],
  ['.TIMED_OUT', 'PartnerOutcomeUnknown'],
  ['.NO_RESPONSE', 'PartnerOutcomeUnknown'],
  ['ADDRESS.VERIFY.UNAVAILABLE', 'PartnerUnavailable'],
  ['ADDRESS.VERIFY.FAILURE', 'AddressUndeliverable'],
  ['ADDRESS.VERIFICATION.FAILURE', 'AddressUndeliverable'],
  ['ADDRESS.NOT_FOUND', 'AddressUndeliverable'],
  ['RATES.UNAVAILABLE', 'NoServiceAvailable'],
  ['RATE_LIMITED', 'PartnerRateLimited'],
  ['APIKEY.INACTIVE', 'PartnerUnauthorised'],
];

/** What this error is to the caller; a code we don't know is a refusal (`PartnerRejected`). */
export function failureOf(error: EasyPostError, status: number, what: string): Failure {
  const type = MEANING.find(([ending]) => error.code.endsWith(ending))?.[1] ?? 'PartnerRejected';
  const { code, fieldCodes } = error;
  return new Failure(type, `${what}: ${error.message}`, { status, code, fieldCodes });
}

/** Whether a failure carries this code of EasyPost's. */
export function hasCode(failure: Failure, code: string): boolean {
  return failure.details['code'] === code;
}
