import { knownCode } from '../errors.ts';
import type { Resolvers } from '../generated/graphql.ts';
import { entriesAsSent } from './entries.ts';
import type { ScopeOf } from './scope.ts';
import { toUserError, withUserErrors } from './user-errors.ts';

const MOST_FAILURES = 50;

/** The merchant's side of the catalog (admin). */
export const catalogResolvers = (scope: ScopeOf): Resolvers => ({
  Query: {
    catalogHealth: async (_root, _args, context) => {
      const { products, images } = (await scope(context)).services.repositories;
      const [count, { ready, pending, failed }, failures] = await Promise.all([
        products.count(),
        images.counts(),
        images.failures(MOST_FAILURES),
      ]);
      return {
        products: count,
        imagesReady: ready,
        imagesPending: pending,
        imagesFailed: failed,
        failures: failures.map(({ productId, source, failureCode, failure }) => ({
          productId,
          source,
          code: knownCode(failureCode),
          reason: failure ?? 'unknown',
        })),
      };
    },
  },
  Mutation: {
    upsertProducts: (_root, { input }, context, info) =>
      withUserErrors(
        async () => {
          const entries = entriesAsSent(context, info, 'products', input.products);
          const { services } = await scope(context);
          const { rejections, outdated, renewed, ...counts } = await services.upsertProducts(entries);
          const userErrors = rejections.map(({ index, field, error }) =>
            toUserError(error, ['products', String(index), ...field]),
          );
          return {
            ...counts,
            unchanged: counts.unchanged + renewed + outdated,
            rejected: rejections.length,
            userErrors,
          };
        },
        {
          created: 0,
          updated: 0,
          unchanged: 0,
          rejected: input.products.length,
        },
      ),
    deleteProducts: (_root, { input }, context) =>
      withUserErrors(
        async () => ({
          deleted: await (await scope(context)).services.deleteProducts(input.ids),
        }),
        { deleted: 0 },
      ),
  },
});
