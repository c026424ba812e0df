import { openEmbedded } from '../../src/db/embedded.ts';
import { openPostgres } from '../../src/db/postgres.ts';
import { describeStorage } from '../contract/storage.contract.ts';
import { freshPostgresDatabase, postgresUrl } from '../support/services.ts';

describeStorage('PGlite', () => openEmbedded(null));

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
