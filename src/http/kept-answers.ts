import type { ApolloServerPlugin, BaseContext } from '@apollo/server';
import { type DocumentNode, Kind, visit } from 'graphql';
import { isAnonymous } from './callers.ts';

/** Fields whose answers are for one caller: a list that is signed for one shopper, or of his own picture, and what a visitor had deleted. */
const FOR_ONE = ['recommendationId', 'visitorErasure', 'similarToPicture'];

/**
 * Lets browsers and proxies keep the answers of GET requests for a while, those that are the same for everybody: a query, without an
 * error, without the signature of a list, asked by nobody in particular.
 * @param seconds how long; 0: nothing is kept
 */
export const keptAnswers = (seconds: number): ApolloServerPlugin<BaseContext> => ({
  async requestDidStart() {
    return {
      async willSendResponse({ contextValue, response, document, operation, errors }) {
        if (seconds <= 0 || !isAnonymous(contextValue) || errors?.length) return;
        if (operation?.operation !== 'query' || !document || isForOne(document)) return;
        response.http.headers.set('cache-control', `public, max-age=${seconds}`);
      },
    };
  },
});

/** In any of its operations and fragments: what is not executed costs an answer its place in a cache, no more. */
function isForOne(document: DocumentNode): boolean {
  let found = false;
  visit(document, {
    [Kind.FIELD]({ name }) {
      found ||= FOR_ONE.includes(name.value);
    },
  });
  return found;
}
