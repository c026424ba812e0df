import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeRepositories, type Repositories } from '../../src/db/repositories.ts';
import { float } from '../../src/db/sql/row.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { addProducts } from '../support/fixtures.ts';

/* Repositories whose clock is an argument: what they write is by that clock, whatever this machine says. */
const YEAR_3000 = new Date('3000-01-01T00:00:00Z');
let database: FreshDatabase;
let repositories: Repositories;
beforeAll(async () => {
  database = await freshDatabase();
  repositories = makeRepositories({ ...database.storage, clock: { now: () => YEAR_3000 } }, 'default');
});
afterAll(() => database[Symbol.asyncDispose]());

test("the storage's own clock is the database's", async () => {
  const { ask, clock } = database.storage;
  const text = 'SELECT extract(epoch FROM clock_timestamp() - $1::timestamptz)::float8 AS behind';
  const [row] = await ask({ text, row: { behind: float } }, [clock.now().toISOString()]);
  expect(row!.behind).toBeGreaterThanOrEqual(0);
  expect(database.repositories.clock).toBe(clock);
});

test('a job ends, a version is promoted and a picture is due by the clock of its repositories', async () => {
  const { jobs, models, images } = repositories;
  const first = await jobs.create('RETRAIN', {}, 'test');
  expect(await jobs.cancel(first.id)).toMatchObject({ finishedAt: YEAR_3000, updatedAt: YEAR_3000 });

  const { id } = await jobs.create('RETRAIN', {}, 'test');
  const claimOf = async (phase: 'TRAIN' | 'EMBED' | 'EVALUATE') => (await jobs.claim(id, phase))!;
  const version = {
    kind: 'GOLDEN',
    parentId: null,
    dimensions: 2,
    checksum: '',
    artefact: new Uint8Array(),
    metrics: {},
  } as const;
  const claim = await claimOf('TRAIN');
  await jobs.heartbeat(claim, { message: 'half way' });
  expect(await jobs.byId(id)).toMatchObject({ message: 'half way', updatedAt: YEAR_3000 });
  const model = await models.commitTrained(claim, version);
  await models.commitEmbedded(await claimOf('EMBED'), model.id);
  await models.commitEvaluated(await claimOf('EVALUATE'), model.id, {}, []);
  expect(await models.byId(model.id)).toMatchObject({ promotedAt: YEAR_3000 });
  expect(await jobs.byId(id)).toMatchObject({ finishedAt: YEAR_3000 });

  await addProducts(database, [{ id: 'p', imageUrls: ['/p.png'] }]);
  const [image] = await images.claimPending(1, 60);
  await images.markFailed(image!, 'IMAGE_UNREACHABLE', 'away', 60);
  const stored = () => database.storage.prisma.productImage.findFirstOrThrow({ where: { id: image!.id } });
  expect(await stored()).toMatchObject({ updatedAt: YEAR_3000, retryAt: new Date(YEAR_3000.getTime() + 60_000) });
  await images.markReady(image!, { contentHash: 'h', mime: 'image/png', width: 1, height: 1 });
  expect(await stored()).toMatchObject({ checkedAt: YEAR_3000 });
});
