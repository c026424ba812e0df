import { knowCatalogs } from '../src/catalog/known-catalogs.ts';
import { type Config, loadConfig } from '../src/config.ts';
import { openStorage } from '../src/db/open-storage.ts';
import { makeRepositories, type Repositories } from '../src/db/repositories.ts';
import { openNeighbourLists } from '../src/db/search/neighbour-lists.ts';
import type { Storage } from '../src/db/session/storage.ts';
import { SimiliError } from '../src/errors.ts';
import { loadExtensions } from '../src/load-extensions.ts';
import { type Log, makeLog } from '../src/log.ts';
import type { Extensions } from '../src/ports/extensions.ts';
import type { JobQueue } from '../src/queue/jobs.ts';
import { queueLater } from '../src/queue/later.ts';
import { queuePrefix } from '../src/queue/prefix.ts';
import { tellQueue } from '../src/queue/tell.ts';

/** Everything a command works with: open, migrated, checked. */
export type App = {
  config: Config;
  log: Log;
  storage: Storage;
  /** Doors of the catalog that the configuration names. */
  repositories: Repositories;
  queue: JobQueue;
  extensions: Extensions;
};

/** For commands whose other half runs elsewhere: an embedded database belongs to one process. @throws SimiliError CONFIGURATION_INVALID. */
export function loadSharedConfig(): Config {
  const config = loadConfig();
  if (config.DATABASE_URL) return config;
  throw new SimiliError('CONFIGURATION_INVALID', {
    why: 'API and workers as processes of their own share a Postgres: set DATABASE_URL (or run both with `simili start`)',
  });
}

/**
 * @param queue whether it is opened now, or when it is used first.
 * @throws SimiliError of configuration, database, Redis, data directory; CATALOG_UNKNOWN.
 */
export async function openApp(config: Config = loadConfig(), queue: 'now' | 'later' = 'now'): Promise<App> {
  const log = makeLog(config);
  const extensions = await loadExtensions(config);
  const storage = await openStorage(config);
  for (const warning of storage.warnings) log.warn(warning);
  try {
    const { clock = storage.clock } = extensions;
    const worth = { values: config.SIMILI_ACTION_VALUES, halfLifeDays: config.SIMILI_FEEDBACK_HALF_LIFE_DAYS };
    const lists = openNeighbourLists(config.SIMILI_NEIGHBOUR_LISTS_BYTES);
    const repositories = makeRepositories({ ...storage, clock, worth, lists }, config.SIMILI_CATALOG);
    await knowCatalogs(repositories.catalogs).check(config.SIMILI_CATALOG);
    const open = async () => {
      const { openQueue } = await import('../src/queue/bullmq.ts');
      return openQueue({
        redisUrl: config.REDIS_URL,
        storage,
        prefix: await queuePrefix(repositories.installation),
        onError: tellQueue(log),
      });
    };
    const app = { config, log, storage, repositories, extensions };
    return { ...app, queue: queue === 'later' ? queueLater(open) : await open() };
  } catch (error) {
    await storage.close();
    throw error;
  }
}
