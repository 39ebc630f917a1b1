/** API keys. Only the SHA-256 of a key is stored, so looking one up by its digest is also the constant-time comparison. */
import type { Tx } from './client';

export interface ApiKeyRow {
  readonly id: string;
  readonly organisation_id: string;
  readonly scopes: readonly string[];
  /** null: every merchant of the organisation. */
  readonly merchant_ids: readonly string[] | null;
  readonly person_id: string | null;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
  /** Merchants of the organisation, as `[id, slug]`. */
  readonly merchants: readonly (readonly [string, string])[];
}

/** The key with this digest, as the system role: nobody's tenant is known yet. */
export async function findApiKey(tx: Tx, sha256: Buffer): Promise<ApiKeyRow | null> {
  const [row] = await tx.rows<ApiKeyRow>({
    name: 'api-key-find',
    text: `select k.id, k.organisation_id, k.scopes, k.merchant_ids, k.person_id, k.expires_at, k.revoked_at,
        coalesce((select json_agg(json_build_array(m.id, m.slug) order by m.id) from merchant m
          where m.organisation_id = k.organisation_id), '[]') as merchants
      from api_key k where k.key_sha256 = $1`,
    values: [sha256],
  });
  return row ?? null;
}

export interface NewApiKey {
  readonly id: string;
  readonly organisationId: string;
  readonly name: string;
  readonly prefix: string;
  readonly sha256: Buffer;
  readonly scopes: readonly string[];
  readonly merchantIds: readonly string[] | null;
  readonly personId: string | null;
  readonly expiresAt: Date | null;
}

export async function insertApiKey(tx: Tx, key: NewApiKey): Promise<void> {
  await tx.run({
    text: `insert into api_key (id, organisation_id, name, prefix, key_sha256, scopes, merchant_ids, person_id, expires_at)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    values: [
      key.id,
      key.organisationId,
      key.name,
      key.prefix,
      key.sha256,
      key.scopes,
      key.merchantIds,
      key.personId,
      key.expiresAt,
    ],
  });
}

export interface ApiKeyListRow {
  readonly id: string;
  readonly name: string;
  readonly prefix: string;
  readonly scopes: readonly string[];
  readonly merchant_ids: readonly string[] | null;
  readonly person_id: string | null;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
  readonly created_at: Date;
}

const LISTED = 'id, name, prefix, scopes, merchant_ids, person_id, expires_at, revoked_at, created_at';

/** Keys of the organisation from `afterId` on, oldest first (ids grow with time). */
export function listApiKeys(
  tx: Tx,
  organisationId: string,
  afterId: string | null,
  limit: number,
): Promise<ApiKeyListRow[]> {
  return tx.rows<ApiKeyListRow>({
    text: `select ${LISTED} from api_key where organisation_id = $1 and ($2::uuid is null or id > $2) order by id limit $3`,
    values: [organisationId, afterId, limit],
  });
}

/** Revokes; a second time changes nothing. Null when the organisation has no such key. */
export async function revokeApiKey(
  tx: Tx,
  organisationId: string,
  id: string,
): Promise<ApiKeyListRow | null> {
  const [row] = await tx.rows<ApiKeyListRow>({
    text: `update api_key set revoked_at = coalesce(revoked_at, now())
      where organisation_id = $1 and id = $2 returning ${LISTED}`,
    values: [organisationId, id],
  });
  return row ?? null;
}

/** Whether the organisation has this person. */
export async function personExists(tx: Tx, organisationId: string, id: string): Promise<boolean> {
  const rows = await tx.rows({
    text: 'select 1 from person where organisation_id = $1 and id = $2',
    values: [organisationId, id],
  });
  return rows.length === 1;
}
