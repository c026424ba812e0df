import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { openQueue } from '../../src/queue/bullmq.ts';
import { queuePrefix } from '../../src/queue/prefix.ts';
import { startFleet } from '../../workers/fleet.ts';
import { fakeLog } from '../support/api.ts';
import { freshDatabase } from '../support/database.ts';
import { postgresUrl, redisUrl } from '../support/services.ts';

const flush = async (prefix: string): Promise<number> => {
  const redis = new Redis(redisUrl());
  const keys = await redis.keys(`${prefix}:*`);
  const deleted = keys.length ? await redis.del(keys) : 0;
  await redis.quit();
  return deleted;
};
const open = async () => {
  const database = await freshDatabase(postgresUrl());
  const prefix = await queuePrefix(database.repositories.installation);
  const queue = await openQueue({ redisUrl: redisUrl(), storage: database.storage, prefix, onError: () => {} });
  onTestFinished(async () => {
    await queue.close();
    await flush(prefix);
    await database[Symbol.asyncDispose]();
  });
  return { ...database, prefix, queue };
};

test('after FLUSHALL the job of a worker that died goes on, without anybody being started again', {
  tags: ['redis', 'postgres'],
}, async () => {
  const { repositories, storage, queue, prefix } = await open();
  const { log } = fakeLog();
  const config = loadConfig({ NODE_ENV: 'test' });
  const fleet = await startFleet({ repositories, queue, config, log, queues: ['maintenance'], alone: false });
  onTestFinished(() => fleet.close());
  const delivered: string[] = [];
  let heard = () => {};
  const next = () =>
    new Promise<void>((resolve) => {
      heard = resolve;
    });
  const first = next();
  await queue.work('train', async ({ jobId }) => {
    delivered.push(jobId);
    heard();
  });
  await queue.add('train', { catalog: 'default', jobId: 'before' });
  await first;
  expect(await flush(prefix)).toBeGreaterThan(0);
  const job = await repositories.jobs.create('RETRAIN', {}, 'test');
  await repositories.jobs.claim(job.id, 'TRAIN'); // by a worker that died
  const again = next();
  await storage.prisma.job.update({
    where: { catalogId_id: { catalogId: 'default', id: job.id } },
    data: { heartbeatAt: new Date(Date.now() - 60_000) },
  });
  await again;
  expect(delivered).toEqual(['before', job.id]);
});

test('two installations on one Redis do not take each other’s messages', { tags: ['redis', 'postgres'] }, async () => {
  const [one, two] = [await open(), await open()];
  expect(one.prefix).not.toBe(two.prefix);
  expect(await queuePrefix(one.repositories.installation)).toBe(one.prefix);
  const delivered: string[] = [];
  const both = new Promise<void>((resolve) => {
    const take =
      (name: string) =>
      async ({ jobId }: { jobId: string }) => {
        if (delivered.push(`${name} ${jobId}`) === 2) resolve();
      };
    void one.queue.work('train', take('one'));
    void two.queue.work('train', take('two'));
  });
  await one.queue.add('train', { catalog: 'default', jobId: 'job_1' });
  await two.queue.add('train', { catalog: 'default', jobId: 'job_2' });
  await both;
  expect(delivered.sort()).toEqual(['one job_1', 'two job_2']);
});
