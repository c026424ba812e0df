import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { splitOf } from '../../learning/metrics/split.ts';
import { checkCatalogAndFeedback, checkTraining, openBrowser, openPage } from '../support/browser.ts';
import { freshDataDir } from '../support/embedded.ts';
import { pngClaiming } from '../support/pictures.ts';
import { freshPostgresDatabase, postgresUrl, redisUrl } from '../support/services.ts';
import { runSimili, type SimiliProcess, startSimili } from '../support/simili-process.ts';
import { drawToyCatalog } from '../support/toy-catalog.ts';
import { until } from '../support/until.ts';

let dir: string;
let ids: string[];
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-e2e-'));
  ids = await drawToyCatalog(join(dir, 'pictures'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** Whatever the query asked for: the expectations below say what it must be. */
// biome-ignore lint/suspicious/noExplicitAny: answers are checked field by field
type Json = any;
type Answer = { data: Json; errors?: { message: string; extensions: { code: string } }[] };

async function ask(url: string, query: string, variables: object = {}, key?: string): Promise<Answer> {
  const headers = {
    'content-type': 'application/json',
    ...(key ? { authorization: `Bearer ${key}` } : {}),
  };
  return (
    await fetch(url, {
      method: 'POST',
      headers,
      body: JSON.stringify({ query, variables }),
    })
  ).json() as Promise<Answer>;
}
const storefront = (simili: SimiliProcess, query: string, variables = {}) =>
  ask(`${simili.url}/graphql`, query, variables);

const SIMILAR = `query ($id: ID!, $first: Int) { similarItems(id: $id, first: $first) {
  status modelVersionId recommendationId edges { score position node { id title } } } }`;
const JOB =
  '{ jobs(first: 1) { id kind state phase progress message engine curve { step loss } attempts error { code message } } models { id number kind state metrics gates { name } } activeModel { id kind } }';
const SUBMIT =
  'mutation ($input: SubmitFeedbackInput!) { submitFeedback(input: $input) { accepted duplicates rejected userErrors { code } } }';
const RETRAIN =
  'mutation { retrain(input: { seconds: 5, reason: "test" }) { job { id } userErrors { __typename code ... on JobAlreadyRunningError { jobId } } } }';

async function answers(simili: SimiliProcess, id: string) {
  return until(async () => {
    const { data } = await storefront(simili, SIMILAR, { id, first: 8 });
    return data?.similarItems?.status === 'OK' && data.similarItems;
  });
}

const KEY = 'an-admin-key-for-tests';
const settings = (more: Record<string, string>) => ({
  SIMILI_ADMIN_KEY: KEY,
  SIMILI_TRAIN_SECONDS: '2',
  SIMILI_CHECKPOINT_SECONDS: '1',
  SIMILI_RECIPE: 'catalog', // a head is trained before anybody can kill it
  ...more,
});
const admin = async (simili: SimiliProcess, query: string, variables = {}) =>
  (await ask(`${simili.url}/admin/graphql`, query, variables, KEY)).data;
const settled = (simili: SimiliProcess, id: string) =>
  until(async () => {
    const { job } = await admin(simili, `{ job(id: "${id}") { id state error { code message } } }`);
    return ['SUCCEEDED', 'FAILED', 'CANCELLED'].includes(job.state) && job;
  });

/** The first training follows by itself. @returns how the newest one ended */
async function trainedOnce(simili: SimiliProcess): Promise<string> {
  const { id } = await until(async () => (await admin(simili, JOB)).jobs.find((job: Json) => job.kind === 'RETRAIN'));
  return (await settled(simili, id)).state;
}

const RETRIED = ['PICTURES_BUSY', 'PICTURES_UNAVAILABLE', 'DEADLINE_EXCEEDED'];

/** The picture of a product finds it, as it is, mirrored, smaller and in another format; what is no picture is refused by its code. */
async function searchByPicture({ url }: SimiliProcess): Promise<void> {
  const path = join(dir, 'pictures', `${ids[0]}.png`);
  const bytes = await readFile(path);
  const headers = { 'content-type': 'image/png' };
  /** A busy machine may need longer than its deadline: then it is asked again, as every answer of 503 says. */
  const post = (body: Uint8Array) =>
    until(async () => {
      const answer = await fetch(`${url}/picture`, { method: 'POST', headers, body: Buffer.from(body) });
      return answer.status !== 503 && { status: answer.status, json: (await answer.json()) as Json };
    });
  const found = async (body: Uint8Array) => {
    const { status, json } = await post(body);
    expect([status, json]).toEqual([200, { pictureToken: expect.any(String) }]);
    const query =
      'query ($token: ID!) { similarToPicture(picture: { token: $token }) { status edges { score node { id } } } }';
    const { similarToPicture } = (await ask(`${url}/graphql`, query, { token: json.pictureToken })).data;
    expect(similarToPicture.status).toBe('OK');
    return similarToPicture.edges as { score: number; node: { id: string } }[];
  };
  const [itself] = await found(bytes);
  expect(itself).toEqual({ node: { id: ids[0] }, score: expect.closeTo(1, 4) });
  const again = [sharp(bytes).flop().png(), sharp(bytes).resize(120).webp({ quality: 80 })];
  for (const other of await Promise.all(again.map((one) => one.toBuffer())))
    expect((await found(other)).slice(0, 3).map(({ node }) => node.id)).toContain(ids[0]);
  expect((await post(Buffer.from('no picture'))).json.errors[0].extensions.code).toBe('IMAGE_UNREADABLE');
  expect((await post(pngClaiming(1, 40_000_000))).json.errors[0].extensions.code).toBe('IMAGE_TOO_LARGE');
  const fetched = 'query ($url: String!) { similarToPicture(picture: { url: $url }) { status } }';
  const { errors } = await until(async () => {
    const asked = await ask(`${url}/graphql`, fetched, { url: `${url}/client.js` });
    return !RETRIED.includes(asked.errors?.[0]?.extensions.code ?? '') && asked;
  });
  expect(errors?.[0]?.extensions).toMatchObject({ code: 'IMAGE_FORBIDDEN' });
  expect(errors?.[0]?.message).not.toMatch(/127\.0\.0\.1 is/);
}

/** The README's sequence, over whatever storage and queue the environment gives. */
async function walkTheLoop(simili: SimiliProcess, recipe: string): Promise<void> {
  const anchor = ids[0] as string;
  const first = await answers(simili, anchor);
  expect(first.edges).toHaveLength(8);
  expect(first.edges.map((edge: Json) => edge.node.id)).not.toContain(anchor);
  await searchByPicture(simili);
  const scores = first.edges.map((edge: Json) => edge.score);
  expect(scores).toEqual(scores.toSorted((a: number, b: number) => b - a));

  const event = (itemId: string) => ({
    eventId: crypto.randomUUID(),
    occurredAt: new Date().toISOString(),
    recommendationId: first.recommendationId,
    itemId,
  });
  const seen = {
    eventId: crypto.randomUUID(),
    occurredAt: new Date().toISOString(),
    recommendationId: first.recommendationId,
    itemIds: first.edges.map((e: Json) => e.node.id),
  };
  const clicked = event(first.edges[2].node.id);
  const input = {
    visitor: { id: 'v1' },
    events: [{ impression: seen }, { click: clicked }],
  };
  expect((await storefront(simili, SUBMIT, { input })).data.submitFeedback).toEqual({
    accepted: 2,
    duplicates: 0,
    rejected: 0,
    userErrors: [],
  });
  expect((await storefront(simili, SUBMIT, { input })).data.submitFeedback).toMatchObject({
    accepted: 0,
    duplicates: 2,
  });

  const held = ids.filter((id) => splitOf(id) === 'test').slice(0, 5);
  const others = ids.filter((id) => !held.includes(id));
  const ratings = held.map((id, i) => ({ anchorId: id, positiveId: others[i], negativeId: others[i + 1] }));
  const rate = 'mutation ($input: SubmitRatingsInput!) { submitRatings(input: $input) { accepted rejected } }';
  expect((await admin(simili, rate, { input: { ratings } })).submitRatings).toEqual({ accepted: 5, rejected: 0 });

  expect(await trainedOnce(simili)).toBe('SUCCEEDED'); // another one is asked for when it is through
  const { retrain: started } = await admin(simili, RETRAIN);
  expect(started.userErrors).toEqual([]);
  const { retrain: again } = await admin(simili, RETRAIN);
  expect(again.userErrors).toEqual([
    {
      __typename: 'JobAlreadyRunningError',
      code: 'JOB_ALREADY_RUNNING',
      jobId: started.job.id,
    },
  ]);

  const progress = await follow(simili, started.job.id);
  expect(progress.at(-1)).toMatchObject({ state: 'SUCCEEDED', progress: 1 });
  const shares = progress.map((job) => job.progress);
  expect(shares).toEqual(shares.toSorted((a, b) => a - b));
  expect(progress.at(-1).curve.length).toBeGreaterThan(1);

  const { models, activeModel } = await admin(simili, JOB);
  expect(models.length).toBeGreaterThanOrEqual(3);
  const newest = models.find(({ id }: Json) => id === activeModel.id);
  expect(models[0].metrics.training).toMatchObject({ recipe });
  expect(newest.metrics.evaluation.ratings).toMatchObject({ triplets: 5, interval: { mean: expect.any(Number) } });
  expect(newest.gates).toContainEqual({ name: 'ratings' });
  const now = await answers(simili, anchor);
  expect(now.modelVersionId).toBe(activeModel.id);
  const { rollback } = await admin(simili, 'mutation { rollback { activeModel { id } userErrors { code } } }');
  expect(rollback.userErrors).toEqual([]);
  await until(async () => (await answers(simili, anchor)).modelVersionId === rollback.activeModel.id);
  expect(rollback.activeModel.id).not.toBe(activeModel.id);

  // Cancelled while it trains, of very many steps: over, and nothing of it serves.
  const { retrain: long } = await admin(simili, RETRAIN.replace('seconds: 5', 'steps: 1000000'));
  await until(
    async () => (await admin(simili, `{ job(id: "${long.job.id}") { curve { step } } }`)).job.curve.length > 0,
  );
  await admin(simili, `mutation { cancelJob(input: { id: "${long.job.id}" }) { userErrors { code } } }`);
  expect((await settled(simili, long.job.id)).state).toBe('CANCELLED');
  expect((await admin(simili, JOB)).activeModel.id).toBe(rollback.activeModel.id);
}

/** Everything `jobProgress` says, over server-sent events. */
async function follow(simili: SimiliProcess, id: string): Promise<Json[]> {
  const response = await fetch(`${simili.url}/admin/graphql/stream`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${KEY}`,
    },
    body: JSON.stringify({
      query: `subscription { jobProgress(id: "${id}") { state phase progress message curve { step loss } } }`,
    }),
  });
  expect(response.status).toBe(200);
  const text = await response.text(); // ends with the job
  return [...text.matchAll(/^data: (\{.*\})$/gm)]
    .map((match) => JSON.parse(match[1] as string).data?.jobProgress)
    .filter(Boolean);
}

/** The landing page against the real server: look around, click, train. */
async function useThePage(simili: SimiliProcess): Promise<void> {
  const { url } = simili;
  await trainedOnce(simili); // also where this is the only test that runs; after the walk the newest one was cancelled
  const browser = await openBrowser();
  try {
    await using shopper = await openPage(browser, `${url}/`);
    await checkCatalogAndFeedback(shopper);
    await using operator = await openPage(browser, `${url}/#item=${encodeURIComponent(ids[0] as string)}&admin=${KEY}`);
    await checkTraining(operator, { seconds: '30', patienceMs: 300_000 });
  } finally {
    await browser.close();
  }
}

describe('embedded, as the README says', { timeout: 600_000 }, () => {
  let simili: SimiliProcess;
  let env: Record<string, string>;
  beforeAll(async () => {
    env = settings({ SIMILI_DATA_DIR: join(dir, 'embedded') });
    await freshDataDir(join(dir, 'embedded'));
    const imported = await runSimili(['import', join(dir, 'pictures')], env);
    expect(imported.output).toContain(`${ids.length} created`);
    expect(imported.output).toContain(`${ids.length} pictures ready, 0 failed`);
    simili = await startSimili(['start', '--no-demo'], env);
  });
  afterAll(() => simili?.kill());

  test('query, feedback, retrain, progress, better model, roll back', () => walkTheLoop(simili, 'catalog'));

  test('the landing page looks, clicks and trains', { tags: ['chromium'] }, () => useThePage(simili));

  test('kill -9 during training and again during embedding: nothing acknowledged is lost, the job goes on by itself, no half model serves', async () => {
    const anchor = ids[5] as string;
    const before = await answers(simili, anchor);
    const { retrain } = await admin(simili, RETRAIN);
    expect(retrain.userErrors).toEqual([]);
    for (const reached of [
      (job: Json) => job.phase === 'TRAIN' && job.curve.length >= 2,
      (job: Json) => job.phase === 'EMBED' || job.phase === 'EVALUATE',
    ]) {
      await until(async () =>
        (await admin(simili, JOB)).jobs.find((job: Json) => job.id === retrain.job.id && reached(job)),
      );
      const click = {
        eventId: crypto.randomUUID(),
        occurredAt: new Date().toISOString(),
        recommendationId: before.recommendationId,
        itemId: before.edges[0].node.id,
      };
      const input = { visitor: { id: 'v' }, events: [{ click }] };
      expect((await storefront(simili, SUBMIT, { input })).data.submitFeedback.accepted).toBe(1);
      await simili.kill();

      simili = await startSimili(['start', '--no-demo'], env);
      const after = await answers(simili, anchor);
      expect(after.modelVersionId).toBe(before.modelVersionId);
      expect(after.edges).toHaveLength(8);
      expect((await storefront(simili, SUBMIT, { input })).data.submitFeedback).toMatchObject({
        accepted: 0,
        duplicates: 1,
      });
    }
    expect(await settled(simili, retrain.job.id)).toMatchObject({ state: 'SUCCEEDED', error: null });
    const { activeModel } = await admin(simili, JOB);
    expect((await answers(simili, anchor)).modelVersionId).toBe(activeModel.id);
  });

  test('a signal ends it in order', async () => {
    expect(await simili.stop(), simili.output()).toBe(0);
  });
});

test('the same with API and worker as processes of their own, on Postgres and Redis', {
  tags: ['postgres', 'redis'],
  timeout: 600_000,
}, async () => {
  await using database = await freshPostgresDatabase(postgresUrl());
  const env = settings({
    DATABASE_URL: database.url,
    REDIS_URL: redisUrl(),
    SIMILI_DATA_DIR: join(dir, 'worker'),
    SIMILI_RECIPE: 'head', // as it is without a word
  });
  await runSimili(['import', join(dir, 'pictures')], env);
  await using api = await startSimili(['serve'], env);
  const worker = runningWorker(env);
  try {
    await walkTheLoop(api, 'head');
    const { activeModel, models } = await admin(api, JOB);
    const { metrics } = models.find(({ id }: Json) => id === activeModel.id);
    expect(metrics.storage).toEqual({ recall10: expect.any(Number) }); // halves were measured: not so where the database is embedded
  } finally {
    await (await worker).kill();
  }
});

const runningWorker = (env: Record<string, string>) => startSimili(['worker'], env, /Working on/);
