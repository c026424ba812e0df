import { GOLDEN } from '@simili/learning/features/golden';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { spacesOf } from '../../src/db/models.ts';
import { makeRepositories } from '../../src/db/repositories.ts';
import { text } from '../../src/db/sql/row.ts';
import { retrain } from '../../src/jobs/retrain.ts';
import type { Encoder, ProductEncoder } from '../../src/ports/encoder.ts';
import { keyOf } from '../../workers/embedding/encoding.ts';
import { goldenEye } from '../../workers/encoders/eyes.ts';
import { embedHandler } from '../../workers/handlers/embed.ts';
import { evaluateHandler } from '../../workers/handlers/evaluate.ts';
import { ingestHandler } from '../../workers/handlers/ingest.ts';
import { chores } from '../../workers/handlers/maintenance.ts';
import { trainHandler } from '../../workers/handlers/train.ts';
import { type FakeWorker, fakeWorker } from '../support/fake-worker.ts';
import { addProducts } from '../support/fixtures.ts';
import { titleWords } from '../support/title-words.ts';

/* The encoder of examples/own-encoder as a second space, through the handlers of a worker, on a real database. */
const PRODUCTS = 24;
const run = { signal: new AbortController().signal };
const COLOURS = ['Red', 'Blue', 'Green'];
const asked: string[] = [];
const counted: ProductEncoder = {
  ...titleWords,
  async encode(products, signal) {
    asked.push(...products.map(({ id }) => id));
    return titleWords.encode(products, signal);
  },
};
let worker: FakeWorker;
beforeAll(async () => {
  worker = await fakeWorker(PRODUCTS);
  await say(Object.fromEntries(Array.from({ length: PRODUCTS }, (_, i) => [`p${i}`, `${COLOURS[i % 3]} thing`])));
});
afterAll(() => worker[Symbol.asyncDispose]());
beforeEach(() => {
  asked.length = 0;
});

const say = (titles: Record<string, string>) =>
  addProducts(
    worker.database,
    Object.entries(titles).map(([id, title]) => ({ id, title, imageUrls: id.startsWith('p') ? [`/${id}.png`] : [] })),
  );
/** The newest version, made by a worker with these encoders. */
async function made(encoders: readonly Encoder[], repositories = worker.database.repositories) {
  const context = worker.but({ encoders, repositories });
  const { jobs, models } = worker.database.repositories;
  const { id: jobId } = await retrain({ jobs, queue: { add: async () => {} } }, {}, 'test');
  await trainHandler(context)({ catalog: 'default', jobId }, run);
  await embedHandler(context)({ catalog: 'default', jobId }, run);
  await evaluateHandler(context)({ catalog: 'default', jobId }, run);
  return { job: (await jobs.byId(jobId))!, model: (await models.active())! };
}
const nearestTo = async (id: string, limit: number) => {
  const { models, search } = worker.database.repositories;
  const version = (await models.serving())!;
  const [found] = await search.nearestOfEach(version, [id], {}, limit);
  return found!.neighbours.map(({ productId }) => productId);
};

test('a version that is made with an own encoder ranks by its space too', async () => {
  const heavy = { ...counted, weight: 100 };
  const { model, job } = await made([heavy]);
  expect(job).toMatchObject({ state: 'SUCCEEDED' });
  expect(spacesOf(model)).toMatchObject([
    { name: 'pictures', weight: 1, encoder: null },
    { name: 'title_words', weight: 100, encoder: 'title-words@1', storage: 'halfvec' },
  ]);
  expect(asked).toHaveLength(PRODUCTS);
  const red = (ids: string[]) => ids.filter((id) => Number(id.slice(1)) % 3 === 0);
  const nearest = await nearestTo('p0', 7);
  expect(red(nearest)).toEqual(nearest);
  // Those of one title are told apart by their pictures.
  const rows = await worker.database.storage.ask(
    {
      row: { id: text },
      text: `SELECT product_id AS id FROM simili.embedding_${model.number} e
               WHERE substr(product_id, 2)::int % 3 = 0 AND product_id <> 'p0'
               ORDER BY vec <-> (SELECT vec FROM simili.embedding_${model.number} WHERE product_id = 'p0')`,
    },
    [],
  );
  expect(nearest).toEqual(rows.map(({ id }) => id));
});

test('what its sender says anew is encoded anew by ingest, also of a product without a picture; nothing else is', async () => {
  const context = worker.but({ encoders: [counted] });
  await say({ p1: 'Red thing', n1: 'Red thing', n2: ' - ' });
  await chores(context)[1]!.work(run.signal);
  expect(worker.queue.added.map(({ name }) => name)).toContain('ingest');
  await ingestHandler(context)({ catalog: 'default' }, run);
  expect(asked.sort()).toEqual(['n1', 'n2', 'p1']);
  expect(await nearestTo('p0', 9)).toContain('p1');
  expect(await nearestTo('n1', 3)).toHaveLength(3);
  expect(await nearestTo('n2', 3)).toEqual([]); // nothing is known of it, and it is not asked about again
  asked.length = 0;
  await ingestHandler(context)({ catalog: 'default' }, run);
  expect(asked).toEqual([]);
});

test('one that fails in ingest is told, and keeps no picture from its vector', async () => {
  const failing = { ...counted, encode: () => Promise.reject(new Error('no words today')) };
  const { images, embeddings, models, features } = worker.database.repositories;
  await say({ pnew: 'New thing' });
  const [image] = await images.claimPending(1, 60);
  await images.markReady(image!, { contentHash: 'f00d', mime: 'image/png', width: 9, height: 9 });
  const golden = new Map([['f00d', new Uint16Array(GOLDEN.dimensions)]]);
  await features.add(keyOf(worker.context, goldenEye), golden);
  const { number } = (await models.serving())!;
  await ingestHandler(worker.but({ encoders: [failing] }))({ catalog: 'default' }, run);
  expect(await embeddings.countMissing(number)).toBe(0);
  expect(worker.logged).toContainEqual({
    level: 'warn',
    facts: { reason: 'The encoder title-words@1 failed: no words today' },
    sentence: 'products wait for their vectors: the encoder fails',
  });
});

test('what arrives while a version is on its way waits for it, and what an encoder or another worker has not done stays in line', async () => {
  const { images, features, embeddings, vectorQueue: queue, models, jobs } = worker.database.repositories;
  const { prisma } = worker.database.storage;
  const waiting = async () => (await prisma.queuedProduct.findMany()).map(({ productId }) => productId).sort();
  const due = () => prisma.queuedProduct.updateMany({ data: { dueAt: new Date(0) } });
  const ingest = async (encoder: Encoder | null = counted) => {
    await due();
    await ingestHandler(worker.but({ encoders: encoder ? [encoder] : [] }))({ catalog: 'default' }, run);
  };
  const arrive = async (id: string, hash: string) => {
    await say({ [id]: 'New thing' });
    const [image] = await images.claimPending(1, 60);
    await features.add(keyOf(worker.context, goldenEye), new Map([[hash, new Uint16Array(GOLDEN.dimensions)]]));
    await images.markReady(image!, { contentHash: hash, mime: 'image/png', width: 9, height: 9 });
  };
  await ingest();
  expect(await waiting()).toEqual([]);

  // A worker that died after it took a product: another one has it half a minute later.
  await arrive('pone', 'fa01');
  await queue.take(100);
  await ingest();
  const live = (await models.serving())!.number;
  expect([await waiting(), await embeddings.lacking(live, 'pictures', 'pictures', ['pone'])]).toEqual([[], []]);

  // One that changes while it is embedded is looked at again.
  await say({ pone: 'Blue thing' });
  const changing: ProductEncoder = {
    ...counted,
    async encode(products, signal) {
      await say({ pone: 'Green thing' });
      return counted.encode(products, signal);
    },
  };
  await due();
  const [taken] = await queue.take(1);
  await queue.giveBack([taken!]);
  await ingest(changing);
  expect([await waiting(), asked.filter((id) => id === 'pone').length]).toEqual([[], 3]);

  // "Not now", and a worker without the encoder: it stays, and the pictures have their vector.
  await arrive('ptwo', 'fa02');
  const notNow: ProductEncoder = { ...counted, encode: async (products) => products.map(() => undefined) };
  await ingest(notNow);
  expect([await waiting(), await embeddings.countMissing(live)]).toEqual([['ptwo'], 0]);
  await ingest(null);
  expect(await waiting()).toEqual(['ptwo']);
  await ingest();
  expect(await waiting()).toEqual([]);

  // A version on its way.
  const context = worker.but({ encoders: [counted] });
  const { id: jobId } = await retrain({ jobs, queue: { add: async () => {} } }, {}, 'test');
  await trainHandler(context)({ catalog: 'default', jobId }, run);
  await arrive('pthree', 'fa03');
  await ingest(); // its table is not there yet: it will be filled from all that is
  expect(await waiting()).toEqual([]);
  const { number } = await models.ofJob(jobId);
  const late: ProductEncoder = {
    ...counted,
    async encode(products, signal) {
      if (!(await waiting()).includes('pfour')) {
        await arrive('pfour', 'fa04'); // its pictures come too late for the pass that is over
        await ingest();
      }
      return counted.encode(products, signal);
    },
  };
  await embedHandler(worker.but({ encoders: [late] }))({ catalog: 'default', jobId }, run);
  expect([await waiting(), await embeddings.countMissing(live), await embeddings.countMissing(number)]).toEqual([
    ['pfour'],
    0,
    1,
  ]);
  await ingestHandler(context)({ catalog: 'default' }, run); // at once: it was queued anew
  expect([await waiting(), await embeddings.countMissing(number)]).toEqual([[], 0]);

  // A shop that writes all day, one product for each that is embedded: its evaluation ends, and nothing says that vectors are missing.
  let later = 0;
  const busy: ProductEncoder = {
    ...counted,
    async encode(products, signal) {
      later += 1;
      await arrive(`plater${later}`, `fb0${later}`);
      return counted.encode(products, signal);
    },
  };
  await arrive('pfive', 'fa05');
  await evaluateHandler(worker.but({ encoders: [busy] }))({ catalog: 'default', jobId }, run);
  expect((await models.serving())!.number).toBe(number);
  expect(later).toBeGreaterThan(0);
  expect(await embeddings.countMissing(number, 'title_words', 'product')).toBeGreaterThan(0);
  await ingest();
  expect(await embeddings.countMissing(number, 'title_words', 'product')).toBe(0);
});

test.each([
  ['too short', () => [new Float32Array(3)], 'it gave something else than a Float32Array of 512, null or undefined'],
  ['not a number', () => [new Float32Array(512).fill(Number.NaN)], 'it gave values that are no numbers'],
  ['too few', () => [], 'it was asked for 1 vectors and gave 0'],
])('a vector that is %s ends the training that asked for it', async (_name, answer, why) => {
  const { jobs } = worker.database.repositories;
  const wrong = { ...counted, batch: 1, encode: async () => answer() as Float32Array[] };
  const { job } = await made([wrong]);
  expect(job.error).toMatchObject({ code: 'ENCODER_FAILED', message: `The encoder title-words@1 failed: ${why}` });
  await jobs.cancel(job.id);
});

test('a worker without the encoder of a version leaves its space alone, and ends a training that needs it', async () => {
  const { jobs } = worker.database.repositories;
  await say({ p2: 'Red thing' });
  await ingestHandler(worker.context)({ catalog: 'default' }, run);
  const { id: jobId } = await retrain({ jobs, queue: { add: async () => {} } }, {}, 'test');
  await trainHandler(worker.but({ encoders: [counted] }))({ catalog: 'default', jobId }, run);
  await embedHandler(worker.context)({ catalog: 'default', jobId }, run);
  expect((await jobs.byId(jobId))!.error).toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
  await jobs.cancel(jobId);
});

test('a version keeps its vectors in two bytes a number where the database is quick with them, but for one that these would confuse', async () => {
  const { storage, repositories } = worker.database;
  const quick = makeRepositories({ ...storage, kind: 'postgres' }, 'default');
  expect((await made([counted])).model).toMatchObject({ storage: 'VECTOR' });
  const { model } = await made([counted], quick);
  expect(model).toMatchObject({ storage: 'HALFVEC', metrics: { storage: { recall10: 1 } } });
  const types = async (number: number) =>
    worker.database.storage.ask(
      {
        text: `SELECT format_type(atttypid, atttypmod) AS type FROM pg_attribute
               WHERE attrelid = 'simili.embedding_${number}'::regclass AND attname = 'vec'`,
        row: { type: text },
      },
      [],
    );
  expect(await types(model.number)).toEqual([{ type: 'halfvec(2)' }]);
  let seen = 0;
  const close = {
    close: async () => {},
    embed: async ({ pictures }: { pictures: string[] }) => ({
      dimensions: 2,
      vectors: Float32Array.from(pictures.flatMap(() => [Math.cos(0.8 + 1e-5 * ++seen), Math.sin(0.8 + 1e-5 * seen)])),
    }),
  };
  const { jobs, models } = repositories;
  const { id: jobId } = await retrain({ jobs, queue: { add: async () => {} } }, {}, 'test');
  const context = worker.but({ encoders: [counted], embedder: close, repositories: quick });
  await trainHandler(context)({ catalog: 'default', jobId }, run);
  await embedHandler(context)({ catalog: 'default', jobId }, run);
  const exact = await models.ofJob(jobId);
  expect([exact.state, exact.storage, await types(exact.number)]).toEqual([
    'CANDIDATE',
    'VECTOR',
    [{ type: 'vector(2)' }],
  ]);
  expect((exact.metrics as { storage: { recall10: number } }).storage.recall10).toBeLessThan(0.99);
  await jobs.cancel(jobId);
});

test('the tables of all spaces go with a version that is retired', async () => {
  const { models } = worker.database.repositories;
  const first = (await models.active())!;
  for (let i = 0; i < 4; i++) await made([counted]);
  await chores(worker.context)
    .find(({ name }) => name === 'retire-versions')!
    .work(run.signal);
  expect(await models.byId(first.id)).toMatchObject({ state: 'RETIRED' });
  const left = await worker.database.storage.ask(
    {
      text: `SELECT table_name::text AS name FROM information_schema.tables WHERE table_name LIKE 'embedding_%'`,
      row: { name: text },
    },
    [],
  );
  const numbers = left.map(({ name }) => name.split('_')[1]);
  expect(numbers).not.toContain(String(first.number));
  expect(new Set(numbers).size * 2).toBe(left.length);
});
