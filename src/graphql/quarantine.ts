import type { Resolvers } from '../generated/graphql.ts';
import type { ScopeOf } from './scope.ts';
import { withUserErrors } from './user-errors.ts';

/** Feedback that nothing is derived from (admin). */
export const quarantineResolvers = (scope: ScopeOf): Resolvers => ({
  Query: {
    feedbackQuarantines: async (_root, { first, after, visitorId }, context) =>
      (await scope(context)).services.quarantines({
        first: first ?? 100,
        after: after ?? null,
        visitorId: visitorId ?? null,
      }),
  },
  Mutation: {
    quarantineFeedback: (_root, { input }, context) =>
      withUserErrors(async () => ({ quarantine: await (await scope(context)).services.quarantineFeedback(input) }), {
        quarantine: null,
      }),
    releaseFeedback: (_root, { input: { id } }, context) =>
      withUserErrors(
        async () => ({ quarantine: await (await scope(context)).services.releaseFeedback(id) }),
        { quarantine: null },
        ['id'],
      ),
  },
});
