import { openPostgres } from '../../src/db/postgres.ts';
import { makeRepositories, type Repositories } from '../../src/db/repositories.ts';
import type { Storage } from '../../src/db/session/storage.ts';
import { freshEmbedded } from './embedded.ts';
import { freshPostgresDatabase } from './services.ts';

export type FreshDatabase = AsyncDisposable & {
  storage: Storage;
  repositories: Repositories;
};

/**
 * An empty, migrated database of its own: PGlite in memory, or, on the Postgres server of `adminUrl`, a new database
 * that is dropped at the end.
 */
export async function freshDatabase(adminUrl?: string): Promise<FreshDatabase> {
  if (!adminUrl) return opened(await freshEmbedded(), async () => {});
  const database = await freshPostgresDatabase(adminUrl);
  return opened(await openPostgres(database.url), async () => database[Symbol.asyncDispose]());
}

function opened(storage: Storage, drop: () => Promise<void>): FreshDatabase {
  return {
    storage,
    repositories: makeRepositories(storage, 'default'),
    async [Symbol.asyncDispose]() {
      await storage.close();
      await drop();
    },
  };
}
