import { expect, test } from 'vitest';
import { CategoryIndexRepository } from '../../src/db/category-indexes.ts';
import { stateOf } from '../../src/db/indexes/index-builds.ts';
import { openPostgres } from '../../src/db/postgres.ts';
import { makeRepositories } from '../../src/db/repositories.ts';
import { float, int, nested, oneOf, rows, text } from '../../src/db/sql/row.ts';
import { pictureSpace } from '../../src/ports/space.ts';
import { describeCatalogs } from '../contract/catalogs.contract.ts';
import { describeStorage } from '../contract/storage.contract.ts';
import { type Described, described, sitesInSource, untyped } from '../support/described.ts';
import { freshEmbedded } from '../support/embedded.ts';
import { freshPostgresDatabase, postgresUrl } from '../support/services.ts';

const watching: Described[] = [];
/** Each statement of the contracts is described by the database, and compared with the rows that it says it gives. */
async function onPGlite() {
  const own = await described(await freshEmbedded());
  watching.push(own);
  return own.storage;
}
describeStorage('PGlite', onPGlite);
describeCatalogs('PGlite', onPGlite);

test('every statement gives the rows that it says: columns, types, and no null where none is told', async () => {
  const last = await described(await freshEmbedded());
  const repositories = makeRepositories(last.storage, 'default');
  const { categoryNames, clickThrough, erasures, fallbacks, feedback, feedbackHealth, quarantines, recallAudits } =
    repositories;
  await erasures.firstTrainedAfter(new Date(0)); // these no contract asks for
  await quarantines.add({ visitorId: 'v', anchorId: null, itemId: null, since: null, until: null }, 'test', null);
  await feedback.days.forget(400);
  await feedback.tellingLists({ from: null, isWanted: () => true });
  await fallbacks.countPopular();
  await Promise.all([categoryNames.unknownCategories(['a']), categoryNames.unknownTags(['a'])]);
  await categoryNames.spelled({ categories: ['a'] });
  await fallbacks.list({ anchor: { id: 'a', groupId: null }, categories: null, filter: {}, limit: 1 });
  const span = { first: '2026-01-01', last: '2026-01-02', modelId: null };
  await Promise.all([clickThrough.days(span), clickThrough.cells(span)]);
  await Promise.all([feedbackHealth.counts(span.first), feedbackHealth.lists(span.first), recallAudits.sums(1, 24)]);
  await stateOf(last.storage.ask, { table: 'simili.product', name: 'simili.product_vec_idx', on: '' });
  const { prisma, ask } = last.storage;
  const onServer = { indexedFrom: null, buildIndex: async () => {} };
  await new CategoryIndexRepository(prisma, ask, onServer, 'default').build(1, pictureSpace(2));
  await last.storage.close();
  const all = [...watching, last];
  expect(all.flatMap(({ problems }) => problems)).toEqual([]);
  const seen = new Set(all.flatMap((own) => [...own.seen]));
  const sites = sitesInSource();
  expect(sites.length).toBeGreaterThan(30);
  expect(sites.filter(({ start }) => !seen.has(start))).toEqual([]);
  expect(untyped()).toEqual([]);
});

test('a row type that lies is told', async () => {
  const own = await described(await freshEmbedded());
  const { prisma } = own.storage;
  await rows(prisma, { n: text })`SELECT 1 AS n`;
  await rows(prisma, { m: int })`SELECT 2 AS n`;
  await rows(prisma, { n: int })`SELECT NULL::int AS n`;
  await rows(prisma, { url: text })`SELECT url FROM simili.product`;
  await prisma.$transaction(
    (tx) => rows(tx, { state: oneOf('simili.job_state', { QUEUED: 'QUEUED' }) })`SELECT state FROM simili.job`,
  );
  await own.storage.ask({ text: 'SELECT 1.5 AS n', row: { n: float } }, []);
  const within = nested({ id: text, n: int });
  await own.storage.ask({ text: `SELECT '[["a", 1], ["b", 2]]'::json AS told`, row: { told: within } }, []);
  for (const wrong of ['[["a", "1"]]', '[["a"]]', '[{"id": "a", "n": 1}]'])
    await own.storage.ask({ text: `SELECT '${wrong}'::json AS n`, row: { n: within } }, []);
  await own.storage.close();
  expect(own.problems.map((problem) => problem.replace(/,? (in|not of) .*/s, ''))).toEqual([
    'n is integer, not text',
    'n came as number',
    'columns n, not m',
    'n came as null',
    'url may be null',
    'state is one of CANCELLED,FAILED,QUEUED,RUNNING,SUCCEEDED',
    'n is numeric, not double precision',
    'n came as string',
    'n came as object',
    'n came as object',
    'n came as object',
  ]);
});

async function onPostgres() {
  const database = await freshPostgresDatabase(postgresUrl());
  const storage = await openPostgres(database.url);
  const close = async () => {
    await storage.close();
    await database[Symbol.asyncDispose]();
  };
  return { ...storage, close };
}
describeStorage('Postgres', onPostgres, ['postgres']);
describeCatalogs('Postgres', onPostgres, ['postgres']);
