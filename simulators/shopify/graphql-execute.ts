/**
 * Answers a parsed operation from plain objects: each object of the schema is a record that holds every
 * field the simulator knows, a field with arguments is a function. A field that a record lacks is
 * refused as Shopify refuses it, so a document that asks for something unpublished fails here too.
 */
import { z } from 'zod';
import { GraphqlError, type Literal, type Operation, type Selection } from './graphql-document';

export type Args = Readonly<Record<string, unknown>>;
export type FieldFunction = (args: Args, directives: Readonly<Record<string, Args>>) => unknown;

/** Values of the operation's variables. @throws GraphqlError INVALID_VARIABLE. */
export function bindVariables(operation: Operation, given: Args): Map<string, unknown> {
  const bound = new Map<string, unknown>();
  for (const { name, type, required } of operation.variables) {
    const value = given[name] ?? null;
    if (required && value === null) {
      const problems = [{ path: [], explanation: 'Expected value to not be null' }];
      const message = `Variable $${name} of type ${type} was provided invalid value`;
      throw new GraphqlError(message, 'INVALID_VARIABLE', { value, problems });
    }
    bound.set(name, value);
  }
  return bound;
}

/** Runs the selections of an operation on the root record, one after the other. */
export function execute(root: Readonly<Record<string, unknown>>, operation: Operation, given: Args): unknown {
  const variables = bindVariables(operation, given);
  return project(
    operation.kind === 'query' ? 'QueryRoot' : 'Mutation',
    root,
    operation.selections,
    variables,
  );
}

function project(
  typeName: string,
  value: unknown,
  selections: readonly Selection[],
  variables: ReadonlyMap<string, unknown>,
): unknown {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value)) return value.map((item) => project(typeName, item, selections, variables));
  if (typeof value !== 'object') {
    if (selections.length > 0) {
      throw new GraphqlError(
        `Selections can't be made on scalars (field '${typeName}')`,
        'selectionMismatch',
      );
    }
    return value;
  }
  if (selections.length === 0) {
    throw new GraphqlError(`Field must have selections (field '${typeName}')`, 'selectionMismatch');
  }
  const record = value as Readonly<Record<string, unknown>>;
  const fields = selections.flatMap((selection) => {
    if (selection.on === undefined) return [selection];
    return record['__typename'] === selection.on ? selection.selections : [];
  });
  return Object.fromEntries(
    fields.map((selection) => {
      const found = fieldOf(typeName, record, selection, variables);
      return [selection.name, project(selection.name, found, selection.selections, variables)];
    }),
  );
}

function fieldOf(
  typeName: string,
  record: Readonly<Record<string, unknown>>,
  { name, args, directives }: Selection,
  variables: ReadonlyMap<string, unknown>,
): unknown {
  const found = Object.hasOwn(record, name) ? record[name] : undefined;
  if (found === undefined) {
    const message = `Field '${name}' doesn't exist on type '${typeName}'`;
    throw new GraphqlError(message, 'undefinedField', { typeName, fieldName: name });
  }
  if (typeof found === 'function') {
    const evaluated = directives.map((directive) => [directive.name, evaluateAll(directive.args, variables)]);
    return (found as FieldFunction)(evaluateAll(args, variables), Object.fromEntries(evaluated));
  }
  const [unknown] = args;
  if (unknown !== undefined) {
    const message = `Field '${name}' doesn't accept argument '${unknown[0]}'`;
    throw new GraphqlError(message, 'argumentNotAccepted', { name, argumentName: unknown[0] });
  }
  return found;
}

function evaluateAll(
  args: readonly (readonly [string, Literal])[],
  variables: ReadonlyMap<string, unknown>,
): Args {
  return Object.fromEntries(args.map(([name, literal]) => [name, evaluate(literal, variables)]));
}

function evaluate(literal: Literal, variables: ReadonlyMap<string, unknown>): unknown {
  switch (literal.kind) {
    case 'value':
      return literal.value;
    case 'list':
      return literal.items.map((item) => evaluate(item, variables));
    case 'object':
      return evaluateAll(literal.fields, variables);
    case 'variable':
      if (!variables.has(literal.name)) {
        throw new GraphqlError(`Variable $${literal.name} is used but not declared`, 'variableNotDefined');
      }
      return variables.get(literal.name);
  }
}

/** Reads arguments strictly: what the published input type does not have is refused. */
export function readArgs<S extends z.ZodType>(schema: S, args: Args): z.output<S> {
  const parsed = schema.safeParse(args);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => ({
    path: path.map(String),
    explanation: message,
  }));
  throw new GraphqlError('Variable was provided invalid value', 'INVALID_VARIABLE', { problems });
}

const pageArgs = z.strictObject({
  first: z.int().min(1).max(250),
  after: z.string().nullish(),
});

/** A Relay connection over a list whose order is given by `keyOf`; the cursor is that key, sealed. */
export function connectionOf<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  nodeOf: (item: T) => unknown,
  args: { readonly first: number; readonly after?: string | null | undefined },
): Readonly<Record<string, unknown>> {
  const after = args.after ? Buffer.from(args.after, 'base64url').toString('utf8') : null;
  const rest = after === null ? items : items.filter((item) => keyOf(item) > after);
  const page = rest.slice(0, args.first);
  const last = page.at(-1);
  return {
    pageInfo: {
      hasNextPage: rest.length > page.length,
      hasPreviousPage: after !== null,
      endCursor: last === undefined ? null : Buffer.from(keyOf(last)).toString('base64url'),
    },
    nodes: page.map(nodeOf),
  };
}

/** A list field with `first` and `after`, in the order in which it is given. */
export function listConnection<T>(items: readonly T[], nodeOf: (item: T) => unknown): FieldFunction {
  const numbered = items.map((item, index) => ({ item, key: String(index).padStart(9, '0') }));
  return (args) =>
    connectionOf(
      numbered,
      ({ key }) => key,
      ({ item }) => nodeOf(item),
      readArgs(pageArgs, args),
    );
}
