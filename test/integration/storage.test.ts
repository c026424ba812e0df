import { openPostgres } from '../../src/db/postgres.ts';
import { describeCatalogs } from '../contract/catalogs.contract.ts';
import { describeStorage } from '../contract/storage.contract.ts';
import { freshEmbedded } from '../support/embedded.ts';
import { freshPostgresDatabase, postgresUrl } from '../support/services.ts';

describeStorage('PGlite', freshEmbedded);
describeCatalogs('PGlite', freshEmbedded);

async function onPostgres() {
  const database = await freshPostgresDatabase(postgresUrl());
  const storage = await openPostgres(database.url);
  const close = async () => {
    await storage.close();
    await database[Symbol.asyncDispose]();
  };
  return { ...storage, close };
}
describeStorage('Postgres', onPostgres, ['postgres']);
describeCatalogs('Postgres', onPostgres, ['postgres']);
