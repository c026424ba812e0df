import type { Resolvers } from '../generated/graphql.ts';
import type { ScopeOf } from './scope.ts';
import { withUserErrors } from './user-errors.ts';

/** Events of visitors, and their erasure (admin). */
export const visitorResolvers = (scope: ScopeOf): Resolvers => ({
  Query: {
    visitorEvents: async (_root, { visitorId, first, after }, context) => {
      const page = { first: first ?? 100, after: after ?? null };
      const { events, endCursor, hasNextPage } = await (await scope(context)).services.visitorEvents(visitorId, page);
      const pageInfo = { hasNextPage, hasPreviousPage: page.after !== null, startCursor: null, endCursor };
      return { nodes: events, pageInfo };
    },
  },
  Mutation: {
    eraseVisitors: (_root, { input: { visitorIds } }, context) =>
      withUserErrors(
        async () => {
          const { services, allowance } = await scope(context);
          allowance.feedback(visitorIds.length);
          return { erasure: await services.eraseVisitors(visitorIds) };
        },
        { erasure: null },
      ),
  },
});
