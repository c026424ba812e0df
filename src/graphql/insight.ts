import type { VisitorEvent } from '../db/erasures.ts';
import type { Resolvers } from '../generated/graphql.ts';
import type { ScopeOf } from './scope.ts';

/** Feedback as a whole, in numbers (admin). */
export const insightResolvers = (scope: ScopeOf): Resolvers => ({
  Query: {
    recall: async (_root, _args, context) => (await scope(context)).services.recall(),
    feedbackHealth: async (_root, { days }, context) => (await scope(context)).services.feedbackHealth(days ?? 7),
    clickThrough: async (_root, { days, until, modelVersionId }, context) =>
      (await scope(context)).services.clickThrough({
        days: days ?? 28,
        until: until ?? null,
        modelVersionId: modelVersionId ?? null,
      }),
  },
  Subscription: {
    feedbackTap: {
      subscribe: async (_root, _args, context) => (await scope(context)).services.tapFeedback() as never,
      resolve: (event: VisitorEvent) => event,
    },
  },
  FeedbackHealth: {
    nextTraining: async (_health, _args, context) => (await scope(context)).services.retrainPlan(),
  },
});
