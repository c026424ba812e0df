import { expect, onTestFinished, test } from 'vitest';
import { openPostgres } from '../../src/db/postgres.ts';
import { openQueue } from '../../src/queue/bullmq.ts';
import { queueNames } from '../../src/queue/jobs.ts';
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

test('a process that takes from all queues and adds to them is warned of nothing', { tags: ['postgres'] }, async () => {
  const { open, stop } = await onPostgres();
  const queue = await open(() => {});
  const warnings: string[] = [];
  const hear = ({ message }: Error) => warnings.push(message);
  process.on('warning', hear);
  onTestFinished(async () => {
    process.off('warning', hear);
    await queue.close();
    await stop();
  });
  for (const name of queueNames) await queue.work(name, async () => {});
  for (const name of ['train', 'embed', 'evaluate'] as const) await queue.add(name, { catalog: 'default', jobId: 'a' });
  await queue.add('ingest', { catalog: 'default' });
  await new Promise((resolve) => setImmediate(resolve)); // warnings are emitted on the next tick
  expect(warnings).toEqual([]);
});

async function onRedis() {
  const prefix = `test-${crypto.randomUUID()}`;
  const storage = { queue: { connectionString: 'unused' } };
  const open: OpenQueue = (onError, idleSeconds) =>
    openQueue({ redisUrl: redisUrl(), storage, prefix, idleSeconds, onError });
  return { open, stop: async () => {} };
}
describeQueue('Redis', onRedis, ['redis']);
