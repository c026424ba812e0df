import { expect, test } from 'vitest';
import { embedHandler } from '../../workers/handlers/embed.ts';
import { evaluateHandler } from '../../workers/handlers/evaluate.ts';
import { trainHandler } from '../../workers/handlers/train.ts';
import { startFirstModels } from '../../workers/jobs/first-models.ts';
import { engines, fakeWorker } from '../support/fake-worker.ts';

/* A shop whose first model the gates refuse: all its pictures look alike. */
const run = { signal: new AbortController().signal };

test('it is made again after a minute, then after two, and soon when a picture or the encoder is another one', async () => {
  await using worker = await fakeWorker(24);
  const { prisma } = worker.database.storage;
  const { jobs, models } = worker.database.repositories;
  const embed = async ({ pictures }: { pictures: string[] }) => ({
    dimensions: 2,
    vectors: Float32Array.from(pictures.flatMap(() => [1, 0])),
  });
  const alike = worker.but({ embedder: { ...engines.embedder, embed } });
  await prisma.productImage.updateMany({ data: { updatedAt: new Date(Date.now() - 3_600_000) } });
  const ends = () => prisma.job.count({ where: { state: 'SUCCEEDED' } });
  const go = async () => {
    const { id: jobId } = (await jobs.running())!;
    for (const handler of [trainHandler, embedHandler, evaluateHandler])
      await handler(alike)({ catalog: 'default', jobId }, run);
    expect((await jobs.byId(jobId))!.message).toBe('The new version does not serve: spread');
  };
  /** Whether another one is begun so many seconds after the last one ended; it is taken through its phases. */
  const isAgain = async (seconds: number, context = alike) => {
    const { id } = (await jobs.last('BOOTSTRAP'))!;
    await prisma.job.updateMany({ where: { id }, data: { updatedAt: new Date(Date.now() - 1000 * seconds) } });
    await startFirstModels(context);
    if (!(await jobs.running())) return false;
    await go();
    return true;
  };
  await startFirstModels(alike);
  await go();
  expect([await isAgain(50), await isAgain(70)]).toEqual([false, true]);
  expect([await isAgain(110), await isAgain(130)]).toEqual([false, true]);
  expect([await isAgain(230), await ends()]).toEqual([false, 3]);
  const facts = { id: 'eye-3', title: 'Eye', licence: 'x', dimensions: 2 };
  await prisma.job.updateMany({ data: { updatedAt: new Date(Date.now() - 70_000) } });
  await startFirstModels(worker.but({ encoder: { facts, description: { input: { side: 16 } }, path: '/eye.onnx' } }));
  expect(await jobs.running()).not.toBeNull();
  await go();
  expect(await isAgain(70)).toBe(false);
  const picture = (await prisma.productImage.findFirst())!;
  await prisma.productImage.update({
    where: { catalogId_id: { catalogId: 'default', id: picture.id } },
    data: { updatedAt: new Date() },
  });
  expect(await isAgain(70)).toBe(true);
  expect((await models.list(20)).map(({ number }) => number)).toEqual([5, 4, 3, 2, 1]);
});
