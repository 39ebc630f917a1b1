/**
 * What a route is. Every route of the API is declared once, as data: Express routing, authentication,
 * parsing, idempotency, the OpenAPI page and the tests' sweep over tenants are all made from the same
 * declaration, so a route that one of them doesn't know can't exist. A handler gets a context that was
 * authenticated, narrowed to merchants and parsed; it returns an answer or throws a `Failure` or a
 * `ProblemError`. It never touches Express.
 *
 * Idempotency: a POST needs the header `Idempotency-Key` (other unsafe methods honour one). Two ways to
 * keep the promise "same key, same effect, same answer", whatever dies in between:
 *  - the handler writes inside `context.commit(…)`: effect and answer are one transaction;
 *  - the handler calls a command that deduplicates by a key of its own, built from
 *    `context.effectKey` or from the thing's own business key.
 */
import type { ZodType, z } from 'zod';
import type { Scope } from '../contracts/scopes';
import type { Tx } from '../db/client';
import type { ApiDeps } from './deps';
import type { ServerEvents } from './event-stream';
import type { StockFollower } from './stock-follower';

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** Who asks, from the API key. */
export interface Caller {
  readonly apiKeyId: string;
  readonly organisationId: string;
  /** Every merchant the key may act for. */
  readonly merchantIds: readonly string[];
  /** True when the key is for all merchants of its organisation, also future ones. */
  readonly allMerchants: boolean;
  readonly scopes: ReadonlySet<Scope>;
  /** The person the key belongs to; keys with scope `floor` have one. */
  readonly personId: string | null;
  /** For the audit log: `person:<id>` or `key:<id>`. */
  readonly actor: string;
}

export interface RouteContext<Params = unknown, Query = unknown, Body = unknown> {
  readonly deps: ApiDeps;
  readonly caller: Caller;
  /** The one merchant of a route with `merchant: 'one'`; '' elsewhere. */
  readonly merchantId: string;
  /** Merchants this request may see: the key's, narrowed by the header `Quayside-Merchant`. */
  readonly merchantIds: readonly string[];
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** Version from `If-Match`, null when absent or `*`; answers give it as `ETag`. */
  readonly ifMatch: bigint | null;
  /** The header as sent; null only where it is not required. */
  readonly idempotencyKey: string | null;
  /** `api:{key id}:{idempotency key}`, unique a request; for commands that take a key or cause id. */
  readonly effectKey: string;
  readonly requestId: string;
  readonly traceId: string;
  /** Where a stream of events is to go on, as its reader gives it back; null at its beginning. */
  readonly lastEventId: string | null;
  readonly follower: StockFollower;
  /** A transaction that sees `merchantIds` and the caller's organisation. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /**
   * Like `transaction`, and records the answer under the idempotency key with the effect.
   * @param also merchants that the transaction sees besides: one that it creates.
   */
  commit(work: (tx: Tx) => Promise<RouteAnswer>, also?: readonly string[]): Promise<RouteAnswer>;
  /** Forgets kept look-ups of keys, after a key or a merchant changed. */
  forgetKeys(): void;
}

export interface RouteAnswer {
  /** Default 200. */
  readonly status?: number;
  /** JSON; left out for 204. It is kept for replays of a POST: no personal data there. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** What a replay answers instead, where the body holds what is shown once. */
  readonly replayBody?: unknown;
  /** Instead of a body, of a route with `events`. */
  readonly events?: ServerEvents;
}

interface RouteShape {
  readonly method: Method;
  /** OpenAPI style: `/v1/orders/{id}`. */
  readonly path: string;
  /** Unique, camelCase; the sweep lists routes by it. */
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tag: string;
  readonly scope: Scope;
  /**
   * `one`: acts for exactly one merchant, by header or because the key has only one.
   * `any`: over all merchants of the request; things are found by their id.
   * `organisation`: over the organisation; merchants play no part.
   */
  readonly merchant: 'one' | 'any' | 'organisation';
  /** Schemas of the answers by status; problems need no listing. null: no body. */
  readonly answers: Readonly<Record<number, ZodType | null>>;
  /**
   * `stored` (default): the answer of a POST is kept a day and replayed. `handler`: the handler itself
   * answers the same to the same key (scans, whose key is the scan's event id).
   */
  readonly idempotency?: 'stored' | 'handler';
  /** True when `If-Match` is honoured: a stale version is 412. */
  readonly ifMatch?: boolean;
  /** True when it answers with server-sent events; the schema of 200 is that of their data. */
  readonly events?: boolean;
}

export interface Route extends RouteShape {
  readonly params?: ZodType;
  readonly query?: ZodType;
  readonly body?: ZodType;
  readonly handler: (context: RouteContext) => Promise<RouteAnswer>;
}

interface TypedRoute<P extends ZodType, Q extends ZodType, B extends ZodType> extends RouteShape {
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly handler: (context: RouteContext<z.output<P>, z.output<Q>, z.output<B>>) => Promise<RouteAnswer>;
}

/** Declares a route; its handler's params, query and body have the types of the schemas. */
export function defineRoute<P extends ZodType, Q extends ZodType, B extends ZodType>(
  route: TypedRoute<P, Q, B>,
): Route {
  // The pipeline parses with the very schemas that stand beside the handler before it calls it.
  return route as unknown as Route;
}
