import { join } from 'node:path';
import { createCatalog } from './catalog/catalogs.ts';
import { knowCatalogs } from './catalog/known-catalogs.ts';
import { DEFAULT_CATALOG } from './catalog-id.ts';
import { loadConfig } from './config.ts';
import { openEmbedded } from './db/embedded.ts';
import { openPostgres } from './db/postgres.ts';
import { makeRepositories, type Repositories } from './db/repositories.ts';
import { openNeighbourLists } from './db/search/neighbour-lists.ts';
import { patiencesOf } from './deadline.ts';
import { type GraphQLModule, ownGraphQL } from './graphql/host-copy.ts';
import type { CatalogOf } from './graphql/scope.ts';
import { retrainSettingsOf } from './jobs/retrain-policy.ts';
import { loadSigningKey } from './keys.ts';
import { checkExtensions } from './load-extensions.ts';
import { type Log, makeLog } from './log.ts';
import { simili } from './plugin.ts';
import type { Extensions } from './ports/extensions.ts';
import { openQueue } from './queue/bullmq.ts';
import { queuePrefix } from './queue/prefix.ts';
import { tellQueue } from './queue/tell.ts';
import { makeServices, type Services } from './services.ts';
import { auditSettingsOf } from './similarity/recall.ts';

export type OpenOptions = {
  /** Implementations of seams (docs/extending.md). */
  extensions?: Extensions | undefined;
  /** Postgres with pgvector, shared with `simili worker`, which fetches, embeds and trains. */
  databaseUrl?: string | undefined;
  /** Without databaseUrl: folder of an embedded database, which one process can have open; null keeps it in memory. */
  dataDir?: string | null | undefined;
  /** Queue on Redis; without it, on the database. All processes must say the same. */
  redisUrl?: string | undefined;
  /**
   * The catalog of requests that name none (header `simili-catalog`, where the server's context holds the request), default
   * `default`; or a function of the server's context, which then decides alone: null is `default`.
   */
  catalog?: string | CatalogOf | undefined;
  /** Signs recommendation ids and cursors; at least 32 characters. Default: generated once, kept in the database. */
  signingKey?: string | undefined;
  /** Share of lists that exchange two neighbours, to learn how far shoppers look: 0 to 0.2, default 0.03. */
  exploring?: number | undefined;
  /** Short pages that Postgres is asked for at once, 1 to 10; default: 1.5 for each processor where it is on this machine, else 10. */
  pagesAtOnce?: number | undefined;
  /** Memory for the neighbours of products that were asked for before, bytes; default a 20th of what the heap may take; 0: none. */
  neighbourListsBytes?: number | undefined;
  /** Share of lists that are asked again exactly, behind the answer, to measure recall: 0 to 1, default 0.01. */
  auditing?: number | undefined;
  log?: Log;
  /** The copy of a server that has another than the one beside this package: `import * as graphql from 'graphql'`. */
  graphql?: GraphQLModule | undefined;
};
export type Simili = {
  plugin: ReturnType<typeof simili>;
  services: Services;
  /** Doors of the catalog of requests that name none; `forCatalog(id)` gives those of another one. */
  repositories: Repositories;
  /** Makes a catalog. @returns false when it was there already. @throws SimiliError INVALID_ARGUMENT. */
  createCatalog(id: string): Promise<boolean>;
  close(): Promise<void>;
};

/**
 * Opens what the plugin stands on: database (migrated), queue, keys.
 * @throws SimiliError CONFIGURATION_INVALID, DATABASE_UNAVAILABLE, DATABASE_UNSUITABLE, DATA_DIR_LOCKED, MIGRATION_FAILED, REDIS_UNAVAILABLE, REDIS_UNSUITABLE,
 *   CATALOG_UNKNOWN.
 */
export async function openSimili(options: OpenOptions = {}): Promise<Simili> {
  const { databaseUrl, dataDir = '.simili', redisUrl, signingKey, catalog, graphql = ownGraphQL } = options;
  const config = loadConfig({
    SIMILI_EXPLORE_SHARE: options.exploring?.toString(),
    SIMILI_AUDIT_SHARE: options.auditing?.toString(),
    SIMILI_PAGES_AT_ONCE: options.pagesAtOnce?.toString(),
    SIMILI_NEIGHBOUR_LISTS_BYTES: options.neighbourListsBytes?.toString(),
  });
  const { log = makeLog(config) } = options;
  const extensions = checkExtensions(options.extensions ?? {});
  const storage = await (databaseUrl
    ? openPostgres(databaseUrl, config.SIMILI_PAGES_AT_ONCE)
    : openEmbedded(dataDir && join(dataDir, 'database')));
  try {
    const { clock = storage.clock } = extensions;
    const usual = typeof catalog === 'string' ? catalog : DEFAULT_CATALOG;
    const lists = openNeighbourLists(config.SIMILI_NEIGHBOUR_LISTS_BYTES);
    const repositories = makeRepositories({ ...storage, clock, lists }, usual);
    await knowCatalogs(repositories.catalogs).check(usual);
    const queue = await openQueue({
      redisUrl,
      storage,
      prefix: await queuePrefix(repositories.installation),
      onError: tellQueue(log),
    });
    const key = signingKey ?? (await loadSigningKey(repositories.installation));
    const services = makeServices({
      repositories,
      queue,
      log,
      signingKey: key,
      now: () => repositories.clock.now(),
      patience: patiencesOf(config),
      retraining: retrainSettingsOf(config),
      exploring: config.SIMILI_EXPLORE_SHARE,
      auditing: auditSettingsOf(config),
      extensions,
    });
    return {
      plugin: simili(services, graphql, typeof catalog === 'function' ? catalog : undefined),
      services,
      repositories,
      createCatalog: (id) => createCatalog(repositories.catalogs, id),
      async close() {
        await services.flush();
        await queue.close();
        await storage.close();
      },
    };
  } catch (error) {
    await storage.close();
    throw error;
  }
}
