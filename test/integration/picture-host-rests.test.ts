import { expect, test } from 'vitest';
import { SimiliError } from '../../src/errors.ts';
import { embedHandler } from '../../workers/handlers/embed.ts';
import { evaluateHandler } from '../../workers/handlers/evaluate.ts';
import { requeueAbandoned } from '../../workers/handlers/maintenance.ts';
import { trainHandler } from '../../workers/handlers/train.ts';
import { engines, type FakeWorker, fakeWorker } from '../support/fake-worker.ts';

/* The host of a shop's pictures answers 429, and is left alone for a while: what a version may then become. */
const run = { signal: new AbortController().signal };
const PRODUCTS = 40;

type Context = FakeWorker['context'];
const [TRAIN, EMBED, EVALUATE] = [trainHandler, embedHandler, evaluateHandler];
const through = async (context: Context, jobId: string, handlers = [TRAIN, EMBED, EVALUATE]) => {
  for (const handler of handlers) await handler(context)({ catalog: 'default', jobId }, run);
};
/** A shop whose first model serves, and the job of its first network. */
async function shop() {
  const worker = await fakeWorker(PRODUCTS);
  const { jobs, models, embeddings, images } = worker.database.repositories;
  await through(worker.context, (await jobs.create('BOOTSTRAP', {}, 'simili')).id);
  const { id: jobId } = (await jobs.last('RETRAIN'))!;
  const { prisma } = worker.database.storage;
  return {
    worker,
    jobId,
    job: async () => (await jobs.byId(jobId))!,
    serving: async () => {
      const { number, kind } = (await models.active())!;
      return { kind, vectors: await embeddings.count(number) };
    },
    pictures: () => images.counts(),
    /** Its pause is over. */
    due: () => prisma.job.updateMany({ where: { id: jobId }, data: { dueAt: new Date(0) } }),
  };
}
/** A host that gives some pictures, and then rests. `sides`: those that are not in the cache. */
const resting = (worker: FakeWorker, gives: number, sides: readonly number[] = [64]) => {
  const had = new Set<string>();
  const ensure = async (hash: string, source: string, _signal: unknown, wanted: readonly number[] = [64]) => {
    if (had.has(hash) || !wanted.some((side) => sides.includes(side))) return;
    if (had.size < gives) return void had.add(hash);
    throw new SimiliError('IMAGE_UNREACHABLE', { source, why: 'its host is left alone for a while', asked: false });
  };
  return { ...worker.context.pictures, ensure };
};
const seconds = ({ dueAt, updatedAt }: { dueAt: Date | null; updatedAt: Date }) =>
  Math.round(((dueAt?.getTime() ?? 0) - updatedAt.getTime()) / 1000);

test.each([0, 4])(
  'a version of which the host gives %i pictures waits for it, and serves once it gives all',
  async (gives) => {
    const own = await shop();
    await using worker = own.worker;
    await through(worker.context, own.jobId, [TRAIN]);
    const away = worker.but({ pictures: resting(worker, gives) });
    await through(away, own.jobId, [EMBED, EVALUATE]);
    const waiting = await own.job();
    expect(waiting).toMatchObject({
      state: 'QUEUED',
      phase: 'EMBED',
      error: {
        code: 'PICTURES_MISSING',
        message: expect.stringContaining(`${PRODUCTS - gives} of the ${PRODUCTS} products`),
      },
    });
    expect(seconds(waiting)).toBe(60);
    expect(await own.pictures()).toEqual({ ready: PRODUCTS, pending: 0, failed: 0 }); // nobody asked for one
    expect(await own.serving()).toEqual({ kind: 'GOLDEN', vectors: PRODUCTS });
    // Not before its time, whoever delivers it.
    worker.queue.added.length = 0;
    await through(worker.context, own.jobId, [EMBED]);
    await requeueAbandoned(worker.context, 8);
    expect([(await own.job()).phase, worker.queue.added]).toEqual(['EMBED', []]);
    await own.due();
    await requeueAbandoned(worker.context, 8);
    expect(worker.queue.added.map(({ name }) => name)).toEqual(['embed']);
    await through(worker.context, own.jobId, [EMBED, EVALUATE]);
    expect(await own.serving()).toEqual({ kind: 'NETWORK', vectors: PRODUCTS });
  },
);

test('where it never does, the gates are red after the last try, and what serves goes on', async () => {
  const own = await shop();
  await using worker = own.worker;
  await through(worker.context, own.jobId, [TRAIN]);
  const away = worker.but({ pictures: resting(worker, 0) });
  const pauses: number[] = [];
  for (let i = 0; i < 20 && (await own.job()).state === 'QUEUED'; i++) {
    await through(away, own.jobId, [EMBED, EVALUATE]);
    const job = await own.job();
    if (job.state === 'QUEUED') pauses.push(seconds(job));
    await own.due();
  }
  expect(pauses.slice(0, 4)).toEqual([60, 120, 240, 480]);
  expect(await own.job()).toMatchObject({
    state: 'SUCCEEDED',
    message: expect.stringContaining('does not serve: complete'),
  });
  expect(await own.serving()).toEqual({ kind: 'GOLDEN', vectors: PRODUCTS });
});

test('a shop that looks with another encoder trains it on all its pictures, or waits', async () => {
  const own = await shop();
  await using worker = own.worker;
  const facts = { id: 'eye-2', title: 'Eye', licence: 'x', dimensions: 2 };
  const context = worker.but({
    encoder: { facts, description: { input: { side: 224 } }, path: '/eye.onnx' },
    pictures: resting(worker, 6, [224]),
    embedder: {
      ...engines.embedder,
      encode: async ({ encoder, pictures }: { encoder: { facts: typeof facts }; pictures: string[] }) => ({
        vectors: new Uint16Array(pictures.length * encoder.facts.dimensions).fill(0x3c00),
      }),
    },
  });
  await through(context, own.jobId);
  expect(await own.job()).toMatchObject({ state: 'QUEUED', phase: 'TRAIN', error: { code: 'PICTURES_MISSING' } });
  expect(await own.serving()).toEqual({ kind: 'GOLDEN', vectors: PRODUCTS });
  expect(await own.pictures()).toEqual({ ready: PRODUCTS, pending: 0, failed: 0 });
});
