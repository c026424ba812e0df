import { expect, test } from 'vitest';
import { openPostgres } from '../../src/db/postgres.ts';
import { makeRepositories } from '../../src/db/repositories.ts';
import { pictureSpace } from '../../src/ports/space.ts';
import { embedHandler } from '../../workers/handlers/embed.ts';
import { evaluateHandler } from '../../workers/handlers/evaluate.ts';
import { ingestHandler } from '../../workers/handlers/ingest.ts';
import { trainHandler } from '../../workers/handlers/train.ts';
import { addDecoded, engines, fakeWorker } from '../support/fake-worker.ts';
import { addProducts, unit } from '../support/fixtures.ts';
import { otherSession, untilWaitedFor } from '../support/other-session.ts';
import { freshPostgresDatabase, postgresUrl } from '../support/services.ts';

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

test('nor by a vector that was on its way when they were taken away', async () => {
  await using worker = await fakeWorker(24);
  const { jobs, models, embeddings } = worker.database.repositories;
  const payload = { catalog: 'default', jobId: (await jobs.create('BOOTSTRAP', {}, 'simili')).id };
  let isTaken = false;
  const embed: typeof engines.embedder.embed = async (request) => {
    if (!isTaken) await addProducts(worker.database, [{ id: 'p3', imageUrls: [], categories: ['odd'] }]);
    isTaken = true;
    await ingestHandler(worker.context)({ catalog: 'default' }, run);
    return engines.embedder.embed(request);
  };
  await trainHandler(worker.context)(payload, run);
  await embedHandler(worker.but({ embedder: { ...engines.embedder, embed } }))(payload, run);
  const { number } = await models.ofJob(payload.jobId);
  expect([...(await embeddings.vectors(number, ['p3', 'p4'])).keys()]).toEqual(['p4']);
  expect(await worker.database.storage.prisma.queuedProduct.count()).toBe(0);
});

test('nor by one that is written while they are taken away', { tags: ['postgres'] }, async () => {
  await using database = await freshPostgresDatabase(postgresUrl());
  const storage = await openPostgres(database.url);
  const [sender, watcher] = [await otherSession(database.url), await otherSession(database.url)];
  try {
    const repositories = makeRepositories(storage, 'default');
    const { embeddings } = repositories;
    await addDecoded({ repositories }, 3);
    const space = pictureSpace(2);
    await embeddings.createTable(1, space);
    await sender.query(`BEGIN; DELETE FROM simili.product_image WHERE product_id = 'p1'`);
    const rows = ['p2', 'p1', 'p0'].map((productId) => ({ productId, contentHash: 'h', vector: unit([1, 1]) }));
    const writing = embeddings.upsert(1, rows, space, 'pictures');
    await untilWaitedFor(sender, watcher);
    await sender.query('COMMIT');
    await writing;
    expect([...(await embeddings.vectors(1, ['p0', 'p1', 'p2'])).keys()].sort()).toEqual(['p0', 'p2']);
  } finally {
    await Promise.all([sender.end(), watcher.end()]);
    await storage.close();
  }
});
