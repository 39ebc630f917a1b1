/** Small things that many handlers answer or pass on alike. */
import { ProblemError } from './problem';
import type { Caller } from './route';

/** The strong entity tag of a version that Postgres counts. */
export function etag(version: bigint): { readonly ETag: string } {
  return { ETag: `"${version}"` };
}

/** Who changes something, for the audit log. */
export function editorOf(context: { readonly caller: Caller; readonly requestId: string }) {
  return { actor: context.caller.actor, requestId: context.requestId };
}

export function timeOf(at: Date): string;
export function timeOf(at: Date | null): string | null;
export function timeOf(at: Date | null): string | null {
  return at === null ? null : at.toISOString();
}

/** Minor units as text: JSON numbers are floats. */
export function minorOf(amount: bigint): string;
export function minorOf(amount: bigint | null): string | null;
export function minorOf(amount: bigint | null): string | null {
  return amount === null ? null : String(amount);
}

/** Who administers, with what they may reach at most. */
export function administratorOf(context: { readonly caller: Caller; readonly requestId: string }) {
  const { organisationId, merchantIds, allMerchants } = context.caller;
  return { organisationId, merchantIds, allMerchants, ...editorOf(context) };
}

/** @throws ProblemError forbidden for a key that is for some merchants only. */
export function requireWholeOrganisation(caller: Caller): void {
  if (!caller.allMerchants) {
    throw new ProblemError('forbidden', {
      detail: 'This needs a key for all merchants of the organisation.',
    });
  }
}
