import { mergeSchemas } from '@graphql-tools/schema';
import {
  type DefinitionNode,
  type DocumentNode,
  type GraphQLSchema,
  isObjectType,
  isScalarType,
  Kind,
  visit,
} from 'graphql';
import type { Resolvers } from '../generated/graphql.ts';

const FEDERATION = ['key', 'shareable'];
const ROOTS = ['Query', 'Mutation'];
/** What only our own catalog needs: a host with a Product has a catalog. */
const CATALOG_TYPES = ['Money', 'ProductImage', 'ProductKeyInput', 'ProductConnection', 'ProductEdge'];
const CATALOG_FIELDS = ['product', 'products'];
/** Relay's, the same everywhere: the host's own is used. */
const SHARED = ['PageInfo'];

/** Drops `extend schema @link` and the directives it imports: only a federated schema defines them. */
export const withoutFederation = (contract: DocumentNode): DocumentNode =>
  visit(contract, {
    [Kind.SCHEMA_EXTENSION]: () => null,
    [Kind.DIRECTIVE]: (node) => (FEDERATION.includes(node.name.value) ? null : undefined),
  });

/**
 * Merges the storefront contract into a host's schema. A host with a `Product` keeps its catalog: it gains
 * `Product.similarItems`, `Query.similarItems` and `Mutation.submitFeedback`. Its scalars and PageInfo are used.
 * @throws Error when the host already has one of these fields, or another type of one of our names.
 */
export function extendSchema(theirs: GraphQLSchema, contract: DocumentNode, resolvers: Resolvers): GraphQLSchema {
  const typeDefs = ours(theirs, contract);
  const names = fieldsByType(typeDefs);
  return mergeSchemas({
    schemas: [theirs],
    typeDefs,
    resolvers: onlyNamed(resolvers, names),
  });
}

function ours(theirs: GraphQLSchema, contract: DocumentNode): DocumentNode {
  const hasCatalog = isObjectType(theirs.getType('Product'));
  const definitions = contract.definitions.flatMap((definition) => {
    const name = nameOf(definition);
    if (hasCatalog && CATALOG_TYPES.includes(name)) return [];
    const met = theirs.getType(name);
    if (!met) return [withoutFields(definition, hasCatalog && name === 'Query' ? CATALOG_FIELDS : [])];
    if (ROOTS.includes(name) || name === 'Product') return [additions(definition, met, hasCatalog)];
    if (SHARED.includes(name) || isScalarType(met)) return [];
    throw new Error(`extend(): your schema has a type ${name} already; Simili needs that name for its own`);
  });
  return { ...contract, definitions };
}

/** Our fields of a type that the host has too. */
function additions(
  definition: DefinitionNode,
  met: ReturnType<GraphQLSchema['getType']>,
  hasCatalog: boolean,
): DefinitionNode {
  const name = nameOf(definition);
  const left =
    hasCatalog && name === 'Product'
      ? fieldsOf(definition).filter((field) => field !== 'similarItems')
      : hasCatalog
        ? CATALOG_FIELDS
        : [];
  const added = withoutFields(definition, left);
  const twice = fieldsOf(added).find((field) => isObjectType(met) && field in met.getFields());
  if (twice)
    throw new Error(`extend(): your schema has a field ${name}.${twice} already; Simili needs that name for its own`);
  return added;
}

const nameOf = (definition: DefinitionNode): string => ('name' in definition && definition.name?.value) || '';

const fieldsOf = (definition: DefinitionNode): string[] =>
  definition.kind === Kind.OBJECT_TYPE_DEFINITION ? (definition.fields ?? []).map((field) => field.name.value) : [];

function withoutFields(definition: DefinitionNode, names: string[]): DefinitionNode {
  if (definition.kind !== Kind.OBJECT_TYPE_DEFINITION) return definition;
  return {
    ...definition,
    fields: definition.fields?.filter((field) => !names.includes(field.name.value)) ?? [],
  };
}

const fieldsByType = ({ definitions }: DocumentNode): Map<string, string[]> =>
  new Map(definitions.map((definition) => [nameOf(definition), fieldsOf(definition)]));

/** Resolvers of what `names` holds; a scalar is a resolver as a whole. */
function onlyNamed(resolvers: Resolvers, names: Map<string, string[]>): Resolvers {
  const kept = Object.entries(resolvers).filter(([type]) => names.has(type));
  return Object.fromEntries(
    kept.map(([type, fields]) => {
      const known = names.get(type) ?? [];
      return [
        type,
        known.length ? Object.fromEntries(Object.entries(fields).filter(([field]) => known.includes(field))) : fields,
      ];
    }),
  );
}
