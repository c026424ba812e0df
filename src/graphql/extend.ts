import { makeExecutableSchema } from '@graphql-tools/schema';
import { filterSchema, getDocumentNodeFromSchema, pruneSchema } from '@graphql-tools/utils';
import { type DefinitionNode, type DocumentNode, type GraphQLSchema, Kind, visit } from 'graphql';
import { SimiliError } from '../errors.ts';
import { attach, type ResolverMap } from './attach.ts';
import type { OwnGraphQL } from './host-copy.ts';

const FEDERATION = ['key', 'shareable'];
/** Only for a host without a catalog of its own: one that has a Product has one. */
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
 * `Product.similarItems`, `Query.similarItems`, `Mutation.submitFeedback`, `Mutation.forgetMe` and its receipt. Its scalars and PageInfo are used.
 * @param graphql the copy that made `theirs`; all of the answer is made by it.
 * @throws SimiliError SCHEMA_UNSUITABLE when the host already has one of these fields, or another type of one of our names.
 */
export function extendSchema(
  graphql: Pick<OwnGraphQL, 'extendSchema'>,
  theirs: GraphQLSchema,
  contract: DocumentNode,
  resolvers: ResolverMap,
): GraphQLSchema {
  const rootNames = rootNamesOf(theirs);
  const definitions = contractFor(theirs, contract).definitions.flatMap((one) => addition(one, theirs, rootNames));
  const additions = { kind: Kind.DOCUMENT, definitions } as DocumentNode;
  return attach(graphql.extendSchema(theirs, additions), onlyAdded(resolvers, additions, rootNames));
}

/** The part of the contract that the host gets: types that only its missing catalog would need are not among it. */
function contractFor(theirs: GraphQLSchema, contract: DocumentNode): DocumentNode {
  const schema = makeExecutableSchema({ typeDefs: contract });
  if (!theirs.getType('Product')) return getDocumentNodeFromSchema(schema);
  const wanted = filterSchema({
    schema,
    rootFieldFilter: (_operation, field) => !CATALOG_FIELDS.includes(field),
    objectFieldFilter: (type, field) => type !== 'Product' || field === 'similarItems',
  });
  return getDocumentNodeFromSchema(pruneSchema(wanted));
}

/** Our name of a root type → the host's. */
const rootNamesOf = (theirs: GraphQLSchema): ReadonlyMap<string, string> =>
  new Map([
    ['Query', theirs.getQueryType()?.name ?? 'Query'],
    ['Mutation', theirs.getMutationType()?.name ?? 'Mutation'],
  ]);

/** A definition of ours as an extension of the host's schema; none for what is the host's own. */
function addition(ours: DefinitionNode, theirs: GraphQLSchema, rootNames: ReadonlyMap<string, string>): object[] {
  if (!('name' in ours) || !ours.name) return [];
  const name = rootNames.get(ours.name.value) ?? ours.name.value;
  const met = theirs.getType(name);
  if (!met) return rootNames.has(name) ? [ours, asRoot(name)] : [ours];
  if (SHARED.includes(name) || (ours.kind === Kind.SCALAR_TYPE_DEFINITION && 'serialize' in met)) return [];
  if (ours.kind !== Kind.OBJECT_TYPE_DEFINITION || !(rootNames.has(ours.name.value) || name === 'Product'))
    throw taken(`a type ${name}`);
  if (!('getFields' in met && 'isTypeOf' in met)) throw taken(`another kind of ${name}`);
  const twice = ours.fields?.find((field) => Object.hasOwn(met.getFields(), field.name.value));
  if (twice) throw taken(`a field ${name}.${twice.name.value}`);
  const { description: _theirs, ...rest } = ours;
  return [{ ...rest, kind: Kind.OBJECT_TYPE_EXTENSION, name: { kind: Kind.NAME, value: name } }];
}

/** A schema that exists takes no type for a root by its name alone. */
const asRoot = (name: string) => ({
  kind: Kind.SCHEMA_EXTENSION,
  operationTypes: [
    {
      kind: Kind.OPERATION_TYPE_DEFINITION,
      operation: name.toLowerCase(),
      type: { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: name } },
    },
  ],
});

const taken = (what: string): SimiliError =>
  new SimiliError('SCHEMA_UNSUITABLE', { why: `it has ${what} already, and Simili needs that name for its own` });

/** Resolvers of what was added, under the host's names: its own fields of like names keep theirs. */
function onlyAdded(resolvers: ResolverMap, { definitions }: DocumentNode, rootNames: ReadonlyMap<string, string>) {
  const added = new Map(
    definitions.flatMap((one) => ('name' in one && one.name ? [[one.name.value, fieldsOf(one)] as const] : [])),
  );
  return Object.fromEntries(
    Object.entries(resolvers).flatMap(([ours, members]) => {
      const name = rootNames.get(ours) ?? ours;
      const fields = added.get(name);
      if (!fields) return [];
      const kept = fields.length
        ? Object.entries(members).filter(([field]) => fields.includes(field))
        : Object.entries(members);
      return [[name, Object.fromEntries(kept)]];
    }),
  );
}

/** Names of the fields of an object type; none of any other type. */
const fieldsOf = (one: DefinitionNode): string[] =>
  one.kind === Kind.OBJECT_TYPE_DEFINITION || one.kind === Kind.OBJECT_TYPE_EXTENSION
    ? (one.fields ?? []).map((field) => field.name.value)
    : [];
