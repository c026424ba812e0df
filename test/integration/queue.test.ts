import { openEmbedded } from '../../src/db/embedded.ts';
import { openPostgres } from '../../src/db/postgres.ts';
import { openQueue } from '../../src/queue/bullmq.ts';
import { describeQueue } from '../contract/queue.contract.ts';
import { freshPostgresDatabase, postgresUrl, redisUrl } from '../support/services.ts';

describeQueue('PGlite', async () => {
  const storage = await openEmbedded(null);
  return { open: (onError) => openQueue({ storage, onError }), stop: () => storage.close() };
});

const postgres = postgresUrl();
if (postgres) {
  describeQueue('Postgres', async () => {
    const database = await freshPostgresDatabase(postgres);
    const storage = await openPostgres(database.url);
    const stop = async () => {
      await storage.close();
      await database[Symbol.asyncDispose]();
    };
    return { open: (onError) => openQueue({ storage, onError }), stop };
  });
}

const redis = redisUrl();
if (redis) {
  describeQueue('Redis', async () => {
    const prefix = `test-${crypto.randomUUID()}`;
    const storage = { queue: { connectionString: 'unused' } };
    return { open: (onError) => openQueue({ redisUrl: redis, storage, prefix, onError }), stop: async () => {} };
  });
}
