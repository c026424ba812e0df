import type { IncomingEvent } from '../feedback/submit.ts';
import type { FeedbackEventInput, Resolvers } from '../generated/graphql.ts';
import type { ScopeOf } from './scope.ts';
import { toUserError, withUserErrors } from './user-errors.ts';

const KINDS = {
  impression: 'IMPRESSION',
  click: 'CLICK',
  addToCart: 'ADD_TO_CART',
  purchase: 'PURCHASE',
  dismiss: 'DISMISS',
} as const;
type Key = keyof typeof KINDS;

export const feedbackResolvers = (scope: ScopeOf): Resolvers => ({
  Mutation: {
    submitFeedback: (_root, { input: { visitor, events } }, context) =>
      withUserErrors(
        async () => {
          const { accepted, duplicates, rejections } = await scope(context).services.submitFeedback(
            visitor.id,
            events.map(toEvent),
          );
          const userErrors = rejections.map(({ index, field, error }) => {
            return toUserError(error, ['events', String(index), keyOf(events[index]!), ...field]);
          });
          return {
            accepted,
            duplicates,
            rejected: rejections.length,
            userErrors,
          };
        },
        { accepted: 0, duplicates: 0, rejected: events.length },
      ),
  },
});

/** The one kind that is set: `@oneOf` lets no other number of them through. */
const keyOf = (event: FeedbackEventInput): Key =>
  (Object.keys(KINDS) as Key[]).find((key) => event[key]) ?? 'impression';

function toEvent(event: FeedbackEventInput): IncomingEvent {
  const key = keyOf(event);
  const { eventId, occurredAt, recommendationId, ...about } = event[key]!;
  const itemIds = 'itemIds' in about ? about.itemIds : [about.itemId];
  // A host's own DateTime may stay text.
  return {
    kind: KINDS[key],
    eventId,
    occurredAt: new Date(occurredAt),
    recommendationId,
    itemIds,
  };
}
