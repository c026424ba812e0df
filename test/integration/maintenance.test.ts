import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Claim } from '../../src/db/jobs.ts';
import type { WorkerContext } from '../../workers/context.ts';
import { keyOf } from '../../workers/embedding/encoding.ts';
import { goldenEye } from '../../workers/encoders/eyes.ts';
import { chores, forgetVisitors } from '../../workers/handlers/maintenance.ts';
import { openArtefactCache } from '../../workers/jobs/artefact-cache.ts';
import { sha256 } from '../../workers/tools/sha256.ts';
import { type FakeWorker, fakeWorker } from '../support/fake-worker.ts';
import { addModel, addProducts } from '../support/fixtures.ts';

/* What is done on a schedule, each chore once. */
let worker: FakeWorker;
beforeAll(async () => {
  worker = await fakeWorker();
});
afterAll(() => worker[Symbol.asyncDispose]());
beforeEach(() => {
  worker.queue.added.length = 0;
});

const SECOND = 1000;
const ago = (ms: number) => new Date(Date.now() - ms);
const chore = async (name: string, context = worker.context) => {
  const one = chores(context).find((each) => each.name === name)!;
  await one.work(new AbortController().signal);
  return one;
};
const inLine = () => worker.queue.added.map(({ name }) => name);

test('each chore has its rhythm: a lost job is looked for every second, what was forgotten every ten minutes', () => {
  expect(chores(worker.context).map(({ name, everySeconds }) => [name, everySeconds])).toEqual([
    ['requeue', 1],
    ['maintenance', 5],
    ['retire-versions', 120],
    ['forget-pictures', 60],
    ['forget-uploads', 60],
    ['retrain', 60],
    ['forget-visitors', 20],
    ['forget-lists', 600],
    ['roll-up-feedback', 600],
    ['forget-artefacts', 600],
    ['forget-features', 600],
  ]);
});

test('the job of a worker that gave no sign for eight seconds goes on elsewhere, and not a moment before', async () => {
  const { jobs } = worker.database.repositories;
  const { id } = await jobs.create('RETRAIN', {}, 'test');
  await jobs.claim(id, 'TRAIN');
  const silent = (ms: number) =>
    worker.database.storage.prisma.job.update({
      where: { catalogId_id: { catalogId: 'default', id } },
      data: { heartbeatAt: ago(ms) },
    });
  await silent(7 * SECOND);
  await chore('requeue');
  expect([await jobs.byId(id), inLine()]).toMatchObject([{ state: 'RUNNING' }, []]);
  await silent(8.5 * SECOND);
  await chore('requeue');
  expect([await jobs.byId(id), inLine()]).toMatchObject([{ state: 'QUEUED' }, ['train']]);
  await chore('requeue'); // its message may have been lost
  expect(inLine()).toEqual(['train', 'train']);
  expect(worker.queue.added[0]!.key).toBe(worker.queue.added[1]!.key);
  await jobs.cancel(id);
});

test('lists are looked through for erased visitors as seldom as that takes long, in each catalog for itself', async () => {
  let now = 0;
  const asked: string[] = [];
  const kept = new Map<string, string>();
  const at = async (ms: number, catalog: string) => {
    now = ms;
    const forgetInLists = async () => {
      asked.push(`${catalog} ${ms}`);
      now += 2000;
    };
    const settings = {
      get: async (key: string) => kept.get(`${catalog} ${key}`) ?? null,
      set: async (key: string, value: string) => void kept.set(`${catalog} ${key}`, value),
    };
    const clock = { now: () => new Date(now) };
    const repositories = { settings, clock, erasures: { forgetInLists } };
    await forgetVisitors({ repositories } as unknown as WorkerContext);
  };
  for (const ms of [0, 2000, 41_999, 42_000]) await at(ms, 'a');
  await at(42_500, 'b');
  expect(asked).toEqual(['a 0', 'a 42000', 'b 42500']);
});

test('a training that was cancelled, or failed, leaves no checkpoint behind; one that goes on keeps its own', async () => {
  const { jobs } = worker.database.repositories;
  const begun = async () => {
    const claim = (await jobs.claim((await jobs.create('RETRAIN', {}, 'test')).id, 'TRAIN'))!;
    await jobs.saveCheckpoint(claim, 1, 'c', Uint8Array.of(7));
    return claim;
  };
  const ends = [
    async (claim: Claim) => {
      await jobs.cancel(claim.job.id);
      await jobs.settleCancelled(claim);
    },
    async (claim: Claim) => {
      await jobs.fail(claim, { code: 'TRAINING_DIVERGED', message: '', retry: false });
    },
    async (claim: Claim) => {
      await jobs.release(claim);
      await jobs.cancel(claim.job.id);
    },
  ];
  for (const end of ends) {
    const claim = await begun();
    await chore('requeue');
    expect(await jobs.checkpoint(claim.job.id)).toMatchObject({ step: 1 });
    await end(claim);
    await chore('requeue');
    expect(await jobs.checkpoint(claim.job.id)).toBeNull();
  }
});

test('of the versions that may serve again the newest two keep their vectors', async () => {
  const { prisma } = worker.database.storage;
  await addProducts(worker.database, [{ id: 'a' }]);
  const numbers: number[] = [];
  for (let i = 0; i < 6; i++) {
    const { id, number } = await addModel(worker.database, { a: [1, i] });
    await prisma.modelVersion.update({
      where: { catalogId_id: { catalogId: 'default', id } },
      data: { promotedAt: ago((10 - i) * SECOND) },
    });
    numbers.push(number);
  }
  const rejected = await addModel(worker.database, { a: [1, 0] }, 'REJECTED');
  await chore('retire-versions');
  const rows = await prisma.modelVersion.findMany({ orderBy: { number: 'asc' } });
  expect(rows.map(({ state }) => state)).toEqual([
    ...['RETIRED', 'RETIRED', 'RETIRED', 'STANDBY', 'STANDBY', 'ACTIVE'],
    'RETIRED',
  ]);
  const tables = await prisma.$queryRaw<{ name: string }[]>`
    SELECT tablename AS name FROM pg_tables WHERE schemaname = 'simili' AND tablename ~ '^embedding_[0-9]+$'`;
  expect(tables.map(({ name }) => name).sort()).toEqual(numbers.slice(3).map((number) => `embedding_${number}`));
  expect(tables.map(({ name }) => name)).not.toContain(`embedding_${rejected.number}`);
});

test('pictures that wait, and products without a vector, wake whoever ingests; else nobody is woken', async () => {
  const { vectorQueue: queue, images } = worker.database.repositories;
  await queue.done(await queue.take(10));
  await chore('maintenance');
  expect(inLine()).toEqual([]);
  await addProducts(worker.database, [{ id: 'new', imageUrls: ['/new.png'] }]);
  await queue.done(await queue.take(10));
  await chore('maintenance');
  expect(inLine()).toEqual(['ingest']);
  for (const { id, reading } of await images.claimPending(10, 60))
    await images.markReady({ id, reading }, { contentHash: 'h', mime: 'image/png', width: 1, height: 1 });
  await chore('maintenance');
  expect(inLine()).toEqual(['ingest', 'ingest']);
});

test('the first model waits for pictures that nobody has tried, however slowly they come, and not for a host that asks for patience', async () => {
  await using shop = await fakeWorker(24);
  const { database, context } = shop;
  const { images, jobs } = database.repositories;
  await addProducts(database, [{ id: 'late', imageUrls: ['/late.png'] }]);
  await database.storage.prisma.productImage.updateMany({
    where: { state: 'READY' },
    data: { updatedAt: ago(60 * SECOND) },
  });
  const begun = async () => {
    await chore('maintenance', context);
    return (await jobs.running())?.kind ?? null;
  };
  expect(await begun()).toBeNull(); // no worker has come to it
  const [late] = await images.claimPending(10, 120);
  expect(await begun()).toBeNull(); // it is being decoded
  await images.postpone(late!, 0);
  await expect.poll(() => images.hasClaimable()).toBe(true);
  await images.claimPending(10, 120);
  expect(await images.hasUntried(10)).toBe(false); // its second try
  await images.postpone(late!, 8);
  expect(await begun()).toBe('BOOTSTRAP');
});

test('lists that nobody can report about any more are forgotten, others are not', async () => {
  const { prisma } = worker.database.storage;
  const list = (expiresAt: Date) => ({ catalogId: 'default', listId: crypto.randomUUID(), visitors: [1n], expiresAt });
  const [old, open] = [list(ago(SECOND)), list(ago(-60 * SECOND))];
  await prisma.shownList.createMany({ data: [old, open] });
  await chore('forget-lists');
  expect((await prisma.shownList.findMany()).map(({ listId }) => listId)).toEqual([open.listId]);
});

test('what was seen of pictures that are gone is forgotten', async () => {
  const { features } = worker.database.repositories;
  await features.add('eye', new Map([['gone', Uint16Array.of(1)]]));
  await chore('forget-features');
  expect(await features.known('eye', ['gone'])).toEqual(new Set());
});

test('what an encoder saw that nobody uses any more is forgotten after a month; what looks here, or made a version that has vectors, is not', async () => {
  await using shop = await fakeWorker(1);
  const { storage, repositories } = shop.database;
  const { features, models } = repositories;
  const [picture] = await storage.prisma.productImage.findMany();
  const seen = new Map([[picture!.contentHash!, Uint16Array.of(1)]]);
  const oldEye = { facts: { id: 'old@1', dimensions: 1 }, description: { input: { side: 64 } } };
  const [golden, old, kept] = [keyOf(shop.context, goldenEye), keyOf(shop.context, oldEye), 'kept@1/elsewhere'];
  for (const name of [old, kept]) await features.add(name, seen);
  await features.addUnseen(old, ['other']);
  const { id } = await addModel(shop.database, {}, 'STANDBY');
  const training = { shares: { 'kept@1': 1 }, encoder: { id: 'kept@1', choice: 'kept' } };
  await storage.prisma.modelVersion.update({
    where: { catalogId_id: { catalogId: 'default', id } },
    data: { metrics: { training } },
  });
  const left = async (days: number, context = shop.context) => {
    await storage.prisma.$executeRaw`
      UPDATE simili.installation_setting SET value = (value::float8 - ${days * 24 * 3600 * SECOND}::float8)::text WHERE key LIKE 'eye %'`;
    await chore('forget-features', context);
    return (await features.names()).sort();
  };
  const all = [golden, old, kept].sort();
  expect(await left(0)).toEqual(all); // a database of before has noted nothing
  expect(await left(29)).toEqual(all);
  expect(await left(0, shop.but({ encoder: oldEye }))).toEqual(all); // another worker is set up with it
  expect(await left(29)).toEqual(all);
  expect(await left(2)).toEqual([golden, kept].sort());
  expect(await features.unseen(old, ['other'])).toEqual(new Set());
  await features.add(old, seen); // it is put back
  await models.markRetired(id);
  expect(await left(29)).toEqual(all);
  expect(await left(2)).toEqual([golden]);
});

test('the policy is asked whether a training is due: not before the first one', async () => {
  await chore('retrain');
  expect(await worker.database.repositories.jobs.running()).toBeNull();
});

test('feedback is rolled up by days, and who did what is forgotten when its time is over', async () => {
  const { prisma } = worker.database.storage;
  const { repositories } = worker.database;
  const day = 24 * 3600 * SECOND;
  for (const age of [500, 300]) {
    const eventId = crypto.randomUUID();
    const list = {
      listId: crypto.randomUUID(),
      listedAt: new Date(),
      listExpiresAt: ago(-day),
      modelId: 'm',
      filtered: false,
    };
    const click = {
      eventId,
      kind: 'CLICK' as const,
      anchorId: 'a',
      itemIds: ['b'],
      positions: [1],
      occurredAt: ago(0),
    };
    await repositories.feedback.append('v', [{ ...click, ...list }]);
    await prisma.feedbackEvent.updateMany({ where: { eventId }, data: { receivedAt: ago(age * day) } });
  }
  await chore('roll-up-feedback');
  expect(await prisma.feedbackRollup.count()).toBe(2);
  expect(await repositories.feedback.count()).toBe(1); // SIMILI_FEEDBACK_DAYS is 400
  const fading = [500, 300].map((age) => 0.5 ** (age / 180)); // SIMILI_FEEDBACK_HALF_LIFE_DAYS
  const clicks = expect.closeTo(fading[0]! + fading[1]!, 2);
  expect(await repositories.feedback.days.statistics(ago(0))).toMatchObject([{ clicks }]);
});

test('artefacts of versions that nobody can roll back to go after a week, their rows stay; and files of what has no vectors any more', async () => {
  await using shop = await fakeWorker();
  const { models } = shop.database.repositories;
  const { prisma } = shop.database.storage;
  const DAY = 86_400_000;
  const dir = join(shop.context.config.SIMILI_DATA_DIR, 'models');
  const cache = openArtefactCache(dir);
  const bytes = (number: number) => Uint8Array.of(number, 7);
  const states = [
    [1, { state: 'RETIRED', createdAt: ago(8 * DAY) }],
    [2, { state: 'RETIRED', createdAt: ago(6 * DAY) }],
    [3, { state: 'RETIRED', createdAt: ago(90 * DAY), promotedAt: ago(6 * DAY) }],
    [4, { state: 'STANDBY', createdAt: ago(90 * DAY), promotedAt: ago(80 * DAY) }],
    [5, { state: 'ACTIVE', createdAt: ago(90 * DAY), promotedAt: ago(80 * DAY) }],
  ] as const;
  for (const [number, data] of states) {
    const { id } = await addModel(shop.database, {});
    const artefact = bytes(number);
    const where = { catalogId_id: { catalogId: 'default', id } };
    await prisma.modelVersion.update({ where, data: { artefact, checksum: sha256(artefact), promotedAt: null } });
    if (number < 5) await cache.pathOf(models, id);
    await prisma.modelVersion.update({ where, data });
  }
  await chore('forget-artefacts', shop.context);
  const rows = await prisma.modelVersion.findMany({ orderBy: { number: 'asc' } });
  expect(rows.map(({ number, artefact }) => [number, artefact.length])).toEqual([
    [1, 0],
    [2, 2],
    [3, 2],
    [4, 2],
    [5, 2],
  ]);
  expect(await models.artefact(rows[0]!.id)).toBeNull();
  await expect(openArtefactCache(join(dir, 'other')).pathOf(models, rows[0]!.id)).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
  const { path } = await cache.pathOf(models, rows[4]!.id);
  expect(await readFile(path)).toEqual(Buffer.from(bytes(5)));
  const names = (await readdir(dir)).filter((name) => name.endsWith('.safetensors'));
  expect(names.sort()).toEqual([4, 5].map((number) => `${sha256(bytes(number))}.safetensors`).sort());
});
