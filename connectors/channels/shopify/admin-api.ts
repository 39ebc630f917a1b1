/**
 * One call of Shopify's GraphQL Admin API, by Shopify's own client for address, headers and body, over
 * our exchange: the client alone insists on https (the simulator has none), knows no time-out, and
 * wraps whatever goes wrong in a plain error that no longer says whether the call was sent. Its retries
 * are off, for those are the caller's. Shopify answers most refusals with 200 and an `errors` list; the
 * code of its first entry decides which failure it is.
 */
import { createAdminApiClient } from '@shopify/admin-api-client';
import { type ZodType, z } from 'zod';
import { Failure } from '../../../domain/failure-types';
import { httpExchange, readShape } from '../../http';
import type { ChannelAccount } from '../port';
import { SHOPIFY_API_VERSION } from './documents';

export interface AdminCall<S extends ZodType> {
  readonly document: string;
  readonly variables: Readonly<Record<string, unknown>>;
  /** Shape of `data`. */
  readonly shape: S;
  /** True for mutations. */
  readonly write: boolean;
}

const answerSchema = z.looseObject({
  data: z.unknown().optional(),
  errors: z
    .array(
      z.looseObject({
        message: z.string(),
        extensions: z.looseObject({ code: z.string().optional() }).optional(),
      }),
    )
    .optional(),
  extensions: z
    .looseObject({
      cost: z
        .looseObject({
          requestedQueryCost: z.number(),
          throttleStatus: z.looseObject({
            currentlyAvailable: z.number(),
            restoreRate: z.number().positive(),
          }),
        })
        .optional(),
    })
    .optional(),
});
type AdminAnswer = z.output<typeof answerSchema>;

/** When Shopify throttles without saying how much is missing: its buckets refill every second. */
const THROTTLED_MS = 1_000;

/**
 * Sends one document; answers its `data`.
 * @throws Failure as the channels' port lists them.
 */
export async function callAdminApi<S extends ZodType>(
  account: ChannelAccount,
  call: AdminCall<S>,
): Promise<z.output<S>> {
  const { write, shape } = call;
  const json = await exchange(account, call);
  const answer = readShape(answerSchema, json, { write, what: 'Shopify' });
  if (answer.errors !== undefined && answer.errors.length > 0) throw failureOf(answer, write);
  return readShape(shape, answer.data, { write, what: 'Shopify' });
}

async function exchange(account: ChannelAccount, call: AdminCall<ZodType>): Promise<unknown> {
  const { baseUrl, credentials, timeoutMs } = account;
  const accessToken = credentials['accessToken'];
  if (!accessToken) throw new Failure('PartnerUnauthorised', 'the connection has no accessToken');

  let json: unknown;
  let ending: { readonly error: unknown } | undefined;
  const client = createAdminApiClient({
    storeDomain: new URL(baseUrl).host,
    apiVersion: SHOPIFY_API_VERSION,
    accessToken,
    userAgentPrefix: 'Quayside',
    // Without one it warns on the console of versions that are younger than itself.
    logger: () => undefined,
    customFetchApi: async (url, init) => {
      try {
        const answer = await httpExchange({
          url: new URL(new URL(url).pathname, baseUrl).href,
          method: 'POST',
          headers: init?.headers as Record<string, string>,
          body: init?.body ?? '',
          timeoutMs,
          write: call.write,
        });
        json = answer.json;
        return new Response(null, { status: 200 });
      } catch (error) {
        ending = { error };
        throw error;
      }
    },
  });
  try {
    await client.fetch(call.document, { variables: { ...call.variables } });
  } catch (error) {
    throw ending?.error ?? error;
  }
  return json;
}

function failureOf({ errors = [], extensions }: AdminAnswer, write: boolean): Failure {
  const messages = errors.slice(0, 5).map(({ message }) => message);
  const code = errors[0]?.extensions?.code ?? null;
  const message = `Shopify refused the call: ${messages[0] ?? 'without a message'}`;
  const details = { code, messages };
  switch (code) {
    case 'THROTTLED':
      return new Failure('PartnerRateLimited', message, details, { retryAfterMs: waitOf(extensions?.cost) });
    case 'ACCESS_DENIED':
      return new Failure('PartnerUnauthorised', message, details);
    case 'INTERNAL_SERVER_ERROR':
    case 'TIMEOUT':
      return new Failure(write ? 'PartnerOutcomeUnknown' : 'PartnerUnavailable', message, details);
    default:
      return new Failure('PartnerRejected', message, details);
  }
}

type Cost = NonNullable<NonNullable<AdminAnswer['extensions']>['cost']>;

/** Milliseconds until the bucket holds what the call asks for. */
function waitOf(cost: Cost | undefined): number {
  if (cost === undefined) return THROTTLED_MS;
  const { currentlyAvailable, restoreRate } = cost.throttleStatus;
  const missing = cost.requestedQueryCost - currentlyAvailable;
  return missing > 0 ? Math.ceil((missing / restoreRate) * 1000) : THROTTLED_MS;
}

export const pageInfoSchema = z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() });

export interface Connection<T> {
  readonly pageInfo: z.output<typeof pageInfoSchema>;
  readonly nodes: readonly T[];
}

/** All nodes of a connection that come after the page in hand. `read` asks for the page after a cursor. */
export async function remainingPages<T>(
  first: Connection<T>,
  read: (after: string) => Promise<Connection<T>>,
): Promise<T[]> {
  const nodes: T[] = [];
  let { pageInfo } = first;
  while (pageInfo.hasNextPage && pageInfo.endCursor !== null) {
    const page = await read(pageInfo.endCursor);
    nodes.push(...page.nodes);
    pageInfo = page.pageInfo;
  }
  return nodes;
}
