import { ApolloServer } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled';
import type { GraphQLSchema } from 'graphql';
import { limitRequests } from '../graphql/cost/apollo-plugin.ts';
import { type Limits, PARSED } from '../graphql/cost/limits.ts';
import { entriesPlugin } from '../graphql/entries.ts';
import { makeFormatError } from '../graphql/errors.ts';
import type { Log } from '../log.ts';
import { introspectionRules, type Manners } from './exploring.ts';
import { keptAnswers } from './kept-answers.ts';
import { keptDocuments, keptTexts } from './kept-documents.ts';
import { refuseSubscriptions } from './refuse-subscriptions.ts';
import { tellRetryAfter } from './retry-after.ts';

/** A few tell a developer what is wrong; thousands would be an attack's answer. */
const MOST_VALIDATION_ERRORS = 10;

/** An Apollo server over one of our schemas; the caller starts it. `cacheSeconds`: how long answers of GET may be kept. */
export function makeApollo(
  schema: GraphQLSchema,
  limits: Limits,
  { explore, stackTraces }: Manners,
  log: Log,
  cacheSeconds = 0,
): ApolloServer {
  return new ApolloServer({
    schema,
    introspection: true, // introspectionRules decide
    includeStacktraceInErrorResponses: stackTraces,
    hideSchemaDetailsFromClientErrors: !explore,
    validationRules: introspectionRules(explore),
    validationOptions: { maxErrors: MOST_VALIDATION_ERRORS },
    parseOptions: PARSED,
    csrfPrevention: true,
    documentStore: keptDocuments(),
    // Documents by their hash, once one client has sent them: those that are valid and within the limits.
    persistedQueries: { cache: keptTexts() },
    allowBatchedHttpRequests: false,
    stopOnTerminationSignals: false,
    formatError: makeFormatError(log),
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      // It would look at every field of every answer; ours says how long a whole answer may be kept.
      ApolloServerPluginCacheControlDisabled(),
      limitRequests(limits),
      keptAnswers(cacheSeconds),
      refuseSubscriptions,
      tellRetryAfter,
      entriesPlugin,
    ],
    logger: {
      debug: () => {},
      info: () => {},
      warn: (message) => log.warn(String(message)),
      error: (message) => log.error(String(message)),
    },
  });
}
