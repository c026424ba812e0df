import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Repositories } from '../../src/db/repositories.ts';
import { tellEncoderState } from '../../src/jobs/encoder-state.ts';
import { embedHandler } from '../../workers/handlers/embed.ts';
import { evaluateHandler } from '../../workers/handlers/evaluate.ts';
import { chores } from '../../workers/handlers/maintenance.ts';
import { gatherHandler, roundHandler } from '../../workers/handlers/round.ts';
import { trainHandler } from '../../workers/handlers/train.ts';
import { addDecoded, engines, type FakeWorker, fakeWorker } from '../support/fake-worker.ts';
import { addProducts } from '../support/fixtures.ts';

/* One worker, two catalogs whose products, jobs and versions have the same ids. */
const SIZES = { red: 24, blue: 30 };
type Name = keyof typeof SIZES;
const NAMES: Name[] = ['red', 'blue'];
let worker: FakeWorker;
let of: (name: Name) => Repositories;
beforeAll(async () => {
  worker = await fakeWorker();
  const { repositories } = worker.database;
  of = (name) => repositories.forCatalog(name);
  for (const name of NAMES) {
    await repositories.catalogs.create(name);
    await addDecoded({ repositories: of(name) }, SIZES[name]);
  }
});
afterAll(() => worker[Symbol.asyncDispose]());
beforeEach(() => {
  worker.queue.added.length = 0;
});

const run = { signal: new AbortController().signal };
const chore = (name: string, context = worker.context) =>
  chores(context)
    .find((one) => one.name === name)!
    .work(run.signal);
/** Messages that are in line, as `queue catalog`. */
const inLine = () =>
  worker.queue.added.map(({ name, payload }) => `${name} ${(payload as { catalog: string }).catalog}`);

/** A retrain in each, both under one id. */
async function sameJobInBoth(id: string): Promise<void> {
  for (const name of NAMES) {
    const job = await of(name).jobs.create('RETRAIN', {}, 'test');
    const key = { catalogId: name, id: job.id };
    await worker.database.storage.prisma.job.update({ where: { catalogId_id: key }, data: { id } });
  }
}

test('the first model of each catalog is due by itself, and both jobs are in line at once', async () => {
  await chore('maintenance');
  expect(inLine().sort()).toEqual(['train blue', 'train red']);
  for (const name of NAMES) {
    const job = (await of(name).jobs.running())!;
    expect(job.kind).toBe('BOOTSTRAP');
    await of(name).jobs.cancel(job.id);
  }
});

test('a lost message is made up for in each, under a key of its own', async () => {
  await sameJobInBoth('job_lost');
  await chore('requeue');
  expect(inLine().sort()).toEqual(['train blue', 'train red']);
  expect(new Set(worker.queue.added.map(({ key }) => key)).size).toBe(2);
  for (const name of NAMES) await of(name).jobs.cancel('job_lost');
});

test('jobs of two catalogs with one id go through all phases side by side, each on its own products', async () => {
  await sameJobInBoth('job_same');
  const trained: number[] = [];
  const trainer = {
    ...engines.trainer,
    train: (request: { set: { hashes: Uint8Array } }, ...rest: [AbortSignal, (event: object) => Promise<void>]) => {
      trained.push(request.set.hashes.length / 32);
      return engines.trainer.train(request, ...rest);
    },
  };
  const context = worker.but({ trainer });
  for (const handler of [trainHandler, embedHandler, evaluateHandler])
    for (const catalog of NAMES) await handler(context)({ catalog, jobId: 'job_same' }, run);
  expect(trained).toEqual([SIZES.red, SIZES.blue]);
  expect(inLine()).toEqual(['embed red', 'embed blue', 'evaluate red', 'evaluate blue']);
  for (const name of NAMES) {
    const { models, embeddings, jobs } = of(name);
    expect(await jobs.byId('job_same')).toMatchObject({ state: 'SUCCEEDED' });
    expect(await models.serving()).toMatchObject({ number: 1, modelId: (await models.ofJob('job_same')).id });
    expect(await embeddings.count(1)).toBe(SIZES[name]);
  }
  expect(await worker.database.repositories.jobs.list(10)).toEqual([]);
});

test('a round is trained, and settled, for the catalog that its message names', async () => {
  await sameJobInBoth('job_round');
  const state = Uint8Array.of(1);
  const round = { round: 0, members: 1, firstStep: 0, steps: 3, totalSteps: 30, pictures: 0, expectedMs: 1000 };
  for (const name of NAMES) {
    const claim = (await of(name).jobs.claim('job_round', 'TRAIN'))!;
    const checksum = '4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a'; // sha-256 of the state
    await of(name).rounds.open(claim, { ...round, settings: {}, state, checksum });
  }
  const key = { jobId: 'job_round', round: 0, fence: 1 };
  await roundHandler(worker.context)({ ...key, catalog: 'blue', member: 0 }, run);
  await gatherHandler(worker.context)({ ...key, catalog: 'blue' }, run);
  expect(await of('blue').rounds.status(key)).toMatchObject({ settled: true, shards: [{ member: 0 }] });
  expect(await of('red').rounds.status(key)).toMatchObject({ settled: false, shards: [] });
  for (const name of NAMES) await of(name).jobs.cancel('job_round');
  for (const name of NAMES)
    await worker.database.storage.prisma.job.deleteMany({ where: { catalogId: name, id: 'job_round' } });
});

test('a training comes by itself in the catalog where it is due, and in no other', async () => {
  const { prisma } = worker.database.storage;
  const long = new Date(Date.now() - 3 * 3_600_000);
  await prisma.job.updateMany({ data: { startedAt: long, finishedAt: long } });
  await prisma.productImage.updateMany({ data: { updatedAt: new Date(long.getTime() - 1000) } });
  await prisma.modelVersion.updateMany({ data: { kind: 'NETWORK' } });
  for (const name of NAMES) await tellEncoderState(of(name).settings, { configured: null, lost: null });
  await chore('retrain');
  expect(inLine()).toEqual([]);
  await prisma.productImage.updateMany({ where: { catalogId: 'blue' }, data: { updatedAt: new Date() } });
  await chore('retrain');
  expect(inLine()).toEqual(['train blue']);
  await of('blue').jobs.cancel((await of('blue').jobs.running())!.id);
});

test('a catalog in which a chore fails is told, and holds up no other', async () => {
  of('blue').images.hasClaimable = () => Promise.reject(new Error('broken'));
  await addProducts({ repositories: of('red') }, [{ id: 'new', imageUrls: ['/new.png'] }]);
  await chore('maintenance');
  expect(inLine()).toEqual(['ingest red']);
  expect(worker.logged.filter(({ level }) => level === 'error')).toMatchObject([{ facts: { catalog: 'blue' } }]);
});
