import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { splitOf } from '../../learning/metrics/split.ts';
import type { JobPhase } from '../../src/db/jobs.ts';
import type { IndexBuild } from '../../src/db/session/storage.ts';
import { SimiliError } from '../../src/errors.ts';
import { retrain } from '../../src/jobs/retrain.ts';
import type { Telemetry } from '../../src/ports/telemetry.ts';
import { dayAfter } from '../../workers/evidence/judged-days.ts';
import { embedHandler } from '../../workers/handlers/embed.ts';
import { evaluateHandler } from '../../workers/handlers/evaluate.ts';
import { pictureHandler } from '../../workers/handlers/picture.ts';
import { gatherHandler, roundHandler } from '../../workers/handlers/round.ts';
import { trainHandler } from '../../workers/handlers/train.ts';
import { openAskedPictures } from '../../workers/pictures/asked-pictures.ts';
import { pictureLimitsOf } from '../../workers/pictures/configured.ts';
import { sha256 } from '../../workers/tools/sha256.ts';
import { engines, type FakeWorker, fakeWorker } from '../support/fake-worker.ts';

/* One job at a time, on a real database, with engines that answer at once. */
const PRODUCTS = 24;
let worker: FakeWorker;
beforeAll(async () => {
  worker = await fakeWorker(PRODUCTS);
});
afterAll(() => worker[Symbol.asyncDispose]());
/** One job may be on its way: the next test has its own. */
afterEach(async () => {
  const { prisma } = worker.database.storage;
  await prisma.job.updateMany({
    where: { state: { in: ['QUEUED', 'RUNNING'] } },
    data: { state: 'CANCELLED', finishedAt: new Date() },
  });
  worker.queue.added.length = 0;
});

const run = { signal: new AbortController().signal };
const jobOf = async (id: string) => (await worker.database.repositories.jobs.byId(id))!;
/** A retrain that waits for its training. */
const newJob = async (request = {}) => {
  const { jobs } = worker.database.repositories;
  const { id } = await retrain({ jobs, queue: { add: async () => {} } }, request, 'test');
  return id;
};
const trained = async () => {
  const jobId = await newJob();
  await trainHandler(worker.context)({ catalog: 'default', jobId }, run);
  return jobId;
};
const embedded = async () => {
  const jobId = await trained();
  await embedHandler(worker.context)({ catalog: 'default', jobId }, run);
  return jobId;
};
const failing = (error: Error) => ({ ...engines.trainer, train: () => Promise.reject(error) });
const inLine = () => worker.queue.added.map(({ name }) => name);

test('a training is committed with its metrics and its checkpoint, and the job waits for embedding', async () => {
  const jobId = await trained();
  const { models } = worker.database.repositories;
  expect(await jobOf(jobId)).toMatchObject({ state: 'QUEUED', phase: 'EMBED', attempts: 0 });
  const model = await models.ofJob(jobId);
  expect(model).toMatchObject({ kind: 'NETWORK', state: 'EMBEDDING', dimensions: 2, parentId: null });
  const judgedFrom = dayAfter((await jobOf(jobId)).startedAt!); // nothing was chosen yet
  expect(model.metrics).toEqual({ training: { sides: [64], judgedFrom } });
  expect(await models.artefact(model.id)).toEqual({
    checksum: sha256(Uint8Array.of(1, 2, 3)),
    artefact: Uint8Array.of(1, 2, 3),
  });
  expect(await worker.database.repositories.jobs.checkpoint(jobId)).toMatchObject({ state: Uint8Array.of(7) });
  expect(worker.queue.added).toEqual([
    { name: 'embed', payload: { catalog: 'default', jobId }, key: expect.stringContaining('EMBED') },
  ]);
});

test('a training is asked for with the catalog, and with what the job and the configuration say', async () => {
  const asked: object[] = [];
  const trainer = {
    ...engines.trainer,
    train: (request: object, ...rest: [AbortSignal, () => Promise<void>]) => {
      asked.push(request);
      return engines.trainer.train(request, ...rest);
    },
  };
  const jobId = await newJob({ seconds: 77, seed: 5, recipe: 'catalog' });
  await trainHandler(worker.but({ trainer }))({ catalog: 'default', jobId }, run);
  expect(asked).toMatchObject([
    { kind: 'NETWORK', seconds: 77, seed: 5, recipe: 'catalog', preset: 'tiny', steps: null },
  ]);
  const { set } = asked[0] as { set: { starts: Int32Array; categories: Int32Array } };
  expect([set.starts.length, new Set(set.categories).size]).toEqual([PRODUCTS + 1, 2]);
});

test('a delivery of a job that is elsewhere, in another phase or settled does nothing', async () => {
  const jobId = await trained();
  worker.queue.added.length = 0;
  const trainer = failing(new Error('asked twice'));
  await trainHandler(worker.but({ trainer }))({ catalog: 'default', jobId: 'job_unknown' }, run);
  const { fence } = await jobOf(jobId);
  await evaluateHandler(worker.context)({ catalog: 'default', jobId }, run);
  expect(await jobOf(jobId)).toMatchObject({ state: 'QUEUED', phase: 'EMBED', fence });
  expect(inLine()).toEqual([]);
});

test('what the eyes see of a training set lies in files as long as it is trained on, however that ends', async () => {
  const folder = join(worker.context.config.SIMILI_DATA_DIR, 'features');
  const seen: number[] = [];
  const ending = (end: () => Promise<unknown>) => ({
    ...engines.trainer,
    train: async () => {
      seen.push((await readdir(folder)).length);
      return end();
    },
  });
  const jobId = await newJob();
  const diverged = new SimiliError('TRAINING_DIVERGED', { step: 9, why: 'not finite' });
  for (const end of [
    () => Promise.reject(new SimiliError('ENGINE_CRASHED', { why: 'away' })),
    () => Promise.reject(diverged),
  ]) {
    await trainHandler(worker.but({ trainer: ending(end) as never }))({ catalog: 'default', jobId }, run);
    expect(await readdir(folder)).toEqual([]);
  }
  await trained();
  expect(await readdir(folder)).toEqual([]);
  expect(seen).toEqual([1, 1]);
});

test('a failure that may pass puts the job in line again, one that will not ends it and names its products', async () => {
  const jobId = await newJob();
  const crashed = new SimiliError('ENGINE_CRASHED', { why: 'out of memory' });
  await trainHandler(worker.but({ trainer: failing(crashed) }))({ catalog: 'default', jobId }, run);
  expect(await jobOf(jobId)).toMatchObject({ state: 'QUEUED', phase: 'TRAIN', attempts: 1 });
  expect(inLine()).toEqual(['train']);
  const diverged = new SimiliError('TRAINING_DIVERGED', { step: 9, why: 'not finite', items: [1] });
  await trainHandler(worker.but({ trainer: failing(diverged) }))({ catalog: 'default', jobId }, run);
  const { state, error } = await jobOf(jobId);
  expect([state, error]).toMatchObject(['FAILED', { code: 'TRAINING_DIVERGED', retry: false }]);
  const named = await worker.database.repositories.images.readyPage(2, null);
  expect((error as { message: string }).message).toContain(named[1]!.productId);
  expect(inLine()).toEqual(['train']);
});

test('once the first model of a catalog serves its first network is in line, before maintenance looks', async () => {
  await using shop = await fakeWorker(PRODUCTS);
  const { jobs, models } = shop.database.repositories;
  const { id: jobId } = await jobs.create('BOOTSTRAP', {}, 'simili');
  for (const handler of [trainHandler, embedHandler, evaluateHandler])
    await handler(shop.context)({ catalog: 'default', jobId }, run);
  expect(await models.active()).toMatchObject({ kind: 'GOLDEN' });
  expect(shop.queue.added.map(({ name }) => name)).toEqual(['embed', 'evaluate', 'train']);
  expect(await jobs.last('RETRAIN')).toMatchObject({ state: 'QUEUED', phase: 'TRAIN', requestedBy: 'simili' });
});

test('a job that takes five workers with it is given to no sixth one', async () => {
  const jobId = await newJob();
  const crash = worker.but({ trainer: failing(new SimiliError('ENGINE_CRASHED', { why: 'out of memory' })) });
  const states: string[] = [];
  for (let i = 0; i < 6; i++) {
    await trainHandler(crash)({ catalog: 'default', jobId }, run);
    states.push((await jobOf(jobId)).state);
  }
  expect(states).toEqual(['QUEUED', 'QUEUED', 'QUEUED', 'QUEUED', 'FAILED', 'FAILED']);
});

test('a job that is cancelled ends with its next heartbeat, and nothing of it serves', async () => {
  const jobId = await newJob();
  const { jobs } = worker.database.repositories;
  const trainer = {
    ...engines.trainer,
    async train(_request: object, signal: AbortSignal) {
      await jobs.cancel(jobId);
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    },
  };
  await trainHandler(worker.but({ trainer }))({ catalog: 'default', jobId }, run);
  expect(await jobOf(jobId)).toMatchObject({ state: 'CANCELLED', phase: 'TRAIN' });
  expect(await worker.database.repositories.models.serving()).toBeNull();
  expect(inLine()).toEqual([]);
});

test('a worker whose claim was taken over commits nothing', async () => {
  const jobId = await newJob();
  const { prisma } = worker.database.storage;
  const before = await prisma.modelVersion.count();
  const trainer = {
    ...engines.trainer,
    async train(...args: Parameters<typeof engines.trainer.train>) {
      await prisma.job.update({
        where: { catalogId_id: { catalogId: 'default', id: jobId } },
        data: { fence: { increment: 1 } },
      }); // another worker has it
      return engines.trainer.train(...args);
    },
  };
  await trainHandler(worker.but({ trainer }))({ catalog: 'default', jobId }, run);
  expect(await prisma.modelVersion.count()).toBe(before);
  expect(await jobOf(jobId)).toMatchObject({ state: 'RUNNING', phase: 'TRAIN' });
  expect(worker.logged.map(({ sentence }) => sentence)).toContain('another worker took the job over');
});

test('a worker that is stopped hands its job back, and it was no attempt', async () => {
  const jobId = await newJob();
  const stopping = new AbortController();
  const trainer = {
    ...engines.trainer,
    async train() {
      stopping.abort(new Error('shutting down'));
      throw stopping.signal.reason;
    },
  };
  await trainHandler(worker.but({ trainer }))({ catalog: 'default', jobId }, { signal: stopping.signal });
  expect(await jobOf(jobId)).toMatchObject({ state: 'QUEUED', phase: 'TRAIN', attempts: 0 });
});

test('embedding fills the table of the version, builds its index and hands on to evaluation', async () => {
  const jobId = await embedded();
  const { models, embeddings } = worker.database.repositories;
  const model = await models.ofJob(jobId);
  expect(model.state).toBe('CANDIDATE');
  expect([await embeddings.count(model.number), await embeddings.countMissing(model.number)]).toEqual([PRODUCTS, 0]);
  expect(await jobOf(jobId)).toMatchObject({ state: 'QUEUED', phase: 'EVALUATE' });
  expect(inLine()).toEqual(['embed', 'evaluate']);
});

test('how long the embedding of a catalog will take is told at the rate so far, until it is done', async () => {
  await using shop = await fakeWorker(256);
  const { jobs } = shop.database.repositories;
  const { id: jobId } = await jobs.create('BOOTSTRAP', {}, 'test');
  await trainHandler(shop.context)({ catalog: 'default', jobId }, run);
  const etaOf = async () => (await jobs.byId(jobId))?.etaSeconds;
  let batches = 0;
  const embed: typeof engines.embedder.embed = async (request) => {
    if (++batches === 4) await expect.poll(etaOf).not.toBeNull();
    return engines.embedder.embed(request);
  };
  const context = shop.but({ embedder: { ...engines.embedder, embed } });
  expect(await etaOf()).toBeNull();
  await embedHandler(context)({ catalog: 'default', jobId }, run);
  expect([batches, await etaOf(), (await jobs.byId(jobId))?.phase]).toEqual([4, null, 'EVALUATE']);
});

test('how far an index is, and how long it will take, is the job’s progress; it ends with the job', async () => {
  const jobId = await trained();
  const stopping = new AbortController();
  const { repositories } = worker.context;
  const embeddings = Object.assign(Object.create(repositories.embeddings), {
    async createIndex(_model: number, _space: object, { onProgress, signal }: Required<IndexBuild>) {
      onProgress(0);
      onProgress(0.5);
      await expect.poll(() => jobOf(jobId)).toMatchObject({ progress: 0.925, etaSeconds: 0 });
      onProgress(1);
      const message = 'Checking the index, behind older transactions of the database';
      await expect
        .poll(() => jobOf(jobId))
        .toMatchObject({ progress: expect.closeTo(0.95), etaSeconds: null, message });
      stopping.abort();
      signal?.throwIfAborted();
    },
  });
  const context = worker.but({
    repositories: { ...repositories, forCatalog: () => ({ ...repositories, embeddings }) },
  });
  await embedHandler(context)({ catalog: 'default', jobId }, { signal: stopping.signal });
  expect(stopping.signal.aborted).toBe(true); // else the job failed, and waits as well
  expect(await jobOf(jobId)).toMatchObject({ state: 'QUEUED', phase: 'EMBED' });
});

test('a worker that is told so gives a new version a binary index, and measures it when it is built', async () => {
  const jobId = await trained();
  const { repositories } = worker.context;
  const told: unknown[] = [];
  const vectorStorage = Object.assign(Object.create(repositories.vectorStorage), {
    isServer: true,
    recallOfHalves: async () => ({ found: 10, looked: 10 }),
  });
  const embeddings = Object.assign(Object.create(repositories.embeddings), {
    async createIndex(_model: number, space: object) {
      told.push(space);
    },
  });
  const context = worker.but({
    config: { ...worker.context.config, SIMILI_VECTOR_INDEX: 'binary' },
    repositories: { ...repositories, forCatalog: () => ({ ...repositories, vectorStorage, embeddings }) },
  });
  await embedHandler(context)({ catalog: 'default', jobId }, run);
  expect(told).toMatchObject([{ name: 'pictures', isBinary: true }]);
  expect(await repositories.models.ofJob(jobId)).toMatchObject({
    candidates: 200,
    metrics: { index: { candidates: 200, recall10: 1 } },
  });
});

test('the indexes of large categories are built behind the others, and end with the job', async () => {
  const jobId = await trained();
  const stopping = new AbortController();
  const { repositories } = worker.context;
  const built: unknown[] = [];
  const categoryIndexes = {
    async build(model: number, space: { name: string }, { onProgress, signal }: Required<IndexBuild>) {
      built.push([model, space.name]);
      onProgress(0.5);
      await expect.poll(() => jobOf(jobId)).toMatchObject({ message: 'Building the indexes of large categories' });
      stopping.abort();
      signal?.throwIfAborted();
    },
  };
  const context = worker.but({
    repositories: { ...repositories, forCatalog: () => ({ ...repositories, categoryIndexes }) },
  } as object);
  await embedHandler(context)({ catalog: 'default', jobId }, { signal: stopping.signal });
  expect(stopping.signal.aborted).toBe(true); // else the job failed, and waits as well
  expect(built).toEqual([[(await repositories.models.ofJob(jobId)).number, 'pictures']]);
  expect(await jobOf(jobId)).toMatchObject({ state: 'QUEUED', phase: 'EMBED' });
});

test('what a job did is told: its phases as spans, what it wrote as a counter', async () => {
  const told: object[] = [];
  const telemetry: Telemetry = {
    span: (name, attributes, work) => work({ set() {} }).finally(() => told.push({ name, ...attributes })),
    count: (name, by, attributes) => void told.push({ name, by, ...attributes }),
  };
  const jobId = await newJob();
  await trainHandler(worker.but({ telemetry }))({ catalog: 'default', jobId }, run);
  await embedHandler(worker.but({ telemetry }))({ catalog: 'default', jobId }, run);
  const job = { name: 'simili.job', catalog: 'default', kind: 'RETRAIN' };
  expect(told).toEqual([
    { ...job, phase: 'TRAIN' },
    { name: 'simili.vectors', by: PRODUCTS, catalog: 'default', space: 'pictures' },
    { ...job, phase: 'EMBED' },
  ]);
});

test('an embedding that failed goes on from what it has written', async () => {
  const jobId = await trained();
  const embedder = {
    ...engines.embedder,
    embed: () => Promise.reject(new SimiliError('ENGINE_CRASHED', { why: 'x' })),
  };
  await embedHandler(worker.but({ embedder }))({ catalog: 'default', jobId }, run);
  expect(await jobOf(jobId)).toMatchObject({ state: 'QUEUED', phase: 'EMBED', attempts: 1 });
  await embedHandler(worker.context)({ catalog: 'default', jobId }, run);
  expect(await jobOf(jobId)).toMatchObject({ phase: 'EVALUATE', attempts: 0 });
});

test('an index that cannot be built ends its job after five attempts, though products arrive meanwhile', async () => {
  const jobId = await trained();
  const { repositories } = worker.context;
  const { number } = await repositories.models.ofJob(jobId);
  const embeddings = Object.assign(Object.create(repositories.embeddings), {
    async createIndex() {
      await setTimeout(700); // with its heartbeat the job tells how far it is
      throw new SimiliError('STORAGE_FULL', { retryAfter: 2 });
    },
  });
  const context = worker.but({
    repositories: { ...repositories, forCatalog: () => ({ ...repositories, embeddings }) },
  });
  const { prisma } = worker.database.storage;
  for (let attempt = 1; attempt <= 5; attempt++) {
    expect(await jobOf(jobId)).toMatchObject({ state: 'QUEUED', attempts: attempt - 1 });
    await embedHandler(context)({ catalog: 'default', jobId }, run);
    const waits = (await jobOf(jobId)).dueAt!.getTime() - Date.now();
    expect(waits).toBeGreaterThan(30_000 * 2 ** (attempt - 1));
    await prisma.job.update({ where: { catalogId_id: { catalogId: 'default', id: jobId } }, data: { dueAt: null } });
    await prisma.$executeRawUnsafe(
      `DELETE FROM simili.embedding_${number} WHERE product_id IN (SELECT product_id FROM simili.embedding_${number} LIMIT 1)`,
    );
  }
  expect(await jobOf(jobId)).toMatchObject({ state: 'FAILED', error: { code: 'STORAGE_FULL' } });
});

test('a version that passes its gates serves, and the next one that has collapsed does not', async () => {
  const jobId = await embedded();
  await evaluateHandler(worker.context)({ catalog: 'default', jobId }, run);
  const { models } = worker.database.repositories;
  const serving = await models.active();
  expect(await jobOf(jobId)).toMatchObject({ state: 'SUCCEEDED', phase: 'DONE', progress: 1 });
  expect(serving).toMatchObject({ jobId, state: 'ACTIVE' });
  expect(serving?.metrics).toMatchObject({
    training: { sides: [64] },
    evaluation: { structure: {} },
    active: null,
    listChanges: null,
  });

  const alike = {
    ...engines.embedder,
    embed: async ({ pictures }: { pictures: string[] }) => ({
      dimensions: 2,
      vectors: Float32Array.from(pictures.flatMap(() => [1, 0])),
    }),
  };
  const next = await trained();
  await embedHandler(worker.but({ embedder: alike }))({ catalog: 'default', jobId: next }, run);
  await evaluateHandler(worker.context)({ catalog: 'default', jobId: next }, run);
  const { state, gates } = await models.ofJob(next);
  expect(state).toBe('REJECTED');
  expect((gates as { name: string; passed: boolean }[]).filter(({ passed }) => !passed)).toMatchObject([
    { name: 'spread' },
  ]);
  expect(await jobOf(next)).toMatchObject({ state: 'SUCCEEDED', message: 'The new version does not serve: spread' });
  expect((await models.active())?.id).toBe(serving?.id);
});

test('an evaluation keeps what changed in lists of products that no version learned from', async () => {
  await using shop = await fakeWorker(PRODUCTS);
  const { jobs, models, embeddings, images } = shop.database.repositories;
  const evaluated = async (context: typeof shop.context) => {
    const { id: jobId } = await retrain({ jobs, queue: { add: async () => {} } }, {}, 'test');
    for (const handler of [trainHandler, embedHandler, evaluateHandler])
      await handler(context)({ catalog: 'default', jobId }, run);
    return models.ofJob(jobId);
  };
  const before = await evaluated(shop.context);
  // Every second picture on the other side of the circle.
  const turned = {
    ...engines.embedder,
    async embed(request: { pictures: string[] }) {
      const { dimensions, vectors } = await engines.embedder.embed(request);
      return { dimensions, vectors: vectors.map((value, i) => (i % 4 < 2 ? -value : value)) };
    },
  };
  const after = await evaluated(shop.but({ embedder: turned }));
  expect([before.number, after.number]).toEqual([1, 2]);
  const ids = (await images.readyPage(PRODUCTS, null)).map(({ productId }) => productId);
  const held = ids.filter((id) => splitOf(id) === 'test');
  expect(held.length).toBeGreaterThan(0);
  const table = (model: number) => embeddings.vectors(model, ids);
  const [old, now] = [await table(1), await table(2)];
  const listed = (vectors: Map<string, Float32Array>, anchor: string) => {
    const [x, y] = vectors.get(anchor)!;
    const far = (id: string) => Math.hypot(vectors.get(id)![0]! - x!, vectors.get(id)![1]! - y!);
    return ids
      .filter((id) => id !== anchor)
      .sort((a, b) => far(a) - far(b))
      .slice(0, 12);
  };
  const lists = held.map((anchorId) => ({ anchorId, before: listed(old, anchorId), after: listed(now, anchorId) }));
  const fresh = lists.map((list) => list.after.filter((id) => !list.before.includes(id)).length);
  const { listChanges } = after.metrics as { listChanges: { newShare: number; examples: object[] } };
  expect(listChanges).toMatchObject({ anchors: held.length, changed: held.length });
  expect(listChanges.newShare).toBeCloseTo(fresh.reduce((sum, n) => sum + n, 0) / 12 / held.length, 12);
  expect(listChanges.newShare).toBeGreaterThan(0);
  for (const example of listChanges.examples) expect(lists).toContainEqual(example);
  expect(listChanges.examples).toHaveLength(Math.min(3, held.length));
});

/** The open round of a job whose coordinator is this worker. */
async function openRound() {
  const { jobs, rounds } = worker.database.repositories;
  const jobId = await newJob({ recipe: 'catalog' });
  const claim = (await jobs.claim(jobId, 'TRAIN' satisfies JobPhase))!;
  const state = Uint8Array.of(1);
  const round = await rounds.open(claim, {
    round: 0,
    members: 1,
    firstStep: 0,
    steps: 3,
    totalSteps: 30,
    pictures: 0,
    expectedMs: 1000,
    settings: { seed: 1 },
    state,
    checksum: sha256(state),
  });
  return { catalog: 'default', jobId, round: round.round, fence: claim.fence };
}

test('a shard of a round is trained from its state and reported; of a round that is closed nothing is', async () => {
  const key = await openRound();
  const { rounds } = worker.database.repositories;
  await roundHandler(worker.context)({ ...key, member: 0 }, run);
  const results = await rounds.results(key);
  expect(results).toMatchObject([{ member: 0, pictures: 30, loss: 0.25, activeShare: 0.5 }]);
  expect(results[0]!.state).toEqual(Uint8Array.of(1, 3));

  const trainer = { ...engines.trainer, round: () => Promise.reject(new Error('asked for nothing')) };
  await roundHandler(worker.but({ trainer }))({ ...key, round: 1, member: 0 }, run);
  await roundHandler(worker.but({ trainer }))({ ...key, fence: key.fence + 1, member: 0 }, run);
  expect(await rounds.results({ ...key, round: 1 })).toEqual([]);
});

test('the coordinator is told when no message of a round is on its way any more', async () => {
  const key = await openRound();
  const { rounds } = worker.database.repositories;
  expect(await rounds.status(key)).toMatchObject({ settled: false });
  await gatherHandler(worker.context)(key, run);
  expect(await rounds.status(key)).toMatchObject({ settled: true });
});

/** A worker's answer to a picture that somebody searches by. */
const answerTo = async (modelId: string, changes: object, picture = { url: 'https://a.test/1' }, given = run) => {
  const { pictureQueries } = worker.database.repositories;
  const id = crypto.randomUUID();
  await pictureQueries.add(id, modelId, picture, { mostWaiting: 9, patienceSeconds: 5 });
  await pictureHandler(worker.but(changes))({ catalog: 'default', id }, given);
  return pictureQueries.collect(id);
};

test('a picture is answered with its vector, or with what is wrong with it, and a stranger learns nothing of the network', async () => {
  const { models } = worker.database.repositories;
  const { id: modelId } = await models.ofJob(await trained());
  const contentHash = sha256(Uint8Array.of(9));
  const looked: unknown[] = [];
  const askedPictures = {
    async decode(picture: object, sides: number[], _signal: AbortSignal, use: (found: object) => Promise<unknown>) {
      looked.push([picture, sides]);
      return use({ contentHash, folders: { 64: 'aside' } });
    },
  };
  const answerOf = (changes: object) => answerTo(modelId, changes);
  const { vectors } = await engines.embedder.embed({ pictures: [contentHash] });
  expect(await answerOf({ askedPictures })).toEqual({ vector: vectors });
  expect(looked).toEqual([[{ url: 'https://a.test/1' }, [64]]]);

  const failing = (error: Error) => ({ askedPictures: { decode: () => Promise.reject(error) } });
  const source = 'https://a.test/1';
  const inside = new SimiliError('IMAGE_FORBIDDEN', { source, why: '10.0.0.7 is not a public address' });
  const closed = new SimiliError('IMAGE_UNREACHABLE', { source, why: 'connection refused', retryAfterSeconds: 0 });
  for (const error of [inside, closed]) {
    const answer = await answerOf(failing(error));
    expect(answer).toMatchObject({ code: error.code, facts: { source, why: expect.any(String) } });
    expect(JSON.stringify(answer)).not.toMatch(/10\.0\.0\.7|refused/);
  }
  const told = (await answerOf(failing(closed))) as { facts: typeof closed.facts };
  expect(new SimiliError('IMAGE_UNREACHABLE', told.facts).message).toBe(
    'Cannot fetch https://a.test/1: its host sent no picture in time',
  );
  const damaged = new SimiliError('IMAGE_UNREADABLE', { source, why: 'it is cut short' });
  expect(await answerOf(failing(damaged))).toEqual({ code: 'IMAGE_UNREADABLE', facts: damaged.facts });
  worker.logged.length = 0;
  expect(await answerOf(failing(new Error('no memory at /home/x')))).toEqual({
    code: 'PICTURES_UNAVAILABLE',
    facts: { why: 'the worker that took it failed, and its log says how' },
  });
  expect(worker.logged.map(({ level }) => level)).toEqual(['error']);
});

test('a name that this network alone knows is answered as one that nobody has', async () => {
  const { id: modelId } = await worker.database.repositories.models.ofJob(await trained());
  const nobody = Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' });
  const lookup = (name: string, _options: object, told: (error: Error | null, found: object[]) => void) =>
    name === 'inside.test' ? told(null, [{ address: '10.0.0.7', family: 4 }]) : told(nobody, []);
  const limits = pictureLimitsOf(worker.context.config);
  const dir = join(worker.context.config.SIMILI_DATA_DIR, 'asked');
  const askedPictures = openAskedPictures({ dir, limits, lookup: lookup as never, processes: 1 });
  const answerOf = async (name: string) => {
    const answer = await answerTo(modelId, { askedPictures }, { url: `https://${name}/1` });
    const { code, facts } = answer as { code: 'IMAGE_UNREACHABLE'; facts: { source: string; why: string } };
    const { message, extensions } = new SimiliError(code, facts);
    return { message: message.replace(name, 'NAME'), extensions };
  };
  const unknown = await answerOf('nobody.test');
  expect(unknown).toMatchObject({ extensions: { code: 'IMAGE_UNREACHABLE' } });
  expect(await answerOf('inside.test')).toEqual(unknown);
  await askedPictures.close();
});

test('a picture that nobody waits for any more is not looked at', async () => {
  const { pictureQueries } = worker.database.repositories;
  const id = crypto.randomUUID();
  await pictureQueries.add(id, 'mdl', { url: 'https://a.test/1' }, { mostWaiting: 9, patienceSeconds: 5 });
  const askedAt = new Date(Date.now() - 6000);
  await worker.database.storage.prisma.pictureQuery.updateMany({ where: { id }, data: { askedAt } });
  const askedPictures = { decode: () => Promise.reject(new Error('it was')) };
  await pictureHandler(worker.but({ askedPictures }))({ catalog: 'default', id }, run);
  await pictureHandler(worker.but({ askedPictures }))({ catalog: 'default', id: crypto.randomUUID() }, run);
  expect(await pictureQueries.collect(id)).toBeNull();
});

test('a worker that stops hands a picture back, and another one answers it', async () => {
  const { models, pictureQueries } = worker.database.repositories;
  const { id: modelId } = await models.ofJob(await trained());
  const contentHash = sha256(Uint8Array.of(9));
  for (const picture of [{ url: 'https://a.test/1' }, { bytes: Uint8Array.of(0, 255) }]) {
    worker.queue.added.length = 0;
    const stopping = new AbortController();
    const inHand = {
      async decode(_picture: object, _sides: number[], signal: AbortSignal) {
        stopping.abort(new Error('shutting down'));
        signal.throwIfAborted();
      },
    };
    const id = crypto.randomUUID();
    await pictureQueries.add(id, modelId, picture, { mostWaiting: 9, patienceSeconds: 5 });
    const message = { catalog: 'default', id };
    await pictureHandler(worker.but({ askedPictures: inHand }))(message, stopping);
    expect(worker.queue.added).toEqual([{ name: 'picture', payload: message, key: id }]);
    const looked: object[] = [];
    const askedPictures = {
      async decode(given: object, _sides: number[], _signal: AbortSignal, use: (found: object) => Promise<unknown>) {
        looked.push(given);
        return use({ contentHash, folders: {} });
      },
    };
    await pictureHandler(worker.but({ askedPictures }))(message, run);
    expect(looked).toEqual(['bytes' in picture ? { bytes: Buffer.from(picture.bytes) } : picture]);
    expect(await pictureQueries.collect(id)).toEqual({ vector: expect.any(Float32Array) });
  }
});

test('a worker that stops hands nothing back for whom nobody waits', async () => {
  const { pictureQueries } = worker.database.repositories;
  const stopping = new AbortController();
  const id = crypto.randomUUID();
  const askedPictures = {
    async decode() {
      await pictureQueries.leave(id, 5);
      stopping.abort(new Error('shutting down'));
      throw stopping.signal.reason;
    },
  };
  const { id: modelId } = await worker.database.repositories.models.ofJob(await trained());
  worker.queue.added.length = 0;
  await pictureQueries.add(id, modelId, { url: 'https://a.test/1' }, { mostWaiting: 9, patienceSeconds: 5 });
  await pictureHandler(worker.but({ askedPictures }))({ catalog: 'default', id }, stopping);
  expect(worker.queue.added).toEqual([]);
});

test('an evaluation tells how far shoppers looked, place by place', async () => {
  await using shop = await fakeWorker(PRODUCTS);
  const { repositories, storage } = shop.database;
  const [anchor, item] = (await repositories.images.readyPage(PRODUCTS, null)).map(({ productId }) => productId);
  const yesterday = new Date(repositories.clock.now().getTime() - 86_400_000);
  const seen = (place: number, visitors: number, choosing: number) =>
    Array.from({ length: visitors + choosing }, (_, i) => ({
      catalogId: 'default',
      eventId: randomUUID(),
      visitorId: `${place} ${i % visitors}`,
      anchorId: anchor!,
      itemIds: [item!],
      positions: [place],
      placement: 'default',
      modelId: 'm',
      occurredAt: yesterday,
      receivedAt: yesterday,
      kind: i < visitors ? ('IMPRESSION' as const) : ('CLICK' as const),
      filtered: false,
    }));
  await storage.prisma.feedbackEvent.createMany({ data: [...seen(1, 400, 200), ...seen(3, 400, 50)] });
  const { id: jobId } = await retrain({ jobs: repositories.jobs, queue: { add: async () => {} } }, {}, 'test');
  for (const handler of [trainHandler, embedHandler, evaluateHandler])
    await handler(shop.context)({ catalog: 'default', jobId }, run);
  const { examination } = (await repositories.models.ofJob(jobId)).metrics as { examination: object[] };
  const [found] = examination as { exponent: number; places: { law: number; free: number }[] }[];
  expect(examination).toEqual([
    expect.objectContaining({ placement: 'default', apart: 0, places: [expect.objectContaining({ place: 3 })] }),
  ]);
  expect(found!.places[0]!.law).toBeCloseTo(3 ** -found!.exponent, 9);
  expect(found!.places[0]!.free).toBeCloseTo(0.25, 1);
});
