import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled';
import { ApolloArmor } from '@escape.tech/graphql-armor';
import type { GraphQLSchema, ValidationRule } from 'graphql';
import { entriesPlugin } from '../graphql/entries.ts';
import { makeFormatError } from '../graphql/errors.ts';
import type { Log } from '../log.ts';
import { introspectionRules, type Manners } from './exploring.ts';
import { refuseSubscriptions } from './refuse-subscriptions.ts';

/**
 * Only absurd documents. A rule sees no variables and no page sizes in them: what a request really costs is counted while
 * it runs (src/graphql/scope.ts).
 */
const MOST_COST = 1_000_000;
export const MOST_TOKENS = 2_000;

/** Limits on a document, before anything is executed. */
export function limitRules(): ValidationRule[] {
  const off = { enabled: false };
  const armor = new ApolloArmor({
    maxDepth: { n: 10 },
    maxAliases: { n: 30 },
    maxDirectives: { n: 20 },
    costLimit: { maxCost: MOST_COST },
    maxTokens: off, // graphql-js counts them by itself: parseOptions
    blockFieldSuggestion: off, // Apollo hides them by itself
  });
  return armor.protect().validationRules;
}

/** An Apollo server over one of our schemas; the caller starts it. */
export function makeApollo(schema: GraphQLSchema, { explore, stackTraces }: Manners, log: Log): ApolloServer {
  return new ApolloServer({
    schema,
    introspection: true, // introspectionRules decide
    includeStacktraceInErrorResponses: stackTraces,
    hideSchemaDetailsFromClientErrors: !explore,
    validationRules: [...limitRules(), ...introspectionRules(explore)],
    parseOptions: { maxTokens: MOST_TOKENS },
    csrfPrevention: true,
    persistedQueries: false,
    allowBatchedHttpRequests: false,
    stopOnTerminationSignals: false,
    formatError: makeFormatError(log),
    plugins: [ApolloServerPluginLandingPageDisabled(), refuseSubscriptions, entriesPlugin],
    logger: {
      debug: () => {},
      info: () => {},
      warn: (message) => log.warn(String(message)),
      error: (message) => log.error(String(message)),
    },
  });
}
