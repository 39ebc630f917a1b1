/**
 * Who asks. The bearer key is looked up by its digest as the system role, for no tenant is known yet;
 * what comes out is a `Caller` whose merchants every later transaction is narrowed to. Look-ups are
 * kept for a second, so that a busy key costs one a second; a revocation is felt at once in the process
 * that made it and within that second everywhere else.
 */

import { type Scope, scopeSchema } from '../contracts/scopes';
import { findApiKey } from '../db/api-key.repo';
import type { Database } from '../db/client';
import { isApiKey, sha256Of } from './api-key';
import { ProblemError } from './problem';
import type { Caller, Route } from './route';

const KEPT_MS = 1_000;
/** Far more keys than one process serves in a second; bounds what a flood of good keys can hold. */
const KEPT_KEYS = 10_000;

interface Known {
  readonly caller: Caller;
  /** Slugs of the caller's merchants. */
  readonly bySlug: ReadonlyMap<string, string>;
  readonly expiresAt: number;
}

export class Authenticator {
  private readonly kept = new Map<
    string,
    { readonly until: number; readonly found: Promise<Known | null> }
  >();

  constructor(private readonly database: Database) {}

  /** @throws ProblemError unauthenticated. */
  async authenticate(authorization: string | undefined): Promise<Known> {
    const key = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (key === undefined || !isApiKey(key)) throw unauthenticated();
    const known = await this.find(sha256Of(key));
    if (known === null || known.expiresAt <= Date.now()) throw unauthenticated();
    return known;
  }

  /** Forgets what is known of all keys: one was made or revoked, or a merchant came. */
  forget(): void {
    this.kept.clear();
  }

  private find(sha256: Buffer): Promise<Known | null> {
    const name = sha256.toString('base64');
    const now = Date.now();
    const kept = this.kept.get(name);
    if (kept !== undefined && kept.until > now) return kept.found;
    const found = this.lookUp(sha256);
    if (this.kept.size >= KEPT_KEYS) this.kept.clear();
    this.kept.set(name, { until: now + KEPT_MS, found });
    found.then(
      (known) => known === null && this.kept.delete(name),
      () => this.kept.delete(name),
    );
    return found;
  }

  private async lookUp(sha256: Buffer): Promise<Known | null> {
    const row = await this.database.withSystem((tx) => findApiKey(tx, sha256));
    if (row === null || row.revoked_at !== null) return null;
    const merchants = row.merchants.filter(
      ([id]) => row.merchant_ids === null || row.merchant_ids.includes(id),
    );
    return {
      expiresAt: row.expires_at?.getTime() ?? Number.POSITIVE_INFINITY,
      bySlug: new Map(merchants.map(([id, slug]) => [slug, id])),
      caller: {
        apiKeyId: row.id,
        organisationId: row.organisation_id,
        merchantIds: merchants.map(([id]) => id),
        allMerchants: row.merchant_ids === null,
        scopes: new Set(row.scopes.filter((scope): scope is Scope => scopeSchema.safeParse(scope).success)),
        personId: row.person_id,
        actor: row.person_id === null ? `key:${row.id}` : `person:${row.person_id}`,
      },
    };
  }
}

/** @throws ProblemError forbidden when the key lacks the route's scope. */
export function requireScope(caller: Caller, route: Route): void {
  if (!caller.scopes.has(route.scope)) {
    throw new ProblemError('forbidden', { detail: `This needs the scope ${route.scope}.` });
  }
}

/**
 * The merchants that a request is for: the one its header names (id or slug), else all of the key's.
 * @throws ProblemError not-found for a merchant that isn't the key's, merchant-required when a route
 * acts for one and several are possible.
 */
export function merchantsOf(known: Known, route: Route, header: string | undefined): readonly string[] {
  const { caller, bySlug } = known;
  if (header !== undefined) {
    const named = header.trim();
    const id = caller.merchantIds.find((merchant) => merchant === named.toLowerCase()) ?? bySlug.get(named);
    if (id === undefined) throw new ProblemError('not-found');
    return [id];
  }
  if (route.merchant === 'one' && caller.merchantIds.length !== 1) {
    throw new ProblemError('merchant-required', {
      detail: 'Send the header Quayside-Merchant with an id or slug.',
    });
  }
  return caller.merchantIds;
}

function unauthenticated(): ProblemError {
  return new ProblemError('unauthenticated', { headers: { 'WWW-Authenticate': 'Bearer' } });
}
