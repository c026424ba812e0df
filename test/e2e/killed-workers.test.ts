import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { makeRandom } from '../../learning/numbers/random.ts';
import { openPostgres } from '../../src/db/postgres.ts';
import { makeRepositories } from '../../src/db/repositories.ts';
import { freshPostgresDatabase, postgresUrl } from '../support/services.ts';
import { runSimili, startSimili } from '../support/simili-process.ts';
import { drawToyCatalog } from '../support/toy-catalog.ts';

/** A job that takes five workers with it without getting further is given up: one wave fewer. */
const WAVES = 4;
const WORKERS = 3;
/** A wave strikes at a random moment of so many milliseconds after its job has a holder. */
const WITHIN_MS = 2500;

test(`${WAVES * WORKERS} kills of workers, ${WORKERS} at a time: every job ends, each with one version, and none is left half done`, {
  tags: ['postgres'],
  timeout: 600_000,
}, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'simili-workers-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  await using database = await freshPostgresDatabase(postgresUrl());
  const storage = await openPostgres(database.url);
  onTestFinished(() => storage.close());
  const { jobs, models, embeddings } = makeRepositories(storage, 'default');
  const env = (machine: string) => ({
    DATABASE_URL: database.url,
    SIMILI_DATA_DIR: join(dir, machine),
    LOG_LEVEL: 'warn',
    SIMILI_RECIPE: 'catalog',
    SIMILI_ENCODER: 'none',
    SIMILI_TRAIN_SECONDS: '4',
    SIMILI_CHECKPOINT_SECONDS: '1',
  });
  const ids = await drawToyCatalog(join(dir, 'pictures'), 8);
  const imported = await runSimili(['import', join(dir, 'pictures')], env('0'));
  expect(imported.output).toContain(`${ids.length} created`);

  const random = makeRandom(12);
  const start = (i: number) => startSimili(['worker'], env(String(i)), /Working on/);
  const settled = async () => (await jobs.list(100)).every(({ state }) => !['QUEUED', 'RUNNING'].includes(state));
  for (let wave = 0; wave < WAVES; wave++) {
    const workers = await Promise.all(Array.from({ length: WORKERS }, (_, i) => start(i)));
    const fences = new Map((await jobs.list(100)).map(({ id, fence }) => [id, fence]));
    // Somebody of this wave holds a job: what held one before is dead, and its claim is taken over.
    await expect
      .poll(async () =>
        (await jobs.list(100)).some(({ id, fence, state }) => state === 'RUNNING' && fence > (fences.get(id) ?? 0)),
      )
      .toBe(true);
    await sleep(WITHIN_MS * random.next());
    await Promise.all(workers.map((worker) => worker.kill()));
  }

  await using _last = await start(0);
  await expect
    .poll(async () => (await settled()) && (await jobs.last('RETRAIN'))?.state, { timeout: 300_000 })
    .toBe('SUCCEEDED');
  const all = await jobs.list(100);
  expect(all.map(({ state, error }) => ({ state, error }))).toEqual(
    all.map(() => ({ state: 'SUCCEEDED', error: null })),
  );
  const versions = await models.list(100);
  expect(versions.map(({ jobId }) => jobId).sort()).toEqual(all.map(({ id }) => id).sort());
  expect(versions.filter(({ state }) => state === 'ACTIVE')).toHaveLength(1);
  const active = await models.active();
  const count = await embeddings.count(active!.number);
  expect(count).toBe(ids.length);
});
