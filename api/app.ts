/**
 * The API as an Express application, from the route tables and nothing else. `createApp` wires what it
 * is given and opens no port; `api/main.ts` does. One app holds little state: kept key look-ups (a
 * second old at most), rate counters of this process, and nothing that a restart would lose.
 */
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import helmet from 'helmet';
import { pinoHttp } from 'pino-http';
import { metrics } from '../telemetry';
import { Authenticator } from './auth';
import type { ApiDeps } from './deps';
import { docsRouter } from './docs';
import { openApiDocument } from './openapi';
import { createPipeline, handle, sendProblem } from './pipeline';
import { ProblemError } from './problem';
import { contextOf } from './request-context';
import { openRoutes, routes } from './routes';

export function createApp(deps: ApiDeps): Express {
  const app = express();
  app.disable('x-powered-by');
  // Versions of things are their ETags; a digest of the body is none.
  app.disable('etag');
  app.set('query parser', 'simple');
  app.set('strict routing', true);
  app.set('case sensitive routing', true);
  app.use(securityHeaders(deps));
  app.use(observe(deps));

  const pipeline = createPipeline(deps, new Authenticator(deps.database));
  const paths = new Map<string, Set<string>>();
  const listed = (path: string, method: string) => {
    const methods = paths.get(path) ?? new Set();
    paths.set(path, methods.add(method.toUpperCase()));
    return expressPath(path);
  };
  for (const route of openRoutes) {
    app[route.method](listed(route.path, route.method), async (request: Request, response: Response) => {
      contextOf(request).route = route.path;
      try {
        await route.handler(deps, request, response);
      } catch (error) {
        sendProblem(deps, request, response, error);
      }
    });
  }
  for (const route of routes) app[route.method](listed(route.path, route.method), handle(pipeline, route));
  const document = JSON.stringify(openApiDocument(deps.config.publicUrl));
  app.get('/openapi.json', (_request, response) => {
    response.type('application/json').send(document);
  });
  app.use('/docs', docsRouter());
  app.get('/', (_request, response) => response.redirect(302, '/docs/'));

  for (const [path, methods] of paths) {
    app.all(expressPath(path), (request, response) => {
      const headers = { Allow: [...methods].join(', ') };
      sendProblem(deps, request, response, new ProblemError('method-not-allowed', { headers }));
    });
  }
  app.use((request, response) => sendProblem(deps, request, response, new ProblemError('not-found')));
  // Express knows an error handler by its four parameters.
  app.use((error: unknown, request: Request, response: Response, _next: NextFunction) =>
    sendProblem(deps, request, response, error),
  );
  return app;
}

const expressPath = (path: string) => path.replace(/\{(\w+)\}/g, ':$1');

function securityHeaders(deps: ApiDeps) {
  const https = deps.config.publicUrl.startsWith('https:');
  return helmet({
    strictTransportSecurity: https,
    contentSecurityPolicy: { directives: { 'upgrade-insecure-requests': https ? [] : null } },
  });
}

/** Ids for the caller, one log line and one measurement a request; never a body, a query or a secret path. */
function observe(deps: ApiDeps) {
  const describe = (request: Request, response: Response) => {
    const { requestId, traceId, route, apiKeyId } = contextOf(request);
    return { requestId, traceId, apiKeyId, method: request.method, route, status: response.statusCode };
  };
  const log = pinoHttp<Request, Response>({
    logger: deps.logger,
    genReqId: (request) => contextOf(request).requestId,
    quietReqLogger: true,
    // Left alone it logs every header, the API key among them.
    wrapSerializers: false,
    serializers: { req: () => undefined, res: () => undefined, err: () => undefined },
    customSuccessObject: (request, response) => describe(request, response),
    customErrorObject: (request, response) => describe(request, response),
    customSuccessMessage: () => 'request',
    customErrorMessage: () => 'request failed',
    customLogLevel: (_request, response) => (response.statusCode >= 500 ? 'error' : 'debug'),
    customAttributeKeys: { responseTime: 'ms' },
  });
  return (request: Request, response: Response, next: NextFunction) => {
    const { requestId, traceId } = contextOf(request);
    response.set('X-Request-Id', requestId);
    response.set('X-Trace-Id', traceId);
    response.set('Cache-Control', 'no-store');
    const stop = metrics.httpRequestSeconds.startTimer();
    response.on('close', () => {
      const { route } = contextOf(request);
      stop({ method: request.method, route: route || 'none', status: response.statusCode });
    });
    log(request, response);
    next();
  };
}
