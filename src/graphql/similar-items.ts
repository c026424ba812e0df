import type { Resolvers } from '../generated/graphql.ts';
import type { RankedPage } from '../similarity/ranked-page.ts';
import { asksForPictures } from './asked-fields.ts';
import type { ScopeOf } from './scope.ts';

/** Fields of every list, by what was ranked. */
const ofList = {
  edges: ({ items }: RankedPage) => items,
  nodes: ({ items }: RankedPage) => items.map(({ product }) => product),
  pageInfo: ({ items, hasNextPage, hasPreviousPage }: RankedPage) => ({
    hasNextPage,
    hasPreviousPage,
    startCursor: items[0]?.cursor() ?? null,
    endCursor: items.at(-1)?.cursor() ?? null,
  }),
  modelVersionId: ({ modelId }: RankedPage) => modelId,
  stale: ({ stale }: RankedPage) => stale ?? false,
};

export const similarItemsResolvers = (scope: ScopeOf): Resolvers => ({
  Query: {
    similarItems: async (_root, { id, ...request }, context, info) =>
      (await scope(context)).similarItems({ anchorId: id, ...request, pictures: asksForPictures(info) }),
    similarToProducts: async (_root, { ids, ...request }, context, info) =>
      (await scope(context)).similarToProducts({ anchorIds: ids, ...request, pictures: asksForPictures(info) }),
    similarToPicture: async (_root, request, context, info) =>
      (await scope(context)).similarToPicture({ ...request, pictures: asksForPictures(info) }),
  },
  Product: {
    similarItems: async ({ id }, request, context, info) =>
      (await scope(context)).similarItems({ anchorId: id, ...request, pictures: asksForPictures(info) }),
  },
  SimilarItemConnection: ofList,
  SimilarToProductsConnection: {
    ...ofList,
    unknownIds: async ({ anchorIds }, _args, context) => {
      const { products } = await scope(context);
      const found = await Promise.all(anchorIds.map((id) => products.load(id)));
      return anchorIds.filter((_id, i) => found[i] === null);
    },
  },
  SimilarToPictureConnection: ofList,
  SimilarItemEdge: {
    node: ({ product }) => product,
    cursor: ({ cursor }) => cursor(),
  },
});
