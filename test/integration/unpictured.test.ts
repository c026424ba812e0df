import { expect, test } from 'vitest';
import { embedHandler } from '../../workers/handlers/embed.ts';
import { evaluateHandler } from '../../workers/handlers/evaluate.ts';
import { ingestHandler } from '../../workers/handlers/ingest.ts';
import { trainHandler } from '../../workers/handlers/train.ts';
import { fakeWorker } from '../support/fake-worker.ts';
import { addProducts } from '../support/fixtures.ts';

const run = { signal: new AbortController().signal };

test('a product whose pictures were taken away is not ranked by them any more, in no version that may serve', async () => {
  await using worker = await fakeWorker(24);
  const { jobs, models, embeddings } = worker.database.repositories;
  const made = async (jobId: string) => {
    for (const handler of [trainHandler, embedHandler, evaluateHandler])
      await handler(worker.context)({ catalog: 'default', jobId }, run);
  };
  await made((await jobs.create('BOOTSTRAP', {}, 'simili')).id);
  await made((await jobs.last('RETRAIN'))!.id);
  const numbers = (await models.live()).map(({ number }) => number);
  expect(numbers).toEqual([2, 1]);
  const known = () => Promise.all(numbers.map(async (number) => (await embeddings.vectors(number, ['p3', 'p4'])).size));
  expect(await known()).toEqual([2, 2]);
  await addProducts(worker.database, [{ id: 'p3', imageUrls: [], categories: ['odd'] }]);
  await ingestHandler(worker.context)({ catalog: 'default' }, run);
  expect(await known()).toEqual([1, 1]);
  expect(await worker.database.storage.prisma.queuedProduct.count()).toBe(0);
});
