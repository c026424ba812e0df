import { type Config, loadConfig } from '../src/config.ts';
import { makeRepositories, type Repositories } from '../src/db/repositories.ts';
import { openStorage, type Storage } from '../src/db/storage.ts';
import { type Log, makeLog } from '../src/log.ts';
import { openQueue } from '../src/queue/bullmq.ts';
import type { JobQueue } from '../src/queue/jobs.ts';

/** What every command works with: open, migrated, checked. */
export type App = {
  config: Config;
  log: Log;
  storage: Storage;
  repositories: Repositories;
  queue: JobQueue;
};

/** @throws SimiliError of configuration, database, Redis, data directory. */
export async function openApp(config: Config = loadConfig()): Promise<App> {
  const log = makeLog(config);
  const storage = await openStorage(config);
  for (const warning of storage.warnings) log.warn(warning);
  try {
    const queue = await openQueue({
      redisUrl: config.REDIS_URL,
      storage,
      onError: (error) => log.error({ err: error }, 'queue'),
    });
    return { config, log, storage, repositories: makeRepositories(storage.prisma), queue };
  } catch (error) {
    await storage.close();
    throw error;
  }
}
