import type { Resolvers } from '../generated/graphql.ts';
import { entriesAsSent } from './entries.ts';
import type { ScopeOf } from './scope.ts';
import { toUserError, withUserErrors } from './user-errors.ts';

export const feedbackResolvers = (scope: ScopeOf): Resolvers => ({
  Mutation: {
    submitFeedback: (_root, { input: { visitor, events } }, context, info) =>
      withUserErrors(
        async () => {
          const entries = entriesAsSent(context, info, 'events', events);
          const { rejections, ...counts } = await scope(context).services.submitFeedback(visitor.id, entries);
          const userErrors = rejections.map(({ index, field, error }) =>
            toUserError(error, ['events', String(index), ...field]),
          );
          return { ...counts, rejected: rejections.length, userErrors };
        },
        { accepted: 0, duplicates: 0, rejected: events.length },
      ),
  },
});
