import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import type { FeedbackKind, FeedbackWrite } from '../../src/db/feedback.ts';
import { nextRetrain, retrainSettingsOf } from '../../src/jobs/retrain-policy.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { type RetrainPolicy, type SinceTraining, usualRetrainPolicy } from '../../src/ports/retrain-policy.ts';
import type { WorkerContext } from '../../workers/context.ts';
import { dueRetrain } from '../../workers/jobs/due-retrain.ts';
import { fakeLog } from '../support/api.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { fakeQueue, serve } from '../support/fixtures.ts';

let shop: FreshDatabase;
const queue = fakeQueue();
beforeAll(async () => {
  shop = await freshDatabase();
});
afterAll(() => shop[Symbol.asyncDispose]());

type Eye = { facts: { id: string; title: string } };
/** @param clock of the database, by which what was counted is remembered; left out: it is not */
const start = async (
  settings: NodeJS.ProcessEnv,
  encoder: Eye | null = null,
  policy?: RetrainPolicy,
  clock?: Clock,
) => {
  const config = loadConfig({ SIMILI_RETRAIN_CHOICES: '3', SIMILI_RETRAIN_PAUSE_MINUTES: '0.001', ...settings });
  if (!clock) await shop.storage.prisma.setting.deleteMany({ where: { key: 'retrain rests' } });
  await dueRetrain({
    repositories: { ...shop.repositories, ...(clock && { clock }) },
    queue,
    encoder,
    log: fakeLog().log,
    config,
    retrainPolicy: policy ?? usualRetrainPolicy(retrainSettingsOf(config)),
  } as unknown as WorkerContext);
};

const event = (kind: FeedbackKind, itemId: string): FeedbackWrite => ({
  eventId: crypto.randomUUID(),
  kind,
  anchorId: 'a',
  itemIds: [itemId],
  positions: [1],
  modelId: 'm',
  occurredAt: new Date(),
  listId: crypto.randomUUID(),
  listedAt: new Date(),
  listExpiresAt: new Date(Date.now() + 1e6),
  filtered: false,
});
/** A training that ended a second ago, longer than the pause of 60 ms, as the tables have it; what comes from now on is new. */
async function trained(state: 'SUCCEEDED' | 'FAILED'): Promise<void> {
  const { jobs } = shop.repositories;
  const { id } = (await jobs.running()) ?? (await jobs.create('RETRAIN', {}, 'test'));
  const ended = { state, startedAt: new Date(), finishedAt: new Date(Date.now() - 1000) };
  await shop.storage.prisma.job.update({ where: { catalogId_id: { catalogId: 'default', id } }, data: ended });
}
const jobs = () => shop.repositories.jobs.list(10);

test('choices of shoppers start the next training, once, with its reason', async () => {
  const { feedback } = shop.repositories;
  await shop.storage.prisma.modelVersion.create({
    data: { catalogId: 'default', id: 'm', kind: 'NETWORK', dimensions: 2, checksum: 'c', artefact: new Uint8Array() },
  });
  await trained('SUCCEEDED');
  await feedback.append('v1', [event('IMPRESSION', 'b'), event('DISMISS', 'c'), event('CLICK', 'b')]);
  await feedback.append('v1', [event('PURCHASE', 'b'), event('CLICK', 'c')]); // b is chosen once by one visitor
  await start({});
  expect(await jobs()).toHaveLength(1);

  await feedback.append('v2', [event('ADD_TO_CART', 'b')]);
  await start({ SIMILI_RETRAIN_PAUSE_MINUTES: '0' });
  expect(await jobs()).toHaveLength(1);
  await start({});
  await start({});
  const [job] = await jobs();
  expect(await jobs()).toHaveLength(2);
  expect(job).toMatchObject({ kind: 'RETRAIN', state: 'QUEUED', requestedBy: 'simili' });
  expect(job!.request).toEqual({ reason: '3 new choices of shoppers (3 are enough)' });
  expect(queue.added).toEqual([
    { name: 'train', payload: { catalog: 'default', jobId: job!.id }, key: expect.any(String) },
  ]);
});

test('a training that failed is tried again after the pause: what came before it still counts', async () => {
  await trained('FAILED');
  await start({ SIMILI_RETRAIN_PAUSE_MINUTES: '10' });
  expect(await jobs()).toHaveLength(2);
  await start({});
  expect(await jobs()).toHaveLength(3);
});

test('what a training has learned from starts no other one', async () => {
  await trained('SUCCEEDED');
  await start({});
  expect(await jobs()).toHaveLength(3);
});

test('another encoder than the last training had starts one; where it is gone, that is told', async () => {
  const { prisma } = shop.storage;
  const title = 'An eye with as long a title as descriptions may have '.repeat(4).trim().slice(0, 200);
  const eye = (id: string): Eye => ({ facts: { id, title } });
  const { id } = (await jobs())[0]!;
  const madeBy = (choice: string) => ({ training: { encoder: { id: 'eye-1', title: 'An eye', choice } } });
  await prisma.modelVersion.update({
    where: { catalogId_id: { catalogId: 'default', id: 'm' } },
    data: { metrics: madeBy('efficientnet-lite0'), jobId: id },
  });
  await prisma.job.update({ where: { catalogId_id: { catalogId: 'default', id } }, data: { modelId: 'm' } });
  await serve(shop, 'm');
  await start({}, eye('eye-1'));
  expect(await jobs()).toHaveLength(3);

  const policy = usualRetrainPolicy({ pauseMinutes: 10, choices: 3 });
  const plan = () => nextRetrain(shop.repositories, policy, new Date());
  expect((await plan()).encoder).toBeNull();
  await start({ SIMILI_RETRAIN_PAUSE_MINUTES: '10' }, eye('eye-2'));
  const another = `another encoder looks at pictures than the last training had (${title})`;
  // What the version was made with is not what is found under its name now.
  expect(await plan()).toMatchObject({
    due: false,
    encoder: `${another}, and without that one new products get no vectors`,
    notBefore: expect.any(Date),
  });
  await start({}, eye('eye-2'));
  const [job] = await jobs();
  expect(await jobs()).toHaveLength(4);
  expect(job!.request).toEqual({ reason: (await plan()).encoder!.slice(0, 200) }); // as long as a reason may be
});

test("a shop's own policy decides, by what has come since, and gives the reason", async () => {
  await trained('SUCCEEDED');
  const before = (await jobs()).length;
  const usual = usualRetrainPolicy({ pauseMinutes: 0.001, choices: 3 });
  const asked: SinceTraining[] = [];
  const own = (due: boolean): RetrainPolicy => ({
    ...usual,
    plan(since, now) {
      asked.push(since);
      return { ...usual.plan(since, now), due, reason: due ? 'it is night' : null };
    },
  });
  await start({ SIMILI_RETRAIN_PAUSE_MINUTES: '0' }, null, own(false));
  await start({}, null, { ...own(true), automatic: false });
  await start({}, null, { ...own(true), restsUntil: () => new Date(Date.now() + 1) });
  expect(await jobs()).toHaveLength(before);
  expect(asked).toMatchObject([{ trained: true, choices: 0, products: 0 }]);
  await start({}, null, own(true));
  const [job] = await jobs();
  expect(job).toMatchObject({ state: 'QUEUED', request: { reason: 'it is night' } });
  await shop.repositories.jobs.cancel(job!.id);
});

test('what takes long to count is counted as seldom: twenty times as long later, whichever worker looks', async () => {
  await trained('SUCCEEDED');
  await shop.storage.prisma.setting.deleteMany({ where: { key: 'retrain rests' } });
  const begin = Date.now();
  let now = begin;
  let asked = 0;
  const slow: RetrainPolicy = {
    ...usualRetrainPolicy({ pauseMinutes: 0.001, choices: 3 }),
    plan(since, at) {
      asked += 1;
      now += 4000;
      return { ...usualRetrainPolicy({ pauseMinutes: 0.001, choices: 3 }).plan(since, at), due: false };
    },
  };
  const askedAt = async (ms: number) => {
    now = begin + ms;
    await start({}, null, slow, { now: () => new Date(now) });
    return asked;
  };
  expect([await askedAt(0), await askedAt(4000), await askedAt(83_999), await askedAt(84_000)]).toEqual([1, 1, 1, 2]);
  expect(await askedAt(-500)).toBe(3); // the database's clock was put back
});
