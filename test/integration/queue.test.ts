import { openPostgres } from '../../src/db/postgres.ts';
import { openQueue } from '../../src/queue/bullmq.ts';
import { describeQueue, type OpenQueue } from '../contract/queue.contract.ts';
import { freshEmbedded } from '../support/embedded.ts';
import { freshPostgresDatabase, postgresUrl, redisUrl } from '../support/services.ts';

describeQueue('PGlite', async () => {
  const storage = await freshEmbedded();
  return {
    open: (onError, idleSeconds) => openQueue({ storage, prefix: 'unused', idleSeconds, onError }),
    stop: () => storage.close(),
  };
});

async function onPostgres() {
  const database = await freshPostgresDatabase(postgresUrl());
  const storage = await openPostgres(database.url);
  const stop = async () => {
    await storage.close();
    await database[Symbol.asyncDispose]();
  };
  const open: OpenQueue = (onError, idleSeconds) => openQueue({ storage, prefix: 'unused', idleSeconds, onError });
  return { open, stop };
}
describeQueue('Postgres', onPostgres, ['postgres']);

async function onRedis() {
  const prefix = `test-${crypto.randomUUID()}`;
  const storage = { queue: { connectionString: 'unused' } };
  const open: OpenQueue = (onError, idleSeconds) =>
    openQueue({ redisUrl: redisUrl(), storage, prefix, idleSeconds, onError });
  return { open, stop: async () => {} };
}
describeQueue('Redis', onRedis, ['redis']);
