import { type DocumentNode, type GraphQLResolveInfo, parse, print, type SelectionSetNode } from 'graphql';
import type { ProductRow } from '../db/sql/product-row.ts';
import { SimiliError } from '../errors.ts';
import { isAway } from '../similarity/last-known.ts';
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
) => Promise<Pick<ProductRow, 'id'> | null>;

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

/** Fields of a product that its key alone answers. */
const OF_KEY = ['__typename', 'id', 'similarItems'];

/**
 * A product by its key, read together with the request's others. Null: there is none. Rejects what is no product's key. While the database is away
 * the key alone stands for it where no more is asked: its last list may be there (last-known.ts).
 */
export const productReference =
  (scope: ScopeOf): Reference =>
  async ({ __typename: type, id }, context, info) => {
    if (type !== 'Product' || (typeof id !== 'string' && typeof id !== 'number'))
      throw new SimiliError('INVALID_ARGUMENT', { argument: 'representations', why: 'must be products, by their id' });
    const key = String(id);
    const { products } = await scope(context);
    return products.load(key).catch((error: unknown) => {
      const isEnough = fieldsAsked(info).every((name) => OF_KEY.includes(name));
      if (isEnough && isAway(error)) return { id: key };
      throw error;
    });
  };

/** Names of the fields that are asked of what a field answers, not of what lies within these. */
function fieldsAsked({ fieldNodes, fragments }: GraphQLResolveInfo): string[] {
  const namesIn = ({ selections }: SelectionSetNode): string[] =>
    selections.flatMap((one) => {
      if (one.kind === 'Field') return [one.name.value];
      return namesIn(one.kind === 'InlineFragment' ? one.selectionSet : fragments[one.name.value]!.selectionSet);
    });
  return fieldNodes.flatMap(({ selectionSet }) => (selectionSet ? namesIn(selectionSet) : []));
}
