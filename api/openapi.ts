/** The OpenAPI 3.1 description, generated from the route tables and the very schemas that parse requests. */
import { z } from 'zod';
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponsesObject,
} from 'zod-openapi';
import { PROBLEMS, type ProblemSlug } from './problem';
import type { Route } from './route';
import { openRoutes, routes } from './routes';

const problemSchema = z
  .object({
    type: z.url().meta({ description: 'Stable; what a program decides by.' }),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    errors: z
      .array(z.object({ pointer: z.string(), message: z.string() }))
      .optional()
      .meta({ description: 'Where in the body, as RFC 6901 pointers.' }),
    traceId: z.string(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem details.' });

const headerParameters = {
  merchant: z.string().optional().meta({
    description: 'Id or slug of the merchant, when the key serves several.',
    example: 'acme',
  }),
  idempotencyKey: z.string().min(1).max(255).meta({
    description: 'New for every new request. The same key again gives the same answer for at least 24 h.',
  }),
  ifMatch: z.string().optional().meta({ description: 'ETag of the version that was read; stale is 412.' }),
};

/** @param serverUrl where callers reach the API. */
export function openApiDocument(serverUrl: string) {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  const add = (path: string, method: string, operation: ZodOpenApiOperationObject) => {
    paths[path] = { ...paths[path], [method]: operation };
  };
  for (const route of routes) add(route.path, route.method, operationOf(route));
  for (const route of openRoutes) {
    add(route.path, route.method, {
      operationId: route.operationId,
      summary: route.summary,
      ...(route.description === undefined ? {} : { description: route.description }),
      tags: [route.tag],
      security: [],
      ...(route.params === undefined ? {} : { requestParams: { path: route.params as z.ZodObject } }),
      responses: answersOf(route.answers),
    });
  }
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Quayside',
      version: '1',
      description:
        'Fulfilment as durable workflows. Errors are RFC 9457 problems; money is an integer of minor units as text; times are RFC 3339 in UTC; lists are read with opaque cursors.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: serverUrl }],
    security: [{ apiKey: [] }],
    tags: [...new Set([...routes, ...openRoutes].map(({ tag }) => tag))].sort().map((name) => ({ name })),
    paths: paths as ZodOpenApiPathsObject,
    components: {
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer', description: 'An API key, `qs_live_…` or `qs_test_…`.' },
      },
    },
  });
}

function operationOf(route: Route): ZodOpenApiOperationObject {
  const headers = {
    ...(route.merchant === 'organisation' ? {} : { 'Quayside-Merchant': headerParameters.merchant }),
    ...(route.method === 'post' ? { 'Idempotency-Key': headerParameters.idempotencyKey } : {}),
    ...(route.ifMatch === true ? { 'If-Match': headerParameters.ifMatch } : {}),
  };
  return {
    operationId: route.operationId,
    summary: route.summary,
    description: `${route.description === undefined ? '' : `${route.description}\n\n`}Scope: \`${route.scope}\`.`,
    tags: [route.tag],
    requestParams: {
      ...(route.params === undefined ? {} : { path: route.params as z.ZodObject }),
      ...(route.query === undefined ? {} : { query: route.query as z.ZodObject }),
      header: z.object(headers),
    },
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: !route.body.safeParse(undefined).success,
            content: { 'application/json': { schema: route.body } },
          },
        }),
    responses: {
      ...answersOf(route.answers, route.events === true ? 'text/event-stream' : 'application/json'),
      ...problemsOf(route),
    },
  };
}

function answersOf(answers: Route['answers'], type = 'application/json'): ZodOpenApiResponsesObject {
  const responses: Record<string, object> = {};
  for (const [status, schema] of Object.entries(answers)) {
    responses[status] = {
      description: status === '204' ? 'Done.' : Number(status) < 400 ? 'Success.' : 'Not now.',
      ...(schema === null ? {} : { content: { [type]: { schema } } }),
    };
  }
  return responses as ZodOpenApiResponsesObject;
}

function problemsOf(route: Route): ZodOpenApiResponsesObject {
  const slugs: ProblemSlug[] = ['unauthenticated', 'forbidden', 'rate-limited', 'unavailable'];
  if (route.params !== undefined || route.merchant !== 'organisation') slugs.push('not-found');
  if (route.query !== undefined || route.method !== 'get') slugs.push('invalid-parameter');
  if (route.method !== 'get') slugs.push('illegal-transition');
  if (route.body !== undefined) {
    slugs.push('malformed-body', 'body-too-large', 'unsupported-media-type', 'invalid-body');
  }
  if (route.ifMatch === true) slugs.push('stale-version');
  const responses: Record<string, object> = {};
  for (const slug of slugs) {
    const { status, title } = PROBLEMS[slug];
    responses[status] = {
      description: title,
      content: { 'application/problem+json': { schema: problemSchema } },
    };
  }
  return responses as ZodOpenApiResponsesObject;
}
