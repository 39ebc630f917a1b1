/** API keys: made once, shown once, listed by their first characters, revoked for good. */
import { z } from 'zod';
import { createApiKey, reaches, revokeKey } from '../commands/organisation';
import { idParams } from '../contracts/common';
import { apiKeySchema, createdApiKeySchema, newApiKeySchema } from '../contracts/organisation';
import { type ApiKeyListRow, listApiKeys } from '../db/api-key.repo';
import { administratorOf, timeOf } from './answers';
import { mintApiKey } from './api-key';
import { page, pageOf, pageQuery, readCursor } from './pagination';
import { defineRoute, type Route } from './route';

export const apiKeyRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/api-keys',
    operationId: 'listApiKeys',
    summary: 'List API keys',
    tag: 'Organisation',
    scope: 'admin',
    merchant: 'organisation',
    query: z.strictObject(pageQuery),
    answers: { 200: pageOf(apiKeySchema) },
    handler: async (context) => {
      const { limit, cursor } = context.query;
      const after = readCursor('api-keys', z.uuid(), cursor);
      const admin = administratorOf(context);
      const rows = await context.transaction((tx) => listApiKeys(tx, admin.organisationId, after, limit + 1));
      const all = page(
        'api-keys',
        rows,
        limit,
        (row) => row.id,
        (row) => row,
      );
      const shown = all.items.filter((row) => reaches(admin, row.merchant_ids));
      return { body: { ...all, items: shown.map(keyOf) } };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/api-keys',
    operationId: 'createApiKey',
    summary: 'Make an API key',
    description:
      'The key is in the answer and nowhere else; a replay of the request answers null for it. It reaches no merchant that your own key does not.',
    tag: 'Organisation',
    scope: 'admin',
    merchant: 'organisation',
    body: newApiKeySchema,
    answers: { 201: createdApiKeySchema },
    handler: (context) =>
      context.commit(async (tx) => {
        const { key, prefix, sha256 } = mintApiKey(context.body.kind);
        const id = await createApiKey(tx, context.body, { prefix, sha256 }, administratorOf(context));
        return { status: 201, body: { id, prefix, key }, replayBody: { id, prefix, key: null } };
      }),
  }),
  defineRoute({
    method: 'post',
    path: '/v1/api-keys/{id}/revoke',
    operationId: 'revokeApiKey',
    summary: 'Revoke an API key',
    description: 'Takes effect at once here and within a second in other processes.',
    tag: 'Organisation',
    scope: 'admin',
    merchant: 'organisation',
    params: idParams,
    answers: { 200: apiKeySchema },
    handler: async (context) => {
      const answer = await context.commit(async (tx) => ({
        body: keyOf(await revokeKey(tx, context.params.id, administratorOf(context))),
      }));
      context.forgetKeys();
      return answer;
    },
  }),
];

function keyOf(row: ApiKeyListRow) {
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    scopes: row.scopes,
    merchantIds: row.merchant_ids,
    personId: row.person_id,
    expiresAt: timeOf(row.expires_at),
    revokedAt: timeOf(row.revoked_at),
    createdAt: timeOf(row.created_at),
  };
}
