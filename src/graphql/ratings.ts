import type { Resolvers } from '../generated/graphql.ts';
import { entriesAsSent } from './entries.ts';
import type { ScopeOf } from './scope.ts';
import { toUserError, withUserErrors } from './user-errors.ts';

/** People's answers (admin). */
export const ratingResolvers = (scope: ScopeOf): Resolvers => ({
  Mutation: {
    submitRatings: (_root, { input: { ratings } }, context, info) =>
      withUserErrors(
        async () => {
          const { services } = await scope(context);
          const { rejections, ...counts } = await services.submitRatings(
            entriesAsSent(context, info, 'ratings', ratings),
          );
          const userErrors = rejections.map(({ index, field, error }) =>
            toUserError(error, ['ratings', String(index), ...field]),
          );
          return { ...counts, rejected: rejections.length, userErrors };
        },
        { accepted: 0, duplicates: 0, rejected: ratings.length },
      ),
  },
});
