/**
 * From an HTTP request to a route's handler and back. The order is part of the contract: key (401),
 * scope (403), rate (429), media type and size (415, 413), JSON (400), path and query (404, 400),
 * merchant (404, 400), body (400, 422), idempotency (400, 409, 422), handler. Nothing is read from a
 * body before its sender is known, and nothing is claimed under an idempotency key before the request
 * is one that the handler can run.
 */
import type { Request, Response } from 'express';
import express from 'express';
import { type IRateLimiterRes, RateLimiterMemory } from 'rate-limiter-flexible';
import { z } from 'zod';
import type { Tx } from '../db/client';
import { type Authenticator, merchantsOf, requireScope } from './auth';
import type { ApiDeps } from './deps';
import { sendEvents } from './event-stream';
import {
  closeTicket,
  commitTicket,
  dropTicket,
  openTicket,
  readIdempotencyHeader,
  requestDigest,
  type Ticket,
} from './idempotency';
import { bodyProblem, ProblemError, parameterProblem, toProblem } from './problem';
import { contextOf } from './request-context';
import type { Route, RouteAnswer, RouteContext } from './route';
import { StockFollower } from './stock-follower';
import { readStrictJson } from './strict-json';

const BODY_LIMIT_BYTES = 1024 * 1024;

/** Shared by all routes of one app. */
export interface Pipeline {
  readonly deps: ApiDeps;
  readonly authenticator: Authenticator;
  readonly limiter: RateLimiterMemory;
  readonly follower: StockFollower;
}

export function createPipeline(deps: ApiDeps, authenticator: Authenticator): Pipeline {
  const limiter = new RateLimiterMemory({ points: deps.config.requestsPerMinute, duration: 60 });
  return { deps, authenticator, limiter, follower: new StockFollower(deps.database, deps.logger) };
}

/** The Express handler of a route. Never rejects: every ending is an answer. */
export function handle(pipeline: Pipeline, route: Route) {
  return async (request: Request, response: Response): Promise<void> => {
    contextOf(request).route = route.path;
    try {
      const answer = await run(pipeline, route, request, response);
      if (answer.events === undefined) send(response, answer);
      else await sendEvents(response, answer.events, pipeline.deps.closing);
    } catch (error) {
      sendProblem(pipeline.deps, request, response, error);
    }
  };
}

async function run(
  pipeline: Pipeline,
  route: Route,
  request: Request,
  response: Response,
): Promise<RouteAnswer> {
  const { deps } = pipeline;
  const known = await pipeline.authenticator.authenticate(request.headers.authorization);
  const { caller } = known;
  contextOf(request).apiKeyId = caller.apiKeyId;
  requireScope(caller, route);
  await limitRate(pipeline.limiter, caller.apiKeyId, response);

  const bytes = await readBody(route, request, response);
  const json = bytes.length === 0 ? undefined : readStrictJson(bytes);
  // No column takes NUL, and no name of anything has one.
  if (/%00/.test(request.originalUrl)) throw new ProblemError('invalid-parameter');
  const params = parseParams(route, request.params);
  const query = parseQuery(route, request);
  const merchantIds = merchantsOf(known, route, request.get('quayside-merchant'));
  const body = parseBody(route, json);
  const ifMatch = readIfMatch(request.get('if-match'));

  const header = request.get('idempotency-key');
  const unsafe = route.method !== 'get';
  const idempotencyKey =
    route.method === 'post' || (unsafe && header !== undefined) ? readIdempotencyHeader(header) : null;
  const ticket: Ticket | null =
    idempotencyKey !== null && route.idempotency !== 'handler' ? { caller, key: idempotencyKey } : null;

  const transaction = <T>(work: (tx: Tx) => Promise<T>, also: readonly string[] = []) =>
    deps.database.withTenants(
      { merchantIds: [...merchantIds, ...also], organisationIds: [caller.organisationId] },
      work,
    );
  // Whether the answer was committed with the effect; then it needs no transaction of its own.
  let recorded = false;
  const context: RouteContext = {
    deps,
    caller,
    merchantId: route.merchant === 'one' ? (merchantIds[0] as string) : '',
    merchantIds,
    params,
    query,
    body,
    ifMatch,
    idempotencyKey,
    effectKey: `api:${caller.apiKeyId}:${idempotencyKey ?? contextOf(request).requestId}`,
    requestId: contextOf(request).requestId,
    traceId: contextOf(request).traceId,
    lastEventId: request.get('last-event-id') ?? null,
    follower: pipeline.follower,
    transaction,
    commit: async (work, also) => {
      if (ticket === null) return transaction(work, also);
      const answer = await transaction((tx) => commitTicket(tx, ticket, work), also);
      recorded = true;
      return answer;
    },
    forgetKeys: () => pipeline.authenticator.forget(),
  };
  if (ticket === null) return route.handler(context);
  const digest = requestDigest([
    request.method,
    request.originalUrl,
    merchantIds.join(','),
    request.get('if-match') ?? '',
    bytes,
  ]);
  const before = await openTicket(deps.database, ticket, digest);
  if (before !== null) return before;
  const answer = await runOnTicket(deps, ticket, () => route.handler(context));
  if (!recorded) await closeTicket(deps.database, ticket, answer);
  return answer;
}

/** A refusal is an answer and is kept; a failure on our side gives the key back and is thrown on. */
async function runOnTicket(
  deps: ApiDeps,
  ticket: Ticket,
  handler: () => Promise<RouteAnswer>,
): Promise<RouteAnswer> {
  try {
    return await handler();
  } catch (error) {
    const problem = toProblem(error);
    if (problem.status < 500) {
      return { status: problem.status, body: problem.body(), headers: problem.options.headers ?? {} };
    }
    // Should this fail too, the row's lease runs out by itself.
    await dropTicket(deps.database, ticket).catch(() => undefined);
    throw problem;
  }
}

async function limitRate(limiter: RateLimiterMemory, apiKeyId: string, response: Response): Promise<void> {
  let state: IRateLimiterRes;
  let allowed = true;
  try {
    state = await limiter.consume(apiKeyId);
  } catch (refusal) {
    if (refusal instanceof Error) throw refusal;
    state = refusal as IRateLimiterRes;
    allowed = false;
  }
  const seconds = String(Math.ceil((state.msBeforeNext ?? 0) / 1000));
  response.set('RateLimit-Limit', String(limiter.points));
  response.set('RateLimit-Remaining', String(Math.max(0, state.remainingPoints ?? 0)));
  response.set('RateLimit-Reset', seconds);
  if (!allowed) throw new ProblemError('rate-limited', { headers: { 'Retry-After': seconds } });
}

const rawReader = express.raw({ type: () => true, limit: BODY_LIMIT_BYTES, inflate: false });

/** The body's bytes as they came; compressed ones are refused, for a signature covers what was sent. */
export function readRawBody(request: Request, response: Response): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    rawReader(request, response, (error?: unknown) => {
      if (error !== undefined && error !== null) reject(error as Error);
      else resolve(Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0));
    });
  });
}

async function readBody(route: Route, request: Request, response: Response): Promise<Buffer> {
  if (route.method === 'get') return Buffer.alloc(0);
  const length = request.headers['content-length'];
  const hasBody = request.headers['transfer-encoding'] !== undefined || (length ?? '0') !== '0';
  if (hasBody && !isJsonType(request.headers['content-type'])) {
    throw new ProblemError('unsupported-media-type');
  }
  return readRawBody(request, response);
}

function isJsonType(contentType: string | undefined): boolean {
  return /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i.test((contentType ?? '').trim());
}

/** A path that can't be the address of anything is not found, like one that is of nothing. */
function parseParams(route: Route, params: unknown): unknown {
  if (route.params === undefined) return {};
  const parsed = route.params.safeParse(params);
  if (!parsed.success) throw new ProblemError('not-found');
  return parsed.data;
}

/** A misspelt parameter must not look like one that was obeyed. */
const NO_QUERY = z.strictObject({});

function parseQuery(route: Route, request: Request): unknown {
  const query: unknown = request.query;
  const parsed = (route.query ?? NO_QUERY).safeParse({ ...(query as object) });
  if (!parsed.success) throw parameterProblem(parsed.error);
  return parsed.data;
}

function parseBody(route: Route, json: unknown): unknown {
  if (route.body === undefined) {
    const empty = json === undefined || (isObject(json) && Object.keys(json).length === 0);
    if (empty) return undefined;
    throw new ProblemError('malformed-body', { detail: 'This request takes no body.' });
  }
  const parsed = route.body.safeParse(json);
  if (!parsed.success && json === undefined)
    throw new ProblemError('malformed-body', { detail: 'The body is missing.' });
  if (!parsed.success) throw bodyProblem(parsed.error);
  return parsed.data;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readIfMatch(header: string | undefined): bigint | null {
  if (header === undefined || header.trim() === '*') return null;
  const version = /^(?:W\/)?"(\d{1,18})"$/.exec(header.trim())?.[1];
  // A tag that is none of ours can't be the present one.
  if (version === undefined) throw new ProblemError('stale-version');
  return BigInt(version);
}

function send(response: Response, answer: RouteAnswer): void {
  const status = answer.status ?? 200;
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.set(name, value);
  if (status >= 400) {
    const body = { ...(answer.body as object), traceId: contextOf(response.req).traceId };
    response.status(status).type('application/problem+json').send(JSON.stringify(body));
  } else if (answer.body === undefined) {
    response.status(status).end();
  } else {
    response.status(status).type('application/json').send(JSON.stringify(answer.body));
  }
}

/** Answers a problem, and logs it when it is ours. */
export function sendProblem(deps: ApiDeps, request: Request, response: Response, error: unknown): void {
  const problem = toProblem(error);
  const { requestId, traceId, route } = contextOf(request);
  if (problem.status >= 500) {
    deps.logger.error({ requestId, traceId, route, err: problem.options.cause ?? error }, problem.slug);
  }
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // The rest of a body that is too large is not read: the connection can't carry another request.
  if (problem.status === 413) response.set('Connection', 'close');
  send(response, {
    status: problem.status,
    body: problem.body(),
    headers: problem.options.headers ?? {},
  });
}
