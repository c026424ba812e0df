import type { DocumentNode, FragmentDefinitionNode, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import { SimiliError } from '../../errors.ts';
import { type Limits, named } from './limits.ts';
import { countValues, type Variables } from './values.ts';
import { Walk } from './walk.ts';

export type Request = {
  schema: GraphQLSchema;
  /** Parsed; it need not be valid. */
  document: DocumentNode;
  operationName?: string | null | undefined;
  variables?: Variables | null | undefined;
};

/**
 * Says why a request may not be executed, nor even validated: rules of graphql take quadratic time over some documents.
 * Takes less than a millisecond whatever it is given; @skip and @include are not looked at.
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
  const { operations, fragments } = definitionsOf(document);
  const walk = new Walk({ schema, fragments, variables: variables ?? {} }, limits);
  for (const operation of operations) {
    const isExecuted = operations.length === 1 || operation.name?.value === operationName;
    walk.operation(operation, rootOf(schema, operation), isExecuted);
  }
  for (const fragment of fragments.values()) walk.fragment(fragment);
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

function rootOf(schema: GraphQLSchema, { operation }: OperationDefinitionNode) {
  if (operation === 'mutation') return schema.getMutationType();
  return operation === 'subscription' ? schema.getSubscriptionType() : schema.getQueryType();
}
