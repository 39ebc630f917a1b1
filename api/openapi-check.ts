/**
 * Part of `npm run check`: the OpenAPI description is valid 3.1, every route is in it exactly once under
 * an id of its own, and every parameter of a path is described. Exit code 1 with the reasons otherwise.
 */
import { Validator } from '@seriousme/openapi-schema-validator';
import { openApiDocument } from './openapi';
import { openRoutes, routes } from './routes';

async function main(): Promise<number> {
  const document = JSON.parse(JSON.stringify(openApiDocument('http://localhost:4000'))) as {
    paths: Record<
      string,
      Record<string, { operationId: string; parameters?: { in: string; name: string }[] }>
    >;
  };
  const faults: string[] = [];
  const verdict = await new Validator().validate(document as unknown as Record<string, unknown>);
  if (!verdict.valid) faults.push(`not valid OpenAPI: ${JSON.stringify(verdict.errors, null, 2)}`);

  const ids = new Set<string>();
  for (const route of [...routes, ...openRoutes]) {
    const operation = document.paths[route.path]?.[route.method];
    const name = `${route.method.toUpperCase()} ${route.path}`;
    if (operation?.operationId !== route.operationId) {
      faults.push(`${name} is declared twice, or is not described`);
      continue;
    }
    if (ids.has(route.operationId)) faults.push(`${route.operationId} names two operations`);
    ids.add(route.operationId);
    for (const [, parameter] of route.path.matchAll(/\{(\w+)\}/g)) {
      const described = operation.parameters?.some(
        ({ in: place, name }) => place === 'path' && name === parameter,
      );
      if (described !== true) faults.push(`${name} does not describe {${parameter}}`);
    }
  }
  for (const fault of faults) console.error(fault);
  if (faults.length === 0) console.log(`${ids.size} operations described`);
  return faults.length === 0 ? 0 : 1;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
