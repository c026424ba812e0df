import { expect, test } from 'vitest';
import { pictureSpace } from '../../src/ports/space.ts';
import { isEncoderFault } from '../../workers/embedding/encode-batch.ts';
import { fillQueued } from '../../workers/embedding/fill-queue.ts';
import { engines, fakeWorker } from '../support/fake-worker.ts';
import { addModel, addProducts } from '../support/fixtures.ts';

const signal = new AbortController().signal;

test('a version that may serve again and whose encoder is gone holds up nothing of the one that serves', async () => {
  await using worker = await fakeWorker(0);
  const { prisma } = worker.database.storage;
  const { embeddings, models, vectorQueue } = worker.database.repositories;
  const standby = await addModel(worker.database, {}, 'STANDBY');
  const training = { shares: { gone: 1 }, encoder: { id: 'gone', choice: 'gone' } };
  const where = { catalogId_id: { catalogId: 'default', id: standby.id } };
  await prisma.modelVersion.update({ where, data: { metrics: { training } } });
  const serving = await addModel(worker.database, {}, 'ACTIVE');
  const ready = async (ids: readonly string[]) => {
    const drafts = ids.map((id) => ({ id, imageUrls: [`https://shop.test/${id}.png`] }));
    for (let from = 0; from < ids.length; from += 100)
      await addProducts(worker.database, drafts.slice(from, from + 100));
    await prisma.$executeRaw`
      UPDATE simili.product_image SET state = 'READY', content_hash = encode(sha256(product_id::bytea), 'hex') WHERE state = 'PENDING'`;
  };
  let failures = 0;
  const unlessItFails = async (work: Promise<unknown>) => {
    const error = await work.then(() => null).catch((one: unknown) => one);
    if (error !== null && !isEncoderFault(error)) throw error;
    if (error !== null) failures++;
    return error === null;
  };
  const fill = () => fillQueued(worker.context, unlessItFails, signal);
  const old = Array.from({ length: 600 }, (_, i) => `old-${i}`); // more than are taken at once
  await ready(old);
  await fill();
  expect([await embeddings.count(serving.number), failures]).toEqual([600, 1]);
  expect([await vectorQueue.isDue(), await prisma.queuedProduct.count()]).toEqual([false, 600]);

  await prisma.queuedProduct.updateMany({ data: { dueAt: new Date(0) } }); // they wait for the encoder, and their time has come
  await ready(['new']);
  expect(await vectorQueue.take(1)).toMatchObject([{ productId: 'new' }]);

  await models.markRetired(standby.id);
  await prisma.queuedProduct.updateMany({ data: { dueAt: new Date(0) } });
  await fill();
  expect(await prisma.queuedProduct.count()).toBe(0);
});

test('nor does one that is retired while products are embedded for it', async () => {
  await using worker = await fakeWorker(0);
  const { prisma } = worker.database.storage;
  const { embeddings, models } = worker.database.repositories;
  const serving = await addModel(worker.database, {}, 'ACTIVE');
  const standby = await addModel(worker.database, {}, 'STANDBY');
  await addProducts(worker.database, [{ id: 'new', imageUrls: ['https://shop.test/new.png'] }]);
  await prisma.$executeRaw`UPDATE simili.product_image SET state = 'READY', content_hash = ${'0'.repeat(64)}`;
  let times = 0;
  const embed: typeof engines.embedder.embed = async (request) => {
    if (++times === 2) await models.markRetired(standby.id);
    if (times === 2) await embeddings.dropTables(standby.number, [pictureSpace(2)]);
    return engines.embedder.embed(request);
  };
  const context = worker.but({ embedder: { ...engines.embedder, embed } });
  await fillQueued(context, (work) => work.then(() => true), signal);
  expect([times, await embeddings.count(serving.number), await prisma.queuedProduct.count()]).toEqual([2, 1, 0]);
});
