import type { Resolvers } from '../generated/graphql.ts';
import { entriesAsSent } from './entries.ts';
import type { ScopeOf } from './scope.ts';
import { toUserError, withUserErrors } from './user-errors.ts';

export const feedbackResolvers = (scope: ScopeOf): Resolvers => ({
  Query: {
    visitorErasure: async (_root, { id }, context) => (await scope(context)).services.erasure(id),
  },
  Mutation: {
    submitFeedback: (_root, { input: { visitor, events } }, context, info) =>
      withUserErrors(
        async () => {
          const entries = entriesAsSent(context, info, 'events', events);
          const { services, allowance } = await scope(context);
          const { rejections, ...counts } = await services.submitFeedback(
            { id: visitor.id, consents: visitor.consent !== 'DENIED' },
            entries,
            () => allowance.feedback(entries.length),
          );
          const userErrors = rejections.map(({ index, field, error }) =>
            toUserError(error, ['events', String(index), ...field]),
          );
          return { ...counts, rejected: rejections.length, userErrors };
        },
        { accepted: 0, duplicates: 0, rejected: events.length, withoutConsent: 0 },
      ),
    forgetMe: (_root, { input: { visitor } }, context) =>
      withUserErrors(
        async () => {
          const { services, allowance } = await scope(context);
          allowance.feedback(1);
          return { erasure: await services.eraseVisitors([visitor.id]) };
        },
        { erasure: null },
        ['visitor', 'id'],
      ),
  },
});
