import { makeExecutableSchema } from '@graphql-tools/schema';
import { type DocumentNode, type GraphQLSchema, print } from 'graphql';
import type { ProductRow } from '../db/products.ts';
import { SimiliError } from '../errors.ts';
import type { Resolvers } from '../generated/graphql.ts';
import { withoutFederation } from './extend.ts';
import type { RequestContext, ScopeOf } from './scope.ts';

/** What a federation router asks every subgraph for (specification of Apollo Federation 2, "Subgraph schema"). */
const ROUTER_FIELDS = `
  scalar _Any
  union _Entity = Product
  type _Service { sdl: String! }
  extend type Query {
    _service: _Service!
    _entities(representations: [_Any!]!): [_Entity]!
  }
`;
/** Routers read the SDL, and some do not know this directive by themselves. */
const ONE_OF = 'directive @oneOf on INPUT_OBJECT';

/**
 * The storefront contract as a subgraph. Its SDL is the contract itself, `@link` and `@key` included. Our own, and not of
 * @apollo/subgraph, since that brings code under the Elastic licence; tests hold the two equal.
 */
export function subgraphSchema(contract: DocumentNode, resolvers: Resolvers[]): GraphQLSchema {
  const sdl = `${print(contract)}\n\n${ONE_OF}`;
  return makeExecutableSchema({
    typeDefs: [withoutFederation(contract), ROUTER_FIELDS],
    resolvers: [
      ...resolvers,
      { Query: { _service: () => ({ sdl }) }, _Entity: { __resolveType: () => 'Product' } } as Resolvers,
    ],
  });
}

type Representation = { __typename?: unknown; id?: unknown } | null;
type Entities = { representations: Representation[] };

/** Products by their key, read together. One that is not there is null; what is no product's key is an error, alone. */
export const entityResolvers = (scope: ScopeOf): Resolvers =>
  ({
    Query: {
      _entities: (_root: unknown, { representations }: Entities, context: RequestContext) =>
        Promise.all(representations.map((asked) => entity(asked, scope, context))),
    },
  }) as Resolvers;

function entity(asked: Representation, scope: ScopeOf, context: RequestContext): Promise<ProductRow | null> | Error {
  const { __typename: type, id } = asked ?? {};
  if (type === 'Product' && (typeof id === 'string' || typeof id === 'number'))
    return scope(context).products.load(String(id));
  return new SimiliError('INVALID_ARGUMENT', { argument: 'representations', why: 'must be products, by their id' });
}
