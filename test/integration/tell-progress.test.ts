import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { tellOfProgress } from '../../cli/tell-progress.ts';
import { openPostgres } from '../../src/db/postgres.ts';
import { makeRepositories } from '../../src/db/repositories.ts';
import { type FakeWorker, fakeWorker } from '../support/fake-worker.ts';
import { addModel, addProducts, fakeQueue } from '../support/fixtures.ts';
import { proxyTo } from '../support/proxy.ts';
import { freshPostgresDatabase, postgresUrl } from '../support/services.ts';

type Shop = { database: Pick<FakeWorker['database'], 'repositories'>; queue: FakeWorker['queue'] };

/** Lines that `simili start` says of a shop, until it is stopped. */
function listen({ database: { repositories }, queue }: Shop): AsyncDisposable & { said: string[] } {
  const said: string[] = [];
  const stopped = new AbortController();
  const told = tellOfProgress({ repositories, queue } as never, false, (text) => said.push(text), stopped.signal);
  const ended = told.catch((error: unknown) => {
    if (!stopped.signal.aborted) throw error;
  });
  return {
    said,
    async [Symbol.asyncDispose]() {
      stopped.abort();
      await ended;
    },
  };
}

test('that a model is fitted, and that it answers, is said when it is so, and not once the last picture is decoded', async () => {
  await using worker = await fakeWorker(3);
  await addProducts(worker.database, [{ id: 'late', imageUrls: ['/late.png'] }]);
  await using told = listen(worker);
  const { said } = told;
  await worker.database.repositories.jobs.create('BOOTSTRAP', {}, 'simili');
  const fitting = 'Fitting the first model from what the encoder and hand-made features see';
  await expect.poll(() => said).toEqual([fitting]);
  await addModel(worker.database, { p0: [1, 0], p1: [0, 1] });
  await expect.poll(() => said).toEqual([fitting, 'similarItems answers from model 1']);
  expect((await worker.database.repositories.images.counts()).pending).toBe(1);
});

test('a training that had ended before the start is not told as news; one that comes then is', async () => {
  await using worker = await fakeWorker(3);
  const { jobs } = worker.database.repositories;
  await addModel(worker.database, { p0: [1, 0], p1: [0, 1] });
  const change = async (message: string, state: 'SUCCEEDED' | 'RUNNING' | 'FAILED') => {
    const { id } = (await jobs.last('RETRAIN'))!;
    await worker.database.storage.prisma.job.updateMany({ where: { id }, data: { message, state } });
  };
  await jobs.create('RETRAIN', {}, 'test');
  await change('The new version serves', 'SUCCEEDED');
  await using told = listen(worker);
  const { said } = told;
  await expect.poll(() => said).toHaveLength(1);
  await jobs.create('RETRAIN', {}, 'test');
  await change('Step 1', 'RUNNING');
  await expect.poll(() => said).toEqual(['similarItems answers from model 1', 'Learning: Step 1']);
  await change('Step 1', 'FAILED');
  await expect.poll(() => said.slice(2)).toEqual(['Training ended: failed']);
});

test('a database that is away for a while does not end the server that is told of: what comes then is told', {
  tags: ['postgres'],
}, async () => {
  await using fresh = await freshPostgresDatabase(postgresUrl());
  await using proxy = await proxyTo(fresh.url);
  const storage = await openPostgres(proxy.url);
  const database = {
    storage,
    repositories: makeRepositories(storage, 'default'),
    [Symbol.asyncDispose]: () => storage.close(),
  };
  await using _closed = database;
  await using told = listen({ database, queue: fakeQueue() });
  const { said } = told;
  const empty = 'The catalog is empty: upsertProducts or simili import fills it';
  await expect.poll(() => said).toEqual([empty]);
  proxy.cut();
  await expect(database.repositories.products.count()).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
  await sleep(700); // longer than from one look to the next
  proxy.restore();
  await addProducts(database, [{ id: 'a' }, { id: 'b' }]);
  await addModel(database, { a: [1, 0], b: [0, 1] });
  await expect.poll(() => said.at(-1)).toBe('similarItems answers from model 1');
});
