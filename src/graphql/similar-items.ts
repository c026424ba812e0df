import type { Resolvers } from '../generated/graphql.ts';
import type { ScopeOf } from './scope.ts';

export const similarItemsResolvers = (scope: ScopeOf): Resolvers => ({
  Query: {
    similarItems: async (_root, { id, ...request }, context) =>
      (await scope(context)).similarItems({ anchorId: id, ...request }),
  },
  Product: {
    similarItems: async ({ id }, request, context) => (await scope(context)).similarItems({ anchorId: id, ...request }),
  },
  SimilarItemConnection: {
    edges: ({ items }) => items,
    nodes: ({ items }) => items.map(({ product }) => product),
    pageInfo: ({ items, hasNextPage, hasPreviousPage }) => ({
      hasNextPage,
      hasPreviousPage,
      startCursor: items[0]?.cursor() ?? null,
      endCursor: items.at(-1)?.cursor() ?? null,
    }),
    modelVersionId: ({ modelId }) => modelId,
    stale: ({ stale }) => stale ?? false,
  },
  SimilarItemEdge: {
    node: ({ product }) => product,
    cursor: ({ cursor }) => cursor(),
  },
});
