import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { openPostgres } from '../../src/db/postgres.ts';
import { makeRepositories, type Repositories } from '../../src/db/repositories.ts';
import type { Storage } from '../../src/db/storage.ts';
import { freshEmbedded } from './embedded.ts';

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
  const name = `simili_test_${randomBytes(6).toString('hex')}`;
  await onServer(adminUrl, `CREATE DATABASE ${name}`);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return opened(await openPostgres(url.href), () => onServer(adminUrl, `DROP DATABASE ${name} WITH (FORCE)`));
}

function opened(storage: Storage, drop: () => Promise<void>): FreshDatabase {
  return {
    storage,
    repositories: makeRepositories(storage),
    async [Symbol.asyncDispose]() {
      await storage.close();
      await drop();
    },
  };
}

async function onServer(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}
