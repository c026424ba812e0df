import { readFileSync } from 'node:fs';
import { mergeResolvers } from '@graphql-tools/merge';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { type GraphQLSchema, parse } from 'graphql';
import type { Patience } from './deadline.ts';
import type { Resolvers } from './generated/graphql.ts';
import { catalogResolvers } from './graphql/catalog.ts';
import { limitRequests } from './graphql/cost/apollo-plugin.ts';
import { type Limits, storefrontLimits } from './graphql/cost/limits.ts';
import { entriesPlugin } from './graphql/entries.ts';
import { extendSchema, withoutFederation } from './graphql/extend.ts';
import { feedbackResolvers } from './graphql/feedback.ts';
import { jobResolvers } from './graphql/jobs.ts';
import { masked } from './graphql/mask.ts';
import { modelResolvers } from './graphql/models.ts';
import { productResolvers } from './graphql/products.ts';
import { ratingResolvers } from './graphql/ratings.ts';
import { adminScalars, storefrontScalars } from './graphql/scalars.ts';
import { scoper } from './graphql/scope.ts';
import { similarItemsResolvers } from './graphql/similar-items.ts';
import { productReference, subgraphSchema } from './graphql/subgraph.ts';
import { timed } from './graphql/timed.ts';
import { packageFile } from './package-root.ts';
import type { Services } from './services.ts';

const contractOf = (file: string) => parse(readFileSync(packageFile(file), 'utf8'));
const storefront = contractOf('schema.graphql');
const admin = contractOf('schema.admin.graphql');
/**
 * The product as a plugin: one contract, one set of resolvers, three ways in.
 *   new ApolloServer({ schema: simili(services).standalone() })     a server of its own
 *   new ApolloServer({ schema: simili(services).subgraph() })       behind a federation router
 *   new ApolloServer({ schema: simili(services).extend(theirs) })   their `Product` gains `similarItems`
 * `admin()` is the storefront contract and the admin one together: never without an access check in front of it.
 * Any GraphQL server will do that makes a context object for each request. With extend(), nodes of a list are
 * `{ id, … }`: the host's Product resolvers must start from `id`.
 */
export function simili(services: Services) {
  const scope = scoper(services);
  const shop = merged(
    [similarItemsResolvers(scope), productResolvers(scope), feedbackResolvers(scope), storefrontScalars],
    services,
    services.patience.shop,
  );
  return {
    /** For `plugins` of the host's Apollo Server; what it is good for stands with it. */
    apolloPlugin: () => entriesPlugin,
    standalone: (): GraphQLSchema =>
      makeExecutableSchema({
        typeDefs: withoutFederation(storefront),
        resolvers: shop,
      }),
    subgraph: (): GraphQLSchema =>
      subgraphSchema(storefront, shop, masked(timed(productReference(scope), services.patience.shop), services.log)),
    extend: (theirs: GraphQLSchema): GraphQLSchema => extendSchema(theirs, withoutFederation(storefront), shop),
    /**
     * For the host's own Apollo server, `plugins: [simili.plugin.limits()]`: what a request may ask for, told before it
     * is validated. Other servers call `refusalOf` with `storefrontLimits`.
     */
    limits: (own: Partial<Omit<Limits, 'lists'>> = {}) => limitRequests({ ...storefrontLimits, ...own }),
    admin: (): GraphQLSchema => {
      const office = merged(
        [catalogResolvers(scope), ratingResolvers(scope), modelResolvers(scope), jobResolvers(scope), adminScalars],
        services,
        services.patience.admin,
      );
      return makeExecutableSchema({
        typeDefs: [withoutFederation(storefront), admin],
        resolvers: [shop, office],
      });
    },
  };
}

const merged = (maps: Resolvers[], { log }: Services, patience: Patience): Resolvers =>
  mergeResolvers(maps.map((map) => masked(timed(map, patience), log))) as Resolvers;
