/**
 * What a request is known by: an id of its own (the caller's, when it sends a sensible one) and the
 * trace it belongs to (W3C Trace Context, when it sends one). Both are answered as headers and stand in
 * every log line and problem.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { uuidv7 } from 'uuidv7';

export interface RequestContext {
  readonly requestId: string;
  readonly traceId: string;
  /** As declared, without ids and secrets; '' until a route matched. */
  route: string;
  apiKeyId: string | null;
}

const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;
const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/;
const contexts = new WeakMap<IncomingMessage, RequestContext>();

/** The context of a request; made when it is first asked for. */
export function contextOf(request: IncomingMessage): RequestContext {
  const known = contexts.get(request);
  if (known !== undefined) return known;
  const sentId = request.headers['x-request-id'];
  const sentTrace = TRACEPARENT.exec(String(request.headers['traceparent'] ?? ''))?.[1];
  const context: RequestContext = {
    requestId: typeof sentId === 'string' && REQUEST_ID.test(sentId) ? sentId : uuidv7(),
    traceId: sentTrace !== undefined && !/^0+$/.test(sentTrace) ? sentTrace : randomBytes(16).toString('hex'),
    route: '',
    apiKeyId: null,
  };
  contexts.set(request, context);
  return context;
}
