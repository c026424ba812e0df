import { expect, test } from 'vitest';
import { SimiliError } from '../../src/errors.ts';
import { fillQueued } from '../../workers/embedding/fill-queue.ts';
import { embedHandler } from '../../workers/handlers/embed.ts';
import { evaluateHandler } from '../../workers/handlers/evaluate.ts';
import { trainHandler } from '../../workers/handlers/train.ts';
import { engines, fakeWorker } from '../support/fake-worker.ts';

/* An encoder that gives no numbers for the only picture of a product. */
const run = { signal: new AbortController().signal };
const PRODUCTS = 30;

type Encoding = { encoder: { facts: { id: string; dimensions: number } }; pictures: string[] };

test('a picture that its encoder gives no numbers for keeps no version from serving, and its product waits for nothing', async () => {
  await using worker = await fakeWorker(PRODUCTS);
  const { jobs, models, images, embeddings } = worker.database.repositories;
  const { contentHash: bad, productId } = (await images.readyPage(100, null))[7]!;
  const shown: string[] = [];
  const encode = async ({ encoder: { facts }, pictures }: Encoding) => {
    if (facts.id === 'eye-1') shown.push(...pictures);
    if (facts.id === 'eye-1' && pictures.includes(bad))
      throw new SimiliError('IMPORT_UNREADABLE', { source: 'the encoder eye-1', why: 'it gives no numbers' });
    return { vectors: new Uint16Array(pictures.length * facts.dimensions).fill(0x3c00) };
  };
  /** A worker that has just been started, which remembers nothing. */
  const started = () =>
    worker.but({
      encoder: {
        facts: { id: 'eye-1', title: 'Eye', licence: 'x', dimensions: 2 },
        description: { input: { side: 16 } },
        path: '/eye.onnx',
      },
      embedder: { ...engines.embedder, encode },
      trainer: {
        ...engines.trainer,
        train: async () => ({
          artefact: Uint8Array.of(1, 2, 3),
          dimensions: 2,
          summary: { shares: { 'eye-1': 1 }, blocks: [] },
        }),
      },
    });
  const { id: first } = await jobs.create('BOOTSTRAP', {}, 'simili');
  for (const jobId of [first, null]) {
    const job = jobId ?? (await jobs.last('RETRAIN'))!.id;
    for (const handler of [trainHandler, embedHandler, evaluateHandler])
      await handler(started())({ catalog: 'default', jobId: job }, run);
    expect((await jobs.byId(job))!.message).toBe('The new version serves');
  }
  const { number, gates } = (await models.active())!;
  expect([number, await embeddings.count(number)]).toEqual([2, PRODUCTS - 1]);
  expect(gates).toContainEqual(
    expect.objectContaining({ name: 'complete', reason: 'every product with a picture has a vector' }),
  );
  const looks = shown.filter((hash) => hash === bad).length;
  // In the queue of products it is done with.
  const { prisma } = worker.database.storage;
  expect(await prisma.queuedProduct.findMany({ select: { productId: true } })).toEqual([{ productId }]);
  await fillQueued(started(), async (work) => work.then(() => true), run.signal);
  expect(await prisma.queuedProduct.count()).toBe(0);
  expect(shown.filter((hash) => hash === bad)).toHaveLength(looks);
});
