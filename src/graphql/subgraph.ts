import { type DocumentNode, type GraphQLResolveInfo, parse, print } from 'graphql';
import type { ProductRow } from '../db/sql/product-row.ts';
import { SimiliError } from '../errors.ts';
import type { ResolverMap } from './attach.ts';
import { withoutFederation } from './extend.ts';
import type { RequestContext, ScopeOf } from './scope.ts';

/** Fields that a federation router asks every subgraph for (specification of Apollo Federation 2, "Subgraph schema"). */
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

type Representation = { __typename?: unknown; id?: unknown };
type Reference = (
  asked: Representation,
  context: RequestContext,
  info: GraphQLResolveInfo,
) => Promise<ProductRow | null>;

/**
 * The storefront contract as a subgraph. Its SDL is the contract itself, `@link` and `@key` included. Our own, and not of
 * @apollo/subgraph, since that brings code under the Elastic licence; tests hold the two equal. As there, each entity is
 * answered by itself: one that cannot be read is an error at its place, and the rest of the answer stands.
 */
export function subgraphOf(
  contract: DocumentNode,
  reference: Reference,
): { typeDefs: DocumentNode[]; resolvers: ResolverMap } {
  const sdl = `${print(contract)}\n\n${ONE_OF}`;
  const Query = {
    _service: () => ({ sdl }),
    _entities: (
      _root: unknown,
      { representations }: { representations: Representation[] },
      context: RequestContext,
      info: GraphQLResolveInfo,
    ) => representations.map((asked) => reference(asked, context, info)),
  };
  return {
    typeDefs: [withoutFederation(contract), parse(ROUTER_FIELDS)],
    resolvers: { Query, _Entity: { __resolveType: () => 'Product' } },
  };
}

/** A product by its key, read together with the request's others. Null: there is none. Rejects what is no product's key. */
export const productReference =
  (scope: ScopeOf): Reference =>
  async ({ __typename: type, id }, context) => {
    if (type === 'Product' && (typeof id === 'string' || typeof id === 'number'))
      return (await scope(context)).products.load(String(id));
    throw new SimiliError('INVALID_ARGUMENT', { argument: 'representations', why: 'must be products, by their id' });
  };
