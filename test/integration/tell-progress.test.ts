import { expect, test } from 'vitest';
import { tellOfProgress } from '../../cli/tell-progress.ts';
import { type FakeWorker, fakeWorker } from '../support/fake-worker.ts';
import { addModel, addProducts } from '../support/fixtures.ts';

/** Lines that `simili start` says of a shop, until it is stopped. */
function listen({ database: { repositories }, queue }: FakeWorker): AsyncDisposable & { said: string[] } {
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
