import { readFileSync } from 'node:fs';
import { mergeResolvers } from '@graphql-tools/merge';
import { type DocumentNode, type GraphQLSchema, Kind, parse } from 'graphql';
import type { Patience } from './deadline.ts';
import type { Resolvers } from './generated/graphql.ts';
import { attach, type ResolverMap } from './graphql/attach.ts';
import { catalogResolvers } from './graphql/catalog.ts';
import { limitRequests } from './graphql/cost/apollo-plugin.ts';
import { type Limits, storefrontLimits } from './graphql/cost/limits.ts';
import { entriesPlugin } from './graphql/entries.ts';
import { extendSchema, withoutFederation } from './graphql/extend.ts';
import { feedbackResolvers } from './graphql/feedback.ts';
import { type AdminGuard, guarded } from './graphql/guard.ts';
import { copyThatMade, type GraphQLModule, type OwnGraphQL, ownGraphQL } from './graphql/host-copy.ts';
import { insightResolvers } from './graphql/insight.ts';
import { jobResolvers } from './graphql/jobs.ts';
import { masked, withNativeErrors } from './graphql/mask.ts';
import { modelResolvers } from './graphql/models.ts';
import { productResolvers } from './graphql/products.ts';
import { quarantineResolvers } from './graphql/quarantine.ts';
import { ratingResolvers } from './graphql/ratings.ts';
import { adminScalars, storefrontScalars } from './graphql/scalars.ts';
import { type CatalogOf, scoper } from './graphql/scope.ts';
import { similarItemsResolvers } from './graphql/similar-items.ts';
import { productReference, subgraphOf } from './graphql/subgraph.ts';
import { timed } from './graphql/timed.ts';
import { visitorResolvers } from './graphql/visitors.ts';
import { packageFile } from './package-root.ts';
import type { KeyScope } from './ports/authenticator.ts';
import type { Services } from './services.ts';

const contractOf = (file: string) => parse(readFileSync(packageFile(file), 'utf8'));
const storefront = contractOf('schema.graphql');
const admin = contractOf('schema.admin.graphql');
/**
 * The product as a plugin: one contract, one set of resolvers, three ways in.
 *   new ApolloServer({ schema: simili(services).standalone() })     a server of its own
 *   new ApolloServer({ schema: simili(services).subgraph() })       behind a federation router
 *   new ApolloServer({ schema: simili(services).extend(theirs) })   their `Product` gains `similarItems`
 * `admin(guard)` is the storefront contract and the admin one together, for those whom the guard lets in.
 * Any GraphQL server will do that makes a context object for each request. With extend(), nodes of a list are
 * `{ id, … }`: the host's Product resolvers must start from `id`.
 * @param graphql the server's copy, where it is another than the one that this package finds (ADR 12).
 * @param catalogOf whose request it is; default: its header `simili-catalog`, where the context holds the request, as `request` or `req`.
 */
export function simili(services: Services, graphql: GraphQLModule = ownGraphQL, catalogOf?: CatalogOf) {
  const given = graphql as unknown as OwnGraphQL;
  const scope = scoper(services, catalogOf);
  const { patience, log } = services;
  /** Resolvers whose errors are of that copy's class. */
  const native = (copy: OwnGraphQL, maps: Resolvers[]): ResolverMap =>
    mergeResolvers(maps.map((map) => masked(map, log, copy.GraphQLError))) as ResolverMap;
  const shopMaps = (guard: AdminGuard | Open): Resolvers[] =>
    behind(guard, patience.shop, {
      storefront: [similarItemsResolvers(scope), productResolvers(scope)],
      feedback: [feedbackResolvers(scope)],
    });
  const shopFor = (copy: OwnGraphQL, guard: AdminGuard | Open = OPEN): ResolverMap => ({
    ...native(copy, shopMaps(guard)),
    ...withNativeErrors(storefrontScalars, copy.GraphQLError),
  });
  const built = (typeDefs: DocumentNode[], ...resolvers: ResolverMap[]): GraphQLSchema =>
    resolvers.reduce(attach, given.buildASTSchema(joined(typeDefs)));
  return {
    /** For `plugins` of the host's Apollo Server; what it is good for stands with it. */
    apolloPlugin: () => entriesPlugin,
    /** @param guard where not everybody may ask, or tell; default: the server sees to that. @throws SimiliError CONFIGURATION_INVALID. */
    standalone: (guard?: AdminGuard): GraphQLSchema =>
      built([withoutFederation(storefront)], shopFor(given, guard === undefined ? OPEN : guard)),
    subgraph: (): GraphQLSchema => {
      const reference = masked(timed(productReference(scope), patience.shop), log, given.GraphQLError);
      const { typeDefs, resolvers } = subgraphOf(storefront, reference);
      return built(typeDefs, shopFor(given), resolvers);
    },
    /** @returns the host's schema with ours in it, made by the copy of graphql that made theirs. @throws SimiliError SCHEMA_UNSUITABLE. */
    extend: <Schema extends object>(theirs: Schema): Schema => {
      const copy = copyThatMade(theirs, given);
      const contract = withoutFederation(storefront);
      return extendSchema(copy, theirs as unknown as GraphQLSchema, contract, shopFor(copy)) as unknown as Schema;
    },
    /**
     * For the host's own Apollo server, `plugins: [simili.plugin.limits()]`: what a request may ask for, told before it
     * is validated. Other servers call `refusalOf` with `storefrontLimits`.
     */
    limits: (own: Partial<Omit<Limits, 'lists'>> = {}) => limitRequests({ ...storefrontLimits, ...own }),
    /** @throws SimiliError CONFIGURATION_INVALID without a guard. */
    admin: (guard: AdminGuard): GraphQLSchema => {
      const office = behind(guard, patience.admin, {
        catalog: [catalogResolvers(scope), ratingResolvers(scope), visitorResolvers(scope)],
        operate: [modelResolvers(scope), quarantineResolvers(scope), insightResolvers(scope), jobResolvers(scope)],
      });
      return built(
        [withoutFederation(storefront), admin],
        native(given, shopMaps(guard)),
        native(given, office),
        withNativeErrors({ ...storefrontScalars, ...adminScalars }, given.GraphQLError),
      );
    },
  };
}

/** No guard: the server sees to who may ask. Nothing that a caller could leave out or lose means it. */
const OPEN = Symbol('open');
type Open = typeof OPEN;

/** Resolvers by what one needs for them, in time and behind a guard. @throws SimiliError CONFIGURATION_INVALID for no guard at all. */
const behind = (guard: AdminGuard | Open, time: Patience, maps: Partial<Record<KeyScope, Resolvers[]>>): Resolvers[] =>
  Object.entries(maps).flatMap(([scope, own]) => {
    const inTime = own.map((map) => timed(map, time));
    return guard === OPEN ? inTime : inTime.map((map) => guarded(map, guard, scope as KeyScope));
  });

const joined = (documents: DocumentNode[]): DocumentNode => ({
  kind: Kind.DOCUMENT,
  definitions: documents.flatMap(({ definitions }) => definitions),
});
