import type { DocumentNode, FragmentDefinitionNode, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import { SimiliError } from '../../errors.ts';
import { type Limits, named } from './limits.ts';
import { countValues, type Size, sizeOfValue, type Variables } from './values.ts';
import { Walk } from './walk.ts';

export type Request = {
  schema: GraphQLSchema;
  /** Parsed; it need not be valid. */
  document: DocumentNode;
  operationName?: string | null | undefined;
  variables?: Variables | null | undefined;
};

/**
 * A request that kept all limits, by its document, which a server parses once and keeps: the same again, whose variables say the same of the
 * lengths of its lists, keeps them too.
 */
type Kept = Pick<Request, 'schema' | 'operationName'> & { limits: Limits; sizes: ReadonlyMap<string, Size> };
const kept = new WeakMap<DocumentNode, Kept>();

/**
 * Says why a request may not be executed, nor even validated: rules of graphql take quadratic time over some documents.
 * Takes a few milliseconds whatever it is given; @skip and @include are not looked at.
 * @returns null when it keeps all limits.
 */
export function refusalOf(request: Request, limits: Limits): SimiliError | null {
  try {
    check(request, limits);
    return null;
  } catch (error) {
    if (error instanceof SimiliError) return error;
    throw error;
  }
}

function check({ schema, document, operationName, variables }: Request, limits: Limits): void {
  if (countValues(variables ?? {}, limits.variableValues) > limits.variableValues)
    throw new SimiliError('TOO_COSTLY', { what: named.variableValues, most: limits.variableValues });
  // A variable may have the name of what every object has.
  const sizeOf = (name: string) =>
    sizeOfValue(variables && Object.hasOwn(variables, name) ? variables[name] : undefined);
  const before = kept.get(document);
  const isKnown = before?.schema === schema && before.limits === limits && before.operationName === operationName;
  if (isKnown && [...before.sizes].every(([name, size]) => sizeOf(name) === size)) return;
  const sizes = new Map<string, Size>();
  const read = (name: string): Size => {
    const size = sizeOf(name);
    sizes.set(name, size);
    return size;
  };
  const { operations, fragments } = definitionsOf(document);
  const query = schema.getQueryType();
  const walk = new Walk({ schema, query, fragments, sizes: read }, limits);
  for (const operation of operations) {
    const isExecuted = operations.length === 1 || operation.name?.value === operationName;
    walk.operation(operation, rootOf(schema, query, operation), isExecuted);
  }
  for (const fragment of fragments.values()) walk.fragment(fragment);
  // One that names none of the operations is executed by nobody, and its name may be as long as a request.
  const isNamed = operationName == null || operations.some(({ name }) => name?.value === operationName);
  if (isNamed) kept.set(document, { schema, limits, operationName, sizes });
}

function definitionsOf({ definitions }: DocumentNode) {
  const operations: OperationDefinitionNode[] = [];
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of definitions) {
    if (definition.kind === 'OperationDefinition') operations.push(definition);
    else if (definition.kind === 'FragmentDefinition' && !fragments.has(definition.name.value))
      fragments.set(definition.name.value, definition);
  }
  return { operations, fragments };
}

function rootOf(
  schema: GraphQLSchema,
  query: ReturnType<GraphQLSchema['getQueryType']>,
  { operation }: OperationDefinitionNode,
) {
  if (operation === 'mutation') return schema.getMutationType();
  return operation === 'subscription' ? schema.getSubscriptionType() : query;
}
