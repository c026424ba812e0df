import type { Resolvers } from '../generated/graphql.ts';
import { noticesOf } from '../similarity/notices.ts';
import type { RankedPage } from '../similarity/ranked-page.ts';
import { partsShown } from './asked-fields.ts';
import type { RequestContext, ScopeOf } from './scope.ts';
import { handsOn } from './timed.ts';

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

/** The filter that a page was asked for with. */
type Filtered = Pick<RankedPage, 'filter'>;

const listed = <Page extends Filtered>(page: Page | null, { filter }: Filtered): Page | null =>
  page && { ...page, filter };

const notices =
  (scope: ScopeOf) =>
  async ({ filter }: Filtered, _args: unknown, context: RequestContext) =>
    noticesOf((await scope(context)).services.repositories.categoryNames, filter);

export const similarItemsResolvers = (scope: ScopeOf): Resolvers => ({
  Query: {
    similarItems: handsOn(async (_root, args, context, info, deadline) => {
      const asked = { ...args, anchorId: args.id, parts: partsShown(info) };
      return listed(await (await scope(context, deadline)).similarItems(asked, deadline), args);
    }),
    similarToProducts: handsOn(async (_root, args, context, info, deadline) => {
      const asked = { ...args, anchorIds: args.ids, parts: partsShown(info) };
      return listed(await (await scope(context, deadline)).similarToProducts(asked, deadline), args);
    }),
    similarToPicture: handsOn(async (_root, request, context, info, deadline) => {
      const asked = { ...request, parts: partsShown(info) };
      return listed(await (await scope(context, deadline)).similarToPicture(asked, deadline), request);
    }),
  },
  Product: {
    similarItems: handsOn(async ({ id }, request, context, info, deadline) => {
      // A product of a host's own may have a number for its id, or whatever else is an ID when it is written.
      const asked = { ...request, anchorId: id.toString(), parts: partsShown(info) };
      return listed(await (await scope(context, deadline)).similarItems(asked, deadline), request);
    }),
  },
  SimilarItemConnection: { ...ofList, notices: notices(scope) },
  SimilarToProductsConnection: {
    ...ofList,
    notices: notices(scope),
    unknownIds: async ({ anchorIds }, _args, context) => {
      const { products } = await scope(context);
      const found = await Promise.all(anchorIds.map((id) => products.load(id)));
      return anchorIds.filter((_id, i) => found[i] === null);
    },
  },
  SimilarToPictureConnection: { ...ofList, notices: notices(scope) },
  SimilarItemEdge: {
    node: ({ product }) => product,
    cursor: (item) => item.cursor(),
  },
});
